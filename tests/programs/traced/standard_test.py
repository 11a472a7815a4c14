# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the standard library's own test of tracemalloc with another import: pymemcheck.tracing in place of tracemalloc.

Usage: standard_test.py OUTPUT. The test's source is read from the interpreter's package test, and only its line
"import tracemalloc" changed. Before the test, stop() is called: the tool follows memory from the start, as with
-X tracemalloc, and then the test would skip most of itself. Writes a JSON dict to OUTPUT: the name of each test ->
"passed", "skipped", or the last line of its error."""
import importlib.util
import json
import os
import sys
import types
import unittest

# assert_python_ok and the like start interpreters without the tool, and use the real tracemalloc.
path = importlib.util.find_spec("test.test_tracemalloc").origin
output = os.path.abspath(sys.argv[1])
with open(path, encoding="utf-8") as stream:
    source = stream.read()
changed = source.replace("\nimport tracemalloc\n", "\nfrom pymemcheck import tracing as tracemalloc\n")
assert changed != source, "the test does not import tracemalloc as expected"

module = types.ModuleType("test.test_tracemalloc")
module.__file__ = path
sys.modules[module.__name__] = module
exec(compile(changed, path, "exec"), module.__dict__)
module.tracemalloc.stop()


class Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.answers = {}

    def startTest(self, test):
        super().startTest(test)
        if "PM_VERBOSE" in os.environ:
            import time
            print(time.process_time(), test.id(), file=sys.stderr, flush=True)

    def stopTest(self, test):
        super().stopTest(test)
        name = ".".join(test.id().split(".")[-2:])
        self.answers.setdefault(name, "passed")

    def addSkip(self, test, reason):
        self.answers[".".join(test.id().split(".")[-2:])] = "skipped"

    def _bad(self, test, error):
        self.answers[".".join(test.id().split(".")[-2:])] = str(error[1]).splitlines()[0] if str(error[1]) else repr(error[1])

    def addError(self, test, error):
        self._bad(test, error)

    addFailure = addError

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self._bad(test, error)


result = Result()


def run_deeper(depth):
    """As many callers as python -m unittest has; some tests count them."""
    if depth:
        return run_deeper(depth - 1)
    return unittest.defaultTestLoader.loadTestsFromModule(module).run(result)


run_deeper(10)
with open(output, "w") as stream:
    json.dump(result.answers, stream, indent=1, sort_keys=True)
