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
    """items: [kind, name, place, file number or -1, line]. files: the paths to which items refer.

    A label is first a number that tells it from others; its text is made when used gives its place in items, because
    most labels of a large profile are in no part of the page."""

    def __init__(self, labels):
        self._labels = labels
        self._numbers = {}
        self._made = []         # by number: what makes the label, then its place in items
        self._files = {}
        self.items, self.files = [], []

    def file_number(self, path):
        number = self._files.get(path)
        if number is None:
            number = self._files[path] = len(self.files)
            self.files.append(path)
        return number

    def _number(self, key, make, subject=None):
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._made)
            self._made.append((make, subject))
        return number

    def used(self, number):
        """The label's place in items."""
        made = self._made[number]
        if type(made) is tuple:
            make, subject = made
            made = self._made[number] = len(self.items)
            self.items.append(make(subject))
        return made

    def frame(self, frame):
        """The number of a frame's label: a Python line, a C function of an object, or a note."""
        if frame.kind == "python":
            return self._number((frame.file, frame.line, frame.function), self._python, frame)
        if frame.kind == "note":
            return self._number(("note", frame.function), self._note, frame)
        return self._number((frame.object, frame.function or frame.offset), self._native, frame)

    def _python(self, frame):
        return [0, shown(self._labels.function(frame.function)),
                "%s:%s" % (shown(self._labels.file(frame.file)), self._labels.line(frame.line)),
                self.file_number(frame.file), frame.line]

    @staticmethod
    def _note(frame):
        return [2, shown(frame.function), "", -1, 0]

    def _native(self, frame):
        return [1, shown(frame.function or "0x%x" % frame.offset), shown(self._labels.object(frame.object)), -1, 0]

    def file(self, frame):
        """The number of the label of a Python frame's file."""
        return self._number((frame.file,), self._file, frame)

    def _file(self, frame):
        return [0, shown(self._labels.file(frame.file)), shown(frame.file), self.file_number(frame.file), 0]

    def part(self, split, value):
        """The number of the label of a thread or a domain."""
        name = DOMAINS[value] if split == "domain" else "thread %d" % value if value else "several threads"
        return self._number((split, value), self._word, (2, name, ""))

    def importing(self):
        """The label of importlib's own functions together."""
        return self._number("importing", self._word, (0, "(import)", "importlib"))

    @staticmethod
    def _word(subject):
        return list(subject) + [-1, 0]
