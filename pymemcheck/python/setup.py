# SPDX-License-Identifier: GPL-2.0-or-later
"""pip install .  Here and not in pyproject.toml, because setuptools for Python 3.6 does not read it from there."""
import os
import re

from setuptools import setup

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "pymemcheck", "__init__.py")) as source:
    VERSION = re.search(r'__version__ = "(.*)"', source.read()).group(1)

setup(
    name="pymemcheck",
    version=VERSION,
    description="Leaks and memory of Python programs by Valgrind's tool pymemcheck: reader of profiles, pytest plugin, tracemalloc's functions",
    license="GPL-2.0-or-later",
    python_requires=">=3.6",
    packages=["pymemcheck", "pymemcheck.convert"],
    extras_require={"rich": ["rich"]},
    entry_points={"console_scripts": ["pymemcheck = pymemcheck.command:run_and_leave"],
                  "pytest11": ["pymemcheck = pymemcheck"]},
)
