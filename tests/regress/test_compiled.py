# SPDX-License-Identifier: GPL-2.0-or-later
"""Loops that the interpreter compiles while they run (PYTHON_JIT=1, 3.14 and later, if built for it). Each line must have
the same blocks and bytes as in the interpreter's own tracemalloc, in another process that does the same.

In 3.15 compiled code stores the frame's position less often. Tracebacks and tracemalloc then attribute some allocations
to the line of the previous store, perhaps in an earlier round of the loop. So does the tool. Both attribute the
compiler's own allocations through CPython's allocators (executors, code for debuggers) to the compiled line.

Two kinds of blocks only the tool has. libgcc, to which 3.15 announces its code (__register_frame), calls malloc itself.
And a few blocks, at most MAX_OLDER, are older than tracemalloc and came from a free list.
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


PYTHONS = pythons.each_that(has_compiler, "interpreter with a compiler (3.14 and later)")


def is_libgcc(site):
    """Whether libgcc itself called malloc."""
    callers = [frame for frame in site.frames if frame.function not in MALLOC]
    return site.frames[0].function in MALLOC and "libgcc_s.so" in callers[0].object


def compare(tool, python, compiled):
    env = {"PYTHON_JIT": str(int(compiled))}
    state, lines = tool.run_native(python.path, SCRIPT, "trace", env=env).stdout.splitlines()
    run = tool.run(python.path, SCRIPT, env=env)
    assert state == run.stdout.strip() == ("compiled" if compiled else "interpreted")
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
        reused = [site for site in ours[line] if site.frames[0].function not in MALLOC]
        if 0 < blocks <= sum(site.live_blocks for site in reused) \
                and 0 < size <= sum(site.live_bytes for site in reused):
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
