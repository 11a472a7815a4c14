# SPDX-License-Identifier: GPL-2.0-or-later
"""Loops that run often enough for interpreters with a compiler to compile them. 3.x.

Prints at the end whether the loops were compiled: "compiled", "interpreted", or "no compiler". With the argument
"trace" also prints what tracemalloc has at each line, as JSON. It asks during the loops whether they are compiled,
since the interpreter discards compiled code that is not used for a while.
"""
import _tracemalloc
import os
import sys

ROUNDS = 20000
kept, lists, dicts = [None] * ROUNDS, [None] * ROUNDS, [None] * ROUNDS


class Thing:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = [value]


def pair(value):
    return [value, None]


def count(n):
    while n > 0:
        yield (n, n)
        n -= 1


def simple():
    compiled = False
    for n in range(ROUNDS):
        lists[n] = [n, n]
        dicts[n] = {1: n}
        compiled = compiled or is_compiled()
    return compiled


def calls():
    compiled = False
    running = count(ROUNDS)
    for n in range(ROUNDS):
        kept[n] = (
            pair(n),
            Thing(n),
            next(running),
            lambda: n,
            str(n))
        compiled = compiled or is_compiled()
    return compiled


def empty_free_lists():
    """tracemalloc does not know blocks in free lists that are older than itself."""
    older = []
    for n in range(250):
        older += [], [n], {}, {1: n}, n + 1000000000, n * 1.5, (lambda: n), older.append
        older += iter(()), range(n), iter(range(n))
        older += [(n,) * size for size in range(2, 21)]
    return older


is_compiled = bool
said = "no compiler"
if hasattr(sys, "_jit") and sys._jit.is_available():
    said = "interpreted"
    if hasattr(sys._jit, "is_active"):
        is_compiled = sys._jit.is_active
trace = "trace" in sys.argv
older = empty_free_lists()
if trace:
    _tracemalloc.start(1)
ran = simple() + calls()
traces = _tracemalloc._get_traces()
if ran > 0:
    said = "compiled"
print(said, flush=True)
if trace:
    import json
    lines = {}
    for domain, size, frames, length in traces:
        file, line = frames[0]
        if file == __file__:
            blocks, total = lines.get(line, (0, 0))
            lines[line] = blocks + 1, total + size
    print(json.dumps(lines), flush=True)
os._exit(0)
