# SPDX-License-Identifier: GPL-2.0-or-later
"""Which leaks grow from search to search. A test may fill caches, import modules and intern strings the first time it runs,
so what counts is what grows in every repetition (as regrtest -R does it with reference counts).

    repetition = Repetition(warm=1, counted=3)
    for number in range(repetition.runs):
        ...                         # run the test
        repetition.add(records)     # of a search of the whole heap
    repetition.grown()              # the records that every counted run added to

All searches are of the whole heap: a test may also lose a block, or take a reference to an object, that is older
than itself."""
import collections

DEFAULT_RUNS = (1, 3)

# How much of one fingerprint there is: references of surplus and deficit records, else blocks.
Figures = collections.namedtuple("Figures", "amount bytes blocks")
# A record that got more: amounts, one for each counted run; record: of the last search, with the figures of what was
# added in all counted runs; noun: what is counted.
Growth = collections.namedtuple("Growth", "record amounts noun")
NOTHING = Figures(0, 0, 0)


def noun_of(record):
    return "references" if record.kind in ("surplus", "deficit") else "blocks"


def amount_of(record):
    """What must grow for a leak."""
    if record.kind == "surplus":
        return record.surplus_references
    if record.kind == "deficit":
        return record.missing_references + record.dangling_words
    return record.blocks


def by_fingerprint(record):
    return record.fingerprint


def figures_of(records, key=by_fingerprint):
    """Key -> the sum of Figures of the records that have it."""
    sums = {}
    for record in records:
        old = sums.get(key(record), NOTHING)
        sums[key(record)] = Figures(old.amount + amount_of(record), old.bytes + record.bytes, old.blocks + record.blocks)
    return sums


def _added(record, before, after):
    """The record with the figures of what was added to it. Where the search found more records with this key, they are
    all in it."""
    blocks, size = max(after.blocks - before.blocks, 0), max(after.bytes - before.bytes, 0)
    more = {}
    if record.kind == "surplus":
        more["surplus_references"] = after.amount - before.amount
    elif record.kind == "deficit":
        more["missing_references"] = max(after.amount - before.amount - record.dangling_words, 0)
    if record.kind in ("surplus", "deficit") or blocks == 0:
        return record._replace(**more)      # the objects are what they were, or as many
    if blocks == record.blocks:
        return record._replace(bytes=size)
    share = blocks / record.blocks
    phases = {key: min(getattr(record, key), blocks) for key in
              ("import_blocks", "main_blocks", "finalization_blocks", "raising_blocks", "overcounted_blocks", "chain_blocks")}
    return record._replace(blocks=blocks, bytes=size, indirect_bytes=round(record.indirect_bytes * share),
                           indirect_blocks=round(record.indirect_blocks * share), types=_scaled(record.types, share), **phases)


def _scaled(types, share):
    return tuple((name, max(round(blocks * share), 1)) for name, blocks in types)


class Repetition:
    """The searches of one test, or of any piece of code that runs several times.

    warm: runs whose growth is forgiven; counted: runs that must all grow. key: a function of a record, what is compared
    (its fingerprint); least: how much of measure must be added in each run, "amount" or "bytes"."""

    def __init__(self, warm, counted, before=(), key=by_fingerprint, measure="amount", least=1):
        if warm < 0 or counted < 1:
            raise ValueError("expected at least 0 runs to warm up and 1 that counts, not %d:%d" % (warm, counted))
        self.warm, self.counted, self._key, self._measure, self._least = warm, counted, key, measure, least
        self._figures = [figures_of(before, key)]
        self._records = ()

    @property
    def runs(self):
        return self.warm + self.counted

    def add(self, records):
        """What a search found after one more run."""
        records = list(records)
        self._records = records
        self._figures.append(figures_of(records, self._key))

    def grown(self):
        """A list of Growth, in the order of the last search."""
        counted = self._figures[-1 - min(self.counted, len(self._figures) - 1):]
        grown, seen = [], set()
        for record in self._records:
            key = self._key(record)
            if key in seen:
                continue
            seen.add(key)
            steps = [figures.get(key, NOTHING) for figures in counted]
            amounts = [getattr(b, self._measure) - getattr(a, self._measure) for a, b in zip(steps, steps[1:])]
            if amounts and min(amounts) >= self._least:
                noun = "bytes" if self._measure == "bytes" else noun_of(record)
                grown.append(Growth(_added(record, steps[0], steps[-1]), amounts, noun))
        return grown


def parse_runs(text):
    """"WARM:RUN" as regrtest's -R has it, each of them may be left out: (warm, counted). Raises ValueError with what was
    expected."""
    first, colon, second = text.partition(":")
    try:
        warm = int(first) if first else DEFAULT_RUNS[0]
        counted = int(second) if second else DEFAULT_RUNS[1]
    except ValueError:
        warm = counted = -1
    if warm < 0 or counted < 1 or text.count(":") > 1:
        raise ValueError("expected WARM:RUN, two numbers of which the second is at least 1, not %r" % text)
    return warm, counted


_UNITS = {"": 1, "b": 1, "kb": 1 << 10, "kib": 1 << 10, "k": 1 << 10, "mb": 1 << 20, "mib": 1 << 20, "m": 1 << 20,
          "gb": 1 << 30, "gib": 1 << 30, "g": 1 << 30, "tb": 1 << 40}


def parse_size(value):
    """Bytes, from a number or a text as "24 MB" or "1.5k" (units are powers of 1,024, as in pytest-memray). Raises
    ValueError."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return int(value)
    text = str(value).strip().replace(",", "").replace("_", "")
    number = text.rstrip("bBkKmMgGtTiI ")
    try:
        size = float(number) * _UNITS[text[len(number):].strip().lower()]
        if not 0 <= size < 2 ** 63:
            raise ValueError
    except (ValueError, KeyError):
        raise ValueError("expected a size such as \"24 MB\", not %r" % (value,)) from None
    return int(size)
