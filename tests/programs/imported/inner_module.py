# SPDX-License-Identifier: GPL-2.0-or-later
"""The inner of two imports."""
from pm_probe import take

take("module imported by a module")


def function():
    take("function of the inner module")
