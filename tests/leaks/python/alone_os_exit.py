# SPDX-License-Identifier: GPL-2.0-or-later
# STATUS: 3
"""os._exit: nothing is finalized, and the losses are found all the same."""
import os

import cases
import pm_lose_builtin as lose

# So many that the lost objects get new memory. The module's call still runs when the search looks for them, and its C
# frame may have a left-over pointer to an earlier object, whose memory a lost one would get otherwise.
kept = [[n + 0.5] for n in range(200)]


def case_lost():
    for _ in range(5):
        lose.a_list(2)              # LEAK: definite, list 5, indirect 15


cases.run(globals(), lose)
os._exit(3)
