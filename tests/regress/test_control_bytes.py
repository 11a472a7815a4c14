# SPDX-License-Identifier: GPL-2.0-or-later
"""Names with control characters do nothing to a terminal, wherever they are printed."""
import re

import pytest

from pmtest import needs_core

HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
NAMES = {"c1": "\x9b31mRED", "delete": "a\x7f\x7f", "surrogate": "a\udc9bb", "direction": "a\u202eb", "line": "a\u2028b",
         "escape": "\x1b[31m", "newline": "a\nb", "blank": " a "}

LOSE = """\
import ctypes
malloc = ctypes.PyDLL(None).malloc
malloc.restype = ctypes.c_void_p
names = {{}}
exec(compile("def f():\\n malloc(77)", "file.py", "exec"), {{"malloc": malloc}}, names)
f = names["f"]
f.__code__ = f.__code__.replace(co_name={name!a}, co_qualname={name!a}{file})
for n in range(3):
    f()
"""


def check_harmless(text):
    assert not HARMFUL.search(text), HARMFUL.search(text)


@needs_core("suppressions")
@pytest.mark.parametrize("where", ["function", "file"])
@pytest.mark.parametrize("kind", NAMES)
def test_generated_suppressions(tool, release_python, kind, where):
    """An entry has "?" for each byte of such a character, and still suppresses what it was made for."""
    directory = tool.new_directory()
    path = directory / "script.py"
    name = NAMES[kind]
    path.write_text(LOSE.format(name=name if where == "function" else "f",
                                file=f", co_filename={name!a}" if where == "file" else ""))
    run = tool.run(release_python.path, "-S", path, options=["--gen-suppressions=all"])
    check_harmless(run.log)
    entries = re.findall(r"^\{\n.*?^\}\n", run.log, re.M | re.S)
    (entry,) = [entry for entry in entries if "definite" in entry and re.search(r"pyfun:.*\n", entry)]
    if kind != "blank":
        assert "?" in next(line for line in entry.splitlines() if "pyfun:" in line)
    (directory / "supp").write_text(entry, errors="surrogateescape")
    again = tool.run(release_python.path, "-S", path, options=[f"--suppressions={directory}/supp"])
    assert "definitely lost: 0 bytes" in again.log and "ERROR SUMMARY: 0 errors" in again.log


@pytest.mark.parametrize("folder", ["\x1b[31m", "a\nb", "\x9b1m", "\u202e"])
@pytest.mark.parametrize("writable", [True, False])
def test_name_of_the_profile(tool, release_python, folder, writable):
    directory = tool.new_directory() / folder
    if writable:
        directory.mkdir()
    run = tool.run(release_python.path, "-S", "-c", "", files=False, options=[
        f"--log-file={directory.parent}/log", f"--pymemcheck-out-file={directory}/out"])
    log = (directory.parent / "log").read_text()
    (line,) = [line for line in log.splitlines() if ("Profile written to" if writable else "cannot write") in line]
    check_harmless(line)
    assert ("out" if writable else "report is complete") in line
    assert (directory / "out").exists() == writable
    assert run.stderr == ""
