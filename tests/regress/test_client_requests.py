# SPDX-License-Identifier: GPL-2.0-or-later
"""The requests of pymemcheck.h: made by a C program, and by Python through the exported function."""
import json
import pathlib
import re
import subprocess

import pytest

import pmtest
from pmtest import PROGRAMS

HEADER = pathlib.Path(__file__).resolve().parents[2] / "pymemcheck" / "preload" / "pymemcheck.h"

BAD, NOT_SUPPORTED, NO_BLOCK, FAILED = -1, -2, -4, -5
PROTOCOL = int(re.search(r"define PYMEMCHECK_PROTOCOL (\d+)", HEADER.read_text())[1])


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return pmtest.compile_program(tmp_path_factory.mktemp("requests") / "requests", PROGRAMS / "client_requests.c", "-O0",
                                  "-pthread", f"-DPM_HEADER=\"{HEADER}\"")


def rows(run):
    return [line.split() for line in run.stdout.splitlines()]


def numbers(line):
    return [int(word) for word in line.split()]


def test_counters(tool, program):
    """Differences are those of the program's own calls, as the HEAP SUMMARY counts them."""
    run = tool.run(program, "counters")
    assert run.stdout.splitlines() == [
        "version 2", "counters 64", "differences 5000 5 10 5 10000", "peak 1", "reset 1", "peak is live 1 1", "tool 1",
        "short 8 1"]
    assert run.profile.totals["peak_since"] > 0 and "bytes in" in run.log and ", since allocation " in run.log


@pytest.mark.parametrize("way", ["counters", "phases", "searches", "small_buffer", "bad_arguments", "signals", "forks"])
def test_outside(tool, program, way):
    """Without the tool, and under another, each request answers 0 and does nothing."""
    for run in tool.run_native(program, way), tool.run(program, way, tool="none"):
        if way == "counters":
            assert rows(run)[:3] == [["version", "0"], ["counters", "0"], ["differences", *"00000"]]
        if way == "phases":
            assert set(run.stdout.split()) == {"0"}


def test_phases(tool, program):
    """An end that does not belong to the innermost begin is refused, and said; the figures are those of the phases."""
    run = tool.run(program, "phases")
    assert numbers(run.stdout) == [1, 1, BAD, 1, BAD, 1, BAD, BAD, BAD, 1]
    assert run.log.count("warning: the end of phase") == 3
    assert "the end of phase 'outer' is ignored: the innermost open phase of this thread is 'inner'" in run.log
    strings = run.profile.json["strings"]
    phases = {strings[phase["name"]]: phase for phase in run.profile.json["phases"]}
    assert list(phases) == ["outer", "inner", "never ended"]

    def figures(name):
        return [phases[name][key] for key in ("allocs", "frees", "bytes", "live_bytes", "live_blocks")]

    # stdout's own buffer is allocated in the first phase, if at all.
    assert figures("inner") == [2, 1, 400, 200, 1]
    assert figures("outer")[0] >= 3 and figures("outer")[3] >= 300
    # libc's own memory is freed at the end.
    allocs, _, *rest = figures("never ended")
    assert [allocs, *rest] == [1, 50, 50, 1] and phases["never ended"]["open"]
    assert phases["inner"]["first"] > phases["outer"]["first"] and phases["inner"]["last"] < phases["outer"]["last"]
    assert "  never ended, still open" in run.log


def test_searches(tool, program):
    run = tool.run(program, "searches", options=["--errors-for-leak-kinds=definite"])
    lines = run.stdout.splitlines()
    assert lines[0] == "all 1 1 2300 5"
    assert lines[1].startswith("json ") and lines[1].endswith(" ended")
    end = next(number for number, line in enumerate(lines) if line.startswith("since mark"))
    found = json.loads("\n".join(lines[2:end]))
    assert [(record["bytes"], record["blocks"]) for record in found["leaks"]["records"]] == [(2300, 5)]
    for record in found["leaks"]["records"]:
        frames, node = [], record["stack"]
        while node != 0:
            frame = found["frames"][found["stacks"]["frame"][node]]
            frames.append((found["strings"][frame["function"]], frame["line"]))
            node -= found["stacks"]["back"][node]
        assert ("leak", pmtest.line_of(PROGRAMS / "client_requests.c", "malloc(bytes)")) in frames
        assert frames[-1][0] in ("main", "(below main)", "_start")
    assert lines[end:end + 4] == ["since mark 1 1 2000 2", "since last 1 1 70 7", "nothing new 1 0 0 0",
                                  "in the log 1 1 2370 12"]
    # Only the last search was not silent. The one at the end finds the same errors again.
    assert run.log.count("Leaks at this moment:") == 1


