# SPDX-License-Identifier: GPL-2.0-or-later
"""The event log, --trace=malloc: its lines, and what they add up to."""
import os
import re
import signal

import pytest

import pmtest
import pythons
from eventlog import Replay, events, size_of
from pmtest import PROGRAMS, line_of

EX_BUFFERS = PROGRAMS / "cmemleak" / "ex_buffers.py"
PADDING = 24        # of one request in a debug build: size, serial and guard bytes
BUFFERS = [("create_cmalloc_list", "CMalloc(1477)", 1477, False), ("create_pyrawmalloc_list", "PyRawMalloc(128)", 128, True),
           ("create_pymalloc_list_128", "PyMalloc(128)", 128, True), ("create_pymalloc_list_177", "PyMalloc(177)", 177, True),
           ("create_pymalloc_list_767", "PyMalloc(767)", 767, True)]


def traced(tool, *command, options=(), **more):
    """A run with an event log for each process, and the logs' texts by process."""
    run = tool.run(*command, options=["--trace=malloc", "--trace-file=trace.%p", *options], **more)
    run.traces = traces_of(more.get("cwd") or run.directory)
    return run


def traces_of(folder):
    return {int(path.name[len("trace."):]): path.read_text(errors="surrogateescape")
            for path in folder.glob("trace.*") if path.name[len("trace."):].isdigit()}


def script(tool, text):
    path = tool.new_directory() / "program.py"
    path.write_text(text)
    return path


def build_of(row):
    return next((python for python in pythons.PYTHONS if python.row == row), None)


@pytest.fixture(scope="module", params=["3.9", "3.9-debug", "3.11", "3.11-debug", "3.13", "3.13-debug", "3.14",
                                        "3.14-debug", "3.15"])
def buffers(request, tool, compiled_interpreters, tmp_path_factory):
    """The seeds' program on each build."""
    found = build_of(request.param)
    if found is None:
        pytest.skip(f"no {request.param} on this machine")
    path = found.path
    key = (path, "leaky")
    if key not in compiled_interpreters:
        compiled_interpreters[key] = pmtest.Interpreter(request.param + "-leaky", path, tmp_path_factory.mktemp("leaky"))
        compiled_interpreters[key].compile_extensions(pmtest.Interpreter.LEAKY)
    python = compiled_interpreters[key]
    run = traced(tool, python.path, EX_BUFFERS, env=python.env, short=True)
    run.python = python
    return run


@pytest.mark.parametrize("function, call, size, padded", BUFFERS, ids=[buffer[0] for buffer in BUFFERS])
def test_seeds_lines(buffers, function, call, size, padded):
    """Four mallocs of the buffer's size at the line that creates it; each but the last is freed in the function, at the address
    that malloc returned and that the program printed. The columns are those of py_flow_malloc_free.d."""
    log = buffers.traces[buffers.pid]
    size += PADDING if padded and buffers.python.debug else 0
    line = line_of(EX_BUFFERS, "cMemLeak." + call)
    columns = rf"^ *{buffers.pid}    ex_buffers\.py:{line:<4} -> {function} (malloc\({size}\) pntr (0x[0-9a-f]+))$"
    made = [found[2] for found in re.finditer(columns, log, re.M)]
    assert len(made) == 4, columns
    inside, outside = ([found[1] for found in re.finditer(
        rf"^ *{buffers.pid}    ex_buffers\.py:\d+ * -> {name} free\((0x[0-9a-f]+)\)$", log, re.M)]
        for name in (function, "<module>"))
    assert [address for address in inside if address in made] == made[:3]
    assert made[3] in outside       # when the function has returned, as in the seeds, which do not show it
    if size == 1477:
        assert re.findall(r"Created CMalloc size=1477 buffer=(0x[0-9a-f]+)", buffers.stdout) == made


def test_pymalloc_hides_small_buffers(tool, release_python):
    """With pymalloc left on, as the seeds ran: PyMem_Malloc of 128 bytes calls no malloc, that of 767 does."""
    run = traced(tool, release_python.path, EX_BUFFERS, env=release_python.env, options=["--pymalloc=yes"])
    sizes = {function: [size_of(event) for event in events(run.traces[run.pid])
                        if event.function == function and event.name == "malloc" and size_of(event) >= 100]
             for function, *_ in BUFFERS}
    assert sizes == {"create_cmalloc_list": [1477] * 4, "create_pyrawmalloc_list": [128] * 4,
                     "create_pymalloc_list_128": [], "create_pymalloc_list_177": [], "create_pymalloc_list_767": [767] * 4}


