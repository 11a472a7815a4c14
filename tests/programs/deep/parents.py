# SPDX-License-Identifier: GPL-2.0-or-later
"""Parents with children that the same call makes and keeps."""
import pm_deep

KEPT = [pm_deep.Parent() for _ in range(5)]
for parent in KEPT:
    for _ in range(3):
        parent.add(0)
KEPT[2].add(1)                      # surplus
