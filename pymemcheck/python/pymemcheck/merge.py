# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck merge FILE... -o OUT

Several profiles, of the processes of one program or of shards of a test run, as one file of the same format.
Sites with equal stacks and leak records with equal fingerprints are added up. The peak is the sum of all peaks, as
if all processes had reached theirs at one moment. Snapshots over time are put in order by the time since the start of their
process, phases are added up by name."""
import collections
import io

from .arguments import UsageError, open_profile
from .balances import Writer, merge_balances, merge_watched, renumber
from .grouping import Grouping
from .labels import Labels
from .merge_timeline import MergedTimeline
from .profile import (LATER_COLUMNS, LEAK_KINDS, RECORD_NUMBERS, SITE_COLUMNS, SUMMARY_KEYS, TOTALS, TROUBLES, Profile,
                      ProfileError)
from .terminal import complain
from .text import Text
from .writer import record_dict, write_profile, write_whole

SUMMED_COLUMNS = SITE_COLUMNS[1:8]
SUMMED_LATER_NUMBERS = ("overcounted_blocks", "missing_references", "dangling_words")


def add_arguments(parser):
    parser.add_argument("profiles", metavar="FILE", nargs="+")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="the file that is made; - for standard output")


def run(arguments, output):
    merged = Merged()
    for name in arguments.profiles:
        merged.add(open_profile(name))
    if merged.without_search:
        complain("note: no leak search in %s" % ", ".join(merged.without_search))
    without = merged.timeline.without_snapshots
    if 0 < len(without) < merged.count:
        complain("note: no snapshots in %s: over time, only the end is known" % ", ".join(without))
    merged.write(arguments.output)
    return 0


def merge_records(groups):
    """Records of several searches (lists of Records) as one list, added up by fingerprint, in the tool's order.
    A merged record's stack, chain and what is said of its first block are those of its first."""
    by_fingerprint = collections.OrderedDict()
    for records in groups:
        for record in records:
            by_fingerprint.setdefault((record.kind, record.fingerprint), []).append(record)
    merged = [_merge_record(records) for records in by_fingerprint.values()]
    return sorted(merged, key=lambda r: (LEAK_KINDS.index(r.kind), -(r.bytes + r.indirect_bytes), r.first, r.fingerprint))


def _merge_record(records):
    first = records[0]
    if len(records) == 1:
        return first
    sums = {key: sum(getattr(record, key) for record in records) for key in RECORD_NUMBERS + SUMMED_LATER_NUMBERS}
    types = collections.Counter()
    for record in records:
        types.update(dict(record.types))
    places = collections.Counter()
    for record in records:
        places.update(dict(record.places))
    threads = {record.thread for record in records}
    sums.update(first=min(record.first for record in records), last=max(record.last for record in records),
                thread=threads.pop() if len(threads) == 1 else 0,
                places=tuple(places.items()),
                # The chain is the first record's. It explains the blocks of those that have the same.
                balance=merge_balances([record.balance for record in records]),
                chain_blocks=sum(record.chain_blocks for record in records if record.chain == first.chain))
    return first._replace(types=tuple(sorted(types.items(), key=lambda item: (-item[1], item[0]))),
                          suppressed=all(record.suppressed for record in records),
                          left_out=all(record.left_out for record in records), **sums)


def merge_phases(groups):
    """Phases of several processes (lists of Phases) by name, in the order in which they were met. The numbers of allocations
    are those of any process."""
    by_name = collections.OrderedDict()
    for phase in (phase for phases in groups for phase in phases):
        by_name.setdefault(phase.name, []).append(phase)
    result = []
    for phases in by_name.values():
        sums = {}
        for key in ("times", "allocs", "frees", "bytes", "grown_bytes", "grown_blocks", "live_bytes", "live_blocks"):
            values = [getattr(phase, key) for phase in phases]
            sums[key] = None if None in values else sum(values)
        result.append(phases[0]._replace(open=any(phase.open for phase in phases), first=min(phase.first for phase in phases),
                                         last=max(phase.last for phase in phases), **sums))
    return result


def _conclusion(profile):
    """The lines of the text report's conclusion."""
    lines = []
    grouping = Grouping(profile)
    Text(profile, grouping, Labels(profile), lines.append).conclusion()
    return [line.strip() for line in lines[1:] if line]