def test_records_are_those_of_the_profile(tool, program):
    """The search at the end finds the same records, with the same fingerprints and stacks."""
    run = tool.run(program, "one_search")
    found = json.loads(run.stdout)
    assert found["leaks"]["records"]
    at_end = {loss.json["fingerprint"]: loss for loss in run.profile.losses}
    for record in found["leaks"]["records"]:
        same = dict(at_end[record["fingerprint"]].json)
        for tables_own in "stack", "note", "types", "chain", "places", "expression":
            same.pop(tables_own), record.pop(tables_own)
        assert record == same
    assert list(found["leaks"]["summary"]) == list(run.profile.json["leaks"]["summary"])


def test_small_buffer(tool, program):
    """Nothing is written, the needed size is told, and the same result can be had again."""
    answer, needed, start, again, blocks, whole = tool.run(program, "small_buffer").stdout.split()
    assert (answer, needed, start, again, blocks, whole) == ("1", "1", "x" * 12, "1", "3", "1")


def test_bad_arguments(tool, program):
    first, second = tool.run(program, "bad_arguments").stdout.splitlines()
    assert numbers(first) == [BAD] * 8 + [1, 1]
    assert numbers(second) == [NO_BLOCK] * 3 + [BAD, 1, BAD, 1, BAD, BAD, BAD, BAD, FAILED, BAD, NOT_SUPPORTED,
                                                NOT_SUPPORTED]


def test_blocks(tool, program):
    run = tool.run(program, "blocks")
    lines = run.stdout.splitlines()
    small, large, pointed = (json.loads(line) for line in lines if line.startswith("{"))
    assert (small["bytes"], small["offset"], small["origin"]) == (100, 5, "malloc")
    assert (large["bytes"], large["offset"]) == (100000, 99999)
    assert small["object"] is None and small["recorded"]
    assert [frame["function"] for frame in large["stack"]][:2] == ["malloc", "blocks"] \
        or large["stack"][0]["function"] == "blocks"
    assert str(NO_BLOCK) in lines
    assert pointed["block"]["bytes"] == 100000 and pointed["block"]["kind"] == "reachable"
    assert any(pointer["holder"] == "data" and pointer["reference"] and "kept" in pointer["place"]
               for pointer in pointed["pointers"])
    assert pointed["all_pointers"] == len(pointed["pointers"])


def test_threads(tool, program):
    """A thread's phases and its recording end with it. They are its own."""
    run = tool.run(program, "threads")
    lines = run.stdout.splitlines()
    assert lines[0] == "1" and lines[1].startswith("1 1 thread 1 ") and lines[1].endswith(" 300 3")
    assert numbers(lines[2]) == [BAD, 1, BAD]
    phases = run.profile.json["phases"]
    assert [phase["open"] for phase in phases] == [False, False]
    unrecorded = [site for site in run.profile.sites if site.frames[0].function == "recording was off"]
    assert [(site.total_blocks, site.total_bytes) for site in unrecorded if site.total_bytes] \
        and sum(site.total_bytes for site in unrecorded) >= 111
    assert any(site.total_bytes == 222 for site in run.profile.from_native("threads"))


def test_recording(tool, program):
    """What is not recorded counts, but is no leak. It stays off until each stop has its start."""
    run = tool.run(program, "recording")
    assert run.stdout == "recorded 1 1 500 1\n"
    (unrecorded,) = [site for site in run.profile.sites if site.frames[0].function == "recording was off"]
    assert unrecorded.total_blocks == 8 and unrecorded.live_bytes == 4000
    assert run.profile.json["leaks"]["summary"]["definite"] == [500, 1]


def test_signal_handler(tool, program):
    assert numbers(tool.run(program, "signals").stdout) == [1, 3, 64, 1]


def test_forks(tool, program):
    """A child's search tells of its own blocks. The phase goes on in both."""
    run = tool.run(program, "forks")
    assert run.stdout.splitlines() == [f"child {NOT_SUPPORTED} child 1 1 200 2", "child 1", "parent 1 1 300 3", "parent 1"]


def test_profiles(tool, program, tmp_path):
    """Whole profiles, while the run goes on."""
    run = tool.run(program, "profiles", tmp_path / "named")
    assert run.stdout == "1 1 1\n"
    written = [*(run.directory / f"out.{run.pid}.{number}" for number in (1, 2)), tmp_path / "named"]
    for path in written:
        profile = pmtest.Profile(path)
        assert profile.json["run"]["end"] == "running" and profile.json["run"]["exit_code"] is None
        assert profile.totals["live_blocks"] >= 3 and profile.from_native("leak")
    command = tool.build_directory / "bin" / "pymemcheck"
    report = subprocess.run([command, "report", tmp_path / "named"], stdout=subprocess.PIPE, check=True, text=True).stdout
    assert f"process {run.pid}): was still running: these are its figures so far" in report.splitlines()[0]


