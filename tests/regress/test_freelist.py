# SPDX-License-Identifier: GPL-2.0-or-later
"""Freed blocks wait before their memory is used again (--freelist-vol=): old pointers to them lead nowhere, and a
second free hits no other block."""
import pytest

from pmtest import PROGRAMS, compile_program

TWICE_BYTES = 40


@pytest.fixture(scope="module")
def dangling(tmp_path_factory):
    return compile_program(tmp_path_factory.mktemp("dangling") / "dangling", PROGRAMS / "dangling.c", "-O1")


def records(run):
    return sorted((loss.kind, loss.blocks, loss.bytes, loss.indirect_blocks) for loss in run.profile.losses
                  if loss.blocks > 0)


def test_old_pointers_do_not_chain_lost_blocks(tool, dangling):
    assert records(tool.run(dangling, "lost")) == [("definite", 10, 9760, 0)]
    theirs = tool.run(dangling, "lost", tool="memcheck", options=["--leak-check=full"])
    assert "9,760 bytes in 10 blocks are definitely lost" in theirs.log


def test_nothing_waits(tool, dangling):
    """Without a volume, each lost block takes the memory that the one before it still points to."""
    found = records(tool.run(dangling, "lost", options=["--freelist-vol=0"]))
    assert ("definite", 1, 976, 9) in found


@pytest.mark.parametrize("options, others", [
    ([], 0),
    ([], 200),
    (["--freelist-vol=20000"], 20000 // TWICE_BYTES - 20),
    (["--freelist-vol=4000000"], 20000),
    (["--freelist-vol=4000000", "--keep-stacktraces=alloc-and-free"], 5),
])
def test_second_free_hits_no_other_block(tool, dangling, options, others):
    run = tool.run(dangling, "twice", str(others), options=options)
    assert run.stdout == "y\n"
    assert run.log.count("the block is free already") == 1
    assert f"is 0 bytes inside a block of size {TWICE_BYTES} free'd" in run.log
    assert "ERROR SUMMARY: 1 errors from 1 contexts" in run.log


@pytest.mark.parametrize("options, others", [
    (["--freelist-vol=0"], 0),
    (["--freelist-vol=20000"], 20000 // TWICE_BYTES),
])
def test_volume_is_a_limit(tool, dangling, options, others):
    """What waited long enough is used again: then the second free frees another block."""
    run = tool.run(dangling, "twice", str(others), options=options)
    assert run.log.count("the block is free already") == 1
    assert run.stdout == "\0\n"


def test_sanity(tool, dangling):
    """The second set of books agrees."""
    run = tool.run(dangling, "twice", "3000", options=["--sanity-level=2", "--freelist-vol=50000"])
    assert run.returncode == 0


@pytest.mark.parametrize("value", ["", "-1", "many", "1k", "99999999999"])
def test_bad_volumes(tool, dangling, value):
    run = tool.run(dangling, "lost", options=[f"--freelist-vol={value}"], check=False)
    said = run.stderr + "".join(run.logs.values())
    assert run.returncode == 1 and "expected a whole number from 0 to" in said


PLACES = """
def generator():
    yield 1
def places(make):
    return len({id(make()) for _ in range(100)})
class Other:
    __slots__ = "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"
print(places(generator), places(Other))
"""


def test_generators_do_not_wait(tool, release_python):
    """Their frames are parts of stacks, which would be others in each place. Other objects wait."""
    if release_python.version < (3, 11):
        pytest.skip("the frame of a generator is an object of its own before 3.11")
    generators, others = map(int, tool.run(release_python.path, "-S", "-c", PLACES).stdout.split())
    assert generators < 10 and others == 100
