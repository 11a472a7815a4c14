# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the layout table with running interpreters and with their headers."""
import os
import re
import subprocess

import pytest

import pmtest
import pythons

HERE = pythons.SOURCE / "tests" / "oracle"
GENERATE = pythons.CPYTHON / "generate-layouts"
TABLE = pythons.CPYTHON / "pm_layout_table.h"
UNITS = ["base/pm_buffer.c", "base/pm_characters.c", "base/pm_map.c", "base/pm_platform_hosted.c",
         "base/pm_reader.c", "base/pm_trace.c", "base/pm_watched_words.c", "cpython/pm_code.c", "cpython/pm_debug_offsets.c",
         "cpython/pm_interpreter.c", "cpython/pm_layout.c",
         "cpython/pm_linetable.c", "cpython/pm_pystring.c", "cpython/pm_rewalk.c", "cpython/pm_version.c",
         "cpython/pm_walk.c"]


@pytest.fixture(scope="session")
def selfwalk(tmp_path_factory):
    """The shared frame walk as a library that an interpreter can load."""
    return pmtest.compile_program(
        tmp_path_factory.mktemp("selfwalk") / "pm_selfwalk.so", HERE / "selfwalk.c",
        "-shared", "-fPIC", "-O2", "-std=gnu11", "-fvisibility=hidden",
        f"-I{pythons.SOURCE / 'pymemcheck'}",
        *(str(pythons.SOURCE / "pymemcheck" / unit) for unit in UNITS), "-ldl")


@pytest.mark.parametrize("python", pythons.each_python())
def test_walk_equals_interpreter(selfwalk, python):
    """Checks file, name and line of each frame, and the number of evaluations, in many situations."""
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    result = subprocess.run([python.path, str(HERE / "selfwalk.py"), str(selfwalk)],
                            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            timeout=300)
    output = result.stdout.decode(errors="replace")
    assert result.returncode == 0, output
    compared, differed = re.search(r"(\d+) compared, (\d+) differed", output).groups()
    assert int(compared) >= 60 and int(differed) == 0


@pytest.mark.parametrize("python", pythons.each_python())
def test_headers_equal_memory(selfwalk, python):
    """The bytes before an object, and the bytes that a debug hook adds, are as measured in memory."""
    if python.version == "2.7":
        pytest.skip("2.7 has debug hooks in debug builds only")
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", PYTHONMALLOC="malloc_debug")
    result = subprocess.run([python.path, str(HERE / "hooks.py"), str(selfwalk)], env=environment,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert result.returncode == 0, result.stdout.decode(errors="replace")


def rows_of(table):
    """Maps the name of each set of numbers in a layout table to its text."""
    rows = dict(re.findall(r"#define PM_LAYOUT_(\w+) \{ \\\n(.*?)\n\}", table, re.S))
    for name, other in re.findall(r"#define PM_LAYOUT_(\w+) PM_LAYOUT_(\w+)\n", table):
        rows[name] = rows[other]
    return rows


@pytest.mark.parametrize("python", pythons.each_python())
def test_table_equals_headers(python):
    """generate-layouts generates the committed numbers."""
    if not python.has_headers:
        pytest.skip(f"{python.row} has no headers here: {python.include}")
    result = subprocess.run([str(GENERATE), python.path], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)
    assert result.returncode == 0, result.stderr
    made = rows_of(result.stdout)
    committed = rows_of(TABLE.read_text())
    own = f"NUMBERS_{python.version}{python.build}".replace(".", "_")
    assert own in made
    if own == f"NUMBERS_{python.version}".replace(".", "_"):
        assert len(made) >= 3               # also those of its debug builds
    for name, numbers in made.items():
        assert committed[name] == numbers


def test_every_row_has_an_interpreter_named_here():
    """The table has no row that no test would try. (Up to 3.7 configure cannot make a Py_TRACE_REFS build
    without debugging. The row of such a build is that of the debug build.)"""
    rows = rows_of(TABLE.read_text())
    numbers = {name[len("NUMBERS_"):] for name in rows if name.startswith("NUMBERS_")}
    names = {re.sub(r"^(\d)_(\d+)", r"\1.\2", name).replace("_TRACE_REFS", "-tracerefs")
             .replace("_DEBUG", "-debug") for name in numbers}
    for version in pythons.IMPLIED:
        assert rows[f"NUMBERS_{version}_TRACE_REFS".replace(".", "_")] \
            == rows[f"NUMBERS_{version}_DEBUG_TRACE_REFS".replace(".", "_")]
        names -= {version + "-tracerefs", version + "-debug-tracerefs"}
        names.add(version + "-debug")
    assert names == set(pythons.ROWS)
