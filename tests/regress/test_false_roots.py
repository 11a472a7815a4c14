# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers that look like addresses are no references: static data of the interpreter (text, digits, instructions,
flags of types) and the dynamic loader's tables do not turn garbage into possibly lost blocks."""
import pytest

import pmtest
import pythons

PROGRAM = pmtest.PROGRAMS / "garbage_waiting.py"
REPORTED = {"definite", "cycle", "surplus", "deficit", "possible"}


@pytest.mark.parametrize("count", [60000])
@pytest.mark.parametrize("python", [each for each in pythons.each_python(costly=True)])
def test_garbage_is_not_possibly_lost(tool, python, count):
    run = tool.run(python.path, "-S", PROGRAM, str(count), options=["--leak-scan=before", "--histogram=none"],
                   timeout=300)
    reported = [loss for loss in run.profile.losses_before if loss.kind in REPORTED and not loss.suppressed]
    assert not reported, "\n".join(map(repr, reported))


@pytest.mark.parametrize("count", [20000, 200000])
def test_short_and_long_stretches(tool, release_python, count):
    test_garbage_is_not_possibly_lost(tool, release_python, count)


@pytest.mark.parametrize("program, functions", [
    ("functions_looked_up.py", ["called", "looked_up", "neither"]),
    ("functions_cached.py", ["__call__", "__getattr__", "__getitem__", "__init__", "__len__", "method", "of_class", "value"]),
], ids=["looked_up", "cached"])
@pytest.mark.parametrize("python", pythons.each_python(costly=True))
def test_caches_hold_no_references(tool, python, program, functions):
    """The cache of attributes, from 3.12 on that of functions by version, and from 3.11 on those of classes and instructions
    hold borrowed pointers."""
    program = pmtest.PROGRAMS / program
    if tool.run_native(python.path, "-S", program, check=False).returncode != 0:
        pytest.skip(f"no ctypes for {python.path}")
    run = tool.run(python.path, "-S", program, options=["--leak-scan=before", "--histogram=none"])
    found = sorted((loss.note, loss.surplus_references) for loss in run.profile.losses_before if loss.kind == "surplus")
    assert found == [(name if python.row == "2.7" else "Handler." + name, 1) for name in functions]
