# SPDX-License-Identifier: GPL-2.0-or-later
"""Our HEAP SUMMARY equals Memcheck's for the same deterministic command."""
import re

import pytest

from pmtest import PROGRAMS, heap_totals

WORK = PROGRAMS / "small_work.py"


def both(tool, command, env=None, **options):
    """Totals of ours and of Memcheck's for one command. Valgrind puts the preloaded objects of the tool into
    LD_PRELOAD, which a Python program copies into os.environ: Memcheck's is made as long as ours."""
    env = dict(env or {})
    lengths = {}
    for name in (None, "memcheck"):
        run = tool.run("/usr/bin/env", tool=name, files=False, env=env)
        lengths[name] = len(re.search(r"^LD_PRELOAD=(.*)$", run.stdout, re.M)[1])
    ours = tool.run(*command, env=env, **options)
    # Empty names in LD_PRELOAD mean nothing to the dynamic linker; Valgrind adds one colon of its own.
    filler = ":" * (lengths[None] - lengths["memcheck"] - 1)
    theirs = tool.run(*command, env={**env, "PYMEMCHECK_TOOL": "memcheck", "LD_PRELOAD": filler},
                      tool="memcheck", **{**options, "options": ["--leak-check=no"]})
    assert ours.stdout == theirs.stdout
    assert ours.returncode == theirs.returncode
    totals = heap_totals(ours.log)
    json = ours.profile.totals
    assert (json["allocs"], json["frees"], json["bytes"]) == (totals.allocs, totals.frees, totals.bytes)
    assert (json["live_bytes"], json["live_blocks"]) == (totals.live_bytes, totals.live_blocks)
    return totals, heap_totals(theirs.log)


@pytest.mark.parametrize("name", ["allocators", "operators", "threads"])
def test_compiled_program(tool, programs, name):
    """Every C entry point, every form of new and delete, and threads that pass blocks on: allocations, frees,
    bytes and what is live are Memcheck's."""
    ours, theirs = both(tool, [programs[name]])
    assert ours == theirs
    assert ours.allocs > 20 and ours.frees > 15


def test_a_realloc_that_fails(tool, programs):
    """A realloc that fails leaves its block live and allocates nothing. (Memcheck 3.19 counts it as an allocation
    of the impossible size and a free: the one difference that is known.)"""
    ours, theirs = both(tool, [programs["allocators"], "failing-realloc"])
    assert (theirs.allocs, theirs.frees, theirs.bytes) == (2, 2, 179 + (1 << 46))
    assert (ours.allocs, ours.frees, ours.bytes, ours.live_blocks) == (1, 1, 179, 0)


@pytest.mark.parametrize("flags", [["-S"], ["-I", "-S"], []], ids=["S", "IS", "site"])
def test_python_with_malloc(tool, python, flags):
    """The interpreter from start to end, all domains on malloc: the same totals to the byte."""
    # -I ignores PYTHONMALLOC and PYTHONHASHSEED; then both tools must leave the interpreter's own allocator.
    isolated = "-I" in flags
    allocator = "malloc_debug" if python.debug else "malloc"
    # A debug build turns its small-object allocator off under Valgrind by itself only where it can see
    # Valgrind, so the environment says it in every case that listens to the environment.
    options = {"options": ["--pymalloc=yes"]} if isolated else {}
    if isolated and not python.debug:
        # Hashes are random under -I; sizes of sets and dicts do not depend on them in this program.
        pass
    ours, theirs = both(tool, [python.path, *flags, WORK], env={"PYTHONMALLOC": allocator}, **options)
    assert ours == theirs
    assert ours.allocs > (1_000 if isolated else 10_000)


def test_default_sees_what_memcheck_sees_with_pythonmalloc(tool, release_python):
    """Our default, with nothing set in the environment, makes as many allocations as PYTHONMALLOC=malloc makes
    under Memcheck."""
    ours = tool.run(release_python.path, "-S", WORK)
    theirs = tool.run(release_python.path, "-S", WORK, tool="memcheck",
                      options=["--leak-check=no"], env={"PYTHONMALLOC": "malloc"})
    # The environment itself differs here (one name), hence a few allocations for os.environ.
    difference = abs(heap_totals(ours.log).allocs - heap_totals(theirs.log).allocs)
    assert difference <= 8
