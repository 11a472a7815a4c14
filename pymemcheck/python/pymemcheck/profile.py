# SPDX-License-Identifier: GPL-2.0-or-later
"""The reader of profiles: docs/file-format.md describes the file.

    profile = Profile.load(path)        # ProfileError: one line with file and place

What the file says of each site is kept as columns (profile.sites.live_bytes ...), because there can be
a million of them. Strings are exact: what was no UTF-8 has the stand-ins that Python's own decoder uses
(surrogates); labels.py makes names harmless for people.

Cost: a second and 150 MB for 20 MB of JSON. The reader checks everything that later code relies on, so
that no other module needs to look for nonsense: indices are in range, stacks have an end, columns are of
equal length, numbers are whole and not negative, and what the document says adds up does so."""
import array
import collections
import gc
import itertools
import json
import operator

from .balances import Reader
from .checked import (LARGEST_NUMBER, Wrong, brief, compact, later_number, need, need_member, need_number, need_numbers,
                      need_signed, read_texts)
from .json_members import read_members

NEWEST_VERSION = 2
OLDEST_VERSION = 1

# kind: "native", "python" or "note". flags: a tuple of "allocator", "debug_hook", "eval".
Frame = collections.namedtuple("Frame", "kind function file line object offset flags")

# One loss record. types: a tuple of (name, blocks), most blocks first. frames: innermost first.
# chain: why a block is alive, from a root on. chain_blocks: how many blocks the same holder keeps; all of them if the
# file does not say. expression: the first expression_lines lines of the chain as a Python expression; "" and 0: none.
# references, pointers: the first block's reference count, and how many pointers to it were found. overcounted_blocks:
# objects with more references than pointers. thread: 0 stands for several. missing_references, dangling_words: of kind
# "deficit". places: ((frame, blocks), ...) if the blocks come from several places of one C function; the first is in
# frames. balance: a Balance (balances.py) of its objects if they were watched, or None.
Record = collections.namedtuple(
    "Record", "kind fingerprint bytes blocks indirect_bytes indirect_blocks surplus_references types note"
              " first last import_blocks main_blocks finalization_blocks raising_blocks thread suppressed"
              " left_out chain chain_blocks expression expression_lines references pointers overcounted_blocks"
              " missing_references dangling_words places"
              " stack frames balance")
Record.__new__.__defaults__ = (None,)

# A phase that the program named. grown_*: may be negative. live_*: None if not known.
Phase = collections.namedtuple(
    "Phase", "name times open first last allocs frees bytes grown_bytes grown_blocks live_bytes live_blocks")

# One of the wrong frees that the report shows, and how often it happened. kind: of WRONG_FREE_KINDS. freed_by, allocated_by: the
# functions of CPython's interfaces, if these differ; else None.
WrongFree = collections.namedtuple("WrongFree", "kind count stack freed_by allocated_by")

# One site as Profile.iterate_sites gives it. thread: None where the file has none.
Site = collections.namedtuple(
    "Site", "number stack total_bytes total_blocks padding_bytes live_bytes live_blocks peak_bytes peak_blocks"
            " first last thread")

# A snapshot over time. number: from 1; name: "" for none; serial: of the newest allocation. live_bytes: with padding.
Snapshot = collections.namedtuple("Snapshot", "number name serial elapsed_ms total_bytes live_bytes live_blocks")

# What was in use at a leak search, by stack and type: arrays of equal length (types is a list of names; "": memory that is no
# object). in_use: (bytes, blocks) of all, with padding.
TypeSums = collections.namedtuple("TypeSums", "in_use stacks types bytes blocks")

WRONG_FREE_KINDS = ("invalid", "mismatched")
FRAME_KINDS = ("native", "python", "note")
FRAME_FLAGS = ("allocator", "debug_hook", "eval")
SITE_COLUMNS = ("stack", "total_bytes", "total_blocks", "padding_bytes", "live_bytes", "live_blocks",
                "peak_bytes", "peak_blocks", "first", "last")
LATER_COLUMNS = ("thread", "domain")      # older files do not have them; they are in Sites.more
# In the order in which the tool lists records.
LEAK_KINDS = ("definite", "cycle", "surplus", "deficit", "possible", "indirect", "interpreter", "reachable")
SUMMARY_KEYS = LEAK_KINDS + ("suppressed", "left_out")
LATER_KINDS = ("deficit",)          # older files do not have them
RECORD_NUMBERS = ("bytes", "blocks", "indirect_bytes", "indirect_blocks", "surplus_references", "first", "last",
                  "import_blocks", "main_blocks", "finalization_blocks", "raising_blocks", "thread")
