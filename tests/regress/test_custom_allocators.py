# SPDX-License-Identifier: GPL-2.0-or-later
"""Blocks of a program's own allocators, which it tells of by client requests: totals, kinds and records are
Memcheck's, and each has its Python line."""
import re

import pytest

from pmtest import PROGRAMS, compile_program, heap_totals

WAYS = ["malloclike", "malloclike_in_heap", "resized", "wrong", "pool", "pool_destroyed", "pool_trimmed",
        "pool_moved", "many_pools", "auto_free"]
SUMMARY = re.compile(r"==\d+==\s+(definitely lost|indirectly lost|possibly lost|still reachable): ([\d,]+) bytes in "
                     r"([\d,]+) blocks")
SOURCE = PROGRAMS / "custom_allocators.c"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return compile_program(tmp_path_factory.mktemp("custom") / "custom", SOURCE, "-O1")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return compile_program(tmp_path_factory.mktemp("custom") / "libcustom.so", SOURCE, "-O1", "-shared", "-fPIC")


def both(tool, program, way):
    options = ["--leak-check=full", "--show-leak-kinds=all", "--leak-check-heuristics=none"]
    ours = tool.run(program, way, options=[*options, "--default-suppressions=no"])
    theirs = tool.run(program, way, tool="memcheck", options=options)
    assert ours.stdout == theirs.stdout
    return ours, theirs


@pytest.mark.parametrize("way", WAYS)
def test_totals(tool, program, way):
    ours, theirs = both(tool, program, way)
    assert heap_totals(ours.log) == heap_totals(theirs.log)
    assert heap_totals(ours.log).allocs >= 2


@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("wrong", "auto_free")])
def test_kinds(tool, program, way):
    ours, theirs = both(tool, program, way)
    found = SUMMARY.findall(ours.log)
    assert found == SUMMARY.findall(theirs.log)
    assert any(blocks != "0" for _, _, blocks in found)


EXPECTED = {
    "malloclike": {"definite": (103 + 104 + 105, 3), "reachable": (106 + 107 + 108 + 109, 4)},
    "malloclike_in_heap": {"definite": (200, 4), "reachable": (300, 6)},
    "resized": {"definite": (60, 1), "reachable": (300, 1)},
    "pool": {"definite": (41 + 42 + 43, 3), "reachable": (33 + 44 + 45 + 46 + 47 + 48 + 49, 7)},
    "pool_trimmed": {"definite": (0, 0), "reachable": (33 + 45 + 46 + 47, 4)},
}


@pytest.mark.parametrize("way", EXPECTED)
def test_what_is_lost(tool, program, way):
    """As the program says, so that the two tools cannot agree on something else."""
    summary = tool.run(program, way, options=["--leak-check-heuristics=none"]).profile.json["leaks"]["summary"]
    for kind, expected in EXPECTED[way].items():
        assert tuple(summary[kind]) == expected, (kind, summary)


def test_wrong_frees(tool, program):
    """free of such a block, FREELIKE of malloc's, of none, and of one that is gone; a resize with a wrong old size."""
    run = tool.run(program, "wrong")
    errors = run.profile.json.get("errors") or run.log
    assert len(re.findall(r"(?i)mismatched free", run.log)) == 2, errors
    assert len(re.findall(r"(?i)invalid free|double free", run.log)) == 3, run.log


@pytest.mark.parametrize("function", ["arena_alloc", "pool_alloc"])
def test_python_lines(tool, release_python, library, function):
    """A leak of such a block names the line, and the sizes are in the histograms."""
    path = tool.new_directory() / "script.py"
    path.write_text(f"""\
import ctypes
lib = ctypes.PyDLL({str(library)!r})
def lose():
    lib.{function}(4321)
for n in range(7):
    lose()
""")
    run = tool.run(release_python.path, "-S", path)
    losses = [loss for loss in run.profile.losses if loss.python and loss.python[0].function == "lose"]
    assert [(loss.kind, loss.bytes, loss.blocks, loss.python[0].line) for loss in losses] == [
        ("definite", 7 * 4321, 7, 4)]
    assert any(frame.function == function for frame in losses[0].frames)
    site = run.profile.at_line(str(path), 4)
    assert site.sizes[4096] == 7
