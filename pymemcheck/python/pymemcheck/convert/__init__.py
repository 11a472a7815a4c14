# SPDX-License-Identifier: GPL-2.0-or-later
"""Writers of other programs' formats: one module for each, with write(view, stream), stream being of bytes.

FORMATS is format -> (module, what it is for)."""
FORMATS = {
    "dhat": ("dhat", "DHAT's viewer, dh_view.html, and the Firefox Profiler"),
    "pprof": ("pprof", "go tool pprof"),
    "folded": ("folded", "flamegraph.pl, speedscope and others: a line for each stack"),
    "speedscope": ("speedscope", "https://www.speedscope.app and the speedscope package"),
    "callgrind": ("callgrind", "KCachegrind and callgrind_annotate"),
    "massif": ("massif", "ms_print and massif-visualizer"),
    "tracemalloc": ("snapshot", "tracemalloc.Snapshot.load, of the Python version that converts"),
    "csv": ("table", "a line for each allocation site"),
}
