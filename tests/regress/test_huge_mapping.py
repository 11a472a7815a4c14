# SPDX-License-Identifier: GPL-2.0-or-later
"""A mapping of many gigabytes that is hardly used: the search finds a pointer at its end, and says where it is."""
import pmtest
from pmtest import PROGRAMS


def test_huge_mapping(tool, tmp_path):
    program = pmtest.compile_program(tmp_path / "huge_mapping", PROGRAMS / "huge_mapping.c", "-O0")
    run = tool.run(program, options=["--show-leak-kinds=all"])
    sizes = {loss.kind: loss for loss in run.profile.losses if loss.bytes in (2222, 3333)}
    assert sizes["definite"].bytes == 2222
    assert sizes["reachable"].bytes == 3333 and sizes["reachable"].chain == [f"data at {run.stdout.strip()}"]
