# SPDX-License-Identifier: GPL-2.0-or-later
# STATUS: 3
"""os._exit: nothing is finalized, what is lost is found all the same."""
import os

import cases
import pm_lose_builtin as lose

# So many that what is lost gets memory of its own: the module's call is still running when it is looked for, and its C
# frame may have a pointer left to an earlier object, at whose place the lost one would be.
kept = [[n + 0.5] for n in range(200)]


def case_lost():
    for _ in range(5):
        lose.a_list(2)              # LEAK: definite, list 5, indirect 15


cases.run(globals(), lose)
os._exit(3)
