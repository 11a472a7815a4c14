# SPDX-License-Identifier: GPL-2.0-or-later
"""The event log of CPython's allocator domains, --trace=raw,mem,object."""
import re

import pytest

import pmtest
from pmtest import is_inlined, line_of
from test_event_log import build_of, script, traces_of

PROGRAM = """\
import cMemLeak
def create_list():
    blocks = []
    for i in range(4):
        block = cMemLeak.PyMalloc(177)          # mem
        print(f"mem {block.buffer:#x}")
        blocks.append(block)
        block = cMemLeak.PyRawMalloc(128)       # raw
        print(f"raw {block.buffer:#x}")
        blocks.append(block)
    while blocks:
        blocks.pop(0)
create_list()
"""
CALL = re.compile(r"^ *\d+(?:/\d+)? +(.*):(\d+|-) * -> (.*?) (_?Py\w+?)(Malloc|Calloc|Realloc|Free)\((.*?)\)"
                  r"(?: \4\5 returns (0x[0-9a-f]+))?$")


def calls(log):
    """(line, function, prefix, operation, arguments, result) of each line."""
    for line in log.split("\npymemcheck:::END\n")[0].splitlines():
        if line and not line.startswith("pymemcheck:::"):
            found = CALL.match(line)
            assert found, line
            yield (0 if found[2] == "-" else int(found[2]), found[3], found[4], found[5],
                   [int(word, 0) for word in found[6].split(", ")], int(found[7], 16) if found[7] else None)


def run_with(tool, row, program, *options, compiled_interpreters, tmp_path_factory):
    found = build_of(row)
    if found is None:
        pytest.skip(f"no {row} on this machine")
    key = (found.path, "leaky")
    if key not in compiled_interpreters:
        compiled_interpreters[key] = pmtest.Interpreter(row + "-leaky", found.path, tmp_path_factory.mktemp("leaky"))
        if found.version != "2.7":      # the extension is for Python 3
            compiled_interpreters[key].compile_extensions(pmtest.Interpreter.LEAKY)
    python = compiled_interpreters[key]
    run = tool.run(python.path, program, env=python.env, options=["--trace-file=trace.%p", *options])
    run.python = python
    run.inlined = is_inlined(found)
    run.calls = list(calls(traces_of(run.directory)[run.pid]))
    return run


@pytest.fixture
def start(tool, compiled_interpreters, tmp_path_factory):
    def start(row, program, *options, whole=False):
        """whole: the test needs an interpreter that calls these functions."""
        found = build_of(row)
        if whole and found is not None and is_inlined(found):
            pytest.skip(f"{found.path} has pymalloc inlined")
        return run_with(tool, row, program, *options, compiled_interpreters=compiled_interpreters,
                        tmp_path_factory=tmp_path_factory)
    return start


@pytest.mark.parametrize("row", ["3.9", "3.13", "3.14", "3.15"])
def test_pymalloc_left_on(tool, start, row):
    """Each PyMem_Malloc of a small block is there, with what it returned, though malloc is not called for it; and each
    block is freed by the same domain. PyMem_RawMalloc goes by another function."""
    path = script(tool, PROGRAM)
    run = start(row, path, "--trace=raw,mem,object", "--pymalloc=yes", whole=True)
    made = {kind: [int(word, 16) for word in re.findall(rf"^{kind} (0x\w+)$", run.stdout, re.M)] for kind in ("mem", "raw")}
    for kind, prefix, size in (("mem", "_PyObject_", 177), ("raw", "_PyMem_Raw", 128)):
        line = line_of(path, "# " + kind)
        assert [result for at, function, name, operation, arguments, result in run.calls
                if (at, function, name, operation, arguments) == (line, "create_list", prefix, "Malloc", [size])] == made[kind]
        assert set(made[kind]) <= {arguments[0] for _, _, name, operation, arguments, _ in run.calls
                                   if (name, operation) == (prefix, "Free")}


@pytest.mark.parametrize("row", ["3.9", "3.9-debug", "3.11-debug", "3.13", "3.13-debug", "3.14", "3.14-debug"])
def test_without_pymalloc(tool, start, row):
    """As the seeds show a build without pymalloc: all domains go by _PyMem_RawMalloc. A debug build pads."""
    path = script(tool, PROGRAM)
    run = start(row, path, "--trace=raw")
    padding = 24 if run.python.debug else 0
    names = ["_PyMem_Raw", "PyMem_Raw"] if run.inlined else ["_PyMem_Raw"]
    for kind, size in (("mem", 177), ("raw", 128)):
        made = [int(word, 16) for word in re.findall(rf"^{kind} (0x\w+)$", run.stdout, re.M)]
        assert [result + padding // 24 * 16 for at, function, name, operation, arguments, result in run.calls
                if (at, function, operation) == (line_of(path, "# " + kind), "create_list", "Malloc") and name in names
                and arguments == [size + padding]] == made


BYTES = """\
def create_py_array_list(size):
    blocks = []
    for i in range(4):
        block = b" " * size                     # block
        print(f"block {id(block):#x}")
        blocks.append(block)
    while blocks:
        blocks.pop(0)
create_py_array_list(27)
"""


