# SPDX-License-Identifier: GPL-2.0-or-later
"""Comma-separated values, a line for each allocation site."""
import csv

from ..writer import TextTo

COLUMNS = ("live_bytes", "live_blocks", "peak_bytes", "peak_blocks", "total_bytes", "total_blocks", "padding_bytes",
           "first", "last")


def write(view, stream):
    profile, labels, grouping = view.profile, view.labels, view.grouping
    out = csv.writer(TextTo(stream, "backslashreplace"))
    out.writerow(COLUMNS + ("file", "line", "function", "object", "c_function", "phase", "stack"))
    columns = [getattr(profile.sites, name) for name in COLUMNS]
    for number in range(len(profile.sites)) if view.numbers is None else view.numbers:
        stack = profile.sites.stack[number]
        python, caller = grouping.python[stack], grouping.caller(stack)
        row = [column[number] for column in columns]
        frame = profile.frames[python - 1] if python else None
        row += [_cell(labels.file(frame.file, True)), frame.line, _cell(labels.function(frame.function))] \
            if frame else ["", "", ""]
        frame = profile.frames[caller - 1] if caller else None
        row += [_cell(labels.file(frame.object, True)), _cell(labels.function(frame.function))] if frame else ["", ""]
        row += [grouping.phase(stack), " < ".join(labels.place(frame, True) for frame in view.frames(stack))]
        out.writerow(row[:-1] + [_cell(row[-1])])


def _cell(text):
    """A name that a spreadsheet does not take for a formula."""
    return "'" + text if text[:1] in ("=", "+", "-", "@") else text
