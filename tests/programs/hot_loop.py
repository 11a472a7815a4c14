# SPDX-License-Identifier: GPL-2.0-or-later
"""Loops that run often enough to be compiled, by interpreters that do so. 3.x.

Says at the end whether a compiler was at work: "compiled", "interpreted", or "no compiler". With the argument "trace"
also what tracemalloc has at each line, as JSON.
"""
import _tracemalloc
import os
import sys

ROUNDS = 20000
kept, lists, dicts = [None] * ROUNDS, [None] * ROUNDS, [None] * ROUNDS


class Thing:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = [value]                # line: in a constructor


def pair(value):
    return [value, None]                    # line: in a function


def count(n):
    while n > 0:
        yield (n, n)                        # line: in a generator
        n -= 1


def simple():
    compiled = False
    for n in range(ROUNDS):
        lists[n] = [n, n]                   # line: list
        dicts[n] = {1: n}                   # line: dict
        compiled = compiled or is_compiled()
    return compiled


def calls():
    compiled = False
    running = count(ROUNDS)
    for n in range(ROUNDS):
        kept[n] = (
            pair(n),
            Thing(n),                       # line: instance
            next(running),
            lambda: n,                      # line: function
            str(n))                         # line: C function
        compiled = compiled or is_compiled()
    return compiled


is_compiled = bool
said = "no compiler"
if hasattr(sys, "_jit") and sys._jit.is_available():
    said = "interpreted"
    if hasattr(sys._jit, "is_active"):
        is_compiled = sys._jit.is_active
if sys.argv[1:] == ["trace"]:
    _tracemalloc.start(1)
if simple() + calls() > 0:
    said = "compiled"
print(said, flush=True)
if sys.argv[1:] == ["trace"]:
    import json
    lines = {}
    for trace in _tracemalloc._get_traces():
        file, line = trace[2][0]
        if file == __file__:
            blocks, size = lines.get(line, (0, 0))
            lines[line] = blocks + 1, size + trace[1]
    print(json.dumps(lines), flush=True)
os._exit(0)
