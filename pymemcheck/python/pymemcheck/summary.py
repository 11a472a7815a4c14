# SPDX-License-Identifier: GPL-2.0-or-later
"""What a person wants to know first: how the run ended, what leaks, what holds most at the end, what allocates
most."""
from .grouping import Grouping, Items, leaks_of_both
from .labels import Labels, harmless
from .source import shortened
from .statistic import make_rows, sort_rows
from .record_words import KIND_TEXTS, bytes_in_blocks, counted, headline
from .text import SIGNALS
from .text_balance import heading, native_text, python_text, shown_places
from .timeline import snapshot_name

METRIC_TITLES = {"live": "still allocated at the end", "peak": "allocated when most was", "total": "allocated in all",
                 "leaked": "leaked", "before": "in use before the interpreter's finalization"}


def amount(size):
    """A size for a person: 1,234 bytes, 12.3 MB."""
    for unit, power in (("GB", 3), ("MB", 2)):
        if size >= 10 * 1024 ** power:
            return "%.1f %s" % (size / 1024 ** power, unit)
    return "%s bytes" % format(size, ",")


def metric_title(profile, metric):
    return "in use at the snapshot" if profile.snapshot else METRIC_TITLES[metric]


def end_text(run):
    """How the run ended."""
    if run["end"] == "running":
        return "was still running: these are its figures so far"
    if run["end"] == "signal":
        number = run["signal"]
        return "killed by %s" % (SIGNALS.get(number, "signal %d" % number) if number else "a signal")
    if run["end"] == "exec":
        return "became another program"
    return "ended with exit code %d" % (run["exit_code"] or 0)


def innermost_place(labels, record):
    """Where a leak is: its innermost Python frame, or else the first frame that is no allocator."""
    for frame in record.frames:
        if frame.kind == "python":
            return labels.place(frame)
    for frame in record.frames:
        if frame.kind == "native" and "allocator" not in frame.flags:
            return labels.place(frame)
    return "no stack"


def leak_what(record):
    """"10 x list", or "memory"."""
    if not record.types:
        return "memory"
    name, blocks = record.types[0]
    return "%s x %s" % (format(blocks, ","), harmless(name)) + (" ..." if len(record.types) > 1 else "")


class Summary:
    """Of a profile. sources may be None."""

    def __init__(self, profile, sources=None):
        self.profile, self.sources = profile, sources
        self.grouping, self.labels = Grouping(profile), Labels(profile)
        self._rows = None

    def head(self, output):
        run, totals = self.profile.run, self.profile.totals
        if self.profile.snapshot:
            self._snapshot_head(output)
            return
        output.put("%s (%s, process %d): %s after %.1f s" % (
            harmless(self.profile.command), harmless(run["python"] or "no Python"), run["pid"], end_text(run),
            run["elapsed_ms"] / 1000), "heading", 2)
        output.put("in use at the end %s; at the peak %s; %s allocations of %s" % (
            bytes_in_blocks(totals["live_bytes"], totals["live_blocks"]), amount(totals["peak_bytes"]),
            format(totals["allocs"], ","), amount(totals["bytes"])), indent=2)
        for name, value in self.profile.troubles.items():
            if value:
                output.put("trouble: %s %s (docs/manual.md)" % (format(value, ","), name.replace("_", " ")), "bad", 2)
        for words in (run["python_refused"], run["hint"]):
            if words:
                output.put("note: " + harmless(words), "bad", 2)

    def _snapshot_head(self, output):
        snapshot = self.profile.snapshot
        output.put("%s (process %d): %s, after allocation %s and %.1f s" % (
            harmless(self.profile.command), self.profile.run["pid"],
            "snapshot %s" % harmless(snapshot_name(snapshot)) if snapshot.number else "the peak",
            format(snapshot.serial, ","), snapshot.elapsed_ms / 1000), "heading", 2)
        output.put("in use then %s" % bytes_in_blocks(snapshot.live_bytes, snapshot.live_blocks))

    def leaks(self, output, top, records=None):
        """What leaks. records: the chosen ones."""
        if records is None:
            records = leaks_of_both(self.profile)
        output.put("What leaks:", "heading")
        if records is None:
            output.put("  not known: the program was still running" if self.profile.run["end"] == "running"
                       else "  not known: the run made no leak search (--leak-check=no)")
            return
        if not records:
            output.put("  nothing", "good")
            return
        shown = records[:top] if top else records
        for record in shown:
            output.put("%14s %s  %s at %s, fingerprint %s" % (
                format(record.bytes + record.indirect_bytes, ","), "bytes", leak_what(record),
                innermost_place(self.labels, record), record.fingerprint), "bad", 22)
            output.put("%20s  %s" % ("", self._leak_kind(record)), indent=22)
            if record.balance and record.balance.unbalanced:
                output.put("%20s  %s" % ("", self._culprit(record.balance)), indent=22)
        if len(shown) < len(records):
            output.put("%14s bytes  in %s more" % (format(sum(r.bytes + r.indirect_bytes for r in records[len(shown):]), ","),
                                                 counted(len(records) - len(shown), "record")))

    def _culprit(self, balance):
        """The most suspicious place of a balance."""
        row = balance.unbalanced[0]
        text = "%s: %s" % (heading(balance), counted(row.references, "reference"))
        places, _ = shown_places(row, 1)
        if places:
            where = (native_text(self.labels, places[0][0]), python_text(self.labels, places[0][0]))
            text += " at " + ", ".join(filter(None, where))
        return text

    @staticmethod
    def _leak_kind(record):
        text = "%s, %s" % (KIND_TEXTS[record.kind], counted(record.blocks, "block"))
        if record.indirect_blocks:
            text += " and %s more that only they keep" % format(record.indirect_blocks, ",")
        if record.surplus_references:
            text = "%s, %s" % (counted(record.surplus_references, "surplus reference"), counted(record.blocks, "object"))
        if record.kind == "deficit":
            text = headline(record)
        if record.kind in ("surplus", "deficit") and record.chain:
            text += ", kept alive by " + harmless(record.expression or record.chain[0])
        return text

    def table(self, output, title, metric, top, group="line", selection=None):
        if self._rows is None:
            self._rows = make_rows(Items.of_sites(self.profile, self.grouping, selection), group)
        put_table(output, title, self.labels, sort_rows(self._rows, metric, top=top), metric, top, self.sources)


