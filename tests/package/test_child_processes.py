# SPDX-License-Identifier: GPL-2.0-or-later
"""Which profiles belong to processes that ended, and were started by this one or by its children."""
import os

import pytest

import pack
from pymemcheck.child_processes import VARIABLE, ChildProcesses

OWN = os.getpid()


def leave(folder, pid, ppid, end="exit", name="pymemcheck.out.%d"):
    data = pack.sample()
    data["run"].update(pid=pid, ppid=ppid, end=end)
    return pack.write(folder, data, name % pid)


def pids(children):
    return sorted(child.pid for child in children.ended())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    return tmp_path


def test_children_and_their_children(folder):
    """A file is told once; those of strangers, and what is no profile, are left out."""
    leave(folder, 11, OWN)
    children = ChildProcesses(folder)
    assert pids(children) == []
    leave(folder, 20, 31)           # ended before 31 did
    leave(folder, 31, OWN)
    leave(folder, 40, 39)
    leave(folder, OWN, 1)
    leave(folder, 50, OWN, name="pymemcheck.out.%d.old")
    (folder / "pymemcheck.out.60").write_text("{")
    assert pids(children) == [20, 31]
    assert pids(children) == []
    leave(folder, 70, 31)           # its parent was told before
    assert [(child.pid, child.command, len(child.leaks)) for child in children.ended()] == [
        (70, ["python3.11-dbg", "job.py"], len(pack.sample()["leaks"]["records"]))]


def test_process_that_goes_on(folder):
    """A profile of a snapshot is not told; the one at the end is, also under a number that was used before."""
    children = ChildProcesses(folder)
    leave(folder, 11, OWN, end="running")
    assert pids(children) == []
    for end in ("exit", "signal"):
        os.utime(str(leave(folder, 11, OWN, end)), (1, len(end)))
        assert pids(children) == [11]


def test_forgotten(folder):
    children = ChildProcesses(folder)
    leave(folder, 11, OWN)
    children.forget()
    leave(folder, 12, OWN)
    assert pids(children) == [12]


def test_place_in_the_environment(folder, monkeypatch):
    (folder / "out").mkdir()
    monkeypatch.setenv(VARIABLE, str(folder / "out" / "run.%p.json"))
    children = ChildProcesses(folder)
    leave(folder, 11, OWN)
    leave(folder / "out", 12, OWN, name="run.%d.json")
    assert pids(children) == [12]


@pytest.mark.parametrize("name", ["profile", "no/such/folder/%p"])
def test_no_place(folder, monkeypatch, name):
    """One file for all processes, or none: nothing can be told."""
    monkeypatch.setenv(VARIABLE, str(folder / name))
    children = ChildProcesses(folder)
    pack.write(folder, pack.sample(), "profile")
    assert pids(children) == []
