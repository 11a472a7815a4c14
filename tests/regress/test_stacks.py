# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the Python stack of each allocation with what the interpreter itself reports.

programs/stacks.py (stacks_2_7.py) allocates from every kind of frame. At each allocation pm_probe stores the frames
that the interpreter's own API reports. The tool must have read the same frames (function, file and line) at the same
sizes. The tests run on every interpreter found.
"""
import collections
import json
import re

import pytest

from pmtest import PROGRAMS, PythonLine, is_nameless, line_of

DEFAULT_PYTHON_FRAMES = 32


class Stacks:
    """The stacks that the interpreter reported and that the tool read: Counters of (Python frames) -> bytes."""

    def __init__(self, tool, python, depth, *options):
        directory = tool.new_directory()
        script = PROGRAMS / ("stacks_2_7.py" if python.version < (3,) else "stacks.py")
        self.python = python
        self.run = tool.run(python.path, script, directory / "taken.json", env=python.env, options=options)
        self.profile = self.run.profile
        self.expected, self.actual = collections.Counter(), collections.Counter()
        self.labels = collections.defaultdict(list)
        self.taken = []
        for label, size, frames in json.loads((directory / "taken.json").read_text()):
            frames = tuple(PythonLine(*frame) for frame in frames)
            self.taken.append((label, size, frames))
            self.expected[frames[:depth]] += size
            self.labels[frames[:depth]].append(label)
        self.probes = [site for site in self.profile.sites
                       if site.has_native("pm_probe_allocate") and not site.has_native("thread_body")
                       or site.has_native("pm_probe_allocate") and site.python]
        for site in self.probes:
            self.actual[tuple(site.python)] += site.total_bytes


@pytest.fixture(scope="module")
def stacks(tool, any_python):
    return Stacks(tool, any_python, DEFAULT_PYTHON_FRAMES)


@pytest.fixture(scope="module")
def deep_stacks(tool, any_python):
    return Stacks(tool, any_python, 200, "--python-frames=200", "--num-callers=500")


def describe(frames):
    return "\n".join(f"    {line.file}:{line.line} ({line.function})" for line in frames)


def assert_same(stacks):
    wrong = []
    for frames, size in stacks.expected.items():
        if stacks.actual.get(frames) != size:
            wrong.append(f"expected {size} bytes, tool has {stacks.actual.get(frames)}: "
                         f"{stacks.labels[frames]}\n{describe(frames)}")
    for frames, size in stacks.actual.items():
        if frames not in stacks.expected:
            wrong.append(f"only the tool has this stack ({size} bytes):\n{describe(frames)}")
    assert not wrong, f"{len(wrong)} stacks differ\n" + "\n".join(wrong[:12])


def test_every_frame_of_every_stack(stacks):
    """Function, file and line of each Python frame equal those that the interpreter reports, for plain functions,
    methods, closures, comprehensions, generators, coroutines, decorators, callbacks from C, class bodies, imports,
    exec, exceptions, recursion, threads, finalizers and trace functions."""
    assert len(stacks.taken) > (250 if stacks.python.version < (3,) else 330)     # the script ran completely
    assert_same(stacks)


@pytest.mark.parametrize("options", [[], ["--python-frames=3", "--num-callers=40"]], ids=["default", "other"])
def test_sanity(tool, any_python, options):
    """With --sanity-level=2 the tool compares each partly read stack with the whole stack."""
    depth = 3 if options else DEFAULT_PYTHON_FRAMES
    stacks = Stacks(tool, any_python, depth, "--sanity-level=2", *options)
    assert_same(stacks)


def test_sanity_of_deep_native_stacks(tool, any_python):
    """The parser and the compiler recurse in C, beyond --num-callers= and beyond what is unwound further."""
    run = tool.run(any_python.path, "-S", PROGRAMS / "recursion_in_c.py", options=["--sanity-level=2"])
    assert run.profile.troubles["unreadable_stacks"] == 0


def test_fresh_objects_are_no_reused_ones(tool, any_python):
    """An object whose memory is fresh does not count as reused. Instances have no free list."""
    reused = [tool.run(any_python.path, "-S", "-c", f"kept = [object() for n in range({count})]")
                .profile.totals["reused_blocks"] for count in (1000, 21000)]
    assert reused[1] - reused[0] < 1000, reused


def test_all_frames_were_readable(stacks):
    """Every stack and every code object of the run was readable."""
    assert stacks.profile.troubles["unreadable_stacks"] == 0
    assert stacks.profile.troubles["unreadable_code"] == 0


def test_stacks_deeper_than_the_default(deep_stacks):
    """With --python-frames=200 stacks of 150 frames are complete."""
    assert max(len(frames) for frames in deep_stacks.expected) > 100
    assert_same(deep_stacks)


def test_c_thread_has_no_python_frame_before_and_after(stacks):
    """A thread made by C code has Python frames only between PyGILState_Ensure and PyGILState_Release."""
    outside = [site for site in stacks.profile.sites
               if site.has_native("pm_probe_allocate") and site.has_native("thread_body")
               and not site.python]
    by_size = collections.Counter()
    for site in outside:
        by_size[site.total_bytes / site.total_blocks] += site.total_blocks
    assert by_size == {70001: 2, 70003: 2}


def test_frames_beyond_the_limit_are_marked(stacks):
    """A stack has a note if, and only if, it was cut."""
    lengths = {size: len(frames) for _, size, frames in stacks.taken}
    checked = set()
    for site in stacks.probes:
        if site.total_blocks != 1 or site.total_bytes not in lengths:
            continue
        cut = lengths[site.total_bytes] > DEFAULT_PYTHON_FRAMES
        assert any(frame.kind == "note" for frame in site.frames) == cut, site
        checked.add(cut)
    assert checked == {True, False}


def kinds_of(site):
    """A letter for each frame, innermost first: n native, E evaluation, P Python. In 3.x PyEval_EvalFrameEx has no
    Python frame: it only calls the evaluation function. Builds with little optimisation show it as a frame."""
    letters = {"python": "P", "native": "n", "note": "-"}
    passing = "PyEval_EvalFrameEx" if any(frame.function == "_PyEval_EvalFrameDefault" for frame in site.frames) else None
    return "".join("E" if "eval" in frame.flags and frame.function != passing else letters[frame.kind]
                   for frame in site.frames)


def test_python_frames_stand_under_their_evaluation(deep_stacks):
    """sorted calls a key function, inside a function that map calls. Each Python frame comes directly after its own
    evaluation frame, with the C frames of sorted and of map in between."""
    (frames,) = [frames for frames, labels in deep_stacks.labels.items() if "key in a map" in labels]
    sites = [site for site in deep_stacks.probes if tuple(site.python) == frames]
    assert sum(site.total_blocks for site in sites) == 2
    for site in sites:
        # malloc and probe; inner lambda; sorted; outer lambda; map and list; called_from_c, main, module; start-up.
        # Up to 3.10 each Python function has its own call of the evaluation function.
        outer = "EPPP" if deep_stacks.python.version >= (3, 11) else "EPn*EPn*EP"
        assert re.fullmatch(f"n+EPn+EPn+{outer}n+", kinds_of(site)), (kinds_of(site), site)
        inner = kinds_of(site).index("EP")
        between = [frame for frame in site.frames[inner:inner + 20] if frame.kind == "native"]
        assert any("sort" in frame.function or is_nameless(frame) for frame in between), site


def chain_is_cut(python, site):
    """In 3.9, and in the first patch levels of 3.10, throw() into a delegating generator hides the outer frames, also
    from the interpreter."""
    return python.version[:2] in ((3, 9), (3, 10)) and site.python[-1].function in (
        "delegating", "async_main", "cancelled", "coroutine", "async_counter")


def test_every_mixed_stack_is_spliced_at_evaluation_frames(deep_stacks):
    """Python frames come only in groups directly after an evaluation frame, and every evaluation frame has such a
    group. In a stripped program a part of the evaluation function may have no name."""
    assert len(deep_stacks.probes) > 200
    cut = [site for site in deep_stacks.probes if chain_is_cut(deep_stacks.python, site)]
    # Up to 3.10 the deepest recursion has more native frames than Valgrind returns. Only Python frames follow.
    cut_below = [site for site in deep_stacks.probes if len(site.python) > 50 and deep_stacks.python.version < (3, 11)]
    wrong = []
    for site in deep_stacks.probes:
        kinds = "".join("?" if is_nameless(frame) else kind for frame, kind in zip(site.frames, kinds_of(site)))
        tail = "[nE?]*" if site in cut else "P*" if site in cut_below else ""
        if not re.fullmatch(f"n([n?]|[E?]P+)*{tail}", kinds):
            wrong.append((kinds[-40:], site.python[-1]))
    assert not wrong, wrong[:3]
    assert len(cut) < 10


def test_native_stacks_end_at_main(deep_stacks):
    """Stacks have no frame below main, and no nameless frames except those of a stripped program. (A thread's stack
    begins at clone, as in Memcheck.)"""
    below = {"(below main)", "__libc_start_main", "_start", ""}
    wrong = [site for site in deep_stacks.probes
             if any(frame.kind == "native" and frame.function.partition("@")[0] in below and not is_nameless(frame)
                    for frame in site.frames)]
    assert not wrong, wrong[:1]


def test_dead_dicts_stay_where_they_were_made(tool, any_python):
    """Dead dicts stay at the line that made them. In 3.12 and 3.13 a dying dict has a reference again for a moment,
    before it goes to the free list."""
    script = PROGRAMS / "dead_dicts.py"
    profile = tool.run(any_python.path, script).profile
    assert profile.at_line(str(script), line_of(script, "# their line")).live_blocks >= 70
    assert profile.at_line(str(script), line_of(script, "# where they die")).live_blocks == 0
