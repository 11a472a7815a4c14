# SPDX-License-Identifier: GPL-2.0-or-later
"""Leak searches from inside the program, and tests that nothing leaks.

    found = leak_check()                    # Found: a list of Records, as Profile.leaks has them
    print(found.text())

    with no_leaks():                        # raises LeakError with the text of the records
        work()

    @no_leaks(runs=(1, 3))                  # four calls; what each of the last three loses is a leak
    def test_work(): ...

Outside the tool a search finds nothing, and no_leaks() lets everything pass."""
import collections
import functools
import gc
import json
import threading
import unittest

from . import client_requests
from .grouping import DEFAULT_LEAK_KINDS, Grouping
from .labels import Labels
from .checked import need_member, read_texts
from .profile import LEAK_KINDS, Profile
from .record_words import bytes_in_blocks, counted
from .repetition import Repetition, parse_runs
from .source import Sources
from .text import Text

FREE_LIST_PLACES = 80       # PyDict_MAXFREELIST, PyList_MAXFREELIST
# What counts as a leak while a program runs. "possible" does not: it is also memory that calls under way use, such as arrays
# of arguments, and the C library's table of environment variables.
RUNNING_KINDS = tuple(kind for kind in DEFAULT_LEAK_KINDS if kind != "possible")


class LeakError(AssertionError):
    """Something leaked. grown: a list of repetition.Growth."""

    def __init__(self, message, grown):
        self.grown = grown
        super().__init__(message)


class _Names(Profile):
    """The frames, stacks and strings of a search's answer: a Profile without sites."""

    def _fill(self, data):
        self.exact_bytes, self.run, self.leak_summary, self.leaks = {}, {"python": None}, None, []
        self.strings = read_texts(need_member(data, "strings", list, ""), need_member(data, "strings_hex", dict, ""), "strings",
                                   self.exact_bytes)
        self._read_frames(need_member(data, "frames", list, ""))
        self._read_stacks(need_member(data, "stacks", dict, ""))
        self.leak_summary, self.leaks = self._read_leaks(data, "leaks")
        self.leaks_before = self.leak_summary_before = None
        self._stacks = {}

    @classmethod
    def of(cls, text):
        names = cls()
        names.path = "the tool's answer"
        names._fill(json.loads(text))
        return names


class Found(list):
    """The records of a search (see profile.Record), in the tool's order.

    sums: kind -> (bytes, blocks) of all kinds, also of those that were not asked for. mark: the search's moment: a later
    search can ask for what was allocated since."""

    def __init__(self, records, sums, mark, names=None):
        super().__init__(records)
        self.sums, self.mark, self._names = sums, mark, names

    def text_of(self, record, number=1, count=1):
        """A record as the tool's report shows it, a list of lines."""
        if self._names is None:
            return []
        lines = []
        grouping = Grouping(self._names)
        Text(self._names, grouping, Labels(self._names), lines.append, sources=Sources(), paths="full").record(
            record, number, count)
        return lines

    def text(self):
        """All records, as the tool's report shows them."""
        return "\n".join(line for number, record in enumerate(self, 1)
                         for line in self.text_of(record, number, len(self)) + [""])


def overwrite_frames():
    """Overwrites what calls left behind, in the memory of the frames that are made next, of Python and of C: a new frame uses
    only a part of its memory, and a dead pointer in the rest would hide a leak. Call it as near as can be to what ran, before
    the calls that lead to the search."""
    _overwriting.steps = [False] + [True] * OVERWRITTEN_FRAMES
    try:
        _overwrite()
    except RecursionError:
        pass                    # as many as there is room for
    client_requests.scrub_stack()


def _overwrite():
    """Calls itself. From 3.11 on the frames of Python functions lie one behind the other, as on a stack, in pieces of 16 KB. No
    function that calls another has a smaller frame than this one, so that no frame fits where none of these does, at the end
    of a piece; and it uses all of its frame."""
    if _overwriting.steps.pop():
        _overwrite()


_overwriting = threading.local()
OVERWRITTEN_FRAMES = 200        # more than a piece has room for


def settle():
    """Lets the collector free what it can, and overwrites what would hide a leak until the next search."""
    gc.collect()
    _refill_free_lists()
    for number in range(5):
        repr(number)            # arguments and results in the frame of the evaluation loop
    overwrite_frames()


def _refill_free_lists():
    """The collector emptied CPython's free lists, and left the pointers where the lists are arrays. What lies at these
    addresses now would count as referred to. As many objects as the arrays have places overwrite them."""
    kept = [({"key": number}, [number]) for number in range(FREE_LIST_PLACES)]
    del kept


def check_kinds(kinds, default=DEFAULT_LEAK_KINDS):
    """Kinds of records as a tuple; a text may name several, with commas between them, or "all"; None: default.
    ValueError."""
    if kinds is None:
        return default
    if isinstance(kinds, str):
        kinds = LEAK_KINDS if kinds == "all" else tuple(kind.strip() for kind in kinds.split(","))
    for kind in kinds:
        if kind not in LEAK_KINDS:
            raise ValueError("expected some of %s, not %r" % (", ".join(LEAK_KINDS), kind))
    return tuple(kinds)


