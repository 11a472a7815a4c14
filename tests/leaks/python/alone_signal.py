# SPDX-License-Identifier: GPL-2.0-or-later
# STATUS: -15
# END: signal
# OPTIONS: --num-callers=24
"""Killed by SIGTERM.

In debug builds a tuple's stack has more functions of the allocator than usual before the extension's comes, if the tuple
is not out of a free list.
"""
import os
import signal

import cases
import pm_lose_builtin as lose

# So many that what is lost gets memory of its own: the module's call is still running when it is looked for, and its C
# frame may have a pointer left to an earlier object, at whose place the lost one would be.
kept = [(n + 0.5, n + 1.5) for n in range(200)]


def case_lost():
    for _ in range(5):
        lose.a_tuple(2)             # LEAK: definite, tuple 5, indirect 10


cases.run(globals(), lose)
os.kill(os.getpid(), signal.SIGTERM)