# Of files since the tool writes them; else 0.
LATER_RECORD_NUMBERS = ("references", "pointers", "overcounted_blocks", "missing_references", "dangling_words")
TOTALS = ("allocs", "frees", "bytes", "live_bytes", "live_blocks", "peak_bytes", "peak_blocks", "padding_bytes",
          "reused_blocks")
DOMAINS = ("unknown", "libc", "raw", "mem", "object", "C++")      # by their number in the file
TROUBLES = ("unreadable_stacks", "unreadable_code", "failed_allocations", "unknown_frees")


class ProfileError(Exception):
    """A file that is no profile, or not a whole one. str() is one line: file, place in it, what is wrong."""

    def __init__(self, path, place, problem):
        self.path, self.place, self.problem = path, place, problem
        super().__init__(path, place, problem)

    def __str__(self):
        from .labels import harmless
        parts = [str(self.path), self.place, self.problem] if self.place else [str(self.path), self.problem]
        return ": ".join(harmless(part) for part in parts)


class Sites:
    """The columns of all sites: .stack, .total_bytes ... are arrays, in which site number i is item i.
    Numbers that later versions of the file may add are in .more, by name."""

    __slots__ = SITE_COLUMNS + ("count", "more", "_size_starts", "_size_values", "_size_counts")

    def __len__(self):
        return self.count

    def sizes(self, number):
        """What a site asked for: a list of (value, count), value being 0 or a power of two: count requests
        of value to 2*value-1 bytes."""
        start, end = self._size_starts[number], self._size_starts[number + 1]
        return list(zip(self._size_values[start:end], self._size_counts[start:end]))


