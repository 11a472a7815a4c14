# SPDX-License-Identifier: GPL-2.0-or-later
"""The tool's own text report, made again from the file: the same words, rows, bars and order
(pymemcheck/report/pm_text*.c; docs/report.md). What the file does not have is not there: wrong frees."""
from .grouping import DEFAULT_LEAK_KINDS, Items
from .labels import harmless
from .source import shortened
from .statistic import make_rows

BAR_COLUMNS = 40
KINDS = ("caller", "function", "line", "stack")
HEADINGS = {"caller": ("engine caller", "caller"), "function": ("Python file and function", "function"),
            "line": ("Python file and line", "line"), "stack": ("stack trace", "stack")}
SIGNALS = {1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
           9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
           24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS"}
KIND_TEXTS = {"definite": "definitely lost", "cycle": "in garbage cycles", "surplus": "surplus references",
              "possible": "possibly lost", "indirect": "indirectly lost", "interpreter": "kept by the interpreter",
              "reachable": "still reachable"}
SUMMARY_ORDER = ("definite", "indirect", "cycle", "surplus", "possible", "reachable", "interpreter")
MEMCHECKS_KINDS = ("definite", "indirect", "possible", "reachable")
SHOWN_TYPES = 4


def counted(value, noun):
    return "%s %s%s" % (format(value, ","), noun, "" if value == 1 else "s")


def bytes_in_blocks(size, count):
    return "%s bytes in %s blocks" % (format(size, ","), format(count, ","))


def average(size, count):
    """Rounded to the nearest, halves upwards."""
    return size // count + (size % count >= (count + 1) // 2)


class Text:
    """Writes parts of the report of one profile to a function that takes lines.

    labels: Labels; sources: Sources, or None for no source lines; selection: numbers of the sites to report, or
    None for all; paths: None, "base" or "full" as --python-paths; whole_stacks: as --leak-resolution=high."""

    def __init__(self, profile, grouping, labels, put, sources=None, selection=None, top=10, paths=None,
                 whole_stacks=False):
        self.profile, self.grouping, self.labels, self.put = profile, grouping, labels, put
        self.sources, self.selection, self.top, self.paths = sources, selection, top, paths
        self.whole_stacks = whole_stacks
        self._items = None

    @property
    def items(self):
        if self._items is None:
            self._items = Items.of_sites(self.profile, self.grouping, self.selection)
        return self._items

    # --- HEAP SUMMARY ---

    def summary(self):
        run, totals, troubles, put = self.profile.run, self.profile.totals, self.profile.troubles, self.put
        if run["end"] == "exec":
            put("The process is about to run another program (exec): these are its figures so far.")
            put("")
        elif run["end"] == "signal":
            number = run["signal"]
            name = " (%s)" % SIGNALS[number] if number in SIGNALS else ""
            put("The process was killed by %s: these are its figures up to then."
                % ("signal %d%s" % (number, name) if number else "the signal that is named above"))
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

    # --- Histograms ---

    def _part(self, kind):
        """The items of a kind: callers are those outside Python, functions and lines those inside."""
        if kind == "stack":
            return range(len(self.items.stacks))
        python = self.grouping.python
        return [index for index, stack in enumerate(self.items.stacks) if bool(python[stack]) != (kind == "caller")]

    def _histogram_rows(self, kind):
        """[key to sort by, bytes, blocks, most bytes, stack of those, items]"""
        sizes, counts = self.items.figures["total"]
        stacks, rows = self.items.stacks, {}
        chosen = self._part(kind)
        keys = ([("stack", index) for index in chosen] if kind == "stack"
                else self.grouping.keys(kind, [stacks[index] for index in chosen]))
        for key, index in zip(keys, chosen):
            row = rows.get(key)
            if row is None:
                row = rows[key] = [key, 0, 0, -1, 0, []]
            if sizes[index] > row[3]:
                row[3], row[4] = sizes[index], stacks[index]
            row[1] += sizes[index]
            row[2] += counts[index]
            row[5].append(index)
        return [row for row in rows.values() if row[2]]

    def _frame_order(self, frame):
        return (("native", "python", "note").index(frame.kind), frame.object, frame.file, frame.function, frame.line,
                frame.offset)

    def _name_order(self, kind, row):
        """By name, then line, then the frames of the stack: the order of pm_aggregate.c among equals."""
        stack = [self._frame_order(frame) for frame in self.profile.stack(row[4])]
        if kind == "stack":
            return (stack,)
        number = self.grouping.told_by(row[4])
        if not number:
            return ("", "", "", 0, stack)
        frame = self.profile.frames[number - 1]
        return (frame.object if kind == "caller" else "", "" if kind == "caller" else frame.file, frame.function,
                frame.line if kind == "line" else 0, stack)

    def _label(self, kind, row):
        labels, full = self.labels, self.paths == "full"
        number = self.grouping.told_by(row[4])
        frame = self.profile.frames[number - 1] if number else None
        if kind == "stack":
            return "stack trace, total bytes = %d" % row[1]
        if kind == "caller":
            return "%s`%s, total bytes = %d" % (labels.object(frame.object if frame else ""),
                                                labels.function(frame.function if frame else ""), row[1])
        file, function = labels.file(frame.file, full), labels.function(frame.function)
        if kind == "function":
            return "%s, %s, bytes total = %d" % (file, function, row[1])
        return "%s:%s (%s), bytes total = %d" % (file, labels.line(frame.line), function, row[1])

    def _bars(self, row):
        bins = {}
        numbers = self.selection
        for index in row[5]:
            for value, count in self.profile.sites.sizes(index if numbers is None else numbers[index]):
                bins[value] = bins.get(value, 0) + count
        self.put("           value  ------------- Distribution ------------- count    ")
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
        for frame in frames:
            self.put("%s%s" % (" " * (14 if frame.kind == "native" else 16),
                               self.labels.frame(frame, self.paths != "base")))
        self.put("")

    def histograms(self, kinds=KINDS):
        for kind in KINDS:
            if kind in kinds:
                self._histogram(kind)

    def _histogram(self, kind):
        heading, noun = HEADINGS[kind]
        rows = self._histogram_rows(kind)
        # The tool has a row here also for lines to which blocks only passed.
        if not rows and kind in ("function", "line") and self.profile.run["python"] is None:
            return
        rows.sort(key=lambda row: row[1])
        least = rows[-self.top][1] if self.top and len(rows) > self.top else 0
        shown = sorted((row for row in rows if row[1] >= least), key=lambda row: (row[1],) + self._name_order(kind, row))
        shown = shown[-self.top:] if self.top else shown
        self.put("Python malloc byte distributions by %s," % heading)
        self.put("")
        size, count = sum(row[1] for row in rows), sum(row[2] for row in rows)
        if len(shown) < len(rows):
            self.put("   (%s left out: %s; --histogram-top=0 shows all)" % (
                counted(len(rows) - len(shown), "smaller row"),
                bytes_in_blocks(size - sum(row[1] for row in shown), count - sum(row[2] for row in shown))))
            self.put("")
        for row in shown:
            self.put("   " + self._label(kind, row))
            if kind == "stack":
                self._stack(row[4])
            self._bars(row)
        self.put("   All by %s: %s, %s" % (heading, bytes_in_blocks(size, count), counted(len(rows), noun)))
        self.put("")
        self.put("")

    # --- Blocks still allocated ---

    def _figures(self, size, count, label):
        self.put("%16s%12s%12s  %s" % (format(size, ","), format(count, ","),
                                       format(average(size, count), ",") if count else "", label))

    def live(self):
        run, put = self.profile.run, self.put
        rows = [row for row in make_rows(self.items, "line") if row.count("live")]
        lines = [row for row in rows if row.key[0] == "python"]
        by_line = bool(lines) or (run["python"] is not None and run["python_refused"] is None)
        others = [row for row in rows if row.key[0] != "python"]
        put("Blocks still allocated at exit, by %s:" % ("Python line" if by_line else "engine caller"))
        put("")
        size, count = sum(row.size("live") for row in rows), sum(row.count("live") for row in rows)
        if not count:
            put("   none: every block was freed")
            put("")
            return
        put("           bytes      blocks     average  %s" % ("line" if by_line else "caller"))
        self._live_rows(lines if by_line else others)
        if by_line and others:
            self._figures(sum(row.size("live") for row in others), sum(row.count("live") for row in others),
                          "no Python frame")
        put("  " + "-" * 38)
        in_use = (self.profile.totals["live_bytes"], self.profile.totals["live_blocks"])
        if self.selection is not None:
            self._figures(size, count, "selected")
        elif in_use[0] > size:
            self._figures(size, count, "as requested")
            put("%16s%26s%s" % (format(in_use[0] - size, ","), "", "padding added by CPython's debug hooks"))
        self._figures(in_use[0], in_use[1], "in use at exit")
        put("")

    def _live_rows(self, rows):
        def order(row):
            frame = row.frame
            names = (frame.object if row.key[0] == "native" else "", frame.file if row.key[0] == "python" else "",
                     frame.function, frame.line if row.key[0] == "python" else 0) if frame else ("", "", "", 0)
            return (-row.size("live"), -row.count("live")) + names

        rows.sort(key=order)
        shown = rows[:self.top] if self.top else rows
        for row in shown:
            frame = row.frame
            if row.key[0] != "python":
                label = self.labels.place(frame) if frame else "???`???"
            else:
                label = self.labels.place(frame, self.paths == "full")
            self._figures(row.size("live"), row.count("live"), label)
            if row.key[0] == "python":
                self._source(frame, 46)
        rest = rows[len(shown):]
        if rest:
            self._figures(sum(row.size("live") for row in rest), sum(row.count("live") for row in rest),
                          "(%s left out; --histogram-top=0 shows all)" % counted(len(rest), "smaller row"))

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
            self._leak_summary(summary)

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
        types = types_text(record)
        if types:
            self.put("   " + types)
        self._record_stack(record)
        for index, line in enumerate(record.chain):
            share = ""
            if index == 0 and record.chain_blocks < record.blocks:
                share = " ({:,} of {:,} blocks)".format(record.chain_blocks, record.blocks)
            self.put(("   kept alive by " if index == 0 else "     -> ") + harmless(line) + share)
        self.put("   " + story(record))

    def record_frames(self, record):
        """The frames of a record that say something to a person: without the allocator's layers, and the
        interpreter's own C functions but for the one that wanted the memory."""
        interpreter = next((frame.object for frame in record.frames
                            if frame.kind == "native" and "eval" in frame.flags), "")
        caller_met = False
        for frame in record.frames:
            if frame.kind == "native" and not self.whole_stacks:
                if "allocator" in frame.flags or "eval" in frame.flags:
                    continue
                if caller_met and interpreter and frame.object == interpreter:
                    continue
            caller_met = caller_met or frame.kind == "python" or "allocator" not in frame.flags
            yield frame

    def _record_stack(self, record):
        first_python = True
        for index, frame in enumerate(self.record_frames(record)):
            word = "   by " if index else "   at "
            full = self.paths != "base"
            if frame.kind != "python":
                source = " (%s:%d)" % (self.labels.object(frame.file), frame.line) \
                    if frame.kind == "native" and frame.line else ""
                self.put(word + self.labels.frame(frame, full) + source)
                continue
            self.put("%s%s (%s:%s)" % (word, self.labels.function(frame.function), self.labels.file(frame.file, full),
                                       self.labels.line(frame.line)))
            if first_python:
                self._source(frame, 12)
            first_python = False


def headline(record):
    """What a record is, without its number."""
    if record.kind == "surplus":
        return "%s to %s that %s still reachable (%s bytes)" % (
            counted(record.surplus_references, "surplus reference"), counted(record.blocks, "object"),
            "is" if record.blocks == 1 else "are", format(record.bytes, ","))
    amount = format(record.bytes, ",")
    if record.indirect_bytes:
        amount = "%s (%s direct, %s indirect)" % (format(record.bytes + record.indirect_bytes, ","), amount,
                                                  format(record.indirect_bytes, ","))
    return "%s bytes in %s blocks are %s" % (amount, format(record.blocks, ","), KIND_TEXTS[record.kind])


def types_text(record):
    """"10 x list; the first: len 3", or ""."""
    if not record.types:
        return ""
    text = ", ".join("%s x %s" % (format(blocks, ","), harmless(name)) for name, blocks in record.types[:SHOWN_TYPES])
    if len(record.types) > SHOWN_TYPES:
        text += " and " + counted(len(record.types) - SHOWN_TYPES, "other type")
    typed = sum(blocks for _, blocks in record.types)
    if typed < record.blocks:
        text += ", %s x memory that is no object" % format(record.blocks - typed, ",")
    if record.note:
        text += (": " if record.blocks == 1 else "; the first: ") + harmless(record.note)
    return text


def story(record):
    """When it was allocated, by which thread, and the fingerprint."""
    phases = []
    for blocks, name in ((record.import_blocks, "during import"), (record.main_blocks, "while the program ran"),
                         (record.finalization_blocks, "during finalization")):
        if blocks:
            phases.append(("%s " % format(blocks, ",") if blocks < record.blocks else
                           "once " if record.blocks == 1 else "") + name)
    if record.raising_blocks:
        phases.append(("%s " % format(record.raising_blocks, ",") if record.raising_blocks < record.blocks else "")
                      + "with an exception raised")
    serials = "allocation %s" % format(record.first, ",") if record.blocks == 1 else \
        "allocations %s to %s" % (format(record.first, ","), format(record.last, ","))
    thread = "thread %s" % format(record.thread, ",") if record.thread else "several threads"
    return "allocated %s, %s, %s [%s]" % (", ".join(phases), serials, thread, record.fingerprint)
