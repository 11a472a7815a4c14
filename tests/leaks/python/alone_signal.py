# SPDX-License-Identifier: GPL-2.0-or-later
# STATUS: -15
# END: signal
"""Killed by SIGTERM."""
import os
import signal

import cases
import pm_lose_builtin as lose

kept = [[n + 0.5] for n in range(20)]


def case_lost():
    for _ in range(5):
        lose.a_tuple(2)             # LEAK: definite, tuple 5, indirect 10


cases.run(globals(), lose)
os.kill(os.getpid(), signal.SIGTERM)
