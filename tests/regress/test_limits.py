# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits of a process: the size of files."""
import re

import pytest

TAKES_NO_MORE = re.compile(r"^==\d+== pymemcheck: error: the (log|XML) file takes no more \((File too large|No space left on "
                           r"device)\): the report in it is not whole\.$", re.M)
LIMITED = """\
import resource, sys
kept = [bytearray(1000 + n) for n in range(50)]
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
print("ran", flush=True)
sys.exit(3)
"""


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


@pytest.mark.parametrize("which", ["log", "XML"])
def test_full_disk(tool, release_python, which):
    option = ["--log-file=/dev/full"] if which == "log" else ["--xml=yes", "--xml-file=/dev/full"]
    run = tool.run(release_python.path, "-S", "-c", "import sys; sys.exit(3)", files=False, check=False,
                   options=[*option, "--pymemcheck-out-file=/dev/null"])
    assert run.returncode == 3
    assert [found[1] for found in TAKES_NO_MORE.finditer(run.stderr)] == [which], run.stderr


def test_full_disk_of_a_child(tool, release_python):
    """A child of a fork says it of its own report."""
    run = tool.run(release_python.path, "-S", "-c", "import os; pid = os.fork(); pid and os.wait()", files=False,
                   options=["--log-file=/dev/full", "--pymemcheck-out-file=/dev/null"])
    assert len(TAKES_NO_MORE.findall(run.stderr)) == 2
    assert len(set(re.findall(r"^==(\d+)== pymemcheck: error", run.stderr, re.M))) == 2
