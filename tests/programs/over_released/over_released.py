# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects with fewer references than owners, one by each kind of owner, and others that only look like that. The
references are taken again during finalization: the program ends well."""
import collections
import gc
import sys

import pm_over_release

gc.disable()        # a debug build checks counts when it collects


class Restorer(object):
    """Takes the references again when finalization clears this module, which begins with its private names. The
    search before finalization is over then; functions of atexit run before it."""

    def __init__(self):
        self.released = []
        self.take = pm_over_release.take

    def __del__(self):
        for value, count in self.released:
            self.take(value, count)


_restorer = Restorer()
Point = collections.namedtuple("Point", "x y")


class Config(object):
    pass


class Holder(object):
    pass


class Numbers(list):
    pass


def make_closure(value):
    return lambda: value


def make_function(value):
    def function(argument=value):
        return argument
    return function


def holder(value):
    made = Holder()
    made.name, made.attribute = "holder", value
    return made


def holder_with_dict(value):
    made = holder(value)
    made.__dict__["more"] = None
    return made


def release(owners, value, count):
    """Gives back count references to value, which its owners still need."""
    for _ in range(count):
        pm_over_release.first([value])
    _restorer.released.append((value, count))
    return owners


ITEMS, TUPLES, VALUES, KEYS = Config(), Config(), Config(), Config()        # items
ELEMENTS, CELLS, DEFAULTS, ATTRIBUTES, DICTS = Config(), Config(), Config(), Config(), Config()     # others
CORRECT = Config()
# Nothing but the owners and the module's dict refers to each of them: 11 owners.
KEPT = [
    release([[ITEMS] for _ in range(10)], ITEMS, 4),
    release([(TUPLES, n) for n in range(10)], TUPLES, 4),
    release([{n: VALUES} for n in range(10)], VALUES, 4),
    release([{KEYS: n} for n in range(10)], KEYS, 4),
    release([set([ELEMENTS]) for _ in range(10)], ELEMENTS, 4),
    release([make_closure(CELLS) for _ in range(10)], CELLS, 4),
    release([make_function(DEFAULTS) for _ in range(10)], DEFAULTS, 4),
    release([holder(ATTRIBUTES) for _ in range(10)], ATTRIBUTES, 4),
    release([holder_with_dict(DICTS) for _ in range(10)], DICTS, 4),
    # These are in order.
    [[CORRECT], (CORRECT,), {1: CORRECT}, {CORRECT: 1}, frozenset([CORRECT]), make_closure(CORRECT), holder(CORRECT)],
    [Point(CORRECT, n).x for n in range(3)], [Numbers([CORRECT]) for _ in range(3)],
    [holder("%d interned" % n).__dict__ for n in range(20)], set("word %d" % n for n in range(20)),
]
if "none" in sys.argv:
    for _ in range(1500):
        pm_over_release.none()
    _restorer.released.append((None, 1500))
