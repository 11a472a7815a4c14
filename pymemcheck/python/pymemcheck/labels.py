# SPDX-License-Identifier: GPL-2.0-or-later
"""Names as people see them: short, harmless on a terminal, and different where the things differ. The same
rules as the tool's own report (pymemcheck/report/pm_labels.c, pm_utf8.c)."""
import re

UNKNOWN = "???"

# What moves the cursor, ends a line or turns its direction; and stand-ins for bytes that are no UTF-8.
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
                      "\U000e0000-\U000e007f]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(match):
    code = ord(match.group())
    if 0xdc80 <= code <= 0xdcff:
        code &= 0xff
    if chr(code) in _SHORT:
        return _SHORT[chr(code)]
    return "\\x%02x" % code if code <= 0xff else "\\u%04x" % code if code <= 0xffff else "\\U%08x" % code


def harmless(text):
    """text with visible escapes for what could disturb a terminal or a line."""
    return _HARMFUL.sub(_escape, text)


def _parts(path):
    """Its parts from the last to the first."""
    return path.split("/")[::-1]


def _shared(a, b):
    """How many trailing parts two paths have in common."""
    count = 0
    for x, y in zip(a, b):
        if x != y:
            break
        count += 1
    return count


class Labels:
    """Labels for the frames of some profiles."""

    def __init__(self, *profiles):
        files = sorted({frame.file for profile in profiles for frame in profile.frames if frame.kind == "python"},
                       key=_parts)
        parts = [_parts(file) for file in files]
        shared = [_shared(a, b) for a, b in zip(parts, parts[1:])]
        self._shown = {file: 1 + max(before, after)
                       for file, before, after in zip(files, [0] + shared, shared + [0])}
        self._short = {}

    def file(self, path, full=False):
        """A Python file: its last part, or as many more as tell it from the others."""
        if not path:
            return UNKNOWN
        if full or path[0] == "<":
            return harmless(path)
        short = self._short.get(path)
        if short is None:
            parts = path.split("/")
            short = "/".join(parts[-self._shown.get(path, 1):])
            if not short or parts[-1] == "":
                short = path
            short = self._short[path] = harmless(short)
        return short

    @staticmethod
    def function(name):
        return harmless(name) if name else UNKNOWN

    @staticmethod
    def object(path):
        return harmless(path.rsplit("/", 1)[-1] or path) if path else UNKNOWN

    @staticmethod
    def line(number):
        return str(number) if number else "?"

    def native(self, frame):
        """object`function+0x12, or object+0x4a2b where the function is not known."""
        if not frame.function:
            return "%s%s0x%x" % (self.object(frame.object), "+" if frame.object else "`", frame.offset)
        return self.object(frame.object) + "`" + self.function(frame.function) + ("+0x%x" % frame.offset if frame.offset else "")

    def frame(self, frame, full=True):
        """As a stack shows it."""
        if frame.kind == "native":
            return self.native(frame)
        if frame.kind == "note":
            return "[ %s ]" % self.function(frame.function)
        return "[ %s:%s (%s) ]" % (self.file(frame.file, full), self.line(frame.line), self.function(frame.function))

    def place(self, frame, full=False):
        """file:line (function), or object`function."""
        if frame.kind == "python":
            return "%s:%s (%s)" % (self.file(frame.file, full), self.line(frame.line), self.function(frame.function))
        if frame.kind == "note":
            return "[ %s ]" % self.function(frame.function)
        return "%s`%s" % (self.object(frame.object), self.function(frame.function))
