# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects reach extension code as handles of cffi, and it forgets to give some of them back. As in takers.py, comments say
who."""
import cffi
import pm_watched


class Thing:
    pass


FFI = cffi.FFI()


def case():
    for number in range(50):
        thing = Thing()         # TAKER: take_once 5
        handle = FFI.new_handle(thing)
        if number % 10 == 0:
            pm_watched.take_once(FFI.from_handle(handle))


case()
