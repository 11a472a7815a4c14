# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck-cython.supp hides what Cython's own code loses when a module is imported, and nothing else."""
import pathlib

import pytest

from pmtest import PROGRAMS, compile_cython

SOURCE = PROGRAMS / "cython" / "pm_lossy.pyx"
SUPPRESSIONS = pathlib.Path(__file__).resolve().parents[2] / "pymemcheck" / "tool" / "pymemcheck-cython.supp"
SCRIPT = """import pm_lossy
print(list(pm_lossy.Counter(3)), list(pm_lossy.Counter(2).items({1: 2})), pm_lossy.make(4)()[0])
pm_lossy.lose(20)
"""
SHOWN = {"definite", "cycle", "surplus", "deficit", "possible"}


@pytest.mark.parametrize("when", ["after", "before"])
def test_suppressions(tool, python, tmp_path, when):
    """What Cython loses is found, and suppressed with the file. The module's own leak is reported with it too."""
    compile_cython(python, SOURCE, tmp_path)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)

    def records(*options):
        run = tool.run(python.path, "-S", script, options=[f"--leak-scan={when}", *options])
        return [record for record in run.profile.losses_before if record.kind in SHOWN] if when == "before" else \
            [record for record in run.profile.losses if record.kind in SHOWN]

    def types(record):
        return {name for name, _ in record.types}

    found = records()
    assert all(not record.suppressed for record in found)
    assert any({"tuple", "code"} <= types(record) for record in found)
    assert any("method_descriptor" in types(record) for record in found)
    rest = [record for record in records(f"--suppressions={SUPPRESSIONS}") if not record.suppressed]
    assert [(record.kind, types(record), record.blocks) for record in rest] == [("definite", {"list"}, 20)]
