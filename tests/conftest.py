# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures for every test that runs the tool. PM_BUILD_DIR names the build folder."""
import os
import pathlib
import sys

import pytest

import pmtest

# pythons.py is there. The tests of whole runs need it, too.
sys.path.append(str(pathlib.Path(__file__).parent / "oracle"))
import pythons  # noqa: E402

INTERPRETERS = pmtest.find_interpreters()


@pytest.fixture(scope="session")
def build_directory():
    directory = os.environ.get("PM_BUILD_DIR")
    if not directory or not os.path.exists(os.path.join(directory, "pymemcheck-in-place")):
        pytest.fail("PM_BUILD_DIR must name a build folder that contains pymemcheck-in-place", pytrace=False)
    return os.path.abspath(directory)


@pytest.fixture(scope="session")
def tool(build_directory, tmp_path_factory):
    return pmtest.Tool(build_directory, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def compiled_interpreters():
    return {}


def interpreter_of(name, compiled, tmp_path_factory):
    if INTERPRETERS[name] is None:
        pytest.skip(f"no {name} build of Python on this machine (tests/pmtest.py, find_interpreters)")
    if name not in compiled:
        compiled[name] = pmtest.Interpreter(name, INTERPRETERS[name], tmp_path_factory.mktemp(name))
        compiled[name].compile_extensions(pmtest.Interpreter.PROBE, pmtest.Interpreter.LEAKY)
    return compiled[name]


@pytest.fixture(params=sorted(INTERPRETERS), scope="session")
def python(request, compiled_interpreters, tmp_path_factory):
    """Each kind of CPython in turn: debug, release (stripped, static) and shared."""
    return interpreter_of(request.param, compiled_interpreters, tmp_path_factory)


@pytest.fixture(params=pythons.each_python(costly=True), scope="session")
def any_python(request, compiled_interpreters, tmp_path_factory):
    """Each interpreter found, 2.7 and later, in turn."""
    path = request.param.path
    if path not in compiled_interpreters:
        python = pmtest.Interpreter(request.param.row, path, tmp_path_factory.mktemp("any"))
        if not python.has_headers:
            pytest.skip(f"{request.param.row} has no headers here: {python.include}")
        python.compile_extensions(pmtest.Interpreter.PROBE)
        compiled_interpreters[path] = python
    return compiled_interpreters[path]


@pytest.fixture(scope="session")
def release_python(compiled_interpreters, tmp_path_factory):
    """One interpreter, for tests that do not depend on how it was built."""
    return interpreter_of("release", compiled_interpreters, tmp_path_factory)


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """The C and C++ test programs, compiled: name -> path."""
    folder = tmp_path_factory.mktemp("programs")
    sources = {"allocators": ("allocators.c", "-fno-builtin"),
               "operators": ("operators.cpp", "-std=c++17"),
               "threads": ("threads.c", "-pthread")}
    return {name: pmtest.compile_program(folder / name, pmtest.PROGRAMS / source, "-O0", *flags)
            for name, (source, *flags) in sources.items()}


def pytest_terminal_summary(terminalreporter):
    for name, path in INTERPRETERS.items():
        if path is None:
            terminalreporter.write_line(f"NOT TESTED: no {name} build of Python here", red=True)
