# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects of one line each, kept alive in different ways."""
import collections
class Session:
    def __init__(self):
        self.data = {}
class Slotted:
    __slots__ = ("items",)
class App:
    registry = []
    def __init__(self):
        self.sessions = [Session()]
        self.by_key = {("a", 1): None}
app = App()
def fill_dict(into):
    into["k0"] = bytearray(1001)
def fill_list(into):
    into.append(bytearray(1003))
def fill_set(into):
    into.add(bytes(1005))
def fill_slot(x):
    x.items = bytearray(1007)
def fill_key(d):
    d[("a", 1)] = bytearray(1009)
fill_dict(app.sessions[0].data)
fill_list(App.registry)
bag = set()
fill_set(bag)
slotted = Slotted()
fill_slot(slotted)
fill_key(app.by_key)
q = collections.deque()
def fill_deque(q):
    q.append(bytearray(1011))
fill_deque(q)
def outer():
    x = bytearray(1013)
    def inner():
        return x
    return inner
f = outer()
import sys
def fill_sys():
    sys.filled = bytearray(1015)
fill_sys()
try:
    import builtins
except ImportError:
    import __builtin__ as builtins
def fill_builtins():
    builtins.filled = bytearray(1017)
fill_builtins()
