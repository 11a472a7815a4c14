# cython: language_level=3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Takes references by hand, and forgets one of the two when it refuses its argument."""
from cpython.ref cimport Py_DECREF, Py_INCREF


def refuse(thing, bint bad):
    Py_INCREF(thing)
    if bad:
        raise ValueError("a bad thing")
    Py_DECREF(thing)
