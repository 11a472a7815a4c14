# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/file-format.md describes the file that the tool writes: its sample has the same keys, and what it says
adds up does so, in the sample and in a real run."""
import json
import pathlib
import re

import pytest

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "file-format.md"


def sample():
    text = re.search(r"```\n(\{\n.*?\n\})\n```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)[1]
    return json.loads(re.sub(r"^ *//.*\n", "", text, flags=re.MULTILINE))


@pytest.fixture(scope="module")
def real(tool, python):
    return tool.run(python.path, "-c", "x = [str(i) for i in range(1000)]").profile.json


@pytest.mark.parametrize("part", [(), ("run",), ("totals",), ("troubles",), ("stacks",), ("frames", 0), ("sites", 0)],
                         ids=lambda part: ".".join(map(str, part)) or "top")
def test_keys_are_those_of_the_sample(real, part):
    """Same keys in the same order."""
    documented = sample()
    for step in part:
        documented, real = documented[step], real[step]
    assert list(real) == list(documented)


def check_sums(profile):
    totals, sites = profile["totals"], profile["sites"]

    def total(key):
        return sum(site[key] for site in sites)

    assert total("total_bytes") + total("padding_bytes") == totals["bytes"]
    assert total("padding_bytes") == totals["padding_bytes"]
    assert total("total_blocks") == totals["allocs"]
    assert totals["allocs"] - totals["frees"] == totals["live_blocks"] == total("live_blocks")
    assert total("peak_blocks") == totals["peak_blocks"]
    assert 0 <= totals["live_bytes"] - total("live_bytes") <= totals["padding_bytes"]
    assert 0 <= totals["peak_bytes"] - total("peak_bytes") <= totals["padding_bytes"]
    for site in sites:
        assert sum(count for _, count in site["sizes"]) == site["total_blocks"]


def test_sums_of_the_sample():
    check_sums(sample())


def test_sums_of_a_run(real):
    check_sums(real)


def check_references(profile):
    strings, frames, stacks = len(profile["strings"]), profile["frames"], profile["stacks"]
    assert profile["strings"][0] == ""
    assert stacks["parent"][0] is None and stacks["frame"][0] is None
    assert len(stacks["parent"]) == len(stacks["frame"])
    for frame in frames:
        assert frame["kind"] in ("native", "python", "note")
        assert set(frame["flags"]) <= {"allocator", "debug_hook", "eval"}
        assert all(frame[key] < strings for key in ("function", "file", "object"))
        int(frame["offset"], 16)
    for node, (parent, frame) in enumerate(zip(stacks["parent"], stacks["frame"])):
        assert node == 0 or (parent < node and frame < len(frames))
    assert all(site["stack"] < len(stacks["parent"]) for site in profile["sites"])


def test_references_of_the_sample():
    check_references(sample())


def test_references_of_a_run(real):
    check_references(real)
