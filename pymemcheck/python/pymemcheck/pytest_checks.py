# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the tests of a pytest session, searches for leaks after each, and judges.

A checked test runs WARM + RUN times, each with its setup and teardown. After the teardown of what is the test's own, and
before that of fixtures of a wider scope, the heap is searched; a record that grew in each counted run fails the test. Only
the reports of the last run are given to pytest, or those of the first run that did not pass.

Fixtures of a wider scope are told by the numbers of their allocations: what one allocated while it was set up is its own.
What was allocated between two tests belongs to the teardown of such fixtures."""
import collections
import os
import time
import traceback

import pytest
from _pytest.runner import CallInfo, call_and_report, check_interactive_exception

from . import client_requests
from .child_processes import ChildProcesses
from .filters import FileFilter, ObjectFilter
from .labels import harmless
from .pytest_summary import Child, Figures, child_property, properties
from .repetition import DEFAULT_RUNS, Repetition, parse_size
from .search import RUNNING_KINDS, check_kinds, growth_lines, growth_sums, leak_check, overwrite_frames, record_sums, \
    without_frames_of

# What a fixture of a wider scope allocated: numbers of allocations after begin, up to end.
Fixture = collections.namedtuple("Fixture", "name begin end")
# Python files that run tests, but are none.
_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_MACHINERY = ("/_pytest/", "/pluggy/", "/xdist/", "/execnet/", _HERE)
# pytest's functions that call tests, and set up and tear down fixtures.
_CALLS = ("pytest_pyfunc_call", "runtest", "call_fixture_func", "_teardown_yield_fixture")
_CUT = ("/_pytest/", "/pluggy/", "/unittest/")
SHOWN_COMMAND = 80


class _Plan:
    """How one test is to be checked."""

    def __init__(self, item, checker):
        self.limit = self.memory = None
        self.filter, self.known_reason, self.known = None, None, ()
        self.runs = checker.runs
        leaks, memory, known = (item.get_closest_marker(name) for name in ("limit_leaks", "limit_memory", "known_leak"))
        self.checked = not item.get_closest_marker("skip_pymemcheck") and (checker.all or leaks or memory or known)
        if leaks is not None:
            self._take_limit_leaks(*leaks.args, **leaks.kwargs)
        if memory is not None:
            self.memory = _limit_memory(*memory.args, **memory.kwargs)
        if known is not None:
            self._take_known_leak(*known.args, **known.kwargs)
        if self.runs is None:
            self.runs = DEFAULT_RUNS if leaks is not None else (0, 1)
        # Only a function can be set up again.
        if not isinstance(item, pytest.Function):
            self.runs = (0, 1)

    def _take_limit_leaks(self, size=0, location_limit=None, filter_fn=None, warmups=None, runs=None):
        self.limit = parse_size(size if location_limit is None else location_limit)
        self.filter = filter_fn
        if self.runs is None or warmups is not None or runs is not None:
            warm, count = self.runs or DEFAULT_RUNS
            self.runs = (warm if warmups is None else int(warmups), count if runs is None else int(runs))

    def _take_known_leak(self, reason="", fingerprint=None):
        self.known_reason = str(reason) or "a known leak"
        self.known = (fingerprint,) if isinstance(fingerprint, str) else tuple(fingerprint or ())

    def counts(self, growth):
        """Whether a Growth is above the limit and accepted by the mark's filter."""
        record = growth.record
        if self.filter is not None and not self.filter(record):
            return False
        return not self.limit or (record.bytes + record.indirect_bytes) > self.limit * len(growth.amounts)

    def is_known(self, growth):
        return self.known_reason is not None and (not self.known or growth.record.fingerprint in self.known)


def _limit_memory(size):
    return parse_size(size)


def _line_of(record):
    """The key of reachable memory: the innermost Python line."""
    return next(((frame.file, frame.line) for frame in record.frames if frame.kind == "python"), None)


