# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines of the program's source, as far as it is there. Files are read as the tool reads them: no pipes, nothing
above 8 MB."""
import os
import stat

from .labels import harmless

MOST_BYTES = 8 << 20
SHOWN_COLUMNS = 60


class Sources:
    """root: a folder in which files are looked for first, by as much of the end of their paths as is there."""

    def __init__(self, root=None):
        self._root = root
        self._lines = {}

    def _find(self, path):
        if self._root:
            parts = path.strip("/").split("/")
            for start in range(len(parts)):
                found = os.path.join(self._root, *parts[start:])
                if os.path.isfile(found):
                    return found
            return None
        return path

    def _read(self, path):
        try:
            found = self._find(path)
            status = os.stat(found) if found else None
            if status is None or not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
                return None
            with open(found, "rb") as stream:
                return stream.read().split(b"\n")
        except (OSError, ValueError):
            return None

    def line(self, path, number):
        """The text of a line without blanks around it, harmless; None where it cannot be had."""
        if not number or not path or path.startswith("<"):
            return None
        if path not in self._lines:
            self._lines[path] = self._read(path)
        lines = self._lines[path]
        if lines is None or number > len(lines) or (number == len(lines) and not lines[-1]):
            return None
        text = lines[number - 1].split(b"\r", 1)[0].strip(b" \t\n\r\f\v").replace(b"\t", b" ")
        return harmless(text.decode("utf-8", "surrogateescape")) or None


def shortened(text):
    return text if len(text) <= SHOWN_COLUMNS else text[:SHOWN_COLUMNS] + "..."
