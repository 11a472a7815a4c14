# SPDX-License-Identifier: GPL-2.0-or-later
"""Traces as tracemalloc has them, of the sites of a profile. A trace is a block; sizes of single blocks are not in a
profile, so a site's bytes are divided equally among its blocks. Stacks without Python frames have one frame, with the
path of the C code's object as file and line 0."""
import sys

# The addresses of tracemalloc's DomainFilter. It has one domain for all that Python's allocators gave: ours tell them apart.
DOMAINS = ("object", "mem", "raw", "libc", "c++")
OBJECT, MEM, RAW, LIBC, CXX = range(5)
_BY_NUMBER = (None, LIBC, RAW, MEM, OBJECT, CXX)           # as profile.DOMAINS has them
OUTSIDE = -1                # of a frame that is no layer of an allocator

_BY_NAME = (("operator new", CXX), ("_Zn", CXX), ("PyMem_Raw", RAW), ("_PyMem_Raw", RAW), ("_PyMem_DefaultRaw", RAW),
            ("PyObject_", OBJECT), ("_PyObject_", OBJECT), ("PyType_", OBJECT), ("_PyType_", OBJECT), ("pymalloc_", OBJECT),
            ("gc_alloc", OBJECT), ("PyMem_", MEM), ("_PyMem_", MEM))
# Below an interface, on the way to malloc: they serve several domains.
_SHARED = ("_PyMem_DebugRaw", "_PyMem_Debug", "_PyMem_RawMalloc", "_PyMem_RawCalloc", "_PyMem_RawRealloc",
           "_PyMem_ArenaAlloc", "_PyObject_Arena", "_PyObject_VirtualAlloc")


class Domains:
    """The domain of a block by its stack's number. The tool may have told by the call instruction (profile.domains of a
    LiveHeap). Else it is the outermost of the allocator's layers that the stack names. A block without any is an object
    that was taken from a free list."""

    def __init__(self, profile):
        self._profile, self._known = profile, {}
        self._told = getattr(profile, "domains", {})

    def _layer(self, number):
        """Of a frame: its domain, None for a layer of several domains, OUTSIDE for no layer."""
        frame = self._profile.frames[number]
        if frame.kind != "native" or ("allocator" not in frame.flags and "debug_hook" not in frame.flags):
            return OUTSIDE
        if frame.function.startswith(_SHARED):
            return None
        return next((domain for start, domain in _BY_NAME if frame.function.startswith(start)), None)

    def __getitem__(self, stack):
        if stack in self._told:
            return _BY_NUMBER[self._told[stack]]
        known, tops, parents = self._known, self._profile.stack_frame, self._profile.stack_parent
        found, native = None, False
        while stack:
            number = tops[stack]
            layer = known[number] if number in known else known.setdefault(number, self._layer(number))
            if layer == OUTSIDE:
                break
            native = True
            if layer is not None:
                found = layer
            stack = parents[stack]
        if found is None:
            return LIBC if native else OBJECT
        return found


class _Tracebacks:
    """((file, line), ...) of the Python frames of stacks, innermost first. Stacks share their outer parts, so each is made
    of that of its next Python frame outwards."""

    def __init__(self, profile):
        self._profile, self._places, self._known = profile, {}, {}

    def _place(self, number):
        """(file, line) of a frame, None if it is not Python's."""
        frame = self._profile.frames[number]
        return (frame.file, frame.line) if frame.kind == "python" else None

    def __getitem__(self, stack):
        known, places = self._known, self._places
        tops, parents = self._profile.stack_frame, self._profile.stack_parent
        frames, way = (), []
        while stack:
            if stack in known:
                frames = known[stack]
                break
            number = tops[stack]
            place = places[number] if number in places else places.setdefault(number, self._place(number))
            if place is not None:
                way.append((stack, place))
            stack = parents[stack]
        for stack, place in reversed(way):
            frames = known[stack] = (place,) + frames
        return frames


def make_traces(profile, grouping, rows, limit=None, with_domains=False):
    """The traces of rows of (stack, bytes, blocks), for Snapshot, and how many frames the longest has. limit: frames of a
    trace at most. Equal tracebacks are one object."""
    with_count = sys.version_info >= (3, 9)        # traces have the number of all frames from then on
    traces, longest = [], 1
    tracebacks, domains, same, known = _Tracebacks(profile), Domains(profile), {}, {}
    for stack, size, count in rows:
        if not count:
            continue
        shape = known.get(stack)
        if shape is None:
            frames = tracebacks[stack]
            if not frames:
                number = grouping.caller(stack)
                frames = ((profile.frames[number - 1].object if number else "<unknown>", 0),)
            total = len(frames)
            if limit is not None:
                frames = frames[:limit]
            frames = same.setdefault(frames, frames)
            tail = (frames, total) if with_count else (frames,)
            shape = known[stack] = (domains[stack] if with_domains else 0, tail)
            longest = max(longest, len(frames))
        domain, tail = shape
        each, rest = divmod(size, count)
        if rest:
            traces.extend([(domain, each + 1) + tail] * rest)
        traces.extend([(domain, each) + tail] * (count - rest))
    return traces, longest
