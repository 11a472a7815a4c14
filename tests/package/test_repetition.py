# SPDX-License-Identifier: GPL-2.0-or-later
"""Which leaks grow in each repetition; sizes and runs as options give them."""
import pytest

import pack  # noqa: F401
from pymemcheck.profile import RECORD_NUMBERS, Record
from pymemcheck.repetition import Repetition, figures_of, parse_runs, parse_size


def record(fingerprint="a1", kind="definite", blocks=1, **figures):
    numbers = dict.fromkeys(Record._fields, 0)
    numbers.update(dict.fromkeys(RECORD_NUMBERS, 0), types=(("list", blocks),), note="", chain=(), places=(), frames=(),
                   expression="", suppressed=False, left_out=False, bytes=figures.pop("bytes", 10 * blocks),
                   main_blocks=blocks, kind=kind, fingerprint=fingerprint, blocks=blocks)
    numbers.update(figures)
    return Record(**numbers)


def grown(warm, counted, *searches, before=(), **options):
    repetition = Repetition(warm, counted, before, **options)
    for search in searches:
        repetition.add(search)
    return repetition.grown()


def blocks(count, fingerprint="a1"):
    return [record(fingerprint, blocks=count)] if count else []


@pytest.mark.parametrize("counts, is_leak", [
    ((1, 2, 3, 4), True),           # each time
    ((1, 1, 1, 1), False),          # once, while it warms up
    ((0, 1, 1, 1), False),          # once, while it counts
    ((0, 1, 2, 2), False),          # twice of three times
    ((0, 1, 2, 3), True),           # nothing in the first run
    ((2, 1, 2, 3), False),          # less, then more
    ((5, 9, 10, 30), True),         # unequal amounts
])
def test_growth_in_each_counted_run(counts, is_leak):
    found = grown(1, 3, *map(blocks, counts))
    assert bool(found) == is_leak
    if is_leak:
        assert found[0].amounts == [b - a for a, b in zip(counts, counts[1:])]
        assert found[0].record.blocks == counts[3] - counts[0] and found[0].noun == "blocks"
        assert found[0].record.bytes == 10 * (counts[3] - counts[0])


def test_old_leaks_are_not_new_ones():
    assert grown(0, 1, blocks(7), before=blocks(7)) == []
    one, = grown(0, 1, blocks(9), before=blocks(7))
    assert one.amounts == [2] and one.record.types == (("list", 2),) and one.record.main_blocks == 2


def test_two_leaks_of_one_test():
    first, second = grown(0, 2, blocks(1) + blocks(5, "b2"), blocks(2) + blocks(8, "b2") + blocks(1, "c3"))
    assert [first.record.fingerprint, second.record.fingerprint] == ["a1", "b2"] and second.amounts == [5, 3]


def test_records_of_one_fingerprint_are_summed():
    """A leak on several stacks has several records, which may change places."""
    one, = grown(0, 2, blocks(1) + blocks(3), blocks(4) + blocks(2))
    assert one.amounts == [4, 2]
    assert figures_of(blocks(1) + blocks(3))["a1"].blocks == 4


def test_references():
    """Of objects that live on, the references must grow; the objects stay as many."""
    def surplus(count):
        return [record("s", "surplus", 1, surplus_references=count)]
    one, = grown(1, 2, surplus(3), surplus(5), surplus(7))
    assert one.amounts == [2, 2] and one.noun == "references"
    assert one.record.surplus_references == 4 and one.record.blocks == 1
    assert grown(0, 1, surplus(3), before=surplus(3)) == []
    deficit, = grown(0, 1, [record("d", "deficit", 1, missing_references=2, dangling_words=1)])
    assert deficit.amounts == [3]


def test_reachable_memory_by_line():
    """What grows by a few bytes only is not worth a failure."""
    def held(size):
        return [record("r", "reachable", 1, bytes=size, stack=7)]
    options = {"key": lambda each: each.stack, "measure": "bytes", "least": 100}
    assert grown(0, 2, held(100), held(150), **options) == []
    one, = grown(0, 2, held(100), held(300), **options)
    assert one.amounts == [100, 200] and one.noun == "bytes"


def test_fewer_runs_than_planned():
    """A test that failed half-way has no verdict from runs that were not made."""
    assert grown(2, 3) == []


@pytest.mark.parametrize("text, runs", [("1:3", (1, 3)), ("0:1", (0, 1)), (":5", (1, 5)), ("3:", (3, 3)), (":", (1, 3)), ("2", (2, 3))])
def test_runs(text, runs):
    assert parse_runs(text) == runs


@pytest.mark.parametrize("text", ["1:0", "-1:3", "a:b", "1:2:3", "1.5:2"])
def test_wrong_runs(text):
    with pytest.raises(ValueError, match="expected WARM:RUN"):
        parse_runs(text)


@pytest.mark.parametrize("text, size", [("24 MB", 24 << 20), ("1.5k", 1536), (100, 100), ("100", 100), ("1 GiB", 1 << 30),
                                        ("3,000 B", 3000), (2.7, 2), ("0", 0)])
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "1 XB", "-1", -1, "1e999", "nan", None, True])
def test_wrong_sizes(text):
    with pytest.raises(ValueError, match="expected a size"):
        parse_size(text)
