# SPDX-License-Identifier: GPL-2.0-or-later
"""Run by an interpreter, 2.7 or later: capture.py LIBRARY ROW FOLDER

LIBRARY is pm_capture.so. Writes FOLDER/ROW.strings, .lines, .walk and .objects: fuzz inputs
from this process, each with what the interpreter itself says. test_captures.c describes the files.
ROW is as in tests/oracle/pythons.py.
"""
from __future__ import print_function

import ctypes
import gc
import os
import struct
import sys

PY2 = sys.version_info[0] == 2
MAX_BYTES = 1 << 15
WANTED = 64
DIGIT_BITS = getattr(sys, "int_info", getattr(sys, "long_info", None)).bits_per_digit


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
                 runtime=symbol("_PyRuntime"),
                 debug_marker=symbol("_Py_NegativeRefcount"),
                 trace_refs_marker=symbol("PyModule_Create2TraceRefs")
                 or symbol("Py_InitModule4TraceRefs_64"))


library = ctypes.PyDLL(sys.argv[1])
capture = library.pm_capture
capture.restype = ctypes.c_size_t
capture.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint, ctypes.c_void_p,
                    ctypes.c_size_t]
thread_state = ctypes.pythonapi.PyThreadState_Get
thread_state.restype = ctypes.c_void_p
addr2line = ctypes.pythonapi.PyCode_Addr2Line
addr2line.restype = ctypes.c_int
addr2line.argtypes = [ctypes.py_object, ctypes.c_int]
FACTS = make_facts()
FACTS_ADDRESS = ctypes.addressof(FACTS)
BUFFER = ctypes.create_string_buffer(MAX_BYTES)
BUFFER_ADDRESS = ctypes.addressof(BUFFER)
capture_objects = library.pm_capture_objects
capture_objects.restype = ctypes.c_size_t
capture_objects.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_void_p,
                            ctypes.c_size_t]
seeds = {"strings": [], "lines": [], "walk": [], "objects": []}


def keep(target, name, content, expected):
    seeds[target].append((name.encode(), content, expected))


def made(length):
    if length == 0:
        raise SystemExit("capture.py: refused: %s" % BUFFER.value.decode())
    return BUFFER.raw[:length]


def utf8(text):
    """Text as the tool shows it: each byte of 2.7 that is not UTF-8 becomes a surrogate."""
    if not PY2:
        return text.encode("utf-8", "surrogatepass")
    try:
        text.decode("utf-8")
        return text
    except UnicodeDecodeError:
        return b"".join(c if ord(c) < 128 else unichr(0xdc00 + ord(c)).encode("utf-8")
                        for c in text)


# Strings.

class Text(str):
    """Not compact: its characters are in a block of their own."""


def strings():
    texts = [("ascii", "plain.py"), ("empty", ""), ("subclass", Text("of_class"))]
    if sys.argv[2] == "3.11":       # large, and one is enough
        texts.append(("cut", "y" * 5000))
    if PY2:
        texts += [("bytes", "caf\xe9"), ("utf8", "caf\xc3\xa9")]
    else:
        texts += [("latin1", u"caf\xe9.py"), ("ucs2", u"\u20ac/\u4e2d.py"),
                  ("ucs4", u"\U0001f600/\u20ac\xe9a.py"), ("surrogate", u"\udc80\ud83d.py"),
                  ("wide-subclass", Text(u"\u4e2d\u20ac")), ("nul", "a\0b"),
                  ("ucs2-blocks", u"\u4e2d\xe9" * 150)]
    for name, text in texts:
        content = made(capture(FACTS_ADDRESS, id(text), 0, BUFFER_ADDRESS, MAX_BYTES))
        keep("strings", name, content, utf8(text)[:4096])


# Line tables.

LINES = '''
def backwards(a, b):
    return [x for x in (a,
                        b)
            if x and (
                a
                or b)]

def far(x):
    x += 1
%s
    return x

def control(path):
    """Doc."""
    try:
        with open(path) as file:
            for line in file:
                if not line:
                    continue
                yield line
    except (OSError,
            ValueError) as error:
        raise KeyError(
            path,
            error)
    finally:
        while path:
            path = path[1:]

class Nested(object):
    def method(self): return lambda: (
        self,

        1)
    one = 1; two = 2
''' % ("\n" * 400)
KINDS = {(2, 7): 0, (3, 10): 2}


