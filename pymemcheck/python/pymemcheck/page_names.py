# SPDX-License-Identifier: GPL-2.0-or-later
"""Names for the page: harmless, and never long. Each label is stored once, and others refer to it by number."""
from .labels import harmless
from .profile import DOMAINS

LONGEST = 300
KINDS = ("python", "native", "note")


def short(text):
    """text, or its beginning and end with how long it was."""
    if len(text) <= LONGEST:
        return text
    return "%s … %s (%s characters)" % (text[:LONGEST // 2], text[-LONGEST // 4:], format(len(text), ","))


def shown(text):
    """A name of the program: cut first, because the visible escapes of a very long name are longer still."""
    return short(harmless(text) if len(text) <= 4 * LONGEST else harmless(short(text)))


class LabelTable:
    """items: [kind, name, place, file number or -1, line]. files: the paths to which items refer."""

    def __init__(self, labels):
        self._labels = labels
        self._numbers = {}
        self._files = {}
        self.items, self.files = [], []

    def file_number(self, path):
        number = self._files.get(path)
        if number is None:
            number = self._files[path] = len(self.files)
            self.files.append(path)
        return number

    def _number(self, key, make):
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.items)
            self.items.append(make())
        return number

    def frame(self, frame):
        """The number of a frame's label: a Python line, a C function of an object, or a note."""
        if frame.kind == "python":
            return self._number((frame.file, frame.line, frame.function), lambda: [
                0, shown(self._labels.function(frame.function)),
                "%s:%s" % (shown(self._labels.file(frame.file)), self._labels.line(frame.line)),
                self.file_number(frame.file), frame.line])
        if frame.kind == "note":
            return self._number(("note", frame.function), lambda: [2, shown(frame.function), "", -1, 0])
        function = frame.function or "0x%x" % frame.offset
        return self._number((frame.object, function), lambda: [
            1, shown(function), shown(self._labels.object(frame.object)), -1, 0])

    def file(self, frame):
        """The number of the label of a Python frame's file."""
        return self._number((frame.file,), lambda: [
            0, shown(self._labels.file(frame.file)), shown(frame.file), self.file_number(frame.file), 0])

    def part(self, split, value):
        """The number of the label of a thread or a domain."""
        name = DOMAINS[value] if split == "domain" else "thread %d" % value if value else "several threads"
        return self._number((split, value), lambda: [2, name, "", -1, 0])

    def importing(self):
        """The label of importlib's own functions together."""
        return self._number("importing", lambda: [0, "(import)", "importlib", -1, 0])
