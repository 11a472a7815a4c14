# SPDX-License-Identifier: GPL-2.0-or-later
"""A child that leaves by os._exit right after its losses, as a worker of multiprocessing does. What earlier calls left on the
stack hides none of them."""
import os
import sys

import cases
import pm_lose_builtin as lose


def case_worker():
    child = os.fork()
    if child == 0:
        # Up to 3.10 there are more C frames, with dead pointers to freed memory. The lost lists get new memory then.
        kept = [[n + 0.5] for n in range(200 if sys.version_info < (3, 11) else 0)]     # noqa: F841
        for _ in range(10):
            lose.a_list(7)          # LEAK IN CHILD: definite, list 10, indirect 80
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    lose.a_tuple(2)                 # LEAK: definite, tuple 1, indirect 2


cases.run(globals(), lose)
