# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck check FILE... --baseline=BASE

Compares the leak records of one or several profiles with a baseline: fails (exit status 1) on a fingerprint that is
not in the baseline, and with --fail-on-growth also where a known leak, or the memory in use at the end, has grown by
more than that. Several profiles are taken together, as merge does. BASE is made by --update, or is a profile. Without
a baseline every leak is new. Exit status 2: wrong usage, or a file that cannot be read."""
import argparse
import collections
import json
import os
import re

from . import check_reports
from .arguments import UsageError, open_profile
from .grouping import DEFAULT_LEAK_KINDS, leaks_of
from .labels import Labels, harmless
from .merge import merge_records
from .profile import LEAK_KINDS, ProfileError
from .summary import end_text, innermost_place, leak_what
from .record_words import KIND_TEXTS, counted
from .writer import write_text

FORMAT, VERSION = "pymemcheck-baseline", 1

# What a baseline keeps of a leak: enough to compare, and what and where for people.
Known = collections.namedtuple("Known", "fingerprint kind bytes blocks surplus_references what where")

# One leak of this run or the baseline. state: "new", "grown", "known", "shrunk", "gone". failed: fails the check.
Finding = collections.namedtuple("Finding", "state failed known record what where")


class Growth:
    """A limit: so many percent, or so many bytes, more than before. A percentage, and 0, also limits blocks and
    references, which have no bytes."""

    def __init__(self, text):
        match = re.match(r"(\d+(?:\.\d+)?)(%|[kMG]?B)?\Z", text)
        if not match:
            raise argparse.ArgumentTypeError("expected a number with %%, B, kB, MB or GB, not %r" % text)
        self._number = float(match.group(1))
        self._unit = match.group(2) or "B"
        self._limits_counts = self._unit == "%" or self._number == 0

    def is_exceeded(self, old, new):
        if self._unit == "%":
            return new > old + old * self._number / 100
        return new - old > self._number * 1024 ** ("", "k", "M", "G").index(self._unit[:-1])

    def is_exceeded_by(self, old, new):
        """For two Knowns."""
        return self.is_exceeded(old.bytes, new.bytes) or (self._limits_counts and (
            self.is_exceeded(old.blocks, new.blocks)
            or self.is_exceeded(old.surplus_references, new.surplus_references)))


def add_arguments(parser):
    parser.add_argument("profiles", metavar="FILE", nargs="+")
    parser.add_argument("--baseline", metavar="BASE", help="the leaks that are known")
    parser.add_argument("--update", action="store_true", help="write BASE anew from FILE..., and do not fail")
    parser.add_argument("--fail-on-growth", metavar="LIMIT", type=Growth, help="5%%, 100kB, 1MB ...; 0: any growth")
    parser.add_argument("--before", action="store_true",
                        help="the leaks before the interpreter's finalization (--leak-scan=before), not those at the end")
    parser.add_argument("--kinds", metavar="LIST", type=_kinds, default=DEFAULT_LEAK_KINDS,
                        help="kinds of leaks that count (%s)" % ",".join(DEFAULT_LEAK_KINDS))
    parser.add_argument("--junit", metavar="OUT", help="write a JUnit file; - is standard output, here and below")
    parser.add_argument("--sarif", metavar="OUT", help="write a SARIF 2.1.0 file")
    parser.add_argument("--markdown", metavar="OUT", help="write a summary in markdown")
    parser.add_argument("--source-root", metavar="FOLDER", default=".",
                        help="files below it are named relative to it in reports (the working folder)")


def _kinds(text):
    kinds = tuple(text.split(","))
    for kind in kinds:
        if kind not in LEAK_KINDS:
            raise argparse.ArgumentTypeError("%r is none of %s" % (kind, ", ".join(LEAK_KINDS)))
    return kinds


class Current:
    """The leaks of this run: records, their place for people, and the memory in use at the end."""

    def __init__(self, profiles, before, kinds):
        groups = []
        self.live_bytes = sum(profile.totals["live_bytes"] for profile in profiles)
        self.names = [profile.path for profile in profiles]
        self.ends = [(profile.path, profile.run) for profile in profiles]
        for profile in profiles:
            records = leaks_of(profile, before, kinds)
            if records is None:
                raise UsageError("%s: the run made no leak search %s, there is nothing to check%s" % (
                    profile.path, "before finalization" if before else "at its end",
                    "; --before takes the one before finalization" if profile.leaks_before is not None else ""))
            groups.append(records)
        self.records = merge_records(groups)
        labels = Labels(*profiles)
        self.known = [Known(r.fingerprint, r.kind, r.bytes + r.indirect_bytes, r.blocks, r.surplus_references,
                            leak_what(r), innermost_place(labels, r)) for r in self.records]


class Baseline:
    """The leaks that are known: fingerprint -> Known; and the memory in use at the end, or None."""

    def __init__(self, known=(), live_bytes=None):
        self.known = collections.OrderedDict((entry.fingerprint, entry) for entry in known)
        self.live_bytes = live_bytes

    @classmethod
    def load(cls, path, before, kinds):
        """From a file that --update wrote, or from a profile."""
        try:
            with open(path, "rb") as stream:
                head = stream.read(200)
        except OSError as error:
            raise UsageError("%s: %s%s" % (path, error.strerror, "; --update makes it" if not os.path.exists(path) else ""))
        if FORMAT.encode() not in head:
            current = Current([open_profile(path)], before, kinds)
            return cls(current.known, current.live_bytes)
        try:
            with open(path, encoding="utf-8") as stream:
                data = json.load(stream)
            if data["format"] != FORMAT or data["version"] != VERSION:
                raise ProfileError(path, "version", "is not %d" % VERSION)
            known = [Known(**{key: _of_type(leak[key], str if key in ("fingerprint", "kind", "what", "where") else int)
                              for key in Known._fields}) for leak in data["leaks"]]
            return cls(known, _of_type(data["live_bytes"], int))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ProfileError(path, "", "is no whole baseline: %s" % harmless(repr(error))) from None

    @staticmethod
    def text_of(current):
        """The content of a file: a leak is one line, so that version control shows what changed."""
        leaks = sorted(current.known, key=lambda known: (known.where, known.fingerprint))
        lines = ",\n  ".join(json.dumps(known._asdict(), ensure_ascii=False) for known in leaks)
        return '{\n "format": "%s",\n "version": %d,\n "live_bytes": %d,\n "leaks": [%s]\n}\n' % (
            FORMAT, VERSION, current.live_bytes, "\n  %s\n " % lines if lines else "")


def _of_type(value, kind):
    if type(value) is not kind or (kind is int and value < 0):
        raise ValueError(value)
    return value


def find(current, baseline, limit):
    """Findings: what is new or grown first, then what is known, then what is gone."""
    findings = []
    known = dict(baseline.known)
    for record, now in zip(current.records, current.known):
        old = known.pop(now.fingerprint, None)
        if old is None:
            state, failed = "new", True
        else:
            pairs = [(old.bytes, now.bytes), (old.blocks, now.blocks), (old.surplus_references, now.surplus_references)]
            grown = any(b > a for a, b in pairs)
            state = "grown" if grown else "known" if all(a == b for a, b in pairs) else "shrunk"
            failed = limit is not None and limit.is_exceeded_by(old, now)
        findings.append(Finding(state, failed, old, record, now.what, now.where))
    order = {"new": 0, "grown": 1, "known": 2, "shrunk": 2}
    findings.sort(key=lambda finding: (not finding.failed, order[finding.state]))
    findings += [Finding("gone", False, old, None, old.what, old.where) for old in known.values()]
    return findings


def run(arguments, output):
    if arguments.update and not arguments.baseline:
        raise UsageError("--update needs --baseline=BASE, the file to write")
    current = Current([open_profile(name) for name in arguments.profiles], arguments.before, arguments.kinds)
    exists = arguments.baseline and (os.path.exists(arguments.baseline) or not arguments.update)
    baseline = Baseline.load(arguments.baseline, arguments.before, arguments.kinds) if exists else Baseline()
    findings = find(current, baseline, arguments.fail_on_growth)
    growth = None       # of the memory in use: (old, new, failed)
    if baseline.live_bytes is not None:
        limit = arguments.fail_on_growth
        growth = (baseline.live_bytes, current.live_bytes,
                  limit is not None and limit.is_exceeded(baseline.live_bytes, current.live_bytes))
    if arguments.update:
        write_text(arguments.baseline, Baseline.text_of(current))
        findings = [finding._replace(failed=False) for finding in findings]
        growth = growth and growth[:2] + (False,)
    failed = any(finding.failed for finding in findings) or bool(growth and growth[2])
    reports = check_reports.Reports(current, findings, growth, failed, arguments.source_root, arguments.kinds)
    for path, text in ((arguments.junit, reports.junit), (arguments.sarif, reports.sarif),
                       (arguments.markdown, reports.markdown)):
        if path:
            output.flush()
            write_text(path, text())
    _print(output, findings, growth, failed, arguments, current)
    return 1 if failed else 0


def _print(output, findings, growth, failed, arguments, current):
    for finding in findings:
        if finding.state in ("known", "shrunk"):
            continue
        output.put(line_of(finding), "bad" if finding.failed else "good" if finding.state == "gone" else None, 4)
    if growth and growth[0] != growth[1]:
        output.put("memory in use at the end: %s bytes, %s" % (format(growth[1], ","),
                                                               format(growth[1] - growth[0], "+,")),
                   "bad" if growth[2] else None)
    for path, info in current.ends:
        if info["end"] == "signal" or info["exit_code"]:
            output.put("note: %s: the program %s" % (harmless(path), end_text(info)))
    states = collections.Counter(finding.state for finding in findings)
    summary = "%d new, %d grown, %d known, %d gone" % (states["new"], states["grown"], states["known"] + states["shrunk"],
                                                        states["gone"])
    if arguments.update:
        output.put("baseline %s updated: %s (%s)" % (harmless(arguments.baseline),
                                                     counted(len(current.known), "leak"), summary))
    else:
        output.put("%s: %s" % ("FAILED" if failed else "passed", summary), "bad" if failed else "good")


def line_of(finding):
    """A finding in one line."""
    record, old = finding.record, finding.known
    if record is None:
        return "gone: %s at %s, fingerprint %s" % (harmless(finding.what), harmless(finding.where), old.fingerprint)
    text = "%s: %s bytes in %s %s, %s at %s, fingerprint %s" % (
        finding.state, format(record.bytes + record.indirect_bytes, ","), counted(record.blocks, "block"),
        KIND_TEXTS[record.kind], finding.what, finding.where, record.fingerprint)
    if finding.state == "grown":
        text += ", was %s bytes in %s" % (format(old.bytes, ","), counted(old.blocks, "block"))
        if old.surplus_references or record.surplus_references:
            text += ", %s -> %s surplus references" % (old.surplus_references, record.surplus_references)
    return text
