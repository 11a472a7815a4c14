# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls Python functions in every way. With the argument "profile" it prints what sys.setprofile tells of the functions of
this file, as CALL and RTN lines: depth, line of the event, function."""
import sys

CODES = set()


def plain(n):
    return n + 1


def nested(n):
    if n == 0:
        return 0
    return nested(n - 1) + plain(n)


def many_arguments(a, b=2, *rest, c=3, **others):
    return a + b + c + len(rest) + len(others)


def closure(n):
    def inner():
        nonlocal n
        n += 1
        return n
    return inner() + inner()


def numbers(n):
    for i in range(n):
        yield plain(i)


def delegating(n):
    yield from numbers(n)
    return n


def unfinished():
    try:
        yield 1
        yield 2
    finally:
        plain(3)


def caught():
    try:
        yield 1
    except ValueError:
        plain(4)
    yield 2
    yield 3


def passing():
    yield from caught()


def passing_twice():
    yield from passing()


def thrown():
    part = passing_twice()
    next(part)
    part.throw(ValueError())        # caught far inside: those between only pass it on
    list(part)
    part = passing_twice()
    next(part)
    try:
        part.throw(KeyError())      # leaves them all
    except KeyError:
        plain(5)


def raising(n):
    if n == 0:
        raise ValueError(n)
    raising(n - 1)


def catching():
    try:
        raising(3)
    except ValueError:
        return plain(1)


def reraising():
    try:
        raising(1)
    finally:
        plain(2)


class Thing:
    made = 0

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if i >= self.n:
            raise IndexError
        return i

    def __eq__(self, other):
        return plain(self.n) == other

    def __hash__(self):
        return 7

    @property
    def value(self):
        return self.n

    @classmethod
    def make(cls):
        return cls(2)

    @staticmethod
    def static(n):
        return plain(n)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        return True

    def __call__(self):
        return plain(self.n)


class Child(Thing):
    def __init__(self, n):
        super().__init__(n + 1)


class Awaitable:
    def __init__(self, n):
        self.n = n

    def __await__(self):
        yield self.n
        return self.n


async def coroutine(n):
    first = await Awaitable(n)
    return first + await Awaitable(n + 1)


async def asynchronous(n):
    total = 0
    for i in range(n):
        total += await coroutine(i)
    return total


async def cancelled(n):
    try:
        await coroutine(n)
    except LookupError:
        return await coroutine(n)


async def waiting(n):
    return await cancelled(n)


def cancel(awaitable):
    awaitable.send(None)
    awaitable.throw(LookupError())
    drive(awaitable)


def drive(awaitable):
    try:
        while True:
            awaitable.send(None)
    except StopIteration as stop:
        return stop.value


def once():
    plain(1)
    nested(3)
    many_arguments(1, 2, 3, c=4, d=5)
    closure(1)
    list(numbers(3))
    list(delegating(2))
    part = unfinished()
    next(part)
    part.close()
    catching()
    try:
        reraising()
    except ValueError:
        pass
    thing = Thing(2)
    len(thing), list(thing), thing == 3, {thing: 1}, thing.value, Thing.make(), Thing.static(1), Child(1), thing()
    with thing:
        raising(0)
    sorted([3, 1, 2], key=plain)
    list(map(plain, [1, 2]))
    [plain(i) for i in range(2)]
    sum(plain(i) for i in range(2))
    drive(coroutine(1))
    drive(asynchronous(2))
    cancel(waiting(1))
    thrown()
    (lambda n: plain(n))(1)
    max([1, 2], key=lambda n: plain(n))


def run():
    for _ in range(12):
        once()


def profile(frame, event, argument):
    if event in ("call", "return") and frame.f_code.co_filename == __file__:
        events.append((event == "call" and "CALL" or "RTN", frame.f_lineno, frame.f_code.co_name))


if len(sys.argv) > 1:
    events = []
    sys.setprofile(profile)
    run()
    sys.setprofile(None)
    depth = 0
    for kind, line, name in events:
        depth -= kind == "RTN"
        print(kind, depth, line, name)
        depth += kind == "CALL"
else:
    run()
