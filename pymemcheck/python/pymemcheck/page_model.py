# SPDX-License-Identifier: GPL-2.0-or-later
"""What the page shows, as one dict that JSON can hold. All that is text in it is harmless and short."""
import functools
import operator

from .comparison import diff_records, diff_rows, sort_diff
from .grouping import Grouping, Items, NotInFile, leaks_of
from .labels import Labels
from .page_names import KINDS, LabelTable, short, shown
from .page_timeline import make_timeline
from .page_tree import METRICS, Sizes, flatten_sizes, make_trees
from .statistic import Row, make_rows
from .summary import end_text, innermost_place, key_label, leak_what
from .record_words import KIND_TEXTS
from .text_balance import (NOTHING_TO_COMPARE, balanced_text, evidence, heading, native_text, python_text, shown_places,
                           uncertainties)

GROUPS = ("line", "function", "file", "module", "caller", "type", "thread", "domain", "phase")
COMPARED_GROUPS = ("line", "function", "file")
NOTHING = dict.fromkeys(METRICS, (0, 0))
MOST_ROWS = 1000
MOST_COMPARED = 300
MOST_RECORDS = 200
MOST_ROWS_OF_BALANCE, MOST_PLACES = 10, 5
MOST_FILES = 60
MOST_SOURCE = 3 << 20          # characters
WHOLE_FILE_LINES = 1500        # longer files are shown around the lines that allocated
AROUND_LINE = 8
AROUND_LEAK = 3


