# SPDX-License-Identifier: GPL-2.0-or-later
"""After fork each process reports its own losses only."""
import os

import cases
import pm_lose_builtin as lose


def case_before():
    for _ in range(3):
        lose.a_list(2)              # LEAK: definite, list 3, indirect 9


def case_fork():
    child = os.fork()
    if child == 0:
        for _ in range(2):
            lose.a_set(2)           # LEAK IN CHILD: definite, set 2, indirect 4
        cases.settle()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    lose.a_tuple(2)                 # LEAK: definite, tuple 1, indirect 2


cases.run(globals(), lose)
