# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs CPython's own tests (the package test) several times each, and prints what leaks as regrtest -R does, with the
records of the leaks: the C function and the Python line. Release builds will do.

    pymemcheck run -m pymemcheck.regrtest -R 3:3 test_list test_dict

The exit status is 2 if a test leaks or fails."""
import argparse
import fnmatch
import gc
import os
import sys
import unittest

from . import client_requests
from .repetition import Repetition, parse_runs
from .search import RUNNING_KINDS, check_kinds, growth_lines, leak_check, overwrite_frames, without_frames_of

BAD = 2
# Files that run the tests; records do not show their frames.
_RUNNERS = ("/unittest/", os.path.abspath(__file__))


def _parse(arguments):
    def runs(text):
        try:
            return parse_runs(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    def kinds(text):
        try:
            return check_kinds(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    parser = argparse.ArgumentParser(prog="pymemcheck.regrtest", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-R", "--huntrleaks", dest="runs", metavar="WARM:RUN", type=runs, default=(3, 3),
                        help="runs of each test: those that warm up, and those that must all leak for a leak (3:3)")
    parser.add_argument("-m", "--match", metavar="PATTERN", action="append", default=[],
                        help="only tests whose name, or a part of it between dots, is like this; may be given more than once")
    parser.add_argument("--kinds", metavar="KINDS", type=kinds, default=RUNNING_KINDS,
                        help="kinds of leaks that count (%s)" % ",".join(RUNNING_KINDS))
    parser.add_argument("-v", "--verbose", action="store_true", help="show what the tests print")
    parser.add_argument("tests", metavar="TEST", nargs="+", help="test_list, test.test_list, or the name of any test module")
    return parser.parse_args(arguments)


def _flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _flat(test)
        else:
            yield test


def _matches(test, patterns):
    name = test.id()
    return not patterns or any(fnmatch.fnmatchcase(part, pattern) for pattern in patterns
                               for part in [name] + name.split("."))


def _full_name(name):
    """A module of the package test is named without it, as for regrtest."""
    if "." in name or os.path.exists(name + ".py"):
        return name
    return "test." + name


def _load(name, patterns):
    """A new suite, so that nothing of the last run is kept in it."""
    return unittest.TestSuite(test for test in _flat(unittest.defaultTestLoader.loadTestsFromName(name))
                              if _matches(test, patterns))


def _clear_caches():
    """regrtest's own; it moved."""
    for module in ("test.libregrtest.utils", "test.libregrtest.refleak"):
        try:
            clear = __import__(module, fromlist=["clear_caches"]).clear_caches
        except (ImportError, AttributeError):
            continue
        clear()
        break
    gc.collect()


def _run_once(name, patterns, stream):
    """The result of one run, without the tests."""
    suite = _load(name, patterns)
    result = unittest.TextTestRunner(stream=stream, verbosity=0, buffer=stream is not sys.stderr).run(suite)
    return result.testsRun, result.wasSuccessful(), [text for _, text in result.errors + result.failures]


def run_test(name, runs, patterns=(), kinds=RUNNING_KINDS, verbose=False, out=sys.stderr):
    """Runs one module of tests; True if it passes and does not leak."""
    full = _full_name(name)
    repetition = None
    warm, count = runs
    print("beginning %d repetitions\n%s" % (warm + count, ("1234567890" * ((warm + count) // 10 + 1))[:warm + count]),
          file=out, flush=True)
    with open(os.devnull, "w") as nowhere:
        repetition = Repetition(warm, count, leak_check(kinds=kinds))
        for _ in range(warm + count):
            ran, passed, complaints = _run_once(full, patterns, sys.stderr if verbose else nowhere)
            if not passed or not ran:
                print("\n%s %s" % (name, "failed:\n" + "\n".join(complaints) if ran else "has no such tests"), file=out)
                return False
            _clear_caches()
            overwrite_frames()
            found = leak_check(kinds=kinds)
            repetition.add(found)
            print(".", end="", file=out, flush=True)
    print(file=out)
    grown = repetition.grown()
    for noun, words in (("references", "references"), ("blocks", "memory blocks")):
        deltas = [sum(steps) for steps in zip(*(growth.amounts for growth in grown if growth.noun == noun))]
        if deltas:
            print("%s leaked %s %s, sum=%d" % (name, deltas, words, sum(deltas)), file=out)
    for line in growth_lines(found, without_frames_of(grown, _RUNNERS), repetition.runs):
        print(line, file=out)
    return not grown


def main(arguments=None):
    options = _parse(arguments)
    if not client_requests.available():
        print("pymemcheck.regrtest: %s: pymemcheck run -m pymemcheck.regrtest ..." % client_requests.why_not(),
              file=sys.stderr)
        return BAD
    bad = [name for name in options.tests if not run_test(name, options.runs, options.match, options.kinds, options.verbose)]
    print("%d of %d tests leaked or failed%s" % (len(bad), len(options.tests), ": " + " ".join(bad) if bad else ""),
          file=sys.stderr)
    return BAD if bad else 0


if __name__ == "__main__":
    sys.exit(main())
