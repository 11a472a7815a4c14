# SPDX-License-Identifier: GPL-2.0-or-later
"""Classes, instances, closures, generators, properties, exceptions, weak references."""
import abc
import collections
import enum
import functools
import types
import typing
import weakref

try:
    import dataclasses
except ImportError:         # 3.6
    dataclasses = None


class Plain:
    def __init__(self, n):
        self.number = n
        self.name = f"plain {n}"
        if n % 10 == 0:
            self.extra = [n]


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left, self.right = left, right


if dataclasses:
    @dataclasses.dataclass
    class Point:
        x: int
        y: float = 0.5
        tags: list = dataclasses.field(default_factory=list)
else:
    class Point:
        def __init__(self, x, y, tags):
            self.x, self.y, self.tags = x, y, tags


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


class Named(typing.NamedTuple):
    first: int
    second: str


class Base(abc.ABC):
    @abc.abstractmethod
    def run(self):
        """Does nothing."""


class Derived(Base):
    def run(self):
        return 1


class Reviving:
    def __init__(self, kept):
        self.kept = kept

    def __del__(self):
        self.kept.append(self)


def closure(n):
    def add(m):
        return n + m
    return add


def generator(n):
    local = [n] * 10
    yield local
    yield n


def main():
    plain = [Plain(n) for n in range(200)]
    slotted = [Slotted(n, str(n)) for n in range(200)]
    points = [Point(n, n / 3, [n]) for n in range(100)]
    named = [Named(n, "name") for n in range(100)]
    derived = [Derived() for _ in range(50)]
    for one in derived[:10]:
        one.added_later = one
    closures = [closure(n) for n in range(100)]
    started = [generator(n) for n in range(50)]
    for one in started:
        next(one)
    made = [type(f"Made{n}", (Plain,), {"attribute": n}) for n in range(20)]
    instances = [cls(1) for cls in made]
    partials = [functools.partial(closure, n) for n in range(50)]
    weak = weakref.WeakValueDictionary((n, plain[n]) for n in range(50))
    references = [weakref.ref(one) for one in plain]
    errors = []
    for n in range(30):
        try:
            raise ValueError(n)
        except ValueError as error:
            errors.append(error)
    cycles = []
    for n in range(50):
        left, right = Plain(n), Plain(n)
        left.other, right.other = right, left
        if n % 2:
            cycles.append(left)
    left = right = None
    revived = []
    for n in range(40):
        Reviving(revived)
    bound = [one.run for one in derived]
    spaces = [types.SimpleNamespace(a=n, b=str(n)) for n in range(40)]
    chain = collections.ChainMap(*({n: n} for n in range(20)))
    counts = collections.Counter("a text of some length" * 5)
    queue = collections.deque(range(500), maxlen=300)
    groups = collections.defaultdict(list)
    for n in range(200):
        groups[n % 13].append(n)
    ordered = collections.OrderedDict((str(n), n) for n in range(100))
    ordered.move_to_end("5")
    del ordered["7"]
    return locals()
