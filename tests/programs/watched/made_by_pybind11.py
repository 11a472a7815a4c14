# SPDX-License-Identifier: GPL-2.0-or-later
"""A C++ object, bound by pybind11, forgets the Python object that it holds. As in takers.py, comments say who."""
import pm_by_pybind11


class Thing:
    pass


def case():
    for _ in range(6):
        thing = Thing()         # TAKER: Holder::Holder 6
        holder = pm_by_pybind11.Holder(thing)
        assert holder.get() is thing


case()
