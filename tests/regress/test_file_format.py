# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/file-format.md describes the file that the tool writes: its sample has the same keys, and the sums that it
states are right, in the sample and in a real run."""
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


@pytest.mark.parametrize("part", [(), ("run",), ("totals",), ("troubles",), ("stacks",), ("frames", 0), ("sites",),
                                  ("leaks",), ("leaks", "summary")],
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
        return sum(sites[key])

    assert total("total_bytes") + total("padding_bytes") == totals["bytes"]
    assert total("padding_bytes") == totals["padding_bytes"]
    assert total("total_blocks") == totals["allocs"]
    assert totals["allocs"] - totals["frees"] == totals["live_blocks"] == total("live_blocks")
    assert total("peak_blocks") == totals["peak_blocks"]
    assert 0 <= totals["live_bytes"] - total("live_bytes") <= totals["padding_bytes"]
    assert 0 <= totals["peak_bytes"] - total("peak_bytes") <= totals["padding_bytes"]
    assert [sum(count for _, count in sizes) for sizes in sites["sizes"]] == sites["total_blocks"]


def test_sums_of_the_sample():
    check_sums(sample())


def test_sums_of_a_run(real):
    check_sums(real)


def check_references(profile):
    strings, frames, stacks = len(profile["strings"]), profile["frames"], profile["stacks"]
    assert profile["strings"][0] == ""
    assert stacks["back"][0] is None and stacks["frame"][0] is None
    assert len(stacks["back"]) == len(stacks["frame"])
    for frame in frames:
        assert frame["kind"] in ("native", "python", "note")
        assert set(frame["flags"]) <= {"allocator", "debug_hook", "eval"}
        assert all(frame[key] < strings for key in ("function", "file", "object"))
        int(frame["offset"], 16)
    for node, (back, frame) in enumerate(zip(stacks["back"], stacks["frame"])):
        assert node == 0 or (0 < back <= node and frame < len(frames))
    assert all(stack < len(stacks["back"]) for stack in profile["sites"]["stack"])
    assert len(profile["sites"]["stack"]) > 0
    assert {len(column) for column in profile["sites"].values()} == {len(profile["sites"]["stack"])}


def test_snippets_read_the_sample(tmp_path, monkeypatch):
    """The Python code in the document works on its sample."""
    names = {}
    (tmp_path / "pymemcheck.out.4711").write_text(json.dumps(sample()), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec("\n".join(re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)), names)
    assert names["path"] == b"/home/me/caf\xe9.py"
    assert names["sites"][1] == {
        "stack": 6, "total_bytes": 5908, "total_blocks": 4, "padding_bytes": 96, "live_bytes": 4431, "live_blocks": 3,
        "peak_bytes": 5908, "peak_blocks": 4, "first": 30, "last": 33, "thread": 1, "domain": 0, "sizes": [[1024, 4]]}
    assert names["live"] == {("/home/me/job.py", 48): 4431}     # the other site has no Python frame


def test_references_of_the_sample():
    check_references(sample())


def test_references_of_a_run(real):
    check_references(real)
