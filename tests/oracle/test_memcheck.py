# SPDX-License-Identifier: GPL-2.0-or-later
"""Our HEAP SUMMARY equals Memcheck's for the same deterministic command."""
import os

import pytest

from pmtest import PROGRAMS, heap_totals

WORK = PROGRAMS / "small_work.py"


def both(tool, command, env=None, **options):
    """Totals of ours and of Memcheck's for one command, in environments of the same length, since a Python
    program copies all of it into os.environ. They differ by the names of the tools: in LD_PRELOAD, which Valgrind
    sets, and in PYMEMCHECK_TOOL, which chooses the tool."""
    env = dict(env or {})
    # Empty names in LD_PRELOAD mean nothing to the dynamic linker.
    difference = len("pymemcheck") - len("memcheck")
    ours = tool.run(*command, tool="pymemcheck", env={**env, "LD_PRELOAD": ":", "FILLER": "xx"}, **options)
    theirs = tool.run(*command, tool="memcheck",
                      env={**env, "LD_PRELOAD": ":" * (1 + difference), "FILLER": "x" * (2 + difference)},
                      **{**options, "options": ["--leak-check=no"]})
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
    """Memcheck 3.19 counts a realloc that fails as a free and an allocation of the impossible size, and so do our
    totals; the site that asked has none of it, and it is counted as a failed allocation."""
    ours, theirs = both(tool, [programs["allocators"], "failing-realloc"])
    assert ours == theirs == (0, 0, 2, 2, 179 + (1 << 46))
    profile = tool.run(programs["allocators"], "failing-realloc").profile
    assert profile.troubles["failed_allocations"] == 1
    assert sum(site.total_bytes for site in profile.sites) == 179


def in_its_own_environment(tool, python):
    """A virtual environment of this interpreter with nothing installed. What a machine has in site-packages can run
    at each start, and need not do the same each time: some ints hold addresses or hashes of addresses."""
    directory = tool.new_directory()
    (directory / "bin").mkdir()
    (directory / "pyvenv.cfg").write_text(f"home = {os.path.dirname(python.path)}\n"
                                          "include-system-site-packages = false\n")
    (directory / "bin" / "python").symlink_to(python.path)
    return directory / "bin" / "python"


@pytest.mark.parametrize("flags", [["-S"], ["-I", "-S"], []], ids=["S", "IS", "site"])
def test_python_with_malloc(tool, python, flags):
    """The interpreter from start to end, all domains on malloc: the same totals to the byte."""
    # -I ignores PYTHONMALLOC and PYTHONHASHSEED; then both tools must leave the interpreter's own allocator.
    isolated = "-I" in flags
    allocator = "malloc_debug" if python.debug else "malloc"
    # A debug build turns its small-object allocator off under Valgrind by itself only where it can see
    # Valgrind, so the environment says it in every case that listens to the environment.
    options = {"options": ["--pymalloc=yes"]} if isolated else {}
    program = python.path if flags else in_its_own_environment(tool, python)
    ours, theirs = both(tool, [program, *flags, WORK], env={"PYTHONMALLOC": allocator}, **options)
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
