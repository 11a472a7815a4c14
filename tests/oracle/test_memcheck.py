# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares HEAP SUMMARY with Memcheck's for the same deterministic command."""
import os

import pytest

from pmtest import PROGRAMS, heap_totals

WORK = PROGRAMS / "small_work.py"


def both(tool, command, env=None, **options):
    """The totals of pymemcheck and of Memcheck for one command. Both environments have the same length, since a
    Python program copies all of the environment into os.environ. They would differ by the tools' names: in LD_PRELOAD,
    which Valgrind sets, and in PYMEMCHECK_TOOL, which chooses the tool."""
    env = dict(env or {})
    # The dynamic linker ignores empty names in LD_PRELOAD.
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
    """Allocations, frees, bytes and live blocks equal Memcheck's, for every C entry point, every form of new and
    delete, and threads that pass blocks to each other."""
    ours, theirs = both(tool, [programs[name]])
    assert ours == theirs
    assert ours.allocs > 20 and ours.frees > 15


def test_a_realloc_that_fails(tool, programs):
    """Memcheck 3.19 counts a failing realloc as a free and an allocation of the impossible size. Our totals do the
    same. The site that asked does not count it, and the tool counts a failed allocation."""
    ours, theirs = both(tool, [programs["allocators"], "failing-realloc"])
    assert ours == theirs == (0, 0, 2, 2, 179 + (1 << 46))
    profile = tool.run(programs["allocators"], "failing-realloc").profile
    assert profile.troubles["failed_allocations"] == 1
    assert sum(site.total_bytes for site in profile.sites) == 179


def in_its_own_environment(tool, python):
    """A virtual environment of this interpreter, with nothing installed. Packages in the machine's site-packages can
    run code at each start, which need not be deterministic: some ints hold addresses or hashes of addresses."""
    directory = tool.new_directory()
    (directory / "bin").mkdir()
    (directory / "pyvenv.cfg").write_text(f"home = {os.path.dirname(python.path)}\n"
                                          "include-system-site-packages = false\n")
    (directory / "bin" / "python").symlink_to(python.path)
    return directory / "bin" / "python"


@pytest.mark.parametrize("flags", [["-S"], ["-I", "-S"], []], ids=["S", "IS", "site"])
def test_python_with_malloc(tool, python, flags):
    """A whole run of the interpreter with all domains on malloc: the totals are equal to the byte."""
    # -I ignores PYTHONMALLOC and PYTHONHASHSEED. Then both tools must leave the interpreter's own allocator in place.
    isolated = "-I" in flags
    allocator = "malloc_debug" if python.debug else "malloc"
    # A debug build turns its small-object allocator off under Valgrind only if it was built to notice Valgrind. So
    # set PYTHONMALLOC wherever the interpreter reads the environment.
    options = {"options": ["--pymalloc=yes"]} if isolated else {}
    program = python.path if flags else in_its_own_environment(tool, python)
    # With hashes that differ from run to run, tables may grow at other moments.
    for _ in range(5 if isolated else 1):
        ours, theirs = both(tool, [program, *flags, WORK], env={"PYTHONMALLOC": allocator}, **options)
        if ours == theirs:
            break
    assert ours == theirs
    assert ours.allocs > (1_000 if isolated else 10_000)


def test_default_sees_what_memcheck_sees_with_pythonmalloc(tool, release_python):
    """By default, with nothing set in the environment, the tool sees as many allocations as Memcheck with
    PYTHONMALLOC=malloc."""
    ours = tool.run(release_python.path, "-S", WORK)
    theirs = tool.run(release_python.path, "-S", WORK, tool="memcheck",
                      options=["--leak-check=no"], env={"PYTHONMALLOC": "malloc"})
    # The environments differ by one name, so os.environ needs a few more allocations.
    difference = abs(heap_totals(ours.log).allocs - heap_totals(theirs.log).allocs)
    assert difference <= 8
