# SPDX-License-Identifier: GPL-2.0-or-later
"""Suppressions as docs/suppressions.md describes them: read, matched with records as the tool does it
(pymemcheck/heap/pm_suppressions.c), and made for records."""
import re

from .filters import Pattern
from .grouping import dotted_file, module_of
from .labels import harmless
from .profile import LEAK_KINDS

ANY = "..."
FIELDS = ("fun:", "obj:", "src:", "pyfun:", "pyfile:")
LEAK_KINDS_LINE = "match-leak-kinds:"
_TOOLS = re.compile(r"([^:]*):(.*)\Z", re.DOTALL)


class SuppressionError(Exception):
    """What is wrong with a file: str() is one line with file and line."""


class Entry:
    """One entry. kind: "Leak" or "Free"; types and frames: lists of tests; line: of its name in the file."""

    def __init__(self, name, line):
        self.name, self.line, self.kind = name, line, None
        self.leak_kinds, self.types, self.frames = set(LEAK_KINDS), [], []

    def matches(self, record):
        """Whether the tool would suppress a record by it."""
        if self.kind != "Leak" or record.kind not in self.leak_kinds:
            return False
        names = [name for name, _ in record.types if name]
        if self.types and not (names and all(any(test(name) for test in self.types) for name in names)):
            return False
        return _match_frames(self.frames, [frame for frame in record.frames if frame.kind != "note"])


def _match_frames(tests, frames):
    """Whether the frames begin as the tests say; only the last "..." need be tried again."""
    line = place = after_any = any_start = 0
    met_any = False
    while line < len(tests):
        if tests[line] is ANY:
            met_any = True
            line += 1
            after_any, any_start = line, place
        elif place < len(frames) and tests[line](frames[place]):
            line += 1
            place += 1
        elif met_any and any_start < len(frames):
            line = after_any
            any_start += 1
            place = any_start
        else:
            return False
    return True


def _frame_test(field, pattern):
    line = None
    if field == "src:":
        name, colon, digits = pattern.rpartition(":")
        if colon:
            if not digits.isdigit():
                return None
            pattern, line = name, int(digits)
    match = Pattern(pattern, {"src:": "/", "pyfile:": "/", "pyfun:": "."}.get(field)).match
    tests = {
        "fun:": lambda f: f.kind == "native" and match(f.function or "???"),
        "obj:": lambda f: f.kind == "native" and match(f.object or "???"),
        "src:": lambda f: f.kind == "native" and f.file and match(f.file) and line in (None, 0, f.line),
        "pyfun:": lambda f: f.kind == "python" and match("%s.%s" % (dotted_file(f.file), f.function or "???")),
        "pyfile:": lambda f: f.kind == "python" and match(f.file),
    }
    return tests[field]


def read_suppressions(path):
    """The entries of a file that are for pymemcheck. Raises SuppressionError and OSError."""
    with open(path, "rb") as stream:
        lines = stream.read().decode("utf-8", "surrogateescape").split("\n")

    def wrong(number, problem):
        raise SuppressionError("%s:%d: %s" % (harmless(str(path)), number, harmless(problem)))

    entries, entry, state = [], None, "outside"
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if state == "outside":
            if line != "{":
                wrong(number, 'expected "{", not "%s"' % line)
            state = "name"
        elif state == "name":
            entry, state = Entry(line, number), "kind"
        elif state == "kind":
            match = _TOOLS.match(line)
            if not match:
                wrong(number, 'expected tools and a kind, as in pymemcheck:Leak, not "%s"' % line)
            ours = "pymemcheck" in match.group(1).split(",")
            entry.kind = match.group(2).strip()
            if ours and entry.kind not in ("Leak", "Free"):
                wrong(number, "expected pymemcheck:Leak or pymemcheck:Free, not %s" % line)
            state = "lines" if ours else "foreign"
        elif line == "}":
            if state == "lines":
                if not entry.types and all(test is ANY for test in entry.frames):
                    wrong(number, 'expected at least one line that is not "..." before the end of the entry')
                entries.append(entry)
            state = "outside"
        elif state == "lines":
            problem = _read_line(entry, line)
            if problem:
                wrong(number, problem)
    if state != "outside":
        wrong(len(lines), 'expected "}" before the end of the file')
    return entries


def _read_line(entry, line):
    """Adds a line to an entry; what is wrong with it, or None."""
    if line == ANY:
        entry.frames.append(ANY)
    elif line.startswith(LEAK_KINDS_LINE):
        kinds = line[len(LEAK_KINDS_LINE):].strip().split(",")
        if set(kinds) - set(LEAK_KINDS) - {"all", "none"}:
            return "expected some of %s, all, none, not %s" % (", ".join(LEAK_KINDS), ",".join(kinds))
        entry.leak_kinds = set(LEAK_KINDS) if "all" in kinds else set(kinds) - {"none"}
    elif line.startswith("pytype:"):
        entry.types.append(Pattern(line[7:].strip(), ".").match)
    else:
        for field in FIELDS:
            if line.startswith(field):
                test = _frame_test(field, line[len(field):].strip())
                if test is None or not line[len(field):].strip():
                    return "expected a pattern, and after src:file: a line number, not %s" % line
                entry.frames.append(test)
                return None
        return 'expected "...", or a line that starts with %s, pytype: or %s' % (", ".join(FIELDS), LEAK_KINDS_LINE)
    return None


def _pattern(name):
    """A name as a pattern for itself: what would end the line or be taken for blanks becomes "?", and so does
    what is no UTF-8, byte by byte."""
    text = "".join("?" if c < " " else "?" * (1 if "\udc80" <= c <= "\udcff" else 3) if "\ud800" <= c <= "\udfff" else c
                   for c in name)
    if text[:1] == " ":
        text = "?" + text[1:]
    return text[:-1] + "?" if text[-1:] == " " else text


def called_function(record):
    """The function of an extension that the innermost Python frame called: the outermost native frame within its
    evaluation that is no part of the interpreter. None if there is none."""
    evaluation = next((frame.object for frame in record.frames
                       if frame.kind == "native" and "eval" in frame.flags), None)
    called = None
    for frame in record.frames:
        if frame.kind != "native" or "eval" in frame.flags:
            break
        if "allocator" not in frame.flags and evaluation and frame.object != evaluation:
            called = frame
    return called


def entry_for(record):
    """The text of an entry for a record: by its types, the extension's function that was called, and the Python
    function; of a stack without Python by its first C functions."""
    python = next((frame for frame in record.frames if frame.kind == "python"), None)
    lines = ["pytype:" + _pattern(name) for name, _ in record.types if name]
    place = "C code"
    if python is not None:
        place = "%s.%s" % (module_of(python.file), python.function or "???")
        called = called_function(record)
        if called is not None:
            lines += [ANY, "fun:" + _pattern(called.function) if called.function else
                      "obj:*/" + _pattern(called.object.rsplit("/", 1)[-1])]
        lines += [ANY, "pyfun:" + _pattern(place)]
    else:
        natives = [frame for frame in record.frames if frame.kind == "native" and "allocator" not in frame.flags][:4]
        lines += [ANY]
        for frame in natives:
            lines.append("fun:" + _pattern(frame.function) if frame.function else
                         "obj:" + (_pattern(frame.object) or "*"))
        if natives and natives[0].function:
            place = natives[0].function
    what = record.types[0][0] if record.types and record.types[0][0] else "memory"
    name = "%s in %s [%s]" % (_pattern(what), _pattern(place), record.fingerprint)
    return "{\n   %s\n}\n" % "\n   ".join([name, "pymemcheck:Leak", "match-leak-kinds: " + record.kind] + lines)
