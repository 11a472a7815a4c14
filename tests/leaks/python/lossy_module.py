# SPDX-License-Identifier: GPL-2.0-or-later
"""Loses a list while it is imported."""
import cases
import pm_lose_builtin

pm_lose_builtin.careful(cases.CAREFUL)
TABLE = {"one": 1.5}
pm_lose_builtin.a_list(4)           # LEAK: definite, list 1, indirect 5, phase import
