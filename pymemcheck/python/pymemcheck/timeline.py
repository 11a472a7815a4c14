# SPDX-License-Identifier: GPL-2.0-or-later
"""Snapshots over time: which there are in a profile, what was in use at one, and the curve of all.

    snapshot = find_snapshot(profile, "after")      # UnknownSnapshot
    then = at_snapshot(profile, snapshot)           # a Profile in which live is what was in use then

A snapshot is known by its name, by its number from 1, or as "peak", the moment of most bytes, which every file has."""
import array
import collections
import copy

from .profile import ProfileError, Sites, Snapshot
from .record_words import counted

PEAK = "peak"

# A point of the curve. label: "" or a snapshot's name, PEAK, "end". elapsed_ms: of the peak, estimated.
Point = collections.namedtuple("Point", "serial elapsed_ms live_bytes label number")


class UnknownSnapshot(Exception):
    """str() is one line."""


def find_snapshot(profile, word):
    """The newest snapshot of that name, or that number, as a Snapshot. Its number is 0 for the peak."""
    for snapshot in reversed(profile.snapshots):
        if snapshot.name and snapshot.name == word:
            return snapshot
    if word.isdigit() and 1 <= int(word) <= len(profile.snapshots):
        return profile.snapshots[int(word) - 1]
    if word == PEAK:
        totals = profile.totals
        return Snapshot(0, PEAK, totals["peak_serial"], peak_ms(profile), 0, totals["peak_bytes"], totals["peak_blocks"])
    if not profile.snapshots:
        raise UnknownSnapshot("there are no snapshots in it (--snapshot-every=), only %r" % PEAK)
    names = [snapshot.name for snapshot in profile.snapshots if snapshot.name]
    raise UnknownSnapshot("expected %s" % ", ".join(
        ["a number from 1 to %d" % len(profile.snapshots), repr(PEAK)] + sorted(set(map(repr, names)))[:20]))


def live_at(profile, snapshot):
    """Arrays of the bytes and blocks of each site. ProfileError where the file contradicts itself."""
    if not snapshot.number:
        return profile.sites.peak_bytes, profile.sites.peak_blocks
    count = len(profile.sites)
    sizes, blocks = array.array("q", bytes(8 * count)), array.array("q", bytes(8 * count))
    for changes in profile.snapshot_changes[:snapshot.number]:
        for site, size, number in zip(changes[::3], changes[1::3], changes[2::3]):
            sizes[site], blocks[site] = size, number
    place = "snapshots.live_%%s[%d]" % (snapshot.number - 1)
    if sum(blocks) != snapshot.live_blocks:
        raise ProfileError(profile.path, place % "blocks", "is %d, but the sites have %d then" % (
            snapshot.live_blocks, sum(blocks)))
    if not 0 <= snapshot.live_bytes - sum(sizes) <= profile.totals["padding_bytes"]:
        raise ProfileError(profile.path, place % "bytes", "is %d, but the sites have %d then" % (
            snapshot.live_bytes, sum(sizes)))
    return sizes, blocks


def at_snapshot(profile, snapshot):
    """The profile as of a snapshot. It has no leaks, no sizes of requests, and no other metric than live: peak and
    total are the same."""
    then, sites = copy.copy(profile), Sites()
    for name in Sites.__slots__:
        setattr(sites, name, getattr(profile.sites, name))
    sizes, blocks = live_at(profile, snapshot)
    for metric in ("live", "peak", "total"):
        setattr(sites, metric + "_bytes", sizes)
        setattr(sites, metric + "_blocks", blocks)
    then.sites, then.snapshot, then.snapshots = sites, snapshot, []
    then.totals = dict(profile.totals, live_bytes=snapshot.live_bytes, live_blocks=snapshot.live_blocks)
    then.path = "%s@%s" % (profile.path, snapshot_name(snapshot))
    then.types = then.types_before = None
    then.leaks = then.leaks_before = then.leak_summary = then.leak_summary_before = None
    return then


def snapshot_name(snapshot):
    return snapshot.name or str(snapshot.number)


def end_serial(profile):
    """The number of the newest allocation."""
    return max([max(profile.sites.last, default=0)] + [snapshot.serial for snapshot in profile.snapshots[-1:]])


