# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes a profile in the tool's own format (docs/file-format.md), strings and frames one to a line."""
import json
import os

from .balances import Writer
from .profile import LATER_COLUMNS, LATER_RECORD_NUMBERS, RECORD_NUMBERS, SITE_COLUMNS, SUMMARY_KEYS


def _dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def visible(text, exact):
    """What the file has for a name: the text, or one with visible escapes if it is no UTF-8."""
    if text not in exact and not any("\ud800" <= c <= "\udfff" or c == "\0" for c in text):
        return text
    return "".join(c if not "\ud800" <= c <= "\udfff" and c != "\0" else
                   "\\x%02x" % (ord(c) & 0xff) if c == "\0" or 0xdc80 <= ord(c) <= 0xdcff else
                   "\\u%04x" % ord(c) for c in text)


def _exact_hex(texts, exact):
    return {str(index): exact[text].hex() for index, text in enumerate(texts) if text in exact}


def _lines(items):
    return "[\n  %s\n ]" % ",\n  ".join(items) if items else "[]"


def write_profile(stream, conclusion, run, totals, troubles, phases, strings, exact, frames, stacks, sites, snapshots,
                  wrong_frees, leaks, leaks_before, watched):
    """stream: of text, UTF-8. conclusion: lines. phases: dicts. frames: dicts with the places of names in strings; stacks:
    (parents, frames); sites: the name of each column -> its values, with sizes; those of LATER_COLUMNS may be missing;
    snapshots: the columns, or None; wrong_frees: dicts as in the file; leaks: None or (summary, in_use, types, records as
    dicts); watched: a dict or None."""
    put = stream.write
    run = dict(run)
    run["command_hex"] = _exact_hex(run["command"], exact)
    run["command"] = [visible(text, exact) for text in run["command"]]
    put('{\n "format": "pymemcheck",\n "version": 2')
    put(',\n "conclusion": ' + _lines(list(map(_dump, conclusion))))
    for key, value in (("run", run), ("totals", totals), ("troubles", troubles)):
        put(',\n "%s": {\n  %s\n }' % (key, ",\n  ".join("%s: %s" % (_dump(name), _dump(v)) for name, v in value.items())))
    put(',\n "phases": ' + _lines(list(map(_dump, phases))))
    put(',\n "strings": ' + _lines([_dump(visible(text, exact)) for text in strings]))
    put(',\n "strings_hex": ' + _dump(_exact_hex(strings, exact)))
    put(',\n "frames": ' + _lines(list(map(_dump, frames))))
    parents, stack_frames = stacks
    back = [None] + [index - parents[index] for index in range(1, len(parents))]
    put(',\n "stacks": {\n  "back": %s,\n  "frame": %s\n }' % (_dump(back), _dump([None] + list(stack_frames[1:]))))
    put(',\n "sites": {\n  %s\n }' % ",\n  ".join(
        '"%s": %s' % (key, _dump(list(sites[key]))) for key in SITE_COLUMNS + LATER_COLUMNS + ("sizes",) if key in sites))
    if snapshots is None:
        put(',\n "snapshots": null')
    else:
        put(',\n "snapshots": {\n  %s\n }' % ",\n  ".join('"%s": %s' % (key, _dump(values)) for key, values in snapshots.items()))
    put(',\n "wrong_frees": ' + _lines(list(map(_dump, wrong_frees))))
    for key, search in (("leaks", leaks), ("leaks_before", leaks_before)):
        if search is None:
            put(',\n "%s": null' % key)
            continue
        summary, in_use, types, records = search
        put(',\n "%s": {\n  "summary": %s,\n  "in_use": %s,\n  "types": %s,\n  "records": %s\n }' % (
            key, _dump({kind: list(summary[kind]) for kind in SUMMARY_KEYS}), _dump(in_use), _dump(types),
            _lines(list(map(_dump, records)))))
    put(',\n "watched": %s\n}\n' % _dump(watched))


def record_dict(record, place_of, frame_of, stack):
    """A Record for the file. place_of: text -> its place in strings; frame_of: Frame -> its place in frames."""
    result = {key: getattr(record, key) for key in RECORD_NUMBERS + LATER_RECORD_NUMBERS}
    result.update(kind=record.kind, stack=stack, fingerprint=record.fingerprint, suppressed=record.suppressed,
                  left_out=record.left_out, chain_blocks=record.chain_blocks, expression=place_of(record.expression),
                  expression_lines=record.expression_lines, note=place_of(record.note),
                  chain=[place_of(line) for line in record.chain],
                  places=[[frame_of(frame), blocks] for frame, blocks in record.places],
                  types=[[place_of(name), blocks] for name, blocks in record.types],
                  balance=Writer(place_of, frame_of).balance(record.balance))
    return result


def write_whole(path, write):
    """Writes a file under a temporary name and renames it: a file that is there is whole. write: takes a stream
    of bytes. Devices, pipes and "-" are written as they are."""
    if path == "-":
        import sys
        sys.stdout.flush()
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as stream:
            write(stream)
        return
    temporary = "%s.new.%d" % (path, os.getpid())
    try:
        with open(temporary, "wb") as stream:
            write(stream)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


class TextTo:
    """Writes text to a stream of bytes as UTF-8, and leaves the stream open whatever happens."""

    def __init__(self, stream, errors="strict"):
        self._stream, self._errors = stream, errors

    def write(self, text):
        self._stream.write(text.encode("utf-8", self._errors))


def write_text(path, text):
    write_whole(path, lambda stream: stream.write(text.encode("utf-8", "backslashreplace")))
