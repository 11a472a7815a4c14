# SPDX-License-Identifier: GPL-2.0-or-later
"""Callgrind's format, version 1, with live, peak and total figures as events. The own cost of a function is what was
allocated while it was innermost. The cost of a call is what was allocated below it; where a function calls itself,
once for each block."""
import collections

from .view import METRICS, totals_of

EVENTS = [metric.capitalize() + unit for metric in METRICS for unit in ("Bytes", "Blocks")]


class _Names:
    """Names are written once and then stand for themselves as (number)."""

    def __init__(self):
        self._numbers = {}

    def __call__(self, name):
        if name in self._numbers:
            return "(%d)" % self._numbers[name]
        self._numbers[name] = len(self._numbers) + 1
        return "(%d) %s" % (self._numbers[name], name)


def _add(costs, figures):
    for index, value in enumerate(figures):
        costs[index] += value


def write(view, stream):
    functions = {}          # (object, file, function) -> {line: costs}, {(line, callee, its line): costs}

    known = {}

    def function_of(frame):
        key = known.get(id(frame))
        if key is None:
            key = known[id(frame)] = describe(frame)
        return key

    def describe(frame):
        python = frame.kind == "python"
        key = (view.labels.object(frame.object) if not python else "python",
               view.labels.file(frame.file, True) if frame.file else "???", view.labels.function(frame.function))
        if key not in functions:
            functions[key] = (collections.defaultdict(lambda: [0] * 6), collections.defaultdict(lambda: [0] * 6))
        return key

    rows = view.rows()
    for frames, figures in rows:
        if not frames:
            _add(functions.setdefault(("???", "???", "(no stack)"), (collections.defaultdict(lambda: [0] * 6), {}))[0][0],
                 figures)
            continue
        keys = [function_of(frame) for frame in frames]
        _add(functions[keys[0]][0][frames[0].line], figures)
        seen = set()
        for index in range(len(frames) - 1, 0, -1):
            call = (keys[index], frames[index].line, keys[index - 1], frames[index - 1].line)
            if call not in seen:
                seen.add(call)
                _add(functions[keys[index]][1][call[1:]], figures)
    _put(view, stream, functions, totals_of(rows, 6))


def _put(view, stream, functions, totals):
    files, names, objects = _Names(), _Names(), _Names()
    lines = ["# callgrind format", "version: 1", "creator: pymemcheck", "pid: %d" % view.profile.run["pid"],
             "cmd: %s" % view.command(), "positions: line", "events: " + " ".join(EVENTS),
             "summary: " + " ".join(map(str, totals)), ""]
    for key in sorted(functions):
        own, calls = functions[key]
        lines += ["ob=" + objects(key[0]), "fl=" + files(key[1]), "fn=" + names(key[2])]
        for line in sorted(own):
            lines.append("%d %s" % (line, " ".join(map(str, own[line]))))
        for line, callee, target in sorted(calls):
            costs = calls[line, callee, target]
            lines += ["cob=" + objects(callee[0]), "cfi=" + files(callee[1]), "cfn=" + names(callee[2]),
                      "calls=%d %d" % (costs[-1], target), "%d %s" % (line, " ".join(map(str, costs)))]
        lines.append("")
    lines.append("totals: " + " ".join(map(str, totals)))
    stream.write(("\n".join(lines) + "\n").encode("utf-8", "backslashreplace"))
