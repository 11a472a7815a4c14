# SPDX-License-Identifier: GPL-2.0-or-later
"""Sessions of pytest under the tool, with the extensions that leak, and the suite of 30 tests: for test_pytest_plugin.py and
the command suite-of-30."""
import os
import pathlib
import shutil
import subprocess
import xml.etree.ElementTree

import pytest

import pack
from pmtest import compile_program

EXTENSIONS = sorted((pack.TESTS / "leaks/python/extensions").glob("pm_lose_*.c*")) + [pack.TESTS / "programs/suite/pm_caches.c"]
SUITE = pack.TESTS / "programs/suite/suite_of_30.py"
# Where this pytest is. Other interpreters import it from there, too.
PACKAGES = str(pathlib.Path(pytest.__file__).parents[1])


def compile_for(python, folder):
    """The folder with the extensions, compiled for an interpreter (its member include names its headers)."""
    folder.mkdir(exist_ok=True)
    for source in EXTENSIONS:
        compile_program(folder / (source.stem + ".so"), source, "-shared", "-fPIC", "-O1", "-pthread", "-isystem", python.include,
                        "-fno-canonical-system-headers")
    return folder


def can_import(path, *modules):
    """Whether an interpreter finds modules in PACKAGES."""
    return not subprocess.run([path, "-c", "import " + ", ".join(modules)], env={"PYTHONPATH": PACKAGES},
                              stderr=subprocess.DEVNULL).returncode


class Session:
    """What a session of pytest under the tool said."""

    def __init__(self, run, folder):
        self.returncode, self.text, self.stderr = run.returncode, run.stdout, run.stderr
        cases = xml.etree.ElementTree.parse(str(folder / "junit.xml")).getroot().iter("testcase")
        self.outcomes, self.messages, self.properties = {}, {}, {}
        for case in cases:
            name = case.get("name")
            found = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
            self.outcomes.setdefault(name, []).extend(found)
            self.messages[name] = self.messages.get(name, "") + "".join((child.text or "") + (child.get("message") or "") for child in case)
            for each in case.iter("property"):
                self.properties.setdefault(name, {})[each.get("name")] = each.get("value")

    def named(self, *outcomes):
        return {name for name, found in self.outcomes.items() if found == list(outcomes)}


def run_session(command, python, folder, paths, *arguments, options=(), env=None):
    """pytest in a folder, by "pymemcheck run": a Session."""
    run = command.run("run", "--python=%s" % python, "--no-summary", *options, "-m", "pytest", "-p", "no:cacheprovider",
                      "--junitxml=junit.xml", "-W", "ignore", *arguments, cwd=str(folder), timeout=2400,
                      env={"PYTHONPATH": os.pathsep.join(map(str, paths)), **(env or {})})
    assert (folder / "junit.xml").exists(), run
    return Session(run, folder)


def run_suite(command, python, folder, paths, seed, *arguments):
    """The suite of 30 in random order, -R 1:3: a Session, and the names of the tests that leak."""
    shutil.copy(str(SUITE), str(folder / "test_suite.py"))
    shutil.copy(str(SUITE.parent / "conftest.py"), str(folder))
    session = run_session(command, python, folder, paths, "-R", "1:3", *arguments, "test_suite.py", env={"PM_SHUFFLE": str(seed)})
    leaky = {name for name in session.outcomes if "_leak_" in name}
    assert len(session.outcomes) == 30 and len(leaky) == 12, session.text
    return session, leaky
