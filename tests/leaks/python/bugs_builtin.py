# SPDX-License-Identifier: GPL-2.0-or-later
"""One object of each built-in type, made by an extension and forgotten."""
import array
import collections
import datetime
import decimal
import functools
import io
import itertools
import re
import types

import cases
import pm_lose_builtin as lose


def case_list():
    lose.a_list(3)      # LEAK: definite, list 1, indirect 4, taker a_list


def case_empty_list():
    lose.a_list(0)      # LEAK: definite, list 1, taker a_list


def case_dict():
    lose.a_dict(4)      # LEAK: definite, dict 1, indirect 9, taker a_dict


def case_tuple():
    lose.a_tuple(3)     # LEAK: definite, tuple 1, indirect 3, taker a_tuple


def case_set():
    lose.a_set(3)       # LEAK: definite, set 1, indirect 3, taker a_set


def case_large_set():
    lose.a_set(30)      # LEAK: definite, set 1, indirect 31, taker a_set


def case_frozenset():
    lose.a_frozenset(3)     # LEAK: definite, frozenset 1, indirect 3, taker a_frozenset


def case_str():
    lose.a_str()        # LEAK: definite, str 1, taker a_str


def case_str_with_utf8():
    lose.a_str_with_utf8()      # LEAK: definite, str 1, indirect 1, taker a_str_with_utf8


def case_bytes():
    lose.some_bytes(1000)       # LEAK: definite, bytes 1, bytes >=1000, taker some_bytes


def case_bytearray():
    lose.a_bytearray(1000)      # LEAK: definite, bytearray 1, indirect 1, taker a_bytearray


def case_int():
    lose.an_int()       # LEAK: definite, int 1, taker an_int


def case_float():
    lose.a_float()      # LEAK: definite, float 1, taker a_float


def case_complex():
    lose.a_complex()    # LEAK: definite, complex 1, taker a_complex


def case_slice():
    lose.a_slice()      # LEAK: definite, slice 1, indirect 2, taker a_slice


def case_range():
    lose.a_range()      # LEAK: definite, range 1, indirect 4, taker a_range


def case_module():
    lose.a_module()     # LEAK: definite, module 1, indirect >=2, taker a_module


def case_function():
    lose.a_function(compile("1", "lost.py", "exec"))    # LEAK: definite, function 1, indirect >=2, taker a_function


def case_builtin_function():
    lose.a_builtin_function()   # LEAK: definite, builtin_function_or_method 1, indirect 1, taker a_builtin_function


def case_method():
    lose.a_method()     # LEAK: definite, method 1, indirect 2, taker a_method


def case_code():
    lose.a_code()       # LEAK: definite, code 1, indirect >=2, taker a_code


def case_list_iterator():
    lose.a_list_iterator(3)     # LEAK: definite, list_iterator 1, indirect 5, taker a_list_iterator


def case_sequence_iterator():
    lose.a_sequence_iterator(3)     # LEAK: definite, iterator 1, indirect 5, taker a_sequence_iterator


def case_callable_iterator():
    lose.a_callable_iterator()      # LEAK: definite, callable_iterator 1, indirect 1, taker a_callable_iterator


def case_weakref():
    lose.a_weakref()    # LEAK: definite, weakref|weakref.ReferenceType 1, taker a_weakref


def case_cell():
    lose.a_cell()       # LEAK: definite, cell 1, indirect 1, taker a_cell


def case_memoryview():
    lose.a_memoryview()     # LEAK: definite, memoryview 1, indirect 1, taker a_memoryview


def case_capsule():
    lose.a_capsule()    # LEAK: definite, PyCapsule 1, taker a_capsule


def case_mappingproxy():
    lose.a_mappingproxy()   # LEAK: definite, mappingproxy 1, indirect 1, taker a_mappingproxy


def count_to(limit):
    for number in range(limit):
        yield number


async def wait_for_nothing():
    return 1


def case_generator():
    lose.result_of(count_to, 5)     # LEAK: definite, generator 1, indirect >=0, taker result_of


def case_coroutine():
    lose.result_of(wait_for_nothing)    # LEAK: definite, coroutine 1, indirect >=0, taker result_of


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y


class Slotted:
    __slots__ = ("x",)

    def __init__(self, x):
        self.x = x


def case_instance():
    lose.result_of(Point, 70001, 70002)     # LEAK: definite, __main__.Point 1, indirect >=0, taker result_of


def case_instance_with_slots():
    lose.result_of(Slotted, 70003)      # LEAK: definite, __main__.Slotted 1, indirect >=0, taker result_of


def case_namespace():
    lose.result_of(types.SimpleNamespace)       # LEAK: definite, types.SimpleNamespace 1, indirect >=1, taker result_of


def case_property():
    lose.result_of(property, None, None, None, "some doc")      # LEAK: definite, property 1, indirect >=0, taker result_of


def case_staticmethod():
    lose.result_of(staticmethod, 12.5)      # LEAK: definite, staticmethod 1, indirect >=0, taker result_of


def case_enumerate():
    lose.result_of(enumerate, [])       # LEAK: definite, enumerate 1, indirect >=1, taker result_of


def case_zip():
    lose.result_of(zip, "abc", b"123")      # LEAK: definite, zip 1, indirect >=2, taker result_of


def case_map():
    lose.result_of(map, str, [])        # LEAK: definite, map 1, indirect >=2, taker result_of


def case_reversed():
    lose.result_of(reversed, (1, 2))    # LEAK: definite, reversed 1, indirect >=0, taker result_of


def case_exception():
    lose.result_of(ValueError, "a value")   # LEAK: definite, ValueError 1, indirect >=1, taker result_of


def case_deque():
    lose.result_of(collections.deque, b"1234")      # LEAK: definite, collections.deque 1, indirect >=1, taker result_of


def case_ordered_dict():
    lose.result_of(collections.OrderedDict)     # LEAK: definite, collections.OrderedDict 1, indirect >=0, taker result_of


def case_date():
    lose.result_of(datetime.date, 2026, 11, 21)     # LEAK: definite, datetime.date 1, indirect >=0, taker result_of


def case_decimal():
    lose.result_of(decimal.Decimal, "1.25")     # LEAK: definite, decimal.Decimal 1, indirect >=0, taker result_of


def case_array():
    lose.result_of(array.array, "d", [1.0, 2.0])    # LEAK: definite, array.array 1, indirect >=1, taker result_of


def case_partial():
    lose.result_of(functools.partial, print)    # LEAK: definite, functools.partial 1, indirect >=1, taker result_of


def case_count():
    lose.result_of(itertools.count, 70004)      # LEAK: definite, itertools.count 1, indirect >=0, taker result_of


def case_bytes_io():
    lose.result_of(io.BytesIO, b"some text")    # LEAK: definite, _io.BytesIO 1, indirect >=0, taker result_of


def case_match():
    pattern = re.compile("a+b")
    lose.result_of(pattern.match, "aab")    # LEAK: definite, re.Match 1, indirect >=0, taker result_of


def case_reference_to_python_object():
    mine = ["made here", 1.5, (2.5, object())]      # LEAK: definite, list 1, indirect >=2, taker keep_reference
    lose.keep_reference(mine)


cases.run(globals(), lose)
