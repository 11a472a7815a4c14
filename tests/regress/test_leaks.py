# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the corpus of tests/leaks/python. It has bugs of extensions, each of which must be found at its line, with its
kind, types and counts, and clean programs, in which nothing may be found. cases.py there describes how a case states what
must be found.

By default the tests run on Debian's release build of 3.11. With PM_LEAKS_WIDE=1 they run on every interpreter found that
has headers, from 3.9 on.
"""
import collections
import os
import pathlib
import re

import pytest

import pmtest
import pythons
from pmtest import compile_program

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "leaks" / "python"
EXTENSIONS = sorted((FOLDER / "extensions").glob("pm_lose_*.c*"))
BUGS = sorted(FOLDER.glob("bugs_*.py")) + sorted(FOLDER.glob("alone_*.py"))
CLEAN = sorted(FOLDER.glob("clean_*.py"))
FIRST_VERSION = (3, 9)
REPORTED = {"definite", "cycle", "surplus", "deficit", "possible"}

Expected = collections.namedtuple("Expected", "file line kind types sums text")


def version_of(text):
    return tuple(int(part) for part in text.split("."))


def holds(condition, python):
    """Whether the condition "if ..." of a case applies to this interpreter."""
    if " or " in condition:
        return any(holds(each, python) for each in condition.split(" or "))
    if condition in ("debug", "release"):
        return python.debug == (condition == "debug")
    operator, version = re.fullmatch(r"(<|>=)(\d\.\d+)", condition).groups()
    return (version_of(python.version) < version_of(version)) == (operator == "<")


def expectations(path, python, marker):
    """The records that must be found in a file, according to its comments."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for text in line.partition(f"# {marker}: ")[2].split(";"):
            if not text.strip():
                continue
            statement, _, condition = text.partition(" if ")
            if condition and not holds(condition.strip(), python):
                continue
            kind, types, *sums = [part.strip() for part in statement.split(",")]
            assert kind in REPORTED, f"{path}:{number}: unknown kind {kind!r}, expected one of {REPORTED}"
            wanted = {"indirect": "0", "references": "0", "taker": ""}
            wanted.update(part.split() for part in sums)
            unknown = set(wanted) - {"indirect", "references", "bytes", "phase", "taker"}
            assert not unknown, f"{path}:{number}: unknown figures {unknown}"
            yield Expected(path.name, number, kind, types, wanted, text.strip())


def types_match(wanted, loss):
    if wanted == "any":
        return True
    found = {name or "raw": blocks for name, blocks in loss.types}
    if not found:
        found = {"raw": loss.blocks}
    for part in wanted.split(" + "):
        names, blocks = part.rsplit(" ", 1)
        name = next((name for name in names.split("|") if name in found), None)
        if name is None or found.pop(name) != int(blocks):
            return False
    return not found


def sum_matches(wanted, found):
    return found >= int(wanted[2:]) if wanted.startswith(">=") else found == int(wanted)


def complaints(losses, expected):
    """One line for each difference between the records and the expectations."""
    records = collections.defaultdict(list)
    for loss in losses:
        if loss.kind in REPORTED and not loss.suppressed:
            place = loss.python[0] if loss.python else None
            records[os.path.basename(place.file) if place else "", place.line if place else 0, loss.kind].append(loss)
    for case in expected:
        place = f"{case.file}:{case.line}"
        found = records.pop((case.file, case.line, case.kind), [])
        if len(found) != 1:
            yield f"{place}: {len(found)} records, expected one: {case.text}: {found}"
            continue
        loss = found[0]
        if not types_match(case.types, loss):
            yield f"{place}: types {loss.types}, {loss.blocks} blocks, expected {case.text}"
        figures = {"indirect": loss.indirect_blocks, "references": loss.surplus_references, "bytes": loss.bytes}
        for name, wanted in case.sums.items():
            if name == "taker":         # test_takers_are_named
                continue
            if name == "phase":
                if loss.json[wanted + "_blocks"] != loss.blocks:
                    yield f"{place}: expected {case.text}: {loss.json}"
            elif not sum_matches(wanted, figures[name]):
                yield f"{place}: {name} {figures[name]}, expected {case.text}"
    for (file, line, _), rest in records.items():
        for loss in rest:
            yield f"{file}:{line}: unexpected record: {loss}"


class LeakPython:
    """An interpreter, and the leaking extensions compiled for it."""

    def __init__(self, python, folder):
        self.python = python
        self.folder = folder
        for source in EXTENSIONS:
            compile_program(folder / (source.stem + ".so"), source, "-shared", "-fPIC", "-O1", "-pthread",
                            "-isystem", python.include, "-fno-canonical-system-headers")

    def run(self, tool, script, *arguments, options=(), status=0):
        run = tool.run(self.python.path, "-S", script, *arguments, check=False,
                       options=["--histogram=none", "--leak-check=full", *options],
                       env={"PYTHONPATH": str(self.folder)})
        assert run.returncode == status, run
        return run


