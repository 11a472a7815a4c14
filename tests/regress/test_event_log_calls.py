# SPDX-License-Identifier: GPL-2.0-or-later
"""--trace-calls=yes: CALL and RTN lines, compared with sys.setprofile's own events."""
import re

import pytest

from pmtest import PROGRAMS
from test_event_log import build_of, script, traces_of

KINDS = PROGRAMS / "call_kinds.py"
GREENLETS = PROGRAMS / "call_greenlets.py"
LINE = re.compile(r"^ *\d+(?:/(\d+))? +(?:[^<]*/)?(\S+|<.*>):(\d+|-) * (CALL|RTN ) ( *)(->|<-) (.*)$")


def lines(log, file):
    """(thread, kind, depth, line, function) of each CALL and RTN of a file's functions."""
    for line in log.splitlines():
        found = LINE.match(line)
        if found and found[2] == file:
            assert (found[4] == "CALL") == (found[6] == "->")
            yield int(found[1] or 0), found[4].strip(), len(found[5]) // 2, int(found[3]), found[7].split(".")[-1]


def run_calls(tool, python, *command, options=()):
    run = tool.run(python, *command, options=["--trace-calls=yes", "--trace-file=trace.%p", "--trace-limit=200M", *options])
    run.trace = traces_of(run.directory)[run.pid]
    return run


@pytest.mark.parametrize("row", ["3.6", "3.7", "3.8", "3.9", "3.9-debug", "3.10", "3.11", "3.11-debug", "3.12", "3.13",
                                 "3.13-debug", "3.14", "3.14-debug", "3.15"])
def test_equals_setprofile(tool, row):
    """Every kind of call: plain, nested, closures, generators, delegation, generators closed before their end, exceptions,
    special methods, class methods, context managers, coroutines, from C. More than a thousand calls: kind, depth, line
    and function of each event are those that sys.setprofile tells in another run."""
    found = build_of(row)
    if found is None:
        pytest.skip(f"no {row} on this machine")
    wanted = [tuple(line.split(" ")) for line in tool.run_native(found.path, KINDS, "profile").stdout.splitlines()]
    run = run_calls(tool, found.path, KINDS)
    ours = list(lines(run.trace, "call_kinds.py"))
    start = next(i for i, event in enumerate(ours) if event[4] == "run")
    outer = ours[start][2]
    got = [(kind, str(depth - outer), str(line), function) for _, kind, depth, line, function in ours[start:]
           if function != "<module>"]
    assert got == wanted
    assert sum(kind == "CALL" for kind, *_ in got) > 1000


KINDS_2_7 = """\
import sys
def plain(n):
    return n + 1
def numbers(n):
    for i in range(n):
        yield plain(i)
class Old:
    def __init__(self, n):
        self.n = n
    def __len__(self):
        return plain(self.n)
def raising(n):
    if n == 0:
        raise ValueError
    raising(n - 1)
def caught():
    try:
        yield 1
    except ValueError:
        plain(2)
    yield 3
def run():
    for n in range(5):
        list(numbers(n))
        len(Old(n))
        sorted([3, 1, 2], key=plain)
        try:
            raising(n)
        except ValueError:
            plain(n)
        part = caught()
        next(part)
        part.throw(ValueError())
        part.close()
def profile(frame, event, argument):
    if event in ("call", "return") and frame.f_code.co_filename == __file__:
        events.append((event == "call" and "CALL" or "RTN ", frame.f_lineno, frame.f_code.co_name))
if len(sys.argv) > 1:
    events = []
    sys.setprofile(profile)
    run()
    sys.setprofile(None)
    depth = 0
    for kind, line, name in events:
        depth -= kind == "RTN "
        print("%s %s %s %s" % (kind.strip(), depth, line, name))
        depth += kind == "CALL"
else:
    run()
"""


def test_equals_setprofile_2_7(tool):
    """What 2.7 can be asked of the same."""
    found = build_of("2.7")
    if found is None:
        pytest.skip("no 2.7 on this machine")
    path = script(tool, KINDS_2_7)
    wanted = [tuple(line.split(" ")) for line in tool.run_native(found.path, path, "profile").stdout.splitlines()]
    ours = list(lines(run_calls(tool, found.path, path).trace, "program.py"))
    start = next(i for i, event in enumerate(ours) if event[4] == "run")
    assert [(kind, str(depth - ours[start][2]), str(line), function) for _, kind, depth, line, function in ours[start:]
            if function != "<module>"] == wanted
    assert len(wanted) > 100


