# SPDX-License-Identifier: GPL-2.0-or-later
"""Instances of classes that an extension binds, some with a reference too many.
bound.py MODULE TYPE [made]"""
import importlib
import sys

module = importlib.import_module(sys.argv[1])
bound = getattr(module, sys.argv[2])


def kept():
    one = bound()                   # kept
    module.keep(one)


def used():
    bound()


for _ in range(7):
    kept()
    used()
if len(sys.argv) > 3:
    for _ in range(9):
        module.make()               # made

    class Derived(bound):           # pybind11 waits for its end by a weak reference that it gives up
        pass

    KEPT = Derived()