class Profile:
    """A profile file. Made by Profile.load.

    path, version
    run             a dict: pid, command (a list of texts), python, end, exit_code, ... as in the file
    totals          a dict: bytes, allocs, live_bytes, ...
    troubles        a dict
    strings         all names
    exact_bytes     a dict: the bytes of those names and arguments that are not UTF-8
    frames          all Frames; Profile.stack gives those of a stack
    stack_parent, stack_frame   arrays: the stack that called stack i, and its own frame's number. 0 is the end.
    sites           Sites
    snapshots       Snapshots in their order; snapshot_changes: of each an array [site, bytes, blocks, site, ...]
    phases          Phases that the program named, in their order
    watched         a Watched (balances.py), or None if nothing was watched
    snapshot        None; of a profile as of a snapshot (timeline.py), that
    wrong_frees     a list of WrongFrees in the order in which they came; empty in files that do not have them
    leaks           a list of Records in the tool's order, or None if there was no search at the end
    leaks_before    the same from before the interpreter's finalization
    types, types_before   TypeSums of the moments of these searches, or None if the file does not have them
    leak_summary, leak_summary_before   kind (also "suppressed", "left_out") -> (bytes, blocks), or None"""

    @classmethod
    def load(cls, path):
        """Reads and checks a file; raises ProfileError, also where it cannot be read."""
        return cls._load(path, _read)

    @classmethod
    def of_bytes(cls, content, path):
        """The same from what is, or will be, in the file path."""
        return cls._load(path, lambda path: content)

    @classmethod
    def _load(cls, path, read):
        profile = cls()
        profile.path = str(path)
        collecting = gc.isenabled()
        gc.disable()        # a million lists are made, none of them in a cycle
        try:
            profile._fill(_parse(read(str(path))))
        except Wrong as wrong:
            raise ProfileError(path, wrong.args[0], wrong.args[1]) from None
        except RecursionError:
            raise ProfileError(path, "", "is nested too deeply to be a profile of pymemcheck") from None
        except MemoryError:
            raise ProfileError(path, "", "is too large for the memory that there is") from None
        finally:
            if collecting:
                gc.enable()
        return profile

    def _fill(self, data):
        """data is taken apart as it is read, so that no two copies of large parts live at once."""
        self.exact_bytes = {}
        self._check_head(data)
        self._read_run(need_member(data, "run", dict, ""))
        totals = need_member(data, "totals", dict, "")
        if self.version < 2 and "moved_blocks" in totals:
            totals["reused_blocks"] = totals.pop("moved_blocks")
        self.totals = {key: need_number(totals, key, "totals") for key in TOTALS}
        for key in ("peak_serial", "peak_since"):
            self.totals[key] = later_number(totals, key, "totals")
        troubles = need_member(data, "troubles", dict, "")
        self.troubles = {key: need_number(troubles, key, "troubles") for key in TROUBLES}
        self.strings = read_texts(need_member(data, "strings", list, ""), need_member(data, "strings_hex", dict, ""), "strings",
                                   self.exact_bytes)
        if not self.strings or self.strings[0] != "":
            raise Wrong("strings[0]", "expected the empty text")
        self._read_frames(need_member(data, "frames", list, ""))
        del data["frames"], data["strings"]
        self._read_stacks(need_member(data, "stacks", dict, ""))
        self.run.setdefault("end_stack", 0)
        need_number(self.run, "end_stack", "run", len(self.stack_parent) - 1)
        del data["stacks"]
        self._read_sites(need_member(data, "sites", dict, ""))
        del data["sites"]
        self._check_sums()
        self._read_snapshots(data.get("snapshots"))
        self._read_wrong_frees(need(data.get("wrong_frees", []), list, "wrong_frees"))
        self.phases = [self._read_phase(phase, "phases[%d]" % index)
                       for index, phase in enumerate(need(data.get("phases", []), list, "phases"))]
        self.watched = Reader(self.strings, self.frames, len(self.stack_parent)).watched(data.get("watched"), "watched")
        self.leak_summary, self.leaks = self._read_leaks(data, "leaks")
        self.leak_summary_before, self.leaks_before = self._read_leaks(data, "leaks_before")
        self.types, self.types_before = self._read_types(data, "leaks"), self._read_types(data, "leaks_before")
        self._stacks = {}

    def _check_head(self, data):
        if type(data) is not dict or data.get("format") != "pymemcheck":
            raise Wrong("", 'is no profile of pymemcheck (it has no "format": "pymemcheck")')
        self.version = need_number(data, "version", "")
        if self.version > NEWEST_VERSION:
            raise Wrong("version", "%d is newer than this program, which reads up to %d"
                         % (self.version, NEWEST_VERSION))
        if self.version < OLDEST_VERSION:
            raise Wrong("version", "there is no version %d" % self.version)

    def _read_run(self, run):
        self.run = dict(run)
        self.run["command"] = read_texts(need_member(run, "command", list, "run"), need_member(run, "command_hex", dict, "run"),
                                          "run.command", self.exact_bytes)
        for key in ("pid", "ppid", "elapsed_ms"):
            need_number(run, key, "run")
        for key in ("tool_version", "valgrind_version", "end"):
            need_member(run, key, str, "run")
        for key in ("pymalloc", "debug_hooks"):
            need_member(run, key, bool, "run")
        for key, kind in (("python", str), ("python_refused", str), ("hint", str), ("exit_code", int), ("signal", int)):
            if run.get(key) is not None:
                need(run[key], kind, "run." + key)
            self.run.setdefault(key, None)

    def _read_wrong_frees(self, items):
        self.wrong_frees = []
        for index, item in enumerate(items):
            place = "wrong_frees[%d]" % index
            kind = need_member(need(item, dict, place), "kind", str, place)
            if kind not in WRONG_FREE_KINDS:
                raise Wrong(place + ".kind", "expected one of %s, not %s" % (", ".join(WRONG_FREE_KINDS), brief(kind)))
            for key in ("freed_by", "allocated_by"):
                if item.get(key) is not None:
                    need(item[key], str, "%s.%s" % (place, key))
            self.wrong_frees.append(WrongFree(kind, need_number(item, "count", place),
                                              need_number(item, "stack", place, len(self.stack_parent) - 1),
                                              item.get("freed_by"), item.get("allocated_by")))

    def _read_frames(self, frames):
        strings = self.strings

        def column(key, kind, limit=None):
            try:
                values = [frame[key] for frame in frames]
                if not values or set(map(type, values)) == {kind}:
                    if limit is None or not values or (min(values) >= 0 and max(values) <= limit):
                        return values
            except (KeyError, TypeError):
                pass
            for index, frame in enumerate(frames):
                place = "frames[%d]" % index
                need_member(need(frame, dict, place), key, kind, place)
                if limit is not None:
                    need_number(frame, key, place, limit)
            raise AssertionError(key)

        last = len(strings) - 1
        kinds, offsets, flags = column("kind", str), column("offset", str), column("flags", list)
        for values, known, name in ((kinds, FRAME_KINDS, "kind"), (itertools.chain.from_iterable(flags), FRAME_FLAGS, "flags")):
            unknown = set(map(_hashable, values)).difference(known)
            if unknown:
                self._find_unknown(frames, name, known)
        known_offsets = {}
        for index, text in enumerate(offsets):
            if text not in known_offsets:
                try:
                    known_offsets[text] = int(text[2:], 16)
                    if text[:2] != "0x" or not 0 <= known_offsets[text] < 2 ** 64:
                        raise ValueError
                except ValueError:
                    raise Wrong("frames[%d].offset" % index, "expected a hexadecimal address, not %s"
                                 % brief(text)) from None
        name = strings.__getitem__
        known_flags = {}
        self.frames = list(map(
            Frame, map(_interned(FRAME_KINDS).__getitem__, kinds), map(name, column("function", int, last)),
            map(name, column("file", int, last)), column("line", int, 2 ** 32 - 1),
            map(name, column("object", int, last)), map(known_offsets.__getitem__, offsets),
            [known_flags.setdefault(value, value) for value in map(tuple, flags)]))

    @staticmethod
    def _find_unknown(frames, name, known):
        for index, frame in enumerate(frames):
            for value in (frame[name] if name == "flags" else [frame[name]]):
                if value not in known:
                    raise Wrong("frames[%d].%s" % (index, name), "expected one of %s, not %s"
                                 % (", ".join(known), brief(value)))

    def _read_stacks(self, stacks):
        back, frame = (need_member(stacks, key, list, "stacks") for key in ("back", "frame"))
        if len(back) != len(frame):
            raise Wrong("stacks", "back has %d items, frame %d" % (len(back), len(frame)))
        for values in back, frame:
            # Where _compact could make an array, it began with null.
            if type(values) is list and (not values or values[0] is not None):
                raise Wrong("stacks.back[0]", "expected null, the end of each stack")
        if len(frame) > 1 and not self.frames:
            raise Wrong("stacks.frame[1]", "there are no frames")
        back[0], frame[0] = 1, 0
        back = need_numbers(back, "stacks.back", least=1)
        self.stack_frame = need_numbers(frame, "stacks.frame", max(len(self.frames) - 1, 0))
        parents = array.array("q", map(operator.sub, range(len(back)), back))
        parents[0] = 0
        if min(parents) < 0:
            index = next(i for i, parent in enumerate(parents) if parent < 0)
            raise Wrong("stacks.back[%d]" % index, "%d leads to before the first stack" % back[index])
        self.stack_parent = parents

    def _read_sites(self, sites):
        self.sites = table = Sites()
        sizes = sites.get("sizes")
        if type(sizes) is not _Sizes:
            need_member(sites, "sizes", list, "sites")
        count = table.count = len(need_member(sites, "stack", list, "sites"))
        for key in SITE_COLUMNS:
            limit = len(self.stack_parent) - 1 if key == "stack" else LARGEST_NUMBER
            setattr(table, key, need_numbers(need_member(sites, key, list, "sites"), "sites." + key, limit))
            sites[key] = ()
        table.more = {key: need_numbers(values, "sites." + key) for key, values in sites.items()
                      if type(values) in (list, array.array) and len(values) and type(values[0]) is int}
        if max(table.more.get("domain", ()), default=0) >= len(DOMAINS):
            table.more.pop("domain")            # of a later version
        for key, values in itertools.chain(sites.items(), ((key, getattr(table, key)) for key in SITE_COLUMNS)):
            if type(values) not in (tuple, _Sizes):
                need(values, list, "sites." + key)
            if type(values) is not tuple and len(values) != count:
                raise Wrong("sites." + key, "has %d items, sites.stack has %d" % (len(values), count))
        self._read_sizes(sizes, table)

    @staticmethod
    def _read_sizes(sizes, table):
        flat = sizes if type(sizes) is _Sizes else _flatten(sizes)
        if flat is None:
            _find_wrong_pair(sizes)
        starts, values, counts = flat
        sums = list(itertools.accumulate(itertools.chain((0,), counts)))
        powers = {0} | {1 << power for power in range(63)}
        if (set(values) - powers or min(counts, default=1) < 1
                or not all(map(operator.eq, table.total_blocks, map(operator.sub, map(sums.__getitem__, starts[1:]),
                                                                    map(sums.__getitem__, starts))))):
            _find_wrong_sizes(flat, table, powers)
        table._size_starts, table._size_values, table._size_counts = flat

    def _read_snapshots(self, table):
        self.snapshot, self.snapshots, self.snapshot_changes = None, [], []
        if table is None:
            return
        need(table, dict, "snapshots")
        names = need_numbers(need_member(table, "name", list, "snapshots"), "snapshots.name", len(self.strings) - 1)
        columns = [need_numbers(need_member(table, key, list, "snapshots"), "snapshots." + key) for key in Snapshot._fields[2:]]
        changes = need_member(table, "changes", list, "snapshots")
        for key, column in zip(Snapshot._fields[2:] + ("changes",), columns + [changes]):
            if len(column) != len(names):
                raise Wrong("snapshots." + key, "has %d items, snapshots.name has %d" % (len(column), len(names)))
        for number, values in enumerate(zip(*columns), 1):
            self.snapshots.append(Snapshot(number, self.strings[names[number - 1]], *values))
            place = "snapshots.changes[%d]" % (number - 1)
            change = need_numbers(changes[number - 1], place)
            if len(change) % 3:
                raise Wrong(place, "expected a site, bytes and blocks again and again, not %d numbers" % len(change))
            if max(change[::3], default=-1) >= self.sites.count:
                raise Wrong(place, "there are only %d sites" % self.sites.count)
            changes[number - 1] = None
            self.snapshot_changes.append(change)

    def _read_phase(self, phase, place):
        need(phase, dict, place)
        live = [None if phase.get(key, 0) is None else need_number(phase, key, place) for key in ("live_bytes", "live_blocks")]
        return Phase(self.strings[need_number(phase, "name", place, len(self.strings) - 1)], need_number(phase, "times", place),
                     need_member(phase, "open", bool, place),
                     *(need_number(phase, key, place) for key in ("first", "last", "allocs", "frees", "bytes")),
                     *(need_signed(phase, key, place) for key in ("grown_bytes", "grown_blocks")), *live)

    def _check_sums(self):
        sites, totals = self.sites, self.totals
        sums = (("allocs", sum(sites.total_blocks), "total_blocks of all sites"),
                ("bytes", sum(sites.total_bytes) + sum(sites.padding_bytes), "total_bytes and padding_bytes of all sites"),
                ("live_blocks", sum(sites.live_blocks), "live_blocks of all sites"),
                ("peak_blocks", sum(sites.peak_blocks), "peak_blocks of all sites"))
        for key, found, what in sums:
            if totals[key] != found:
                raise Wrong("totals." + key, "is %d, but %s is %d" % (totals[key], what, found))
        for key, column in (("live_bytes", sites.live_bytes), ("peak_bytes", sites.peak_bytes)):
            if not 0 <= totals[key] - sum(column) <= totals["padding_bytes"]:
                raise Wrong("totals." + key, "is %d, but %s of all sites is %d" % (totals[key], key, sum(column)))

    def _read_leaks(self, data, key):
        if data.get(key) is None:
            if key not in data:
                raise Wrong(key, "is missing")
            return None, None
        section = need_member(data, key, dict, "")
        summary, place = need_member(section, "summary", dict, key), key + ".summary"
        sums = {}
        for kind in SUMMARY_KEYS:
            if kind in LATER_KINDS and kind not in summary:
                sums[kind] = (0, 0)
                continue
            pair = need_numbers(need_member(summary, kind, list, place), "%s.%s" % (place, kind))
            if len(pair) != 2:
                raise Wrong("%s.%s" % (place, kind), "expected [bytes, blocks]")
            sums[kind] = tuple(pair)
        records = need_member(section, "records", list, key)
        balances = Reader(self.strings, self.frames, len(self.stack_parent))
        return sums, [self._read_record(record, "%s.records[%d]" % (key, index), balances)
                      for index, record in enumerate(records)]

    def _read_types(self, data, key):
        columns = (data[key] or {}).get("types")
        if columns is None:
            return None
        place = key + ".types"
        need(columns, dict, place)
        limits = {"stack": len(self.stack_parent) - 1, "type": len(self.strings) - 1}
        stacks, types, *sums = (need_numbers(need_member(columns, name, list, place), "%s.%s" % (place, name),
                                             limits.get(name, LARGEST_NUMBER)) for name in ("stack", "type", "bytes", "blocks"))
        for name, column in zip(("type", "bytes", "blocks"), (types, *sums)):
            if len(column) != len(stacks):
                raise Wrong("%s.%s" % (place, name), "has %d items, %s.stack has %d" % (len(column), place, len(stacks)))
        in_use = tuple(need_numbers(need_member(data[key], "in_use", list, key), key + ".in_use"))
        if len(in_use) != 2 or in_use[1] != sum(sums[1]) or in_use[0] < sum(sums[0]):
            raise Wrong(key + ".in_use", "is %s, but %s has %d bytes, %d blocks" % (
                brief(list(in_use)), place, sum(sums[0]), sum(sums[1])))
        return TypeSums(in_use, stacks, [self.strings[number] for number in types], *sums)

    def _read_record(self, record, place, balances):
        need(record, dict, place)
        last_string = len(self.strings) - 1
        kind = need_member(record, "kind", str, place)
        if kind not in LEAK_KINDS:
            raise Wrong(place + ".kind", "expected one of %s, not %s" % (", ".join(LEAK_KINDS), brief(kind)))
        fingerprint = need_member(record, "fingerprint", str, place)
        if not 1 <= len(fingerprint) <= 16 or fingerprint.strip("0123456789abcdef"):
            raise Wrong(place + ".fingerprint", "expected up to 16 hexadecimal digits, not %s" % brief(fingerprint))
        types = []
        for index, pair in enumerate(need_member(record, "types", list, place)):
            where = "%s.types[%d]" % (place, index)
            pair = need_numbers(pair, where)
            if len(pair) != 2 or pair[0] > last_string:
                raise Wrong(where, "expected [place in strings, blocks], not %s" % brief(list(pair)))
            types.append((self.strings[pair[0]], pair[1]))
        places = []
        for index, pair in enumerate(need(record.get("places", []), list, place + ".places")):
            where = "%s.places[%d]" % (place, index)
            pair = need_numbers(pair, where)
            if len(pair) != 2 or pair[0] >= len(self.frames):
                raise Wrong(where, "expected [frame, blocks], not %s" % brief(list(pair)))
            places.append((self.frames[pair[0]], pair[1]))
        chain = need_numbers(need_member(record, "chain", list, place), place + ".chain", last_string)
        stack = need_number(record, "stack", place, len(self.stack_parent) - 1)
        return Record(kind=kind, fingerprint=fingerprint, types=tuple(types), stack=stack,
                      frames=self._walk(stack), places=tuple(places),
                      chain=tuple(self.strings[line] for line in chain),
                      note=self.strings[need_number(record, "note", place, last_string)],
                      suppressed=need_member(record, "suppressed", bool, place),
                      left_out=need_member(record, "left_out", bool, place),
                      chain_blocks=need_number(record, "chain_blocks" if "chain_blocks" in record else "blocks", place),
                      expression=self.strings[later_number(record, "expression", place, last_string)],
                      balance=balances.balance(record.get("balance"), place + ".balance"),
                      expression_lines=later_number(record, "expression_lines", place, len(chain)),
                      **{key: later_number(record, key, place) for key in LATER_RECORD_NUMBERS},
                      **{key: need_number(record, key, place) for key in RECORD_NUMBERS})

    def _walk(self, stack):
        frames, parent, frame = [], self.stack_parent, self.stack_frame
        while stack:
            frames.append(self.frames[frame[stack]])
            stack = parent[stack]
        return tuple(frames)

    def stack(self, number):
        """The frames of a stack, innermost first."""
        found = self._stacks.get(number)
        if found is None:
            found = self._stacks[number] = self._walk(number)
        return found

    def iterate_sites(self):
        """Each site as a Site. Convenient, and slower than the columns."""
        columns = [getattr(self.sites, key) for key in SITE_COLUMNS]
        threads = self.sites.more.get("thread", itertools.repeat(None))
        for number, values in enumerate(zip(*columns, threads)):
            yield Site(number, *values)

    @property
    def command(self):
        """The program and its arguments, one after the other."""
        return " ".join(self.run["command"])


