# SPDX-License-Identifier: GPL-2.0-or-later
"""The Python stack of each allocation, compared with what the interpreter itself says.

programs/stacks.py allocates from every kind of frame; with each allocation pm_probe stores the frames that the
interpreter's own API reports. The tool must have read the same frames, function, file and line, at the same sizes.
"""
import collections
import json

import pytest

from pmtest import PROGRAMS, PythonLine

STACKS = PROGRAMS / "stacks.py"
DEFAULT_PYTHON_FRAMES = 32


class Stacks:
    """What the interpreter said and what the tool read: Counters of (Python frames) -> bytes."""

    def __init__(self, tool, python, depth, *options):
        directory = tool.new_directory()
        self.run = tool.run(python.path, STACKS, directory / "taken.json", env=python.env, options=options)
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
def stacks(tool, python):
    return Stacks(tool, python, DEFAULT_PYTHON_FRAMES)


def describe(frames):
    return "\n".join(f"    {line.file}:{line.line} ({line.function})" for line in frames)


def assert_same(stacks):
    wrong = []
    for frames, size in stacks.expected.items():
        if stacks.actual.get(frames) != size:
            wrong.append(f"not seen as it was ({size} bytes, tool says {stacks.actual.get(frames)}): "
                         f"{stacks.labels[frames]}\n{describe(frames)}")
    for frames, size in stacks.actual.items():
        if frames not in stacks.expected:
            wrong.append(f"never happened ({size} bytes):\n{describe(frames)}")
    assert not wrong, f"{len(wrong)} stacks differ\n" + "\n".join(wrong[:12])


def test_every_frame_of_every_stack(stacks):
    """Function, file and line of each Python frame are those that the interpreter reports, for plain functions,
    methods, closures, comprehensions, generators, coroutines, decorators, callbacks from C, class bodies, imports,
    exec, exceptions, recursion, threads, finalizers and trace functions."""
    assert len(stacks.taken) > 300      # the script did all of it
    assert_same(stacks)


def test_all_frames_were_readable(stacks):
    """Not one stack or code object of the run was given up."""
    assert stacks.profile.troubles["unreadable_stacks"] == 0
    assert stacks.profile.troubles["unreadable_code"] == 0


def test_stacks_deeper_than_the_default(tool, python):
    """With --python-frames=200 the whole stack is there, also 150 frames deep."""
    deep = Stacks(tool, python, 200, "--python-frames=200")
    assert max(len(frames) for frames in deep.expected) > 100
    assert_same(deep)


def test_c_thread_has_no_python_frame_before_and_after(stacks):
    """A thread made by C has Python frames only between PyGILState_Ensure and PyGILState_Release."""
    outside = [site for site in stacks.profile.sites
               if site.has_native("pm_probe_allocate") and site.has_native("thread_body")
               and not site.python]
    by_size = collections.Counter()
    for site in outside:
        by_size[site.total_bytes / site.total_blocks] += site.total_blocks
    assert by_size == {70001: 2, 70003: 2}


def test_frames_beyond_the_limit_are_marked(stacks):
    """A stack that was cut says so, and one that was not does not."""
    lengths = {size: len(frames) for _, size, frames in stacks.taken}
    checked = set()
    for site in stacks.probes:
        if site.total_blocks != 1 or site.total_bytes not in lengths:
            continue
        cut = lengths[site.total_bytes] > DEFAULT_PYTHON_FRAMES
        assert any(frame.kind == "note" for frame in site.frames) == cut, site
        checked.add(cut)
    assert checked == {True, False}


def test_python_frames_stand_under_their_eval_frame(stacks):
    """In the mixed stack a key function called by sorted stands inside C, and that C inside its Python caller."""
    size = next(size for label, size, _ in stacks.taken if label == "sorted key 3")
    (site,) = [site for site in stacks.probes if site.total_bytes == size and site.total_blocks == 1] or \
        [site for site in stacks.probes if any("sorted key" in l for l in stacks.labels[tuple(site.python)])]
    kinds = "".join({"python": "P", "native": "n", "note": "-"}[frame.kind] for frame in site.frames)
    # allocator and probe; lambda; sorted's C; called_from_c, main, module; start-up
    assert kinds.count("P") == 4
    groups = [group for group in kinds.split("n") if group]
    assert groups == ["P", "PPP"], (kinds, site)
    assert evaluations_precede_python(site), site


def evaluations_precede_python(site):
    """Whether each group of Python frames stands directly after an evaluation frame, and each evaluation frame
    directly before one."""
    for before, frame in zip(site.frames, site.frames[1:]):
        if frame.kind == "python" and before.kind == "native" and "eval" not in before.flags:
            return False
        if before.kind == "native" and "eval" in before.flags and frame.kind != "python":
            return False
    return site.frames[0].kind == "native"


def test_every_mixed_stack_is_spliced_at_evaluation_frames(stacks):
    """No Python frame stands anywhere but under an evaluation frame, in all stacks of the probe that are whole."""
    whole = [site for site in stacks.probes if not any(frame.kind == "note" for frame in site.frames)]
    assert len(whole) > 100
    wrong = [site for site in whole if site.python and not evaluations_precede_python(site)]
    assert not wrong, wrong[:3]
