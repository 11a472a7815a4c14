# SPDX-License-Identifier: GPL-2.0-or-later
"""What stacks have in common: the frame that a site is told by, and the keys of the groups.

A key is made of names and lines, never of numbers of one file, so that keys of two profiles can be compared.
Its first item says what follows:
    ("python", file, line | function ...)   by the innermost Python frame
    ("native", object, function)            where there is none: the C function that wanted the memory
    other groups have their own, see KEYS"""
import array
import functools
import re

from .profile import DOMAINS, LEAK_KINDS
from .record_words import known_leaks

# Of sites and of leak records.
FRAME_GROUPS = ("line", "function", "file", "module")
STACK_GROUPS = ("caller", "traceback", "stack", "phase")
RECORD_GROUPS = ("type", "thread", "domain")    # thread and domain also of sites, where the file has them
GROUPS = FRAME_GROUPS[:3] + ("traceback", "caller", "type", "thread", "domain", "module", "phase", "stack")
PHASES = ("main", "import", "finalization")
DEFAULT_LEAK_KINDS = ("definite", "cycle", "surplus", "deficit", "possible")

_IMPORT_FOLDER = re.compile(r"(?:site-packages|dist-packages|python[2-9]\..*)\Z", re.DOTALL)
_FINALIZERS = {"Py_FinalizeEx", "Py_Finalize", "Py_EndInterpreter"}


class NotInFile(Exception):
    """A group or filter for which this file has no data. str() says so."""


def dotted_file(path):
    """A file as suppressions name it: /usr/lib/python3.11/json/decoder.py is usr.lib.python3.11.json.decoder."""
    if path.startswith("<"):
        return path[8:-1] if path.startswith("<frozen ") and path.endswith(">") else path
    if path.endswith(".py"):
        path = path[:-3]
    if path.endswith("/__init__"):
        path = path[:-9]
    return (path[1:] if path.startswith("/") else path).replace("/", ".") or "???"


@functools.lru_cache(maxsize=None)
def module_of(path):
    """The name under which a file was probably imported: what follows the last folder of imports in its path,
    else its last part (of a package's __init__.py one more)."""
    if path.startswith("<"):
        return dotted_file(path)
    parts = path.split("/")
    start = 0
    for index, part in enumerate(parts[:-1]):
        if _IMPORT_FOLDER.match(part):
            start = index + 1
    if start == 0:
        start = len(parts) - (2 if parts[-1] == "__init__.py" and len(parts) > 1 else 1)
    return dotted_file("/".join(parts[start:]))


def _line_key(frame):
    return ("python", frame.file, frame.line) if frame.kind == "python" else ("native", frame.object, frame.function)


def _function_key(frame):
    return ("python", frame.file, frame.function) if frame.kind == "python" else ("native", frame.object, frame.function)


def _file_key(frame):
    return ("python", frame.file) if frame.kind == "python" else ("native", frame.object)


def _module_key(frame):
    return ("module", module_of(frame.file)) if frame.kind == "python" else ("native", frame.object)


KEYS = {"line": _line_key, "function": _function_key, "file": _file_key, "module": _module_key}
NO_FRAME = ("none",)


def is_import(frame):
    """Whether a frame belongs to the import of a module, by the tool's own rule."""
    if frame.kind == "python":
        return frame.file.startswith("<frozen importlib")
    return frame.kind == "native" and frame.function.startswith("PyImport_Import")


