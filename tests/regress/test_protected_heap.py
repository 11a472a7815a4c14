# SPDX-License-Identifier: GPL-2.0-or-later
"""Blocks of which the program protected or unmapped a page: free and realloc do not touch it."""
import re

import pytest

from pmtest import PROGRAMS, compile_program, heap_totals

PROTECTED = ["aligned", "in_the_middle", "small", "unmapped", "moved", "zeroed"]


@pytest.fixture(scope="module")
def protected_heap(tmp_path_factory):
    return compile_program(tmp_path_factory.mktemp("memory") / "protected_heap", PROGRAMS / "protected_heap.c", "-O0")


@pytest.mark.parametrize("way", PROTECTED)
def test_protected_block(tool, protected_heap, way):
    """A block with a page that may not be touched is freed, and its memory is not used again."""
    run = tool.run(protected_heap, way, check=False)
    assert run.returncode == 4, run
    assert "goes on" in run.stdout
    if way == "moved":
        assert "begin end" in run.stdout
    totals = heap_totals(run.log)
    if way != "small":
        assert totals.allocs == totals.frees and totals.live_bytes == 0
    assert not re.search(r"invalid free|mismatched", run.log)


@pytest.mark.parametrize("way", [way for way in PROTECTED if way != "moved"])
def test_protected_block_as_memcheck(tool, protected_heap, way):
    """The sums are Memcheck's, which itself dies where such a block is moved."""
    ours = tool.run(protected_heap, way, check=False)
    theirs = tool.run(protected_heap, way, tool="memcheck", check=False, options=["--leak-check=no"])
    assert ours.returncode == theirs.returncode == 4
    assert heap_totals(ours.log) == heap_totals(theirs.log)
