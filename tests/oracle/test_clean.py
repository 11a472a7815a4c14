# SPDX-License-Identifier: GPL-2.0-or-later
"""Interpreters that do nothing, or import much, have no leaks to report: not before their finalization,
not after it. What CPython itself leaves behind is told apart by rules, not by a list of blocks."""
import pytest

import pythons

REPORTED = {"definite", "cycle", "surplus", "possible"}

# What an interpreter may lack is passed over by name, and the rest still counts.
IMPORTS = """
missing = []
for name in ("json re decimal datetime collections threading subprocess ctypes sqlite3 asyncio socket ssl zlib "
             "pickle struct random hashlib logging email xml.etree.ElementTree csv unittest _multiprocessing").split():
    try:
        __import__(name)
    except ImportError:
        missing.append(name)
if len(missing) > 8:
    raise SystemExit("too little to import: %s" % missing)
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
    """Before finalization garbage that waits for the collector may be possibly lost: constants of frozen modules
    can look like addresses (zipimport's b"PK\\5\\6")."""
    check(tool, python, "-S", "-c", IMPORTS, before={"definite", "cycle", "surplus"})


@pytest.mark.parametrize("python", pythons.each_python(costly=True))
def test_numpy(tool, python):
    """At exit, with the suppressions that come with the tool; numpy 1.24 keeps much for ever on purpose."""
    if tool.run_native(python.path, "-c", "import numpy", check=False).returncode != 0:
        pytest.skip(f"no numpy for {python.path}")
    run = tool.run(python.path, "-c", "import numpy", options=["--histogram=none"], timeout=300)
    reported = [loss for loss in run.profile.losses if loss.kind in REPORTED and not loss.suppressed]
    assert not reported, "\n".join(map(repr, reported))