class Grouping:
    """What is found out about the stacks of a profile, each thing when it is first asked for and then kept.
    Frames are told by their number + 1, and 0 is none."""

    def __init__(self, profile):
        self.profile = profile
        self._python = None
        self._callers = {}
        self._tracebacks = None
        self._imports = None

    def inherited(self, of_frame):
        """For each stack of_frame[the number of the innermost of its frames for which that is not 0]."""
        values = [0] * len(self.profile.stack_parent)
        index = 0
        for frame, parent in zip(self.profile.stack_frame, self.profile.stack_parent):
            values[index] = of_frame[frame] or values[parent]
            index += 1
        values[0] = 0
        return values

    @property
    def python(self):
        """The innermost Python frame of each stack."""
        if self._python is None:
            self._python = self.inherited([number + 1 if frame.kind == "python" else 0
                                           for number, frame in enumerate(self.profile.frames)] or [0])
        return self._python

    def caller(self, stack):
        """The C function that wanted the memory: the innermost native frame that is no allocator. If it has no
        name, the next one outwards of the same object that has. If all are allocators, the outermost."""
        found = self._callers.get(stack)
        if found is None:
            found = self._callers[stack] = self._find_caller(stack)
        return found

    def _find_caller(self, stack):
        profile = self.profile
        frames, outermost, unnamed = profile.frames, 0, 0
        while stack:
            number = profile.stack_frame[stack]
            frame = frames[number]
            stack = profile.stack_parent[stack]
            if frame.kind != "native":
                continue
            outermost = number + 1
            if unnamed and frame.object != frames[unnamed - 1].object:
                break
            if "allocator" in frame.flags:
                continue
            if frame.function:
                return number + 1
            unnamed = unnamed or number + 1
        return unnamed or outermost

    def told_by(self, stack):
        """The one frame that a site is told by: the innermost Python frame, or else its caller."""
        return self.python[stack] or self.caller(stack)

    def told_by_all(self, stacks):
        """The same for many."""
        python, caller = self.python, self.caller
        return [python[stack] or caller(stack) for stack in stacks]

    def phase(self, stack):
        """"import" while importlib is in the stack, "finalization" while the interpreter ends, else "main"."""
        if self._imports is None:
            ranks = [1 if is_import(frame) else 2 if frame.function in _FINALIZERS and frame.kind == "native" else 0
                     for frame in self.profile.frames]
            values = [0] * len(self.profile.stack_parent)
            pairs = zip(self.profile.stack_frame, self.profile.stack_parent)
            for index, (frame, parent) in enumerate(pairs):
                values[index] = max(ranks[frame] if index else 0, values[parent])
            self._imports = values
        return PHASES[self._imports[stack]]

    def traceback(self, stack):
        """The Python frames of a stack as (file, line), innermost first; of the caller if there are none."""
        frames = tuple((frame.file, frame.line) for frame in self.profile.stack(stack) if frame.kind == "python")
        return ("traceback",) + frames if frames else self.frame_key("line", self.caller(stack))

    def frame_key(self, group, number):
        return KEYS[group](self.profile.frames[number - 1]) if number else NO_FRAME

    def frame_keys(self, group, numbers):
        """The keys of frames by their numbers, for FRAME_GROUPS."""
        keys = {number: self.frame_key(group, number) for number in set(numbers)}
        return list(map(keys.__getitem__, numbers))

    def keys(self, group, stacks):
        """The key of each of stacks, for all groups but those of RECORD_GROUPS."""
        if group in FRAME_GROUPS:
            return self.frame_keys(group, self.told_by_all(stacks))
        if group == "caller":
            return self.frame_keys("function", list(map(self.caller, stacks)))
        if group == "phase":
            keys = {phase: (group, phase) for phase in PHASES}
            return [keys[self.phase(stack)] for stack in stacks]
        if group == "traceback":
            return list(map(self.traceback, stacks))
        if group == "stack":
            return [("stack",) + tuple(self.profile.stack(stack)) for stack in stacks]
        raise AssertionError(group)


