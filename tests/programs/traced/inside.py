# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs workloads under tracemalloc and, in the same process, under the tool. For CPython 3.6 and later.

Usage: inside.py WORKLOADS OUTPUT SECONDS. WORKLOADS are names, separated by commas. Each is a module of this folder
with a main(), or a module of the interpreter's own tests (test.test_json). Of such a module the script runs as many
tests as begin within SECONDS, and at least five, spread over the module.

At the end the process forks. The parent ends at once. The child has the same memory, so its tracemalloc holds the
blocks that are live at the parent's exit. The child writes JSON to OUTPUT: "lines", a list of
[file, line, blocks, bytes, blocks of no bytes], and "tests", the number of tests that ran for each module. The script
calls the C library's fork, since os.fork runs Python code in the child.

Code that does not belong to the workload has its own file name, <warm-up> or <finish>. The warm-up empties the
interpreter's free lists, since tracemalloc does not know blocks in them that are older than itself. Up to 3.10 each
code object also keeps a frame, so functions that ran before get new code objects. The finish first waits for threads
that the interpreter no longer counts: such a thread releases the interpreter's lock before it frees its state, and in
the parent this could happen after the fork. Then the finish empties the free lists of lists and ints: fork makes an int
in the parent only, and from 3.14 on that int would use memory that a line of the workload left.
"""
import _thread
import _tracemalloc
import ctypes
import gc
import os
import sys
import time
import types

WARM_UP = """
_tracemalloc.start(1)
def new_code(code):
    constants = tuple([new_code(each) if type(each) is types.CodeType else each for each in code.co_consts])
    if hasattr(code, "replace"):
        return code.replace(co_consts=constants)
    return types.CodeType(code.co_argcount, code.co_kwonlyargcount, code.co_nlocals, code.co_stacksize, code.co_flags,
                          code.co_code, constants, code.co_names, code.co_varnames, code.co_filename,
                          code.co_name, code.co_firstlineno, code.co_lnotab, code.co_freevars, code.co_cellvars)
if sys.version_info < (3, 11):
    for function in gc.get_objects():
        if type(function) is types.FunctionType:
            function.__code__ = new_code(function.__code__)
class Class:
    def method(self):
        pass
instance = Class()
kept = [MemoryError() for n in range(30)]
for n in range(1000):
    kept.append([])
    kept.append({})
    kept.append({"a": n})
    kept.append(n * 1.5)
    kept.append(iter(()))
    kept.append(iter([]))
    kept.append(instance.method)
    kept.append(kept.append)
    kept.append(range(n, n + 5))
    kept.append(iter(range(n, n + 5)))
    kept.append(n + 1000000000)
    kept.append((n + 1000000000) * 1000000000)
for size in range(1, 22):
    for n in range(2100):
        kept.append((n,) * size)
def one():
    yield
async def two():
    yield
async def three():
    pass
for n in range(300):
    kept.append(one())
    kept.append(two())
    kept.append(two().asend(None))
    kept.append(slice(n))
    kept.append(three())
if contextvars:
    for n in range(300):
        kept.append(contextvars.Context())
"""

FINISH = """
for n in range(1000):
    if len(os.listdir("/proc/self/task")) <= _thread._count() + 1:
        break
    time.sleep(0.02)
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


AT_LEAST = 5


def flat(suite):
    for test in suite:
        if hasattr(test, "__iter__"):
            yield from flat(test)
        else:
            yield test


def run_workload(name):
    return __import__(name).main()


def run_tests(name):
    """Runs tests of a module while there is time, in an order that soon covers all of the module."""
    import unittest
    suite = list(flat(unittest.defaultTestLoader.loadTestsFromName(name)))
    step = max(1, round(len(suite) ** 0.5))
    result = unittest.TestResult()
    end = time.process_time() + seconds_for_each
    for start in range(step):
        for test in suite[start::step]:
            if time.process_time() < end or result.testsRun < AT_LEAST:
                test(result)
    return result.testsRun, suite, result


seconds_for_each = float(sys.argv[3])
steps = [(name, run_tests if name.startswith("test.") else run_workload) for name in sys.argv[1].split(",")]
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
exec(warm_up)
for name, run in steps: ran[name] = run(name)     # one line, so that all its stacks begin at it
exec(finish)
