# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs one workload and ends while everything that the workload made is alive.

Usage: run.py WORKLOAD [OUTPUT]. Under -X tracemalloc=200 it then writes to
OUTPUT, as JSON, what tracemalloc holds:

"traces"   a list of [file, line, outermost file, outermost line, blocks, bytes,
           blocks of no bytes];
"wide"     a list of [file, line, outermost file, outermost line] of each int
           that holds the address of a class (type.__subclasses__ has them) and
           is above 30 bits: it has 4 bytes more than an int of a lower address;
"held"     a list of [file, line, outermost file, outermost line, bytes] of each
           file name that only tracemalloc itself keeps alive.

Without tracemalloc it ends the process at that point by os._exit. So a tool
outside sees the blocks live at exit that tracemalloc would have held.

Code that does not belong to the workload has its own file name:
<warm-up>  empties the interpreter's free lists, since tracemalloc does not know
           blocks in them that are older than itself;
<finish>   measures.
"""
import _tracemalloc
import gc
import os
import sys

import contextvars

WARM_UP = """
kept = [MemoryError() for n in range(30)]
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
for n in range(300):
    kept.append(contextvars.Context())
"""

FINISH = """
gc.collect()
sys._clear_type_cache()     # the names that it keeps alive depend on their addresses
if not _tracemalloc.is_tracing():
    os._exit(0)
traces = _tracemalloc._get_traces()
import collections, json
lines = collections.defaultdict(lambda: [0, 0, 0])
for trace in traces:
    figures = lines[trace[2][0] + trace[2][-1]]
    figures[0] += 1
    figures[1] += trace[1]
    figures[2] += trace[1] == 0
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
                wide.append(place[0] + place[-1])
    new = set(type.__subclasses__(cls)) - found
    found |= new
    todo += new
# File names that only tracemalloc's own table has, and no code object any more.
stacks = {id(trace[2]): trace[2] for trace in traces}
names = {id(name): name for stack in stacks.values() for name, _ in stack}
frame, codes = sys._getframe(), []
while frame:
    codes.append(frame.f_code)
    frame = frame.f_back
for holder in gc.get_objects():
    for attribute in "__code__", "gi_code", "cr_code", "ag_code":
        if hasattr(type(holder), attribute):
            codes.append(getattr(holder, attribute))
seen = set()
while codes:
    code = codes.pop()
    if id(code) in seen:
        continue
    seen.add(id(code))
    names.pop(id(code.co_filename), None)
    codes += [constant for constant in code.co_consts if type(constant) is type(code)]
for module in list(sys.modules.values()):
    names.pop(id(getattr(module, "__file__", None)), None)
held = [[*_tracemalloc._get_object_traceback(name)[0], *_tracemalloc._get_object_traceback(name)[-1],
         sys.getsizeof(name)]
        for name in names.values() if _tracemalloc._get_object_traceback(name)]
with open(sys.argv[2], "w") as output:
    json.dump({"traces": [[*key, *value] for key, value in sorted(lines.items())],
               "wide": wide, "held": held}, output)
"""

gc.disable()
warm_up, finish = compile(WARM_UP, "<warm-up>", "exec"), compile(FINISH, "<finish>", "exec")
exec(warm_up)
workload = __import__(sys.argv[1])
result = workload.main()
exec(finish)
