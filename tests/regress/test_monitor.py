# SPDX-License-Identifier: GPL-2.0-or-later
"""Monitor commands: what a person asks a program that runs, through vgdb."""
import contextlib
import re
import shutil
import subprocess

import pytest

import pmtest
from pmtest import PROGRAMS

pytestmark = pytest.mark.skipif(shutil.which("vgdb") is None, reason="no vgdb on this machine")

# Ten of each, because a dead pointer on the C stack may hold a list, or count as a reference.
LEAKS = """\
import ctypes, sys, weakref
take_reference = ctypes.pythonapi.Py_IncRef
take_reference.argtypes = [ctypes.py_object]
class Config:
    pass
class Node:
    pass
def leak():
    for number in range(10):
        lost = [number, {}]
        take_reference(lost)        # lost
leak()
config = Config()                   # surplus
for number in range(10):
    take_reference(config)
place = {"key": config}
watcher = weakref.ref(config)
print("ready", flush=True)
sys.stdin.read()
"""


class Session:
    """A program under the tool that waits for the end of its input."""
    def __init__(self, process, folder):
        self.process = process
        self.folder = folder

    def ask(self, *words):
        """The answer to a monitor command; the program must live on."""
        run = subprocess.run(["vgdb", f"--vgdb-prefix={self.folder}/vgdb", f"--pid={self.process.pid}", *words],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=True)
        assert self.process.poll() is None, run.stdout
        return run.stdout


