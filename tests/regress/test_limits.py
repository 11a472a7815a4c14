# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits of a process: the size of files, and address space."""
import re

import pytest

from pmtest import needs_core

TAKES_NO_MORE = re.compile(r"^==\d+== pymemcheck: error: the (log|XML) file takes no more \((File too large|No space left on "
                           r"device)\): the report in it is not whole\.$", re.M)
LIMITED = """\
import resource, sys
kept = [bytearray(1000 + n) for n in range(50)]
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
print("ran", flush=True)
sys.exit(3)
"""


@needs_core("write")
@pytest.mark.parametrize("limit", [0, 5000, 20000])
def test_limited_size_of_files(tool, release_python, limit):
    """The program ends as it would, and a line on standard error says that the log is not whole."""
    directory = tool.new_directory()
    path = directory / "script.py"
    path.write_text(LIMITED.format(limit=limit))
    run = tool.run(release_python.path, "-S", path, files=False, check=False,
                   options=[f"--log-file={directory}/log", f"--pymemcheck-out-file={directory}/out"])
    assert run.returncode == 3, run
    assert run.stdout == "ran\n"
    assert [found[1] for found in TAKES_NO_MORE.finditer(run.stderr)] == ["log"], run.stderr
    assert not list(directory.glob(".pymemcheck*"))


@needs_core("write")
@pytest.mark.parametrize("which", ["log", "XML"])
def test_full_disk(tool, release_python, which):
    option = ["--log-file=/dev/full"] if which == "log" else ["--xml=yes", "--xml-file=/dev/full"]
    run = tool.run(release_python.path, "-S", "-c", "import sys; sys.exit(3)", files=False, check=False,
                   options=[*option, "--pymemcheck-out-file=/dev/null"])
    assert run.returncode == 3
    assert [found[1] for found in TAKES_NO_MORE.finditer(run.stderr)] == [which], run.stderr


@needs_core("write")
def test_full_disk_of_a_child(tool, release_python):
    """A child of a fork says it of its own report."""
    run = tool.run(release_python.path, "-S", "-c", "import os; pid = os.fork(); pid and os.wait()", files=False,
                   options=["--log-file=/dev/full", "--pymemcheck-out-file=/dev/null"])
    assert len(TAKES_NO_MORE.findall(run.stderr)) == 2
    assert len(set(re.findall(r"^==(\d+)== pymemcheck: error", run.stderr, re.M))) == 2


SMALL_OBJECTS = """\
import os, resource, sys
extra, status, write, leave = int(sys.argv[1]) << 20, 3, os.write, os._exit
text = b"MemoryError\\n"
size = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (size + extra, size + extra))
x = []
try:
    while True:
        x.append({make})
except MemoryError:
    {then}
    write(1, text)
    leave(status)
"""


@needs_core("reserve")
@pytest.mark.parametrize("make, then", [("[len(x)]", "x = None"), ("[len(x)]", "while len(x) > 5000: x.pop()"), ("[len(x)]", "pass"),
                                        ("bytearray(9000)", "pass")], ids=["freed", "cut", "kept", "larger"])
@pytest.mark.parametrize("extra", [30, 90, 150, 210])
def test_limited_address_space(tool, release_python, make, then, extra):
    """A program that reaches the limit by small objects gets its MemoryError, and there is a whole report, or one without
    the search that says so."""
    path = tool.new_directory() / "script.py"
    path.write_text(SMALL_OBJECTS.format(make=make, then=then))
    run = tool.run(release_python.path, "-S", path, extra, check=False)
    assert run.stdout == "MemoryError\n", run
    assert run.returncode == 3
    assert run.profile.json["run"]["exit_code"] == 3
    assert "ERROR SUMMARY" in run.log
    assert ("LEAK SUMMARY" in run.log) != ("leaks are not searched for: the limit of the address space" in run.log)
    if then == "x = None":
        assert "LEAK SUMMARY" in run.log
    assert run.profile.at_line(str(path), 9).total_blocks > 500


def test_limit_from_outside(tool, release_python):
    """The limit is there before the tool begins."""
    directory = tool.new_directory()
    path = directory / "script.py"
    path.write_text("x = []\ntry:\n    while True:\n        x.append([len(x)])\nexcept MemoryError:\n    x = None\n"
                    "    print('MemoryError', flush=True)\n")
    run = tool.run_native("/bin/sh", "-c", "ulimit -v 600000; exec \"$@\"", "sh", tool.starter,
                          f"--log-file={directory}/log", f"--pymemcheck-out-file={directory}/out", release_python.path,
                          "-S", path)
    assert run.stdout == "MemoryError\n"
    assert "LEAK SUMMARY" in (directory / "log").read_text() and (directory / "out").exists()
