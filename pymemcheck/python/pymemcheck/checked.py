# SPDX-License-Identifier: GPL-2.0-or-later
"""Values of a JSON document, checked one by one. Whoever reads a document catches Wrong and adds the file."""
import array

LARGEST_NUMBER = 2 ** 63 - 1


class Wrong(Exception):
    """A problem (its second argument) at a place (its first)."""


def brief(value):
    """A value as a message shows it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def need(value, kind, place):
    """value, if it is of this type (of JSON: bool is no number). An array of numbers is a list."""
    if type(value) is not kind and (kind is not list or type(value) is not array.array):
        names = {dict: "a dict", list: "a list", str: "a text", int: "a whole number", bool: "true or false"}
        raise Wrong(place, "expected %s, not %s" % (names[kind], brief(value)))
    return value


def need_member(parent, key, kind, place):
    """What a dict must have."""
    path = "%s.%s" % (place, key) if place else key
    if key not in parent:
        raise Wrong(path, "is missing")
    return need(parent[key], kind, path)


def need_number(parent, key, place, limit=LARGEST_NUMBER):
    """A whole number that is not negative."""
    value = need_member(parent, key, int, place)
    if not 0 <= value <= limit:
        raise Wrong("%s.%s" % (place, key) if place else key, "%s is not between 0 and %d" % (brief(value), limit))
    return value


def need_signed(parent, key, place):
    """A whole number that may be negative."""
    value = need_member(parent, key, int, place)
    if not -LARGEST_NUMBER - 1 <= value <= LARGEST_NUMBER:
        raise Wrong("%s.%s" % (place, key), "%s does not fit into 64 bits" % brief(value))
    return value


def later_number(parent, key, place, limit=LARGEST_NUMBER):
    """A number that older files do not have: 0."""
    return need_number(parent, key, place, limit) if key in parent else 0


def need_numbers(values, place, limit=LARGEST_NUMBER, least=0):
    """A list of whole numbers as an array, or itself if it is one; the bad number is looked for only if there is one."""
    need(values, list, place)
    if type(values) is array.array and (not values or (min(values) >= least and max(values) <= limit)):
        return values
    try:
        if not values or (set(map(type, values)) == {int} and min(values) >= least and max(values) <= limit):
            return array.array("q", values)
    except (TypeError, OverflowError):
        pass
    for index, value in enumerate(values):
        need(value, int, "%s[%d]" % (place, index))
        if not least <= value <= limit:
            raise Wrong("%s[%d]" % (place, index), "%s is not between %d and %d" % (brief(value), least, limit))
    raise AssertionError(place)


def compact(values):
    """A list as an array, if it has nothing but whole numbers of 64 bits; else as it is."""
    if type(values) is list and not set(map(type, values)) - {int}:
        try:
            return array.array("q", values)
        except OverflowError:
            pass
    return values


def _exact_text(data):
    """Bytes that are no UTF-8 as text: Python's own stand-ins, as three bytes each, or single bad bytes."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogateescape")


def read_texts(values, exact, place, exact_bytes):
    """Texts with those replaced that have exact bytes, which go into exact_bytes."""
    if set(map(type, values)) - {str}:
        for index, value in enumerate(values):
            need(value, str, "%s[%d]" % (place, index))
    texts = list(values)
    for key, digits in exact.items():
        where = "%s_hex.%s" % (place, key)
        if not key.isdigit() or len(key) > 18 or int(key) >= len(texts):
            raise Wrong(where, "there is no such text in %s" % place)
        try:
            data = bytes.fromhex(need(digits, str, where))
        except ValueError:
            raise Wrong(where, "expected hexadecimal digits, not %s" % brief(digits)) from None
        texts[int(key)] = _exact_text(data)
        exact_bytes[texts[int(key)]] = data
    return texts
