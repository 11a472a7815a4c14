# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs one workload and stops with all that it made alive.

Usage: run.py WORKLOAD OUTPUT. Under -X tracemalloc it writes to OUTPUT what
tracemalloc holds at that point: JSON with "lines", a list of [file, line,
blocks, bytes], and "wide", a list of [file, line] of each int that holds the
address of a class (type.__subclasses__ has them) and is above 30 bits: such an
int has 4 bytes more than one of a lower address. Without, it ends the process at that point by os._exit, so that what is live at
exit for a tool outside is what tracemalloc would have held.

Code that must not be compared carries a file name of its own:
<warm-up>  empties the interpreter's free lists first, since tracemalloc knows
           nothing of the blocks in them that are older than itself;
<finish>   the measuring itself.
"""
import gc
import os
import sys

WARM_UP = """
kept = []
for n in range(600):
    kept.append([])
    kept.append({})
    kept.append({"a": n})
    kept.append(n * 1.5)
    kept.append(iter(()))
for size in range(1, 22):
    for n in range(2100):
        kept.append((n,) * size)
def one():
    yield
async def two():
    yield
for n in range(100):
    kept.append(one())
    kept.append(two())
    kept.append(kept.append)
    kept.append(slice(n))
import contextvars
for n in range(300):
    kept.append(contextvars.Context())
"""

FINISH = """
import _tracemalloc
gc.collect()
sys._clear_type_cache()     # which names it keeps alive depends on their addresses
if not _tracemalloc.is_tracing():
    os._exit(0)
traces = _tracemalloc._get_traces()
import collections, json
lines = collections.defaultdict(lambda: [0, 0])
for trace in traces:
    file, line = trace[2][0]
    lines[file, line][0] += 1
    lines[file, line][1] += trace[1]
import ctypes
TP_SUBCLASSES = 360     # offsetof(PyTypeObject, tp_subclasses), CPython 3.11
wide, found, todo = [], {object}, [object]
while todo:
    cls = todo.pop()
    keys = ctypes.c_void_p.from_address(id(cls) + TP_SUBCLASSES).value
    if keys:
        for address in ctypes.cast(keys, ctypes.py_object).value:
            place = _tracemalloc._get_object_traceback(address)
            if address >> 30 and place is not None:
                wide.append(place[0])
    new = set(type.__subclasses__(cls)) - found
    found |= new
    todo += new
with open(sys.argv[2], "w") as output:
    json.dump({"lines": [[*key, *value] for key, value in sorted(lines.items())],
               "wide": wide}, output)
"""

gc.disable()
exec(compile(WARM_UP, "<warm-up>", "exec"))
workload = __import__(sys.argv[1])
result = workload.main()
exec(compile(FINISH, "<finish>", "exec"))
