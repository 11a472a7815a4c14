# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that use large packages and lose nothing are reported clean, by both searches.

These tests are part of the wide matrix: run them with PM_LEAKS_WIDE=1. A package that is not installed is a skip that names
it. tests/leaks/packages/clean_programs.py has the programs."""
import os
import pathlib
import re
import subprocess

import pytest

import pmtest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = SOURCE / "tests" / "leaks" / "packages" / "clean_programs.py"
SUPPRESSIONS = SOURCE / "pymemcheck" / "tool" / "pymemcheck-cython.supp"
PYTHON = pmtest.system_python()
PROGRAMS = re.findall(r'^def (\w+)\(\):\n    """(python3-\w+)"""', SCRIPT.read_text(encoding="utf-8"), re.M)
SHOWN = {"definite", "cycle", "surplus", "deficit", "possible"}
# Packages that lose something at import, once (tests/regress/test_leak_packages.py tells what, and why): aiohttp imports
# multidict, sqlalchemy greenlet, the others numpy.
LOSE_AT_IMPORT = {"aiohttp", "sqlalchemy", "pandas", "scipy"}
# A module of pandas keeps a reference to the function round, which the interpreter made before any import, in a variable that
# nothing reads.
KNOWN = {("pandas", "surplus", "round")}


def test_all_are_there():
    assert [name for name, _ in PROGRAMS] == ["pandas", "scipy", "lxml", "requests", "sqlalchemy", "flask", "django", "pytest",
                                              "aiohttp"]


@pytest.mark.skipif(not os.environ.get("PM_LEAKS_WIDE"), reason="part of the wide matrix: PM_LEAKS_WIDE=1")
@pytest.mark.parametrize("name,package", PROGRAMS, ids=[name for name, _ in PROGRAMS])
def test_clean_program(tool, name, package):
    native = subprocess.run([PYTHON, SCRIPT, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if native.returncode != 0:
        assert "ModuleNotFoundError" in native.stderr, native.stderr
        pytest.skip(f"{package} is not installed for {PYTHON}")
    run = tool.run(PYTHON, SCRIPT, name, timeout=3600, options=[
        "--histogram=none", "--leak-scan=both", f"--suppressions={SUPPRESSIONS}"])
    found = [record for record in run.profile.losses_before + run.profile.losses
             if record.kind in SHOWN and not record.suppressed]
    found = [record for record in found if (name, record.kind, record.note) not in KNOWN]
    at_import = [record for record in found if record.json["import_blocks"] == record.blocks]
    assert [record for record in found if record not in at_import] == []
    assert at_import == [] or name in LOSE_AT_IMPORT, at_import