THREADS = """\
import threading, sys
sys.setswitchinterval(1e-6)
def leaf(n):
    return n + 1
def numbers(n):
    for i in range(n):
        yield leaf(i)
def work(n):
    return sum(numbers(100))
threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("row", ["3.8", "3.9-debug", "3.11", "3.12", "3.13", "3.13-debug", "3.14", "3.15"])
def test_threads_have_depths_of_their_own(tool, row):
    """Three threads at once: in each, every function is called as often as it should be, at its own depth."""
    found = build_of(row)
    if found is None:
        pytest.skip(f"no {row} on this machine")
    run = run_calls(tool, found.path, script(tool, THREADS))
    for thread in (2, 3, 4):
        events = [event for event in lines(run.trace, "program.py") if event[0] == thread]
        (outer,) = [depth for _, kind, depth, _, function in events if (kind, function) == ("CALL", "work")]
        for kind in ("CALL", "RTN"):
            assert [(depth - outer, function) for _, k, depth, _, function in events if k == kind and function == "leaf"] \
                == [(2, "leaf")] * 100
            assert sum(k == kind and function == "numbers" for _, k, _, _, function in events) == 101
        depth = outer
        for _, kind, at, _, _ in events:
            depth -= kind == "RTN"
            assert at == depth
            depth += kind == "CALL"


@pytest.mark.parametrize("row", ["3.8", "3.11", "3.13", "3.14", "3.15"])
def test_calls_stand_round_allocations(tool, row):
    """What a function allocates stands between its CALL and its RTN."""
    found = build_of(row)
    if found is None:
        pytest.skip(f"no {row} on this machine")
    run = run_calls(tool, found.path, script(tool, "def make():\n    return bytearray(54321)\nkept = make()\n"),
                    options=["--trace=malloc"])
    between = run.trace[run.trace.index(" -> make\n"):run.trace.index(" <- make\n")]
    # From 3.15 on the memory of a bytearray is a bytes object, with a head of 32 bytes.
    request = r" (?:malloc\(|realloc\(0x0, )%d\) pntr 0x" % (54354 if row == "3.15" else 54322)
    assert re.search(" -> make" + request, between)
    assert not re.search(request, run.trace.replace(between, ""))


IMPORTS = """\
import _queue
import json
def outside():
    return json.dumps([1])
outside()
outside()
"""


@pytest.mark.parametrize("row", ["3.8", "3.9", "3.9-debug", "3.11", "3.11-debug", "3.12", "3.13", "3.13-debug", "3.14", "3.14-debug", "3.15"])
def test_depths_of_a_whole_run(tool, row):
    """From the first line to the last, through imports, a CALL is one deeper than what it is called by, and each RTN is that of
    the innermost CALL."""
    found = build_of(row)
    if found is None:
        pytest.skip(f"no {row} on this machine")
    run = run_calls(tool, found.path, script(tool, IMPORTS))
    stack = None
    for line in run.trace.splitlines():
        event = LINE.match(line)
        if event is None:
            continue
        depth, function = len(event[5]) // 2, event[7]
        if event[4] == "CALL":
            if stack is None:
                stack = [None] * depth
            assert depth == len(stack), line
            stack.append(function)
        elif stack is not None:
            assert depth == len(stack) - 1 and stack.pop() in (None, function), line
    assert [(kind, function) for _, kind, _, _, function in lines(run.trace, "program.py")] == [
        ("CALL", "<module>"), ("CALL", "outside"), ("RTN", "outside"), ("CALL", "outside"), ("RTN", "outside"),
        ("RTN", "<module>")]


SUBINTERPRETERS = """\
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    import _interpreters as interpreters
def inside():
    pass
def outside():
    number = interpreters.create()
    run = getattr(interpreters, "run_string", None) or interpreters.exec
    run(number, "def guest():\\n    return [1]\\nguest()\\n")
    interpreters.destroy(number)
    inside()