def _hashable(value):
    return value if type(value) is str else repr(value)


def _interned(words):
    return {word: word for word in words}


class _Sizes(collections.namedtuple("_Sizes", "starts values counts")):
    """sites.sizes as arrays: the pairs of site i are values[k], counts[k], k from starts[i] to starts[i + 1]."""

    def __len__(self):
        return len(self.starts) - 1


def _flatten(sizes):
    """sites.sizes as _Sizes, or None if it is something else than lists of pairs of numbers."""
    if type(sizes) is not list or set(map(type, sizes)) - {list}:
        return None
    starts = array.array("q", itertools.accumulate(itertools.chain((0,), map(len, sizes))))
    pairs = list(itertools.chain.from_iterable(sizes))
    if set(map(type, pairs)) - {list} or set(map(len, pairs)) - {2}:
        return None
    values, counts = (compact([pair[index] for pair in pairs]) for index in (0, 1))
    return None if list in (type(values), type(counts)) else _Sizes(starts, values, counts)


def _find_wrong_pair(sizes):
    for index, pairs in enumerate(sizes):
        place = "sites.sizes[%d]" % index
        for pair in need(pairs, list, place):
            if type(pair) is not list or len(pair) != 2:
                raise Wrong(place, "expected [value, count], not %s" % brief(pair))
            for value in pair:
                if not 0 <= need(value, int, place) <= LARGEST_NUMBER:
                    raise Wrong(place, "%s is not between 0 and %d" % (brief(value), LARGEST_NUMBER))
    raise AssertionError("sizes")


