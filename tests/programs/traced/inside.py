# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs workloads under tracemalloc and, in the same process, under the tool. For CPython 3.6 and later.

Usage: inside.py WORKLOADS OUTPUT SECONDS. WORKLOADS are names, separated by commas. Each is a module of this folder
with a main(), or a module of the interpreter's own tests (test.test_json). Of such a module the script runs as many
tests as begin within SECONDS, and at least five, spread over the module.

At the end the process forks. The parent ends at once. The child has the same memory, so its tracemalloc holds the
blocks that are live at the parent's exit. The child writes JSON to OUTPUT: "lines", a list of
[file, line, blocks, bytes, blocks of no bytes], and "tests", the number of tests that ran for each module. The script
calls the C library's fork, since os.fork runs Python code in the child.

Code that does not belong to the workload has its own file name, <warm-up> (see workloads.py) or <finish>. The finish
first waits for threads that the interpreter no longer counts: such a thread releases the interpreter's lock before it
frees its state, and in the parent this could happen after the fork. Then the finish empties the free lists of lists and
ints: fork makes an int in the parent only, and from 3.14 on that int would use memory that a line of the workload left.
"""
import _thread
import _tracemalloc
import ctypes
import gc
import os
import sys
import time
import types

from workloads import WAIT_FOR_THREADS, WARM_UP, run

FINISH = WAIT_FOR_THREADS + """
kept.append([[] for n in range(200)])
kept.append([n + 1000000000 for n in range(200)])
if fork():
    _exit(0)
traces = _tracemalloc._get_traces()
import collections, json
lines = collections.defaultdict(lambda: [0, 0, 0])
for trace in traces:
    if trace[0] == 0:
        figures = lines[trace[2][0]]
        figures[0] += 1
        figures[1] += trace[1]
        figures[2] += trace[1] == 0
with open(sys.argv[2], "w") as output:
    tests = {name: result[0] for name, result in ran.items() if name.startswith("test.")}
    json.dump({"lines": [list(key) + value for key, value in sorted(lines.items())], "tests": tests}, output)
_exit(0)
"""


seconds_for_each = float(sys.argv[3])
names = sys.argv[1].split(",")
ran = {}
try:
    import contextvars
except ImportError:
    contextvars = None
fork, _exit = ctypes.PyDLL(None).fork, os._exit
fork.argtypes, fork.restype = [], ctypes.c_int
# The first call of these leaves memory behind, which does not belong to the workload.
_tracemalloc._get_traces()
warm_up, finish = compile(WARM_UP, "<warm-up>", "exec"), compile(FINISH, "<finish>", "exec")
_tracemalloc.start(1)
exec(warm_up)
for name in names: ran[name] = run(name, seconds_for_each)     # one line, so that all its stacks begin at it
exec(finish)
