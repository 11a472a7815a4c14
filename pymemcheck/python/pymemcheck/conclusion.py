# SPDX-License-Identifier: GPL-2.0-or-later
"""The end of the text report: the tool's own conclusion, made again from the file (pymemcheck/report/pm_text_conclusion.c)."""
from .grouping import counts_as_leak
from .labels import harmless
from .record_words import KIND_TEXTS, bytes_in_blocks, counted, is_static, known_leaks

SHOWN_LEAKS, SHOWN_LINES = 3, 2
UNKNOWN_PLACE = "???"


def is_leak(record, accepts):
    """Whether a record is a leak, and no suppression or filter takes it out. accepts: None, or a function of it."""
    return counts_as_leak(record) and (accepts is None or accepts(record))


def is_import_leak(record):
    """Whether all blocks of a leak were allocated during import."""
    return not is_static(record) and record.import_blocks == record.blocks


def write_conclusion(text, accepts=None):
    """text: a Text (text.py). accepts: None, or a function of a record. Older files do not have what was in use before
    finalization: if the tool looked at that, its line is not there."""
    totals, before = text.profile.totals, text.profile.types_before
    text.put("CONCLUSION:")
    _errors(text, accepts)
    if totals["peak_blocks"]:
        text.put('   at the peak %s, see "Blocks allocated at the peak"' % bytes_in_blocks(totals["peak_bytes"],
                                                                                          totals["peak_blocks"]))
        for row in text.largest("line", "peak")[:SHOWN_LINES]:
            text.put("     %s: %s" % (bytes_in_blocks(*row.sums("peak")), text.place_of(row.stack)))
    if before:
        text.put('   in use before finalization %s, see "Blocks allocated before the interpreter\'s finalization"'
                 % bytes_in_blocks(*before.in_use))
    elif text.profile.leaks_before is None:
        text.put('   in use at exit %s, see "Blocks still allocated at exit"' % bytes_in_blocks(totals["live_bytes"],
                                                                                            totals["live_blocks"]))
    text.put("")


def _errors(text, accepts):
    """Wrong frees, over-released objects, and leaks, those of imports last. A leak that both searches found is one."""
    before, after = text.profile.leaks_before, text.profile.leaks
    records = [record for record in before or () if is_leak(record, accepts)]
    is_known = known_leaks(before or (), records)
    records += [record for record in after or () if is_leak(record, accepts) and not is_known(record)]
    over_released = [record for record in records if record.kind == "deficit"]
    if text.profile.wrong_frees:
        _wrong_frees(text, text.profile.wrong_frees)
    if over_released:
        _over_released(text, over_released)
    if before is None and after is None:
        text.put("   leaks: no search was made (--leak-check=no)")
        return
    leaks = sorted((record for record in records if record.kind != "deficit"), key=is_import_leak)
    if not leaks:
        text.put("   no leaks")
        return
    most = SHOWN_LEAKS - 1 if text.profile.wrong_frees and over_released else SHOWN_LEAKS
    text.put("   %s, see %s" % (counted(len(leaks), "leak"), _sections(text.profile)))
    for record in leaks[:most]:
        _leak(text, record)
    if len(leaks) > most:
        text.put("     and %s more" % counted(len(leaks) - most, "leak"))


def _wrong_frees(text, wrong):
    count, invalid = sum(each.count for each in wrong), sum(each.count for each in wrong if each.kind == "invalid")
    words = counted(count, "wrong free" if 0 < invalid < count else "invalid free" if invalid else "mismatched free")
    if 0 < invalid < count:
        words += " (%s mismatched, %s invalid)" % (format(count - invalid, ","), format(invalid, ","))
    text.put("   %s%s: %s" % (words, "" if count == 1 else ", the first", text.place_of(wrong[0].stack, UNKNOWN_PLACE)))


def _over_released(text, records):
    count, first = sum(1 if is_static(record) else record.blocks for record in records), records[0]
    words = [harmless(first.types[0][0])] if first.types else []
    words += [] if is_static(first) else [text.place_of(first.stack, UNKNOWN_PLACE)]
    text.put("   %s, see %s%s: %s" % (counted(count, "over-released object"), _sections(text.profile),
                                      "" if count == 1 else ", the first", ", ".join(words)))


def _sections(profile):
    sections = ["\"Leaks before the interpreter's finalization\""] if profile.leaks_before is not None else []
    if profile.leaks is not None or profile.leaks_before is None:
        sections.append('"Leaks at exit"')
    return " and ".join(sections)


def _leak(text, record):
    if record.kind == "surplus":
        amount = "%s to %s" % (counted(record.surplus_references, "surplus reference"), counted(record.blocks, "object"))
    else:
        amount = "%s %s" % (bytes_in_blocks(record.bytes + record.indirect_bytes, record.blocks + record.indirect_blocks),
                            KIND_TEXTS[record.kind])
    text.put("     %s: %s" % (amount, text.place_of(record.stack, UNKNOWN_PLACE)))
