# SPDX-License-Identifier: GPL-2.0-or-later
"""DHAT's file, version 2 (valgrind/dhat/dh_main.c). Total, t-gmax and t-end are total, peak and live. What DHAT has
and a profile has not: lifetimes (0), and each point's own maximum (the larger of its peak and live figures). Times are
numbers of allocations; of older profiles, which do not have that of the peak, it is the end's."""
import json

from .view import NO_STACK


def write(view, stream):
    table, places = ["[root]"], {}

    def place(text):
        if text not in places:
            places[text] = len(table)
            table.append(text)
        return places[text]

    known = {}

    def number_of(frame):
        number = known.get(id(frame))
        if number is None:
            number = known[id(frame)] = place(text_of(frame))
        return number

    def text_of(frame):
        if frame.kind != "native":
            return view.labels.frame(frame)
        where = " (%s:%d)" % (view.labels.object(frame.file), frame.line) if frame.line else ""
        return "0x%X: %s%s" % (frame.offset, view.labels.place(frame), where)

    def key(frames):
        return tuple(map(number_of, frames)) or (place(NO_STACK),)

    points = []
    for frames, (live, live_blocks, peak, peak_blocks, total, total_blocks) in view.rows(key=key):
        points.append(dict(tb=total, tbk=total_blocks, tl=0, mb=max(peak, live), mbk=max(peak_blocks, live_blocks),
                           gb=peak, gbk=peak_blocks, eb=live, ebk=live_blocks, fs=list(key(frames))))
    run, totals = view.profile.run, view.profile.totals
    data = dict(dhatFileVersion=2, mode="heap", verb="Allocated", bklt=True, bkacc=False, tu="allocs", Mtu="Mallocs",
                tuth=0, cmd=view.command(), pid=run["pid"], te=totals["allocs"], tg=totals["peak_serial"] or totals["allocs"], pps=points,
                ftbl=table)
    stream.write(json.dumps(data, separators=(",", ":")).encode("ascii"))