outside()
"""


@pytest.mark.parametrize("row", ["3.9", "3.11", "3.12", "3.13", "3.14", "3.15"])
def test_interpreters_have_depths_of_their_own(tool, row):
    """What runs in another interpreter of the same thread begins at depth 0, and the first one goes on where it was."""
    found = build_of(row)
    if found is None:
        pytest.skip(f"no {row} on this machine")
    run = run_calls(tool, found.path, script(tool, SUBINTERPRETERS))
    events = [(kind, depth, function) for _, kind, depth, _, function in lines(run.trace, "program.py")]
    (_, outer, _), = [event for event in events if event[0] == "CALL" and event[2] == "outside"]
    assert events[-5:] == [("CALL", outer, "outside"), ("CALL", outer + 1, "inside"), ("RTN", outer + 1, "inside"),
                           ("RTN", outer, "outside"), ("RTN", outer - 1, "<module>")]
    inner = [(kind, depth) for name in ("<string>", "<script>")     # <script>: 3.14
             for _, kind, depth, _, function in lines(run.trace, name) if function == "guest"]
    assert inner == [("CALL", 1), ("RTN", 1)]


@pytest.mark.parametrize("row", ["3.11", "3.13", "3.14"])
def test_greenlets(tool, row):
    """Where a thread changes to another stack, each function is called and returns at its depth in that stack: as
    sys.setprofile tells, with the depth that f_back gives."""
    found = build_of(row)
    if found is None:
        pytest.skip(f"no {row} on this machine")
    if tool.run_native(found.path, "-c", "import greenlet", check=False).returncode != 0:
        pytest.skip(f"no greenlet for {found.path}")
    wanted = [tuple(line.split(" ")) for line in tool.run_native(found.path, GREENLETS, "profile").stdout.splitlines()]
    run = run_calls(tool, found.path, GREENLETS)
    ours = [(kind, str(depth), str(line), function) for _, kind, depth, line, function in lines(run.trace, GREENLETS.name)]
    start = next(i for i, event in enumerate(ours) if event[3] == "run")
    end = max(i for i, event in enumerate(ours) if event[3] == "run")
    assert ours[start:end + 1] == wanted
    assert len(wanted) > 300


def test_columns(tool, release_python):
    """As py_flow_malloc_free.d prints them with PYTHON_CALL_STACK."""
    run = run_calls(tool, release_python.path, script(tool, "def f():\n    pass\ndef g():\n    f()\ng()\n"))
    depth = re.search(r"^ *\d+       program\.py:\d+ * CALL ( *)-> <module>$", run.trace, re.M) is not None
    assert depth
    assert re.search(rf"^ *{run.pid}       program\.py:3    CALL  *-> g\n"
                     rf" *{run.pid}       program\.py:1    CALL  *-> f\n"
                     rf" *{run.pid}       program\.py:2    RTN   *<- f\n"
                     rf" *{run.pid}       program\.py:4    RTN   *<- g$", run.trace, re.M)


FILTERED = """\
import threading
def inner(n):
    return n
def numbers():
    for n in range(3):
        yield inner(n)
def wanted():
    return list(numbers())
def other():
    return inner(1), wanted(), inner(2)
for _ in range(4):
    other()
    wanted()
thread = threading.Thread(target=other)
thread.start()
thread.join()
"""


def below(events, name):
    """The calls of a function and what happens in them, to their returns."""
    inside = {}                         # thread -> depth of the function's call
    for event in events:
        thread, kind, depth, _, function = event
        if function == name:
            inside.setdefault(thread, depth)
        if thread in inside:
            yield event
        if kind == "RTN" and inside.get(thread) == depth:
            del inside[thread]


@pytest.mark.parametrize("option, expected", [
    ("--trace-function-filter=wanted", lambda events: below(events, "wanted")),
    ("--trace-thread-filter=2", lambda events: (event for event in events if event[0] == 2)),
    ("--trace-file-filter=program.py", lambda events: events),
    ("--trace-file-filter=no_such.py", lambda events: ()),
], ids=["function", "thread", "file", "nothing"])
def test_filters(tool, release_python, option, expected):
    """A filtered log has the lines of the whole one, in its depths, of the function and what it called."""
    path = script(tool, FILTERED)
    whole = list(lines(run_calls(tool, release_python.path, "-S", path).trace, path.name))
    trace = run_calls(tool, release_python.path, "-S", path, options=[option]).trace
    assert list(lines(trace, path.name)) == list(expected(whole))
    assert len(whole) > 150 and (" CALL " in trace) == (option != "--trace-file-filter=no_such.py")