def chosen_pythons():
    able = [python for python in pythons.PYTHONS
            if version_of(python.version) >= FIRST_VERSION and python.has_headers]
    if not os.environ.get("PM_LEAKS_WIDE"):
        able = [python for python in able if python.path == pmtest.system_python()]
    return able


@pytest.fixture(params=chosen_pythons() or [None], ids=lambda python: python.row if python else "none",
                scope="session")
def python(request, tmp_path_factory):
    if request.param is None:
        pytest.skip("no CPython with headers here: install the development package of the system's")
    return LeakPython(request.param, tmp_path_factory.mktemp("losing-" + request.param.row))


def header(script, name, default):
    found = re.search(rf"^# {name}: (.*)$", script.read_text(encoding="utf-8"), re.M)
    return found[1] if found else default


def test_the_corpus_is_large_enough():
    """The corpus has at least 50 bugs and 20 clean programs, with different names."""
    counts = {}
    for kind, scripts in ("bugs", BUGS), ("clean", CLEAN):
        names = [(script.name, name) for script in scripts
                 for name in re.findall(r"^def case_(\w+)", script.read_text(encoding="utf-8"), re.M)]
        assert len(set(names)) == len(names)
        counts[kind] = len(names)
    assert counts["bugs"] >= 50 and counts["clean"] >= 20, counts


@pytest.mark.parametrize("script", BUGS, ids=lambda path: path.stem)
def test_bugs_are_found(tool, python, script):
    """Each bug is one record of the right kind at its line, with its types and blocks. There are no other records."""
    run = python.run(tool, script, options=header(script, "OPTIONS", "").split(),
                     status=int(header(script, "STATUS", "0")))
    if header(script, "END", None) is not None:
        assert run.profile.json["run"]["end"] == header(script, "END", None)
    files = [script] + [FOLDER / name for name in header(script, "ALSO", "").split()]
    expected = [case for path in files for case in expectations(path, python.python, "LEAK")]
    assert expected
    before = "--leak-scan=before" in header(script, "OPTIONS", "")
    found = run.profile.losses_before if before else run.profile.losses
    assert not list(complaints(found, expected)), "\n".join(complaints(found, expected))
    of_child = list(expectations(script, python.python, "LEAK IN CHILD"))
    children = [profile for pid, profile in run.profiles.items() if pid != run.pid]
    assert len(children) == (1 if of_child else 0)
    for child in children:
        assert not list(complaints(child.losses, of_child)), "\n".join(complaints(child.losses, of_child))


@pytest.mark.parametrize("script", [path for path in BUGS if header(path, "END", "exit") == "exit"],
                         ids=lambda path: path.stem)
def test_bugs_when_mended(tool, python, script):
    """The same scripts and extensions, which now release everything, have no leaks. So test_bugs_are_found found the
    bugs and nothing else."""
    run = python.run(tool, script, "--careful", options=header(script, "OPTIONS", "").split(),
                     status=int(header(script, "STATUS", "0")))
    for profile in run.profiles.values():
        for losses in profile.losses, profile.losses_before:
            assert not list(complaints(losses or [], [])), "\n".join(complaints(losses, []))


@pytest.mark.parametrize("script", CLEAN, ids=lambda path: path.stem)
def test_clean_programs(tool, python, script):
    """Clean programs have no lost blocks and no surplus references, neither before finalization nor after. Before it
    there may be cycles that the collector has not freed yet."""
    run = python.run(tool, script, options=["--leak-scan=both"])
    assert run.profile.losses_before is not None and run.profile.losses is not None
    before = [loss for loss in run.profile.losses_before if loss.kind != "cycle"]
    for when, losses in ("before", before), ("after", run.profile.losses):
        wrong = list(complaints(losses, []))
        assert not wrong, when + "\n" + "\n".join(wrong)


def first_taker(loss, strings):
    rows = loss.json["balance"]["unbalanced"] if loss.json["balance"] else []
    return strings[rows[0]["owner"]] if rows else "nobody"


@pytest.mark.parametrize("script", [path for path in BUGS if "taker" in path.read_text(encoding="utf-8")],
                         ids=lambda path: path.stem)
def test_takers_are_named(tool, python, script):
    """With --watch-refs, the function that took a lost reference, or should have given it back, stands first in the
    balance of its record, and the records are the same as without."""
    expected = [case for case in expectations(script, python.python, "LEAK") if case.sums["taker"]]
    rules = ",".join(f"line:{case.file}:{case.line}" for case in expected)
    run = python.run(tool, script, options=[*header(script, "OPTIONS", "").split(), f"--watch-refs={rules}"],
                     status=int(header(script, "STATUS", "0")))
    strings = run.profile.json["strings"]
    wrong = []
    for case in expected:
        found = [first_taker(loss, strings) for loss in run.profile.losses
                 if loss.kind == case.kind and loss.python and loss.python[0].line == case.line
                 and os.path.basename(loss.python[0].file) == case.file]
        if len(found) != 1 or not re.search(rf"\b{case.sums['taker']}\b", found[0]):
            wrong.append(f"{case.file}:{case.line}: {found}, expected {case.text}")
    assert expected and not wrong, "\n".join(wrong)
    assert run.profile.json["watched"]["unseen_changes"] == 0
