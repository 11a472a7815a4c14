# SPDX-License-Identifier: GPL-2.0-or-later
"""Without the tool the functions for programs do nothing, and say so when asked; the pytest plugin says one line."""
import subprocess
import sys

import pytest

import pack

CODE = """
import unittest
import pymemcheck as p
assert not p.under_tool() and "does not run under" in p.why_not(), p.why_not()
assert p.counters() is None and p.mark() is None and p.event_log(True) is None and p.snapshot("a") is None
assert p.write_profile("/nowhere/at/all") is None
assert p.leak_check() == [] and p.leak_check().text() == "" and not p.objects_by_type() and p.referrers(p) == []
assert not p.is_tracing() and p.take_snapshot().statistics("lineno") == [] and p.get_object_traceback(p) is None
assert p.get_traced_memory() == (0, 0) and p.get_tracemalloc_memory() == 0 and p.get_traceback_limit() == 1
p.start(5); p.clear_traces(); p.reset_peak(); p.stop()
with p.phase("one"), p.not_recorded(), p.no_leaks():
    pass
calls = []
@p.no_leaks(runs=(1, 3))
def function(a, b=2):
    calls.append((a, b))
    return a + b
assert function(1) == 3 and calls == [(1, 2)], calls
class Test(p.NoLeaksMixin, unittest.TestCase):
    def test(self):
        calls.append("test")
result = unittest.TestResult()
Test("test").run(result)
assert result.wasSuccessful() and result.testsRun == 1 and calls[1:] == ["test"]
try:
    p.start(0)
except ValueError as error:
    assert "number of frames" in str(error)
try:
    p.no_such_name
except AttributeError as error:
    assert "no_such_name" in str(error)
assert "take_snapshot" in dir(p) and set(p.__all__) <= set(dir(p))
for name in p.__all__:
    getattr(p, name)
"""


@pytest.mark.parametrize("python", pack.PYTHONS, ids=pack.version_of)
def test_nothing_happens(python):
    subprocess.run([python, "-c", CODE], check=True, env={"PYTHONPATH": str(pack.PACKAGE), "PYTHONDONTWRITEBYTECODE": "1"})


def test_without_ctypes():
    """Interpreters without ctypes are as without the tool."""
    code = "import sys; sys.modules['ctypes'] = None; import pymemcheck; print(pymemcheck.counters(), pymemcheck.why_not())"
    run = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, env={"PYTHONPATH": str(pack.PACKAGE)})
    assert b"None this interpreter has no ctypes" in run.stdout


def test_the_command_imports_no_ctypes():
    code = "import sys, pymemcheck.command; pymemcheck.command.main(['--help'])"
    run = subprocess.run([sys.executable, "-X", "importtime", "-c", code], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                         env={"PYTHONPATH": str(pack.PACKAGE)})
    assert b"pymemcheck.profile" in run.stderr and b"ctypes" not in run.stderr


TESTS = """
import pytest
@pytest.mark.limit_leaks("1 KB")
def test_one(): pass
@pytest.mark.skip
@pytest.mark.limit_memory("1 KB")
def test_two(): pass
@pytest.mark.known_leak("reason")
def test_three(): assert 0
@pytest.mark.skip_pymemcheck
def test_four(): pass
"""


def run_pytest(folder, *arguments):
    run = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers", *arguments], cwd=str(folder),
                         env={"PYTHONPATH": str(pack.PACKAGE), "PYTHONDONTWRITEBYTECODE": "1"}, stdout=subprocess.PIPE)
    return run.returncode, run.stdout.decode()


def test_plugin(tmp_path):
    (tmp_path / "test_it.py").write_text(TESTS)
    for options, lines in (((), 1), (("--pymemcheck",), 1), (("-R", "1:3", "--pymemcheck-growth=1k"), 1)):
        status, text = run_pytest(tmp_path, "-p", "pymemcheck", *options)
        assert status == 1 and "2 passed, 1 skipped" in text and "1 failed" in text
        said = [line for line in text.splitlines() if line.startswith("pymemcheck: ")]
        assert len(said) == lines and "does not run under" in said[0], text


def test_plugin_without_marks_or_options_says_nothing(tmp_path):
    (tmp_path / "test_it.py").write_text("def test_one(): pass\n")
    status, text = run_pytest(tmp_path, "-p", "pymemcheck")
    assert status == 0 and "pymemcheck: " not in text


@pytest.mark.parametrize("option, message", [
    ("-R=1:0", "expected WARM:RUN"), ("--pymemcheck-kinds=definite,lost", "not 'lost'"), ("--pymemcheck-growth=much", "expected a size")])
def test_wrong_options(tmp_path, option, message):
    run = subprocess.run([sys.executable, "-m", "pytest", "-p", "pymemcheck", *option.split("=", 1)], cwd=str(tmp_path),
                         env={"PYTHONPATH": str(pack.PACKAGE), "PYTHONDONTWRITEBYTECODE": "1"}, stderr=subprocess.PIPE)
    assert run.returncode == 4 and message in run.stderr.decode()


def test_regrtest(tmp_path):
    run = subprocess.run([sys.executable, "-m", "pymemcheck.regrtest", "-R", "3:3", "test_list"], stderr=subprocess.PIPE,
                         env={"PYTHONPATH": str(pack.PACKAGE), "PYTHONDONTWRITEBYTECODE": "1"}, cwd=str(tmp_path))
    assert run.returncode == 2 and b"does not run under" in run.stderr and run.stderr.count(b"\n") == 1
