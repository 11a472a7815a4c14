# SPDX-License-Identifier: GPL-2.0-or-later
"""Events: with --sanity-level=2 a listener keeps its own books from events alone, and the run ends at a
difference between its blocks and the tables' (heap/pm_ledger.h)."""
import re
import subprocess

import pytest

from pmtest import PROGRAMS, compile_program, heap_totals, needs_core

pytestmark = needs_core("sanity")
CHECKED = ["--sanity-level=2", "-v", "-v"]


def ledger(run):
    """How many events the ledger replayed, and how many blocks were left."""
    found = re.search(r"The ledger agrees: (\d+) events, (\d+) live blocks\.", run.log)
    assert found, run.log[-2000:]
    return tuple(map(int, found.groups()))


def assert_complete(run):
    totals = heap_totals(run.log)
    events, live = ledger(run)
    assert live == totals.live_blocks == run.profile.totals["live_blocks"]
    assert totals.allocs <= events
    return events


@pytest.mark.parametrize("name", ["allocators", "operators", "threads"])
def test_compiled_programs(tool, programs, name):
    """Every C entry point, every form of new and delete, failures, and threads that pass blocks on."""
    assert_complete(tool.run(programs[name], options=CHECKED))


def test_failing_realloc(tool, programs):
    """A realloc that fails leaves its block; that is one event."""
    run = tool.run(programs["allocators"], "failing-realloc", options=CHECKED)
    assert ledger(run) == (3, 0)


def test_wrong_frees(tool, tmp_path):
    """Frees of what is no block, twice freed blocks, and blocks of another allocator."""
    program = compile_program(tmp_path / "wrong_frees", PROGRAMS / "wrong_frees.cpp", "-O1", "-fno-inline")
    names = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    assert_complete(tool.run(program, *names, options=CHECKED))


@pytest.mark.parametrize("options", [[], ["--keep-stacktraces=alloc-and-free"]], ids=["usual", "free_stacks"])
def test_python(tool, any_python, options):
    """Objects that reuse blocks are events besides allocations and frees."""
    code = "import json; kept = [json.loads(json.dumps([str(i), {'n': i / 3.0}])) for i in range(300)]"
    run = tool.run(any_python.path, "-S", "-c", code, options=CHECKED + options)
    totals = run.profile.totals
    assert assert_complete(run) > totals["allocs"] + totals["reused_blocks"]


def test_fork(tool, release_python):
    """A fork child goes on with the ledger that it inherited, and each process compares its own."""
    code = "import os; kept = [object() for i in range(100)]; child = os.fork(); child and os.waitpid(child, 0)"
    run = tool.run(release_python.path, "-S", "-c", code, options=CHECKED)
    assert len(run.logs) == 2
    for log in run.logs.values():
        assert "The ledger agrees" in log, log[-2000:]


def test_not_by_default(tool, release_python):
    run = tool.run(release_python.path, "-S", "-c", "", options=["-v", "-v"])
    assert "ledger" not in run.log
