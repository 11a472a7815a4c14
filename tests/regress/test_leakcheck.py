# SPDX-License-Identifier: GPL-2.0-or-later
"""When leaks are searched for, and from where: at exit, on request, after fork and before exec, with
the stacks of threads that run and that ended."""
import re
import shutil
import signal
import subprocess
import time

import pytest

import pmtest
from pmtest import PROGRAMS

LEAK = """\
import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
libc.malloc.restype = None
def leak(bytes_):
    libc.malloc(bytes_)         # the address is dropped
"""
QUIET = ["--histogram=none"]


def compiled(tool, name, *flags):
    return pmtest.compile_program(tool.new_directory() / name, PROGRAMS / (name + ".c"), "-O0", *flags)


def script(tool, text):
    path = tool.new_directory() / "script.py"
    path.write_text(LEAK + text)
    return path


def summary(profile, moment="leaks"):
    return {kind: tuple(sums) for kind, sums in profile.json[moment]["summary"].items()}


def lost_at(profile, path, text, moment="leaks"):
    """Bytes that are definitely lost and were allocated at the line of path with text, or below it."""
    line = pmtest.line_of(path, text)
    found = 0
    for record in profile.json[moment]["records"]:
        if record["kind"] != "definite":
            continue
        strings, frames, stacks = (profile.json[key] for key in ("strings", "frames", "stacks"))
        node = record["stack"]
        while node:
            frame = frames[stacks["frame"][node]]
            if frame["kind"] == "python" and strings[frame["file"]] == str(path) and frame["line"] == line:
                found += record["bytes"]
                break
            node -= stacks["back"][node]
    return found


def test_chains_are_python_expressions(tool, python):
    """What keeps an object alive, as one would write it in Python, from its module on, as far as Python has words."""
    path = PROGRAMS / "kept.py"
    run = tool.run(python.path, "-S", path, options=[
        "--histogram=none", "--histogram-top=0", "--leak-scan=before", "--show-leak-kinds=reachable",
        "--errors-for-leak-kinds=none", f"--only-file={path.name}"])
    kept = {}
    for record in run.profile.losses_before:
        for name, _ in record.types:
            if record.python and record.python[0].function.startswith("fill_") and name in ("bytearray", "bytes"):
                kept[record.python[0].function] = record.expression
    assert kept == {
        "fill_dict": "__main__.app.sessions[0].data['k0']",
        "fill_list": "__main__.App.registry[0]",
        "fill_set": "__main__.bag",
        "fill_slot": "__main__.slotted.items",
        "fill_key": "__main__.app.by_key",
        "fill_deque": "__main__.q",
        # The interpreter itself points to these two dicts.
        "fill_sys": "sys.filled",
        "fill_builtins": "builtins.filled",
    }
    assert re.search(r"kept alive by __main__\.app\.sessions\[0\]\.data\['k0'\]( \(1 of 2 blocks\))?\n"
                     r"==\d+==    allocated", run.log), run.log
    assert re.search(r"kept alive by __main__\.bag\n==\d+==      -> set len 1 element\n", run.log), run.log


def test_garbage_that_callbacks_made(tool, release_python):
    """The interpreter's last collection calls a weak reference's callback, which lets go of a cycle. The next collection
    would free it, so it is no leak. A cycle with a surplus reference is."""
    path = tool.new_directory() / "callback.py"
    path.write_text("import ctypes, weakref\n"
                    "class Owner: pass\n"
                    "class Ring: pass\n"
                    "KEPT, NAMES = {}, []\n"
                    "def forget(_):\n"
                    "    NAMES.append('x' * len(KEPT) * 1000)\n"
                    "    KEPT.clear()\n"
                    "def ring():\n"
                    "    made = Ring()\n"
                    "    made.itself = made\n"
                    "    return made\n"
                    "def make():\n"
                    "    owner = Owner()\n"
                    "    owner.itself = owner\n"
                    "    KEPT['a'] = ring()\n"
                    "    KEPT['b'] = surplus = ring()\n"
                    "    ctypes.pythonapi.Py_IncRef(ctypes.py_object(surplus))\n"
                    "    return weakref.ref(owner, forget)\n"
                    "REFERENCE = make()\n")
    run = tool.run(release_python.path, path, options=QUIET + ["--leak-scan=before"])
    found = [(record.kind, record.blocks) for record in run.profile.losses_before
             if any(name == "__main__.Ring" for name, _ in record.types) and record.kind != "interpreter"]
    assert found == [("definite", 1)]
    assert any(name == "__main__.Ring" for record in run.profile.losses_before if record.kind == "interpreter"
               for name, _ in record.types)


def test_tree_of_the_environment(tool, release_python):
    """The C library's tree of variables that were set is no leak."""
    run = tool.run(release_python.path, "-S", "-c", "import os\n"
                   "for i in range(20): os.environ['PM_TEST_%d' % i] = 'x' * i", options=["--leak-scan=both"])
    for records in (run.profile.losses_before, run.profile.losses):
        assert [record for record in records if record.kind == "possible" and not record.suppressed] == []