def key_label(labels, row, group, full=False):
    """A row's name."""
    key, frame = row.key, row.frame
    if key[0] in ("python", "native") and group not in ("traceback", "stack"):
        if group == "file":
            return labels.file(key[1], full) if key[0] == "python" else labels.object(key[1])
        if group == "module" and key[0] == "native":
            return labels.object(key[1])
        if key[0] == "python" and group == "function":
            return "%s, %s" % (labels.file(key[1], full), labels.function(key[2]))
        if key[0] == "python":
            return labels.place(frame, full)
        return "%s`%s" % (labels.object(key[1]), labels.function(key[2]))
    if key[0] == "none":
        return "no stack"
    if key[0] == "type":
        return harmless(key[1]) or "memory that is no object"
    if key[0] == "thread":
        return "thread %d" % key[1] if key[1] else "several threads"
    if key[0] == "traceback":
        return "%s:%s" % (labels.file(key[1][0], full), labels.line(key[1][1]))
    if key[0] == "stack":
        return labels.frame(key[1], full) if len(key) > 1 else "no stack"
    if key[0] == "native":
        return "%s`%s" % (labels.object(key[1]), labels.function(key[2]))
    return harmless(str(key[1]))


def more_lines(labels, row):
    """The other frames of a traceback or stack."""
    if row.key[0] == "traceback":
        return ["%s:%s" % (labels.file(file), labels.line(line)) for file, line in row.key[2:]]
    if row.key[0] == "stack":
        return [labels.frame(frame, False) for frame in row.key[2:]]
    return []


def put_table(output, title, labels, rows, metric, top, sources=None, group="line", full=False, overlap=False):
    """Rows in their order, the first top of them (0: all); the rest is summed up, unless rows overlap."""
    output.put("%s:" % title, "heading")
    if not rows:
        output.put("  nothing")
        return
    shown = rows[:top] if top else rows
    output.put("         bytes      blocks     average" + ("" if output.narrow else "  " + group), "dim")
    indent = 4 if output.narrow else 40
    for row in shown:
        size, count = row.figures[metric]
        figures = "%14s%12s%12s" % (format(size, ","), format(count, ","), format(round(row.average(metric)), ","))
        if output.narrow:
            output.put(figures)
            figures = " " * (indent - 2)
        output.put("%s  %s" % (figures, key_label(labels, row, group, full)), indent=indent)
        for line in more_lines(labels, row):
            output.put(" " * (indent + 2) + line, "dim")
        if sources and group == "line" and row.key[0] == "python":
            text = sources.line(row.key[1], row.key[2])
            if text:
                output.put(" " * (indent + 4) + shortened(text), "dim")
    rest = rows[len(shown):]
    if rest:
        size, count = ("", "") if overlap else (format(sum(row.size(metric) for row in rest), ","),
                                                format(sum(row.count(metric) for row in rest), ","))
        output.put("%14s%12s%12s  (%s left out; --top=0 shows all)" % (size, count, "", counted(len(rest), "smaller row")),
                   "dim", indent)


def ten_lines(profile, output, path):
    """What stands after a run: ten lines at most."""
    summary = Summary(profile)
    summary.head(output)
    records = leaks_of_both(profile)
    if records is None:
        output.put("leaks: no search was made")
    elif not records:
        output.put("leaks: none", "good")
    else:
        output.put("leaks: %s, %s" % (counted(len(records), "record"), bytes_in_blocks(
            sum(r.bytes + r.indirect_bytes for r in records), sum(r.blocks + r.indirect_blocks for r in records))), "bad")
        for record in records[:3]:
            output.put("  %s bytes, %s at %s" % (format(record.bytes + record.indirect_bytes, ","), leak_what(record),
                                                innermost_place(summary.labels, record)), indent=4)
    rows = sort_rows(make_rows(Items.of_sites(profile, summary.grouping), "line"), "live", top=1)
    if rows:
        output.put("most held at the end: %s at %s" % (bytes_in_blocks(*rows[0].figures["live"]),
                                                      key_label(summary.labels, rows[0], "line")), indent=2)
    output.put("more: pymemcheck report %s" % harmless(path), "dim")
