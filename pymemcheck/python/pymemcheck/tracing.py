# SPDX-License-Identifier: GPL-2.0-or-later
"""tracemalloc's functions, of all memory that the tool sees: native and Python memory, with the standard library's own
classes.

    from pymemcheck import tracing as tracemalloc

The tool follows every allocation from the start of the process, so is_tracing() is True from the start, as with
-X tracemalloc. start(), stop() and clear_traces() change what these functions show, not what the tool does. Outside the
tool all are inert: is_tracing() is False, a snapshot is empty.

A block's domain is one of pymemcheck.DOMAINS, by its number, for DomainFilter: object, mem, raw (CPython's allocators),
libc, c++. docs/python-api.md lists what differs from tracemalloc."""
import os
import tempfile
from tracemalloc import (BaseFilter, DomainFilter, Filter, Frame, Snapshot, Statistic, StatisticDiff, Trace,
                         Traceback)

from . import client_requests
from .grouping import Grouping
from .live_heap import LiveHeap
from .traces import DOMAINS, make_traces

__all__ = ["BaseFilter", "DOMAINS", "DomainFilter", "Filter", "Frame", "Snapshot", "Statistic", "StatisticDiff", "Trace",
           "Traceback", "clear_traces", "get_object_traceback", "get_traceback_limit", "get_traced_memory",
           "get_tracemalloc_memory", "is_tracing", "reset_peak", "start", "stop", "take_snapshot"]

LARGEST_LIMIT = 65535       # tracemalloc's
ALL_FRAMES = LARGEST_LIMIT


class _Window:
    """What is shown: the blocks that were allocated since a moment. The moment's profile is kept as a file, since what is
    read in adds to the memory that is looked at."""

    def __init__(self):
        self.open, self.limit = True, ALL_FRAMES
        self.forget()

    def forget(self):
        """From the process's start."""
        self.mark = self.live_bytes = self.own_bytes = 0
        self._remove()

    def begin(self):
        """From now on."""
        self._remove()
        self.path = _write_profile()
        self.mark = client_requests.mark()
        # The last that is done, so that nothing allocated here counts. A request itself takes some bytes, for a moment.
        client_requests.reset_peak()
        client_requests.read_counters()
        client_requests.read_counters()
        counters = client_requests.raw_counters()
        self.live_bytes, self.own_bytes = counters.live_bytes, counters.peak_bytes - counters.live_bytes
        counters = None
        client_requests.reset_peak()

    def _remove(self):
        if getattr(self, "path", None) is not None and self.pid == os.getpid():
            _unlink(self.path)
        self.path, self.pid = None, os.getpid()

    def older_sites(self):
        """What the moment had: (first allocation, or frames) of a site -> live bytes and blocks."""
        if self.path is None:
            return {}
        return {key: (size, blocks) for key, _, size, blocks in LiveHeap(self.path).keyed_sites()}

    __del__ = _remove


def _unlink(path, unlink=os.unlink):
    try:
        unlink(path)
    except OSError:
        pass


def _write_profile():
    """A temporary file with the profile of now."""
    handle, path = tempfile.mkstemp(prefix="pymemcheck-", suffix=".json")
    os.close(handle)
    try:
        client_requests.write_profile(path)
    except BaseException:
        _unlink(path)
        raise
    return path


_window = _Window()


def is_tracing():
    """Whether these functions show anything: under the tool, unless stop() was called."""
    return _window.open and client_requests.available()


def start(nframe=1):
    """Shows blocks that are allocated from now on, with tracebacks of up to nframe frames. Does nothing if is_tracing()."""
    if not 1 <= nframe <= LARGEST_LIMIT:
        raise ValueError("the number of frames must be in range [1; %d]" % LARGEST_LIMIT)
    if client_requests.available() and not _window.open:
        _window.open, _window.limit = True, nframe
        _window.begin()


def stop():
    """Shows nothing any more."""
    if client_requests.available():
        _window.open, _window.limit = False, 1
        _window.forget()


def clear_traces():
    """Forgets the blocks that were allocated so far."""
    if is_tracing():
        _window.begin()


def get_traceback_limit():
    """Frames of a traceback at most. From the start there is no limit but that of --python-frames=."""
    return _window.limit if client_requests.available() else 1


def get_traced_memory():
    """(bytes now, bytes at the peak) of the blocks that are shown. Frees of older blocks count, too."""
    if not is_tracing() or not client_requests.read_counters():
        return (0, 0)
    counters = client_requests.raw_counters()
    size = max(counters.live_bytes - _window.live_bytes, 0)
    return (size, max(counters.peak_bytes - _window.live_bytes - _window.own_bytes, size))


def reset_peak():
    """The peak begins again with the present size."""
    if is_tracing():
        client_requests.reset_peak()


def get_tracemalloc_memory():
    """Bytes that Valgrind and the tool use for themselves. They are not in the program's heap."""
    counters = client_requests.counters()
    return counters.tool_bytes if counters else 0


def _get_object_traceback(obj):
    """The frames of the block that an object is in, innermost first, and how many there are; or None."""
    if not is_tracing():
        return None
    block = client_requests.block_info(id(obj))
    if not block or block["serial"] <= _window.mark:
        return None
    frames = tuple((frame["file"], frame["line"]) for frame in block["stack"] if frame["kind"] == "python")
    return (frames[:_window.limit], len(frames)) if frames else None


def get_object_traceback(obj):
    """The Traceback of where an object's memory was allocated (its birth, if it was taken from a free list), or None."""
    found = _get_object_traceback(obj)
    if found is None:
        return None
    try:
        return Traceback(*found)
    except TypeError:                   # before 3.9 it has no total_nframe
        return Traceback(found[0])


def _get_traces():
    """All blocks that are shown, as tracemalloc's own function of this name gives them."""
    if not is_tracing():
        return []
    path = _write_profile()
    try:
        heap = LiveHeap(path)
    finally:
        _unlink(path)
    older = _window.older_sites()
    rows = []
    for key, stack, size, blocks in heap.keyed_sites():
        old_size, old_blocks = older.get(key, (0, 0))
        # Of a site that has old and new blocks, the newest are taken for those that were freed.
        if blocks > old_blocks and size >= old_size:
            rows.append((stack, size - old_size, blocks - old_blocks))
    return make_traces(heap, Grouping(heap), rows, get_traceback_limit(), with_domains=True)[0]


def take_snapshot():
    """A tracemalloc.Snapshot of all live blocks, native memory included; RuntimeError after stop()."""
    if not is_tracing():
        if not client_requests.available():
            return Snapshot([], 1)
        raise RuntimeError("the tracemalloc module must be tracing memory allocations to take a snapshot")
    return Snapshot(_get_traces(), get_traceback_limit())
