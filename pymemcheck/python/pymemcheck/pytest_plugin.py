# SPDX-License-Identifier: GPL-2.0-or-later
"""The pytest plugin: docs/pytest.md. Options, marks, and what is printed; pytest_checks.py runs the tests.

    pymemcheck run -m pytest ...
    valgrind --tool=pymemcheck python -m pytest --pymemcheck ...

Outside the tool one line says so, and nothing else changes."""
import pytest

from . import client_requests
from .pytest_checks import Checker
from .pytest_summary import Results
from .repetition import DEFAULT_RUNS, parse_runs, parse_size
from .search import check_kinds

MARKS = (
    ("limit_leaks(size=0, filter_fn=None, warmups=%d, runs=%d): fails if each of the runs that count leaks more than size "
     "bytes (\"1 KB\") in one record; filter_fn gets a record, and answers whether it counts" % DEFAULT_RUNS),
    "limit_memory(size): fails if the test has more than size bytes (\"24 MB\") allocated at once",
    "known_leak(reason, fingerprint=None): the test is expected to leak: all that it leaks, or one or several fingerprints",
    "skip_pymemcheck(reason=None): the test runs unchecked",
)
OUR_MARKS = ("limit_leaks", "limit_memory", "known_leak", "skip_pymemcheck")


def _option(parse):
    """parse for argparse, which wants its own exception."""
    import argparse

    def parsed(text):
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
    return parsed


def pytest_addoption(parser):
    group = parser.getgroup("pymemcheck", "leaks of each test, by Valgrind's tool pymemcheck")
    group.addoption("--pymemcheck", action="store_true", help="look for leaks after each test")
    group.addoption("-R", dest="pymemcheck_runs", metavar="WARM:RUN", type=_option(parse_runs), default=None,
                    help="run each test WARM + RUN times, and fail it if each of the last RUN leaks (marked tests: %d:%d; "
                         "others: once)" % DEFAULT_RUNS)
    group.addoption("--pymemcheck-kinds", metavar="KINDS", type=_option(check_kinds), default=None,
                    help="kinds of leaks that count, with commas between them (definite,cycle,surplus,deficit)")
    group.addoption("--only-object", metavar="PATTERN", action="append", default=[],
                    help="only leaks with this shared object or executable in their stack; may be given more than once")
    group.addoption("--only-file", metavar="PATTERN", action="append", default=[],
                    help="only leaks with this Python file in their stack; may be given more than once")
    group.addoption("--pymemcheck-growth", metavar="BYTES", type=_option(parse_size), default=None,
                    help="also fail a test if a line has so many more bytes reachable after each run that counts")
    group.addoption("--pymemcheck-top", metavar="N", type=int, default=5,
                    help="tests in each table of the summary, 0 for no tables (5)")


def _asked(config):
    """Whether an option asks for checks of all tests."""
    option = config.option
    return bool(option.pymemcheck or option.pymemcheck_runs or option.pymemcheck_growth is not None)


def pytest_configure(config):
    for mark in MARKS:
        config.addinivalue_line("markers", mark)
    config.pluginmanager.register(Plugin(config), "pymemcheck-session")


class Plugin:
    """What belongs to one session."""

    def __init__(self, config):
        self.config = config
        self.is_worker = hasattr(config, "workerinput")
        # The process that starts xdist's workers runs no tests.
        self.distributes = not self.is_worker and bool(getattr(config.option, "dist", "no") != "no"
                                                       or getattr(config.option, "tx", None))
        self.all = _asked(config)
        self.active = client_requests.available() and not self.distributes
        self.checker = Checker(config, self.all) if self.active else None
        self.results = Results(config.option.pymemcheck_top)
        self.marked = 0

    # --- Tests ---

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        self.marked = sum(any(item.get_closest_marker(name) for name in OUR_MARKS[:3]) for item in items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item, nextitem):
        return self.checker.run(item, nextitem) if self.checker else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item, nextitem):
        if self.checker:
            self.checker.tear_down(item, nextitem)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item):
        if self.checker:
            self.checker.begin_call()
        yield
        if self.checker:
            self.checker.end_call()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef, request):
        if not self.checker or fixturedef.scope == "function":
            yield
            return
        begin = client_requests.mark()
        yield
        self.checker.add_fixture(fixturedef, begin, client_requests.mark())

    def pytest_fixture_post_finalizer(self, fixturedef):
        if self.checker and fixturedef.scope != "function":
            self.checker.fixture_ended(fixturedef)

    # --- What is printed ---

    def pytest_report_header(self):
        if self.all and not client_requests.available() and not self.distributes:
            return "pymemcheck: tests are not checked: %s" % client_requests.why_not()
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        if not self.is_worker:
            self.results.add(report)

    def pytest_terminal_summary(self, terminalreporter):
        if not self.all and self.marked and not client_requests.available():
            terminalreporter.write_line("pymemcheck: %d tests with marks were not checked: %s" % (
                self.marked, client_requests.why_not()))
        self.results.write(terminalreporter, self.distributes)
