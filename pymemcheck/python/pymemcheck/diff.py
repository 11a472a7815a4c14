# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck diff OLD NEW

Compares two profiles: leak records by fingerprint, then what is allocated by line or another group. Lines that
moved are the same lines; with --old-source, a folder with the source as of OLD, also those whose function was
rearranged."""
from .arguments import UsageError, add_filters, add_metric, filters_of, live_only, metric_of, open_profile, open_snapshot, split_name
from .comparison import diff_records, diff_rows, new_average, old_average, sort_diff
from .filters import select_records
from .grouping import GROUPS, Grouping, searched_leaks
from .labels import Labels
from .selection import select_items
from .source import Sources, shortened
from .statistic import SORTS, can_cumulate, make_rows
from .summary import METRIC_TITLES, amount, innermost_place, key_label, leak_what
from .record_words import counted

TOP = 10


def add_arguments(parser):
    parser.add_argument("old", metavar="OLD", help="a file, or FILE@NAME for a snapshot in it")
    parser.add_argument("new", metavar="NEW", help="a file, or FILE@NAME for a snapshot in it")
    parser.add_argument("--top", metavar="N", type=int, default=TOP, help="rows that are shown, 0 for all (%d)" % TOP)
    parser.add_argument("--group", choices=GROUPS, default="line")
    parser.add_argument("--sort", choices=SORTS, default="size", help="by which difference (size)")
    parser.add_argument("--cumulative", action="store_true", help="as in report")
    parser.add_argument("--old-source", metavar="FOLDER", help="source as of OLD")
    parser.add_argument("--source", metavar="FOLDER", help="source as of NEW, in place of the files' own paths")
    parser.add_argument("--no-source", action="store_true", help="no lines of source")
    add_metric(parser)
    add_filters(parser)


def run(arguments, output):
    old, new = _open_both(arguments.old, arguments.new)
    for profile in (old, new):
        live_only(profile, metric_of(arguments))
    labels = Labels(old, new)
    metric, group = metric_of(arguments) or "live", arguments.group
    if arguments.cumulative and not can_cumulate(group):
        raise UsageError("--cumulative goes with --group=line, function, file or module")
    filters = filters_of(arguments)
    searches, before = searched_leaks([old, new])
    if metric == "leaked" and searches is None:
        raise UsageError("%s, %s: both runs need a leak search of the same moment" % (old.path, new.path))
    _totals(old, new, output)
    output.put()
    if not (old.snapshot or new.snapshot):
        _leaks(old, new, filters, labels, output, searches, before)
        output.put()
    cumulative = metric if arguments.cumulative else None
    sources = Sources(arguments.source)
    items = [select_items(profile, Grouping(profile), metric, group, filters, records)
             for profile, records in zip((old, new), searches or (None, None))]
    rows = diff_rows(*(make_rows(found, group, cumulative) for found in items), metric, group,
                     Sources(arguments.old_source) if arguments.old_source else None, sources)
    rows = sort_diff([row for row in rows if row.size_diff or row.count_diff], arguments.sort)
    title = "in use" if old.snapshot or new.snapshot else METRIC_TITLES[metric]
    _table(rows, title, group, labels, None if arguments.no_source else sources, arguments.top, output)
    return 0


def _open_both(old, new):
    """A file of which both are snapshots is read once."""
    (path, word), (other, _) = split_name(old), split_name(new)
    if path == other and word is not None:
        whole = open_profile(path)
        return [whole if name == path else open_snapshot(whole, name) for name in (old, new)]
    return open_profile(old, snapshot=True), open_profile(new, snapshot=True)


def _totals(old, new, output):
    rows = (("live_bytes", "in use at the end"), ("peak_bytes", "at the peak"), ("bytes", "allocated in all"),
            ("allocs", "allocations"))
    if old.snapshot or new.snapshot:
        rows = (("live_bytes", "in use"), ("live_blocks", "blocks"))
    for key, name in rows:
        before, after = old.totals[key], new.totals[key]
        change = " (%+.1f%%)" % (100 * (after - before) / before) if before else ""
        output.put("%18s: %s -> %s, %s%s" % (name, format(before, ","), format(after, ","),
                                             format(after - before, "+,"), change))


def _leaks(old, new, filters, labels, output, searches, before):
    """searches: the leaks of both, or None. before: those before finalization."""
    if searches is None:
        output.put("Leaks: not compared, the runs have no leak search of the same moment (--leak-check=, --leak-scan=)")
        return
    chosen = [select_records(profile, Grouping(profile), filters, found) for profile, found in zip((old, new), searches)]
    changes = diff_records(*chosen)
    counts = {state: sum(change.state == state for change in changes)
              for state in ("new", "grown", "shrunk", "gone", "same")}
    output.put("Leaks%s: %s" % (" before the interpreter's finalization" if before else "",
                                ", ".join("%d %s" % (count, state) for state, count in counts.items())), "heading")
    for state, style in (("new", "bad"), ("grown", "bad"), ("shrunk", "good"), ("gone", "good")):
        for change in changes:
            if change.state != state:
                continue
            record = change.new or change.old
            size = record.bytes + record.indirect_bytes
            was = change.old.bytes + change.old.indirect_bytes if change.old and change.new else None
            blocks = counted(record.blocks, "block")
            if was is not None:
                blocks += " (%s)" % format(record.blocks - change.old.blocks, "+,")
            if record.surplus_references:
                blocks += ", " + counted(record.surplus_references, "surplus reference")
            output.put("  %-6s %14s bytes%s in %s, %s at %s, fingerprint %s" % (
                state, format(size, ","), "" if was is None else " (%s)" % format(size - was, "+,"), blocks,
                leak_what(record), innermost_place(labels, record), record.fingerprint), style, 9)


def _table(rows, title, group, labels, sources, top, output):
    output.put("Bytes %s, by %s:" % (title, group), "heading")
    if not rows:
        output.put("  no difference", "good")
        return
    output.put("    difference         bytes  blocks (diff)         average (diff)  %s" % group, "dim")
    shown = rows[:top] if top else rows
    for row in shown:
        label = key_label(labels, row.row, group)
        if row.moved_from:
            label += ", was line %d" % row.moved_from
        output.put("%14s%14s  %s  %s  %s" % (
            format(row.size_diff, "+,"), format(row.size, ","),
            "%-18s" % ("%s (%s)" % (format(row.count, ","), format(row.count_diff, "+,"))),
            "%-18s" % ("%s (%s)" % (format(round(new_average(row)), ","),
                                    format(round(new_average(row) - old_average(row)), "+,"))), label),
            "bad" if row.size_diff > 0 else "good")
        if sources and group == "line" and row.key[0] == "python" and row.count:
            text = sources.line(row.key[1], row.key[2])
            if text:
                output.put(" " * 74 + shortened(text), "dim")
    rest = rows[len(shown):]
    if rest:
        output.put("%14s%14s  (%s left out; --top=0 shows all)" % (
            format(sum(row.size_diff for row in rest), "+,"), format(sum(row.size for row in rest), ","),
            counted(len(rest), "smaller row")), "dim")
    output.put("    all together: %s" % amount_of_change(sum(row.size_diff for row in rows)))


def amount_of_change(size):
    return ("-" if size < 0 else "+") + amount(abs(size))
