# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck-cython.supp hides what Cython's own code loses when a module is imported, and nothing else."""
import pathlib
import shutil
import subprocess

import pytest

from pmtest import PROGRAMS

SOURCE = PROGRAMS / "cython" / "pm_lossy.pyx"
SUPPRESSIONS = pathlib.Path(__file__).resolve().parents[2] / "pymemcheck" / "tool" / "pymemcheck-cython.supp"
SCRIPT = """import pm_lossy
print(list(pm_lossy.Counter(3)), list(pm_lossy.Counter(2).items({1: 2})), pm_lossy.make(4)()[0])
pm_lossy.lose(20)
"""
SHOWN = {"definite", "cycle", "surplus", "deficit", "possible"}


def cython():
    for name in ("cython3", "cython"):
        if shutil.which(name) is not None:
            version = subprocess.run([name, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True,
                                     universal_newlines=True).stdout
            if "version 0.29." in version:
                return name
    return None


@pytest.mark.skipif(cython() is None, reason="Cython 0.29 is not installed (Debian 12: cython3)")
@pytest.mark.parametrize("when", ["after", "before"])
def test_suppressions(tool, python, tmp_path, when):
    """What Cython loses is found, and suppressed with the file. The module's own leak is reported with it too."""
    if not (3, 6) <= python.version < (3, 12) or not python.has_headers:
        pytest.skip(f"{python.path} has no headers, or is newer than Cython 0.29 knows")
    made = tmp_path / "pm_lossy.c"
    subprocess.run([cython(), "-3", str(SOURCE), "-o", str(made)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    subprocess.run(["gcc", "-O2", "-g", "-w", "-shared", "-fPIC", "-isystem", python.include, "-fno-canonical-system-headers",
                    str(made), "-o", str(tmp_path / ("pm_lossy" + python.suffix))], check=True)
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
