# SPDX-License-Identifier: GPL-2.0-or-later
"""The package's functions inside a program under the tool: tests/programs/asks.py has the assertions."""
import pack
from pmtest import compile_program


def test_a_program_asks(tool, release_python, tmp_path):
    source = pack.TESTS / "leaks/python/extensions/pm_lose_builtin.c"
    compile_program(tmp_path / "pm_lose_builtin.so", source, "-shared", "-fPIC", "-O1", "-isystem", release_python.include,
                    "-fno-canonical-system-headers")
    run = tool.run(release_python.path, pack.TESTS / "programs/asks.py", timeout=1200, cwd=tmp_path,
                   env={"PYTHONPATH": "%s:%s" % (pack.PACKAGE, tmp_path)})
    assert run.stdout == "done\n", run
