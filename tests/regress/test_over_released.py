# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects with fewer references than owners: an extension returned a borrowed reference as if it were a new one."""
import re
import signal
import xml.etree.ElementTree

import pytest

import pmtest

FOLDER = pmtest.PROGRAMS / "over_released"
PROGRAM = FOLDER / "over_released.py"
RELEASED = 4        # of each object
NONE_RELEASED = 1500
UNCOUNTED = 100     # at most so many owners of None are not certain, besides 2.7's cache of attributes


@pytest.fixture
def python(any_python):
    any_python.compile_extensions(FOLDER / "pm_over_release.c")
    return any_python


def deficits(losses):
    return [loss for loss in losses if loss.kind == "deficit"]


def test_objects(tool, python):
    """Each owner counts, and nothing else is reported: neither before finalization nor after, when the program has
    taken the references again. The collector of a debug build aborts in finalization: it sees the objects, too."""
    run = tool.run(python.path, "-S", PROGRAM, env=python.env, check=not python.debug,
                   options=["--leak-scan=both", "--histogram=none"])
    found = {loss.python[0].line: (loss.types, loss.blocks, loss.json["missing_references"])
             for loss in deficits(run.profile.losses_before)}
    assert found == {
        pmtest.line_of(PROGRAM, "# items"): ([("__main__.Config", 4)], 4, 4 * RELEASED),
        pmtest.line_of(PROGRAM, "# others"): ([("__main__.Config", 5)], 5, 5 * RELEASED),
    }
    if python.debug:
        assert run.returncode in (0, -signal.SIGABRT)
    else:
        assert not deficits(run.profile.losses)
    assert run.profile.json["leaks_before"]["summary"]["deficit"][1] == 9
    assert f"at least {4 * RELEASED} references too few to 4 objects" in run.log


def test_none(tool, python):
    """None is an object in static memory, and has a count up to 3.11. 2.7 clears its cache of attributes before the
    modules, and aborts then, as the count of None reaches zero."""
    run = tool.run(python.path, "-S", PROGRAM, "none", env=python.env,
                   check=not python.debug and python.version >= (3,),
                   options=["--leak-scan=before", "--histogram=none"])
    found = [loss for loss in deficits(run.profile.losses_before) if loss.json["stack"] == 0]
    if python.version >= (3, 12):
        assert not found
        return
    loss, = found
    missing = loss.json["missing_references"]
    assert loss.types == [("NoneType", missing)] and (loss.blocks, loss.bytes) == (missing, 0)
    cached = 1024 if python.version < (3,) else 0
    assert NONE_RELEASED - UNCOUNTED - cached < missing <= NONE_RELEASED
    assert f"at least {missing:,} references too few to one object in static memory" in run.log


def test_kind_in_xml_and_suppressions(tool, release_python):
    release_python.compile_extensions(FOLDER / "pm_over_release.c")
    entry = tool.new_directory() / "entry.supp"
    entry.write_text("{\n borrowed\n pymemcheck:Leak\n match-leak-kinds: deficit\n pytype:Config\n}\n")
    options = ["--leak-scan=before", "--histogram=none"]
    run = tool.run(release_python.path, "-S", PROGRAM, env=release_python.env, options=[*options, "--error-exitcode=7"],
                   check=False)
    assert run.returncode == 7
    run = tool.run(release_python.path, "-S", PROGRAM, env=release_python.env,
                   options=[*options, f"--suppressions={entry}", "--error-exitcode=7"])
    assert all(loss.suppressed for loss in deficits(run.profile.losses_before))
    path = tool.new_directory() / "log.xml"
    tool.run(release_python.path, "-S", PROGRAM, "none", env=release_python.env,
             options=[*options, "--xml=yes", f"--xml-file={path}"])
    errors = [error for error in xml.etree.ElementTree.parse(path).getroot().iter("error")
              if error.findtext("kind") == "Leak_OverReleased"]
    # None is immortal from 3.12 on.
    assert len(errors) == (3 if release_python.version < (3, 12) else 2)
    assert re.search(r"references too few to 4 objects", " ".join(error.findtext("xwhat/text") for error in errors))


def test_reason(tool, release_python):
    release_python.compile_extensions(FOLDER / "pm_over_release.c")
    run = tool.run(release_python.path, "-S", PROGRAM, env=release_python.env,
                   options=["--leak-scan=before", "--histogram=none", "--show-leak-blocks=1"])
    assert "__main__.Config: its count is 8, and 12 items or attributes own it" in run.log


DANGLING = """
import gc, os, pm_over_release

def drop(value):
    pm_over_release.first(value)

gc.disable()
SIZE = 1000
NAMES = [bytearray(SIZE)]       # allocated
drop(NAMES)                     # freed
os._exit(0)
"""


def test_freed_item(tool, python):
    """The only reference to an item is given back: the item is freed, and the list still has it."""
    path = tool.new_directory() / "job.py"
    path.write_text(DANGLING)
    run = tool.run(python.path, "-S", path, env=python.env,
                   options=["--histogram=none", "--keep-stacktraces=alloc-and-free"])
    loss, = deficits(run.profile.losses)
    assert (loss.types, loss.blocks, loss.json["dangling_words"]) == ([("list", 1)], 1, 1)
    line = pmtest.line_of(path, "# allocated")
    assert loss.python[0].line == line
    assert re.search(rf"len 1, \[0\] points to freed memory, a block of \d+ bytes allocated at \S+/job.py:{line}"
                     r" and freed at \S+/job.py:\d+$", loss.note)
    assert "1 pointer to freed memory in 1 object that is still reachable" in run.log
    plain, = deficits(tool.run(python.path, "-S", path, env=python.env, options=["--histogram=none"]).profile.losses)
    assert plain.note == loss.note.partition(" and freed at")[0]