@pytest.mark.parametrize("row", ["3.9", "3.9-debug", "3.11-debug", "3.13", "3.13-debug", "3.14", "3.14-debug", "3.15"])
def test_seeds_bytes(tool, start, row):
    """The seeds' program of bytes objects: in a release build _PyObject_Malloc(60) with what it returns; where pymalloc is off
    _PyMem_RawMalloc, of 24 bytes more in a debug build. The columns are those of py_object_U_WITH_PYMALLOC.d. Where pymalloc
    is inlined it is off."""
    path = script(tool, BYTES)
    found = build_of(row)
    debug = row.endswith("-debug")
    off = debug or (found is not None and is_inlined(found))
    run = start(row, path, "--trace=raw,mem,object", f"--pymalloc={'no' if off else 'yes'}")
    log = traces_of(run.directory)[run.pid]
    name = "_PyMem_Raw" if off else "_PyObject_"
    line = (rf"^ *{run.pid}       program\.py:{line_of(path, '# block'):<4} -> create_py_array_list {name}Malloc"
            rf"\({84 if debug else 60}\) {name}Malloc returns (0x[0-9a-f]+)$")
    made = [int(word, 16) for word in re.findall(r"^block (0x\w+)$", run.stdout, re.M)]
    returned = [int(word, 16) for word in re.findall(line, log, re.M)]
    assert [address + (16 if debug else 0) for address in returned] == made and len(made) == 4
    for address in returned[:3]:
        assert re.search(rf"-> create_py_array_list {name}Free\({address:#x}\)$", log, re.M)


@pytest.mark.parametrize("row", ["2.7", "3.9", "3.13", "3.14", "3.15"])
@pytest.mark.parametrize("pymalloc", ["yes", "no"])
def test_every_free_is_of_a_block(tool, start, row, pymalloc):
    """Where nothing is inlined the log is whole, from the first request on: a function frees and reallocates only
    what it returned and what is not freed yet. 2.7 has two domains, and its own calls of PyMem_Malloc are macros for malloc."""
    domains = "object" if row == "2.7" else "raw,mem,object"
    run = start(row, script(tool, "import json\nx = json.loads(json.dumps({str(i): [i] * 3 for i in range(300)}))\n"),
                f"--trace={domains}", f"--pymalloc={pymalloc}", whole=True)
    live = set()
    for _, _, prefix, operation, arguments, result in run.calls:
        if operation == "Free" and arguments[0] != 0:
            live.remove((prefix, arguments[0]))
        elif operation in ("Malloc", "Calloc"):
            assert (prefix, result) not in live
            live.add((prefix, result))
        elif operation == "Realloc" and result:
            # What it called to move the block stands before it.
            live.discard((prefix, arguments[0]))
            live.add((prefix, result))
    assert len(run.calls) > 20_000


def test_same_as_malloc(tool, start):
    """Without pymalloc each call of a domain's function is one of malloc's: with the same results, in the same order."""
    run = start("3.13", script(tool, "x = [[i] for i in range(500)]\n"), "--trace=raw")
    both = tool.run(run.python.path, script(tool, "x = [[i] for i in range(500)]\n"), env=run.python.env,
                    options=["--trace=raw,malloc", "--trace-file=trace.%p"])
    lines = traces_of(both.directory)[both.pid].split("\npymemcheck:::END\n")[0].splitlines()
    pairs = checked = 0
    for before, line in zip(lines, lines[1:]):
        found = re.search(r"_PyMem_RawMalloc\((\d+)\) _PyMem_RawMalloc returns (0x\w+)$", line)
        if found:
            pairs += 1
            checked += before.endswith(f"malloc({max(int(found[1]), 1)}) pntr {found[2]}")
    assert pairs == checked > 10_000


def test_domains_can_be_chosen(tool, start):
    """--trace=raw leaves out what pymalloc serves."""
    run = start("3.13", script(tool, PROGRAM), "--trace=raw", "--pymalloc=yes", whole=True)
    assert {call[2] for call in run.calls} == {"_PyMem_Raw"}
    run = start("3.13", script(tool, PROGRAM), "--trace=object", "--pymalloc=yes", whole=True)
    assert {call[2] for call in run.calls} == {"_PyObject_"}


@pytest.mark.parametrize("row", ["3.11", "3.13", "3.14"])
def test_inlined(tool, start, row):
    """Debian's python3.11 and later have no symbols for these functions, and the compiler inlined them where it could. The
    table of allocators and the interfaces that extensions call show the extension's own calls, and a note says what is missing."""
    path = script(tool, PROGRAM)
    run = start(row, path, "--trace=raw,mem,object", "--pymalloc=yes")
    if not run.inlined:
        pytest.skip(f"{run.python.path} has nothing inlined")
    assert run.log.count("the compiler put allocators into their callers") == 1
    for kind, interface, size in (("raw", "PyMem_Raw", 128), ("mem", "PyMem_", 177)):
        made = [int(word, 16) for word in re.findall(rf"^{kind} (0x\w+)$", run.stdout, re.M)]
        assert [result for at, function, name, operation, arguments, result in run.calls
                if (at, function, operation, arguments) == (line_of(path, "# " + kind), "create_list", "Malloc", [size])
                and name in (interface, "_PyMem_Raw", "_PyObject_")] == made


def test_threads_keep_calls_apart(tool, start):
    """A thread switch within a call does not lose or exchange results."""
    run = start("3.13", script(tool, "import threading, sys\nsys.setswitchinterval(1e-6)\ndef work():\n    for i in range(500):\n"
                               "        [i] * 40\nts = [threading.Thread(target=work) for _ in range(3)]\n"
                               "[t.start() for t in ts]\n[t.join() for t in ts]\n"), "--trace=object", "--pymalloc=yes", whole=True)
    assert sum(1 for call in run.calls if call[1] == "work" and call[3] == "Malloc" and call[4] == [320]) == 1500
    assert all(call[5] for call in run.calls if call[3] == "Malloc")


def test_no_domains(tool, programs):
    """A program that has none of these functions gets a note, and an empty log."""
    run = tool.run(programs["allocators"], options=["--trace=raw,mem,object", "--trace-file=trace.%p"], check=False)
    assert list(calls(traces_of(run.directory)[run.pid])) == []
    assert run.log.count("no call of CPython's allocator domains was seen") == 1
