# SPDX-License-Identifier: GPL-2.0-or-later
"""Massif's format: three snapshots, at the start (nothing), at the peak and at the end. When the peak was is not in a
profile; it is drawn in the middle, unless it is the end."""
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


def write(view, stream):
    totals, elapsed = view.profile.totals, view.profile.run["elapsed_ms"]
    lines = ["desc: converted by pymemcheck", "cmd: " + view.command(), "time_unit: ms"]
    peak, live = totals["peak_bytes"], totals["live_bytes"]
    snapshots = [(0, None, 0, "empty"), (elapsed // 2 if peak != live else elapsed, "peak", peak, "peak")]
    if peak != live:
        snapshots.append((elapsed, "live", live, "detailed"))
    for number, (time, metric, size, kind) in enumerate(snapshots):
        root = _tree(view, view.rows((metric,))) if metric else _Node()
        extra = max(size - root.size, 0) if view.numbers is None else 0
        lines += ["#-----------", "snapshot=%d" % number, "#-----------", "time=%d" % time, "mem_heap_B=%d" % root.size,
                  "mem_heap_extra_B=%d" % extra, "mem_stacks_B=0", "heap_tree=" + kind]
        if metric:
            _put(lines, root, "(heap allocation functions) malloc/new/new[], --alloc-fns, etc.", 0,
                 max(1, root.size * THRESHOLD))
    stream.write(("\n".join(lines) + "\n").encode("utf-8", "backslashreplace"))