def test_first_and_last_lines(buffers):
    """BEGIN and END stand round the events, and the two histograms of the seeds follow, with all their rows."""
    log = buffers.traces[buffers.pid]
    assert log.startswith("pymemcheck:::BEGIN\n")
    end = log.split("\n\npymemcheck:::END\n")[1]
    assert end.startswith("Python malloc byte distributions by engine caller")
    assert re.search(r"^   ex_buffers\.py, create_cmalloc_list, bytes total = \d+\n +\S+ +-+ Distribution -+ count", end, re.M)
    assert re.search(r"^ +1024 \|@+ +4 *$", end, re.M)
    assert f"Event log written to {buffers.directory}/trace.{buffers.pid}" in buffers.log


SCRIPTS = {
    "lists": "x = [[i] * 3 for i in range(2000)]\nprint(len(x))\n",
    "grow": "x = []\nfor i in range(20000):\n    x.append(i)\ndel x\n",
    "strings": "x = {str(i): 'v' * i for i in range(500)}\nkept = list(x.values())[:50]\n",
    "classes": "class A:\n    def __init__(self, n):\n        self.n = [n]\nx = [A(i) for i in range(1000)]\ndel x[::2]\n",
    "cycles": "import gc\nclass N: pass\nfor i in range(500):\n    a, b = N(), N()\n    a.b, b.a = b, a\ngc.collect()\n",
    "json": "import json\nx = json.loads(json.dumps({str(i): [i, None, 1.5] for i in range(300)}))\n",
    "threads": ("import threading\ndef work():\n    for i in range(300):\n        bytearray(1000 + i)\n"
                "ts = [threading.Thread(target=work) for _ in range(3)]\n[t.start() for t in ts]\n[t.join() for t in ts]\n"),
    "errors": "def f(n):\n    if n == 0:\n        raise ValueError('x' * 100)\n    f(n - 1)\nfor i in range(100):\n"
              "    try:\n        f(10)\n    except ValueError:\n        pass\n",
    "generators": "def g(n):\n    for i in range(n):\n        yield [i] * 20\nx = [list(g(30)) for i in range(50)]\n",
    "realloc": "import io\nb = bytearray()\nfor i in range(3000):\n    b += b'x' * 50\ns = io.BytesIO()\nfor i in range(200):\n"
               "    s.write(b'y' * 1000)\n",
}


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_replay_gives_the_totals(tool, release_python, name):
    """Allocations minus frees are exactly the blocks that live at the end, and the totals are those of the same run's
    JSON; so are the sums of each Python line."""
    run = traced(tool, release_python.path, script(tool, SCRIPTS[name]))
    log = list(events(run.traces[run.pid]))
    replay = Replay(log)
    totals = run.profile.totals
    assert {key: getattr(replay.totals, key) for key in ("allocs", "frees", "bytes", "live_bytes", "live_blocks",
                                                        "peak_bytes")} \
        == {key: totals[key] for key in ("allocs", "frees", "bytes", "live_bytes", "live_blocks", "peak_bytes")}
    ours = {}
    for site in run.profile.sites:
        # 3.13 has code without a line.
        if site.python and site.total_blocks and (site.python[0].line or release_python.version < (3, 13)):
            key = os.path.basename(site.python[0].file), site.python[0].line, site.python[0].function
            bytes_, blocks = ours.get(key, (0, 0))
            ours[key] = bytes_ + site.total_bytes, blocks + site.total_blocks
    theirs = {}
    for event in log:
        if event.result and event.line:
            key = event.file, event.line, event.function
            bytes_, blocks = theirs.get(key, (0, 0))
            theirs[key] = bytes_ + size_of(event), blocks + 1
    assert theirs == ours
    assert len(ours) > 5


def test_debug_build_replays(tool, compiled_interpreters, tmp_path_factory):
    """In a debug build, too, where sizes have the padding of the debug hooks."""
    found = build_of("3.11-debug")
    if found is None:
        pytest.skip("no 3.11-debug on this machine")
    run = traced(tool, found.path, script(tool, SCRIPTS["json"]))
    replay = Replay(events(run.traces[run.pid]))
    totals = run.profile.totals
    assert totals["padding_bytes"] > 0
    assert (replay.allocs, replay.frees, replay.bytes, replay.totals.live_bytes) \
        == (totals["allocs"], totals["frees"], totals["bytes"], totals["live_bytes"])


