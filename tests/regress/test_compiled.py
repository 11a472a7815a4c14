# SPDX-License-Identifier: GPL-2.0-or-later
"""Loops that the interpreter compiles while they run (PYTHON_JIT=1, 3.14 and later, built for it): each line has the
blocks that the interpreter's own tracemalloc has there.

Compiled code stores the frame's position less often, in 3.15: tracebacks and tracemalloc then give some allocations to
the line of the store before, in an earlier round of the loop perhaps. So do we.
"""
import json
import subprocess

import pytest

import pythons
from pmtest import PROGRAMS

SCRIPT = PROGRAMS / "hot_loop.py"
HAS_COMPILER = "import sys; print(hasattr(sys, '_jit') and sys._jit.is_available())"
TAGGED = [number for number, line in enumerate(SCRIPT.read_text().splitlines(), 1) if "# line: " in line]
ROUNDS = 20000
# Objects that are older than tracemalloc and given out of a free list (3.14 and 3.15 have 80 or 100 of a kind).
NOISE_BLOCKS, NOISE_BYTES = 128, 10000


def has_compiler(python):
    return subprocess.run([python.path, "-c", HAS_COMPILER], stdout=subprocess.PIPE, check=True).stdout == b"True\n"


PYTHONS = [pytest.param(python, id=f"{python.row}:{python.path}")
           for python in pythons.PYTHONS if has_compiler(python)] \
    or [pytest.param(None, marks=pytest.mark.skip(reason="no interpreter here that compiles (3.14 and later)"))]


def compare(tool, python, compiled):
    env = {"PYTHON_JIT": str(int(compiled))}
    said, lines = tool.run_native(python.path, SCRIPT, "trace", env=env).stdout.splitlines()
    run = tool.run(python.path, SCRIPT, env=env)
    assert said == run.stdout.strip() == ("compiled" if compiled else "interpreted")
    theirs = {int(line): figures for line, figures in json.loads(lines).items()}
    wrong = []
    for line in sorted(set(TAGGED) | {line for line, (blocks, _) in theirs.items() if blocks > NOISE_BLOCKS}):
        blocks, size = theirs.get(line, (0, 0))
        ours = run.profile.at_line(str(SCRIPT), line)
        if abs(ours.live_blocks - blocks) > NOISE_BLOCKS or abs(ours.live_bytes - size) > NOISE_BYTES:
            wrong.append(f"line {line}: tracemalloc {blocks, size}, tool {ours.live_blocks, ours.live_bytes}")
    assert not wrong, "\n".join(wrong)
    assert sum(blocks for blocks, _ in theirs.values()) > 10 * ROUNDS
    assert run.profile.troubles["unreadable_stacks"] == 0


@pytest.mark.parametrize("python", PYTHONS)
def test_interpreted(tool, python):
    compare(tool, python, compiled=False)


@pytest.mark.parametrize("python", PYTHONS)
def test_compiled(tool, python):
    compare(tool, python, compiled=True)
