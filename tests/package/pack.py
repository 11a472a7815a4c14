# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the package share: where it is, and a small profile to change."""
import copy
import json
import os
import pathlib
import re
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
SOURCE = TESTS.parent
PACKAGE = SOURCE / "pymemcheck" / "python"
BENCH = TESTS / "bench"
sys.path.insert(0, str(PACKAGE))

_text = re.search(r"```\n(\{\n.*?\n\})\n```", (SOURCE / "docs/file-format.md").read_text(encoding="utf-8"), re.DOTALL)[1]
_SAMPLE = json.loads(re.sub(r"^ *//.*\n", "", _text, flags=re.MULTILINE))


def sample():
    """The sample of docs/file-format.md, which its own test compares with the tool's files."""
    return copy.deepcopy(_SAMPLE)


def write(folder, data, name="profile"):
    path = folder / name
    path.write_text(json.dumps(data, indent=1), encoding="utf-8")
    return path


def _find_pythons():
    """One Python 3 of each minor version."""
    found = {}
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv")) / "versions"
    for path in sorted(pyenv.glob("3.*/bin/python")) if os.access(str(pyenv), os.R_OK | os.X_OK) else []:
        found[path.parent.parent.name.rsplit(".", 1)[0]] = str(path)
    return [found[name] for name in sorted(found, key=lambda name: int(name.split(".")[1]))] or [sys.executable]


PYTHONS = _find_pythons()


def version_of(path):
    return pathlib.Path(path).parent.parent.name

LEAKY = TESTS / "package" / "pm_leaky.c"
JOB = '''\
import pm_leaky


class Config:
    pass


CONFIG = Config()


def lose_lists(count):
    for _ in range(count):
        pm_leaky.lose_list()


def lose_memory():
    pm_leaky.lose_memory()


def hold():
    pm_leaky.take_reference(CONFIG)
    return [str(number) for number in range(1000)]


def recurse(depth):
    return [bytearray(1000)] + (recurse(depth - 1) if depth else [])


KEPT = hold()
DEEP = recurse(5)
lose_lists(COUNT)
lose_memory()
import json
'''
