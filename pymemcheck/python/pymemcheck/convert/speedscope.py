# SPDX-License-Identifier: GPL-2.0-or-later
"""speedscope's own format: a profile of samples for each of live, peak and total; the one asked for is shown first."""
import json

from .view import METRICS, NO_STACK

TITLES = {"live": "allocated at the end", "peak": "at the peak", "total": "allocated in all"}


def write(view, stream):
    frames, places = [], {}

    def place(frame):
        if id(frame) not in places:
            places[id(frame)] = len(frames)
            entry = {"name": view.name(frame) if frame else NO_STACK}
            if frame and frame.file:
                entry["file"] = view.labels.file(frame.file, True)
            if frame and frame.line:
                entry["line"] = frame.line
            frames.append(entry)
        return places[id(frame)]

    rows = view.rows()
    profiles = []
    for index, metric in enumerate(METRICS):
        samples, weights = [], []
        for stack, figures in rows:
            if figures[2 * index]:
                samples.append([place(frame) for frame in reversed(stack)] or [place(None)])
                weights.append(figures[2 * index])
        profiles.append({"type": "sampled", "name": TITLES[metric], "unit": "bytes", "startValue": 0,
                         "endValue": sum(weights), "samples": samples, "weights": weights})
    data = {"$schema": "https://www.speedscope.app/file-format-schema.json", "exporter": "pymemcheck",
            "name": view.command(), "activeProfileIndex": METRICS.index(view.metric), "shared": {"frames": frames},
            "profiles": profiles}
    stream.write(json.dumps(data, separators=(",", ":")).encode("ascii"))
