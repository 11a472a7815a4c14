# SPDX-License-Identifier: GPL-2.0-or-later
"""Filters of sites and records by their stacks, in the way of tracemalloc's Filter: a stack stays if one of the
including filters matches, or there are none, and no excluding one does.

    numbers = select_sites(profile, grouping, [FileFilter("job.py"), FileFilter("*/json/*", include=False)])

Any callable that takes a stack's frames, innermost first, and returns true or false is a filter too."""
import re

from .grouping import NotInFile, domains_of_stacks
from .profile import DOMAINS


def _wildcard(pattern):
    """A regular expression for a pattern in which * is any text and ? one character (as in suppressions, so a
    bracket stands for itself)."""
    return "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)


class Pattern:
    """Matches a text that is like the pattern, or ends with a separator and something like it."""

    def __init__(self, pattern, separator=None):
        before = "(?:.*%s)?" % re.escape(separator) if separator else ""
        self.match = re.compile("(?:%s%s)\\Z" % (before, _wildcard(pattern)), re.DOTALL).match


_TAG = re.compile(r"\.(?:abi3|cpython-[^./]+)\.so\Z")


class Filter:
    """What all filters share. all_frames: one frame that matches is enough; else the one that a site is told by
    (its innermost Python frame, or the C function where there is none) must match."""

    def __init__(self, include=True, all_frames=False):
        self.include, self.all_frames = include, all_frames

    def matches_frame(self, frame):
        raise NotImplementedError


class FileFilter(Filter):
    """By Python file, and by line if it is given."""

    def __init__(self, pattern, line=None, include=True, all_frames=False):
        super().__init__(include, all_frames)
        self._match, self._line = Pattern(pattern, "/").match, line

    def matches_frame(self, frame):
        return (frame.kind == "python" and (self._line is None or frame.line == self._line)
                and self._match(frame.file) is not None)


class LineFilter(Filter):
    """By line number in any file."""

    def __init__(self, line, include=True, all_frames=False):
        super().__init__(include, all_frames)
        self._line = line

    def matches_frame(self, frame):
        return frame.kind == "python" and frame.line == self._line


class FunctionFilter(Filter):
    """By function, Python or C; a pattern may leave out the class."""

    def __init__(self, pattern, include=True, all_frames=False):
        super().__init__(include, all_frames)
        self._match = Pattern(pattern, ".").match

    def matches_frame(self, frame):
        return frame.kind != "note" and self._match(frame.function) is not None


class ObjectFilter(Filter):
    """By executable or shared object of any native frame; the tag of an extension module may be left out."""

    def __init__(self, pattern, include=True):
        super().__init__(include, True)
        self._match = Pattern(pattern, "/").match

    def matches_frame(self, frame):
        return frame.kind == "native" and "allocator" not in frame.flags and (
            self._match(frame.object) is not None or self._match(_TAG.sub(".so", frame.object)) is not None)


class PhaseFilter:
    """By when it was allocated: "main", "import" or "finalization"."""

    def __init__(self, phase, include=True):
        self.phase, self.include = phase, include


class ThreadFilter:
    """By the number of the thread."""

    def __init__(self, thread, include=True):
        self.thread, self.include = thread, include


class DomainFilter:
    """By CPython's allocator domain."""

    def __init__(self, domain, include=True):
        self.domain, self.include = domain, include


def _stack_test(profile, grouping, test):
    """A function of a stack's number."""
    if isinstance(test, PhaseFilter):
        return lambda stack: grouping.phase(stack) == test.phase
    if not isinstance(test, Filter):
        return lambda stack: bool(test(profile.stack(stack)))
    matching = [1 if test.matches_frame(frame) else 0 for frame in profile.frames] or [0]
    if test.all_frames:
        return grouping.inherited(matching).__getitem__
    told_by = grouping.told_by

    def matches(stack):
        number = told_by(stack)
        return number != 0 and matching[number - 1]
    return matches


def _accepts(tests):
    """From pairs of (filter, test of an item) one test of an item."""
    including, excluding = {}, []
    for filter_, test in tests:
        if getattr(filter_, "include", True):
            including.setdefault(type(filter_), []).append(test)
        else:
            excluding.append(test)
    groups = list(including.values())
    return lambda item: (all(any(test(item) for test in group) for group in groups)
                         and not any(test(item) for test in excluding))


def select_sites(profile, grouping, filters):
    """The numbers of the sites that all filters let through; None if there are no filters. Filters of one kind
    are alternatives, filters of different kinds must all agree. Raises NotInFile."""
    if not filters:
        return None
    tests = []
    for filter_ in filters:
        column = {ThreadFilter: "thread", DomainFilter: "domain"}.get(type(filter_))
        if column is None:
            test = _stack_test(profile, grouping, filter_)
            tests.append((filter_, lambda item, test=test: test(item[1])))
        elif column not in profile.sites.more:
            raise NotInFile("the file has no %s of allocation sites%s" % (
                column, "; leak records have one (--leaked)" if column == "thread" else ""))
        else:
            values, wanted = profile.sites.more[column], getattr(filter_, column)
            if column == "domain":
                wanted = DOMAINS.index(wanted)
            tests.append((filter_, lambda item, values=values, wanted=wanted: values[item[0]] == wanted))
    accepts = _accepts(tests)
    return [number for number, stack in enumerate(profile.sites.stack) if accepts((number, stack))]


def select_records(profile, grouping, filters, records):
    """The records that the filters let through. A record's phase is any in which it has blocks."""
    if not filters:
        return records
    tests = []
    for filter_ in filters:
        if isinstance(filter_, PhaseFilter):
            tests.append((filter_, lambda record, key=filter_.phase + "_blocks": getattr(record, key) > 0))
        elif isinstance(filter_, ThreadFilter):
            tests.append((filter_, lambda record, thread=filter_.thread: record.thread == thread))
        elif isinstance(filter_, DomainFilter):
            domains = domains_of_stacks(profile)
            if domains is None:
                raise NotInFile("the file has no domain of leak records")
            tests.append((filter_, lambda record, domain=filter_.domain: domains.get(record.stack) == domain))
        else:
            test = _stack_test(profile, grouping, filter_)
            tests.append((filter_, lambda record, test=test: test(record.stack)))
    accepts = _accepts(tests)
    return [record for record in records if accepts(record)]