FUNCTIONS = {"allocators": "ordinary", "operators": "main"}


@pytest.mark.parametrize("program", sorted(FUNCTIONS))
def test_c_programs_replay(tool, programs, program):
    """Every entry point of malloc's family, in C and C++. With no Python frame the C function that wanted the
    memory stands in its place."""
    run = traced(tool, programs[program], check=False)
    log = list(events(run.traces[run.pid]))
    replay = Replay(log)
    totals = run.profile.totals
    assert (replay.totals.live_bytes, replay.totals.live_blocks) == (totals["live_bytes"], totals["live_blocks"])
    assert any(event.file == program and event.line == 0 and event.function == FUNCTIONS[program] for event in log), log[:20]


def test_realloc_shows_old_pointer_size_and_result(tool, programs):
    log = list(events(traced(tool, programs["allocators"], check=False).traces.popitem()[1]))
    first = next(event for event in log if event.name == "realloc" and event.arguments[0] != 0)
    made = {event.result for event in log[:log.index(first)]}
    assert first.arguments[0] in made and first.arguments[1] > 0 and first.result is not None


def test_threads_are_numbered(tool, release_python):
    """As soon as there are two threads each line says which it is of; in a program with one it does not."""
    alone = traced(tool, release_python.path, script(tool, SCRIPTS["lists"]))
    assert {event.thread for event in events(alone.traces[alone.pid])} == {0}
    run = traced(tool, release_python.path, script(tool, SCRIPTS["threads"]))
    threads = {event.thread for event in events(run.traces[run.pid]) if event.function == "work"}
    assert threads == {2, 3, 4}


def test_full_paths(tool, release_python):
    path = script(tool, SCRIPTS["lists"])
    run = traced(tool, release_python.path, path, options=["--python-paths=full"])
    assert re.search(rf"^ *\d+ {re.escape(str(path))}:1    -> <module> ", run.traces[run.pid], re.M)


def test_in_the_log(tool, release_python):
    """Without --trace-file= the lines stand in Valgrind's log, in their own columns."""
    run = tool.run(release_python.path, script(tool, SCRIPTS["lists"]), options=["--trace=malloc"])
    assert re.search(rf"^ *{run.pid}       program\.py:1    -> <module>\S* malloc\(\d+\) pntr 0x", run.log, re.M)
    lines = [line for line in run.log.splitlines() if not line.startswith("==")]
    begin, end = lines.index("pymemcheck:::BEGIN"), lines.index("pymemcheck:::END")
    assert Replay(events("\n".join(lines[begin:end]))).allocs == run.profile.totals["allocs"]


# --- Filters and switches ---

FILTERED = """\
import threading
def small():
    return [bytearray(100 + i) for i in range(20)]
def large():
    return [bytearray(5000 + i) for i in range(20)]
def work():
    global kept
    kept = small()
large()
x = small()
t = threading.Thread(target=work)
t.start()
t.join()
"""


@pytest.mark.parametrize("option, accepts", [
    ("--trace-function-filter=small", lambda event: event.function.startswith("small")),
    ("--trace-file-filter=program.py", None),
    ("--trace-size-filter=5000..5100", lambda event: not event.result or 5000 <= size_of(event) <= 5100),
    ("--trace-thread-filter=2", lambda event: event.thread == 2 or not event.result),
])
def test_filter(tool, release_python, option, accepts):
    """A filter leaves events out whole: each free that is there is of a block that is there, and what lives at the end
    of the filtered log lives at the end of the whole log."""
    path = script(tool, FILTERED)
    whole = Replay(events(traced(tool, release_python.path, path).traces.popitem()[1]))
    log = list(events(traced(tool, release_python.path, path, options=[option]).traces.popitem()[1]))
    assert 20 <= len(log) < whole.allocs + whole.frees
    if accepts is not None:
        assert all(accepts(event) for event in log if event.result)
    live = set()
    for event in log:
        if event.name == "free":
            assert event.arguments[0] in live
            live.remove(event.arguments[0])
        elif event.name == "realloc":
            live.discard(event.arguments[0])
        if event.result:
            live.add(event.result)


