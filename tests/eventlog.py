# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the event log of --trace=malloc as text, and adds it up without the tool's help."""
import collections
import re

LINE = re.compile(r"^ *(?P<pid>\d+)(?:/(?P<thread>\d+))? (?P<place> *.*):(?P<line>\d+|-) * -> (?P<function>.*?) "
                  r"(?P<call>(?:malloc|calloc|realloc|memalign|free|operator (?:new|delete)(?:\[\])?|[A-Z]+_BLOCK)\(.*)$")
CALL = re.compile(r"^(?P<name>.*?)\((?P<arguments>.*?)\)(?: pntr (?P<result>0x[0-9a-f]+))?$")
# (file, line, function) of a line; the line number is 0 for C functions.
Event = collections.namedtuple("Event", "pid thread file line function name arguments result")
Totals = collections.namedtuple("Totals", "allocs frees bytes live_bytes live_blocks peak_bytes temporary")


def number(text):
    text = text.strip()
    return int(text, 16) if text.startswith("0x") else int(text.replace("align ", ""))


def events(text):
    """The events of a log, in order. Every line between BEGIN and END must be one, or a mark."""
    body = text.split("pymemcheck:::END\n")[0]
    for line in body.splitlines():
        if line == "" or line.startswith("pymemcheck:::"):
            continue
        found = LINE.match(line)
        assert found, f"not an event: {line!r}"
        call = CALL.match(found["call"])
        assert call, f"not a call: {line!r}"
        yield Event(int(found["pid"]), int(found["thread"] or 0), found["place"].strip(),
                    0 if found["line"] == "-" else int(found["line"]), found["function"], call["name"],
                    [number(word) for word in call["arguments"].split(",")],
                    number(call["result"]) if call["result"] else None)


def size_of(event):
    """The bytes that an allocation asked for."""
    if event.name == "calloc":
        return event.arguments[0] * event.arguments[1]
    if event.name in ("realloc", "memalign", "RESIZEINPLACE_BLOCK"):
        return event.arguments[1]
    return event.arguments[0]


class Replay:
    """What lives and what was counted after the events, as Memcheck counts."""

    def __init__(self, log):
        self.live = {}              # address: (size, event)
        self.allocs = self.frees = self.bytes = self.peak = self.temporary = self._bytes_now = 0
        self.newest = None          # the address of the block that was made last, if none was freed since
        self.changes = []           # bytes of each block that was made; negative: freed
        for event in log:
            self.add(event)

    def add(self, event):
        if event.name in ("free", "operator delete", "operator delete[]", "FREELIKE_BLOCK"):
            self.frees += 1
            self.drop(event.arguments[0])
        elif event.name == "realloc" and event.arguments[0] != 0:
            if event.result == 0 and event.arguments[1] != 0:
                return
            self.frees += 1
            self.drop(event.arguments[0])
            if event.result:
                self.enter(event)
        elif event.result:
            self.enter(event)

    def enter(self, event):
        size = size_of(event)
        assert event.result not in self.live, f"allocated twice: {event}"
        self.live[event.result] = (size, event)
        self.allocs += 1
        self.bytes += size
        self._bytes_now += size
        self.peak = max(self.peak, self._bytes_now)
        self.newest = event.result
        self.changes.append(size)

    def drop(self, address):
        size = self.live.pop(address, (0, None))[0]
        self._bytes_now -= size
        self.temporary += address == self.newest
        self.newest = None
        self.changes.append(-size)

    @property
    def totals(self):
        return Totals(self.allocs, self.frees, self.bytes, self._bytes_now, len(self.live), self.peak, self.temporary)