def test_records_of_reachable_blocks_are_limited(tool, release_python):
    """--show-leak-kinds=reachable shows the largest records and counts the rest. Leaks are shown whole, and so is the
    JSON file."""
    path = script(tool, "".join(f"def leak_{n}(): libc.malloc(1000)\nleak_{n}()\n" for n in range(5)))
    options = ["--leak-scan=before", "--show-leak-kinds=definite,reachable", "--errors-for-leak-kinds=none"]
    run = tool.run(release_python.path, "-S", path, options=options, short=True)
    more = re.search(r"\.\.\. and ([\d,]+) more records of blocks that are still reachable", run.log)
    kinds = [record.kind for record in run.profile.losses_before]
    assert run.log.count("are still reachable in loss record") == 3
    assert int(more[1].replace(",", "")) == kinds.count("reachable") - 3 > 100
    assert run.log.count("are definitely lost in loss record") == kinds.count("definite") == 5
    run = tool.run(release_python.path, "-S", path, options=options + ["--histogram-top=0"])
    assert run.log.count("still reachable in loss record") == kinds.count("reachable")
    assert "more records of blocks" not in run.log


def test_counts_of_lost_objects_are_shown(tool, release_python):
    """A reference that nobody gives back: before finalization it is a surplus reference; at exit the object is lost,
    and the record says that its count was too high."""
    path = tool.new_directory() / "counts.py"
    path.write_text("import ctypes\n"
                    "class Config: pass\n"
                    "CONFIG = Config()\n"
                    "for _ in range(12): ctypes.pythonapi.Py_IncRef(ctypes.py_object(CONFIG))\n")
    run = tool.run(release_python.path, path, options=QUIET + ["--leak-scan=both"])
    before, after = (run.log[run.log.index(start):] for start in ("Leaks before", "Leaks at exit"))
    assert re.search(r"12 surplus references to 1 object .*\n==\d+==    1 x __main__\.Config, refcount 13 with 1 pointer to it\n", before), before
    assert re.search(r"definitely lost .*\n==\d+==    1 x __main__\.Config, refcount 12 with 0 pointers to it\n", after), after
    conclusion = run.log[run.log.index("CONCLUSION:"):]
    assert "12 surplus references to 1 object: counts.py:3 (<module>)" in conclusion


def test_fingerprints_are_those_of_other_builds(tool):
    """A leak has the same fingerprint in each build of Python: neither the tag of _ctypes.so nor what compilers append to
    names of functions is part of it."""
    path = script(tool, "leak(1000)\n")
    found = {}
    for name, python in pmtest.find_interpreters().items():
        if python is not None:
            run = tool.run(python, "-S", path, options=QUIET)
            found[name], = [record.json["fingerprint"] for record in run.profile.losses
                            if record.kind == "definite" and record.bytes == 1000]
    assert len(found) >= 2 and len(set(found.values())) == 1, found
    assert all(re.fullmatch("[0-9a-f]{16}", fingerprint) for fingerprint in found.values())


def test_on_request(tool):
    """Memcheck's client requests give Memcheck's numbers."""
    program = compiled(tool, "requests")
    ours = tool.run(program, options=QUIET)
    memcheck = tool.run(program, tool="memcheck")
    assert ours.stdout == memcheck.stdout == "500 0 30 0\n5 0 3 0\n"
    assert ours.log.count("Leaks at this moment:") == 2
    assert ours.log.count("500 bytes in 5 blocks are definitely lost in loss record") == 2, "moment and exit, not quick"


