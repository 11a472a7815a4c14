# SPDX-License-Identifier: GPL-2.0-or-later
"""Monitor commands that look at the heap without a leak search: top, histogram, py_bt, block_info, write; and leak_check new."""
import re
import shutil

import pytest

import pmtest
from pmtest import PROGRAMS
from test_monitor import session

pytestmark = pytest.mark.skipif(shutil.which("vgdb") is None, reason="no vgdb on this machine")

JOB = """\
import sys, threading
class Session:
    pass
def load():
    return [bytearray(10000) for number in range(200)]
def connect():
    sessions = [Session() for number in range(100)]
    for item in sessions:
        item.name = "x" * 500
    return sessions
big = load()
open_sessions = connect()
print(hex(id(big)), flush=True)
def wait():
    event.set()
    for line in sys.stdin:
        pass
event = threading.Event()
print("ready", flush=True)
wait()
"""


def ask(asked, *words):
    """The answer without vgdb's own line."""
    first, _, answer = asked.ask(*words).partition("\n")
    assert first.startswith("sending command ")
    return answer


@pytest.fixture(scope="module")
def job(tool, release_python, tmp_path_factory):
    path = tmp_path_factory.mktemp("monitor") / "job.py"
    path.write_text(JOB.replace('print(hex(id(big)), flush=True)\n', ""))
    with session(tool, release_python.path, "-S", path) as asked:
        asked.path, asked.python = path, release_python
        yield asked


def test_top_lines(job):
    answer = ask(job, "top")
    line = pmtest.line_of(job.path, "bytearray(10000)")
    first = answer.splitlines()[1]
    function = re.escape(job.python.comprehension("load"))
    assert re.match(rf" *2,\d\d\d,\d\d\d +\d+  job\.py:{line} \({function}\)$", first), answer
    assert "smaller rows left out)" in answer and "no Python frame" in answer
    assert re.search(r"^ *[\d,]+ +[\d,]+  in use now, with padding$", answer, re.MULTILINE)
    assert len(ask(job, "top", "line", "2").splitlines()) == 1 + 2 + 3
    assert "left out" not in ask(job, "top", "line", "0")


def test_top_functions(job):
    function = re.escape(job.python.comprehension("load"))
    assert re.search(rf"^ *2,\d\d\d,\d\d\d +\d+  job\.py, {function}$", ask(job, "top", "function", "3"), re.MULTILINE)


def test_top_types(job):
    """Memory that belongs to an object counts for its type."""
    answer = ask(job, "top", "type", "0")
    rows = {name: (int(size.replace(",", "")), int(blocks.replace(",", "")))
            for size, blocks, name in re.findall(r"^ *([\d,]+) +([\d,]+)  (.+)$", answer, re.MULTILINE)}
    assert rows["bytearray"][0] >= 200 * 10000 and rows["bytearray"][1] >= 400
    # Instances and their attributes, which are in the instance from 3.13 on.
    assert rows["__main__.Session"][1] >= (200 if job.python.version < (3, 13) else 100)
    total = rows.pop("in use now, with padding")
    assert (sum(size for size, _ in rows.values()), sum(blocks for _, blocks in rows.values())) == total


def test_histogram(job):
    answer = ask(job, "histogram", "line", "1")
    assert "Python malloc byte distributions by Python file and line" in answer
    assert answer.count("Distribution") == 1 and re.search(r"^ +8192 \|@+ +200 +$", answer, re.MULTILINE)
    assert "by stack trace" in ask(job, "histogram", "stack", "2")


def test_py_bt(job):
    """The line where the program waits, and who called it."""
    lines = [pmtest.line_of(job.path, "for line in sys.stdin"), len(job.path.read_text().splitlines())]
    for answer in ask(job, "py_bt"), ask(job, "py_bt", "all"), ask(job, "py_bt", "1"):
        assert answer.startswith("thread 1:\n")
        assert [int(line) for line in re.findall(rf"{re.escape(str(job.path))}:(\d+)\)", answer)] == lines
    assert "there is no thread 77, but 1" in ask(job, "py_bt", "77")


