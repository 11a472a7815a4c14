# SPDX-License-Identifier: GPL-2.0-or-later
"""The tool's own text report, made again from the file: the same words, rows, bars and order
(pymemcheck/report/pm_text*.c; docs/report.md). What the file does not have is not there: each wrong free, and blocks of
records one by one."""
import collections
import operator

from .conclusion import is_import_leak, is_leak, write_conclusion
from .grouping import DEFAULT_LEAK_KINDS, Items
from .labels import harmless
from .record_words import KIND_TEXTS, bytes_in_blocks, chain_lines, counted, headline, identity, is_static, times, types_lines
from .source import shortened
from .text_balance import BalanceText
from .text_stack import LeftOut, interpreter_of, is_importlib, lines_of_places, same_line

HISTOGRAM_TOP, TABLE_TOP = 3, 5     # without --histogram-top=
BAR_COLUMNS = 40
METRICS = ("total", "live", "peak", "before")
KINDS = ("caller", "function", "line", "stack")
# Drawn histograms have the words of DTrace's py_malloc.d.
DRAWN_CALLER, CALLER_EXPLANATION = "engine caller", " (C function, while no Python function ran)"
HEADINGS = {"caller": ("C function, while no Python function ran", "caller"), "function": ("Python file and function", "function"),
            "line": ("Python file and line", "line"), "stack": ("stack trace", "stack")}
