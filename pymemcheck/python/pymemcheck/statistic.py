# SPDX-License-Identifier: GPL-2.0-or-later
"""Sums by group, and their order: as tracemalloc's Snapshot.statistics, for three metrics at once.

    items = Items.of_sites(profile)
    for row in sort_rows(make_rows(items, "line"), "live"):
        row.key, row.size("live"), row.count("live")"""
import collections
import heapq

from .grouping import FRAME_GROUPS


class Row:
    """A sum. frame: of the item with the most bytes (a Frame or None); stack: that item's."""

    __slots__ = ("key", "frame", "stack", "figures")

    def __init__(self, key, frame, stack, figures):
        self.key, self.frame, self.stack, self.figures = key, frame, stack, figures

    def size(self, metric):
        return self.figures[metric][0]

    def count(self, metric):
        return self.figures[metric][1]

    def average(self, metric):
        size, count = self.figures[metric]
        return size / count if count else 0


def make_rows(items, group, cumulative=None):
    """The sums of items by group. cumulative: a metric; a row is then all that was allocated while one of its
    frames was somewhere in the Python stack, and has that metric only. A block counts once in a row, also
    where a function calls itself (tracemalloc counts it once for each frame)."""
    if cumulative:
        return _cumulative_rows(items, group, cumulative)
    metrics = list(items.figures)
    columns = [column for metric in metrics for column in items.figures[metric]]
    if group in FRAME_GROUPS:       # there are far fewer frames than items
        if items.frame_sums is None:
            items.frame_sums = _sum(items.told_by, items.stacks, columns)
        sums = _join_frames(items.frame_sums, items.grouping, group)
    else:
        sums = _sum(items.keys(group), items.stacks, columns)
    frames, told_by = items.profile.frames, items.grouping.told_by
    rows = []
    for key, (stack, _, *values) in sums.items():
        number = items.grouping.caller(stack) if group == "caller" else told_by(stack)
        rows.append(Row(key, frames[number - 1] if number else None, stack,
                        {metric: (values[2 * i], values[2 * i + 1]) for i, metric in enumerate(metrics)}))
    return rows


def _sum(keys, stacks, columns):
    sums = {}
    if len(columns) == 6:
        _sum_three(sums, keys, stacks, *columns)
    else:
        _sum_one(sums, keys, stacks, *columns)
    return sums


# Written out for one metric and for three: there can be a million items. An entry is the stack of the item with the
# most bytes, these bytes, and the sums.

def _sum_one(sums, keys, stacks, sizes, counts):
    find = sums.get
    for key, stack, size, count in zip(keys, stacks, sizes, counts):
        if not (size or count):
            continue
        entry = find(key)
        if entry is None:
            sums[key] = [stack, size, size, count]
            continue
        if size > entry[1]:
            entry[0], entry[1] = stack, size
        entry[2] += size
        entry[3] += count


def _sum_three(sums, keys, stacks, a, a_count, b, b_count, c, c_count):
    find = sums.get
    for key, stack, size, count, size_b, count_b, size_c, count_c in zip(
            keys, stacks, a, a_count, b, b_count, c, c_count):
        entry = find(key)
        if entry is None:
            sums[key] = [stack, size + size_b + size_c, size, count, size_b, count_b, size_c, count_c]
            continue
        entry[2] += size
        entry[3] += count
        entry[4] += size_b
        entry[5] += count_b
        entry[6] += size_c
        entry[7] += count_c
        if size + size_b + size_c > entry[1]:
            entry[0], entry[1] = stack, size + size_b + size_c


def _join_frames(sums, grouping, group):
    """From sums by the number of a frame sums by the keys of a group."""
    joined = {}
    for number, more in sums.items():
        key = grouping.frame_key(group, number)
        entry = joined.get(key)
        if entry is None:
            joined[key] = more[:]
            continue
        if more[1] > entry[1]:
            entry[0], entry[1] = more[0], more[1]
        for index in range(2, len(more)):
            entry[index] += more[index]
    return joined


def can_cumulate(group):
    return group in FRAME_GROUPS


def _cumulative_rows(items, group, metric):
    """Sums over the tree of stacks, callers last; then a node counts for its key unless a caller of it has the
    same key."""
    profile, grouping = items.profile, items.grouping
    parents, frame_of = profile.stack_parent, profile.stack_frame
    sizes, counts = [0] * len(parents), [0] * len(parents)
    rows = {}

    def add(key, number, stack, size, count):
        entry = rows.setdefault(key, [number, stack, 0, 0, -1])
        entry[2] += size
        entry[3] += count
        if size > entry[4]:
            entry[0], entry[1], entry[4] = number, stack, size

    python = grouping.python
    for stack, size, count in zip(items.stacks, *items.figures[metric]):
        if python[stack]:
            sizes[stack] += size
            counts[stack] += count
        else:
            number = grouping.caller(stack)
            add(grouping.frame_key(group, number), number, stack, size, count)
    for node in range(len(parents) - 1, 0, -1):
        if counts[node] or sizes[node]:
            sizes[parents[node]] += sizes[node]
            counts[parents[node]] += counts[node]
    keys = [grouping.frame_key(group, number + 1) if frame.kind == "python" else None
            for number, frame in enumerate(profile.frames)]
    for node in range(1, len(parents)):
        key = keys[frame_of[node]]
        if key is None or not (counts[node] or sizes[node]):
            continue
        outer = parents[node]
        while outer and python[outer]:
            if keys[frame_of[outer]] == key:
                break
            outer = parents[outer]
        else:
            outer = 0
        if not outer:
            add(key, frame_of[node] + 1, node, sizes[node], counts[node])
    return [Row(key, profile.frames[number - 1] if number else None, stack, {metric: (size, count)})
            for key, (number, stack, size, count, _) in rows.items()]


def comparable(key):
    return tuple((1, value, "") if isinstance(value, int) else (2, 0, str(value)) for value in key)


SORTS = ("size", "count", "average", "name")


def sort_rows(rows, metric, sort="size", top=0):
    """Rows that have something, largest first; by default by size, then count, then key, each descending, as
    tracemalloc has it. top: only so many need be in order (0: all); the others follow in any order."""
    rows = [row for row in rows if row.figures[metric][0] or row.figures[metric][1]]
    if sort == "name":
        return sorted(rows, key=lambda row: comparable(row.key))
    weight = {"size": lambda row: (row.size(metric), row.count(metric)),
              "count": lambda row: (row.count(metric), row.size(metric)),
              "average": lambda row: (row.average(metric), row.size(metric))}[sort]
    rest = []
    if 0 < top < len(rows):
        weights = list(map(weight, rows))
        least = heapq.nlargest(top, weights)[-1]
        rest = [row for row, value in zip(rows, weights) if value < least]
        rows = [row for row, value in zip(rows, weights) if value >= least]
    return sorted(rows, key=lambda row: weight(row) + (comparable(row.key),), reverse=True) + rest


Sum = collections.namedtuple("Sum", "size count")


def sum_rows(rows, metric):
    return Sum(sum(row.size(metric) for row in rows), sum(row.count(metric) for row in rows))
