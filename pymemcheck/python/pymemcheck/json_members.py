# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads a large JSON document part by part, so that what one member is made of is given back before the next is read."""
import json
import json.decoder
import re

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


def read_members(text, convert, inside=()):
    """The dict that a JSON document is; text: the whole document. convert(path, value) gives what is kept of a member:
    path is its key or, of the members of those dicts that inside names, "key.key". A document that is no dict is given as
    it is. Raises json.JSONDecodeError as json.loads does."""
    start = _skip(text, 0)
    if text[start:start + 1] != "{":
        return json.loads(text)
    result, end = _read_dict(text, start, "", convert, inside)
    end = _skip(text, end)
    if end != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return result


def _skip(text, index):
    return _SPACE.match(text, index).end()


def _read_dict(text, index, place, convert, inside):
    """The dict that begins at index, and where it ends. place: before the keys in their paths."""
    result = {}
    index = _skip(text, index + 1)
    if text[index:index + 1] == "}":
        return result, index + 1
    while True:
        if text[index:index + 1] != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, index)
        key, index = json.decoder.scanstring(text, index + 1, True)
        index = _skip(text, index)
        if text[index:index + 1] != ":":
            raise json.JSONDecodeError("Expecting ':' delimiter", text, index)
        index = _skip(text, index + 1)
        if place + key in inside and text[index:index + 1] == "{":
            result[key], index = _read_dict(text, index, "%s%s." % (place, key), convert, ())
        else:
            value, index = _DECODER.raw_decode(text, index)
            result[key] = convert(place + key, value)
            del value
        index = _skip(text, index)
        after = text[index:index + 1]
        if after == "}":
            return result, index + 1
        if after != ",":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, index)
        index = _skip(text, index + 1)
