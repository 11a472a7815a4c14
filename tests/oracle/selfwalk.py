# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in each interpreter under test, 2.7 and later: selfwalk.py LIBRARY.

In many situations, pm_selfwalk.so walks the frames of this process, and the script compares
them with sys._getframe(). Prints the number of comparisons. The exit code is 1 if any
differed, or if walks did not end early at frames of the previous walk.
"""
from __future__ import print_function

import ctypes
import gc
import sys
import threading

PY2 = sys.version_info[0] == 2


class Facts(ctypes.Structure):
    """struct pm_interpreter_facts"""
    _fields_ = [(name, ctypes.c_uint64) for name in (
        "version_text", "code_type", "runtime", "debug_marker", "trace_refs_marker")]


def symbol(name):
    try:
        return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
    except AttributeError:
        return 0


def make_facts():
    get_version = ctypes.pythonapi.Py_GetVersion
    get_version.restype = ctypes.c_void_p
    return Facts(version_text=get_version(), code_type=id(type(make_facts.__code__)),
                 runtime=symbol("_PyRuntime"), debug_marker=symbol("_Py_NegativeRefcount"),
                 trace_refs_marker=symbol("PyModule_Create2TraceRefs")
                 or symbol("Py_InitModule4TraceRefs_64"))


library = ctypes.PyDLL(sys.argv[1])
library.pm_selfwalk.restype = ctypes.c_void_p
library.pm_selfwalk.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint]
library.pm_selfwalk_headers.restype = ctypes.c_bool
library.pm_selfwalk_headers.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p]
library.pm_selfwalk_taken_over.restype = ctypes.c_uint64
library.pm_selfwalk_free.argtypes = [ctypes.c_void_p]
walk = library.pm_selfwalk
thread_state = ctypes.pythonapi.PyThreadState_Get
thread_state.restype = ctypes.c_void_p
FACTS = make_facts()
FACTS_ADDRESS = ctypes.addressof(FACTS)
compared = cut = 0
CO_GENERATOR_LIKE = 0x20 | 0x80 | 0x200     # generator, coroutine, asynchronous generator
failures = []


def anchor(frame):
    return thread_state() if sys.version_info >= (3, 9) else id(frame)


def headers():
    """The layout's GC head, hook prefix and hook padding, in bytes."""
    found = (ctypes.c_uint32 * 3)()
    if not library.pm_selfwalk_headers(FACTS_ADDRESS, anchor(sys._getframe()), found):
        raise AssertionError("the interpreter was refused")
    return tuple(found)


def text_of(name):
    return name if isinstance(name, bytes) else name.encode("utf-8", "surrogatepass")


def expected_rows(frame, line):
    rows = []
    while frame is not None:
        code = frame.f_code
        name = getattr(code, "co_qualname", code.co_name)
        rows.append(b"\t".join([text_of(code.co_filename), text_of(name),
                                str(line).encode()]))
        frame = frame.f_back
        line = frame.f_lineno or 0 if frame else 0
    return rows


def is_cut(frame):
    """Whether the interpreter's own chain of frames ends too early. In 3.9, and in 3.10 up to some patch level after
    3.10.4, throw() into a delegating generator makes its frame the current one, without a link to its caller."""
    while frame.f_back is not None:
        frame = frame.f_back
    return (sys.version_info[:2] in ((3, 9), (3, 10)) and bool(frame.f_code.co_flags & CO_GENERATOR_LIKE)
            and frame.f_code.co_filename == "modern.py")


def check(case, capacity=5000):
    global compared, cut
    me = sys._getframe()
    address = anchor(me)
    pointer = walk(FACTS_ADDRESS, address, capacity); line = me.f_lineno
    text = ctypes.string_at(pointer)
    library.pm_selfwalk_free(pointer)
    found = text.split(b"\n")[:-1]
    expected = expected_rows(me, line)
    end = b"complete"
    if len(expected) > capacity:
        expected, end = expected[:capacity], b"limit"
    compared += 1
    head = found[0].split(b"\t")
    if head[0] != end or found[1:] != expected:
        failures.append((case, "frames", found, expected))
    elif head[3] != b"found again":
        failures.append((case, "the walk that may end early", found, expected))
    elif is_cut(me):
        cut += 1
        if int(head[1]) > int(head[2]):
            failures.append((case, "more entries than evaluations", head, found))
    elif end == b"complete" and head[1] != head[2]:
        failures.append((case, "entries by walk and by native stack", head, found))


def plain():
    check("plain")


def nested():
    def inner():
        def innermost(value):
            check("closure")
            return value
        return [innermost(
            value) for value in range(2)]
    return inner()


class Namespace(object):
    check("class body")

    def method(self):
        check("method")

    @property
    def attribute(self):
        check("property")

    def __repr__(self):
        check("called from C")
        return ""

    def __del__(self):
        check("finalizer")


def methods():
    namespace = Namespace()
    namespace.method()
    namespace.attribute
    repr(namespace)
    "%r" % (namespace,)


def generators():
    def numbers():
        try:
            for i in range(2):
                check("generator")
                sent = yield i
                check("after send %s" % sent)
        finally:
            check("generator closing")

    def outer():
        for i in numbers():
            check("generator in generator")
            yield i

    list(outer())
    for _ in outer():
        check("between yields")
    one = numbers()
    next(one)
    one.send(5)
    one.close()
    two = numbers()
    next(two)
    try:
        two.throw(KeyError("thrown"))
    except KeyError:
        check("after throw")
    sum(check("generator expression") or i for i in outer())


