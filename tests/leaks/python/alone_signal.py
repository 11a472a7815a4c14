# SPDX-License-Identifier: GPL-2.0-or-later
# STATUS: -15
# END: signal
# OPTIONS: --num-callers=24
"""Killed by SIGTERM.

In debug builds, a tuple that does not come from a free list has more functions of the allocator on its stack than usual,
inside the extension's function.
"""
import os
import signal

import cases
import pm_lose_builtin as lose

# So many that the lost objects get new memory. The module's call still runs when the search looks for them, and its C
# frame may have a left-over pointer to an earlier object, whose memory a lost one would get otherwise.
kept = [(n + 0.5, n + 1.5) for n in range(200)]


def case_lost():
    for _ in range(5):
        lose.a_tuple(2)             # LEAK: definite, tuple 5, indirect 10


cases.run(globals(), lose)
os.kill(os.getpid(), signal.SIGTERM)
