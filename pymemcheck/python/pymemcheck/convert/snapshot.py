# SPDX-License-Identifier: GPL-2.0-or-later
"""A snapshot of tracemalloc, for Snapshot.load of the Python version that converts. A trace is a block; sizes of
single blocks are not in a profile, so a site's bytes are divided equally among its blocks. Stacks without Python
frames have one frame, with the path of the C code's object as file and line 0. There can be as many traces as
blocks: convert what is live, rather than all that was ever allocated."""
import pickle
import sys
import tracemalloc

from .view import METRICS


def write(view, stream):
    size_index = 2 * METRICS.index(view.metric)
    with_count = sys.version_info >= (3, 9)        # traces have the number of all frames from then on
    traces, limit = [], 1
    names = {}
    # By stack of Python lines only, whatever frames the view shows.
    for stack, *values in zip(view.items.stacks, *(c for metric in METRICS for c in view.items.figures[metric])):
        size, count = values[size_index:size_index + 2]
        if not count:
            continue
        frames = tuple((names.setdefault(frame.file, frame.file), frame.line) for frame in view.profile.stack(stack)
                       if frame.kind == "python")
        if not frames:
            number = view.grouping.caller(stack)
            frames = ((view.profile.frames[number - 1].object if number else "<unknown>", 0),)
        limit = max(limit, len(frames))
        each, rest = divmod(size, count)
        tail = (frames, len(frames)) if with_count else (frames,)
        if rest:
            traces.extend([(0, each + 1) + tail] * rest)
        traces.extend([(0, each) + tail] * (count - rest))
    pickle.dump(tracemalloc.Snapshot(traces, limit), stream, pickle.HIGHEST_PROTOCOL)
