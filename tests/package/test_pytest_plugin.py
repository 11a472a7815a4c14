# SPDX-License-Identifier: GPL-2.0-or-later
"""The pytest plugin and the driver for CPython's tests, under the tool. By default on Debian's release build; with
PM_LEAKS_WIDE=1 the suite of 30 tests runs on every interpreter with headers from 3.9 on, if this pytest can be imported there."""
import json
import os
import re
import subprocess
import sys

import pytest

import pythons
from suite import PACKAGES, can_import, compile_for, run_session, run_suite

PYTHONS = [pytest.param(python, id="%s:%s" % (python.row, python.path)) for python in pythons.PYTHONS
           if python.has_headers and tuple(map(int, python.version.split("."))) >= (3, 9)] \
    if os.environ.get("PM_LEAKS_WIDE") else [pytest.param(None, id="release")]


@pytest.fixture(scope="session")
def extensions(release_python, tmp_path_factory):
    return compile_for(release_python, tmp_path_factory.mktemp("extensions"))


@pytest.mark.parametrize("python", PYTHONS)
def test_exactly_the_leaking_tests_fail(command, release_python, extensions, tmp_path, python):
    """Not those that fill caches, and not those that differ from run to run; in any order."""
    paths, path = [extensions], release_python.path
    if python is not None:
        path = python.path
        if not can_import(path, "pytest"):
            pytest.skip("%s cannot import the pytest of %s" % (path, sys.executable))
        paths = [compile_for(python, tmp_path / "extensions"), PACKAGES]
    session, leaky = run_suite(command, path, tmp_path, paths, 7, "-p", "no:xdist")
    assert session.named("failure") == leaky and session.named() == set(session.outcomes) - leaky, session.text
    message = session.messages["test_leak_on_error_path"]
    assert "are definitely lost in loss record 1 of 1" in message and "pm_lose_calls.so`parse" in message
    assert "by test_leak_on_error_path (%s/test_suite.py:" % tmp_path in message and "_pytest" not in message
    assert "leaked [1, 1, 1] blocks in 3 runs" in message and "3 x dict" in message
    assert session.properties["test_leak_raw_memory"]["pymemcheck_leaked_bytes"] == "333"
    assert "30 tests checked, 12 with leaks" in session.text and "leakiest:" in session.text


MARKS = """
import unittest
import pytest
import pm_lose_builtin as lose

KEPT = []

@pytest.mark.limit_leaks("much")
def test_wrong_mark():
    pass

@pytest.mark.limit_leaks("10 KB")
def test_below_the_limit():
    lose.some_bytes(1000)

@pytest.mark.limit_leaks("1 KB", warmups=0, runs=2)
def test_above_the_limit():
    lose.some_bytes(5000)

@pytest.mark.limit_leaks(filter_fn=lambda record: record.types[0][0] != "list")
def test_filtered():
    lose.a_list(0)

@pytest.mark.limit_memory("1 MB")
def test_much_memory():
    bytearray(2 << 20)

@pytest.mark.limit_memory("1 MB")
def test_little_memory():
    bytearray(1 << 10)

@pytest.mark.known_leak("issue 17")
def test_known():
    lose.a_list(0)

@pytest.mark.known_leak("another", fingerprint="0123456789abcdef")
def test_unknown():
    lose.a_list(0)

@pytest.mark.known_leak("fixed since")
def test_stale():
    pass

@pytest.mark.skip_pymemcheck("not now")
def test_unchecked():
    lose.a_list(0)

def test_after_unchecked():
    pass

@pytest.fixture(scope="module")
def leaky_fixture():
    lose.a_tuple(3)
    yield 5
    lose.a_set(3)

def test_first_with_fixture(leaky_fixture):
    pass

def test_second_with_fixture(leaky_fixture):
    pass

def test_fails_by_itself():
    lose.a_list(0)
    assert 0

def test_after_failure():
    pass

@pytest.mark.skip
def test_skipped():
    pass

@pytest.fixture
def own_fixture():
    yield 1
    lose.a_list(0)

def test_leak_of_its_own_fixture(own_fixture):
    pass

class TestUnit(unittest.TestCase):
    def setUp(self):
        self.kept = [1, 2]

    def test_unit_clean(self):
        pass

    def test_unit_leak(self):
        lose.a_list(0)
"""
GROWING = """
KEPT = []

def test_growing():
    KEPT.append(bytearray(5000))

def test_growing_little():
    KEPT.append(bytearray(50))
"""
ASYNC = """
import asyncio
import pytest
import pm_lose_builtin as lose

@pytest.mark.asyncio
async def test_async_leak():
    await asyncio.sleep(0)
    lose.a_list(0)

@pytest.mark.asyncio
async def test_async_clean():
    await asyncio.sleep(0)
"""


