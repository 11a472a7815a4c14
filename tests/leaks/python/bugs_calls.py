# SPDX-License-Identifier: GPL-2.0-or-later
"""Common mistakes in calls of the C API, at the call's line in Python."""
import gc

import cases
import pm_lose_calls as lose


def case_error_path():
    for text in "abc":
        try:
            lose.parse(text)        # LEAK: definite, dict 3, indirect >=6, taker parse
        except ValueError:
            pass


def case_set_item():
    target = {}
    for _ in range(3):
        lose.set_item(target)       # LEAK: definite, bytes 3, taker set_item


def case_append():
    target = []
    lose.append(target)             # LEAK: definite, list 1, indirect 3, taker append


def case_build_value_o_for_n():
    for _ in range(5):
        lose.pair()                 # LEAK: definite, list 5, indirect 10, taker pair


def case_add_object_fails():
    try:
        lose.add_object(12.5)       # LEAK: definite, list 1, indirect 2, taker add_object
    except TypeError:
        pass


def case_buffer_not_released():
    exporter = bytearray(1000)      # LEAK: definite, bytearray 1, indirect 1, taker hold_buffer
    lose.hold_buffer(exporter)


def case_iterator_items():
    numbers = [n * 1.5 for n in range(12)]      # LEAK: definite, float 12, taker sum_items
    lose.sum_items(numbers)


def case_iterator_items_of_generator():
    lose.sum_items(n * 2.5 for n in range(12))  # LEAK: definite, float 12, taker sum_items


def case_iterator_left_early():
    values = [object(), object()]
    lose.first_item(values)         # LEAK: definite, list_iterator 1, indirect 4, taker first_item


def case_fast_sequence():
    lose.fast_sequence({1.5: 2.5}.values())     # LEAK: definite, list 1, indirect 2, taker fast_sequence


class Owner:
    @property
    def attribute(self):
        return [6.5]                # LEAK: definite, list 1, indirect >=1, taker attribute


def case_attribute():
    lose.attribute(Owner())


def case_callback():
    def callback():
        return {"made in": "a callback"}        # LEAK: definite, dict 8, indirect >=8, taker call_back

    for _ in range(8):
        lose.call_back(callback)


def case_lambda():
    lose.call_back(lambda: (object(), object()))    # LEAK: definite, tuple 1, indirect 2, taker call_back


def case_raise_object():
    for _ in range(3):
        try:
            lose.raise_object()     # LEAK: definite, list 3, indirect 6, taker raise_object
        except KeyError:
            pass


def case_encoded_argument():
    for _ in range(3):
        lose.encoded("text with 26 letters in it")      # LEAK: definite, raw 3, bytes 81


def case_wide_string():
    lose.wide("text")               # LEAK: definite, raw 1, bytes 20


def case_cache_overwritten():
    for _ in range(6):
        lose.remember(2)            # LEAK: definite, list 5, indirect 15, taker remember
    if cases.CAREFUL:
        lose.forget()


def case_surplus_on_a_static_variable():
    for _ in range(9):
        lose.get_constant(1)        # LEAK: surplus, list 1, references 9, taker get_constant


class Guard:
    def __del__(self):
        lose.call_back(list)        # LEAK: definite, list 2, taker call_back


def case_in_del():
    Guard()
    guard = Guard()
    guard.itself = guard
    del guard
    gc.collect()


class Last:
    def __del__(self, call_back=lose.call_back, kind=list):
        call_back(kind)             # LEAK: definite, list 1, phase finalization, taker call_back


def case_in_del_at_the_end():
    Last.kept = Last()


def case_specializing_call_site():
    for _ in range(500):
        lose.call_back(dict)        # LEAK: definite, dict 500, taker call_back if >=3.10; definite, dict 500, indirect 500, taker call_back if <3.10


def case_recursion():
    def deeper(depth):
        if depth:
            deeper(depth - 1)
        else:
            lose.call_back(set)     # LEAK: definite, set 1, taker call_back

    deeper(50)


def case_deep_in_a_comprehension():
    [lose.call_back(list) for _ in range(3)]    # LEAK: definite, list 3, taker call_back


cases.run(globals(), lose)