class Model:
    """Of a profile, perhaps with an older one to compare with. sources and old_sources may be None."""

    def __init__(self, profile, old=None, sources=None, old_sources=None):
        self.profile, self.old, self.sources, self.old_sources = profile, old, sources, old_sources
        self.labels = Labels(*([profile, old] if old else [profile]))
        self.grouping = Grouping(profile)
        self.table = LabelTable(self.labels)
        self._both = None
        self._lines = {}           # what _rows("line") gave, which source needs, too
        self._sizes = Sizes(profile.sites)
        self.leaked = _all_leaks(profile)

    def make(self):
        # Trees come first, since they take most memory, and what tables leave behind comes on top.
        trees = make_trees(self.profile, self.grouping, self.leaked, self.table, self._sizes)
        data = {
            "run": self._run(), "totals": self.profile.totals, "leaks": self._leaks(), "tables": self._tables(), "trees": trees,
            "comparison": self._comparison() if self.old else None,
            "timeline": make_timeline(self.profile, self.grouping, self.table, self._line_label),
        }
        data["sources"], data["sources_left_out"] = self._sources()
        data["has_source"] = self.sources is not None
        data["labels"] = self.table.items
        data["files"] = [[shown(self.labels.file(path)), shown(path)] for path in self.table.files]
        return data

    def _run(self):
        profile, run = self.profile, self.profile.run
        return {
            "command": shown(profile.command), "python": shown(run["python"] or ""), "end": end_text(run),
            "elapsed_ms": run["elapsed_ms"], "pid": run["pid"], "tool": shown(run["tool_version"]),
            "valgrind": shown(run["valgrind_version"]), "file": shown(profile.path),
            "troubles": [[name.replace("_", " "), value] for name, value in profile.troubles.items() if value],
            "notes": [shown(words) for words in (run["python_refused"], run["hint"]) if words],
            "pymalloc": run["pymalloc"], "debug_hooks": run["debug_hooks"]}

    # Leaks

    def _leaks(self):
        """Searches as _searches has them."""
        states = self._record_states()
        result = []
        for title, records, above in _searches(self.profile):
            rest = records[MOST_RECORDS:]
            result.append({
                "when": title, "above": above,
                "records": [self._record(record, states.get(record.fingerprint)) for record in records[:MOST_RECORDS]],
                "bytes": sum(r.bytes + r.indirect_bytes for r in records),
                "blocks": sum(r.blocks + r.indirect_blocks for r in records),
                "rest": [len(rest), sum(r.bytes + r.indirect_bytes for r in rest)]})
        return result

    def _record_states(self):
        if not self.old:
            return {}
        return {change.fingerprint: change for change in diff_records(_all_leaks(self.old), self.leaked)}

    def _record(self, record, change):
        frame = next((frame for frame in record.frames if frame.kind == "python"), None)
        return {
            "fingerprint": record.fingerprint, "kind": record.kind, "kind_text": KIND_TEXTS[record.kind],
            "what": shown(leak_what(record)), "place": shown(innermost_place(self.labels, record)),
            "full": shown(frame.file) if frame else "",
            "bytes": record.bytes, "blocks": record.blocks, "indirect_bytes": record.indirect_bytes,
            "indirect_blocks": record.indirect_blocks, "surplus": record.surplus_references,
            "missing": record.missing_references, "dangling": record.dangling_words,
            "types": [[shown(name) or "memory that is no object", blocks] for name, blocks in record.types[:30]],
            "more_types": max(0, len(record.types) - 30), "note": shown(record.note),
            "chain": [shown(line) for line in record.chain[:50]],
            "frames": [[KINDS.index(frame.kind), shown(self.labels.frame(frame, False))] for frame in record.frames],
            "thread": record.thread,
            "phases": [[name, getattr(record, name + "_blocks")] for name in ("main", "import", "finalization")
                       if getattr(record, name + "_blocks")],
            "raising": record.raising_blocks, "label": self.table.used(self.table.frame(frame)) if frame else -1,
            "source": self._around(frame) if frame else None,
            "balance": self._balance(record.balance) if record.balance else None,
            "state": change.state if change else None,
            "was": _with_indirect(change.old) if change and change.old else None}

    def _balance(self, balance):
        """Who took references and did not give them back. rows: [places, evidence]; places: [sign and references, C function,
        line of Python]."""
        def places(row):
            return [["%s%s" % ("+" if up else "\u2212", format(amount, ",")), shown(native_text(self.labels, place)),
                     shown(python_text(self.labels, place))] for place, amount, up in shown_places(row, MOST_PLACES)[0]]
        rows = balance.unbalanced[:MOST_ROWS_OF_BALANCE]
        explained = [[*places(row)[0][1:], row.references] for row in balance.explained[:MOST_ROWS_OF_BALANCE] if row.places]
        notes = uncertainties(balance) + [text for text in (balanced_text(balance),) if text]
        if rows and not balance.died:
            notes.insert(0, NOTHING_TO_COMPARE)
        return {"title": heading(balance), "rows": [[places(row), evidence(balance, row)] for row in rows],
                "more_rows": len(balance.unbalanced) - len(rows), "explained": explained, "held_by": shown(balance.held_by),
                "notes": notes}

    def _around(self, frame):
        """[number of the first line, texts] about a frame's line, or None."""
        lines = self.sources.lines(frame.file) if self.sources else None
        if not lines or not 1 <= frame.line <= len(lines):
            return None
        first = max(1, frame.line - AROUND_LEAK)
        return [first, [short(text) for text in lines[first - 1:frame.line + AROUND_LEAK]]]

    # Tables

    def _items(self):
        """Sites, and the leaked records."""
        if self._both is None:
            sites = Items.of_sites(self.profile, self.grouping)
            sites.keys = functools.lru_cache(maxsize=1)(sites.keys)     # asked for twice for each group, and slow
            self._both = (sites, Items.of_records(self.profile, self.leaked, self.grouping))
        return self._both

    def _rows(self, group):
        """Rows of sites and records by key: key -> [row, {metric: (bytes, blocks)}]; and the metrics that have the group."""
        found, metrics = {}, []
        searched = [Items.of_types(self.profile, self.profile.types, "live", self.grouping)] \
            if group == "type" and self.profile.types else []
        for items in (*searched, *self._items()):
            try:
                for row in make_rows(items, group):
                    entry = found.get(row.key)
                    if entry is None:
                        found[row.key] = [row, {**NOTHING, **row.figures}]
                    else:
                        entry[1].update(row.figures)
                metrics += items.figures
            except NotInFile:
                continue
        return found, metrics

    def _tables(self):
        tables = {}
        for group in GROUPS:
            rows, metrics = self._rows(group)
            if group == "line":
                self._lines = rows
            if rows:
                tables[group] = dict(self._table(group, rows), metrics=metrics)
        return tables

    def _table(self, group, found):
        """Columns name, title, bytes and blocks of each metric, sizes, file, line; rest: the sums of rows left out."""
        def weight(entry):
            live, peak, total, leaked = (size for size, _ in entry[1].values())
            return (-leaked, -max(live, peak, total, leaked))
        order = sorted(found.values(), key=weight)
        kept, rest = order[:MOST_ROWS], order[MOST_ROWS:]
        sizes = self._row_sizes(group, [entry[0].key for entry in kept])
        rows = []
        for row, figures in kept:
            file, line = self._place(row, group)
            rows.append([shown(key_label(self.labels, row, group)), shown(key_label(self.labels, row, group, True))]
                        + [number for metric in METRICS for number in figures[metric]]
                        + [flatten_sizes(sizes.get(row.key, {})), file, line])
        sums = []
        for metric in METRICS:
            pairs = [figures[metric] for _, figures in rest]
            sums += [sum(map(operator.itemgetter(index), pairs)) for index in (0, 1)]
        return {"rows": rows, "left_out": len(rest), "rest": sums}

    def _line_label(self, number, full):
        """The name of a line by the number of a frame, as in the table of lines."""
        frame = self.profile.frames[number - 1] if number else None
        row = Row(self.grouping.frame_key("line", number), frame, 0, {})
        return shown(key_label(self.labels, row, "line", full))

    def _place(self, row, group):
        if row.key[0] == "python" and group in COMPARED_GROUPS and row.frame:
            return self.table.file_number(row.frame.file), row.frame.line if group == "line" else 0
        return -1, 0

    def _row_sizes(self, group, keys):
        try:
            keys_of_sites = self._items()[0].keys(group)
        except NotInFile:
            return {}
        places = {key: place for place, key in enumerate(keys)}
        return dict(zip(keys, self._sizes.sum_up([places.get(key, -1) for key in keys_of_sites], len(keys))))

    # Source

    def _line_figures(self):
        """file -> line -> [own bytes of each metric, then with what the line called]."""
        files = {}

        def add(key, index, size):
            if key[0] == "python" and size:
                files.setdefault(key[1], {}).setdefault(key[2], [0] * (2 * len(METRICS)))[index] = size
        for key, (_, figures) in self._lines.items():
            for index, metric in enumerate(METRICS):
                add(key, index, figures[metric][0])
        for items in self._items():
            for metric in items.figures:
                for row in make_rows(items, "line", metric):
                    add(row.key, len(METRICS) + METRICS.index(metric), row.figures[metric][0])
        return files

    def _one_frame_of_each_file(self):
        return {frame.file: frame for frame in self.profile.frames if frame.kind == "python"}.values()

    def _sources(self):
        """The files with figures whose source can be had, those that leak and hold most first, and how many are left out."""
        if self.sources is None or not any(self.sources.lines(frame.file) for frame in self._one_frame_of_each_file()):
            return [], 0
        figures = self._line_figures()

        def weight(path):
            own = [sum(line[index] for line in figures[path].values()) for index in range(len(METRICS))]
            return (own[3], own[0] + own[1], own[2])
        result, left, size = [], 0, 0
        for path in sorted(figures, key=weight, reverse=True):
            if len(result) >= MOST_FILES or size >= MOST_SOURCE:
                left += 1
                continue
            lines = self.sources.lines(path)
            if lines:
                chosen = _windows(len(lines), figures[path])
                texts = [[number, short(lines[number - 1])] for number in chosen]
                size += sum(len(text) for _, text in texts)
                result.append({"file": self.table.file_number(path), "count": len(lines), "lines": texts,
                               "figures": [[number] + values for number, values in sorted(figures[path].items())]})
        return result, left

    # Comparison

    def _comparison(self):
        old = self.old
        grouping = Grouping(old)
        old_records = _all_leaks(self.old)
        old_items = (Items.of_sites(old, grouping), Items.of_records(old, old_records, grouping))
        tables = {}
        for group in COMPARED_GROUPS:
            for before, after in zip(old_items, self._items()):
                old_rows, new_rows = make_rows(before, group), make_rows(after, group)
                for metric in after.figures:
                    tables.setdefault(group, {})[metric] = self._changes(old_rows, new_rows, metric, group)
        changes = diff_records(old_records, self.leaked)
        states = {}
        for change in changes:
            states[change.state] = states.get(change.state, 0) + 1
        return {"file": shown(old.path), "command": shown(old.command), "totals": old.totals, "tables": tables,
                "states": states,
                "gone": [[shown(leak_what(c.old)), shown(innermost_place(self.labels, c.old)),
                          c.old.bytes + c.old.indirect_bytes, c.fingerprint]
                         for c in changes if c.state == "gone"][:MOST_RECORDS]}

    def _changes(self, old_rows, new_rows, metric, group):
        rows = sort_diff([row for row in diff_rows(old_rows, new_rows, metric, group, self.old_sources, self.sources)
                          if row.size_diff or row.count_diff])
        kept, rest = rows[:MOST_COMPARED], rows[MOST_COMPARED:]
        return {"rows": [[shown(key_label(self.labels, row.row, group)), shown(key_label(self.labels, row.row, group, True)),
                          row.size - row.size_diff, row.size, row.size_diff, row.count_diff, row.moved_from or 0]
                         for row in kept],
                "left_out": len(rest), "rest": [sum(row.size_diff for row in rest), sum(row.count_diff for row in rest)]}


def _searches(profile):
    """(title, records, how many others were found already) of the searches that were made. That at the end is first, and the
    other has what only it found."""
    result, known = [], set()
    for title, before in (("at the end", False), ("before the interpreter's finalization", True)):
        found = leaks_of(profile, before)
        if found is not None:
            records = [record for record in found if record.fingerprint not in known]
            known.update(record.fingerprint for record in found)
            result.append((title, records, len(found) - len(records)))
    return result


def _all_leaks(profile):
    return [record for _, records, _ in _searches(profile) for record in records]


def _with_indirect(record):
    return [record.bytes + record.indirect_bytes, record.blocks + record.indirect_blocks]


def _windows(count, figures):
    """The numbers of the lines to show."""
    if count <= WHOLE_FILE_LINES:
        return range(1, count + 1)
    chosen = set()
    for line in figures:
        chosen.update(range(max(1, line - AROUND_LINE), min(count, line + AROUND_LINE) + 1))
    return sorted(chosen)