def kind():
    return KINDS.get(sys.version_info[:2], 1 if sys.version_info < (3, 10) else 3)


def step():
    return 2 if sys.version_info >= (3, 6) else 1


def lines_of(code):
    if not hasattr(code, "co_lines"):
        return [addr2line(code, offset) for offset in range(0, len(code.co_code), step())]
    lines = []
    for start, end, line in code.co_lines():
        lines += [-1 if line is None else line] * ((end - start) // step())
    return lines


def keep_table(code, name):
    table = code.co_linetable if hasattr(code, "co_linetable") else code.co_lnotab
    lines = lines_of(code)
    head = struct.pack("<BxxxiII", kind(), code.co_firstlineno, step(), len(lines))
    keep("lines", name.replace("<", "").replace(">", ""), head + table, " ".join(map(str, lines)).encode())


def tables():
    def nested(code, prefix):
        keep_table(code, prefix + code.co_name)
        for constant in code.co_consts:
            if isinstance(constant, type(code)):
                nested(constant, prefix + code.co_name + ".")

    nested(compile(LINES, "lines.py", "exec"), "")
    import json.decoder
    keep_table(json.decoder.py_scanstring.__code__, "scanstring")


# Walks.

def expected_rows(frame, line):
    rows = [b"complete\n"]
    while frame is not None:
        code = frame.f_code
        rows.append(b"\t".join([utf8(code.co_filename),
                                utf8(getattr(code, "co_qualname", code.co_name)),
                                str(line).encode()]) + b"\n")
        frame = frame.f_back
        line = frame.f_lineno or 0 if frame else 0
    return b"".join(rows)


def snap(name):
    me = sys._getframe()
    anchor = thread_state() if sys.version_info >= (3, 9) else id(me)
    length = capture(FACTS_ADDRESS, anchor, WANTED, BUFFER_ADDRESS, MAX_BYTES); line = me.f_lineno
    keep("walk", name, made(length), expected_rows(me, line))


def repeat(depth):
    if depth:
        list(map(repeat, [depth - 1])) if depth % 3 == 0 else repeat(depth - 1)
    else:
        snap("recursion")


SCENES = u'''
class Namespace(object):
    snap("class-body")

    def __repr__(self):
        snap("repr")
        return ""

def generator():
    snap("generator")
    yield 1

def outer():
    for i in generator():
        yield i

"%r" % (Namespace(),)
list(outer())
'''

MODERN = u'''
def waiting():
    try:
        while True:
            try:
                yield
            except KeyError:
                snap("thrown-through")
    finally:
        pass

def delegating():
    yield from waiting()

class Awaited:
    def __await__(self):
        yield from waiting()

async def awaits(depth):
    if depth:
        await awaits(depth - 1)
    await Awaited()

d\xe9l\xe9gu\xe9 = delegating()
next(d\xe9l\xe9gu\xe9)
d\xe9l\xe9gu\xe9.throw(KeyError())

coroutine = awaits(2)
coroutine.send(None)
coroutine.send(None)

async def f\u4e2d():
    snap("coroutine")

try:
    f\u4e2d().send(None)
except StopIteration:
    pass

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        snap("import")

import sys
sys.meta_path.insert(0, Finder)
try:
    import pm_no_such_module
except ImportError:
    pass
sys.meta_path.remove(Finder)
'''

COLLECTED = u'''
import gc

def callback(phase, info):
    if phase == "start" and not done:
        done.append(1)
        snap("collector")

def with_cells(a, b):
    c = a + b
    return lambda: (a, b, c)

done = []
thresholds = gc.get_threshold()
gc.callbacks.append(callback)
gc.set_threshold(1, 1000, 1000)
for _ in range(3):
    list(map(with_cells, [1, 2], [3, 4]))
gc.set_threshold(*thresholds)
gc.callbacks.remove(callback)
'''


def in_thread(function, *arguments):
    """Uses functions that have no Python frame of their own, so that seeds stay small."""
    try:
        import _thread
    except ImportError:
        import thread as _thread
    lock = _thread.allocate_lock()
    lock.acquire()

    def body():
        try:
            function(*arguments)
        finally:
            lock.release()

    _thread.start_new_thread(body, ())
    lock.acquire()


def run(text, name):
    exec(compile(text, name, "exec"), {"snap": snap, "__name__": "scene"})


def walks():
    snap("main-thread")
    in_thread(run, SCENES, "scenes.py")
    in_thread(repeat, 7)
    far = u"\n" * 70000 + u"snap('names-far-line')\n"
    in_thread(run, far, "<string>" if PY2 else u"\U0001f600/\u20ac\xe9\udc80.py")
    if not PY2 and not sys.argv[2].endswith("-debug"):      # mostly the same as the release
        in_thread(run, MODERN, u"caf\xe9.py")
        in_thread(run, COLLECTED, "collected.py")


# Objects.

class Slots(object):
    __slots__ = ("pm_first", "pm_second")

    def __init__(self):
        self.pm_first = "first"
        self.pm_second = 2


class Attributes(object):
    def __init__(self):
        self.pm_only = 1.5


def counting(pm_end):
    pm_number = 0
    while pm_number < pm_end:
        yield pm_number


def full_name(kind):
    module = kind.__module__
    return kind.__name__ if module in ("builtins", "__builtin__") else module + "." + kind.__name__


def row(value, preview, *fields):
    """The line that describes value. fields: the names of its words, in the order of addresses."""
    tracked = ("tracked",) if gc.is_tracked(value) and not isinstance(value, type) else ()
    return u"\t".join((full_name(type(value)), preview) + tracked + fields).encode() + b"\n"


def indices(count):
    return tuple("[%d]" % index for index in range(count))


def keep_objects(name, *items):
    """items: value, preview, and names of fields, each."""
    root = tuple([item[0] for item in items])
    size = sys.getsizeof(root)
    block = id(root) - (size - root.__sizeof__())
    content = made(capture_objects(FACTS_ADDRESS, block, size, BUFFER_ADDRESS, MAX_BYTES))
    rows = [row(root, "len %d" % len(root), *indices(len(root)))] + [row(*item) for item in items]
    keep("objects", name, content, b"".join(rows))


def objects():
    embedded = sys.version_info >= (3, 11)
    generator = counting(3)
    next(generator)
    local = (" local variable pm_end", " local variable pm_number")
    inline = (".pm_only",) if embedded else ()
    keep_objects("containers", ([1, "two", None], "len 3") + indices(3), ((4.5, []), "len 2") + indices(2),
                 ({"pm_key": 7}, "len 1", " key 'pm_key'", "['pm_key']"),
                 ({"member"}, "len 1", " element"), (frozenset([3]), "len 1", " element"),
                 (bytearray(b"bytes"), "len 5"))
    keep_objects("values", (12345, "12345"), (-(1 << 40), str(-(1 << 40))), (True, "True"), (1.5, "1.5"), (2j, ""),
                 ("it's", '"it\'s"'), (u"caf\xe9", repr(u"caf\xe9")), (b"\x00\xff", repr(b"\x00\xff")),
                 (1 << 400, "int of about %d bits" % (-(-401 // DIGIT_BITS) * DIGIT_BITS)))
    keep_objects("instances", (Slots(), "", ".pm_first", ".pm_second"), (Attributes(), "") + inline,
                 (generator, "") + (local if embedded else ()),
                 (generator.gi_frame, "") + (() if embedded else local))
    keep_objects("named", (counting, "counting"), (counting.__code__, "counting"), (len, "len"),
                 (struct, "struct"), (Slots, full_name(Slots)), (int, "int"))


def write(path, entries):
    with open(path, "wb") as file:
        for entry in entries:
            file.write(struct.pack("<III", *map(len, entry)))
            file.write(b"".join(entry))


def main():
    strings()
    tables()
    walks()
    objects()
    for target, entries in sorted(seeds.items()):
        write(os.path.join(sys.argv[3], "%s.%s" % (sys.argv[2], target)), entries)
        print("%s: %d %s, %d bytes" % (sys.argv[2], len(entries), target,
                                       sum(map(len, sum(entries, ())))))


if __name__ == "__main__":
    main()
