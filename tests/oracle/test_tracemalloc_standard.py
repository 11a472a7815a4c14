# SPDX-License-Identifier: GPL-2.0-or-later
"""The standard library's own test of tracemalloc passes with pymemcheck.tracing in its place, but for the differences below,
which docs/python-api.md lists, too."""
import json
import pathlib
import subprocess

import pytest

import pythons
from pmtest import PACKAGE

TESTS = pathlib.Path(__file__).resolve().parents[1]
SCRIPT = TESTS / "programs/traced/standard_test.py"

TRACK = "memory that an extension reports by PyTraceMalloc_Track is known to tracemalloc only; the tool sees blocks where they are allocated"
DIFFERENCES = {
    "TestCAPI.test_stop_untrack": TRACK,
    "TestCAPI.test_track": TRACK,
    "TestCAPI.test_track_already_tracked": TRACK,
    "TestCAPI.test_track_without_gil": TRACK,
    "TestCAPI.test_untrack": TRACK,
}
# Fails only if the tool maps memory just then.
SOMETIMES = {
    "TestTracemallocEnabled.test_get_tracemalloc_memory":
        "clear_traces() gives back none of the tool's memory, and the tool may map more meanwhile (seldom)",
}


def find_python():
    """A release build of 3.11 that has the package test and names of its functions."""
    for python in pythons.PYTHONS:
        if python.version == "3.11" and not python.debug and subprocess.run(
                [python.path, "-c", "import test.test_tracemalloc, _testcapi"], stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


def test_the_standard_librarys_test(tool):
    python = find_python()
    if python is None:
        pytest.skip("NOT TESTED: no 3.11 here has the package test")
    output = tool.new_directory() / "answers.json"
    tool.run(python.path, SCRIPT, output, env={"PYTHONPATH": str(PACKAGE)}, timeout=2400, options=["--histogram=none"])
    answers = json.loads(output.read_text())
    assert len(answers) > 40
    failed = {name: answer for name, answer in answers.items() if answer not in ("passed", "skipped")}
    assert set(failed) - set(SOMETIMES) == set(DIFFERENCES), failed


def test_the_list_in_the_documentation():
    text = (TESTS.parent / "docs/python-api.md").read_text(encoding="utf-8")
    rows = dict(line.strip("| ").split(" | ", 1) for line in text.splitlines() if line.startswith("| `Test"))
    assert {name.strip("`"): reason for name, reason in rows.items()} == {**DIFFERENCES, **SOMETIMES}