def test_marks_and_fixtures(command, release_python, extensions, tmp_path):
    (tmp_path / "test_marks.py").write_text(MARKS)
    session = run_session(command, release_python.path, tmp_path, [extensions], "-R", "1:1", "-p", "no:xdist", "-p", "no:asyncio")
    failed = {"test_above_the_limit", "test_much_memory", "test_unknown", "test_fails_by_itself", "test_leak_of_its_own_fixture",
              "test_unit_leak"}
    assert {name for name, found in session.outcomes.items() if "failure" in found} == failed, session.text
    assert session.named("skipped") == {"test_known", "test_skipped"}
    assert "more than its limit of 1,048,576 bytes" in session.messages["test_much_memory"]
    assert "known leak: issue 17" in session.messages["test_known"]
    assert "known_leak of test_marks.py::test_stale: it did not leak (fixed since)" in session.text
    errors = {name for name, found in session.outcomes.items() if "error" in found}
    assert errors == {"test_wrong_mark", "test_first_with_fixture", "test_unit_leak"}     # the last one: of the module's end
    assert "expected a size" in session.messages["test_wrong_mark"]
    assert "fixture leaky_fixture (module) leaked" in session.messages["test_first_with_fixture"], session.text
    assert "list" not in session.messages["test_after_failure"] + session.messages["test_after_unchecked"]
    assert "teardown of fixtures of a wider scope leaked" in session.text
    assert session.properties["test_above_the_limit"]["pymemcheck_runs"] == "2"


def test_growth_of_reachable_memory(command, release_python, tmp_path):
    (tmp_path / "test_growth.py").write_text(GROWING)
    session = run_session(command, release_python.path, tmp_path, [], "-R", "1:2", "--pymemcheck-growth=1 KB", "-p", "no:xdist")
    assert session.named("failure") == {"test_growing"} and session.named() == {"test_growing_little"}, session.text
    growing = session.messages["test_growing"]
    assert "reachable memory grew by at least 1,024 bytes" in growing and "kept alive by test_growth.KEPT[" in growing


