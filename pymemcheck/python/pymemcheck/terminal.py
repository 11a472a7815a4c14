# SPDX-License-Identifier: GPL-2.0-or-later
"""Where lines go: a terminal with colours if rich is there and nobody minds, or a plain stream. Output never
fails for a character that the stream's encoding lacks, and ends quietly when nobody reads on."""
import os
import shutil
import sys
import textwrap
import threading

from .labels import harmless

STYLES = {"heading": "bold", "bad": "bold red", "good": "green", "dim": "dim", "number": "cyan"}
NARROW = 72         # columns
PIPE_CLOSED_STATUS = 141        # as a shell says it of a program that SIGPIPE ended


def _never_fails(stream):
    """The stream, or one in its place, that writes \\u2026 for what its encoding lacks."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
        return stream
    try:
        stream.flush()
        return open(stream.fileno(), "w", 1 if stream.isatty() else -1, stream.encoding or "ascii", "backslashreplace",
                    closefd=False)
    except (OSError, ValueError):       # no file of the system's
        return stream


def wants_colour(stream):
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Output:
    """put(line, style) writes a line; what is longer than a terminal is cut or, with indent, goes on in lines that are
    indented so. width is None where nothing is cut: in files and pipes."""

    def __init__(self, stream=None):
        self.stream = _never_fails(stream or sys.stdout)
        self.width = shutil.get_terminal_size().columns if self.stream.isatty() else None
        self._console = None
        if wants_colour(self.stream):
            try:
                from rich.console import Console
                self._console = Console(file=self.stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
            except ImportError:
                pass

    @property
    def narrow(self):
        """Whether a table's figures leave no room for names."""
        return self.width is not None and self.width < NARROW

    def put(self, line="", style=None, indent=None):
        if self.width and len(line) > self.width:
            if indent is not None:
                self._wrap(line, style, min(indent, self.width // 2))
                return
            line = line[:max(self.width - 3, 1)] + "..."
        if self._console is not None and style:
            self._console.print(line, style=STYLES[style], end="\n")
        else:
            self.stream.write(line + "\n")

    def _wrap(self, line, style, indent):
        own = len(line) - len(line.lstrip())
        for part in textwrap.wrap(line.lstrip(), self.width, initial_indent=" " * min(own, self.width // 2),
                                  subsequent_indent=" " * indent, break_on_hyphens=False):
            self.put(part, style)

    def flush(self):
        self.stream.flush()


def complain(message):
    """A line on standard error."""
    stream = _never_fails(sys.stderr)
    stream.write("pymemcheck: %s\n" % harmless(message))
    stream.flush()


def abandon_output():
    """Nobody reads standard output any more: the interpreter must not try once more at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


class Patience:
    """Says on a terminal what takes longer than two seconds:  with Patience("reading x"): ..."""

    SECONDS = 2

    def __init__(self, what):
        self._what = what
        self._timer = None
        self._said = False

    def _say(self):
        self._said = True
        # What is longer than a line could not be erased.
        room = shutil.get_terminal_size().columns - len(" ...") - 1
        sys.stderr.write(harmless(self._what)[:max(room, 0)] + " ...")
        sys.stderr.flush()

    def __enter__(self):
        if sys.stderr.isatty():
            self._timer = threading.Timer(self.SECONDS, self._say)
            self._timer.daemon = True
            self._timer.start()

    def __exit__(self, *_):
        if self._timer:
            self._timer.cancel()
            self._timer.join()
        if self._said:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
