# SPDX-License-Identifier: GPL-2.0-or-later
"""pprof's profile.proto, compressed, encoded by hand: github.com/google/pprof/blob/main/proto/profile.proto. Sample
types have the names that Go's heap profiles have, so that pprof's -inuse_space and its like work."""
import gzip

# (type, unit, index in the figures of View.rows)
SAMPLE_TYPES = (("alloc_objects", "count", 5), ("alloc_space", "bytes", 4), ("peak_objects", "count", 3),
                ("peak_space", "bytes", 2), ("inuse_objects", "count", 1), ("inuse_space", "bytes", 0))
DEFAULTS = {"live": "inuse_space", "peak": "peak_space", "total": "alloc_space"}


def _varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field, value):
    return _varint(field << 3) + _varint(value) if value else b""


def _bytes(field, data):
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _packed(field, values):
    return _bytes(field, b"".join(map(_varint, values)))


class _Tables:
    """Strings, functions and locations, each with its number."""

    def __init__(self, view):
        self._view = view
        self.strings = {"": 0}
        self._functions, self._locations, self._mappings = {}, {}, {}
        self.out = []

    def string(self, text):
        return self.strings.setdefault(text, len(self.strings))

    def _mapping(self, frame):
        name = self._view.labels.file(frame.object, True) if frame.object else "[Python]"
        if name not in self._mappings:
            self._mappings[name] = len(self._mappings) + 1
            # Mapping: id, file name; it has functions, and Python ones have lines.
            self.out.append(_bytes(3, _number(1, self._mappings[name]) + _number(5, self.string(name))
                                   + _number(7, 1) + _number(8, 1) + _number(9, 1)))
        return self._mappings[name]

    def _function(self, frame):
        view = self._view
        key = (frame.kind, frame.function, frame.file, frame.object)
        if key not in self._functions:
            number = self._functions[key] = len(self._functions) + 1
            file = view.labels.file(frame.file, True) if frame.file else ""
            name = self.string(view.name(frame))
            self.out.append(_bytes(5, _number(1, number) + _number(2, name) + _number(3, name)
                                   + _number(4, self.string(file))))
        return self._functions[key]

    def location(self, frame):
        if id(frame) not in self._locations:
            mapping, function = self._mapping(frame), self._function(frame)
            number = self._locations[id(frame)] = len(self._locations) + 1
            line = _bytes(4, _number(1, function) + _number(2, frame.line))
            self.out.append(_bytes(4, _number(1, number) + _number(2, mapping) + line))
        return self._locations[id(frame)]


def write(view, stream):
    tables = _Tables(view)
    head = [_bytes(1, _number(1, tables.string(kind)) + _number(2, tables.string(unit))) for kind, unit, _ in SAMPLE_TYPES]
    rows = view.rows()
    samples = [_bytes(2, _packed(1, map(tables.location, frames)) + _packed(2, [figures[i] for _, _, i in SAMPLE_TYPES]))
               for frames, figures in rows]
    tail = [_bytes(11, _number(1, tables.string("space")) + _number(2, tables.string("bytes"))), _number(12, 1),
            _packed(13, [tables.string(view.command())]),
            _number(14, tables.string(DEFAULTS[view.metric]))]
    strings = [_bytes(6, text.encode("utf-8", "backslashreplace")) for text in tables.strings]
    # mtime: the same profile gives the same bytes.
    with gzip.GzipFile(fileobj=stream, mode="wb", filename="", mtime=0) as out:
        for part in head + samples + tables.out + strings + tail:
            out.write(part)
