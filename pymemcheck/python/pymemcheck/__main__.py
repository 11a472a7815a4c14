# SPDX-License-Identifier: GPL-2.0-or-later
"""python3 -m pymemcheck"""
import sys

from .command import main

if __name__ == "__main__":
    sys.exit(main())
