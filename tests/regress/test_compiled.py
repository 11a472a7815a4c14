# SPDX-License-Identifier: GPL-2.0-or-later
"""Loops that the interpreter compiles while they run (PYTHON_JIT=1, 3.14 and later, built for it): each line has the
blocks and bytes that the interpreter's own tracemalloc has there, in another process that does the same.

Compiled code stores the frame's position less often, in 3.15: tracebacks and tracemalloc then give some allocations to
the line of the store before, in an earlier round of the loop perhaps. So do we. What the compiler allocates for itself
by CPython's allocators (executors, code for debuggers) is at the line that was compiled, for both.

Two things are the tool's only. libgcc, to which 3.15 makes its code known (__register_frame), asks malloc itself. And
a few blocks are older than tracemalloc and were given out of a free list, at most MAX_OLDER.
"""
import collections
import json
import subprocess

import pytest

import pythons
from pmtest import PROGRAMS, line_of

SCRIPT = PROGRAMS / "hot_loop.py"
HAS_COMPILER = "import sys; print(hasattr(sys, '_jit') and sys._jit.is_available())"
LOOPS = {"simple", "calls", "pair", "count", "Thing.__init__"}
END_OF_LOOPS = line_of(SCRIPT, "def empty_free_lists")
ROUNDS = 20000
MAX_OLDER = 8
MALLOC = {"malloc", "calloc", "realloc"}


def has_compiler(python):
    return subprocess.run([python.path, "-c", HAS_COMPILER], stdout=subprocess.PIPE, check=True).stdout == b"True\n"


PYTHONS = [pytest.param(python, id=f"{python.row}:{python.path}")
           for python in pythons.PYTHONS if has_compiler(python)] \
    or [pytest.param(None, marks=pytest.mark.skip(reason="no interpreter here that compiles (3.14 and later)"))]


def is_libgcc(site):
    """Whether libgcc itself asked malloc."""
    callers = [frame for frame in site.frames if frame.function not in MALLOC]
    return site.frames[0].function in MALLOC and "libgcc_s.so" in callers[0].object


def compare(tool, python, compiled):
    env = {"PYTHON_JIT": str(int(compiled))}
    said, lines = tool.run_native(python.path, SCRIPT, "trace", env=env).stdout.splitlines()
    run = tool.run(python.path, SCRIPT, env=env)
    assert said == run.stdout.strip() == ("compiled" if compiled else "interpreted")
    theirs = collections.defaultdict(lambda: (0, 0))
    theirs.update((int(line), figures) for line, figures in json.loads(lines).items() if int(line) < END_OF_LOOPS)
    ours = collections.defaultdict(list)
    for site in run.profile.sites:
        if site.live_blocks and site.python and site.python[0].file == str(SCRIPT) \
                and site.python[0].function in LOOPS and not is_libgcc(site):
            ours[site.python[0].line].append(site)
    wrong, older = [], 0
    for line in sorted(theirs.keys() | ours.keys()):
        blocks = sum(site.live_blocks for site in ours[line]) - theirs[line][0]
        size = sum(site.live_bytes for site in ours[line]) - theirs[line][1]
        reborn = [site for site in ours[line] if site.frames[0].function not in MALLOC]
        if 0 < blocks <= sum(site.live_blocks for site in reborn) \
                and 0 < size <= sum(site.live_bytes for site in reborn):
            older += blocks
        elif blocks or size:
            wrong.append(f"line {line}: tracemalloc {theirs[line]}, tool {blocks} blocks and {size} bytes more: "
                         f"{ours[line]}")
    assert not wrong, "\n".join(wrong)
    assert older <= MAX_OLDER
    assert sum(blocks for blocks, _ in theirs.values()) > 10 * ROUNDS
    assert run.profile.troubles["unreadable_stacks"] == 0


@pytest.mark.parametrize("python", PYTHONS)
def test_interpreted(tool, python):
    compare(tool, python, compiled=False)


@pytest.mark.parametrize("python", PYTHONS)
def test_compiled(tool, python):
    compare(tool, python, compiled=True)
