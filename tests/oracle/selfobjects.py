# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in each interpreter under test, 2.7 and later: selfobjects.py LIBRARY, with LIBRARY in
LD_PRELOAD and PYTHONMALLOC=malloc or malloc_debug.

Compares what pm_selfobjects.so and the interpreter report of the objects of this process.
Prints the number of comparisons of each kind. The exit code is 1 if any differed.
"""
from __future__ import print_function

import collections
import ctypes
import datetime
import gc
import os
import struct
import sys
import types

PY2 = sys.version_info[0] == 2
SAMPLE = 8000       # about this many of all objects are checked
if not PY2:
    long, unicode = int, str


class Facts(ctypes.Structure):
    """struct pm_interpreter_facts"""
    _fields_ = [(name, ctypes.c_uint64) for name in (
        "version_text", "code_type", "runtime", "debug_marker", "trace_refs_marker")]


class Found(ctypes.Structure):
    """struct pm_object"""
    _fields_ = [("address", ctypes.c_uint64), ("type", ctypes.c_uint64), ("offset", ctypes.c_uint32),
                ("collector_from", ctypes.c_uint32), ("collector_to", ctypes.c_uint32),
                ("linked", ctypes.c_bool), ("free_link", ctypes.c_bool), ("immortal", ctypes.c_bool),
                ("interned", ctypes.c_bool), ("opaque", ctypes.c_bool), ("references", ctypes.c_uint64),
                ("kept_references", ctypes.c_uint64)]


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


def function(name, result, *arguments):
    found = getattr(library, "pm_selfobjects_" + name)
    found.restype, found.argtypes = result, arguments
    return found


u64, pointer = ctypes.c_uint64, ctypes.POINTER(Found)
start = function("start", ctypes.c_char_p, ctypes.POINTER(Facts), u64)
refresh = function("refresh", None)
block_size = function("block", u64, u64)
block_of_ = function("block_of", u64, u64, u64)
all_blocks = function("blocks", u64, ctypes.c_void_p, u64)
identify = function("identify", ctypes.c_bool, u64, u64, u64, pointer)
at = function("at", ctypes.c_bool, u64, pointer)
type_name = function("type_name", ctypes.c_char_p, u64)
preview = function("preview", ctypes.c_char_p, pointer)
name_field = function("name_field", ctypes.c_char_p, pointer, u64)
parts_of = function("parts", ctypes.c_uint32, pointer, ctypes.c_void_p, ctypes.c_uint32)

thread_state = ctypes.pythonapi.PyThreadState_Get
thread_state.restype = ctypes.c_void_p
HOOK = 16 if os.environ.get("PYTHONMALLOC", "").endswith("debug") else 0
counts = collections.Counter()
failures = []


def expect(kind, what, found, expected):
    counts[kind] += 1
    if found != expected:
        failures.append((kind, what, found, expected))


def text(value):
    return value if value is None or isinstance(value, str) else value.decode("utf-8", "surrogateescape")


def block_of(address):
    """The recorded block that contains an object, or None."""
    return block_of_(address, 96) or None


def full_name(kind):
    module, name = kind.__module__, kind.__name__
    if PY2 and not isinstance(kind, type):
        return None
    if isinstance(module, (str, bytes)) and module not in ("builtins", "__builtin__"):
        return module + "." + name
    return name


def is_interned(string):
    if hasattr(sys, "_is_interned"):
        return sys._is_interned(string)
    copy = "".join(list(string))
    if copy is string:
        return None
    return (intern if PY2 else sys.intern)(copy) is string      # noqa: F821


# The reference of sys.getrefcount's own argument. From 3.14 on it borrows the argument.
EXTRA = 0 if sys.version_info >= (3, 14) else 1
# Objects whose counts change while they are counted.
FOREIGN = (identify, at, block_size, block_of_)
BUSY = {id(value) for value in (None, Found, type(u64), type(ctypes.byref(Found())), sys.getrefcount) + FOREIGN}
# From 3.15 on a call of a foreign function holds the function's converters and the type of its result.
if sys.version_info >= (3, 15):
    BUSY |= {id(held) for function in FOREIGN for held in gc.get_referents(function)}
RENAMED = set()


def place_in_2_7(value):
    """The place of an object in memory. 2.7 has objects in arenas, and ints and floats in arrays. So only the size
    tells how many bytes are before the object."""
    if isinstance(value, types.InstanceType):
        return None, None
    size = sys.getsizeof(value)
    return id(value) - (size - type(value).__sizeof__(value)), size


def check_object(value):
    """Checks everything about one object except the names of its slots."""
    found = Found()
    address = id(value)
    block = block_of(address)
    size = None if block is None else block_size(block)
    if PY2:
        block, size = place_in_2_7(value)
    count = sys.getrefcount(value)
    if block is not None:
        known = identify(block, size, HOOK, found)
    else:
        known = at(address, found)
    count_after = sys.getrefcount(value)
    if not known:
        failures.append(("identify", type(value), hex(address), block))
        return
    if found.address != address:
        failures.append(("address", type(value), hex(found.address), hex(address)))
        return
    if block is not None:
        expect("offset", type(value), found.offset, address - block)
    expect("type", type(value), found.type, id(type(value)))
    name = full_name(type(value))
    if name is not None and type(value) not in RENAMED:
        expect("type name", type(value), text(type_name(found.type)), name)
    immortal = sys.version_info >= (3, 12) and count >= 1 << 30
    expect("immortal", type(value), found.immortal, immortal)
    busy = address in BUSY or (isinstance(value, (int, long)) and -6 < value < 257)
    if not immortal and count == count_after and not busy:
        expect("references", (type(value), hex(address)), count - found.references, EXTRA)
    if not isinstance(value, type):
        # The links of a static type are outside of blocks, and gc.is_tracked of 3.7 and earlier is not reliable for it.
        expect("linked", type(value), found.linked, gc.is_tracked(value))
    if found.linked and block is not None:
        expect("links", type(value), (found.collector_to - found.collector_from,
                                      block + found.collector_from < address), (16, True))
    check_preview(value, found)


def printable(value):
    return all(" " <= c <= "~" for c in value)


def expected_preview(value):
    kind = type(value)
    if isinstance(value, bool):
        return repr(value)
    if isinstance(value, (int, long)):
        return str(int(value)) if -1 << 170 < value < 1 << 170 else None
    if kind is float:
        return repr(value)
    if isinstance(value, (str, unicode)) and len(value) < 40:
        if kind in (str, unicode) and (PY2 or printable(value) or value in SPECIAL):
            return repr(value)
    if kind is bytes and len(value) < 12:
        return repr(value)
    if kind in (list, tuple, dict, set, frozenset, bytearray):
        return "len %d" % len(value)
    if isinstance(value, types.ModuleType) and isinstance(getattr(value, "__name__", None), str) \
            and type(value) is types.ModuleType and value.__name__ not in RENAMED_MODULES:
        return value.__name__ if len(value.__name__) < 50 else None
    if kind is types.FunctionType:
        name = getattr(value, "__qualname__", value.__name__)
        return name if len(name) < 50 else None
    if kind is types.BuiltinFunctionType:
        return value.__name__
    if kind is types.CodeType:
        name = getattr(value, "co_qualname", value.co_name)
        return name if len(name) < 50 else None
    return None


# These were created under another name, which the module object keeps.
RENAMED_MODULES = "importlib._bootstrap", "importlib._bootstrap_external", "collections.abc"
SPECIAL = [u"caf\xe9", u"\u20ac uro", u"\U0001f600", u"tab\t\n\\", u"it's", u'say "a"', u"\x00\x7f\x85",
           u"both ' and \"", u"", u"\udc80"]


def check_preview(value, found):
    expected = expected_preview(value)
    if expected is not None:
        expect("preview " + type(value).__name__, expected, text(preview(found)), expected)


def universe():
    """All objects that the collector knows, and the objects that they refer to."""
    gc.collect()
    seen = {}
    for value in gc.get_objects():
        seen[id(value)] = value
    for _ in range(2):
        for value in list(seen.values()):
            for other in gc.get_referents(value):
                seen.setdefault(id(other), other)
    frames = (types.FrameType,)
    return [value for value in seen.values() if value is not seen and not isinstance(value, frames)]


def words(address, count):
    return struct.unpack("%dQ" % count, ctypes.string_at(address, count * 8))


def describe(value):
    found = Found()
    block = block_of(id(value))
    known = not PY2 and block is not None and identify(block, block_size(block), HOOK, found)
    if not known:
        known = at(id(value), found)
    assert known, value
    return found, block


def memory_of(value):
    """The words of an object's block and of the blocks of its parts: (found, address, word)."""
    found, block = describe(value)
    regions = []
    if block is not None:
        regions.append((block, block_size(block) // 8))
    else:
        regions.append((id(value), (max(object.__sizeof__(value), value.__sizeof__()) + 7) // 8))
    parts = (u64 * 16)()
    for i in range(parts_of(found, parts, 16)):
        start_ = block_of_(parts[i] & ~7, 2048)
        if start_:
            regions.append((start_, block_size(start_) // 8))
    for address, count in regions:
        for i, word in enumerate(words(address, count)):
            yield found, address + i * 8, word


def slots_of(value, wanted):
    """Name -> ids of the objects that the words with that name refer to. Only for wanted objects."""
    names = collections.defaultdict(set)
    wanted = {id(other) for other in wanted}
    for found, address, word in memory_of(value):
        if word not in wanted:
            continue
        name = name_field(found, address)
        if name is not None and word:
            names[text(name)].add(word)
    return names


def check_slots(value, expected):
    """expected: name -> object. Under each name exactly this object must be found."""
    names = slots_of(value, expected.values())
    for name, other in expected.items():
        expect("slot", (type(value), name, sorted(names)), names.get(name), {id(other)})


class Plain(object):
    pass


class Slotted(object):
    __slots__ = ("first", "second", "__weakref__")


class Derived(Slotted):
    __slots__ = ("third",)


class TextWithDict(str):
    pass


class TupleWithDict(tuple):
    pass


class ListWithDict(list):
    pass


class IntWithDict(int):
    pass


def slots():
    many = [object() for _ in range(1000)]
    check_slots(many, {"[%d]" % i: value for i, value in enumerate(many)})
    check_slots(tuple(many), {"[%d]" % i: value for i, value in enumerate(many)})
    for count in 1, 5, 8, 100, 300, 70000:
        kept = many + [object() for _ in range(max(0, count - len(many)))]
        mapping = {"key%d" % i: kept[i] for i in range(count)}
        expected = {"['key%d']" % i: kept[i] for i in list(range(min(count, 400)))}
        expected.update({" key 'key%d'" % i: key for i, key in enumerate(sorted(
            mapping, key=lambda k: int(k[3:])))} if count < 400 else {})
        check_slots(mapping, expected)
    mixed = {7: many[0], "text": many[1], (1, 2): many[2], 2.5: many[3], None: many[4]}
    check_slots(mixed, {"[7]": many[0], "['text']": many[1], "[len 2]": many[2], "[2.5]": many[3],
                        "[<NoneType>]": many[4]})
    for elements in many[:1], many:
        expect("slot", "set", slots_of(set(elements), elements), {" element": set(map(id, elements))})
    instances(many)
    callables(many)
    generators(many)


def instances(many):
    plain = Plain()
    plain.first, plain.second = many[0], many[1]
    if sys.version_info >= (3, 11):
        check_slots(plain, {".first": many[0], ".second": many[1]})
    others = []
    for i in range(20):
        other = Plain()
        other.first, other.second, other.third = many[0], many[1], many[2]
        others.append(other)
    if sys.version_info >= (3, 11):
        check_slots(others[-1], {".first": many[0], ".second": many[1], ".third": many[2]})
    space = plain.__dict__
    check_slots(plain, {".__dict__": space, ".ob_type": Plain})
    check_slots(space, {"['first']": many[0], "['second']": many[1]})
    slotted = Derived()
    slotted.first, slotted.second, slotted.third = many[:3]
    check_slots(slotted, {".first": many[0], ".second": many[1], ".third": many[2]})
    for kind, argument in (TextWithDict, "text"), (TupleWithDict, many[:5]), (ListWithDict, many[:5]), \
            (IntWithDict, 10 ** 6 if PY2 else 10 ** 30):
        value = kind(argument)
        value.attribute = many[9]
        if kind is TupleWithDict:
            check_slots(value, {"[4]": many[4]})
        check_slots(value, {".__dict__": value.__dict__})
    error = ValueError(many[0])
    error.extra = many[1]
    check_slots(error, {".__dict__": error.__dict__})
    check_slots(Plain, {".__dict__": gc_dict(Plain), ".__bases__": Plain.__bases__, ".__mro__": Plain.__mro__})
    module = types.ModuleType("made")
    check_slots(module, {".__dict__": module.__dict__})


def gc_dict(kind):
    return [value for value in gc.get_referents(kind) if type(value) is dict and "__module__" in value][0]


def callables(many):
    captured = many[0]

    def inner():
        return captured

    prefix, suffix = (".func_", "") if PY2 else (".__", "__")
    check_slots(inner, {prefix + "closure" + suffix: inner.__closure__, prefix + "globals" + suffix: globals()})
    check_slots(inner.__closure__[0], {".cell_contents": many[0]})
    check_slots(Plain().__init__ if PY2 else inner.__get__(many[1]), {".__self__": many[1]} if not PY2 else {})
    check_slots(slice(many[0], many[1]), {".start": many[0], ".stop": many[1]})
    made = property(inner)
    check_slots(made, {".fget": inner})


def generators(many):
    def generator(argument):
        local = many[3]
        cell = many[4]
        yield lambda: cell
        yield local

    started = generator(many[5])
    hold = next(started)
    frame = started.gi_frame
    where = started if sys.version_info >= (3, 11) else frame
    check_slots(where, {" local variable argument": many[5], " local variable local": many[3]})
    del hold, frame


def objects():
    check_object(slots)
    for value in SPECIAL + [True, False, 0, 1, -1, 2 ** 29, 2 ** 30, -2 ** 30, 2 ** 31, 2 ** 63, -2 ** 100, 10 ** 40,
                            0.0, -0.0, 0.1, 1e100, 1.5e-7, float("inf"), float("nan"), b"", b"ab\x00\xff'",
                            b"ab'\"", bytearray(b"abc"), frozenset([1]), {1}, 3 + 4j, long(5),
                            datetime.datetime(2001, 2, 3), datetime.time(4, 5), datetime.date(2001, 2, 3)]:
        check_object(value)
    for value in list(range(1000, 1500)) + ["made %d" % i for i in range(500)]:
        check_object(value)
    if not PY2:
        check_interned()
    everything = universe()
    for value in everything[::max(1, len(everything) // SAMPLE)]:
        check_object(value)
    counts["objects"] += len(everything)
    return everything


def check_interned():
    made = ["fresh text %d" % i for i in range(50)]
    kept = [sys.intern("kept text %d" % i) for i in range(50)]
    for value in made + kept:
        found, _ = describe(value)
        expect("interned", value, found.interned, value in kept)
        expect("opaque", value, found.opaque, True)
    for value in list(sys.modules)[:100]:
        found, _ = describe(value)
        state = is_interned(value)
        if state is not None:
            expect("interned", value, found.interned, state)


def all_types(everything):
    known = {id(type(value)) for value in everything}
    waiting = [object]
    while waiting:
        kind = waiting.pop()
        known.add(id(kind))
        waiting.extend(k for k in type.__subclasses__(kind) if id(k) not in known)
    known.update(id(value) for value in everything if isinstance(value, type))
    return known


def blocks(everything):
    """Every block that the shared code takes for an object must have a type of this interpreter."""
    capacity = 1 << 21
    addresses = (u64 * capacity)()
    count = all_blocks(addresses, capacity)
    known = all_types(everything)
    found = Found()
    for i in range(count):
        bytes_ = block_size(addresses[i])
        if bytes_ and identify(addresses[i], bytes_, HOOK, found):
            counts["blocks with objects"] += 1
            if found.type not in known:
                failures.append(("block of unknown type", hex(addresses[i]), type_name(found.type), bytes_))
        else:
            counts["blocks without"] += 1


def main():
    problem = start(ctypes.byref(Facts_), thread_state() if sys.version_info >= (3, 9) else id(sys._getframe()))
    if problem:
        sys.exit("refused: %s" % problem)
    everything = objects()
    refresh()
    slots()
    refresh()
    blocks(everything)


Facts_ = make_facts()
main()
for failure in failures[:20]:
    print("FAILED", *[repr(part)[:300] for part in failure])
print(", ".join("%s %d" % item for item in sorted(counts.items())))
print("%d compared, %d differed" % (sum(counts.values()), len(failures)))
sys.exit(1 if failures else 0)
