# SPDX-License-Identifier: GPL-2.0-or-later
"""In C and C++ programs, kinds, bytes and blocks of leaks are the same as Memcheck's: in sum, and record by record.

Each program of tests/leaks/native says what it leaves behind ("Expected:"), so that both tools cannot make the same
mistake."""
import collections
import pathlib
import re

import pytest

import pmtest

NATIVE = pathlib.Path(__file__).resolve().parents[1] / "leaks" / "native"
LIBRARY = "held_by_library"
SOURCES = {path.stem: path for path in sorted(NATIVE.glob("*.c*")) if path.stem != LIBRARY}
HEURISTICS = ["stdstring", "length64", "newarray", "multipleinheritance"]
KINDS = {"definitely": "definite", "indirectly": "indirect", "possibly": "possible", "reachable": "reachable"}
SUMMARY = re.compile(r"==\d+==\s+(?:(definitely|indirectly|possibly) lost|still (reachable)): ([\d,]+) bytes in "
                     r"([\d,]+) blocks")
RECORD = re.compile(r"==\d+== ([\d,]+)(?: \(([\d,]+) direct, ([\d,]+) indirect\))? bytes in ([\d,]+) blocks are "
                    r"(definitely|indirectly|possibly) lost in loss record")

Record = collections.namedtuple("Record", "kind bytes indirect_bytes blocks")


def number(text):
    return int((text or "0").replace(",", ""))


def expected_by(source):
    """What the program's comment expects: kind -> (bytes, blocks), or None for ?."""
    found = re.search(r"Expected: ([^*]+)\*/", source.read_text())
    assert found, f"{source} does not say what is expected"
    kinds = dict.fromkeys(KINDS.values(), (0, 0))
    for part in "".join(found[1].split()).split(","):
        if part != "nothing":
            kind, size, blocks = re.fullmatch(r"([a-z]+)(?:\?|(\d+):(\d+))", part).groups()
            kinds[KINDS[kind]] = (int(size), int(blocks)) if size else None
    return kinds


def possibly_lost(source):
    return expected_by(source)["possible"] != (0, 0)


def memcheck(tool, command, heuristics):
    run = tool.run(*command, tool="memcheck", check=False, options=[
        "--leak-check=full", "--show-leak-kinds=all", f"--leak-check-heuristics={heuristics}",
        "--leak-resolution=high", "--num-callers=50"])
    summary = {KINDS[lost or kept]: (number(size), number(blocks))
               for lost, kept, size, blocks in SUMMARY.findall(run.log)}
    if not summary:
        assert "All heap blocks were freed" in run.log, run
        summary = dict.fromkeys(KINDS.values(), (0, 0))
    records = sorted(Record(KINDS[kind], number(direct or size), number(indirect), number(blocks))
                     for size, direct, indirect, blocks, kind in RECORD.findall(run.log))
    return run.returncode, summary, records


def ours(tool, command, heuristics):
    run = tool.run(*command, check=False, options=[
        "--leak-check=full", f"--leak-check-heuristics={heuristics}", "--default-suppressions=no",
        "--leak-resolution=high", "--num-callers=50"])
    leaks = run.profile.json["leaks"]
    summary = {kind: tuple(leaks["summary"][kind]) for kind in KINDS.values()}
    # There are no blocks of other kinds than Memcheck's.
    assert sum(blocks for _, blocks in summary.values()) == run.profile.totals["live_blocks"], run
    records = sorted(Record(record["kind"], record["bytes"], record["indirect_bytes"], record["blocks"])
                     for record in leaks["records"] if record["kind"] != "reachable")
    return run.returncode, summary, records


@pytest.fixture(scope="session")
def native(tmp_path_factory):
    """Compiles a program when it is first needed: name -> command."""
    folder = tmp_path_factory.mktemp("native")
    library = pmtest.compile_program(folder / f"{LIBRARY}.so", NATIVE / f"{LIBRARY}.c", "-shared", "-fPIC")
    made = {}

    def command(name):
        if name not in made:
            made[name] = pmtest.compile_program(folder / name, SOURCES[name], "-O0", "-fno-builtin", "-pthread",
                                                "-Wno-unused-result", f'-DLIBRARY="{library}"')
        return [made[name]]

    return command


def compare(tool, command, heuristics):
    theirs, mine = memcheck(tool, command, heuristics), ours(tool, command, heuristics)
    assert mine == theirs
    return theirs[1]


def test_there_are_programs():
    assert len(SOURCES) >= 40


@pytest.mark.parametrize("name", SOURCES)
def test_without_heuristics(tool, native, name):
    found = compare(tool, native(name), "none")
    for kind, expected in expected_by(SOURCES[name]).items():
        assert found[kind] == expected if expected else found[kind][1] > 0


# A heuristic can only change what is possibly lost.
@pytest.mark.parametrize("name", [name for name, path in SOURCES.items() if possibly_lost(path)])
def test_all_heuristics(tool, native, name):
    compare(tool, native(name), "all")


# By how many possibly lost blocks a heuristic lowers the number: both tools could agree on finding nothing.
FOUND_BY = {
    "length64": {"length64": 1, "newarray": 1},
    "old_string": {"stdstring": 2},
    "old_abi_string": {"stdstring": 1},
    "new_array": {"newarray": 1},
    "inheritance": {"multipleinheritance": 1},
    "virtual_base": {"multipleinheritance": 1},
    "interior": {},
}


@pytest.mark.parametrize("heuristic", HEURISTICS)
@pytest.mark.parametrize("name", FOUND_BY)
def test_each_heuristic(tool, native, name, heuristic):
    _, without = expected_by(SOURCES[name])["possible"]
    _, found = compare(tool, native(name), heuristic)["possible"]
    assert without - found == FOUND_BY[name].get(heuristic, 0)