class Items:
    """What is summed up: the stacks of sites or of leak records, and for each metric their bytes and blocks.

    metrics: "live", "peak", "total" of sites; "leaked" of records; "before" (finalization), and "live" by type, of the sums that
    leak searches made."""

    def __init__(self, profile, grouping, stacks, figures, extra):
        self.profile, self.grouping, self.stacks, self.figures, self._extra = profile, grouping, stacks, figures, extra
        self._told_by = None
        self.frame_sums = None      # statistic.py keeps here what all groups of frames are made of

    @property
    def told_by(self):
        """The number of the frame that each is told by."""
        if self._told_by is None:
            self._told_by = self.grouping.told_by_all(self.stacks)
        return self._told_by

    @classmethod
    def of_sites(cls, profile, grouping=None, numbers=None, metrics=("live", "peak", "total")):
        """All sites, or those of these numbers."""
        sites = profile.sites
        columns = {metric: (getattr(sites, metric + "_bytes"), getattr(sites, metric + "_blocks")) for metric in metrics}
        stacks, extra = sites.stack, sites.more
        if numbers is not None:
            def chosen(column):
                return array.array("q", map(column.__getitem__, numbers))
            stacks = chosen(stacks)
            columns = {metric: tuple(map(chosen, pair)) for metric, pair in columns.items()}
            extra = {name: chosen(column) for name, column in extra.items()}
        return cls(profile, grouping or Grouping(profile), stacks, columns, extra)

    @classmethod
    def of_records(cls, profile, records, grouping=None):
        """Leak records: what they lost themselves, and what only that kept."""
        figures = {"leaked": ([r.bytes + r.indirect_bytes for r in records],
                              [r.blocks + r.indirect_blocks for r in records])}
        extra = {"type": [r.types[0][0] if r.types else "" for r in records], "thread": [r.thread for r in records]}
        domains = domains_of_stacks(profile)
        if domains is not None:
            extra["domain"] = [DOMAINS.index(domains.get(record.stack, DOMAINS[0])) for record in records]
        return cls(profile, grouping or Grouping(profile), [r.stack for r in records], figures, extra)

    @classmethod
    def of_types(cls, profile, sums, metric, grouping=None, sites=None):
        """What TypeSums have, all of it or that of these sites."""
        site_of = {stack: number for number, stack in enumerate(profile.sites.stack)}
        numbers = array.array("q", (site_of.get(stack, -1) for stack in sums.stacks))
        chosen = range(len(numbers))
        if sites is not None:
            wanted = set(sites)
            chosen = [index for index, number in enumerate(numbers) if number in wanted]

        def column(values):
            return array.array("q", map(values.__getitem__, chosen))
        extra = {name: [values[numbers[index]] if numbers[index] >= 0 else 0 for index in chosen]
                 for name, values in profile.sites.more.items()}
        extra["type"] = [sums.types[index] for index in chosen]
        return cls(profile, grouping or Grouping(profile), column(sums.stacks),
                   {metric: (column(sums.bytes), column(sums.blocks))}, extra)

    def keys(self, group):
        """Raises NotInFile."""
        if group in FRAME_GROUPS:
            return self.grouping.frame_keys(group, self.told_by)
        if group not in RECORD_GROUPS:
            return self.grouping.keys(group, self.stacks)
        if group not in self._extra:
            of = "; leak records have one (--leaked)" if group == "thread" and "leaked" not in self.figures else ""
            if group == "type":
                of = ": types are known of what was in use at a leak search (--live, --before) and of leak records (--leaked)"
            raise NotInFile("the file has no %s of %s%s" % (
                group, "leak records" if "leaked" in self.figures else "allocation sites", of))
        if group == "domain":
            names = [(group, name) for name in DOMAINS]
            return [names[value] for value in self._extra[group]]
        keys = {value: (group, value) for value in set(self._extra[group])}
        return list(map(keys.__getitem__, self._extra[group]))


def domains_of_stacks(profile):
    """Stack -> the domain of its site, or None if the file does not have them."""
    numbers = profile.sites.more.get("domain")
    if numbers is None:
        return None
    return {stack: DOMAINS[number] for stack, number in zip(profile.sites.stack, numbers)}


def counts_as_leak(record, kinds=DEFAULT_LEAK_KINDS):
    """Whether a record is of one of these kinds, and neither suppressed nor left out by the run's options."""
    return record.kind in kinds and not record.suppressed and not record.left_out


def leaks_of(profile, before=False, kinds=DEFAULT_LEAK_KINDS):
    """The records that count as leaks, in the tool's order; None if there was no search."""
    records = profile.leaks_before if before else profile.leaks
    if records is None:
        return None
    return [record for record in records if counts_as_leak(record, kinds)]


def searched_leaks(profiles):
    """Of each of profiles the leaks at the end or, unless all made that search, those before finalization; and whether they
    are the latter. None, False if not all have the same search."""
    for before in (False, True):
        found = [leaks_of(profile, before) for profile in profiles]
        if None not in found:
            return found, before
    return None, False


def leaks_of_both(profile):
    """The leaks of both searches, each once, as the text report's conclusion counts them; None if there was no search."""
    before, after = leaks_of(profile, before=True), leaks_of(profile)
    if before is None or after is None:
        return after if before is None else before
    is_known = known_leaks(profile.leaks_before, before)
    return before + [record for record in after if not is_known(record)]


assert set(DEFAULT_LEAK_KINDS) <= set(LEAK_KINDS)
