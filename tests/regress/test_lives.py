# SPDX-License-Identifier: GPL-2.0-or-later
"""The lives of interpreters: the collection in Py_FinalizeEx, before which nothing in a cycle is lost for certain; several
interpreters, after each other and beside each other; and fork."""
import pytest

import pmtest
import pythons
from pmtest import PROGRAMS
from test_interpreters import SHARED, Library

BEFORE = ["--histogram=none", "--leak-scan=before"]
BOTH = ["--histogram=none", "--leak-scan=both"]
REPORTED = {"definite", "cycle", "surplus", "possible"}

PYTHONS = [pytest.param(python, id=python.row) for python in pythons.PYTHONS]

CYCLES = """\
import gc, sys, threading, time, atexit
import ctypes

class Node(ctypes.Structure):
    _fields_ = [("held", ctypes.py_object)]

def make(count):
    for _ in range(count):
        node = Node()
        node.held = [node]
"""


def write(tool, text, start=""):
    path = tool.new_directory() / "script.py"
    path.write_text(start + text)
    return path


def losses_at(profile, path, text, before=True):
    """The records of path's line with text, or of lines that it called."""
    line = pmtest.line_of(path, text)
    losses = profile.losses_before if before else profile.losses
    return [loss for loss in losses if any(frame.file == str(path) and frame.line == line for frame in loss.python)]


def reported(losses):
    return [loss for loss in losses if loss.kind in REPORTED]


@pytest.mark.parametrize("python", PYTHONS)
def test_collectable_garbage_is_collected_first(tool, python):
    """Cycles of an extension's type, which the collector frees whenever it comes to them."""
    path = write(tool, "make(3)\n", CYCLES)
    run = tool.run(python.path, "-S", path, options=BEFORE)
    assert reported(losses_at(run.profile, path, "make(3)")) == []
    assert "__main__.Node" not in run.log
    assert run.log.count("Leaks before the interpreter's finalization:") == 1


@pytest.mark.parametrize("end", ["gc.disable()", "threading.Thread(target=time.sleep, args=(99,), daemon=True).start()",
                                 "import os; atexit.register(os._exit, 0)"],
                         ids=["disabled", "daemon", "exit"])
def test_garbage_that_waits(tool, release_python, end):
    """Where no collection comes before the search, garbage waits for it: it is no leak."""
    path = write(tool, f"gc.disable()\nmake(3)\ngc.enable()\n{end}\n", CYCLES)
    run = tool.run(release_python.path, "-S", path, options=BEFORE)
    found = losses_at(run.profile, path, "make(3)")
    assert {loss.kind for loss in found} == {"interpreter"} and sum(loss.blocks for loss in found) >= 9
    assert run.log.count("Leaks before the interpreter's finalization:") == 1


def test_garbage_that_the_collection_makes(tool, release_python):
    """A finalizer that the collector calls leaves cycles for the next collection. (test_leaks has what no collection can
    free.)"""
    path = write(tool, """\
class Late:
    def __del__(self):
        make(2)                 # late
gc.disable()
late = Late()
late.self = late
del late
gc.enable()
""", CYCLES)
    run = tool.run(release_python.path, "-S", path, options=BEFORE)
    found = losses_at(run.profile, path, "# late")
    assert {loss.kind for loss in found} == {"interpreter"} and sum(loss.blocks for loss in found) >= 4


def test_threads_and_atexit_come_first(tool, release_python):
    """What a function of atexit frees is not lost, and what a daemon thread's frame holds is not, either."""
    path = write(tool, """\
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
hidden = [libc.malloc(4321) ^ 0xffff]           # hidden
atexit.register(lambda: libc.free(hidden[0] ^ 0xffff))

def wait():
    mine = [object() for _ in range(5)]         # mine
    time.sleep(99)
    del mine
if len(sys.argv) > 1:
    threading.Thread(target=wait, daemon=True).start()
    time.sleep(0.5)
""", CYCLES)
    for arguments in ([], ["daemon"]):
        run = tool.run(release_python.path, "-S", path, *arguments, options=BEFORE)
        assert reported(losses_at(run.profile, path, "# hidden")) == []
        assert reported(losses_at(run.profile, path, "# mine")) == []


def has_subinterpreters(python):
    return python.version == "3.12" and not python.debug


@pytest.mark.parametrize("python", pythons.each_that(has_subinterpreters, "release build of 3.12"))
def test_what_grows_with_each_subinterpreter(tool, python):
    """3.12.0 and 3.12.1 forget the strings that a destroyed interpreter interned. Those of the first one, which lives as long
    as the process, are its own."""
    path = write(tool, """\
import sys
import _xxsubinterpreters
if sys.version_info >= (3, 12, 2):
    sys.exit("mended")
def one():
    interpreter = _xxsubinterpreters.create()       # one
    _xxsubinterpreters.destroy(interpreter)
for _ in range(int(sys.argv[1])):
    one()
""")
    blocks = {}
    for count in (0, 1, 3):
        run = tool.run(python.path, "-S", path, str(count), options=BOTH, check=False)
        if "mended" in run.stderr:
            pytest.skip("this release of 3.12 frees them")
        for before in (False, True):
            lost = [loss for loss in losses_at(run.profile, path, "# one", before) if loss.kind == "definite"]
            blocks[count, before] = sum(loss.blocks for loss in lost)
        others = [loss for loss in run.profile.losses if loss.kind == "interpreter"]
        assert sum(loss.blocks for loss in others) > 100
    assert blocks[0, False] == blocks[0, True] == 0
    assert blocks[1, False] > 100 and blocks[1, True] > 100
    assert blocks[3, False] == 3 * blocks[1, False]


