# SPDX-License-Identifier: GPL-2.0-or-later
"""The same as stacks.py, for Python 2.7. Usage: stacks_2_7.py OUTPUT."""
import contextlib
import functools
import gc
import json
import os
import sys
import threading

import pm_probe
from pm_probe import take


def plain():
    take("plain")
    inner(
        1,
        take("argument on its own line"),
    )


def inner(_first, _second, (_third, _fourth)=(1, 2)):
    return (1,
            take("inside a tuple display"))


class Old:
    take("old-style class body")

    def __init__(self):
        take("old-style __init__")

    def __getattr__(self, name):
        take("old-style __getattr__")
        return lambda *args: take("old-style attribute") or 0

    def __del__(self):
        take("old-style __del__")


class New(object):
    take("class body")

    class Nested(object):
        take("nested class body")

        def method(self):
            take("method of a nested class")

    def __new__(cls):
        take("__new__")
        return super(New, cls).__new__(cls)

    @classmethod
    def for_class(cls):
        take("classmethod")

    @staticmethod
    def for_none():
        take("staticmethod")

    @property
    def attribute(self):
        take("property")
        return 1

    def __cmp__(self, other):
        take("__cmp__")
        return 0

    def __repr__(self):
        take("__repr__")
        return "New"

    def __del__(self):
        take("__del__")


class Meta(type):
    def __new__(mcs, name, bases, namespace):
        take("metaclass")
        return type.__new__(mcs, name, bases, namespace)


def classes():
    Old().missing
    len([Old() == Old()])
    new = New()
    new.for_class()
    new.for_none()
    new.attribute
    new == New()
    repr(new)
    "%s %r" % (new, new)
    New.Nested().method()

    class Made(object):
        __metaclass__ = Meta
        take("class body in a function")
    return Made


def closures():
    captured = []

    def add():
        captured.append(1)
        take("closure")
        (lambda: [
            take("lambda in a closure")
        ])()
    add()
    functools.partial(add)()


def comprehensions():
    [take("list %d" % i)
     for i in range(2)
     if take("condition %d" % i) is None]
    {take("set %d" % i)
     for i in range(2)}
    {take("key %d" % i):
     take("value %d" % i)
     for i in range(2)}
    list(take("generator expression %d" % i)
         for i in range(2))
    [[take("nested") for _ in range(2)] for _ in range(2)]


def counter():
    take("generator start")
    try:
        while True:
            try:
                got = yield
                take("generator sent %s" % got)
            except KeyError:
                take("generator thrown into")
    finally:
        take("generator closed")


def delegating():
    for value in counter():
        take("between generators")
        yield value


def generators():
    generator = counter()
    next(generator)
    generator.send("a value")
    generator.throw(KeyError())
    generator.close()
    take("after close")
    generator = delegating()
    next(generator)
    next(generator)
    del generator
    for _ in zip(finite(2), finite(2)):
        take("between two generators")


def finite(count):
    for i in range(count):
        take("finite %d" % i)
        yield i


def decorate(label):
    take("decorator factory " + label)

    def decorator(function):
        take("decorator " + label)

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            take("wrapper " + label)
            return function(*args, **kwargs)
        return wrapper
    return decorator


@decorate("outer")
@decorate(
    "inner")
def decorated(x):
    take("decorated")
    return x


@contextlib.contextmanager
def context():
    take("context enter")
    yield
    take("context exit")


def called_from_c():
    map(lambda x: take("map %d" % x), range(2))
    sorted([3, 1, 2],
           key=lambda x: take("sorted key %d" % x) or x)
    sorted([3, 1, 2],
           cmp=lambda x, y: take("sorted cmp") or x - y)
    max((1, 2), key=lambda x: (take("max key"), x))
    reduce(lambda a, b: take("reduce") or b, [1, 2, 3])
    filter(lambda x: take("filter"), [1])
    apply(lambda: take("apply"))
    json.dumps(object(), default=lambda o: take("json default"))
    # C in the middle twice: Python, C, Python, C, Python.
    map(lambda x: sorted([x], key=lambda y: take("key in a map") or y), [1, 2])


def executed():
    source = "\n\ntake('exec module level')\ndef f():\n    take('exec function')\nf()\n"
    exec compile(source, "a compiled string", "exec") in {"take": take}
    eval("take('eval')", {"take": take})
    exec "take('plain exec')"
    exec compile("\n" * 70000 + "take('a line past 16 bits')", "long.py", "exec") in {"take": take}
    execfile(os.path.join(imported_folder(), "executed.py"), {"take": take})


def raises(depth):
    try:
        if depth == 0:
            take("before raise")
            raise ValueError("at the bottom")
        raises(depth - 1)
    except ValueError:
        if depth % 2:
            take("except %d" % depth)
        raise
    finally:
        take("finally %d" % depth)


def exceptions():
    try:
        raises(6)
    except ValueError:
        take("caught")
    else:
        take("never reached")
    with context():
        take("with block")
    try:
        map(raises, [1])
    except ValueError:
        take("through C")


def recurse(depth):
    if depth == 0:
        take("recursion bottom")
        return
    recurse(depth - 1)
    if depth % 25 == 0:
        take("recursion returning %d" % depth)


def recurse_for_ever():
    try:
        recurse_for_ever()
    except RuntimeError:
        take("recursion limit")
        raise


def recursion():
    recurse(10)
    recurse(100)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(150)
    try:
        recurse_for_ever()
    except RuntimeError:
        take("recursion unwound")
    sys.setrecursionlimit(limit)


class Dying(object):
    def __init__(self, cycle):
        self.cycle = cycle

    def __del__(self):
        take("finalizer")


def deletion():
    Dying(None)
    # An object with a finalizer. It is in no cycle, but a cycle keeps it.
    kept = [Dying(None)]
    kept.append(kept)
    del kept
    gc.collect()


def in_thread(label):
    take("thread " + label)
    recurse(3)


def threads():
    for i in range(2):
        thread = threading.Thread(target=in_thread, args=(str(i),))
        thread.start()
        thread.join()
    started, go = threading.Event(), threading.Event()

    def waiting():
        started.set()
        go.wait()
        take("thread after waiting")
    thread = threading.Thread(target=waiting)
    thread.start()
    started.wait()
    take("main while a thread waits")
    go.set()
    thread.join()
    take("main after a thread")


def callback_from_c():
    take("in a thread made by C")
    in_thread("made by C")


def c_threads():
    pm_probe.run_thread(callback_from_c)
    take("after a C thread")
    pm_probe.run_thread(
        lambda: pm_probe.take_without_gil("no GIL in a C thread"))


def traced():
    def tracer(frame, event, arg):
        take("trace function " + event)
        return tracer
    sys.settrace(tracer)
    traced_body()
    sys.settrace(None)
    take("after tracing")


def traced_body():
    take("traced")
    return 1


def imported_folder():
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "imported")


def main():
    plain()
    classes()
    closures()
    comprehensions()
    generators()
    decorated(1)
    called_from_c()
    executed()
    exceptions()
    recursion()
    deletion()
    threads()
    c_threads()
    pm_probe.take_without_gil("without the GIL")
    traced()
    sys.path.insert(0, imported_folder())
    import outer_module
    outer_module.function()


if __name__ == "__main__":
    take("module level")
    main()
    with open(sys.argv[1], "w") as output:
        json.dump(pm_probe.taken, output)
