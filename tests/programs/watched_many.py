# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes 10,000 objects of ten types: they are sorted, copied, hashed, stored in containers of all kinds, passed through
generators and threads, and some die. With the argument "library" the standard library's own tests of lists, tuples, dicts and
sets then run on these types. Prints the address and reference count of each object that lives, and ends without
finalization."""
from __future__ import print_function
import collections
import copy
import heapq
import os
import random
import sys
import threading


class Plain(object):
    def __init__(self, number):
        self.number = number

    def __lt__(self, other):
        return self.number < other.number


class Slotted(Plain):
    __slots__ = ("extra",)


class Text(str):
    pass


class Number(float):
    pass


class Items(list):
    pass


class Pair(tuple):
    pass


class Table(dict):
    pass


class Group(frozenset):
    pass


class Error(ValueError):
    pass


class Ring(collections.deque):
    pass


MAKERS = [Plain, Slotted, lambda number: Text("t%d" % number), Number, lambda number: Items([number]),
          lambda number: Pair((number, number)), lambda number: Table(number=number), lambda number: Group([number]), Error,
          lambda number: Ring([number])]
COUNT = 1000


def shuffled(objects):
    for value in objects:
        yield value


def exercise(objects):
    random.Random(5).shuffle(objects)
    by_name = {}
    for number, value in enumerate(shuffled(objects)):
        by_name[number] = value
        other = value
        pair = (value, other)
        del pair
        if number % 7 == 0:
            try:
                raise RuntimeError(value)
            except RuntimeError as error:
                assert error.args[0] is value
        if number % 11 == 0:
            value.myself = [value]      # a reference that stays
    order = sorted(objects, key=id)
    heap = [(id(value), value) for value in order[::-1]]
    heapq.heapify(heap)
    while len(heap) > 10:
        heapq.heappop(heap)
    heap = by_name = order = None


def in_thread(objects):
    queue = collections.deque(objects)
    while queue:
        value = queue.popleft()
        copy.copy(value)
    list(map(type, objects))


def run_library_tests():
    """Some of them fail, as they expect the type itself and not a subclass. Prints how many ran."""
    import unittest
    ran = 0
    for module, case, attribute, kind in [("list_tests", "CommonTest", "type2test", Items), ("seq_tests", "CommonTest", "type2test", Pair),
                                          ("mapping_tests", "TestHashMappingProtocol", "type2test", Table),
                                          ("test_set", "TestFrozenSetSubclass", "thetype", Group)]:
        __import__("test." + module)
        base = getattr(sys.modules["test." + module], case)
        bases = (base,) if issubclass(base, unittest.TestCase) else (base, unittest.TestCase)
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(type("Library", bases, {attribute: kind}))
        with open(os.devnull, "w") as nowhere:
            ran += unittest.TextTestRunner(stream=nowhere).run(suite).testsRun
    print("%d tests of the library" % ran)


def make():
    living = [make(number) for make in MAKERS for number in range(COUNT)]
    dying = [make(number) for make in MAKERS for number in range(COUNT // 10)]
    exercise(living)
    exercise(dying)
    for value in dying:
        getattr(value, "__dict__", {}).pop("myself", None)
    return living


LIVING = make()
THREADS = [threading.Thread(target=in_thread, args=(LIVING[start::2],)) for start in range(2)]
for thread in THREADS:
    thread.start()
for thread in THREADS:
    thread.join()
if "library" in sys.argv:
    run_library_tests()
# One reference is that of the argument of getrefcount, and one that of the loop variable.
for value in LIVING:
    print("%#x %d" % (id(value), sys.getrefcount(value) - 2))
del value
sys.stdout.flush()
os._exit(0)