def _is_of_a_test(record):
    """Whether memory was allocated by a test or fixture: its innermost Python frame is not of what runs tests, and pytest's call
    of the test or fixture is nearer than our own code."""
    frames = [frame for frame in record.frames if frame.kind == "python"]
    if not frames or any(part in frames[0].file for part in _MACHINERY):
        return False
    for frame in frames:
        if frame.file.startswith(_HERE):
            return False
        if "/_pytest/" in frame.file and frame.function.rpartition(".")[2] in _CALLS:
            return True
    return False


class Checker:
    """The checks of one process. all: tests without marks are checked, too."""

    def __init__(self, config, all_tests):
        option = config.option
        self.all, self.pid = all_tests, os.getpid()
        self.runs = option.pymemcheck_runs
        self._kinds = check_kinds(option.pymemcheck_kinds, RUNNING_KINDS)
        self._growth = option.pymemcheck_growth
        self._filters = [[ObjectFilter(pattern) for pattern in option.only_object],
                         [FileFilter(pattern) for pattern in option.only_file]]
        self._children = ChildProcesses(config.invocation_params.dir)
        self._found = None          # the last search; None: unchecked tests ran since, or none was made
        self._fixtures, self._ended = [], False
        self._item = self._repetition = None
        self.peak_bytes = 0

    # --- Searches ---

    def _counts(self, record):
        frames = record.frames
        return all(not group or any(f.matches_frame(frame) for f in group for frame in frames) for group in self._filters)

    def _search(self, since=None, kinds=None):
        begin = time.perf_counter()
        found = leak_check(since=since, kinds=kinds or self._kinds)
        found[:] = [record for record in found if self._counts(record)]
        self._search_seconds += time.perf_counter() - begin
        return found

    # --- Fixtures ---

    def add_fixture(self, fixturedef, begin, end):
        self._fixtures.append(Fixture("fixture %s (%s)" % (fixturedef.argname, fixturedef.scope), begin, end))

    def fixture_ended(self, fixturedef):
        """A fixture of a wider scope was torn down. What that leaked is not the next test's."""
        self._ended = True

    def _owner(self, record):
        """The fixture that allocated a record's newest block, or None for the test."""
        if record.kind in ("surplus", "deficit") or not record.last:
            return None
        for fixture in self._fixtures:
            if fixture.begin < record.last <= fixture.end:
                return fixture.name
        return None

    # --- The call ---

    def begin_call(self):
        if self._item is None or os.getpid() != self.pid:
            return
        client_requests.reset_peak()
        client_requests.read_counters()
        self._live_bytes = client_requests.raw_counters().live_bytes

    def end_call(self):
        if self._item is None or os.getpid() != self.pid:
            return
        client_requests.read_counters()
        self.peak_bytes = max(self.peak_bytes, client_requests.raw_counters().peak_bytes - self._live_bytes)

    # --- A test ---

    def tear_down(self, item, nextitem):
        """Tears down what is the test's own, and searches; pytest's own hook, which comes next, tears down the rest."""
        if self._item is not item or os.getpid() != self.pid:
            return
        state = item.session._setupstate
        try:
            state.teardown_exact(item.parent)
        except BaseException:
            state.teardown_exact(nextitem)
            raise
        # The test's arguments would keep what it made.
        if getattr(item, "funcargs", None):
            item.funcargs.clear()
        overwrite_frames()
        self._found = self._search()
        self._repetition.add(self._found)
        if self._reachable is not None:
            self._reachable_found = self._search(self._since, ("reachable",))
            self._reachable.add(record for record in self._reachable_found if _is_of_a_test(record))
        self._ended = False

    def run(self, item, nextitem):
        """Runs a test, as pytest_runtest_protocol; None if it is not to be checked."""
        if os.getpid() != self.pid:
            return None
        plan, problem = None, None
        try:
            plan = _Plan(item, self)
        except (TypeError, ValueError) as error:
            problem = str(error)
        if plan is None:
            self._found = None
            return _report_bad_mark(item, nextitem, problem)
        if not plan.checked:
            self._found = None
            return None
        self._search_seconds = 0.0
        if self._found is None:
            self._found = self._search()
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports = self._run_checked(item, nextitem, plan)
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _run_checked(self, item, nextitem, plan):
        self._item, self.peak_bytes = item, 0
        self._since = client_requests.mark()
        self._repetition = Repetition(*plan.runs, before=self._found)
        wider = Repetition(0, 1, before=self._found)       # fixtures of a wider scope are set up in one of the runs
        self._reachable = None
        if self._growth is not None:
            self._reachable = Repetition(*plan.runs, key=_line_of, measure="bytes", least=max(self._growth, 1))
        self._children.forget()
        begin, properties_before = time.perf_counter(), list(item.user_properties)
        try:
            for number in range(1, self._repetition.runs + 1):
                reports = None      # of the run before; they may hold much
                item.user_properties[:] = properties_before
                reports = _run_once(item, nextitem if number == self._repetition.runs else item.parent)
                passed = all(report.passed for report in reports)
                if not passed:
                    if number < self._repetition.runs:
                        reports += _tear_down_rest(item, nextitem)
                    break
            seconds = time.perf_counter() - begin
        finally:
            self._item = None
        finished = passed and number == self._repetition.runs
        grown = self._repetition.grown() if finished else []
        wider.add(self._found)
        figures = self._judge(item, plan, grown, reports, seconds, number)
        # Of the teardown's report, which is the one whose properties get into a JUnit file.
        reports[-1].user_properties.extend(properties(figures) + self._child_properties())
        self._tell_fixtures(item, wider.grown(), reports)
        if self._ended:
            self._search_after_fixtures(item, reports)
        return reports

    def _judge(self, item, plan, grown, reports, seconds, number):
        """Changes the reports by what was found, and gives the test's figures."""
        own, known, messages = [], [], []
        for growth in grown:
            if self._owner(growth.record) is not None:
                continue
            if plan.is_known(growth):
                known.append(growth)
            else:
                try:
                    counts = plan.counts(growth)
                except Exception:       # of the user's filter
                    messages.append("filter_fn of limit_leaks failed:\n%s" % traceback.format_exc())
                    counts = True
                if counts:
                    own.append(growth)
        runs = self._repetition.runs
        if own:
            size, blocks = growth_sums(own)
            messages.append(_headline(item, own, runs))
            messages += growth_lines(self._found, _cut_all(own), runs)
        messages += self._reachable_lines() if grown is not None and self._reachable is not None and number == runs else []
        if plan.memory is not None and self.peak_bytes > plan.memory:
            messages.append("the test had {:,} bytes allocated at once, more than its limit of {:,} bytes".format(
                self.peak_bytes, plan.memory))
        if messages:
            _fail(reports, "\n".join(messages).rstrip(), plan)
        elif known:
            _expect(reports, plan.known_reason, "\n".join(growth_lines(self._found, _cut_all(known), runs)))
        elif plan.known_reason is not None and reports[-1].passed:
            reports[-1].user_properties.append(("pymemcheck-stale", "known_leak of %s: it did not leak (%s)" % (
                item.nodeid, plan.known_reason)))
        size, blocks = growth_sums(own + known)
        return Figures(runs=number, leaked_bytes=size, leaked_blocks=blocks, leaks=len(own), known=len(known),
                       peak_bytes=max(self.peak_bytes, 0), search_ms=round(self._search_seconds * 1000),
                       test_ms=round(seconds * 1000), pid=self.pid)

    def _child_properties(self):
        """Of the children that ended while the test ran."""
        told = []
        for child in self._children.ended():
            records = [record for record in child.leaks or () if record.kind in self._kinds and not record.suppressed
                       and not record.left_out and self._counts(record)]
            told.append(child_property(Child(child.pid, None if child.leaks is None else len(records), *record_sums(records),
                                             harmless(" ".join(child.command))[:SHOWN_COMMAND])))
        return told

    def _tell_fixtures(self, item, grown, reports):
        """A report for each fixture of a wider scope that leaked when it was set up for this test."""
        leaks = collections.OrderedDict()
        for growth in grown:
            owner = self._owner(growth.record)
            if owner is not None:
                leaks.setdefault(owner, []).append(growth)
        for owner, growths in leaks.items():
            reports.append(_fixture_report(item, owner, growth_lines(self._found, _cut_all(growths), 1), reports[-1]))
        self._fixtures = []

    def _reachable_lines(self):
        grown = self._reachable.grown()
        if not grown:
            return []
        lines = ["reachable memory grew by at least {:,} bytes in each run that counts:".format(self._growth)]
        for growth in _cut_all(grown):
            lines += ["   %s bytes more in each run" % growth.amounts] + self._reachable_found.text_of(growth.record) + [""]
        return lines

    def _search_after_fixtures(self, item, reports):
        """What the teardown of fixtures of a wider scope leaked is told in a report of its own."""
        repetition = Repetition(0, 1, self._found)
        self._found = self._search()
        repetition.add(self._found)
        grown = repetition.grown()
        self._ended = False
        if grown:
            reports.append(_fixture_report(item, "teardown of fixtures of a wider scope",
                                           growth_lines(self._found, _cut_all(grown), 1), reports[-1]))


