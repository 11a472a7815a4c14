# SPDX-License-Identifier: GPL-2.0-or-later
"""Allocates during its import, and imports another module that does the same."""
from pm_probe import take

take("module being imported")
import inner_module  # noqa: E402: the line of this import is part of the test


def function():
    take("function of an imported module")
    inner_module.function()
