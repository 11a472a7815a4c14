# SPDX-License-Identifier: GPL-2.0-or-later
"""Balances of watched objects (--watch-refs=) as the package reads, prints and merges them."""
import copy

import pytest

import pack
import pmtest
from pymemcheck import Profile, ProfileError
from test_report_command import log_of

TAKERS = pmtest.PROGRAMS / "watched" / "takers.py"


@pytest.fixture(scope="session")
def watched(tool, release_python):
    """A function: a run of a program with many missing and superfluous Py_INCREFs, all of whose objects are watched."""
    release_python.compile_extensions(TAKERS.with_name("pm_watched.c"))

    def run(*options):
        return tool.run(release_python.path, "-S", TAKERS, env=release_python.env, check=False, short=True,
                        options=("--leak-scan=both", "--watch-refs=type:*", "--histogram=none", *options))
    return run


@pytest.fixture(scope="session")
def short_run(watched):
    return watched()


def balances(path):
    """Fingerprint -> balance of the records of both searches that have one."""
    profile = Profile.load(path)
    return {(before, record.fingerprint): record.balance for before, records in enumerate((profile.leaks, profile.leaks_before))
            for record in records if record.balance}


def test_same_text_as_the_tool(command, short_run):
    text = command("report", short_run.profile.path, "--full", "--histogram=none")
    assert text.splitlines() == log_of(short_run)
    assert text.count("taken and never given back:") > 10 and "Watched objects (--watch-refs):" in text
    assert "given back and never taken:" in text and "other birth lines; --watch-refs-all=yes" in text


def test_same_text_with_all_places(command, watched):
    run = watched("--watch-refs-all=yes")
    text = command("report", run.profile.path, "--full", "--histogram=none")
    assert text.splitlines() == log_of(run)
    assert "all places, by owner of the references:" in text


def test_short_report_names_the_culprit(command, short_run):
    text = command("report", short_run.profile.path, "--top=0")
    line = pmtest.line_of(TAKERS, "TAKER: set_item")
    assert "taken and never given back: 6 references at pm_watched" in text
    assert any("takers.py:%d" % number in text for number in range(line, line + 4))


def test_merging(command, short_run, tmp_path):
    """Alone nothing changes; twice everything counts double."""
    path = short_run.profile.path
    command("merge", path, "-o", tmp_path / "one")
    command("merge", path, path, "-o", tmp_path / "two")
    assert command("report", tmp_path / "one", "--full") == command("report", path, "--full")
    known, double = balances(path), balances(tmp_path / "two")
    assert known.keys() == double.keys() and len(known) > 20
    for key, balance in known.items():
        assert (double[key].objects, double[key].died, double[key].references) == (
            2 * balance.objects, 2 * balance.died, 2 * balance.references)
        assert [(row.owner, row.references, row.taken) for row in double[key].unbalanced] == [
            (row.owner, 2 * row.references, 2 * row.taken) for row in balance.unbalanced]
        assert [sum(place.change for place in row.places) for row in double[key].unbalanced] == [
            2 * sum(place.change for place in row.places) for row in balance.unbalanced]
    watched, of_two = Profile.load(path).watched, Profile.load(tmp_path / "two").watched
    assert of_two.changes == 2 * watched.changes > 0 and len(of_two.others) <= len(watched.others)
    assert sum(b.objects for b in of_two.others) == 2 * sum(b.objects for b in watched.others) > 0
    # A merged file can be merged again.
    command("merge", tmp_path / "two", path, "-o", tmp_path / "three")
    assert Profile.load(tmp_path / "three").watched.changes == 3 * watched.changes


BALANCE = {"too_few": False, "type": 1, "born": 1, "objects": 1, "died": 0, "references": 2, "pointers": 1, "opening": 0, "unseen": 0,
           "lost_changes": False, "held_by": 0, "explained": [], "balanced": [1, 2, 2], "unbalanced": [
               {"owner": 2, "role": "extension", "references": 1, "taken": 1, "given": 0, "leaked_with": 1, "died_with": 0, "usual": None,
                "places": [{"change": 1, "stack": 1, "owner": 2, "native": 1, "file": 0, "line": 0, "python": None}]}]}


@pytest.mark.parametrize("path, value, problem", [
    ((), 5, "a dict"), (("born",), 9, "between 0 and 8"), (("type",), 99, "between 0"), (("balanced",), [1, 2], "[places, up, down]"),
    (("objects",), -1, "not between 0"), (("references",), 1 << 63, "64 bits"), (("too_few",), 1, "true or false"),
    (("unbalanced",), {}, "a list"), (("unbalanced", 0), None, "a dict"), (("unbalanced", 0, "role"), "x", "extension, interpreter"),
    (("unbalanced", 0, "usual"), [], "a dict"), (("unbalanced", 0, "places", 0, "native"), 99, "there are only 8 frames"),
    (("unbalanced", 0, "places", 0, "stack"), -1, "between 0"), (("unbalanced", 0, "places", 0, "change"), "1", "whole number"),
    (("unbalanced", 0, "places", 0, "owner"), None, "whole number")], ids=str)
@pytest.mark.parametrize("of_record", [True, False])
def test_contradictions(tmp_path, path, value, problem, of_record):
    data = pack.sample()
    holder = {"balance": copy.deepcopy(BALANCE)}
    if of_record:
        data["leaks"]["records"][0].update(holder)
        holder, place = data["leaks"]["records"][0], "leaks.records[0].balance"
    else:
        data["watched"] = {"objects": 1, "gone": 0, "immortal": 0, "not_found": 0, "changes": 0, "unseen_changes": 0,
                           "lost_changes": 0, "stacks": 1, "others": [holder["balance"]]}
        holder, place = {"balance": data["watched"]["others"][0]}, "watched.others[0]"
    assert Profile.load(pack.write(tmp_path, data))
    if path:
        inner = holder["balance"]
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value
    elif of_record:
        holder["balance"] = value
    else:
        data["watched"]["others"][0] = value
    with pytest.raises(ProfileError) as caught:
        Profile.load(pack.write(tmp_path, data))
    assert caught.value.place.startswith(place) and problem in caught.value.problem, str(caught.value)


@pmtest.needs_core("lines")         # the core's own line is that of the header that has Py_INCREF
def test_line_of_the_place(short_run):
    """Where the header's Py_INCREF was inlined, the file has the line that says it, as the log does."""
    data = short_run.profile.json
    places = [place for key in ("leaks", "leaks_before") for record in data[key]["records"] if record["balance"]
              for row in record["balance"]["unbalanced"] for place in row["places"] if place["native"] is not None]
    outer = [place for place in places if place["line"] != data["frames"][place["native"]]["line"]]
    assert any(data["strings"][place["file"]].endswith("pm_watched.c") for place in outer)
    assert all(place["file"] and place["line"] for place in outer)
