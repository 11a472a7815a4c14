# SPDX-License-Identifier: GPL-2.0-or-later
"""What is rare: many debug hooks, objects reused right after a fork."""
import pytest

from pmtest import PROGRAMS, compile_program


@pytest.mark.parametrize("hooks, padding", [(1, 24), (10, 240), (11, 248), (15, 248)])
def test_many_debug_hooks(tool, tmp_path, hooks, padding):
    """A block's padding has a most; what is beyond counts as asked for, and the sums agree at free."""
    program = compile_program(tmp_path / "hooks", PROGRAMS / "nested_hooks.c", "-O1")
    run = tool.run(program, hooks, check=False, options=["--num-callers=50"])
    assert run.returncode == 3, run
    (site,) = [site for site in run.profile.sites if site.has_native("work")]
    assert (site.total_blocks, site.live_blocks) == (100, 0)
    assert (site.padding_bytes, site.total_bytes) == (100 * padding, 100 * (1000 - padding))


AFTER_FORK = """\
import ctypes, os
incref = ctypes.pythonapi.Py_IncRef
incref.argtypes = [ctypes.py_object]
waiting = [[] for n in range(60)]
del waiting[:]                          # they wait in the interpreter's free list
def lose():
    incref([])
fork = ctypes.PyDLL(None).fork          # os.fork allocates before it returns
if fork() == 0:
    lose()
    os._exit(0)
os.wait()
os._exit(0)
"""


def test_reused_right_after_fork(tool, release_python):
    """The child's first object uses an inherited block again, before anything is allocated: it is the child's loss."""
    path = tool.new_directory() / "script.py"
    path.write_text(AFTER_FORK)
    run = tool.run(release_python.path, "-S", path)
    (child,) = [profile for pid, profile in run.profiles.items() if pid != run.pid]
    losses = [loss for loss in child.losses if any(line.function == "lose" for line in loss.python)]
    assert [(loss.kind, loss.blocks) for loss in losses] == [("definite", 1)], losses
