# SPDX-License-Identifier: GPL-2.0-or-later
"""What two profiles have different: rows of a group, and leak records.

A line that moved is the same line: among the lines of one function whose lines are not the same in both, those with the
same source text are paired, where source can be had for both. Where it cannot, those are paired that are found again
when the function's lines move together."""
import collections
import re

from .statistic import comparable

# A row of both: sizes and counts new, and how much more than old. moved_from: the old line, or None.
DiffRow = collections.namedtuple("DiffRow", "key row size size_diff count count_diff moved_from")

# state: "new", "gone", "grown", "shrunk" or "same". old and new: Records, one may be None.
RecordDiff = collections.namedtuple("RecordDiff", "state fingerprint old new")


def _average(size, count):
    return size / count if count else 0


def old_average(row):
    return _average(row.size - row.size_diff, row.count - row.count_diff)


def new_average(row):
    return _average(row.size, row.count)


def diff_rows(old_rows, new_rows, metric, group, old_sources=None, new_sources=None):
    """DiffRows, unsorted, of all that either has."""
    old = {row.key: row for row in old_rows if row.figures[metric] != (0, 0)}
    new = {row.key: row for row in new_rows if row.figures[metric] != (0, 0)}
    pairs = _pair_lines(old, new, old_sources, new_sources) if group == "line" else {}
    result = []
    for key, row in new.items():
        old_key = pairs.get(key, key)
        before = old.get(old_key)
        size, count = row.figures[metric]
        old_size, old_count = before.figures[metric] if before else (0, 0)
        result.append(DiffRow(key, row, size, size - old_size, count, count - old_count,
                              old_key[2] if before and old_key != key else None))
    taken = {pairs.get(key, key) for key in new}
    for key, row in old.items():
        if key not in taken:
            size, count = row.figures[metric]
            result.append(DiffRow(key, row, 0, -size, 0, -count, None))
    return result


_INNER = re.compile(r"(?:\.<locals>)?\.<(?:listcomp|dictcomp|setcomp|genexpr|lambda)>")


def _pair_lines(old, new, old_sources, new_sources):
    """New key -> old key, or None for a line that is new, of all lines of those functions whose lines are not the
    same in both."""
    functions = {}
    for side, rows in ((0, old), (1, new)):
        for key, row in rows.items():
            if key[0] == "python":
                functions.setdefault((key[1], _INNER.sub("", row.frame.function)), ([], []))[side].append(key)
    pairs = {}
    for before, after in functions.values():
        if not after or set(before) == set(after):
            continue
        found = _pair_in_function(sorted(before), sorted(after), old_sources, new_sources) if before else {}
        for key in after:
            pairs[key] = found.get(key)
    return pairs


def _pair_in_function(before, after, old_sources, new_sources):
    pairs = {}
    if old_sources and new_sources:
        texts = {}
        for key in before:
            text = old_sources.line(key[1], key[2])
            if text:
                texts.setdefault(text, collections.deque()).append(key)
        for key in after:
            text = new_sources.line(key[1], key[2])
            if text and texts.get(text):
                pairs[key] = texts[text].popleft()
        if texts:       # what has no such text is another line now
            return pairs
    lines = {key[2]: key for key in before}
    shifts = collections.Counter(new[2] - old[2] for new in after for old in before)
    # The shift by which most lines are found again; of equal ones the least.
    shift = max(shifts, key=lambda value: (shifts[value], -abs(value), value))
    if shifts[shift] == 1 and len(before) == len(after):
        return dict(zip(after, before))
    for key in after:
        if key[2] - shift in lines:
            pairs[key] = lines[key[2] - shift]
    taken = set(pairs.values())
    for key in after:
        if key not in pairs and key in lines.values() and key not in taken:
            pairs[key] = key
    return pairs


def sort_diff(rows, sort="size"):
    """Largest difference first, as tracemalloc has it."""
    order = {"size": lambda row: (abs(row.size_diff), row.size, abs(row.count_diff), row.count),
             "count": lambda row: (abs(row.count_diff), row.count, abs(row.size_diff), row.size),
             "average": lambda row: (abs(new_average(row) - old_average(row)), row.size)}
    if sort == "name":
        return sorted(rows, key=lambda row: comparable(row.key))
    return sorted(rows, key=lambda row: order[sort](row) + (comparable(row.key),), reverse=True)


def weight(record):
    """What makes a record larger: its bytes with those that only it keeps, its blocks, its surplus references."""
    return (record.bytes + record.indirect_bytes, record.blocks, record.surplus_references)


def diff_records(old_records, new_records):
    """RecordDiffs by fingerprint: first those of new_records in their order, then those that are gone."""
    old = {record.fingerprint: record for record in old_records}
    result = []
    for record in new_records:
        before = old.pop(record.fingerprint, None)
        if before is None:
            state = "new"
        else:
            was, now = weight(before), weight(record)
            state = "same" if was == now else "grown" if any(b > a for a, b in zip(was, now)) else "shrunk"
        result.append(RecordDiff(state, record.fingerprint, before, record))
    result += [RecordDiff("gone", record.fingerprint, record, None) for record in old_records
               if record.fingerprint in old]
    return result
