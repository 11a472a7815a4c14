# SPDX-License-Identifier: GPL-2.0-or-later
"""What make install and pip put in place is the whole package."""
import os
import re
import subprocess
import sys

import pytest

import pack

MODULES = sorted(str(path.relative_to(pack.PACKAGE)) for path in (pack.PACKAGE / "pymemcheck").rglob("*.py"))


def installed(folder):
    return sorted(str(path.relative_to(folder)) for path in (folder / "pymemcheck").rglob("*.py"))


def test_make_install(tmp_path, build_directory):
    """The command, its package and its man page; make uninstall takes all away, also what running it left."""
    make = ["make", "-s", "-C", build_directory, "DESTDIR=%s" % tmp_path]
    subprocess.run([*make, "install"], stdout=subprocess.DEVNULL, check=True)
    command, = tmp_path.rglob("bin/pymemcheck")
    package = next(tmp_path.rglob("python/pymemcheck/__init__.py")).parents[1]
    assert installed(package) == MODULES and len(list(tmp_path.rglob("man1/pymemcheck.1"))) == 1
    text = command.read_text()
    assert '"--tool=pymemcheck"' in text and "@" not in text and str(package)[len(str(tmp_path)):] in text
    # As if it were installed there.
    command.write_text(text.replace('path.insert(0, "', 'path.insert(0, "%s' % tmp_path))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    run = subprocess.run([sys.executable, str(command), "report", str(pack.write(tmp_path, pack.sample()))],
                         stdout=subprocess.PIPE, check=True, env=environment)
    assert b"What leaks:" in run.stdout and list(package.rglob("__pycache__"))
    (tmp_path / "profile").unlink()
    subprocess.run([*make, "uninstall"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []


def test_build_folder(tmp_path, build_directory):
    """The command uninstalled, and by the name that it has where the build folder is the source folder."""
    profile = str(pack.write(tmp_path, pack.sample()))
    texts = [subprocess.run([command, "report", profile], stdout=subprocess.PIPE, check=True, cwd=build_directory).stdout
             for command in ("bin/pymemcheck", "./pymemcheck")]
    assert b"What leaks:" in texts[0] and texts[0] == texts[1]


def test_pip_install(tmp_path):
    able = [python for python in [sys.executable, *pack.PYTHONS] if subprocess.run(
        [python, "-c", "import setuptools, wheel, pip"], stderr=subprocess.DEVNULL).returncode == 0]
    if not able:
        pytest.skip("NOT TESTED: no Python here has pip, setuptools and wheel")
    source = tmp_path / "source"
    subprocess.run(["cp", "-r", str(pack.PACKAGE), str(source)], check=True)    # pip builds in it
    subprocess.run([able[0], "-m", "pip", "install", "-q", "--no-index", "--no-build-isolation", "--no-deps", "--target",
                    str(tmp_path / "site"), str(source)], check=True)
    assert installed(tmp_path / "site") == MODULES
    program = tmp_path / "site/bin/pymemcheck"
    run = subprocess.run([able[0], str(program), "--version"], stdout=subprocess.PIPE, check=True,
                         env=dict(os.environ, PYTHONPATH=str(tmp_path / "site")))
    assert run.stdout.decode().startswith("pymemcheck ")


def test_man_page_and_manual_name_every_command_and_option(command):
    """What --help has is in docs/command.md, and each command in the man page."""
    manual = (pack.SOURCE / "docs/command.md").read_text(encoding="utf-8")
    page = (pack.SOURCE / "docs/pymemcheck.1").read_text(encoding="utf-8").replace("\\-", "-")
    for name in ("run", "report", "diff", "check", "merge", "suppress", "convert", "html"):
        text = command.run_here(name, "--help").stdout
        options = set(re.findall(r"(?<![\w-])--[a-z-]*[a-z]", text)) - {"--help"}
        missing = [option for option in options if option not in manual]
        assert not missing, (name, missing)
        assert ".SS " + name in page and "pymemcheck %s" % name in manual