def _run_once(item, nextitem):
    """Sets up, calls and tears down: the reports, which nobody has seen yet. As pytest's runtestprotocol."""
    if getattr(item, "_request", None) is False:
        item._initrequest()
    reports = [call_and_report(item, "setup", log=False)]
    if reports[0].passed and not item.config.getoption("setuponly", False):
        reports.append(call_and_report(item, "call", log=False))
    overwrite_frames()          # the search comes some calls deeper, in the teardown
    reports.append(call_and_report(item, "teardown", log=False, nextitem=nextitem))
    if hasattr(item, "_request"):
        item._request = False
        item.funcargs = None
    return reports


def _tear_down_rest(item, nextitem):
    """After a run that was not the last: what the next test does not need. The reports of what went wrong."""
    call = CallInfo.from_call(lambda: item.session._setupstate.teardown_exact(nextitem), when="teardown")
    report = item.ihook.pytest_runtest_makereport(item=item, call=call)
    if report.passed:
        return []
    if check_interactive_exception(call, report):
        item.ihook.pytest_exception_interact(node=item, call=call, report=report)
    return [report]


def _report_bad_mark(item, nextitem, problem):
    """A mark with wrong arguments is an error of the test."""
    def complain():
        pytest.fail("%s: a mark of pymemcheck is wrong: %s" % (item.nodeid, problem), pytrace=False)
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for when, function in (("setup", complain), ("teardown", lambda: item.session._setupstate.teardown_exact(nextitem))):
        report = item.ihook.pytest_runtest_makereport(item=item, call=CallInfo.from_call(function, when=when))
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


