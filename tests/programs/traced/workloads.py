# SPDX-License-Identifier: GPL-2.0-or-later
"""What inside.py and snapshots.py have in common: the warm-up and the workloads. For CPython 3.6 and later."""
import time

# The text of code that empties the interpreter's free lists, to run right after tracemalloc's start, which does not know
# blocks in them that are older than itself. Up to 3.10 each code object also keeps a frame, so functions that ran before
# get new code objects. The code needs the modules gc, sys, types and contextvars (None where there is none).
WARM_UP = """
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

# The text of code that waits for threads that the interpreter no longer counts: such a thread releases the interpreter's
# lock before it frees its state. The code needs the modules _thread, os and time.
WAIT_FOR_THREADS = """
for n in range(1000):
    if len(os.listdir("/proc/self/task")) <= _thread._count() + 1:
        break
    time.sleep(0.02)
"""

AT_LEAST = 5


def flat(suite):
    for test in suite:
        if hasattr(test, "__iter__"):
            yield from flat(test)
        else:
            yield test


def run_tests(name, seconds):
    import unittest
    suite = list(flat(unittest.defaultTestLoader.loadTestsFromName(name)))
    step = max(1, round(len(suite) ** 0.5))
    result = unittest.TestResult()
    end = time.process_time() + seconds
    for start in range(step):
        for test in suite[start::step]:
            if time.process_time() < end or result.testsRun < AT_LEAST:
                test(result)
    return result.testsRun, suite, result


def run(name, seconds):
    """Runs a module's main(). Of a module of the interpreter's own tests (test.test_json) it runs as many tests as begin
    within seconds of processor time, and at least five, in an order that soon covers all of the module; the number of
    tests is the first of what it returns. What the workload keeps is kept by what is returned."""
    return run_tests(name, seconds) if name.startswith("test.") else __import__(name).main()
