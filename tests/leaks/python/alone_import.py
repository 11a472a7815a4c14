# SPDX-License-Identifier: GPL-2.0-or-later
# ALSO: lossy_module.py
"""A module that leaks once, when it is imported. Two places import it."""
import cases
import pm_lose_builtin as lose


def case_import():
    import lossy_module
    assert lossy_module.TABLE


def case_import_again():
    import lossy_module
    assert lossy_module.TABLE


cases.run(globals(), lose)