def peak_ms(profile):
    """When the peak was, estimated from the snapshots about it; of a profile without any, the end."""
    serial, before = profile.totals["peak_serial"], (0, 0)
    for point in [(s.serial, s.elapsed_ms) for s in profile.snapshots] + [(end_serial(profile), profile.run["elapsed_ms"])]:
        if point[0] >= serial > before[0]:
            return before[1] + (point[1] - before[1]) * (serial - before[0]) // (point[0] - before[0])
        before = point
    return profile.run["elapsed_ms"]


def curve(profile):
    """Points by serial: the start, snapshots, the peak and the end; [] of a file without snapshots."""
    if not profile.snapshots:
        return []
    points = [Point(s.serial, s.elapsed_ms, s.live_bytes, s.name, s.number) for s in profile.snapshots]
    if profile.totals["peak_serial"]:
        points.append(Point(profile.totals["peak_serial"], peak_ms(profile), profile.totals["peak_bytes"], PEAK, 0))
        points.sort(key=lambda point: (point.serial, point.label == PEAK))
    return [Point(0, 0, 0, "", 0)] + points + [
        Point(end_serial(profile), profile.run["elapsed_ms"], profile.totals["live_bytes"], "end", 0)]


def columns_of(points, width):
    """The curve as width columns: the largest of the points in each; where there is none, a straight line between its
    neighbours. Returns [(bytes, labels)]."""
    last = points[-1].serial or 1
    columns = [[None, []] for _ in range(width)]
    for point in points:
        column = columns[min(width - 1, point.serial * width // last)]
        column[0] = max(column[0] or 0, point.live_bytes)
        column[1].append(point)
    known = [index for index, (value, _) in enumerate(columns) if value is not None]
    for before, after in zip(known, known[1:]):
        low, high = columns[before][0], columns[after][0]
        for index in range(before + 1, after):
            columns[index][0] = low + (high - low) * (index - before) // (after - before)
    return [(value or 0, labels) for value, labels in columns]


WIDTH, LEAST_WIDTH, HEIGHT = 64, 16, 8
MARGIN = 17         # left of the curve


def put_curve(output, profile, height=HEIGHT):
    """Draws the curve as ms_print does: @ is the peak, # the rest. Snapshots with names are lettered."""
    from .labels import harmless
    from .summary import amount
    points = curve(profile)
    if not points:
        return
    output.put("In use over time:", "heading")
    width = WIDTH if output.width is None else max(LEAST_WIDTH, min(WIDTH, output.width - MARGIN))
    columns = columns_of(points, width)
    most = max(value for value, _ in columns) or 1
    peaks = {index for index, (_, labels) in enumerate(columns) if any(point.label == PEAK for point in labels)}
    for row in range(height, 0, -1):
        line = "".join((("@" if index in peaks else "#") if 2 * height * value >= (2 * row - 1) * most else " ")
                       for index, (value, _) in enumerate(columns))
        output.put("%15s |%s" % (amount(most) if row == height else "", line.rstrip()))
    output.put("%15s +%s" % ("0", "-" * width))
    letters, legend = [" "] * width, []
    for index, (_, labels) in enumerate(columns):
        for point in labels:
            if point.number and point.label and len(legend) < 26:
                letters[index] = chr(ord("a") + len(legend))
                legend.append("%s %s, allocation %s: %s" % (letters[index], harmless(point.label), format(point.serial, ","),
                                                          amount(point.live_bytes)))
    end = "%s allocations" % format(points[-1].serial, ",")
    output.put(" " * MARGIN + "0" + end.rjust(width - 1))
    if legend:
        output.put((" " * MARGIN + "".join(letters)).rstrip())
    for line in legend:
        output.put(" " * MARGIN + line)
    output.put(" " * MARGIN + "%s (--snapshots lists them; FILE@NAME or FILE@NUMBER is one)" % counted(len(profile.snapshots), "snapshot"),
               "dim")


def put_list(output, profile):
    """A line for each snapshot."""
    from .labels import harmless
    if not profile.snapshots:
        output.put("no snapshots (--snapshot-every=)")
        return
    output.put("  number   allocation    seconds        in use      blocks    difference  name", "dim")
    before = 0
    for snapshot in profile.snapshots:
        output.put(("%8d%13s%11.1f%14s%12s%14s  %s" % (
            snapshot.number, format(snapshot.serial, ","), snapshot.elapsed_ms / 1000, format(snapshot.live_bytes, ","),
            format(snapshot.live_blocks, ","), format(snapshot.live_bytes - before, "+,"), harmless(snapshot.name))).rstrip())
        before = snapshot.live_bytes