LOSES = """\
import ctypes, sys
class Lost(object):
    pass
lost = Lost()                   # lost
ctypes.pythonapi.Py_IncRef(ctypes.py_object(lost))
ctypes.pythonapi.Py_IncRef(ctypes.py_object(lost))
kept = Lost()                   # kept
ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))
del lost
"""


@pytest.fixture
def embedded(tool):
    """Compiles the program that embeds an interpreter."""
    return lambda python: Library(pmtest.Interpreter(python.row, python.path, tool.new_directory())).compile(tool.new_directory())


@pytest.mark.parametrize("python", SHARED)
def test_each_life_is_its_own(tool, embedded, python):
    """Each of three interpreters, one after the other, is searched before its finalization, and has phases and types."""
    path = write(tool, LOSES)
    run = tool.run(embedded(python), "thrice", path, options=BOTH)
    before = losses_at(run.profile, path, "# lost")
    assert sum(loss.blocks for loss in before if loss.kind == "definite") == 3
    surplus = [loss for loss in losses_at(run.profile, path, "# kept") if loss.kind == "surplus"]
    assert sum(loss.surplus_references for loss in surplus) == 3
    for loss in (*before, *surplus):
        if loss.kind in REPORTED:
            assert [name for name, _ in loss.types] == ["__main__.Lost"]
            assert loss.json["finalization_blocks"] == 0
    after = [loss for loss in losses_at(run.profile, path, "# lost", before=False) if loss.kind == "definite"]
    assert sum(loss.blocks for loss in after) == 3
    assert {name for loss in after for name, _ in loss.types} == {"__main__.Lost"}
    assert sum(loss.json["finalization_blocks"] for loss in after) == 0


@pytest.mark.parametrize("python", SHARED[-1:])
def test_fork_after_finalization(tool, embedded, python):
    """The child does not repeat what its parent lost, before or after the parent finalized."""
    path = write(tool, LOSES)
    for options in (BOTH, BEFORE):
        run = tool.run(embedded(python), "forked", path, options=options)
        (child,) = [profile for pid, profile in run.profiles.items() if pid != run.pid]
        assert reported(losses_at(run.profile, path, "# lost"))
        assert child.json["leaks_before"] is None
        assert [(loss.kind, loss.bytes) for loss in reported(child.losses)] == [("definite", 4004)]


def test_stacks_of_vanished_threads(tool):
    """A fork child has only the thread that forked. What the stacks of the others hold is lost there."""
    program = pmtest.compile_program(tool.new_directory() / "vanished", PROGRAMS / "vanished.c", "-O0", "-pthread")
    # At exit the C library would unmap the stacks that it can use again.
    run = tool.run(program, options=["--histogram=none", "--run-libc-freeres=no"])
    (child,) = [profile for pid, profile in run.profiles.items() if pid != run.pid]
    assert [loss for loss in run.profile.losses if loss.kind == "definite"] == []
    assert [(loss.kind, loss.bytes) for loss in reported(child.losses)] == [("definite", 3003)]


def test_frames_of_vanished_threads(tool, python):
    """Nor what frames of their Python functions held, whose memory CPython does not unmap in the child."""
    path = PROGRAMS / "frames_of_vanished.py"
    run = tool.run(python.path, path, options=["--histogram=none"])
    (child,) = [profile for pid, profile in run.profiles.items() if pid != run.pid]
    losses, = [reported(losses_at(child, path, "# lost", before=False))]
    assert [(loss.kind, loss.types, loss.blocks) for loss in losses] == [("definite", [("list", 1)], 1)]


def test_fork_in_a_function_of_atexit(tool, release_python):
    """Each process has its own search before finalization, also where finalization has begun before the fork."""
    path = write(tool, """\
import os
libc = ctypes.CDLL(None)
libc.malloc.restype = None
def ends():
    libc.malloc(5005)           # both
    if os.fork() != 0:
        os.wait()
    libc.malloc(6006)           # each
atexit.register(ends)
""", CYCLES)
    run = tool.run(release_python.path, "-S", path, options=BOTH)
    (child,) = [profile for pid, profile in run.profiles.items() if pid != run.pid]
    for profile, both in ((run.profile, [5005]), (child, [])):
        for before in (False, True):
            assert [loss.bytes for loss in reported(losses_at(profile, path, "# both", before))] == both
            assert [loss.bytes for loss in reported(losses_at(profile, path, "# each", before))] == [6006]
