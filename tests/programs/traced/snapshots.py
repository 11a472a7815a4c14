# SPDX-License-Identifier: GPL-2.0-or-later
"""Takes snapshots of the same workloads from tracemalloc and from pymemcheck.tracing, in one process. For CPython 3.8 and
later, with the package in PYTHONPATH.

Usage: snapshots.py WORKLOADS OUTPUT SECONDS, as inside.py has them.

Writes JSON to OUTPUT. "tracemalloc" and "pymemcheck": the statistics by line of the snapshot, as a list of
[file, line, blocks, bytes]. Both snapshots went through the same filters, which leave out the warm-up, the package, and
what the snapshots themselves allocate. Of ours only the memory of Python's three domains counts, since tracemalloc knows
no other. "empty": a list of [file, line, blocks of no bytes] of tracemalloc's. "tests": how many tests of each module ran.
"""
import _thread
import collections
import contextvars
import gc
import json
import os
import sys
import time
import tracemalloc
import types

import pymemcheck
from pymemcheck import DOMAINS, client_requests, tracing
from workloads import WAIT_FOR_THREADS, WARM_UP, run

FRAMES = 200
PACKAGE = os.path.join(os.path.dirname(pymemcheck.__file__), "*")
DOMAINS_OF_PYTHON = [tracing.DomainFilter(True, DOMAINS.index(name)) for name in ("object", "mem", "raw")]


def both_snapshots():
    """theirs, ours. Ours begins with a file that the tool writes, and then reads it in. Theirs is taken just before the file
    is written, so that both show the same moment: what runs between uses memory of free lists. tracemalloc stops just
    after it, since to follow what is read in would take minutes. Not before: its table keeps file names of code that is
    gone."""
    write, theirs = client_requests.write_profile, []

    def with_theirs(path):
        theirs.append(tracemalloc.take_snapshot())
        answer = write(path)
        tracemalloc.stop()
        return answer
    client_requests.write_profile = with_theirs
    ours = tracing.take_snapshot()
    return theirs[0], ours


def of_the_workloads(snapshot, line):
    """Without what line of this file allocated."""
    return snapshot.filter_traces([tracing.Filter(False, "<warm-up>", all_frames=True), tracing.Filter(False, PACKAGE),
                                   tracing.Filter(False, __file__, line, all_frames=True)])


def without_bytes(snapshot):
    places = collections.Counter((each.traceback[-1].filename, each.traceback[-1].lineno)
                                 for each in snapshot.traces if not each.size)
    return [list(place) + [count] for place, count in places.items()]


def by_line(snapshot):
    return sorted([each.traceback[0].filename, each.traceback[0].lineno, each.count, each.size]
                  for each in snapshot.statistics("lineno"))


seconds_for_each = float(sys.argv[3])
# The first call leaves memory behind, in the caches of the modules that it imports.
tracing.take_snapshot()
warm_up = compile(WARM_UP, "<warm-up>", "exec")
tracing.clear_traces()
tracemalloc.start(FRAMES)
exec(warm_up)
ran = {name: run(name, seconds_for_each) for name in sys.argv[1].split(",")}
exec(WAIT_FOR_THREADS)
kept = None                     # the warm-up's; filters take long for so many
gc.collect()
gc.disable()
# It keeps names that nobody else does, until it needs their places for others: between the two snapshots.
sys._clear_type_cache()
here = sys._getframe().f_lineno
theirs, ours = both_snapshots()
theirs, ours = of_the_workloads(theirs, here + 1), of_the_workloads(ours, here + 1).filter_traces(DOMAINS_OF_PYTHON)
with open(sys.argv[2], "w") as output:
    json.dump({"tracemalloc": by_line(theirs), "pymemcheck": by_line(ours), "empty": without_bytes(theirs),
               "tests": {name: result[0] for name, result in ran.items() if name.startswith("test.")}}, output)
