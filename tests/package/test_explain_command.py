# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck explain: a second run tells who took the reference that a record of the first has too many."""
import re

import pytest

import pmtest
from pymemcheck import Profile

PYTHON = pmtest.system_python()
JOB = """\
import ctypes, sys

class Config:
    pass

def keep(config):
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(config))

def work():
    config = Config()
    keep(config)

work()
sys.exit(5)
"""


@pytest.fixture
def job(tmp_path):
    path = tmp_path / "job.py"
    path.write_text(JOB)
    return path


def test_taker(command, tmp_path, job):
    result = command.run("run", "--no-summary", "--python=" + PYTHON, "-o", "first", job, cwd=str(tmp_path))
    assert result.returncode == 5
    record, = (record for record in Profile.load(tmp_path / "first").leaks
               if record.kind == "definite" and record.types and record.types[0][0].endswith("Config"))
    result = command.run("explain", record.fingerprint, "--python=" + PYTHON, "-o", "second", job, cwd=str(tmp_path))
    assert result.returncode == 0 and result.stderr == "", result
    lines = result.stdout.splitlines()
    assert "definitely lost in loss record" in lines[0]
    assert any(line.endswith("fingerprint " + record.fingerprint) for line in lines)
    taken = lines.index("   taken and never given back:")
    assert "+1" in lines[taken + 1] and lines[taken + 1].endswith("job.py:7 (keep)")
    assert lines.count("   taken and never given back:") == 1       # of this record, and no other


def test_no_such_record(command, tmp_path, job):
    result = command.run("explain", "0123456789abcdef", "--python=" + PYTHON, "-o", "out", job, cwd=str(tmp_path))
    assert result.returncode == 1 and result.stdout == ""
    known = {record.fingerprint for record in Profile.load(tmp_path / "out").leaks}
    lines = result.stderr.splitlines()
    assert lines[0].endswith("exit status 5") and lines[1].endswith("no leak record of this run has the fingerprint 0123456789abcdef")
    named = re.search(r"it has ([0-9a-f ]+?)(?: and (\d+) more)?$", lines[2])
    shown = named[1].split()
    assert shown == sorted(known)[:10] and len(shown) + int(named[2] or 0) == len(known) > 0


def test_wrong_use(command):
    assert "16 hexadecimal digits, not xyz" in command.complaint("explain", "xyz", "job.py")
    assert "are its own" in command.complaint("explain", "0" * 16, "--watch-refs=type:x", "job.py")
    assert "no program" in command.complaint("explain", "0" * 16)
