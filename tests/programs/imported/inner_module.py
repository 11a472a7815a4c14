# SPDX-License-Identifier: GPL-2.0-or-later
"""outer_module imports this module."""
from pm_probe import take

take("module imported by a module")


def function():
    take("function of the inner module")
