# SPDX-License-Identifier: GPL-2.0-or-later
"""garbage_waiting.py N: a clean program with N cycles that wait for the collector, over a long stretch of the heap.

Some number in static memory looks like the address of one of them for most N. No such number is a reference.
"""
import gc
import sys

gc.disable()
for i in range(int(sys.argv[1])):
    cycle = [(i, i + 0.5, i, i)]
    cycle.append(cycle)