def test_million(tool, program):
    """Many requests, phases and names: no more than a bound is kept."""
    run = tool.run(program, "million", timeout=600)
    assert numbers(run.stdout) == [1600000, NOT_SUPPORTED, NOT_SUPPORTED]
    assert run.log.count("pymemcheck: warning:") == 10
    assert len(run.profile.json["phases"]) == 65536


def test_older_header(tool, tmp_path):
    """A program whose header had fewer members and kinds gets those that it knows; nothing behind them is written."""
    text = HEADER.read_text()
    for newer in ("    unsigned long long allocs, frees;\n", "    unsigned long long tool_bytes; "):
        assert newer in text
    text = text.replace("    unsigned long long tool_bytes; ", "    /* ").replace("PYMEMCHECK_KINDS = 10", "PYMEMCHECK_KINDS = 1")
    (tmp_path / "older.h").write_text(text.replace("/* that", "that").replace("/*                  that", "/* that"))
    (tmp_path / "older.c").write_text("""\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "older.h"
int main(void)
{
    struct { struct pymemcheck_counters counters; char after[16]; } first;
    struct { struct pymemcheck_search search; char after[16]; } second;
    memset(&first, 'x', sizeof first);
    memset(&second, 0, sizeof second);
    memset(second.after, 'x', sizeof second.after);
    second.search.size = sizeof second.search;
    printf("%ld %.16s ", PYMEMCHECK_COUNTERS(&first.counters, sizeof first.counters), first.after);
    printf("%ld %.16s\\n", PYMEMCHECK_LEAK_SEARCH(&second.search), second.after);
    return 0;
}
""")
    older = pmtest.compile_program(tmp_path / "older", tmp_path / "older.c")
    assert tool.run(older).stdout == f"56 {'x' * 16} 1 {'x' * 16}\n"


CTYPES = """\
import ctypes, gc, json, sys
try:
    request = ctypes.CDLL(None).pymemcheck_request
except AttributeError:
    sys.exit("absent")
request.restype = ctypes.c_long
request.argtypes = [ctypes.c_ulong] + 4 * [ctypes.c_long]

def ask(number, *arguments):
    return request(number, *arguments, *(4 - len(arguments)) * [0])

def told(number, address):
    needed = ask(number, address, 0, 0)
    if needed < 0:
        return needed
    text = ctypes.create_string_buffer(2 * needed)
    assert 0 < ask(number, address, ctypes.addressof(text), len(text)) <= len(text)
    return json.loads(text.value.decode())
"""

DESCRIBE = CTYPES + """
class Place:
    pass
place = Place()
place.thing = [1, 2, 3]
print(json.dumps([ask(0), told(8, id(place.thing)), told(9, id(place.thing)), told(8, id(None)),
                  request(1 << 40, 0, 0, 0, 0)]))
"""


def test_python(tool, python, tmp_path):
    """The exported function, from Python: an object's type and birth line, and what holds it."""
    script = tmp_path / "script.py"
    script.write_text(DESCRIBE)
    version, info, pointed, none, unknown = json.loads(tool.run(python.path, "-S", script).stdout)
    assert (version, none, unknown) == (PROTOCOL, NO_BLOCK, NOT_SUPPORTED)
    assert info["object"]["type"] == "list" and info["object"]["note"] == "len 3"
    first = next(frame for frame in info["stack"] if frame["kind"] == "python")
    assert (first["file"], first["line"]) == (str(script), pmtest.line_of(script, "place.thing = [1"))
    holders = [pointer["block"] for pointer in pointed["pointers"]
               if pointer["reference"] and pointer["holder"] == "block"]
    assert any(block["field"].strip() in (".thing", "['thing']") for block in holders), holders