SIGNALS = {1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
           9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
           24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS"}
SUMMARY_ORDER = ("definite", "indirect", "cycle", "surplus", "deficit", "possible", "reachable", "interpreter")
MEMCHECKS_KINDS = ("definite", "indirect", "possible", "reachable")
NATIVE_FRAMES = 12                  # without --num-callers=


def average(size, count):
    """Rounded to the nearest, halves upwards."""
    return size // count + (size % count >= (count + 1) // 2)


class _Row:
    """A sum. stack: of the item with the most bytes over the run (most); items: their numbers."""

    __slots__ = ("most", "stack", "items", "_sums")

    def __init__(self):
        self.most, self.stack, self.items = -1, 0, []
        self._sums = [0] * (2 * len(METRICS))       # bytes and blocks of each metric

    def add(self, index, stack, values):
        """values: bytes and blocks of the item, as in _sums."""
        if values[0] > self.most:
            self.most, self.stack = values[0], stack
        self._sums = list(map(operator.add, self._sums, values))
        self.items.append(index)

    def sums(self, metric):
        """Bytes and blocks."""
        place = 2 * METRICS.index(metric)
        return self._sums[place], self._sums[place + 1]


# What a table of blocks counts: the metric, its heading, the label of its last line.
_Moment = collections.namedtuple("_Moment", "metric heading last_line")
BEFORE = _Moment("before", "Blocks allocated before the interpreter's finalization", "in use then")
PEAK = _Moment("peak", "Blocks allocated at the peak", "peak heap usage")
LIVE = _Moment("live", "Blocks still allocated at exit", "in use at exit")


class Text:
    """Writes parts of the report of one profile to a function that takes lines.

    labels: Labels; sources: Sources, or None for no source lines; selection: numbers of the sites to report, or
    None for all; top, table_top: rows that are shown of histograms and tables, 0 for all; paths: None, "base" or
    "full" as --python-paths; whole_stacks: as --leak-resolution=high; native_frames: shown in a row, as
    --num-callers, 0 for all."""

    def __init__(self, profile, grouping, labels, put, sources=None, selection=None, top=HISTOGRAM_TOP,
                 table_top=TABLE_TOP, paths=None, whole_stacks=False, native_frames=NATIVE_FRAMES):
        self.profile, self.grouping, self.labels, self.put = profile, grouping, labels, put
        self.sources, self.selection, self.top, self.table_top, self.paths = sources, selection, top, table_top, paths
        self.whole_stacks, self.native_frames = whole_stacks, 0 if whole_stacks else native_frames
        self._items = None
        self._rows = {}

    @property
    def items(self):
        if self._items is None:
            self._items = Items.of_sites(self.profile, self.grouping, self.selection)
            self._items.figures["before"] = self._before()
        return self._items

    def _before(self):
        """Bytes and blocks of each item before finalization; 0 if that is not known."""
        sites, sums = self.profile.sites, self.profile.types_before
        columns = [[0] * len(sites) for _ in range(2)]
        if sums:
            site_of = {stack: number for number, stack in enumerate(sites.stack)}
            for stack, *values in zip(sums.stacks, sums.bytes, sums.blocks):
                for column, value in zip(columns, values):
                    column[site_of.get(stack, 0)] += value
        return columns if self.selection is None else [[column[number] for number in self.selection] for column in columns]

    # --- HEAP SUMMARY ---

    def summary(self):
        run, totals, troubles, put = self.profile.run, self.profile.totals, self.profile.troubles, self.put
        if run["end"] == "exec":
            put("The process is about to run another program (exec): these are its figures so far.")
            put("")
        elif run["end"] == "running":
            put("The program was still running: these are its figures so far.")
            put("")
        elif run["end"] == "signal":
            number = run["signal"]
            name = " (%s)" % SIGNALS[number] if number in SIGNALS else ""
            put("The process was killed by %s: these are its figures up to then."
                % ("signal %d%s" % (number, name) if number else "the signal that is named above"))
            put("")
            if run["end_stack"]:
                put("The stack of the thread that it killed:")
                self._shown_stack(self.profile.stack(run["end_stack"]), innermost=True)
                put("")

        def line(name, words):
            put("%18s: %s" % (name, words))

        def count(name, value, noun, explanation):
            if value:
                line(name, counted(value, noun) + explanation)

        put("HEAP SUMMARY:")
        line("in use at exit", bytes_in_blocks(totals["live_bytes"], totals["live_blocks"]))
        line("total heap usage", "{allocs:,} allocs, {frees:,} frees, {bytes:,} bytes allocated".format(**totals))
        line("peak heap usage", bytes_in_blocks(totals["peak_bytes"], totals["peak_blocks"]))
        count("debug padding", totals["padding_bytes"], "byte", " of those allocated were added by CPython's debug hooks")
        count("reused", totals["reused_blocks"], "block", " passed to the line that used the object again")
        count("failed requests", troubles["failed_allocations"], "allocation", " returned NULL")
        count("unknown frees", troubles["unknown_frees"], "free", " of an address that is no live block")
        count("unreadable stacks", troubles["unreadable_stacks"], "allocation",
              " whose Python frames could not all be read")
        count("unreadable code", troubles["unreadable_code"], "code object", " whose names or lines could not be read")
        for name, words in (("interpreter", run["python"]), ("no Python lines", run["python_refused"]),
                            ("pymalloc", "in use (--pymalloc=yes): small objects are hidden in its arenas"
                             if run["pymalloc"] else None), ("hint", run["hint"])):
            if words is not None:
                line(name, harmless(words))
        put("")

    def phases(self):
        """What was allocated in phases that the program named."""
        if not self.profile.phases:
            return
        self.put("Phases that the program named (all threads; in use: allocated in the phase and not freed yet):")
        self.put("      allocs           bytes    bytes in use  phase")
        for phase in self.profile.phases:
            live = "not known" if phase.live_bytes is None else format(phase.live_bytes, ",")
            self.put("%12s%16s%16s  %s%s%s" % (
                format(phase.allocs, ","), format(phase.bytes, ","), live, harmless(phase.name),
                ", %s times" % format(phase.times, ",") if phase.times > 1 else "", ", still open" if phase.open else ""))
        self.put("")

    # --- Histograms ---

    def _part(self, kind):
        """The items of a kind: callers are those outside Python, functions and lines those inside."""
        if kind == "stack":
            return range(len(self.items.stacks))
        python = self.grouping.python
        return [index for index, stack in enumerate(self.items.stacks) if bool(python[stack]) != (kind == "caller")]

    def _rows_of(self, kind):
        """All rows of a kind. Those of stacks, which may be a million, are not kept."""
        if kind in self._rows:
            return self._rows[kind]
        stacks, rows = self.items.stacks, {}
        chosen = self._part(kind)
        keys = ([("stack", index) for index in chosen] if kind == "stack"
                else self.grouping.keys(kind, [stacks[index] for index in chosen]))
        columns = [column for metric in METRICS for column in self.items.figures[metric]]
        for key, index, values in zip(keys, chosen, zip(*(map(column.__getitem__, chosen) for column in columns))):
            row = rows.get(key)
            if row is None:
                row = rows[key] = _Row()
            row.add(index, stacks[index], values)
        rows = list(rows.values())
        if kind != "stack":
            self._rows[kind] = rows
        return rows

    def _frame_order(self, frame):
        return (("native", "python", "note").index(frame.kind), frame.object, frame.file, frame.function, frame.line,
                frame.offset)

    def _name_order(self, kind, row):
        """By name, then line; of stacks by their frames: the order of pm_aggregate.c among equals."""
        if kind == "stack":
            return ([self._frame_order(frame) for frame in self.profile.stack(row.stack)],)
        number = self.grouping.told_by(row.stack)
        if not number:
            return ("", "", "", 0)
        frame = self.profile.frames[number - 1]
        return (frame.object if kind == "caller" else "", "" if kind == "caller" else frame.file, frame.function,
                frame.line if kind == "line" else 0)

    def _label(self, kind, row):
        labels, full, total = self.labels, self.paths == "full", row.sums("total")[0]
        number = self.grouping.told_by(row.stack)
        frame = self.profile.frames[number - 1] if number else None
        if kind == "stack":
            return "stack trace, total bytes = %d" % total
        if kind == "caller":
            return "%s`%s, total bytes = %d" % (labels.object(frame.object if frame else ""),
                                                labels.function(frame.function if frame else ""), total)
        file, function = labels.file(frame.file, full), labels.function(frame.function)
        if kind == "function":
            return "%s, %s, bytes total = %d" % (file, function, total)
        return "%s:%s (%s), bytes total = %d" % (file, labels.line(frame.line), function, total)

    def _bins(self, row):
        """Size -> requests."""
        bins = {}
        numbers = self.selection
        for index in row.items:
            for value, count in self.profile.sites.sizes(index if numbers is None else numbers[index]):
                bins[value] = bins.get(value, 0) + count
        return bins

    def _sizes(self, row):
        """Instead of bars: how many requests, and the range of sizes that most of them had."""
        bins, count = self._bins(row), row.sums("total")[1]
        most = min(bins, key=lambda value: (-bins[value], value)) if bins else 0
        sizes = format(most, ",") + (" to %s" % format(2 * most - 1, ",") if most > 1 else "")
        return " in %s%s%s byte%s" % (counted(count, "request"), " of " if count == 1 else ", most of ", sizes,
                                      "" if most == 1 else "s")

    def _bars(self, row):
        bins = self._bins(row)
        self.put("           bytes  ------------- Distribution ------------- count    ")
        total = sum(bins.values())
        if total:
            first = max(min(bins).bit_length() - 1, 0)
            for power in range(first, max(bins).bit_length() + 2):
                value = 1 << (power - 1) if power else 0
                count = bins.get(value, 0)
                bar = "@" * ((count * BAR_COLUMNS + total // 2) // total)
                self.put("%16d |%-41s%-9d" % (value, bar, count))
        self.put("")

    def _stack(self, stack):
        frames = self.profile.stack(stack)
        if not frames:
            self.put("                [ no stack ]")
        left_out = LeftOut(frames, self.native_frames)
        for frame in frames:
            if left_out.counts(frame):
                self._hidden(left_out, 16)
                self.put("%s%s" % (" " * (14 if frame.kind == "native" else 16),
                                   self.labels.frame(frame, self.paths != "base")))
        self._hidden(left_out, 16)
        self.put("")

    def _hidden(self, left_out, indent):
        """The line that stands for native frames that were left out, if there were some."""
        if left_out.hidden:
            self.put("%s[ ... not shown: %s ]" % (" " * indent, counted(left_out.hidden, "native frame")))
            left_out.hidden = 0

    def histograms(self, kinds=KINDS, drawn=False):
        """drawn: with bars; else a line for each row."""
        for kind in KINDS:
            if kind in kinds:
                self._histogram(kind, drawn)
        if kinds and not drawn:
            self.put("   (--histogram-top=10 draws the distributions of ten rows of each kind)")
            self.put("")

    def _histogram(self, kind, drawn):
        heading, noun = HEADINGS[kind]
        explanation = ""
        if drawn and kind == "caller":
            heading, explanation = DRAWN_CALLER, CALLER_EXPLANATION
        rows = self._rows_of(kind)
        # Lines to which blocks only passed have a row, but no sizes.
        if not rows and kind in ("function", "line") and self.profile.run["python"] is None:
            return
        rows = sorted((row for row in rows if row.sums("total")[1]), key=lambda row: row.sums("total")[0])
        least = rows[-self.top].sums("total")[0] if self.top and len(rows) > self.top else 0
        shown = sorted((row for row in rows if row.sums("total")[0] >= least),
                       key=lambda row: (row.sums("total")[0],) + self._name_order(kind, row))
        shown = shown[-self.top:] if self.top else shown
        self.put("Python malloc byte distributions by %s%s," % (heading, explanation))
        size, count = _sum(rows, "total")
        if drawn:
            self._drawn_rows(kind, shown, len(rows) - len(shown), size, count)
        else:
            self._short_rows(kind, shown)
        self.put("   All by %s: %s, %s" % (heading, bytes_in_blocks(size, count), counted(len(rows), noun)))
        if drawn:
            self.put("")
            self.put("")

    def _short_rows(self, kind, rows):
        """The line of a stack ends with its innermost Python frame."""
        for row in rows:
            text = "   " + self._label(kind, row) + self._sizes(row)
            number = self.grouping.python[row.stack] if kind == "stack" else 0
            if number:
                text += ", " + self.labels.frame(self.profile.frames[number - 1], self.paths == "full")
            self.put(text)

    def _drawn_rows(self, kind, rows, left_out, size, count):
        self.put("")
        if left_out:
            shown_size, shown_count = _sum(rows, "total")
            self.put("   (%s left out: %s; --histogram-top=0 shows all)" % (
                counted(left_out, "smaller row"), bytes_in_blocks(size - shown_size, count - shown_count)))
            self.put("")
        for row in rows:
            self.put("   " + self._label(kind, row))
            if kind == "stack":
                self._stack(row.stack)
            self._bars(row)

    # --- Blocks allocated at the peak and at exit ---

    def _figures(self, size, count, label):
        self.put("%16s%12s%12s  %s" % (format(size, ","), format(count, ","),
                                       format(average(size, count), ",") if count else "", label))

    def largest(self, kind, metric):
        """The rows of a kind that have blocks, the largest first."""
        return sorted((row for row in self._rows_of(kind) if row.sums(metric)[1]),
                      key=lambda row: tuple(-value for value in row.sums(metric)) + self._name_order(kind, row))

    def place_of(self, stack, unknown="???`???"):
        """The line that a stack is told by, or the C function."""
        number = self.grouping.told_by(stack)
        return self.labels.place(self.profile.frames[number - 1], self.paths == "full") if number else unknown

    def peak(self):
        if self.profile.totals["peak_blocks"]:
            self._table(PEAK)

    def before(self):
        if self.profile.types_before:
            self._table(BEFORE)

    def live(self):
        self._table(LIVE)

    def _table(self, moment):
        run, put, metric = self.profile.run, self.put, moment.metric
        lines, callers = self.largest("line", metric), self.largest("caller", metric)
        by_line = bool(lines) or (run["python"] is not None and run["python_refused"] is None)
        put("%s, by %s:" % (moment.heading, "Python line" if by_line else "C function"))
        put("")
        size, count = _sum(lines + callers, metric)
        if not count:
            put("   none: every block was freed" if self.selection is None else "   none is selected")
            put("")
            return
        put("           bytes      blocks     average  %s" % ("line" if by_line else "caller"))
        self._table_rows(lines if by_line else callers, metric, by_line)
        if by_line and callers:
            self._figures(*_sum(callers, metric), "no Python frame")
        put("  " + "-" * 38)
        all_size, all_count = self.profile.types_before.in_use if moment is BEFORE else (
            self.profile.totals[metric + "_bytes"], self.profile.totals[metric + "_blocks"])
        if self.selection is not None:
            self._figures(size, count, "selected")
        elif all_size > size:
            self._figures(size, count, "as requested")
            put("%16s%26s%s" % (format(all_size - size, ","), "", "padding added by CPython's debug hooks"))
        self._figures(all_size, all_count, moment.last_line)
        put("")

    def _table_rows(self, rows, metric, by_line):
        shown = rows[:self.table_top] if self.table_top else rows
        for row in shown:
            self._figures(*row.sums(metric), self.place_of(row.stack))
            if by_line:
                self._source(self.profile.frames[self.grouping.told_by(row.stack) - 1], 46)
        rest = rows[len(shown):]
        if rest:
            self._figures(*_sum(rest, metric), "(%s left out; --histogram-top=0 shows all)"
                          % counted(len(rest), "smaller row"))

    def _source(self, frame, indent):
        text = self.sources.line(frame.file, frame.line) if self.sources else None
        if text:
            self.put(" " * indent + shortened(text))

    # --- Leaks ---

    def leaks(self, kinds=DEFAULT_LEAK_KINDS, accepts=None):
        """Both searches, as far as they were made. accepts: a function of a record."""
        profile = self.profile
        for heading, records, summary in (
                ("Leaks before the interpreter's finalization:", profile.leaks_before, profile.leak_summary_before),
                ("Leaks at exit:", profile.leaks, profile.leak_summary)):
            if records is None:
                continue
            self.put(heading)
            self.put("")
            for number, record in enumerate(records, 1):
                if record.kind in kinds and not record.suppressed and not record.left_out \
                        and (accepts is None or accepts(record)):
                    self.record(record, number, len(records))
                    self.put("")
            self._import_leaks([record for record in records if is_leak(record, accepts)])
            self._leak_summary(summary)

    def _import_leaks(self, leaks):
        """How many were allocated during import only, if several were."""
        once = list(filter(is_import_leak, leaks))
        if len(once) < 2:
            return
        self.put("%s of %s were allocated during import only, %s (--only-phase=main,finalization leaves them out)" % (
            format(len(once), ","), counted(len(leaks), "leak"),
            bytes_in_blocks(sum(record.bytes + record.indirect_bytes for record in once),
                            sum(record.blocks + record.indirect_blocks for record in once))))
        self.put("")

    def _leak_summary(self, summary):
        self.put("LEAK SUMMARY:")
        for kind in SUMMARY_ORDER:
            if kind in MEMCHECKS_KINDS or self.profile.run["python"] is not None or summary[kind][1]:
                self.put("%23s: %s" % (KIND_TEXTS[kind], bytes_in_blocks(*summary[kind])))
        self.put("%23s: %s" % ("suppressed", bytes_in_blocks(*summary["suppressed"])))
        if summary["left_out"][1]:
            self.put("%23s: %s" % ("left out by --only-", bytes_in_blocks(*summary["left_out"])))
        self.put("")

    def record(self, record, number, count):
        """One loss record, number (from 1) of count."""
        self.put("%s in loss record %s of %s" % (headline(record), format(number, ","), format(count, ",")))
        for line in types_lines(record):
            self.put("   " + line)
        self._shown_stack(record.frames, places=record.places)
        for line in chain_lines(record):
            self.put(line)
        self.put("   " + times(record))
        self.put("   " + identity(record))
        if record.balance:
            BalanceText(self.labels, self.put, self.paths == "full").balance(record.balance)

    def shown_frames(self, frames, innermost=False):
        """The frames of a stack that help a reader: without the allocator's layers, and the interpreter's own C
        functions except for the one that requested the memory. innermost: the first frame is shown, whatever it is."""
        interpreter = interpreter_of(frames)
        caller_met = False
        for index, frame in enumerate(frames):
            if frame.kind == "native" and not self.whole_stacks and not (innermost and index == 0):
                if "allocator" in frame.flags or "eval" in frame.flags:
                    continue
                if caller_met and interpreter and frame.object == interpreter:
                    continue
            caller_met = caller_met or frame.kind == "python" or "allocator" not in frame.flags
            yield frame

    def _shown_stack(self, frames, innermost=False, places=()):
        """places: of a record. Several frames of importlib after each other are one line, but for the innermost Python frame."""
        word, pythons, full = "   at ", 0, self.paths != "base"
        shown = list(self.shown_frames(frames, innermost))
        left_out = LeftOut(frames, self.native_frames)
        index = 0
        while index < len(shown):
            frame = shown[index]
            imports = 0
            while pythons and not self.whole_stacks and index + imports < len(shown) \
                    and is_importlib(shown[index + imports]):
                imports += 1
            if imports > 1:
                self._hidden(left_out, 3)
                self.put("   by (%s frames of importlib)" % format(imports, ","))
                index += imports
                continue
            index += 1
            if not left_out.counts(frame):
                continue
            self._hidden(left_out, 3)
            if frame in (place for place, _ in places):
                self._places(word, frame, places, full)
                places = ()
            else:
                self._shown_frame(word, frame, full, pythons == 0)
            pythons += frame.kind == "python"
            word = "   by "
        self._hidden(left_out, 3)

    def _places(self, word, frame, places, full):
        """The frame, and a line for each other place in the same function, with the blocks that come from each."""
        lines = lines_of_places(places)
        if len(lines) < 2:
            self._shown_frame(word, frame, full, False)
            return
        for is_other, place, blocks in sorted(((not same_line(place, frame), place, blocks) for place, blocks in lines),
                                              key=operator.itemgetter(0)):
            self._shown_frame(" " * 6 if is_other else word, place if is_other else frame, full, False,
                              " " + counted(blocks, "block"))

    def _shown_frame(self, word, frame, full, with_source, end=""):
        if frame.kind != "python":
            source = " (%s:%d)" % (self.labels.object(frame.file), frame.line) \
                if frame.kind == "native" and frame.line else ""
            self.put(word + self.labels.frame(frame, full) + source + end)
            return
        self.put("%s%s (%s:%s)" % (word, self.labels.function(frame.function), self.labels.file(frame.file, full),
                                   self.labels.line(frame.line)))
        if with_source:
            self._source(frame, 12)

    def conclusion(self, accepts=None):
        """accepts: a function of a record."""
        write_conclusion(self, accepts)


def _sum(rows, metric):
    sums = [row.sums(metric) for row in rows]
    return sum(size for size, _ in sums), sum(count for _, count in sums)