@contextlib.contextmanager
def session(tool, *command, options=()):
    folder = tool.new_directory()
    command = [str(tool.starter), f"--log-file={folder}/log", f"--pymemcheck-out-file={folder}/out",
               f"--vgdb-prefix={folder}/vgdb", "--histogram=none", *options, *map(str, command)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield Session(process, folder)
        process.communicate(timeout=120)
        assert process.returncode == 0


@pytest.fixture(scope="module")
def leaks(tool, release_python, tmp_path_factory):
    """A Python program with lost lists and an object with surplus references, after a leak_check."""
    path = tmp_path_factory.mktemp("monitor") / "script.py"
    path.write_text(LEAKS)
    with session(tool, release_python.path, "-S", path) as asked:
        asked.report = asked.ask("leak_check")
        asked.path = path
        yield asked


def record_number(report, headline):
    return re.search(headline + r".* in loss record ([\d,]+) of", report).group(1).replace(",", "")


def address_in(answer, name):
    return re.search(rf"^(0x[0-9a-f]+)\[\d+\] {name}", answer, re.MULTILINE).group(1)


def test_blocks_of_a_lost_record(leaks):
    """Each list with the reason, and below it the dict that is lost with it."""
    answer = leaks.ask("block_list", record_number(leaks.report, r"direct, .*definitely lost"))
    assert "are definitely lost in loss record" in answer
    lists = re.findall(r"^(0x[0-9a-f]+)\[\d+\] list: nothing points to it, its count is 1$", answer, re.MULTILINE)
    assert 8 <= len(lists) <= 10 and f"{len(lists)} x list" in answer
    for address in lists:
        assert re.search(rf"^  0x[0-9a-f]+\[\d+\] dict: lost with {address}, loss record \d+$", answer, re.MULTILINE)


def test_limited(leaks):
    answer = leaks.ask("block_list", record_number(leaks.report, r"direct, .*definitely lost"), "limited", "2")
    assert len(re.findall(r"^ *0x", answer, re.MULTILINE)) == 2
    assert re.search(r"^and \d+ blocks more \(limited\)$", answer, re.MULTILINE)


def test_range(leaks):
    count = re.search(r"in loss record 1 of ([\d,]+)", leaks.report).group(1).replace(",", "")
    answer = leaks.ask("block_list", f"1..{count}")
    for number in range(1, int(count) + 1):
        assert f"in loss record {number} of" in answer


def test_who_points_at_a_surplus(leaks):
    """Both references, by name, and the weak one, which does not count."""
    blocks = leaks.ask("block_list", record_number(leaks.report, "surplus reference"))
    address = address_in(blocks, r"__main__\.Config: its count is 12, [2-4] pointers to it were found")
    answer = leaks.ask("who_points_at", address)
    line = pmtest.line_of(leaks.path, "# surplus")
    assert f"{address} is 0 bytes inside a block" in answer
    assert re.search(rf"__main__\.Config, count 12, allocation [\d,]+ by <module> \({leaks.path}:{line}\)", answer)
    assert "surplus references, its count is 12" in answer
    references = len(re.findall(r"points at 0x[0-9a-f]+ \(a reference\)", answer))
    assert 2 <= references <= 4
    assert re.search(r"Location 0x[0-9a-f]+ is \['key'\], \d+ bytes inside a block", answer)
    assert re.search(r"Location 0x[0-9a-f]+ is \['config'\], \d+ bytes inside a block", answer)
    assert re.search(r"\(no reference: a weak reference, or left over\)\n Location .*: weakref", answer)
    assert re.search(rf"^\d+ pointers, {references} of them references$", answer, re.MULTILINE)


def test_who_points_into_a_range(leaks):
    """As block_list prints it: address and size in one word."""
    blocks = leaks.ask("block_list", record_number(leaks.report, "surplus reference"))
    word = re.search(r"^(0x[0-9a-f]+\[(\d+)\]) ", blocks, re.MULTILINE)
    answer = leaks.ask("who_points_at", word.group(1))
    assert f"Searching for pointers pointing in {word.group(2)} bytes from" in answer
    assert 2 <= len(re.findall(r"\(a reference\)", answer)) <= 4
    assert "no reference: a link of the collector" in answer


@pytest.mark.parametrize("command, expected", [
    ("leak_check full reachable any", "expected 'full', 'summary', 'kinds', 'new', 'any', 'unlimited' or 'limited', but got 'reachable'"),
    ("leak_check kinds", "expected 'all', 'none', or some of 'definite'"),
    ("leak_check kinds definite,some", "but got 'definite,some'"),
    ("leak_check limited", "expected how many loss records to show, from 1, but there is no more"),
    ("leak_check limited 0", "but got '0'"),
    ("leak_check limited 4294967296", "but got '4294967296'"),
    ("leak_check u", None),
    ("leak_check %s%n", "but got '%s%n'"),
    ("block_list", "expected a loss record number such as 7, or a range such as 3..7, but there is no more"),
    ("block_list -1", "but got '-1'"),
    ("block_list ..", "but got '..'"),
    ("block_list 1..", "but got '1..'"),
    ("block_list ..2", "but got '..2'"),
    ("block_list 0", "expected loss record numbers from 1 to"),
    ("block_list 2..1", "expected loss record numbers from 1 to"),
    ("block_list 1..18446744073709551615", "expected loss record numbers from 1 to"),
    ("block_list 18446744073709551616", "but got '18446744073709551616'"),
    ("block_list 1 some", "expected 'unlimited' or 'limited', but got 'some'"),
    ("block_list 1 limited x", "expected how many blocks to show, from 1, but got 'x'"),
    ("who_points_at", "expected an address such as 0x5204a30, but there is no more"),
    ("who_points_at 0", "but got '0'"),
    ("who_points_at 0x", "but got '0x'"),
    ("who_points_at 0x1ffffffffffffffff", "but got '0x1ffffffffffffffff'"),
    ("who_points_at 0x8 0", "expected a length in bytes, from 1, that ends within memory, but got '0'"),
    ("who_points_at 0xfffffffffffffff0 16", "but got '16'"),
    ("who_points_at 0x8 8 8", "expected nothing after the length, but got '8'"),
    ("who_points_at 0xffffffffffffffff", "is in no live block"),
])
def test_arguments(leaks, command, expected):
    """A wrong argument is answered by what was expected; the program lives on."""
    answer = leaks.ask(command)     # in one word, since vgdb takes -1 for an option of its own
    assert expected is None or expected in answer
    assert "INTERNAL ERROR" not in answer


def test_help(leaks):
    answer = leaks.ask("help")
    for command in ("leak_check", "block_list", "who_points_at"):
        assert f"\n  {command} " in answer


def test_before_any_search(tool, release_python):
    with session(tool, release_python.path, "-S", "-c", "print('ready', flush=True); import sys; sys.stdin.read()") as asked:
        assert "expected a leak_check first" in asked.ask("block_list", "1")
        answer = asked.ask("leak_check", "full", "kinds", "reachable", "limited", "2")
        assert answer.count("are still reachable in loss record") == 2
        assert re.search(r": (a root points to it: |a reachable block points to it: pointer at 0x)",
                         asked.ask("block_list", "1..5"))
        assert "in loss record" not in asked.ask("leak_check", "summary")


def test_freed_since(tool, release_python):
    """A block that was freed after the search is listed as such."""
    code = ("import ctypes, sys\n"
            "libc = ctypes.CDLL(None)\n"
            "libc.malloc.restype = ctypes.c_void_p\n"
            "hidden = libc.malloc(4321) ^ 0x5555555555550000\n"
            "print('ready', flush=True)\n"
            "sys.stdin.readline()\n"
            "libc.free(ctypes.c_void_p(hidden ^ 0x5555555555550000))\n"
            "print('freed', flush=True)\n"
            "sys.stdin.read()\n")
    with session(tool, release_python.path, "-S", "-c", code) as asked:
        number = record_number(asked.ask("leak_check"), "4,321 bytes in 1 blocks are definitely lost")
        assert "[4321]: nothing points to it\n" in asked.ask("block_list", number)
        asked.process.stdin.write("\n")
        asked.process.stdin.flush()
        assert asked.process.stdout.readline() == "freed\n"
        assert "[4321]: nothing points to it (freed since)\n" in asked.ask("block_list", number)


def test_registers_and_stacks(tool):
    """Roots of a program without Python."""
    program = pmtest.compile_program(tool.new_directory() / "waiting", PROGRAMS / "waiting.c", "-O0")
    with session(tool, program) as asked:
        report = asked.ask("leak_check", "full", "kinds", "all")
        blocks = asked.ask("block_list", record_number(report, "1,001 bytes"))
        address = re.search(r"^(0x[0-9a-f]+)\[1001\]: a root points to it: variable held in ", blocks, re.MULTILINE).group(1)
        answer = asked.ask("who_points_at", address)
        assert re.search(r" Location 0x[0-9a-f]+ is in variable held in .*/waiting$", answer, re.MULTILINE)
        blocks = asked.ask("block_list", record_number(report, "1,002 bytes"))
        assert "[1002]: only interior pointers to it were found: variable inner in " in blocks
        blocks = asked.ask("block_list", record_number(report, "1,003 bytes"))
        assert "[1003]: a root points to it: the stack of thread 1" in blocks
        address = address_in(blocks.replace("]: ", "] : "), ": a root")
        assert re.search(r" Location 0x[0-9a-f]+ is in the stack of thread 1$", asked.ask("who_points_at", address),
                         re.MULTILINE)


def test_blocks_in_the_report(tool, release_python):
    """--show-leak-blocks= lists the first blocks of each record."""
    path = tool.new_directory() / "script.py"
    path.write_text(LEAKS.replace("sys.stdin.read()", ""))
    run = tool.run(release_python.path, "-S", path, options=["--histogram=none", "--show-leak-blocks=2"])
    assert re.search(r"   0x[0-9a-f]+\[\d+\] list: nothing points to it, its count is 1\n.*"
                     r"   0x[0-9a-f]+\[\d+\] list: nothing points to it, its count is 1\n.*"
                     r"   and [678] blocks more \(--show-leak-blocks\)\n", run.log), run
    assert "nothing points to it" not in tool.run(release_python.path, "-S", path, options=["--histogram=none"]).log
    assert tool.run("/bin/true", options=["--show-leak-blocks=some"], check=False).returncode == 1


SWITCHED = """\
import sys
def quiet():
    return bytearray(4321)
def loud():
    return bytearray(1234)
first = quiet()
print("ready", flush=True)
sys.stdin.readline()
second = loud()
print("done", flush=True)
sys.stdin.readline()
third = quiet()
"""


def test_trace_on_and_off(tool, release_python):
    """trace on and trace off switch the event log; without --trace= there is none to switch."""
    path = tool.new_directory() / "program.py"
    path.write_text(SWITCHED)
    trace = path.parent / "trace"
    with session(tool, release_python.path, path,
                 options=["--trace=malloc", "--trace-start=no", f"--trace-file={trace}"]) as it:
        assert "usage: trace on|off" in it.ask("trace", "maybe")
        it.ask("trace", "on")
        it.process.stdin.write("\n")
        it.process.stdin.flush()
        assert it.process.stdout.readline() == "done\n"
        it.ask("trace", "off")
        it.process.stdin.write("\n")
        it.process.stdin.flush()
        it.process.wait()
    log = trace.read_text()
    on, off = log.index("pymemcheck:::ON\n"), log.index("pymemcheck:::OFF\n")
    assert log[:on] == "pymemcheck:::BEGIN\n"
    call = "malloc(" if release_python.version < (3, 13) else "realloc(0x0, "       # of bytearray
    assert f"-> loud {call}1235) pntr 0x" in log[on:off]
    assert "quiet" not in log.split("pymemcheck:::END")[0]
    with session(tool, release_python.path, path) as it:
        assert "there is no event log to switch" in it.ask("trace", "on")
        it.process.stdin.write("\n\n")
        it.process.stdin.flush()