def test_python_outside(tool, release_python, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(CTYPES)
    run = tool.run_native(release_python.path, "-S", script, check=False)
    assert run.returncode == 1 and run.stderr == "absent\n"


GARBAGE = CTYPES + """
gc.disable()
class Search(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in "size flags since buffer buffer_size needed records mark".split()] \\
        + [("kinds", 20 * ctypes.c_ulonglong)]
def cycles(flags):
    search = Search(ctypes.sizeof(Search), 2 | flags, mark)
    assert ask(7, ctypes.addressof(search)) == 1
    return search.kinds[3], search.kinds[13]        # blocks in cycles, and those of the interpreter
def work():
    for number in range(20):
        lost = [number]
        lost.append(lost)
    lost = None
mark = ask(6)
work()
waiting, claimed = cycles(0), cycles(16)
gc.collect()
print(waiting[0], waiting[1] >= 20, claimed[0] >= 19, cycles(16)[0])
"""


def test_garbage(tool, release_python):
    """Cycles wait for the collector, unless the program says that it just ran."""
    run = tool.run(release_python.path, "-S", "-c", GARBAGE)
    assert run.stdout == "0 True True 0\n"


AFTER = r"""
#include <stdio.h>
#include <stdlib.h>
#include PM_HEADER
static void late(void)
{
    struct pymemcheck_counters counters;
    struct pymemcheck_search asked = { .size = sizeof asked, .flags = PYMEMCHECK_SEARCH_SILENT };
    long searched = PYMEMCHECK_LEAK_SEARCH(&asked);
    printf("%ld %ld %d\n", searched, PYMEMCHECK_COUNTERS(&counters, sizeof counters),
           PYMEMCHECK_WHO_POINTS_AT(&counters, 0, 0) > 0);
    fflush(stdout);
}
/* Called when all is over: also after Py_FinalizeEx. */
static __attribute__((destructor)) void at_end(void) { late(); }
"""


def test_after_finalization(tool, release_python, tmp_path):
    (tmp_path / "after.c").write_text(AFTER)
    library = pmtest.compile_program(tmp_path / "after.so", tmp_path / "after.c", "-shared", "-fPIC",
                                     f"-DPM_HEADER=\"{HEADER}\"")
    run = tool.run(release_python.path, "-S", "-c", f"import ctypes; ctypes.CDLL('{library}')")
    assert run.stdout == "1 64 1\n"


THREADS = CTYPES + """
import os, threading
answers = []
def work():
    name = ctypes.create_string_buffer(b"in a thread")
    answers.append((ask(4, ctypes.addressof(name)), ask(6) > 0, ask(5, ctypes.addressof(name))))
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
child = os.fork()
if child == 0:
    os._exit(ask(0) <= 0 or ask(6) <= 0)
print(set(answers), os.waitpid(child, 0)[1])
"""


def test_python_threads_and_fork(tool, release_python):
    run = tool.run(release_python.path, "-S", "-c", THREADS)
    assert run.stdout == "{(1, True, 1)} 0\n"


def test_header_compiles_everywhere(tmp_path):
    """C90 with extensions, C11, C++, all warnings, and without Valgrind's instructions."""
    source = tmp_path / "user.c"
    source.write_text(f'#include "{HEADER}"\nint main(void) {{ return PYMEMCHECK_VERSION() != 0; }}\n')
    for command in (["gcc", "-std=gnu90"], ["gcc", "-std=c11", "-pedantic"], ["g++", "-x", "c++", "-std=c++17"],
                    ["gcc", "-DNVALGRIND"]):
        subprocess.run([*command, "-Wall", "-Wextra", "-Werror", "-o", str(tmp_path / "user"), str(source)], check=True)
        assert subprocess.run([tmp_path / "user"], check=False).returncode == 0


SWITCHES = """\
import ctypes
libc = ctypes.CDLL(None)
malloc, request = libc.malloc, libc.pymemcheck_request
malloc.restype, malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
request.restype, request.argtypes = ctypes.c_long, [ctypes.c_ulong] + [ctypes.c_void_p] * 4
def ask(number, argument):
    return request(number, argument, None, None, None)
malloc(4321)
answers = [ask(11, 1)]
malloc(4322)
answers += [ask(11, None), ask(11, 2), ask(3, ctypes.cast(ctypes.c_char_p(b"loaded"), ctypes.c_void_p)), ask(3, 8)]
malloc(4323)
print(*answers)
"""


@pytest.mark.parametrize("logging", [True, False], ids=["log", "no log"])
def test_event_log_and_snapshots(tool, release_python, tmp_path, logging):
    """The program switches the event log, if there is one, and takes snapshots."""
    path = tmp_path / "switches.py"
    path.write_text(SWITCHES)
    options = ["--trace=malloc", "--trace-start=no", f"--trace-file={tmp_path}/trace"] if logging else []
    run = tool.run(release_python.path, "-S", path, options=options)
    assert run.stdout == ("1 1 -1 1 -1\n" if logging else "-2 -2 -1 1 -1\n")
    snapshots, strings = run.profile.json["snapshots"], run.profile.json["strings"]
    assert [strings[name] for name in snapshots["name"]] == ["loaded"]
    if logging:
        events = (tmp_path / "trace").read_text()
        assert [size for size in (4321, 4322, 4323) if f"malloc({size})" in events] == [4322]
