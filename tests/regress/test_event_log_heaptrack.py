# SPDX-License-Identifier: GPL-2.0-or-later
"""--trace-format=heaptrack: heaptrack's own reader opens the file, and finds what we found."""
import collections
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

from eventlog import Replay, events
from pmtest import line_of, needs_core
from test_event_log import SCRIPTS, build_of, script, traced

pytestmark = pytest.mark.skipif(shutil.which("heaptrack_print") is None, reason="no heaptrack_print on this machine")

Summary = collections.namedtuple("Summary", "allocations temporary peak leaked")


def printed(path, *options):
    run = subprocess.run(["heaptrack_print", *options, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         check=True)
    assert "failed" not in run.stderr and "out of bounds" not in run.stderr and "rror" not in run.stderr, run.stderr
    return run.stdout


def summary(path):
    """The figures at the end of heaptrack_print's output; the peak and what is leaked as it rounds them."""
    text = printed(path, "--disable-builtin-suppressions")
    return Summary(int(re.search(r"^calls to allocation functions: (\d+)", text, re.M)[1]),
                   int(re.search(r"^temporary memory allocations: (\d+)", text, re.M)[1]),
                   re.search(r"^peak heap memory consumption: (\S+)", text, re.M)[1],
                   re.search(r"^total memory leaked: (\S+)", text, re.M)[1])


def rounded(number):
    """As heaptrack prints bytes (src/analyze/print/heaptrack_print.cpp, formatBytes): powers of 1000."""
    for unit in ("B", "K", "M", "G"):
        if number < 1000 or unit == "G":
            return f"{number:.2f}{unit}" if unit != "B" else f"{number}B"
        number /= 1000
    raise AssertionError


def heaptrack_of(tool, *command, options=(), **more):
    run = tool.run(*command, options=["--trace-format=heaptrack", "--trace-file=trace.%p", *options], **more)
    run.path = (more.get("cwd") or run.directory) / f"trace.{run.pid}"
    return run


class Reader:
    """Our own reading of the file, for exact figures that heaptrack_print rounds."""

    def __init__(self, path):
        self.allocations, self.live, self.counts = [], collections.Counter(), collections.Counter()
        self.bytes = self.peak = self.events = self.temporary = 0
        self.times, self.what = [], []
        self.changes = []       # as those of eventlog.Replay
        self.used = 0           # numbers in + lines
        version, first, newest = 3, None, 0
        for line in path.read_text(errors="surrogateescape").splitlines():
            mode, *words = line.split(" ")
            self.counts[mode] += 1
            if mode == "v":
                version = int(words[1], 16)
            elif mode == "a":
                self.add_kind(int(words[0], 16), words[1])
            elif mode == "+":
                index = newest = int(words[-1], 16)
                if version == 0:        # of the first block
                    assert self.allocations == []
                    index, first = 0, newest
                    self.add_kind(int(words[0], 16), words[1])
                assert index <= self.used, "heaptrack_gui writes behind its array"
                self.used += index == self.used
                self.change(index, 1)
            elif mode == "-":
                index = int(words[0], 16)
                self.temporary += index == newest
                newest = 0
                if version == 0:
                    assert index == first
                    index = 0
                assert index < self.used and self.live[self.what[index]] > 0
                self.change(index, -1)
            elif mode == "c":
                self.times.append(int(words[0], 16))

    def add_kind(self, size, node):
        self.allocations.append(size)
        self.what.append((size, node))

    def change(self, index, sign):
        self.live[self.what[index]] += sign
        self.changes.append(sign * self.allocations[index])
        self.bytes += self.changes[-1]
        self.peak = max(self.peak, self.bytes)


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_totals(tool, release_python, name):
    """Allocations, bytes leaked, peak and temporary allocations that heaptrack finds are ours."""
    run = heaptrack_of(tool, release_python.path, script(tool, SCRIPTS[name]))
    totals = run.profile.totals
    theirs = summary(run.path)
    exact = Reader(run.path)
    assert theirs.allocations == exact.counts["+"] == totals["allocs"]
    assert exact.bytes == totals["live_bytes"] and exact.peak == totals["peak_bytes"]
    assert (theirs.peak, theirs.leaked) == (rounded(exact.peak), rounded(exact.bytes))
    assert theirs.temporary == exact.temporary
    assert sum(exact.live.values()) == totals["live_blocks"]


@pytest.mark.parametrize("name", sorted(SCRIPTS.keys() - {"threads"}))
def test_same_as_text(tool, release_python, name):
    """Both forms have the same events in the same order: each size that is allocated and freed. So heaptrack finds the
    temporary allocations (whose block is freed by the next event) that the addresses of the text log show, and not also those
    where another block of the same size and stack is freed. The two runs are alike in all that the program can see;
    only threads switch at other moments."""
    path, folder = script(tool, SCRIPTS[name]), tool.new_directory()
    text = traced(tool, release_python.path, path, cwd=folder)
    replay = Replay(events(text.traces[text.pid]))
    run = heaptrack_of(tool, release_python.path, path, cwd=folder)
    assert Reader(run.path).changes == replay.changes
    assert summary(run.path).temporary == replay.temporary > 100


PROGRAM = """\
def inner():
    return bytearray(700_000)       # inner
def outer():
    return inner()                  # outer
kept = outer()
def burst():
    return [bytearray(100_000) for i in range(50)]
burst()
"""


@needs_core("lines")             # without it, names of native frames have their line
def test_python_frames(tool, release_python, tmp_path):
    """heaptrack's stacks have Python frames, "function (file.py:line)", inside of the native ones that run them."""
    path = script(tool, PROGRAM)
    run = heaptrack_of(tool, release_python.path, path)
    flame = tmp_path / "flame"
    printed(run.path, "-F", str(flame), "--flamegraph-cost-type", "peak", "--shorten-templates", "0")
    # The viewer adds the name of the file to each frame that has one.
    inner, outer = (f"{name} (program.py:{line_of(path, '# ' + name)}) (program.py)" for name in ("inner", "outer"))
    (stack,) = [line for line in flame.read_text().splitlines() if inner in line and "PyByteArray_Resize" in line]
    frames = [re.sub(r" \(\w+\.[ch]\)$", "", frame) for frame in stack.rsplit(" ", 1)[0].split(";")]
    assert frames.index(inner) == frames.index(outer) + 1
    assert frames.index("PyByteArray_Resize") > frames.index("_PyEval_EvalFrameDefault") == frames.index(inner) + 1
    assert int(stack.rsplit(" ", 1)[1]) >= 700_000
    assert f"at {path}:2" in printed(run.path, "--print-peaks", "1")
    # Viewers name what is allocated by the innermost frame: it is not malloc for all, as in heaptrack's own files.
    assert not any(re.search(r";(?:malloc|calloc|realloc|_PyMem_RawMalloc)(?: \(\w+\.c\))? \d+$", line)
                   for line in flame.read_text().splitlines())


@needs_core("lines")
def test_native_lines(tool):
    """Native frames have the source lines that the JSON file of the same run has."""
    found = build_of("3.13")
    if found is None:
        pytest.skip("no 3.13 on this machine")
    run = heaptrack_of(tool, found.path, script(tool, SCRIPTS["json"]))
    ours = collections.defaultdict(set)
    for object_, function, _, file, line in run.profile.native_frames():
        ours[object_, function].add((file, line if file else 0))
    if not any(file for lines in ours.values() for file, _ in lines):
        pytest.skip(f"no debug information for {found.path}")
    strings, lines = [""], 0
    for row in run.path.read_text(errors="surrogateescape").splitlines():
        mode, *words = row.split(" ")
        if mode == "s":
            strings.append(row.split(" ", 2)[2])
        elif mode == "i" and strings[int(words[1], 16)] not in ("", "Python"):
            object_, function, file, line = ([int(word, 16) for word in words[1:]] + [0, 0])[:4]
            assert (strings[file], line) in ours[strings[object_], strings[function]], row
            lines += file != 0
    assert lines > 300


def test_gui(tool, release_python, tmp_path):
    """heaptrack_gui reads the file to its end, and the difference of two: it ended by a signal where numbers did not come in
    order. What it shows can be seen by eye only (docs/event-log.md)."""
    if shutil.which("heaptrack_gui") is None:
        pytest.skip("no heaptrack_gui on this machine")
    run = heaptrack_of(tool, release_python.path, script(tool, PROGRAM))
    environment = dict(os.environ, QT_QPA_PLATFORM="offscreen", XDG_RUNTIME_DIR=str(tmp_path), HOME=str(tmp_path))
    for arguments in ([run.path], ["--diff", run.path, run.path]):
        with subprocess.Popen(["heaptrack_gui", *arguments], env=environment, stderr=subprocess.PIPE, text=True) as gui:
            idle, seconds = 0, 0.0
            while idle < 5 and gui.poll() is None:          # it has read the file when it does nothing any more
                time.sleep(0.5)
                before, seconds = seconds, cpu_seconds(gui.pid)
                idle = idle + 1 if seconds - before < 0.05 and seconds > 0.1 else 0
            ended = gui.poll()
            gui.kill()
            messages = gui.communicate()[1]
        assert ended is None, f"heaptrack_gui ended: {ended}\n{messages}"
        assert "corrupt" not in messages and "failed" not in messages, messages


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_histogram_and_time_line(tool, release_python, tmp_path):
    """The sizes that heaptrack counts are those of our report; and time passes."""
    run = heaptrack_of(tool, release_python.path, script(tool, PROGRAM))
    histogram = tmp_path / "histogram"
    printed(run.path, "--print-histogram", str(histogram))
    sizes = {int(size): int(count) for size, count in map(str.split, histogram.read_text().splitlines())}
    assert sizes[100_001] == 50
    assert sum(sizes.values()) == run.profile.totals["allocs"]
    massif = tmp_path / "massif"
    printed(run.path, "-M", str(massif))
    assert massif.read_text().count("snapshot=") > 3
    times = Reader(run.path).times
    assert times == sorted(times) and len(times) > 3


def test_diff(tool, release_python):
    """heaptrack compares two of our files."""
    before = heaptrack_of(tool, release_python.path, script(tool, PROGRAM))
    after = heaptrack_of(tool, release_python.path, script(tool, PROGRAM.replace("range(50)", "range(80)")))
    text = printed(after.path, "--diff", str(before.path))
    assert re.search(r"^peak heap memory consumption: 3\.00M", text, re.M), text[-1000:]
    assert "burst.<locals>.<listcomp> (program.py:7)" in printed(after.path, "--diff", str(before.path), "-t", "0")


def test_bytes_of_an_event(tool, release_python):
    """Fewer than 16 on the average, names included."""
    run = heaptrack_of(tool, release_python.path, script(tool, "for i in range(100000):\n    x = [i], str(i)\n"))
    reader = Reader(run.path)
    assert reader.counts["+"] + reader.counts["-"] > 200_000
    assert run.path.stat().st_size < 16 * (reader.counts["+"] + reader.counts["-"])


def test_each_name_once(tool, release_python):
    """No frame or node of the tree is written twice."""
    run = heaptrack_of(tool, release_python.path, script(tool, SCRIPTS["classes"]))
    lines = [line for line in run.path.read_text().splitlines() if line[0] in "it"]
    assert len(lines) == len(set(lines)) > 1000


def test_default_name_and_forked_child(tool, release_python):
    """The file is pymemcheck.trace.<pid>; a child's has its own blocks only, and can be read."""
    run = tool.run(release_python.path, script(tool, "import os\nx = bytearray(5000)\npid = os.fork()\nif pid == 0:\n"
                                               "    del x\n    y = bytearray(6000)\n    os._exit(0)\nos.waitpid(pid, 0)\nprint(pid)\n"),
                   options=["--trace-format=heaptrack"])
    child = Reader(run.directory / f"pymemcheck.trace.{int(run.stdout)}")
    assert 6001 in child.allocations and 5001 not in child.allocations
    assert Reader(run.directory / f"pymemcheck.trace.{run.pid}").counts["+"] == run.profile.totals["allocs"]
    assert summary(run.directory / f"pymemcheck.trace.{int(run.stdout)}").allocations == child.counts["+"]


def test_killed(tool, release_python):
    """What SIGKILL leaves can be read."""
    run = heaptrack_of(tool, release_python.path, script(
        tool, SCRIPTS["grow"] + "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"), check=False)
    assert summary(run.path).allocations == Reader(run.path).counts["+"] > 1000


def test_limit(tool, release_python):
    run = heaptrack_of(tool, release_python.path, script(tool, SCRIPTS["lists"]), options=["--trace-limit=30k"])
    assert run.path.stat().st_size <= 30 * 1024
    assert run.path.read_text().endswith("# --trace-limit= is reached: the event log ends here.\n")
    assert summary(run.path).allocations == Reader(run.path).counts["+"]


def test_calls_do_not_fit(tool):
    run = tool.run("/bin/echo", "was run", options=["--trace-format=heaptrack", "--trace-calls=yes"], files=False, check=False)
    assert run.returncode == 1 and "has room for malloc only" in run.stderr
