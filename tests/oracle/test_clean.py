# SPDX-License-Identifier: GPL-2.0-or-later
"""The tool reports no leaks of interpreters that do nothing or import much, neither before finalization
nor after it. Rules, not a list of blocks, recognize the memory that CPython itself leaves behind."""
import pytest

import pythons
from pmtest import PROGRAMS

EXTENSIONS = PROGRAMS / "extensions_kept.py"
REPORTED = {"definite", "cycle", "surplus", "deficit", "possible"}

# An interpreter may lack some of these modules, but not more than eight.
IMPORTS = """
missing = []
for name in ("json re decimal datetime collections threading subprocess ctypes sqlite3 asyncio socket ssl zlib "
             "pickle struct random hashlib logging email xml.etree.ElementTree csv unittest _multiprocessing").split():
    try:
        __import__(name)
    except ImportError:
        missing.append(name)
if len(missing) > 8:
    raise SystemExit("too many modules are missing: %s" % missing)
"""


def check(tool, python, *arguments, before=REPORTED):
    run = tool.run(python.path, *arguments, options=["--leak-scan=both", "--histogram=none"], timeout=300)
    assert run.profile.losses_before is not None and run.profile.losses is not None
    for when, losses, kinds in (("before", run.profile.losses_before, before),
                                ("after", run.profile.losses, REPORTED)):
        reported = [loss for loss in losses if loss.kind in kinds and not loss.suppressed]
        assert not reported, when + "\n" + "\n".join(map(repr, reported))


@pytest.mark.parametrize("python", pythons.each_python(costly=True))
def test_nothing_done(tool, python):
    check(tool, python, "-S", "-c", "pass")


@pytest.mark.parametrize("python", pythons.each_python(costly=True))
def test_start_with_site(tool, python):
    check(tool, python, "-c", "pass")


@pytest.mark.parametrize("python", pythons.each_python(costly=True))
def test_many_imports(tool, python):
    """Before finalization, garbage that waits for the collector may be possibly lost: constants of frozen modules
    can look like addresses (zipimport's b"PK\\5\\6")."""
    check(tool, python, "-S", "-c", IMPORTS, before={"definite", "cycle", "surplus", "deficit"})


@pytest.mark.parametrize("python", pythons.each_python(costly=True))
def test_extensions(tool, python):
    """Objects of the standard library's extensions, which are files of their own in some builds and in the interpreter in
    others."""
    if python.row.partition("-")[0] in ("2.7", "3.6", "3.7", "3.8"):
        pytest.skip("before 3.9 the collector does not know all of these types")
    native = tool.run_native(python.path, "-S", EXTENSIONS, check=False)
    if native.returncode != 0:
        assert "ImportError" in native.stderr or "ModuleNotFoundError" in native.stderr, native.stderr
        pytest.skip(f"{python.path} lacks a module: {native.stderr.splitlines()[-1]}")
    check(tool, python, "-S", EXTENSIONS, before=REPORTED - {"cycle"})


@pytest.mark.parametrize("python", pythons.each_python(costly=True))
def test_numpy(tool, python):
    """Searches at exit, with the default suppressions. numpy 1.24 deliberately keeps much for ever."""
    if tool.run_native(python.path, "-c", "import numpy", check=False).returncode != 0:
        pytest.skip(f"{python.path} has no numpy")
    run = tool.run(python.path, "-c", "import numpy", options=["--histogram=none"], timeout=300)
    reported = [loss for loss in run.profile.losses if loss.kind in REPORTED and not loss.suppressed]
    assert not reported, "\n".join(map(repr, reported))