class _MergedTypes:
    """TypeSums of one search of each process, as long as all have them. in_use: [bytes, blocks], or None."""

    def __init__(self):
        self.in_use, self._sums = [0, 0], {}

    def add(self, sums, stacks):
        """stacks: of each stack its number in the merged file. sums: may be None."""
        if sums is None or self.in_use is None:
            self.in_use = None
            return
        self.in_use = [a + b for a, b in zip(self.in_use, sums.in_use)]
        for stack, name, size, count in zip(sums.stacks, sums.types, sums.bytes, sums.blocks):
            entry = self._sums.setdefault((stacks[stack], name), [0, 0])
            entry[0] += size
            entry[1] += count

    def columns(self, place_of):
        """For the file, or None. place_of: text -> its place in strings."""
        if self.in_use is None:
            return None
        rows = sorted((stack, place_of(name), *sums) for (stack, name), sums in self._sums.items())
        return dict(zip(("stack", "type", "bytes", "blocks"), zip(*rows))) if rows else dict.fromkeys(
            ("stack", "type", "bytes", "blocks"), ())


class Merged:
    """Profiles are added one after the other; of each only its leak records and its course over time are kept."""

    def __init__(self):
        self.exact = {}
        self.count = 0
        self.without_search = []
        self._strings, self._places = [""], {"": 0}
        self._frames, self._frame_places = [], {}
        self._nodes, self._parents, self._node_frames = {}, [0], [0]
        self._sites = collections.OrderedDict()         # stack -> [sums ..., first, last, sizes]
        # stack -> value; where the sites of two processes differ, 0: several threads, an unknown domain.
        self._later = {key: {} for key in LATER_COLUMNS}
        self._peak_serial = 0
        self._totals, self._troubles = dict.fromkeys(TOTALS, 0), dict.fromkeys(TROUBLES, 0)
        self._paths = []
        self._runs, self._phases, self._watched = [], [], []
        self.timeline = MergedTimeline()
        self._types = {"leaks": _MergedTypes(), "leaks_before": _MergedTypes()}
        self._wrong_frees = collections.OrderedDict()   # a WrongFree without its count -> its count
        self._searches = {"leaks": [], "leaks_before": []}

    def _place(self, text):
        place = self._places.get(text)
        if place is None:
            place = self._places[text] = len(self._strings)
            self._strings.append(text)
        return place

    def add(self, profile):
        self.count += 1
        self._paths.append(profile.path)
        self.exact.update(profile.exact_bytes)
        for sums, more in ((self._totals, profile.totals), (self._troubles, profile.troubles)):
            for key in sums:
                sums[key] += more[key]
        self._peak_serial = profile.totals["peak_serial"] if self.count == 1 else 0
        stacks = self._add_stacks(profile, [self._add_frame(frame) for frame in profile.frames])
        self._runs.append(dict(profile.run, end_stack=stacks[profile.run["end_stack"]]))
        for wrong in profile.wrong_frees:
            key = wrong._replace(stack=stacks[wrong.stack], count=0)
            self._wrong_frees[key] = self._wrong_frees.get(key, 0) + wrong.count
        self._add_sites(profile, stacks)
        self.timeline.add(profile, [stacks[stack] for stack in profile.sites.stack])
        self._phases.append(profile.phases)
        if profile.watched:
            self._watched.append(profile.watched._replace(
                others=tuple(renumber(balance, stacks) for balance in profile.watched.others)))
        if profile.leaks is None and profile.leaks_before is None:
            self.without_search.append(profile.path)
        for key, summary in (("leaks", profile.leak_summary), ("leaks_before", profile.leak_summary_before)):
            records = getattr(profile, key)
            if records is not None:
                self._types[key].add(profile.types if key == "leaks" else profile.types_before, stacks)
                self._searches[key].append((summary, [
                    r._replace(stack=stacks[r.stack], frames=(), balance=r.balance and renumber(r.balance, stacks))
                    for r in records]))

    def _add_frame(self, frame):
        number = self._frame_places.get(frame)
        if number is None:
            number = self._frame_places[frame] = len(self._frames)
            self._frames.append(dict(
                kind=frame.kind, function=self._place(frame.function), file=self._place(frame.file), line=frame.line,
                object=self._place(frame.object), offset=hex(frame.offset), flags=list(frame.flags)))
        return number

    def _add_stacks(self, profile, frames):
        stacks = [0] * len(profile.stack_parent)
        for index in range(1, len(stacks)):
            key = (stacks[profile.stack_parent[index]], frames[profile.stack_frame[index]])
            node = self._nodes.get(key)
            if node is None:
                node = self._nodes[key] = len(self._parents)
                self._parents.append(key[0])
                self._node_frames.append(key[1])
            stacks[index] = node
        return stacks

    def _add_sites(self, profile, stacks):
        sites = profile.sites
        for number, stack in enumerate(sites.stack):
            entry = self._sites.setdefault(stacks[stack], [0] * len(SUMMED_COLUMNS) + [0, 0, {}])
            for index, key in enumerate(SUMMED_COLUMNS):
                entry[index] += getattr(sites, key)[number]
            first, last = sites.first[number], sites.last[number]
            entry[-3] = min(entry[-3], first) if entry[-3] and first else entry[-3] or first
            entry[-2] = max(entry[-2], last)
            for value, count in sites.sizes(number):
                entry[-1][value] = entry[-1].get(value, 0) + count

        for key in list(self._later):
            values = sites.more.get(key)
            if values is None:
                del self._later[key]
                continue
            found = self._later[key]
            for stack, value in zip(map(stacks.__getitem__, sites.stack), values):
                if found.setdefault(stack, value) != value:
                    found[stack] = 0

    def _totals_with_peak(self):
        """In the tool's order."""
        totals = {}
        for key in TOTALS:
            totals[key] = self._totals[key]
            if key == "peak_blocks":
                totals["peak_serial"] = self._peak_serial
        totals["peak_since"] = 0
        return totals

    def _run(self):
        runs = self._runs
        run = {key: value for key, value in runs[0].items() if key != "command_hex"}
        if self.count == 1:
            return run
        if any(other["command"] != run["command"] for other in runs):
            run["command"] = ["(%d merged processes)" % self.count]
        for key in ("python", "python_refused"):
            values = [other[key] for other in runs if other[key] is not None]
            run[key] = values[0] if values else None
            if len(set(values)) > 1:
                run[key] = ", ".join(sorted(set(values)))
        run["hint"] = "%d profiles were merged; peaks are summed up" % self.count
        worst = next((other for other in runs if other["end"] == "signal"),
                     next((other for other in runs if other["end"] == "running"),
                          next((other for other in runs if other["exit_code"]), runs[0])))
        for key in ("end", "exit_code", "signal", "end_stack"):
            run[key] = worst[key]
        run["elapsed_ms"] = max(other["elapsed_ms"] for other in runs)
        for key in ("pymalloc", "debug_hooks"):
            run[key] = any(other[key] for other in runs)
        return run

    def _leaks(self, key):
        searches = self._searches[key]
        if not searches:
            return None
        records = merge_records([records for _, records in searches])
        summary = {kind: [sum(found[kind][i] for found, _ in searches) for i in (0, 1)] for kind in SUMMARY_KEYS}
        types = self._types[key]
        return (summary, types.in_use, types.columns(self._place),
                [record_dict(record, self._place, self._add_frame, record.stack) for record in records])

    def write(self, path):
        entries = list(self._sites.items())
        columns = {"stack": [stack for stack, _ in entries]}
        for index, key in enumerate(SUMMED_COLUMNS + ("first", "last")):
            columns[key] = [entry[index] for _, entry in entries]
        for key, values in self._later.items():
            columns[key] = [values[stack] for stack, _ in entries]
        columns["sizes"] = [sorted(entry[-1].items()) for _, entry in entries]
        # Records may bring new names, so they come before the strings are written.
        leaks, leaks_before = self._leaks("leaks"), self._leaks("leaks_before")
        watched = Writer(self._place, self._add_frame).watched(merge_watched(self._watched))
        snapshots = self.timeline.columns({stack: number for number, (stack, _) in enumerate(entries)}, self._place)
        phases = [dict(phase._asdict(), name=self._place(phase.name)) for phase in merge_phases(self._phases)]

        def write(stream, conclusion):
            text = io.TextIOWrapper(stream, encoding="utf-8", newline="\n")
            write_profile(text, conclusion, self._run(), self._totals_with_peak(), self._troubles, phases, self._strings,
                          self.exact, self._frames, (self._parents, self._node_frames), columns, snapshots,
                          [dict(key._asdict(), count=count) for key, count in self._wrong_frees.items()], leaks, leaks_before,
                          watched)
            text.flush()
            text.detach()

        # It is the first in the file, and made from all that follows.
        content = io.BytesIO()
        write(content, ())
        try:
            conclusion = _conclusion(Profile.of_bytes(content.getvalue(), path))
        except ProfileError as error:
            raise UsageError("%s: the sums do not fit into a file (%s)" % (", ".join(self._paths), error.place)) from None
        write_whole(path, lambda stream: write(stream, conclusion))
