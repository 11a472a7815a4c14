# SPDX-License-Identifier: GPL-2.0-or-later
"""Which frames of a stack the text report shows, by the tool's own rules (pymemcheck/report/pm_text_leaks.c)."""


def interpreter_of(frames):
    """The object that has the interpreter's evaluation function."""
    return next((frame.object for frame in frames if frame.kind == "native" and "eval" in frame.flags), "")


class LeftOut:
    """Counts the native frames in a row, and those that are more than limit (0: none is). hidden: not shown since the
    last that was."""

    def __init__(self, frames, limit):
        self.hidden, self._natives = 0, 0
        self._interpreter, self._limit = interpreter_of(frames), limit

    def counts(self, frame):
        """Whether the next frame is shown."""
        if frame.kind == "python":
            self._natives = 0
        elif frame.kind == "native" and "allocator" not in frame.flags and "eval" not in frame.flags \
                and (not self._interpreter or frame.object != self._interpreter):
            if self._limit and self._natives >= self._limit:
                self.hidden += 1
                return False
            self._natives += 1
        return True


def same_line(one, other):
    return one == other or (other.line != 0 and one.line == other.line and one.file == other.file)


def lines_of_places(places):
    """Places with those of one source line added up, most blocks first."""
    lines = []
    for frame, blocks in places:
        for index, (known, count) in enumerate(lines):
            if same_line(frame, known):
                lines[index] = (known, count + blocks)
                break
        else:
            lines.append((frame, blocks))
    return sorted(lines, key=lambda line: -line[1])


def is_importlib(frame):
    return frame.kind == "python" and frame.file.startswith("<frozen importlib")
