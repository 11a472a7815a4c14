# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of stacks.py that needs syntax of 3.10 and 3.11."""
from pm_probe import take


def exception_groups():
    try:
        raise ExceptionGroup("group", [ValueError(), KeyError()])
    except* ValueError:
        take("except* ValueError")
    except* KeyError:
        take("except* KeyError")


def matching(value):
    match value:
        case [1, x] if take("guard") is None:
            take("case")
        case _:
            take("no case")


def main():
    exception_groups()
    matching([1, 2])
    matching(
        0)
