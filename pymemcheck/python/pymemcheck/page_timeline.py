# SPDX-License-Identifier: GPL-2.0-or-later
"""What the page shows of snapshots over time: the curve, and of each snapshot the lines that held most and changed most."""
import heapq

from .page_names import shown
from .timeline import curve

MOST_SNAPSHOTS = 300        # with lines; of more, those without a name are thinned
MOST_LINES, MOST_CHANGED = 12, 6


def _chosen(snapshots):
    """The numbers of the snapshots that have lines in the page."""
    step = -(-len(snapshots) // MOST_SNAPSHOTS)
    return {snapshot.number for index, snapshot in enumerate(snapshots)
            if index % step == 0 or (snapshot.name and len(snapshots) <= 4 * MOST_SNAPSHOTS) or index + 1 == len(snapshots)}


def make_timeline(profile, grouping, table, label_of):
    """None for a file without snapshots. points: [serial, ms, bytes, label, number of the snapshot or 0]. snapshots:
    [number, name, serial, ms, bytes, blocks, lines]; lines: [name, title, file, line, bytes, blocks, change since the snapshot
    before that is in the list]. left_out: how many snapshots are in the curve only. label_of(frame number, full) is a name."""
    points = curve(profile)
    if not points:
        return None
    told_by = grouping.told_by_all(profile.sites.stack)
    keys, lines, frame_of = {}, [], []
    for number in told_by:
        key = grouping.frame_key("line", number)
        if key not in keys:
            keys[key] = len(frame_of)
            frame_of.append(number)
        lines.append(keys[key])
    sizes, blocks = [0] * len(told_by), [0] * len(told_by)
    line_sizes, line_blocks, changed = [0] * len(frame_of), [0] * len(frame_of), {}
    chosen, result = _chosen(profile.snapshots), []
    for snapshot, changes in zip(profile.snapshots, profile.snapshot_changes):
        for site, size, count in zip(changes[::3], changes[1::3], changes[2::3]):
            line, difference = lines[site], size - sizes[site]
            line_sizes[line] += difference
            line_blocks[line] += count - blocks[site]
            changed[line] = changed.get(line, 0) + difference
            sizes[site], blocks[site] = size, count
        if snapshot.number not in chosen:
            continue
        largest = heapq.nlargest(MOST_LINES, range(len(frame_of)), key=line_sizes.__getitem__)
        moved = heapq.nlargest(MOST_CHANGED, changed, key=lambda line: (abs(changed[line]), -line))
        rows = [_row(profile, table, label_of, frame_of[line], line_sizes[line], line_blocks[line], changed.get(line, 0))
                for line in dict.fromkeys(largest + moved) if line_sizes[line] or changed.get(line)]
        result.append([snapshot.number, shown(snapshot.name), snapshot.serial, snapshot.elapsed_ms, snapshot.live_bytes,
                       snapshot.live_blocks, rows])
        changed = {}
    return {"points": [[p.serial, p.elapsed_ms, p.live_bytes, shown(p.label), p.number] for p in points],
            "snapshots": result, "left_out": len(profile.snapshots) - len(result)}


def _row(profile, table, label_of, number, size, count, change):
    frame = profile.frames[number - 1] if number else None
    python = frame is not None and frame.kind == "python"
    return [label_of(number, False), label_of(number, True), table.file_number(frame.file) if python else -1,
            frame.line if python else 0, size, count, change]
