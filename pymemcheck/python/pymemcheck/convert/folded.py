# SPDX-License-Identifier: GPL-2.0-or-later
"""Folded stacks, as flamegraph.pl reads them: frames from the outermost on, then the bytes of one metric."""
from .view import NO_STACK


def write(view, stream):
    def key(frames):
        names = [_name(view, frame) for frame in reversed(frames)]
        return ";".join(names) or NO_STACK

    rows = [(key(frames), figures[0]) for frames, figures in view.rows((view.metric,), key) if figures[0]]
    for names, size in sorted(rows):
        stream.write(("%s %d\n" % (names, size)).encode("utf-8", "backslashreplace"))


def _name(view, frame):
    return view.labels.place(frame).replace(";", ":")