def lambdas():
    list(map(lambda x: check("lambda in map"), [1, 2]))
    sorted([3, 1, 2], key=lambda x: check("lambda in sorted") or x)
    return [check("comprehension")
            for _ in range(2)] + [{
                check("dict comprehension"): 1
                for _ in range(2)}]


def exceptions():
    def thrower(depth):
        try:
            if depth:
                thrower(depth - 1)
            else:
                raise ValueError(depth)
        finally:
            check("unwinding")

    try:
        thrower(5)
    except ValueError:
        check("except")
    else:
        assert False


def recursion(depth):
    if depth:
        recursion(depth - 1)
        if depth % 40 == 0:
            check("recursion, on its way back")
        if 300 < depth < 308:
            check("recursion, on its way back, cut or just not", 100)
    else:
        check("recursion")
        check("recursion, cut", 100)


def mixed_recursion(depth):
    if depth:
        list(map(mixed_recursion, [depth - 1]))
        if depth % 10 < 2:
            check("recursion through C, on its way back")
    else:
        check("recursion through C")


def threads():
    def body():
        check("thread")
        list(map(lambda x: check("thread, through C"), [1]))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()


def compiled():
    names = ["plain.py", "<string>", "", "x" * 4000]
    if not PY2:
        names += [u"caf\xe9.py", u"\u20ac/\u4e2d.py", u"\U0001f600/\u20ac\xe9a.py", u"\udc80.py"]
    for name in names:
        # The first check of an interpreter refuses an empty file name of the
        # innermost frame. Here check() is the innermost frame.
        exec(compile("\n\nx = 1\ncheck(\n'exec')\n", name, "exec"), {"check": check})
    exec(compile("\n" * 70000 + "check('far line')\n", "far", "exec"), {"check": check})
    body = "".join("    x = %d\n" % i for i in range(3000))
    exec(compile("def f(x):\n%s    check('long function')\nf(1)\n" % body, "long", "exec"),
         {"check": check})


MODERN = '''
import asyncio

class Base:
    def __init_subclass__(cls):
        check("init_subclass")

class Derived(Base):
    def method(self):
        check("class cell")
        return __class__

Derived().method()

def delegating():
    yield from inner()

def inner():
    check("yield from")
    yield 1

def delegating_to_waiting():
    yield from waiting()

list(delegating())

def waiting():
    try:
        while True:
            try:
                yield
            except KeyError:
                check("thrown through")
                list(map(lambda x: check("thrown through, then C"), [1]))
    finally:
        check("closed through")

def delegate_twice():
    def outer():
        yield from waiting()
    yield from outer()

class Handed:
    """Not a generator: throw is called like any method."""
    def __iter__(self):
        return self
    def __next__(self):
        return 1
    def throw(self, *_):
        check("throw method")
        return 2
    def close(self):
        check("close method")

def delegate_to_object():
    yield from Handed()

for make in delegating_to_waiting, delegate_twice, delegate_to_object:
    generator = make()
    next(generator)
    generator.throw(KeyError())
    generator.throw(KeyError())
    list(map(generator.throw, [KeyError()]))
    generator.close()
    check("after close")
    generator = make()
    next(generator)
    generator.throw(KeyError())
    del generator

class Awaited:
    def __await__(self):
        yield from waiting()

async def awaits(depth):
    if depth:
        await awaits(depth - 1)
    await Awaited()

coroutine = awaits(3)
coroutine.send(None)
coroutine.throw(KeyError())
coroutine.close()

async def leaf():
    check("coroutine")
    await asyncio.sleep(0)
    check("coroutine resumed")

async def context():
    class Manager:
        async def __aenter__(self):
            check("aenter")
        async def __aexit__(self, *_):
            check("aexit")
    async with Manager():
        await asyncio.gather(leaf(), leaf())

loop = asyncio.new_event_loop()
loop.run_until_complete(context())
loop.close()
'''


def collector():
    """The collector runs while frames are being set up."""
    def callback(phase, info):
        check("collector " + phase)

    def with_cells(a, b):
        c = a + b
        return lambda: (a, b, c)

    def generator(n):
        m = n
        yield lambda: (n, m)

    thresholds = gc.get_threshold()
    gc.callbacks.append(callback)
    gc.set_threshold(1, 1000, 1000)
    try:
        for _ in range(10):
            with_cells(1, 2)()
            list(map(with_cells, [1, 2], [3, 4]))
            [list(g) for g in map(generator, range(5))]
            type("Made", (object,), {})()
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(callback)


def main():
    gc.collect()
    for case in (plain, nested, methods, generators, lambdas, exceptions, threads, compiled):
        case()
    recursion(400)
    mixed_recursion(100)
    if not PY2:
        exec(compile(MODERN, "modern.py", "exec"), {"check": check, "__name__": "modern"})
        collector()


if __name__ == "__main__":
    main()
    for case, what, found, expected in failures[:5]:
        print("FAILED", case, what)
        for row in range(max(len(found) - 1, len(expected))):
            left = found[row + 1] if row + 1 < len(found) else None
            right = expected[row] if row < len(expected) else None
            print("  ", "  " if left == right else "!!", left, right)
    taken_over = library.pm_selfwalk_taken_over()
    print("%d compared, %d differed, %d in a chain that the interpreter cut; %d frames taken over"
          % (compared, len(failures), cut, taken_over))
    never_cut = sys.version_info[:2] == (3, 9) and cut == 0
    sys.exit(1 if failures or compared < 60 or never_cut or taken_over < compared else 0)
