# SPDX-License-Identifier: GPL-2.0-or-later
"""Clean programs: Python code and its own objects. No leak may be found."""
import collections
import contextlib
import copy
import functools
import gc
import pickle
import sys
import weakref

import cases

CACHE = {}
KEPT = []


@functools.lru_cache(maxsize=50)
def fibonacci(number):
    return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)


def case_caches():
    assert fibonacci(80) > 10 ** 15
    for number in range(300):
        CACHE[number % 40, str(number)] = [number, number + 0.5]


def case_interned_strings():
    for number in range(100):
        name = sys.intern("pm_clean_name_%d" % number)
        KEPT.append(name)
        setattr(Person, name, number)


class Person:
    def __init__(self, name, friend=None):
        self.name, self.friend = name, friend


def case_cycles():
    for number in range(50):
        one, two = Person("one"), Person("two")
        one.friend, two.friend = two, one
        items = [number]
        items.append(items)
    gc.collect()
    KEPT.append(one)


def case_cycles_left_to_the_end():
    for number in range(20):
        one = Person(number)
        one.friend = lambda: one
    gc.disable()
    gc.enable()


class Slotted:
    __slots__ = ("one", "two", "__weakref__")


class Meta(type):
    def __new__(meta, name, bases, namespace):
        namespace["made_by"] = meta
        return super().__new__(meta, name, bases, namespace)


def case_classes():
    for number in range(10):
        made = Meta("Made%d" % number, (Person,), {"number": number})
        KEPT.append(made("somebody"))
    slotted = Slotted()
    slotted.one, slotted.two = [1.5], {2.5: slotted}
    KEPT.append(slotted)
    named = collections.namedtuple("Named", "one two")
    KEPT.append(named(1.5, [2.5]))


def forever():
    number = 0
    while True:
        received = yield [number]
        number += received or 1


def case_suspended_generators():
    for _ in range(10):
        generator = forever()
        next(generator)
        generator.send(5)
        KEPT.append(generator)
    KEPT.append(zip(forever(), enumerate(forever())))


def fail(depth):
    local = [depth]
    if depth == 0:
        raise LookupError(local)
    fail(depth - 1)


def case_exceptions():
    for _ in range(10):
        try:
            fail(5)
        except LookupError as error:
            KEPT.append(error)
    try:
        try:
            fail(3)
        except LookupError as error:
            raise RuntimeError("again") from error
    except RuntimeError as error:
        KEPT.append(error)


def case_recursion_error():
    def deeper(number):
        return deeper(number + 1) + 1

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        deeper(0)
    except RecursionError as error:
        KEPT.append(str(error))
    finally:
        sys.setrecursionlimit(limit)


def case_weakrefs():
    people = [Person(number) for number in range(20)]
    references = [weakref.ref(person, KEPT.append) for person in people]
    values = weakref.WeakValueDictionary((person.name, person) for person in people)
    keys = weakref.WeakKeyDictionary((person, [person.name]) for person in people)
    weakref.finalize(people[3], KEPT.append, "gone")
    del people[10:]
    KEPT.append((people, references, values, keys))


def case_large_containers():
    KEPT.append([float(n) for n in range(5000)])
    KEPT.append({n: str(n) for n in range(2000)})
    KEPT.append({(n, n + 1) for n in range(2000)})
    KEPT.append(tuple(bytes([n % 256]) * 20 for n in range(1000)))
    KEPT.append(collections.deque(range(1000, 3000)))


def case_closures_and_partials():
    def counter():
        count = [0.5]

        def add(step):
            count[0] += step
            return count

        return add

    adders = [counter() for _ in range(10)]
    KEPT.extend(functools.partial(adder, 1.5) for adder in adders)
    KEPT.append([adder(2.5) for adder in adders])
    KEPT.append(Person("bound").__init__)


def case_context_managers():
    @contextlib.contextmanager
    def opened(name):
        try:
            yield [name]
        finally:
            KEPT.append(name)

    with contextlib.ExitStack() as stack:
        for name in "abc":
            stack.enter_context(opened(name))


def case_copies():
    value = {"list": [1.5, Person("inner")], "tuple": (2.5, b"bytes"), "set": {3.5}}
    value["itself"] = value
    KEPT.append(copy.deepcopy(value))
    KEPT.append(pickle.loads(pickle.dumps(value)))


def case_big_numbers_and_text():
    KEPT.append([3 ** number for number in range(200)])
    KEPT.append([complex(number, 0.5) for number in range(20)])
    text = "".join(chr(0x400 + number) for number in range(100))
    text.encode()
    KEPT.append([text[number:] for number in range(50)])
    KEPT.append(bytearray(b"12345" * 100))
    KEPT.append(memoryview(KEPT[-1])[5:])


def case_attributes_of_many_kinds():
    for number in range(40):
        person = Person(number)
        person.__dict__["extra%d" % (number % 7)] = [number]
        del person.friend
        KEPT.append(person)
    person.__dict__ = {"fresh": 1.5}
    vars(KEPT[-2]).clear()


cases.run(globals())