def _find_wrong_sizes(sizes, table, powers):
    for index, (start, end) in enumerate(zip(sizes.starts, sizes.starts[1:])):
        place = "sites.sizes[%d]" % index
        for value, count in zip(sizes.values[start:end], sizes.counts[start:end]):
            if value not in powers:
                raise Wrong(place, "%s is no power of two" % brief(value))
            if count < 1:
                raise Wrong(place, "%s is no count" % brief(count))
        if sum(sizes.counts[start:end]) != table.total_blocks[index]:
            raise Wrong(place, "its counts do not add up to total_blocks, %d" % table.total_blocks[index])
    raise AssertionError("sizes")


def _compact(path, value):
    """What is kept of a part of the file until it is checked: columns of numbers as arrays, which take a fifth of the memory."""
    if path in ("stacks.back", "stacks.frame") and type(value) is list and value and value[0] is None:
        value[0] = 0
        numbers = compact(value)
        if type(numbers) is list:
            value[0] = None
        return numbers
    if path == "sites.sizes":
        return _flatten(value) or value
    if path == "snapshots.changes" and type(value) is list:
        return list(map(compact, value))
    return compact(value) if path.startswith(("sites.", "snapshots.")) else value


def _read(path):
    try:
        with open(path, "rb") as stream:
            head = stream.read(4096)
            # A foreign file, which may be a disk image or /dev/zero, is not read to its end.
            if head.lstrip()[:1] not in (b"{", b"") or (head and not head.strip()):
                raise Wrong("", "is no profile of pymemcheck (it does not begin as JSON does)")
            if stream.seekable():
                stream.seek(0)      # two copies of a large file are too many
                head = b""
            rest = stream.read()
            return head + rest if head else rest
    except OSError as error:
        raise Wrong("", error.strerror or str(error)) from None


def _parse(text):
    if not text or text.isspace():
        raise Wrong("", "is empty")
    try:
        text = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Wrong("byte %d" % error.start, "is not UTF-8") from None
    try:
        return read_members(text, _compact, ("stacks", "sites", "snapshots"))
    except json.JSONDecodeError as error:
        place = "line %d column %d" % (error.lineno, error.colno)
        if not text[error.pos:].strip() or error.msg.startswith("Unterminated string"):
            raise Wrong(place, "the file is truncated: it ends here") from None
        raise Wrong(place, "is no JSON: %s" % error.msg) from None
    except ValueError as error:        # an int of more digits than int() takes
        raise Wrong("", "is no JSON that can be read: %s" % error) from None
