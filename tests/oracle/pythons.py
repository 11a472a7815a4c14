# SPDX-License-Identifier: GPL-2.0-or-later
"""Finds the interpreters for the tests.

There is one for each row of the layout table, named "3.11", "3.11-debug", "3.11-tracerefs" or
"3.11-debug-tracerefs". The search covers PM_PYTHONS (paths, separated by colons), /usr/bin and
pyenv's folder. A row without an interpreter is a skip with its name. Up to 3.7
Py_DEBUG implies Py_TRACE_REFS, so there is only "3.7-debug". If PM_ONLY_PYTHON names an
interpreter, tests use only that one (tests/matrix sets it).

Tests that run the tool many times on each interpreter use only the rows in QUICK and the interpreter
that runs the tests, unless PM_ALL_PYTHONS is set. They skip the others, which make matrix covers.
"""
import json
import os
import pathlib
import subprocess
import sys

import pytest

VERSIONS = ["2.7"] + ["3.%d" % minor for minor in range(6, 16)]
IMPLIED = ["2.7", "3.6", "3.7"]
ROWS = [version + build for version in VERSIONS
        for build in ("", "-debug", "-tracerefs", "-debug-tracerefs")
        if version not in IMPLIED or build in ("", "-debug")]

DESCRIBE = """
import json, sys, sysconfig
print(json.dumps(["%d.%d" % sys.version_info[:2], bool(sysconfig.get_config_var("Py_DEBUG")),
                  hasattr(sys, "getobjects"),
                  bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
                  sysconfig.get_config_var("INCLUDEPY")]))
"""

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CPYTHON = SOURCE / "pymemcheck" / "cpython"


class Python:
    def __init__(self, path):
        self.path = str(path)
        found = json.loads(subprocess.run([self.path, "-c", DESCRIBE], check=True,
                                          stdout=subprocess.PIPE).stdout)
        self.version, self.debug, self.trace_refs, self.free_threaded, self.include = found
        self.row = self.version + ("-debug" if self.debug else "")
        if self.trace_refs and not (self.debug and self.version in IMPLIED):
            self.row += "-tracerefs"

    @property
    def build(self):
        """The name of the build in generate-layouts."""
        implied = self.debug and self.version in IMPLIED
        return "_DEBUG" * self.debug + "_TRACE_REFS" * (self.trace_refs or implied)

    @property
    def has_headers(self):
        return os.path.exists(os.path.join(self.include, "Python.h"))

    def __repr__(self):
        return self.path


ONLY = os.environ.get("PM_ONLY_PYTHON")
# The oldest, one for each way to find frames, the one that the project is developed on, and a new one.
QUICK = ["2.7", "3.8", "3.11", "3.11-debug", "3.13"]


def _candidates():
    if ONLY:
        yield pathlib.Path(ONLY)
        return
    for path in filter(None, os.environ.get("PM_PYTHONS", "").split(":")):
        yield pathlib.Path(path)
    for version in VERSIONS:
        yield pathlib.Path("/usr/bin/python" + version)
        yield pathlib.Path("/usr/bin/python" + version + "-dbg")
    root = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv"))
    if os.access(root / "versions", os.R_OK | os.X_OK):     # another user's folder may not be readable
        yield from sorted(root.glob("versions/*/bin/python"))


def find_all():
    """Every CPython found, each once."""
    found = {}
    for path in _candidates():
        if os.access(path, os.X_OK):
            found.setdefault(os.path.realpath(path), Python(path))
    return list(found.values())


_ALL = find_all()
FREE_THREADED = [python for python in _ALL if python.free_threaded]
PYTHONS = [python for python in _ALL if python.row in ROWS and not python.free_threaded]


def _is_left_out(python, costly):
    if not costly or ONLY or os.environ.get("PM_ALL_PYTHONS"):
        return False
    return python.row not in QUICK and os.path.realpath(python.path) != os.path.realpath(sys.executable)


def each_python(costly=False):
    """Parameters for a test: every interpreter, and a skip for each row without one. A costly test
    runs only on the rows in QUICK and on the interpreter that runs the tests."""
    here = {python.row for python in PYTHONS}
    left_out = pytest.mark.skip(reason="left to make matrix, or PM_ALL_PYTHONS=1")
    present = [pytest.param(python, id=f"{python.row}:{python.path}",
                            marks=[left_out] if _is_left_out(python, costly) else [])
               for python in PYTHONS]
    absent = [pytest.param(None, id=row, marks=pytest.mark.skip(reason=f"no CPython {row} here"))
              for row in ROWS if row not in here and not ONLY]
    return present + absent


def each_that(choose, what):
    """Parameters: every interpreter for which choose is true, or one skip that names what is missing."""
    found = [pytest.param(python, id=f"{python.row}:{python.path}")
             for python in PYTHONS if choose(python)]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=f"no {what} here"))]