def test_async(command, release_python, extensions, tmp_path):
    if subprocess.run([release_python.path, "-c", "import pytest_asyncio"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("NOT TESTED: %s has no pytest_asyncio" % release_python.path)
    (tmp_path / "test_tasks.py").write_text(ASYNC)
    session = run_session(command, release_python.path, tmp_path, [extensions], "-R", "1:2", "-p", "no:xdist")
    assert session.named("failure") == {"test_async_leak"} and session.named() == {"test_async_clean"}, session.text


TWO = """
import pm_lose_builtin as lose

def test_leak():
    lose.a_list(0)

def test_clean():
    pass
"""


def test_xdist(command, release_python, extensions, tmp_path):
    """Workers search, and the results are one."""
    if subprocess.run([release_python.path, "-c", "import xdist"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("NOT TESTED: %s has no xdist" % release_python.path)
    (tmp_path / "test_two.py").write_text(TWO)
    session = run_session(command, release_python.path, tmp_path, [extensions], "-R", "1:2", "-n", "2")
    assert session.named("failure") == {"test_leak"} and session.named() == {"test_clean"}, session.text
    assert re.search(r"2 tests checked in [12] process(es)?, 1 with leaks", session.text) or "2 tests checked, 1 with" in session.text
    assert session.properties["test_leak"]["pymemcheck_leaked_blocks"] == "2"


def test_one_run_each_and_kinds(command, release_python, extensions, tmp_path):
    """Without -R each test runs once; what it lost when it first ran counts."""
    (tmp_path / "test_two.py").write_text(TWO)
    session = run_session(command, release_python.path, tmp_path, [extensions], "-p", "no:xdist")
    assert session.named("failure") == {"test_leak"} and session.properties["test_leak"]["pymemcheck_runs"] == "1"
    for option in ("--pymemcheck-kinds=cycle,surplus", "--only-object=no_such.so", "--only-file=other.py"):
        session = run_session(command, release_python.path, tmp_path, [extensions], "-p", "no:xdist", option)
        assert session.named() == {"test_leak", "test_clean"}, session.text


CHILDREN = """
import os
import subprocess
import sys

import pm_lose_builtin as lose

def test_leaky_child():
    subprocess.check_call([sys.executable, "-c", "import pm_lose_builtin as lose; lose.a_list(0)"])

def test_clean_child():
    subprocess.check_call([sys.executable, "-S", "-c", "pass"])

def test_fork():
    pid = os.fork()
    if pid == 0:
        lose.a_tuple(3)
        os._exit(0)
    os.waitpid(pid, 0)

def test_without_child():
    pass
"""


@pytest.mark.parametrize("workers", [0, 1])
def test_children_by_pid(command, release_python, extensions, tmp_path, workers):
    """The summary has a row for each process that a test started, with the leaks of the search at its end."""
    if workers and subprocess.run([release_python.path, "-c", "import xdist"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("NOT TESTED: %s has no xdist" % release_python.path)
    (tmp_path / "test_children.py").write_text(CHILDREN)
    (tmp_path / "pymemcheck.out.1").write_text("an old file that is no profile")
    spread = ["-n", str(workers)] if workers else ["-p", "no:xdist"]
    session = run_session(command, release_python.path, tmp_path, [extensions], *spread, options=["--trace-children=yes"])
    assert session.named() == set(session.outcomes) and len(session.outcomes) == 4, session.text
    assert "3 child processes, by pid:\n" in session.text
    rows = re.findall(r"(?m)^ +(\d+) test_children.py::(\w+): (no leak|1 leak, [1-9][\d,]* bytes in [1-9]\d* blocks) \((.*)\)$", session.text)
    assert {name: found.partition(",")[0] for _, name, found, _ in rows} == {
        "test_leaky_child": "1 leak", "test_fork": "1 leak", "test_clean_child": "no leak"}, session.text
    for pid, name, _, words in rows:
        assert ("lose.a_list(0)" in words) == (name == "test_leaky_child")
        assert json.loads((tmp_path / ("pymemcheck.out." + pid)).read_bytes())["run"]["pid"] == int(pid)


def test_plugin_blocked(command, release_python, extensions, tmp_path):
    (tmp_path / "test_two.py").write_text(TWO)
    session = run_session(command, release_python.path, tmp_path, [extensions], "-p", "no:pymemcheck", "-p", "no:xdist")
    assert session.named() == {"test_leak", "test_clean"} and "pymemcheck" not in session.text.split("rootdir")[0]


UNITTESTS = """
import unittest
import pm_lose_builtin as lose

class Test(unittest.TestCase):
    def test_list(self):
        lose.a_list(0)

    def test_reference(self):
        lose.keep_reference(KEPT)

    def test_clean(self):
        pass

KEPT = [object()]
"""


def test_regrtest(command, release_python, extensions, tmp_path):
    """What regrtest -R prints, and the records."""
    (tmp_path / "leaky_tests.py").write_text(UNITTESTS)

    def run(*arguments):
        return command.run("run", "--no-summary", "--python=" + release_python.path, "-m", "pymemcheck.regrtest", "-R", "2:3", *arguments,
                           "leaky_tests", cwd=str(tmp_path), env={"PYTHONPATH": "%s:%s" % (extensions, tmp_path)})
    leaky = run()
    assert leaky.returncode == 2 and "beginning 5 repetitions\n12345\n.....\n" in leaky.stderr
    assert "leaky_tests leaked [1, 1, 1] references, sum=3\n" in leaky.stderr
    assert "leaky_tests leaked [1, 1, 1] memory blocks, sum=3\n" in leaky.stderr
    assert "pm_lose_builtin.so`a_list" in leaky.stderr and "by Test.test_list (%s/leaky_tests.py:" % tmp_path in leaky.stderr
    assert "regrtest.py" not in leaky.stderr and "runpy" not in leaky.stderr and "/unittest/" not in leaky.stderr
    clean = run("-m", "test_clean")
    assert clean.returncode == 0 and "leaked [" not in clean.stderr and "0 of 1 tests leaked or failed" in clean.stderr