def test_write(job, tmp_path):
    assert ask(job, "write", f"{tmp_path}/a profile ") == f"Profile written to {tmp_path}/a profile\n"
    profile = pmtest.Profile(tmp_path / "a profile")
    assert profile.json["run"]["end"] == "running"
    assert profile.at_line(str(job.path), pmtest.line_of(job.path, "bytearray(10000)")).live_bytes >= 2000000
    answer = ask(job, "write")
    assert re.fullmatch(r"Profile written to .*/out\.1\n", answer)
    assert pmtest.Profile(answer.split()[-1]).totals["allocs"] > 0
    assert ask(job, "write", "/no/such/folder/file") == "write: cannot write to '/no/such/folder/file'\n"


@pytest.mark.parametrize("command, expected", [
    ("top word", "expected 'line', 'function' or 'type', or a number of rows, but got 'word'"),
    ("top line 4294967296", "but got '4294967296'"),
    ("top -1", "but got '-1'"),
    ("top %n%s", "but got '%n%s'"),
    ("histogram type", "expected 'line', 'function', 'caller' or 'stack', or a number of rows, but got 'type'"),
    ("py_bt 0", "expected the number of a thread, from 1, or 'all', but got '0'"),
    ("py_bt 4294967295", "there is no thread 4,294,967,295"),
    ("block_info", "expected an address such as 0x5204a30, but there is no more"),
    ("block_info 0", "but got '0'"),
    ("block_info 0xffffffffffffffff", "0xffffffffffffffff is in no live block"),
    ("block_info 8", "0x8 is in no live block"),
    ("leak_check new old", "but got 'old'"),
])
def test_arguments(job, command, expected):
    answer = ask(job, command)
    assert expected in answer and "INTERNAL ERROR" not in answer


def test_help(job):
    answer = ask(job, "help")
    for command in "block_info", "top", "histogram", "py_bt", "snapshot", "write":
        assert f"\n  {command} " in answer


def test_block_info(tool, release_python):
    """Of an object by its address, as of the start of its block."""
    path = tool.new_directory() / "job.py"
    path.write_text(JOB.replace('print("ready", flush=True)', "").replace("print(hex(id(big))", "print('ready', hex(id(big))")
                    .replace("'ready', ", "'ready\\n' + "))
    with session(tool, release_python.path, "-S", path) as asked:
        address = asked.process.stdout.readline().strip()
        answer = ask(asked, "block_info", address)
        assert re.match(rf"{address} is 16 bytes inside a block of 56 bytes at 0x[0-9a-f]+: list len 200, count [12]\n"
                        r"allocation [\d,]+ by thread 1:\n", answer), answer
        assert f"{path}:{pmtest.line_of(path, 'bytearray(10000)')})" in answer
        start = re.search(r"bytes at (0x[0-9a-f]+):", answer).group(1)
        assert ask(asked, "block_info", f"{start}[56]").startswith(f"{start} is 0 bytes inside a block of 56 bytes at {start}: list")


NEW = """\
import ctypes, sys
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc(1111)
print("ready", flush=True)
sys.stdin.readline()
libc.malloc(2222)
print("again", flush=True)
sys.stdin.read()
"""


def test_leak_check_new(tool, release_python):
    """Only what was allocated since the last leak_check."""
    with session(tool, release_python.path, "-S", "-c", NEW) as asked:
        assert "1,111 bytes in 1 blocks are definitely lost" in ask(asked, "leak_check", "full", "new")
        assert "1,111 bytes in 1 blocks are definitely lost" not in ask(asked, "leak_check", "new")
        asked.process.stdin.write("\n")
        asked.process.stdin.flush()
        assert asked.process.stdout.readline() == "again\n"
        answer = ask(asked, "leak_check", "new")
        assert "2,222 bytes in 1 blocks are definitely lost" in answer and "1,111" not in answer
        answer = ask(asked, "leak_check", "any")
        assert "2,222" in answer and "1,111" in answer


def test_without_python(tool):
    """A C program has functions, and no types."""
    program = pmtest.compile_program(tool.new_directory() / "waiting", PROGRAMS / "waiting.c", "-O0")
    with session(tool, program) as asked:
        assert "waiting`hold" in ask(asked, "top")
        assert "there are no types" in ask(asked, "top", "type")
        assert "main" in ask(asked, "py_bt")
