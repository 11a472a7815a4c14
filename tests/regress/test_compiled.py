# SPDX-License-Identifier: GPL-2.0-or-later
"""Loops that the interpreter compiles while they run (PYTHON_JIT=1, 3.14 and later, built for it): each line has the same
blocks as when they are interpreted."""
import subprocess

import pytest

import pythons
from pmtest import PROGRAMS

SCRIPT = PROGRAMS / "hot_loop.py"
HAS_COMPILER = "import sys; print(hasattr(sys, '_jit') and sys._jit.is_available())"
LINES = [number for number, line in enumerate(SCRIPT.read_text().splitlines(), 1) if "# line: " in line]
ROUNDS = 20000


def has_compiler(python):
    return subprocess.run([python.path, "-c", HAS_COMPILER], stdout=subprocess.PIPE, check=True).stdout == b"True\n"


PYTHONS = [pytest.param(python, id=f"{python.row}:{python.path}")
           for python in pythons.PYTHONS if has_compiler(python)] \
    or [pytest.param(None, marks=pytest.mark.skip(reason="no interpreter here that compiles (3.14 and later)"))]


def figures(profile):
    sums = {line: profile.at_line(str(SCRIPT), line) for line in LINES}
    return {line: (each.live_blocks, each.live_bytes, each.total_blocks) for line, each in sums.items()}


@pytest.mark.parametrize("python", PYTHONS)
def test_lines_of_compiled_code(tool, python):
    interpreted = tool.run(python.path, SCRIPT, env={"PYTHON_JIT": "0"})
    compiled = tool.run(python.path, SCRIPT, env={"PYTHON_JIT": "1"})
    assert (interpreted.stdout, compiled.stdout) == ("interpreted\n", "compiled\n")
    expected = figures(interpreted.profile)
    assert len(expected) == 8 and all(blocks >= ROUNDS for blocks, _, _ in expected.values())
    assert figures(compiled.profile) == expected
    # Malloc never lost its way to the Python frames.
    assert compiled.profile.troubles["unreadable_stacks"] == 0
