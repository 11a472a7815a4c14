# SPDX-License-Identifier: GPL-2.0-or-later
"""A function that Cython compiled keeps a reference on its way out with an error. As in takers.py, comments say who."""
import pm_by_cython


class Thing:
    pass


def case():
    for number in range(100):
        thing = Thing()         # TAKER: refuse 4
        try:
            pm_by_cython.refuse(thing, number % 25 == 0)
        except ValueError:
            pass


case()
