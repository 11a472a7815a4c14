# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck report FILE"""
import argparse

from .arguments import add_filters, add_metric, filters_of, live_only, metric_of, open_profile, UsageError
from .filters import select_records, select_sites
from .grouping import GROUPS, leaks_of_both, searched_leaks
from .selection import select_items
from .source import Sources
from .statistic import SORTS, can_cumulate, make_rows, sort_rows
from .summary import Summary, metric_title, put_table
from .text import HISTOGRAM_TOP, KINDS, NATIVE_FRAMES, TABLE_TOP, Text
from .text_balance import BalanceText
from .timeline import put_curve, put_list

SHORT_TOP, TOP = 5, 10


def add_arguments(parser):
    parser.add_argument("profile", metavar="FILE", help="a file pymemcheck.out.PID; FILE@NAME is a snapshot in it")
    parser.add_argument("--full", action="store_true", help="the text report of the tool again")
    parser.add_argument("--histogram", metavar="LIST", type=_histograms,
                        help="the text report of the tool, with these histograms drawn: caller, function, line, stack, all, none")
    parser.add_argument("--top", "--histogram-top", metavar="N", type=_top, default=None,
                        help="rows that are shown, 0 for all (%d; %d in the short report; %d of histograms and %d of tables in "
                             "the text report, whose histograms it draws)" % (TOP, SHORT_TOP, HISTOGRAM_TOP, TABLE_TOP))
    parser.add_argument("--group", choices=GROUPS, help="a table by this: " + ", ".join(GROUPS))
    parser.add_argument("--sort", choices=SORTS, help="order of the table: " + ", ".join(SORTS) + " (size)")
    parser.add_argument("--cumulative", action="store_true",
                        help="count all that was allocated while a line, function, file or module was in the stack")
    parser.add_argument("--snapshots", action="store_true", help="list the snapshots that were taken while the program ran")
    parser.add_argument("--python-paths", choices=("base", "full"), help="short or whole names of files everywhere")
    parser.add_argument("--num-callers", metavar="N", type=_top, default=NATIVE_FRAMES,
                        help="native frames in a row that the text report shows, 0 for all (%d)" % NATIVE_FRAMES)
    parser.add_argument("--no-source", action="store_true", help="no lines of source")
    parser.add_argument("--source", metavar="FOLDER", help="where source is looked for, in place of the files' own paths")
    add_metric(parser)
    add_filters(parser)


def _top(text):
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError("%d is negative" % value)
    return value


def _histograms(text):
    if text in ("all", "none"):
        return KINDS if text == "all" else ()
    kinds = text.split(",")
    for kind in kinds:
        if kind not in KINDS:
            raise argparse.ArgumentTypeError("%r is none of caller, function, line, stack, all, none" % kind)
    return tuple(kinds)


def run(arguments, output):
    profile = open_profile(arguments.profile, snapshot=True)
    live_only(profile, metric_of(arguments))
    sources = None if arguments.no_source else Sources(arguments.source)
    table = bool(arguments.group or arguments.sort or arguments.cumulative or metric_of(arguments))
    full = arguments.full or arguments.histogram is not None
    if full and table:
        raise UsageError("--histogram and --full do not go with --group, --sort, --cumulative or a metric")
    if full and profile.snapshot:
        raise UsageError("--histogram and --full are of whole files, not of a snapshot in one")
    if arguments.snapshots:
        put_list(output, profile)
        return 0
    filters = filters_of(arguments)
    if full:
        _full(arguments, profile, sources, filters, output)
    elif table:
        _table(arguments, profile, sources, filters, output)
    else:
        _short(arguments, profile, sources, filters, output)
    return 0


def _full(arguments, profile, sources, filters, output):
    summary = Summary(profile)
    selection = select_sites(profile, summary.grouping, filters)
    tops = (HISTOGRAM_TOP, TABLE_TOP) if arguments.top is None else (arguments.top, arguments.top)
    text = Text(profile, summary.grouping, summary.labels, output.put, sources, selection, *tops,
                paths=arguments.python_paths, native_frames=arguments.num_callers)
    text.summary()
    if not filters:
        text.phases()
    text.histograms(KINDS if arguments.histogram is None else arguments.histogram,
                    drawn=arguments.top is not None or arguments.histogram is not None)
    text.peak()
    text.before()
    text.live()
    chosen = set(map(id, select_records(profile, summary.grouping, filters,
                                        (profile.leaks or []) + (profile.leaks_before or []))))

    def accepts(record):
        return id(record) in chosen
    text.leaks(accepts=accepts)
    if not filters:
        BalanceText(summary.labels, output.put, arguments.python_paths == "full").watched(profile)
    text.conclusion(accepts)


def _table(arguments, profile, sources, filters, output):
    summary = Summary(profile, sources)
    metric, group = metric_of(arguments) or "live", arguments.group or "line"
    found, before = None, False
    if arguments.cumulative and not can_cumulate(group):
        raise UsageError("--cumulative goes with --group=line, function, file or module")
    if metric == "leaked":
        found, before = searched_leaks([profile])
        if found is None:
            raise UsageError("%s: the run made no leak search" % profile.path)
    items = select_items(profile, summary.grouping, metric, group, filters, found[0] if found else None)
    top = TOP if arguments.top is None else arguments.top
    rows = sort_rows(make_rows(items, group, metric if arguments.cumulative else None), metric, arguments.sort or "size", top)
    title = "Bytes %s, by %s" % (metric_title(profile, metric), group)
    if arguments.cumulative:
        title += ", cumulative"
    if before:
        title += ", before the interpreter's finalization"
    put_table(output, title, summary.labels, rows, metric, top, sources,
              group, arguments.python_paths == "full", arguments.cumulative)


def _short(arguments, profile, sources, filters, output):
    summary = Summary(profile, sources)
    top = SHORT_TOP if arguments.top is None else arguments.top
    selection = select_sites(profile, summary.grouping, filters)
    summary.head(output)
    output.put()
    if profile.snapshot:
        summary.table(output, "What held most then", "live", top, selection=selection)
        return
    records = leaks_of_both(profile)
    if records is not None:
        records = select_records(profile, summary.grouping, filters, records)
    summary.leaks(output, top, records)
    output.put()
    if profile.snapshots and not filters:
        put_curve(output, profile)
        output.put()
    summary.table(output, "What holds most at the end", "live", top, selection=selection)
    output.put()
    summary.table(output, "What allocates most", "total", top, selection=selection)