# --- Reports ---

def _cut_all(grown):
    return without_frames_of(grown, _CUT)


def _headline(item, grown, runs):
    size, blocks = growth_sums(grown)
    text = "%d leak%s" % (len(grown), "" if len(grown) == 1 else "s")
    if blocks:
        text += ", {:,} bytes in {:,} blocks".format(size, blocks)
    return "%s: %s%s" % (item.nodeid, text, " in %d runs that count" % len(grown[0].amounts) if runs > 1 else "")


def _call_report(reports):
    return next((report for report in reports if report.when == "call"), None)


def _fail(reports, text, plan):
    """A passed test fails; of others the text is a section."""
    report = _call_report(reports)
    if report is None or not report.passed or any(r.failed for r in reports):
        reports[-1].sections.append(("pymemcheck", text))
        return
    if hasattr(report, "wasxfail"):         # it passed, and was expected to fail
        report.outcome = "skipped"
    else:
        report.outcome = "failed"
    report.longrepr = text


def _expect(reports, reason, text):
    """A leak that is known: the test counts as an expected failure."""
    report = _call_report(reports)
    if report is None or not report.passed:
        return
    report.outcome, report.wasxfail = "skipped", "reason: known leak: %s" % reason
    report.sections.append(("pymemcheck", text))


def _fixture_report(item, owner, lines, like):
    """An error at teardown that is not the test's. like: another report of the test."""
    times = {name: getattr(like, name) for name in ("start", "stop") if hasattr(like, name)}    # from pytest 8 on
    return pytest.TestReport(nodeid=item.nodeid, location=item.location, keywords={}, outcome="failed",
                             longrepr="\n".join(["%s leaked:" % owner] + lines).rstrip(), when="teardown", sections=[],
                             duration=0, **times)
