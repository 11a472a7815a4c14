# SPDX-License-Identifier: GPL-2.0-or-later
"""The pytest plugin's figures of each test: carried by reports as user properties, so that they come from xdist's workers
and get into JUnit files, and shown in tables at the end."""
import collections

from .record_words import bytes_in_blocks, counted

PREFIX = "pymemcheck_"
# runs: how often the test ran. leaked_*: by all runs that count. peak_bytes: above what was live when the test began.
# search_ms: all searches of the test. known: leaks that a mark expects.
Figures = collections.namedtuple("Figures", "runs leaked_bytes leaked_blocks leaks known peak_bytes search_ms test_ms pid")
# (heading, figure, column, how it is written)
TABLES = (("slowest", "test_ms", "ms", "{:,}"), ("leakiest", "leaked_bytes", "bytes", "{:,}"),
          ("most memory", "peak_bytes", "bytes", "{:,}"))
# A child process of a test: leaks is None if no search was made at its end. command: a text that can be printed.
CHILD = "pymemcheck-child"
Child = collections.namedtuple("Child", "pid leaks leaked_bytes leaked_blocks command")


def properties(figures):
    return [(PREFIX + name, value) for name, value in zip(Figures._fields, figures)]


def figures_of(report):
    """The Figures that a report carries, or None."""
    found = {name[len(PREFIX):]: value for name, value in report.user_properties
             if isinstance(name, str) and name.startswith(PREFIX)}
    try:
        return Figures(**found) if found else None
    except TypeError:
        return None


def child_property(child):
    """A user property for a Child; its parts are words with spaces between them, of which the last may have some itself."""
    return CHILD, " ".join("-" if part is None else str(part) for part in child)


def child_of(text):
    """The Child in the value of a child_property."""
    pid, leaks, size, blocks, command = text.split(" ", 4)
    return Child(int(pid), None if leaks == "-" else int(leaks), int(size), int(blocks), command)


def _child_line(child, nodeid):
    found = "no leak search" if child.leaks is None else "no leak" if not child.leaks else "%s, %s" % (
        counted(child.leaks, "leak"), bytes_in_blocks(child.leaked_bytes, child.leaked_blocks))
    return "%14d %s: %s (%s)" % (child.pid, nodeid, found, child.command)


class Results:
    """Collects the reports of a session."""

    def __init__(self, top):
        self._top, self._tests, self._stale, self._children = top, {}, [], []

    def add(self, report):
        if report.when != "teardown":
            return
        figures = figures_of(report)
        if figures is not None:
            self._tests[report.nodeid] = figures
        self._stale += [value for name, value in report.user_properties if name == "pymemcheck-stale"]
        self._children += [(child_of(value), report.nodeid) for name, value in report.user_properties if name == CHILD]

    def write(self, terminal, distributed):
        tests = self._tests
        if not tests and not distributed:
            return
        terminal.write_sep("=", "pymemcheck")
        if not tests:
            terminal.write_line("no test was checked: do the workers run under the tool (--trace-children=yes)?")
            return
        leaky = [figures for figures in tests.values() if figures.leaks]
        known = sum(figures.known for figures in tests.values())
        processes = len({figures.pid for figures in tests.values()})
        terminal.write_line("%s checked%s, %s with leaks%s; %s searching" % (
            counted(len(tests), "test"), " in %s" % counted(processes, "process") if processes > 1 else "",
            format(len(leaky), ","), ", %s" % counted(known, "known leak") if known else "",
            "%.1f s" % (sum(figures.search_ms for figures in tests.values()) / 1000)))
        for heading, name, unit, form in TABLES if self._top else ():
            rows = sorted(tests.items(), key=lambda row: (-getattr(row[1], name), row[0]))
            rows = [row for row in rows if getattr(row[1], name) > 0][:self._top]
            if rows:
                terminal.write_line("%s:" % heading)
                for nodeid, figures in rows:
                    terminal.write_line("%14s %-5s %s" % (form.format(getattr(figures, name)), unit, nodeid))
        if self._children and self._top:
            terminal.write_line("%s, by pid:" % counted(len(self._children), "child process"))
            rows = sorted(self._children, key=lambda row: (-row[0].leaked_bytes, -(row[0].leaks or 0), row[0].pid))
            for child, nodeid in rows[:self._top]:
                terminal.write_line(_child_line(child, nodeid))
        for text in self._stale:
            terminal.write_line(text)
