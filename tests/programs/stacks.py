# SPDX-License-Identifier: GPL-2.0-or-later
"""Allocates through pm_probe from every kind of Python frame. For 3.6 and later. Later syntax is in
stacks_3_8.py and stacks_3_11.py.

Usage: stacks.py OUTPUT. pm_probe records the running frames that the interpreter
itself reports, and the script writes them to OUTPUT as JSON. A tool that watches
from outside must see the same frames at the same allocations. Calls are spread
over several lines, since the line of every frame counts.
"""
import asyncio
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


def inner(_first, _second):
    x = (1,
         take("inside a tuple display"))
    return x


class Shape:
    take("class body")

    class Nested:
        take("nested class body")

        def method(self):
            take("method of a nested class")

    def method(self):
        take("method")
        return self

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

    def __getattr__(self, name):
        take("__getattr__ " + name)
        return name

    def __eq__(self, other):
        take("__eq__")
        return True

    __hash__ = None


class Made:
    def __new__(cls):
        take("__new__")
        return super().__new__(cls)

    def __init__(self):
        take("__init__")

    def __init_subclass__(cls):
        take("__init_subclass__")


def classes():
    shape = Shape().method()
    shape.for_class()
    shape.for_none()
    shape.attribute
    shape.missing
    shape == shape
    Shape.Nested().method()
    Made()

    class Derived(Made):
        take("class body in a function")
    Derived()


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
    [take(f"list comprehension {i}")
     for i in range(2)]
    {take(f"set comprehension {i}") for i in range(2)}
    {i: take(f"dict comprehension {i}")
     for i in range(2)
     if take(f"condition {i}") is None}
    list(take(f"generator expression {i}")
         for i in range(2))
    [[take(f"nested {i}{j}") for j in range(2)] for i in range(2)]


def counter():
    take("generator start")
    try:
        while True:
            try:
                got = yield
                take(f"generator sent {got}")
            except KeyError:
                take("generator thrown into")
    finally:
        take("generator closed")


def delegating():
    take("before yield from")
    yield from counter()


def generators():
    for make in counter, delegating:
        generator = make()
        next(generator)
        generator.send("a value")
        generator.throw(KeyError())
        generator.send("after throw")
        generator.close()
        take("after close")
    for _ in zip(finite(2), finite(2)):
        take("between two generators")
    generator = counter()
    next(generator)
    del generator


def finite(count):
    for i in range(count):
        take(f"finite {i}")
        yield i


async def coroutine(depth):
    take(f"coroutine {depth}")
    await asyncio.sleep(0)
    take(f"coroutine resumed {depth}")
    if depth:
        await coroutine(depth - 1)
    take(f"coroutine returns {depth}")


async def async_counter():
    try:
        for i in range(3):
            take(f"async generator {i}")
            try:
                yield i
            except KeyError:
                take("async generator thrown into")
            await asyncio.sleep(0)
            take(f"async generator resumed {i}")
    finally:
        take("async generator closed")


class AsyncContext:
    async def __aenter__(self):
        take("async context enter")

    async def __aexit__(self, kind, value, traceback):
        take("async context exit")


async def async_main():
    await coroutine(2)
    async for i in async_counter():
        take(f"async for {i}")
    agen = async_counter()
    await agen.asend(None)
    await agen.athrow(KeyError())
    await agen.aclose()
    async with AsyncContext():
        take("async with")
    [take(f"async comprehension {i}") async for i in async_counter()]
    await asyncio.gather(coroutine(0), coroutine(1))
    loop = asyncio.get_event_loop()
    loop.call_soon(functools.partial(take, "loop callback"))
    loop.call_soon(lambda: take("lambda loop callback"))
    task = asyncio.ensure_future(cancelled())
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def cancelled():
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        take("cancelled")
        raise
    finally:
        take("finally of the cancelled")


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


@functools.lru_cache()
def cached(x):
    take(f"lru_cache {x}")
    return x


def decorators():
    decorated(1)
    decorated(x=2)
    cached(1)
    cached(1)
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: take("exit stack"))
        take("with block")


