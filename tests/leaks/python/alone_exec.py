# SPDX-License-Identifier: GPL-2.0-or-later
# END: exec
"""exec: the losses so far are reported before the program becomes another one."""
import os

import cases
import pm_lose_builtin as lose

# So many that the lost objects get new memory. The module's call still runs when the search looks for them, and its C
# frame may have a left-over pointer to an earlier object, whose memory a lost one would get otherwise.
kept = [{n: n + 0.5} for n in range(200)]


def case_lost():
    for _ in range(5):
        lose.a_dict(2)              # LEAK: definite, dict 5, indirect >=15


cases.run(globals(), lose)
os.execv("/bin/true", ["true"])
