# SPDX-License-Identifier: GPL-2.0-or-later
"""python3 -m pymemcheck"""
from .command import run_and_leave

if __name__ == "__main__":
    run_and_leave()