@pytest.mark.skipif(shutil.which("vgdb") is None, reason="no vgdb on this machine")
def test_by_vgdb(tool, release_python):
    """A person asks a program that runs."""
    path = script(tool, "leak(4321)\nprint('ready', flush=True)\nsys.stdin.read()\n")
    folder = tool.new_directory()
    command = [str(tool.starter), f"--log-file={folder}/log", f"--pymemcheck-out-file={folder}/out",
               f"--vgdb-prefix={folder}/vgdb", *QUIET, release_python.path, "-S", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        answer = subprocess.run(["vgdb", f"--vgdb-prefix={folder}/vgdb", f"--pid={process.pid}", "leak_check", "full"],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=True)
        process.communicate(timeout=120)
    assert "4,321 bytes in 1 blocks are definitely lost" in answer.stdout
    assert "LEAK SUMMARY:" in answer.stdout


def test_child_reports_its_own(tool, release_python):
    """What a fork child inherited is not its leak."""
    path = script(tool, """\
leak(5001)                      # parent
sys.stdout.flush()
if os.fork() == 0:
    leak(5002)                  # child
    os._exit(0)
os.wait()
""")
    run = tool.run(release_python.path, "-S", path, options=QUIET)
    child = next(profile for pid, profile in run.profiles.items() if pid != run.pid)
    assert lost_at(run.profile, path, "# parent") == 5001
    assert lost_at(run.profile, path, "# child") == 0
    assert lost_at(child, path, "# parent") == 0
    assert lost_at(child, path, "# child") == 5002


@pytest.mark.parametrize("end, status", [("os._exit(3)", 3), ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
                                         ("os.execv('/bin/true', ['true'])", 0)], ids=["exit", "signal", "exec"])
def test_without_finalization(tool, release_python, end, status):
    path = script(tool, f"leak(6001)    # here\n{end}\n")
    run = tool.run(release_python.path, "-S", path, options=QUIET, check=False)
    assert run.returncode == status
    assert lost_at(run.profile, path, "# here") == 6001


def test_before_and_after_finalization(tool, release_python):
    """A module's own memory is there before, not after."""
    path = script(tool, "leak(7001)     # here\nkept = [bytes(1000) for _ in range(100)]\n")
    run = tool.run(release_python.path, "-S", path, options=[*QUIET, "--leak-scan=both"])
    for moment in ("leaks", "leaks_before"):
        assert lost_at(run.profile, path, "# here", moment) == 7001
    before, after = (sum(size for size, _ in summary(run.profile, moment).values()) for moment in ("leaks_before", "leaks"))
    assert before > after + 100_000
    only = tool.run(release_python.path, "-S", path, options=[*QUIET, "--leak-scan=before"])
    assert only.profile.json["leaks"] is None and only.profile.json["leaks_before"] is not None


def test_no_search(tool, release_python):
    run = tool.run(release_python.path, "-S", "-c", "pass", options=[*QUIET, "--leak-check=no", "--leak-scan=both"])
    assert run.profile.json["leaks"] is None and run.profile.json["leaks_before"] is None
    assert "LEAK SUMMARY" not in run.log


def test_summary_alone(tool):
    run = tool.run(compiled(tool, "requests"), options=[*QUIET, "--leak-check=summary"])
    assert "LEAK SUMMARY" in run.log
    assert run.log.count("are definitely lost in loss record") == 1, "the program's own request only"


def test_while_an_exception_is_raised(tool, release_python):
    """A record says whether its blocks were allocated on an error's path."""
    folder = tool.new_directory()
    pmtest.compile_program(folder / ("raising" + release_python.suffix), PROGRAMS / "raising.c",
                           "-shared", "-fPIC", "-Wno-missing-field-initializers", f"-I{release_python.include}")
    path = folder / "script.py"
    path.write_text("import raising\nfor i in range(3):\n    try:\n        raising.fails()\n"
                    "    except ValueError:\n        raising.succeeds()\n")
    run = tool.run(release_python.path, "-S", path, options=QUIET)
    found = {record["bytes"]: (record["blocks"], record["raising_blocks"])
             for record in run.profile.json["leaks"]["records"] if record["kind"] == "definite"}
    assert found == {3 * 5005: (3, 3), 3 * 6006: (3, 0)}
    assert "while the program ran, with an exception raised" in run.log


def test_stacks_of_threads(tool):
    """A thread that runs keeps what its stack points to, one that ended does not."""
    run = tool.run(compiled(tool, "ended", "-pthread"), options=QUIET)
    found = summary(run.profile)
    assert found["definite"] == (1000, 1)
    assert found["reachable"][0] >= 2000
    assert not any(record["bytes"] == 2000 for record in run.profile.json["leaks"]["records"])


def test_what_only_memcheck_sees(tool):
    """The example of docs/leaks.md: dead words in a live frame. Memcheck knows that they were not written."""
    program = compiled(tool, "stale")
    memcheck = tool.run(program, tool="memcheck", options=["--leak-check=full"]).log
    assert re.search(r"definitely lost: 1,000 bytes in 1 blocks", memcheck)
    assert summary(tool.run(program, options=QUIET).profile)["reachable"] == (1000, 1)


@pytest.mark.parametrize("option", ["--leak-check=maybe", "--leak-scan=now", "--leak-resolution=some",
                                    "--leak-check-heuristics=guess", "--python-objects=2"])
def test_bad_options(tool, option):
    run = tool.run("/bin/true", options=[option], check=False)
    assert run.returncode == 1
    assert option in run.stderr


ORDERS = """import ctypes
take = ctypes.pythonapi.Py_IncRef
take.argtypes = [ctypes.py_object]
class Order:
    def __init__(self, number):
        self.number = [number]
CACHE = {}
for number in range(200):
    CACHE[number] = Order(number)       # orders
    if number % 10 == 0:
        take(CACHE[number])
PARTS = [[float(number)] for number in range(50)]
for part in PARTS[::5]:
    take(part)
"""


def test_lost_objects_with_surplus_references(tool, release_python):
    """A lost instance leads to its class, the class to its module, and that to the other lost objects: each of them is a leak
    all the same."""
    script = tool.new_directory() / "orders.py"
    script.write_text(ORDERS)
    run = tool.run(release_python.path, "-S", script)
    found = sorted((loss.types, loss.blocks, loss.json["overcounted_blocks"]) for loss in run.profile.losses
                   if loss.kind in ("definite", "surplus", "cycle", "possible") and not loss.suppressed)
    assert found == [([("__main__.Order", 20)], 20, 20), ([("list", 10)], 10, 10)]
