# SPDX-License-Identifier: GPL-2.0-or-later
"""tracemalloc's traces of a profile: at each line as many bytes and blocks as the profile has there (which test_tracemalloc_inside
compares with tracemalloc's own); domains by the names of the allocator's layers."""
import collections
import tracemalloc

import pytest

import pack  # noqa: F401
from pymemcheck import Profile
from pymemcheck.grouping import Grouping
from pymemcheck.live_heap import LiveHeap
from pymemcheck.profile import Frame
from pymemcheck.traces import CXX, DOMAINS, Domains, LIBC, MEM, OBJECT, RAW, make_traces


def sums_of(profile):
    """(bytes, blocks) of each innermost Python line, from the file's columns."""
    sums = collections.defaultdict(lambda: [0, 0])
    for stack, size, blocks in zip(profile.sites.stack, profile.sites.live_bytes, profile.sites.live_blocks):
        line = next(((frame.file, frame.line) for frame in profile.stack(stack) if frame.kind == "python"), None)
        if line and blocks:
            sums[line][0] += size
            sums[line][1] += blocks
    return {line: tuple(pair) for line, pair in sums.items()}


def test_statistics_of_a_real_run(leaking, tmp_path):
    """Sums by line are exact, and the reader of what is live agrees with the reader of profiles."""
    path = leaking(tmp_path, lead="KEPT = [bytearray(n) for n in range(50)]\n", options=("--leak-scan=after",)).profile.path
    profile, heap = Profile.load(path), LiveHeap(str(path))
    traces, _ = make_traces(heap, Grouping(heap), [(stack, size, blocks) for _, stack, size, blocks in heap.keyed_sites()],
                            with_domains=True)
    statistics = tracemalloc.Snapshot(traces, 100).statistics("lineno")
    found = {(each.traceback[0].filename, each.traceback[0].lineno): (each.size, each.count)
             for each in statistics if each.traceback[0].lineno}
    assert found == sums_of(profile) and len(found) > 3
    assert sum(trace[1] for trace in traces) == sum(profile.sites.live_bytes)
    assert len(traces) == profile.totals["live_blocks"]
    for _, stack, _, _ in heap.keyed_sites():
        assert heap.stack(stack) == profile.stack(stack)


class OneStack:
    """A profile with one stack of native frames, named innermost first."""

    def __init__(self, *names):
        self.frames = [Frame("native", name.lstrip("-"), "", 0, "x", 0, () if name.startswith("-") else ("allocator",))
                       for name in names]
        self.stack_frame = [None] + list(range(len(names)))
        self.stack_parent = [0] + [number + 2 if number + 1 < len(names) else 0 for number in range(len(names))]


@pytest.mark.parametrize("names, domain", [
    (("malloc", "-fopen"), LIBC), (("calloc", "strdup", "-x"), LIBC), (("operator new(unsigned long)", "-f"), CXX),
    (("malloc", "_PyMem_RawMalloc", "PyMem_RawMalloc", "-f"), RAW), (("malloc", "_PyMem_RawMalloc", "PyObject_Malloc", "-list_new"), OBJECT),
    (("malloc", "PyObject_Malloc", "_PyObject_GC_Alloc", "PyType_GenericAlloc", "-f"), OBJECT), (("malloc", "PyMem_Malloc", "-f"), MEM),
    (("malloc", "_PyMem_DebugRawAlloc", "PyMem_Malloc", "-f"), MEM), (("-list_new",), OBJECT)])
def test_domains(names, domain):
    assert Domains(OneStack(*names))[1] == domain, DOMAINS[domain]


def test_a_limit_and_shared_tracebacks(leaking, tmp_path):
    """Equal tracebacks are one object; the number of all frames is kept."""
    heap = LiveHeap(str(leaking(tmp_path).profile.path))
    rows = [(stack, size, blocks) for _, stack, size, blocks in heap.keyed_sites()]
    whole, longest = make_traces(heap, Grouping(heap), rows)
    cut, longest_cut = make_traces(heap, Grouping(heap), rows, limit=1)
    assert longest > 1 and longest_cut == 1 and [trace[2][:1] for trace in whole] == [trace[2] for trace in cut]
    assert [trace[3] for trace in cut] == [trace[3] for trace in whole]
    assert len({id(trace[2]) for trace in whole}) == len({trace[2] for trace in whole})
