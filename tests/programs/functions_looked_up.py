# SPDX-License-Identifier: GPL-2.0-or-later
"""One surplus reference to each of three functions. Two of them are also in the interpreter's caches."""
import ctypes


class Handler:
    def called(self):
        return 1

    def looked_up(self):
        return 2

    def neither(self):
        return 3


Handler().called()
getattr(Handler(), "looked_up")
for name in ("called", "looked_up", "neither"):
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(Handler.__dict__[name]))