def leak_check(since=None, kinds=None, collect=True):
    """Searches for leaks now. since: a mark (client_requests.mark()): only blocks that were allocated after it; None: all.
    kinds: of the records to return, as docs/leaks.md names them; a list or a text with commas; None: those that count as
    leaks. collect: run the collector first; without that, cycles that it could free are of kind "interpreter". Records
    that a suppression matched, or that --only-object= left out, are not among them."""
    kinds = check_kinds(kinds)
    if not client_requests.available():
        return Found((), {}, None)
    if collect:
        settle()
    flags = (client_requests.SILENT | (client_requests.REACHABLE if "reachable" in kinds else 0)
             | (client_requests.COLLECTED if collect else 0))
    answer = client_requests.leak_search(since or 0, flags)
    names = _Names.of(answer.text)
    records = [record for record in names.leaks
               if record.kind in kinds and not record.suppressed and not record.left_out]
    return Found(records, answer.sums, answer.mark, names)


def growth_lines(found, grown, runs):
    """What leaked, as lines: of each Growth the record in the tool's words, and how it grew in several runs."""
    lines = []
    for number, growth in enumerate(grown, 1):
        lines += found.text_of(growth.record, number, len(grown))
        if runs > 1:
            lines.append("   leaked %s %s in %s" % (growth.amounts, growth.noun, counted(len(growth.amounts), "run")))
        lines.append("")
    return lines


def without_frames_of(grown, runners):
    """A list of Growth whose stacks end where what runs tests begins. runners: parts of the paths of its files."""
    return [growth._replace(record=growth.record._replace(frames=_up_to(growth.record.frames, runners))) for growth in grown]


def _up_to(frames, runners):
    for index, frame in enumerate(frames):
        if (frame.kind == "python" and any(part in frame.file for part in runners)
                and any(inner.kind == "python" for inner in frames[:index])):
            return tuple(frames[:index])
    return frames


def growth_sums(grown):
    """Bytes and blocks that leaked, with what only that kept."""
    return record_sums(growth.record for growth in grown)


def record_sums(records):
    """The same of Records."""
    records = [record for record in records if record.kind not in ("surplus", "deficit")]
    return (sum(record.bytes + record.indirect_bytes for record in records),
            sum(record.blocks + record.indirect_blocks for record in records))


class no_leaks:
    """A context manager and decorator: LeakError if its code leaks.

    kinds: as leak_check, but None is without those possibly lost (RUNNING_KINDS). filter_fn: a function of a Record; False: it does not count. runs: of a decorated function,
    (warm, counted) or "WARM:RUN": it is called so often, and only what grows in each counted call is a leak."""

    def __init__(self, kinds=None, filter_fn=None, runs=None):
        self._kinds, self._filter = check_kinds(kinds, RUNNING_KINDS), filter_fn
        if runs is not None:
            runs = parse_runs(runs if isinstance(runs, str) else "%d:%d" % tuple(runs))
        self._runs = runs

    def _search(self):
        found = leak_check(kinds=self._kinds)
        if self._filter is not None:
            found[:] = [record for record in found if self._filter(record)]
        return found

    def _judge(self, repetition, found):
        grown = repetition.grown()
        if grown:
            size, blocks = growth_sums(grown)
            raise LeakError("%s, %s\n%s" % (counted(len(grown), "leak"), bytes_in_blocks(size, blocks),
                                            "\n".join(growth_lines(found, grown, repetition.runs))), grown)

    def __enter__(self):
        overwrite_frames()
        self._repetition = Repetition(0, 1, self._search())
        return self

    def __exit__(self, kind, value, traceback):
        if kind is not None:
            return False        # the exception holds frames; it matters more
        overwrite_frames()
        found = self._search()
        self._repetition.add(found)
        self._judge(self._repetition, found)
        return False

    def __call__(self, function):
        @functools.wraps(function)
        def checked(*args, **kwargs):
            warm, count = self._runs or (0, 1)
            if not client_requests.available():
                return function(*args, **kwargs)
            repetition = Repetition(warm, count, self._search())
            for _ in range(repetition.runs):
                result = None
                result = function(*args, **kwargs)
                overwrite_frames()
                found = self._search()
                repetition.add(found)
            self._judge(repetition, found)
            return result
        return checked


class NoLeaksMixin:
    """For unittest: class T(pymemcheck.NoLeaksMixin, unittest.TestCase). Each test with its setUp and tearDown runs
    pymemcheck_runs times (warm-up, counted), and fails if all counted runs leak. pymemcheck_kinds: as leak_check."""

    pymemcheck_runs = (1, 3)
    pymemcheck_kinds = None

    def run(self, result=None):
        if not client_requests.available() or getattr(getattr(self, self._testMethodName), "__unittest_skip__", False):
            return super().run(result)
        if result is None:
            result = self.defaultTestResult()
        checker = no_leaks(self.pymemcheck_kinds)
        repetition = Repetition(*self.pymemcheck_runs, before=checker._search())
        for number in range(1, repetition.runs + 1):
            if number == repetition.runs:
                super().run(result)
            else:
                trial = unittest.TestResult()
                super().run(trial)
                if not trial.wasSuccessful() or trial.skipped:
                    return super().run(result)      # it says so itself
                trial = None
            overwrite_frames()
            found = checker._search()
            repetition.add(found)
        try:
            checker._judge(repetition, found)
        except LeakError as error:
            result.addFailure(self, (LeakError, error, None))
        return result


def objects_by_type():
    """How many live objects there are of each type, reachable or not, as a Counter of type names; also of types that
    gc.get_objects() cannot list. Empty outside the tool."""
    counts = collections.Counter()
    for record in leak_check(kinds="all", collect=False):
        for name, blocks in record.types:
            if name:
                counts[name] += blocks
    return counts
