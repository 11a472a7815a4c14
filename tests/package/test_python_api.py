# SPDX-License-Identifier: GPL-2.0-or-later
"""The package's functions inside a program under the tool: tests/programs/asks.py has the assertions."""
import pack
from suite import compile_for


def test_a_program_asks(tool, release_python, tmp_path):
    compile_for(release_python, tmp_path)
    run = tool.run(release_python.path, pack.TESTS / "programs/asks.py", timeout=1200, cwd=tmp_path,
                   env={"PYTHONPATH": "%s:%s" % (pack.PACKAGE, tmp_path)})
    assert run.stdout == "done\n", run
