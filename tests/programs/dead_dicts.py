# SPDX-License-Identifier: GPL-2.0-or-later
"""Dicts that died and wait in the free list. 2.7 and later."""
import os

kept = None
kept = [{} for each in range(70)]   # their line
del kept                            # where they die
os._exit(0)