def test_object_filter(tool, release_python):
    """Only what happens below the extension."""
    run = traced(tool, release_python.path, EX_BUFFERS, env=release_python.env,
                 options=["--trace-object-filter=cMemLeak.so"])
    log = list(events(run.traces[run.pid]))
    assert [size_of(event) for event in log if event.result and event.name == "malloc"
            and event.function.startswith("create_") and size_of(event) in (1477, 767)] == [1477] * 4 + [767] * 4
    assert not any(event.file == "<frozen importlib._bootstrap_external>" and event.function == "FileFinder._fill_cache"
                   for event in log)


def test_nothing_until_switched_on(tool, release_python):
    """With --trace-start=no there is nothing but the frame."""
    run = traced(tool, release_python.path, script(tool, SCRIPTS["lists"]), options=["--trace-start=no"])
    assert list(events(run.traces[run.pid])) == []
    assert "pymemcheck:::END\n" in run.traces[run.pid]


def test_limit_ends_the_log(tool, release_python):
    """The file stays below the limit, ends with a note, and has whole lines; the program goes on."""
    run = traced(tool, release_python.path, script(tool, SCRIPTS["lists"]), options=["--trace-limit=20k"])
    log = run.traces[run.pid]
    assert 15_000 < len(log) <= 20 * 1024
    assert log.endswith("pymemcheck:::STOP --trace-limit= is reached: the event log ends here.\n")
    assert "--trace-limit= is reached" in run.log and run.stdout == "2000\n"
    assert len(list(events(log))) > 100


# --- Ends of processes ---

def test_os_exit_loses_nothing(tool, release_python):
    run = traced(tool, release_python.path, script(tool, "x = bytearray(12345)\nimport os\nos._exit(0)\n"))
    assert Replay(events(run.traces[run.pid])).totals.live_bytes == run.profile.totals["live_bytes"]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGSEGV", "SIGABRT"])
def test_signal_loses_nothing(tool, release_python, name):
    run = traced(tool, release_python.path, script(
        tool, f"x = bytearray(12345)\nimport os, signal\nos.kill(os.getpid(), signal.{name})\n"), check=False)
    assert run.returncode == -getattr(signal, name)
    assert Replay(events(run.traces[run.pid])).totals.live_bytes == run.profile.totals["live_bytes"]
    assert "pymemcheck:::END\n" in run.traces[run.pid]


def test_sigkill_leaves_all_but_the_last_buffer(tool, release_python):
    """What is there has whole lines, of the first events, up to less than a buffer of 64 KiB."""
    text = SCRIPTS["lists"] + "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
    run = traced(tool, release_python.path, script(tool, text), check=False)
    assert run.returncode == -signal.SIGKILL
    whole = traced(tool, release_python.path, script(tool, SCRIPTS["lists"]))
    log = run.traces[run.pid]
    assert log.endswith("\n") and len(list(events(log))) > 1000
    before = whole.traces[whole.pid].index("program.py:1    -> <module>")
    assert len(log) > before - 2 * 65536


def test_fork_child_has_a_file_of_its_own(tool, release_python):
    """And writes nothing into the parent's."""
    run = traced(tool, release_python.path, script(tool, "import os\ndef child():\n    x = bytearray(4321)\n"
                                                   "pid = os.fork()\nif pid == 0:\n    child()\n    os._exit(0)\n"
                                                   "os.waitpid(pid, 0)\nprint(pid)\n"))
    child = int(run.stdout)
    assert set(run.traces) == {run.pid, child}
    assert {event.pid for event in events(run.traces[run.pid])} == {run.pid}
    inside = list(events(run.traces[child]))
    assert {event.pid for event in inside} == {child}
    assert any(event.function == "child" and event.result and size_of(event) == 4322 for event in inside)
    assert run.traces[child].count("pymemcheck:::BEGIN") == run.traces[run.pid].count("pymemcheck:::BEGIN") == 1
    replay = Replay(events(run.traces[run.pid]))
    assert replay.allocs == run.profile.totals["allocs"]