def called_from_c():
    list(map(lambda x: take(f"map {x}"), range(2)))
    sorted([3, 1, 2],
           key=lambda x: take(f"sorted key {x}") or x)
    max((1, 2), key=lambda x: (take(f"max key {x}"), x))
    functools.reduce(lambda a, b: take("reduce") or b, [1, 2, 3])
    list(filter(lambda x: take("filter"), [1]))
    sorted([3, 1], key=functools.cmp_to_key(
        lambda a, b: take("cmp_to_key") or a - b))
    json.dumps(object(), default=lambda o: take("json default"))
    # C in the middle twice: Python, C, Python, C, Python.
    list(map(lambda x: sorted([x], key=lambda y: take("key in a map") or y), [1, 2]))


def executed():
    source = "\n\ntake('exec module level')\ndef f():\n    take('exec function')\nf()\n"
    exec(compile(source, "a compiled string", "exec"), {"take": take})
    eval("take('eval')", {"take": take})
    exec("take('plain exec')", {"take": take})
    exec(compile("def f(): take('name beyond latin-1')\nf()", "/tmp/\u540d\u524d_\U0001f40d.py", "exec"),
         {"take": take})
    exec(compile("def \u00e9t\u00e9(): take('latin-1 function')\n\u00e9t\u00e9()", "/tmp/\u00e9.py", "exec"),
         {"take": take})
    exec(compile("\n" * 70_000 + "take('a line past 16 bits')", "long.py", "exec"), {"take": take})


def raises(depth):
    try:
        if depth == 0:
            take("before raise")
            raise ValueError("at the bottom")
        raises(depth - 1)
    except ValueError:
        if depth % 2:
            take(f"except {depth}")
        raise
    finally:
        take(f"finally {depth}")


class Manager:
    def __enter__(self):
        take("__enter__")

    def __exit__(self, kind, value, traceback):
        take(f"__exit__ {kind}")
        return True


def exceptions():
    try:
        raises(6)
    except ValueError:
        take("caught")
    else:
        take("never reached")
    take("after the exception")
    with Manager():
        raises(1)
    try:
        try:
            1 / 0
        except ZeroDivisionError:
            take("handler")
            {}["missing"]
    except KeyError as error:
        take(f"second handler {error.__context__!r}")
    try:
        list(map(raises, [1]))
    except ValueError:
        take("through C")


def recurse(depth):
    if depth == 0:
        take("recursion bottom")
        return
    recurse(depth - 1)
    if depth % 25 == 0:
        take(f"recursion returning {depth}")


def recurse_for_ever():
    try:
        recurse_for_ever()
    except RecursionError:
        take("recursion limit")
        raise


def recursion():
    recurse(10)
    recurse(100)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(150)
    try:
        recurse_for_ever()
    except RecursionError:
        take("recursion unwound")
    sys.setrecursionlimit(limit)


class Dying:
    def __init__(self):
        self.cycle = self

    def __del__(self):
        take("__del__")


def deletion():
    Dying().cycle = None
    Dying()
    gc.collect()
    dying = Dying()
    dying.cycle = None
    dying = None


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


def without_gil():
    pm_probe.take_without_gil("without the GIL")


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


def main():
    plain()
    classes()
    closures()
    comprehensions()
    generators()
    if hasattr(asyncio, "run"):
        asyncio.run(async_main())
    else:
        asyncio.get_event_loop().run_until_complete(async_main())
    decorators()
    called_from_c()
    executed()
    exceptions()
    recursion()
    deletion()
    threads()
    c_threads()
    without_gil()
    traced()
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "imported"))
    import outer_module
    outer_module.function()
    if sys.version_info >= (3, 8):
        import stacks_3_8
        stacks_3_8.main()
    if sys.version_info >= (3, 11):
        import stacks_3_11
        stacks_3_11.main()


if __name__ == "__main__":
    take("module level")
    main()
    with open(sys.argv[1], "w") as output:
        json.dump(pm_probe.taken, output)
