# SPDX-License-Identifier: GPL-2.0-or-later
"""Massif's format: a snapshot for each of the profile's, and the start (nothing), the peak and the end. Those with a
name, every tenth, the peak and the end are detailed, as Massif has them. In a file without snapshots the moment of the
peak is not known; it is drawn in the middle, unless it is the end."""
from ..timeline import at_snapshot, find_snapshot
from .view import NO_STACK

THRESHOLD = 0.0001      # of the total; what has less is summed up, as massif itself does


class _Node:
    __slots__ = ("size", "kids")

    def __init__(self):
        self.size, self.kids = 0, {}


def _tree(view, rows):
    root = _Node()
    for frames, figures in rows:
        size = figures[0]
        node = root
        node.size += size
        for text in [_text(view, frame) for frame in frames] or [NO_STACK]:
            node = node.kids.setdefault(text, _Node())
            node.size += size
    return root


def _text(view, frame):
    """ms_print takes what follows a # for a comment."""
    place = " (%s:%d)" % (view.labels.file(frame.file, True), frame.line) if frame.file or frame.line else \
        " (in %s)" % view.labels.object(frame.object)
    return ("0x%X: %s%s" % (frame.offset, view.name(frame), place)).replace("#", "\\x23")


def _put(lines, node, text, depth, least):
    large = sorted(((kid.size, name) for name, kid in node.kids.items() if kid.size >= least), key=lambda k: (-k[0], k[1]))
    small = [kid.size for kid in node.kids.values() if kid.size < least]
    lines.append("%sn%d: %d %s" % (" " * depth, len(large) + (1 if small else 0), node.size, text))
    for _, name in large:
        _put(lines, node.kids[name], name, depth + 1, least)
    if small:
        lines.append("%sn0: %d in %d place%s, all below massif's threshold (%.2f%%)" % (
            " " * (depth + 1), sum(small), len(small), "" if len(small) == 1 else "s", THRESHOLD * 100))


DETAILED_EVERY = 10


def _moments(profile):
    """(milliseconds, Snapshot or None for the end, bytes, kind): what is drawn."""
    totals, end = profile.totals, profile.run["elapsed_ms"]
    if profile.snapshot:
        return [(profile.snapshot.elapsed_ms, None, totals["live_bytes"], "peak")]
    moments = [(s.elapsed_ms, s, s.live_bytes, "detailed" if s.name or s.number % DETAILED_EVERY == 0 else "empty")
               for s in profile.snapshots]
    if totals["peak_bytes"] != totals["live_bytes"]:
        peak = find_snapshot(profile, "peak")
        if not moments:
            peak = peak._replace(elapsed_ms=end // 2)
        before = sum(1 for _, s, _, _ in moments if s.serial <= peak.serial)
        moments.insert(before, (peak.elapsed_ms, peak, totals["peak_bytes"], "peak"))
        return moments + [(end, None, totals["live_bytes"], "detailed")]
    return moments + [(end, None, totals["live_bytes"], "peak")]


def write(view, stream):
    profile = view.profile
    lines = ["desc: converted by pymemcheck", "cmd: " + view.command(), "time_unit: ms"]
    moments = [(0, None, 0, "start")] + _moments(profile)
    for number, (time, snapshot, size, kind) in enumerate(moments):
        root = _Node()
        if kind == "empty":     # only its sum is known cheaply, which has the padding; filters need all sites
            root.size = size if view.numbers is None else view.at(at_snapshot(profile, snapshot)).sum("live")
        elif kind != "start":
            then = view if snapshot is None else view.at(at_snapshot(profile, snapshot))
            root = _tree(then, then.rows(("live",)))
        extra = max(size - root.size, 0) if view.numbers is None else 0
        lines += ["#-----------", "snapshot=%d" % number, "#-----------", "time=%d" % time, "mem_heap_B=%d" % root.size,
                  "mem_heap_extra_B=%d" % extra, "mem_stacks_B=0",
                  "heap_tree=" + ("empty" if kind == "start" else kind)]
        if kind in ("detailed", "peak"):
            _put(lines, root, "(heap allocation functions) malloc/new/new[], --alloc-fns, etc.", 0,
                 max(1, root.size * THRESHOLD))
    stream.write(("\n".join(lines) + "\n").encode("utf-8", "backslashreplace"))