def test_fork_child_without_a_name_of_its_own_writes_none(tool, release_python):
    run = tool.run(release_python.path, script(tool, "import os\npid = os.fork()\nx = [bytearray(99) for i in range(5000)]\n"
                                               "if pid == 0:\n    os._exit(0)\nos.waitpid(pid, 0)\n"),
                   options=["--trace=malloc", "--trace-file=trace"])
    log = (run.directory / "trace").read_text()
    assert {event.pid for event in events(log)} == {run.pid}
    assert Replay(events(log)).allocs == run.profile.totals["allocs"]


def test_exec(tool, release_python):
    """The log of the old program ends whole before the new one begins; each has its file."""
    run = traced(tool, release_python.path, script(
        tool, "import os, sys\nx = bytearray(7777)\nif len(sys.argv) == 1:\n"
        "    os.execv(sys.executable, [sys.executable, __file__, 'again'])\n"), options=["--trace-children=yes"])
    old = (run.directory / f"trace.{run.pid}.before-exec").read_text()
    assert "pymemcheck:::END\n" in old and "pymemcheck:::END\n" in run.traces[run.pid]
    for log in (old, run.traces[run.pid]):
        assert any(event.result and size_of(event) == 7778 for event in events(log))
    assert Replay(events(run.traces[run.pid])).allocs == run.profile.totals["allocs"]


@pmtest.needs_core("exec")
def test_failed_exec_goes_on(tool, release_python):
    bad = tool.new_directory() / "bad"
    bad.write_text("#!/nowhere/at/all\n")
    bad.chmod(0o755)
    run = traced(tool, release_python.path, script(
        tool, f"import os\ntry:\n    os.execv({str(bad)!r}, ['bad'])\nexcept OSError:\n    pass\nx = bytearray(7777)\n"))
    assert Replay(events(run.traces[run.pid])).allocs == run.profile.totals["allocs"]
    assert run.traces[run.pid].count("pymemcheck:::END\n") == 1


def test_subprocess_writes_no_stray_file(tool, release_python):
    run = traced(tool, release_python.path, script(
        tool, "import subprocess\nsubprocess.run(['/bin/true'], close_fds=True)\nx = bytearray(7777)\n"))
    assert run.pid in run.traces
    assert Replay(events(run.traces[run.pid])).allocs == run.profile.totals["allocs"]


def test_program_sees_no_other_descriptors(tool, release_python):
    """The file's descriptor is out of the program's sight: the numbers of its own files are as without a log."""
    text = "import os\nfd = os.open('/dev/null', os.O_RDONLY)\nprint(fd)\nos.closerange(3, 2000)\nx = bytearray(7777)\n"
    run = traced(tool, release_python.path, script(tool, text))
    assert run.stdout == tool.run(release_python.path, script(tool, text)).stdout
    assert Replay(events(run.traces[run.pid])).allocs == run.profile.totals["allocs"]


def test_full_disk_ends_the_log_with_one_message(tool, release_python):
    run = tool.run(release_python.path, script(tool, SCRIPTS["grow"] + "print('done')\n"),
                   options=["--trace=malloc", "--trace-file=/dev/full"])
    assert run.stdout == "done\n"
    assert run.log.count("cannot write to '/dev/full'") == 1
    assert run.profile.totals["allocs"] > 1000


def test_file_that_cannot_be_created(tool, release_python):
    run = tool.run(release_python.path, "-c", "print('done')", options=["--trace=malloc", "--trace-file=/nowhere/trace"])
    assert run.stdout == "done\n"
    assert run.log.count("cannot create '/nowhere/trace'") == 1


@pytest.mark.parametrize("option, expected", [
    ("--trace=mallocs", "expected 'none', 'all', or some of"),
    ("--trace-format=json", "expected one of: text, heaptrack"),
    ("--trace-limit=many", "expected a number of bytes"),
    ("--trace-limit=10", "expected at least 4096 bytes"),
    ("--trace-size-filter=9..3", "expected bytes from least to most"),
    ("--trace-thread-filter=0", "expected the number of a thread"),
    ("--trace-file=", "expected a file name"),
])
def test_wrong_option(tool, option, expected):
    run = tool.run("/bin/echo", "was run", options=[option], files=False, check=False)
    assert run.returncode == 1 and expected in run.stderr and run.stdout == ""


def test_nothing_is_written_without_the_option(tool, release_python):
    run = tool.run(release_python.path, "-c", "pass", options=["--trace-file=trace.%p"])
    assert "pymemcheck:::" not in run.log and not list(run.directory.glob("trace*"))
