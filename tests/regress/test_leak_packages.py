# SPDX-License-Identifier: GPL-2.0-or-later
"""Extension packages of Debian 12, each used a little: nothing is lost, or what is known to be.

Part of the wide matrix: run with PM_LEAKS_WIDE=1. A package that is not installed is skipped, by name. Each function of
tests/leaks/packages/packages.py uses one and names its Debian package.
"""
import os
import pathlib
import re
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "leaks" / "packages" / "packages.py"
PYTHON = "/usr/bin/python3.11"
USES = re.findall(r'^def (\w+)\(\):\n    """([\w-]+)"""', SCRIPT.read_text(encoding="utf-8"), re.M)
REPORTED = {"definite", "cycle", "surplus", "possible"}

# What these packages really lose: kind, and a function on the stack of each record.
KNOWN = {}


@pytest.mark.skipif(not os.environ.get("PM_LEAKS_WIDE"), reason="part of the wide matrix: PM_LEAKS_WIDE=1")
@pytest.mark.parametrize("use,package", USES, ids=[use for use, _ in USES])
def test_package(tool, use, package):
    """Nothing lost but what is known; and what is known is found."""
    native = subprocess.run([PYTHON, SCRIPT, use], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if native.returncode != 0:
        assert "ModuleNotFoundError" in native.stderr, native.stderr
        pytest.skip(f"{package} is not installed for {PYTHON}")
    run = tool.run(PYTHON, SCRIPT, use, options=["--histogram=none", "--leak-check=full"], timeout=1200)
    known = KNOWN.get(use, [])
    unknown, seen = [], set()
    for loss in run.profile.losses:
        if loss.kind in REPORTED:
            reasons = {reason for reason in known
                       if reason[0] == loss.kind and any(frame.function == reason[1] for frame in loss.frames)}
            seen |= reasons
            if not reasons:
                unknown.append(loss)
    assert not unknown, "\n".join(map(repr, unknown))
    assert seen == set(known)
