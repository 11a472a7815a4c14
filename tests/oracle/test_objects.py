# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares what the tool finds of Python objects in blocks with what their interpreter reports."""
import os
import re
import subprocess

import pytest

import pmtest
import pythons

HERE = pythons.SOURCE / "tests" / "oracle"
UNITS = ["base/pm_buffer.c", "base/pm_characters.c", "base/pm_decimal.c", "base/pm_map.c",
         "base/pm_platform_hosted.c", "base/pm_reader.c", "base/pm_strings.c", "base/pm_trace.c",
         "cpython/pm_code.c", "cpython/pm_debug_offsets.c", "cpython/pm_interpreter.c",
         "cpython/pm_layout.c", "cpython/pm_linetable.c", "cpython/pm_object.c",
         "cpython/pm_object_dict.c", "cpython/pm_object_fields.c", "cpython/pm_object_head.c",
         "cpython/pm_object_preview.c", "cpython/pm_object_text.c", "cpython/pm_object_type.c",
         "cpython/pm_object_type_name.c", "cpython/pm_pystring.c", "cpython/pm_rewalk.c", "cpython/pm_version.c",
         "cpython/pm_walk.c"]


@pytest.fixture(scope="session")
def selfobjects(tmp_path_factory):
    """The shared code as a library that an interpreter can load, and that records malloc's blocks."""
    return pmtest.compile_program(
        tmp_path_factory.mktemp("selfobjects") / "pm_selfobjects.so", HERE / "selfobjects.c",
        "-shared", "-fPIC", "-O2", "-std=gnu11", "-fvisibility=hidden",
        f"-I{pythons.SOURCE / 'pymemcheck'}",
        *(str(pythons.SOURCE / "pymemcheck" / unit) for unit in UNITS), "-ldl")


@pytest.mark.parametrize("allocator", ["malloc", "malloc_debug"])
@pytest.mark.parametrize("python", pythons.each_python(costly=True))
def test_objects_equal_interpreter(selfobjects, python, allocator):
    """Compares type, reference count, place, collector's links, preview and names of fields of thousands of objects."""
    if python.version == "2.7" and allocator == "malloc_debug":
        pytest.skip("2.7 has debug hooks in debug builds only, and no PYTHONMALLOC")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment.update(PYTHONDONTWRITEBYTECODE="1", PYTHONMALLOC=allocator, LD_PRELOAD=str(selfobjects))
    result = subprocess.run([python.path, "-S", str(HERE / "selfobjects.py"), str(selfobjects)],
                            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            timeout=300)
    output = result.stdout.decode(errors="replace")
    assert result.returncode == 0, output
    compared, differed = re.search(r"(\d+) compared, (\d+) differed", output).groups()
    assert int(compared) >= 20000 and int(differed) == 0
    for kind, least in {"objects": 5000, "references": 1000, "slot": 3000, "linked": 4000,
                        "type name": 5000}.items():
        assert int(re.search(rf"(?:^|, ){kind} (\d+)", output, re.M).group(1)) >= least, output
