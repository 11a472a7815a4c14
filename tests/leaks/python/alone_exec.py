# SPDX-License-Identifier: GPL-2.0-or-later
# END: exec
"""exec: what the program lost until then is reported before it becomes another."""
import os

import cases
import pm_lose_builtin as lose

kept = [[n + 0.5] for n in range(20)]


def case_lost():
    for _ in range(5):
        lose.a_dict(2)              # LEAK: definite, dict 5, indirect >=15


cases.run(globals(), lose)
os.execv("/bin/true", ["true"])
