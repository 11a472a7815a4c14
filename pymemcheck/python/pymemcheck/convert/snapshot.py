# SPDX-License-Identifier: GPL-2.0-or-later
"""A snapshot of tracemalloc, for Snapshot.load of the Python version that converts (traces.py says what a trace is). There
can be as many traces as blocks: convert what is live, rather than all that was ever allocated."""
import pickle
import tracemalloc

from ..traces import make_traces
from .view import METRICS


def write(view, stream):
    size_index = 2 * METRICS.index(view.metric)
    # By stack of Python lines only, whatever frames the view shows.
    rows = ((stack, *values[size_index:size_index + 2]) for stack, *values in zip(
        view.items.stacks, *(c for metric in METRICS for c in view.items.figures[metric])))
    traces, limit = make_traces(view.profile, view.grouping, rows)
    pickle.dump(tracemalloc.Snapshot(traces, limit), stream, pickle.HIGHEST_PROTOCOL)
