# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tool's report says of a loss record, but for its stack: headline, types, chain, times, identity
(pymemcheck/report/pm_text_leaks.c)."""
from .labels import harmless

KIND_TEXTS = {"definite": "definitely lost", "cycle": "in garbage cycles", "surplus": "surplus references",
              "deficit": "over-released", "possible": "possibly lost", "indirect": "indirectly lost",
              "interpreter": "kept by the interpreter", "reachable": "still reachable"}
SHOWN_TYPES = 4


def counted(value, noun):
    return "%s %s%s" % (format(value, ","), noun, "" if value == 1 else "es" if noun.endswith("s") else "s")


def bytes_in_blocks(size, count):
    return "%s bytes in %s blocks" % (format(size, ","), format(count, ","))


def is_static(record):
    """Whether the record is of an object in static memory, which nobody allocated."""
    return record.first == 0


def known_leaks(records, leaks):
    """A function that tells whether a record of another search is about the same leak: one of records has its fingerprint, or
    one of leaks begins with the same allocation. Finalization may change a leak's kind, and with it its fingerprint."""
    fingerprints = {record.fingerprint for record in records}
    blocks = {(record.stack, record.first) for record in leaks if not is_static(record)}
    return lambda record: record.fingerprint in fingerprints or (record.stack, record.first) in blocks


def headline(record):
    """What a record is, without its number."""
    if record.kind == "surplus":
        return "%s to %s that %s still reachable (%s bytes)" % (
            counted(record.surplus_references, "surplus reference"), counted(record.blocks, "object"),
            "is" if record.blocks == 1 else "are", format(record.bytes, ","))
    if record.kind == "deficit":
        return "%s: %s" % (_deficit(record), KIND_TEXTS[record.kind])
    amount = format(record.bytes, ",")
    if record.indirect_bytes:
        amount = "%s (%s direct, %s indirect)" % (format(record.bytes + record.indirect_bytes, ","), amount,
                                                  format(record.indirect_bytes, ","))
    return "%s bytes in %s blocks are %s" % (amount, format(record.blocks, ","), KIND_TEXTS[record.kind])


def _deficit(record):
    parts = []
    if record.missing_references:
        parts.append("at least %s too few to " % counted(record.missing_references, "reference"))
    if record.dangling_words:
        parts.append("%s to freed memory in " % counted(record.dangling_words, "pointer"))
    objects = "one object in static memory" if is_static(record) else "%s that %s still reachable (%s bytes)" % (
        counted(record.blocks, "object"), "is" if record.blocks == 1 else "are", format(record.bytes, ","))
    return "and ".join(parts) + objects


def types_lines(record):
    """["10 x list; the first: len 3"]: what the blocks are. Empty if no type is known."""
    if not record.types:
        return []
    text = ", ".join(("" if is_static(record) else format(blocks, ",") + " x ") + harmless(name)
                     for name, blocks in record.types[:SHOWN_TYPES])
    if len(record.types) > SHOWN_TYPES:
        text += " and " + counted(len(record.types) - SHOWN_TYPES, "other type")
    typed = sum(blocks for _, blocks in record.types)
    if typed < record.blocks:
        text += ", %s x memory that is no object" % format(record.blocks - typed, ",")
    if record.blocks == 1 and record.references:
        text += ", refcount " + format(record.references, ",")
        if record.overcounted_blocks:
            text += " with %s to it" % counted(record.pointers, "pointer")
    if record.note:
        text += (": " if record.blocks == 1 else "; the first: ") + harmless(record.note)
    if not record.overcounted_blocks or record.kind == "surplus" or record.blocks == 1:
        return [text]
    return [text, "%s of them have a refcount above the number of pointers to them" % format(record.overcounted_blocks, ",")]


def chain_lines(record):
    """Why a block is alive, as a Python expression as far as that goes."""
    lines = ([record.expression] if record.expression_lines else []) + list(record.chain[record.expression_lines:])
    result = [("     -> " if index else "   kept alive by ") + harmless(line) for index, line in enumerate(lines)]
    if result and record.chain_blocks < record.blocks:
        result[0] += " ({:,} of {:,} blocks)".format(record.chain_blocks, record.blocks)
    return result


def times(record):
    """When it was allocated, and by which thread."""
    if is_static(record):
        return "never allocated"
    phases = []
    for blocks, name in ((record.import_blocks, "during import"), (record.main_blocks, "while the program ran"),
                         (record.finalization_blocks, "during finalization")):
        if blocks:
            phases.append(("%s " % format(blocks, ",") if blocks < record.blocks else
                           "once " if record.blocks == 1 else "") + name)
    text = "allocated " + ", ".join(phases)
    if record.raising_blocks:
        text += ", %swith an exception raised" % (
            "%s " % format(record.raising_blocks, ",") if record.raising_blocks < record.blocks else "")
    return text + (", by thread %s" % format(record.thread, ",") if record.thread else ", by several threads")


def identity(record):
    """Which allocations of the run it has, and its fingerprint."""
    if is_static(record):
        return "fingerprint " + record.fingerprint
    text = "the first is allocation %s of the run, the last %s" % (format(record.first, ","), format(record.last, ",")) \
        if record.blocks > 1 else "it is allocation %s of the run" % format(record.first, ",")
    return "%s, fingerprint %s" % (text, record.fingerprint)
