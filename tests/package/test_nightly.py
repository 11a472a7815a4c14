# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/nightly.md: its script runs on the example package, and fails for the leak that is new."""
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree

import pytest

import pack
from pmtest import compile_program

DOCUMENT = (pack.SOURCE / "docs" / "nightly.md").read_text(encoding="utf-8")
EXAMPLE = pack.TESTS / "package" / "example"


def blocks(language):
    return re.findall(r"```%s\n(.*?)```" % language, DOCUMENT, re.DOTALL)


@pytest.fixture
def example(tmp_path, release_python):
    """The package, built, with the script beside it."""
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLE, folder)
    compile_program(folder / "shop" / ("_native" + release_python.suffix), folder / "shop" / "_native.c", "-shared", "-fPIC",
                    "-O1", "-isystem", release_python.include)
    script, = blocks("sh")
    (folder / "nightly.sh").write_text(script)
    return folder


@pytest.fixture
def nightly(example, command, release_python, tmp_path):
    """Runs the script, with the command on the PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    start = programs / "pymemcheck"
    start.write_text("#!/bin/sh\nexec %s %s \"$@\"\n" % (sys.executable, command.path))
    start.chmod(0o755)

    def run(*arguments, **environment):
        environment = {**os.environ, "PATH": "%s:%s" % (programs, os.environ["PATH"]), "PYTHON": release_python.path,
                       "PYTHONDONTWRITEBYTECODE": "1", **environment}
        return subprocess.run(["sh", "./nightly.sh", *arguments], cwd=str(example), env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True, timeout=600)
    return run


def test_fails_for_the_new_leak_only(nightly, example, build_directory):
    update = nightly("--update")
    assert update.returncode == 0, update.stdout
    baseline = (example / "pymemcheck-baseline.json").read_text()
    assert "cart.py" in baseline and "stock.py" not in baseline and baseline.count("fingerprint") == 1
    same = nightly()
    assert same.returncode == 0 and "passed: 0 new, 0 grown, 1 known, 0 gone" in same.stdout, same.stdout

    failed = nightly(SHOP_NEW_LEAK="1")
    assert failed.returncode == 1, failed.stdout
    assert re.findall(r"^(?:new|grown): .*", failed.stdout, re.MULTILINE) == [
        line for line in failed.stdout.splitlines() if "10 x set at stock.py:9 (count)" in line] != []
    assert "1 new, 0 grown, 1 known" in failed.stdout
    out = example / "pymemcheck-nightly"
    cases = xml.etree.ElementTree.parse(str(out / "junit.xml")).getroot().findall(".//testcase")
    assert [case.get("classname") for case in cases if case.find("failure") is not None
            and case.get("name") != "memory in use at the end"] == ["pymemcheck.stock.py:9 (count)"]
    results = json.loads((out / "leaks.sarif").read_text())["runs"][0]["results"]
    assert {(result["baselineState"], result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
             result["level"]) for result in results} == {("new", "shop/stock.py", "error"), ("unchanged", "shop/cart.py", "note")}
    assert "## New" in (out / "summary.md").read_text() and (out / "merged").exists()
    page = out / "report.html"
    if os.path.exists(os.path.join(build_directory, "page", "dist", "page.js")):
        assert "stock.py:9" in page.read_text(encoding="utf-8")
    else:
        assert "there is no page" in failed.stdout


def test_failing_tests_are_no_verdict(nightly, example):
    """A shard whose tests fail is named, and nothing is compared."""
    (example / "tests" / "test_stock.py").write_text("raise SystemExit(3)\n")
    run = nightly()
    assert run.returncode == 2 and "tests.test_stock: exit status" in run.stdout
    assert not (example / "pymemcheck-nightly" / "merged").exists()


def test_jobs_of_other_systems_run_the_same_script():
    jobs = blocks("yaml")
    assert len(jobs) == 2 and all("./nightly.sh" in job for job in jobs)
    yaml = pytest.importorskip("yaml", reason="NOT TESTED: there is no yaml here")
    github, gitlab = map(yaml.safe_load, jobs)
    paths = {"pymemcheck-nightly/junit.xml", "pymemcheck-nightly/leaks.sarif", "pymemcheck-nightly/summary.md"}
    assert {path for path in paths if path in str(github) + str(gitlab)} == paths
    script = blocks("sh")[0]
    assert all('"$OUT/%s"' % path.split("/")[1] in script for path in paths)
