# SPDX-License-Identifier: GPL-2.0-or-later
"""One kind of object at each line, for CPython 2.7. tests/oracle/test_sizes_2_7.py has the size of each.

The script first makes everything else that the lines need, so that each line allocates only what it keeps. Floats and
ints come from blocks of many, with a free list. The script makes so many before that the list has less than one block
left. The line for tuples of one item is last, since calls with one argument put such a tuple into a free list.
"""
import os

MANY = 4920     # 120 blocks of 41 floats, 205 of 24
FEW = 300
numbers = range(20000)
many, few = numbers[:MANY], numbers[:FEW]
warm_floats, warm_ints = [None] * 20000, [None] * 20000
for n in numbers:
    warm_floats[n] = n * 1.5
    warm_ints[n] = n + 100000
letter, wide, hundred, big, other, half = "x", u"x", 100, 2 ** 60, 2 ** 61, 0.5


class Old:
    pass


class New(object):
    pass


class Slots(object):
    __slots__ = ("a", "b")


floats, ints = [None] * MANY, [None] * MANY
strings, texts, longs, complexes = [None] * FEW, [None] * FEW, [None] * FEW, [None] * FEW
lists, dicts, large_dicts, sets, arrays = [None] * FEW, [None] * FEW, [None] * FEW, [None] * FEW, [None] * FEW
olds, news, slots, functions, iterators = [None] * FEW, [None] * FEW, [None] * FEW, [None] * FEW, [None] * FEW
pairs, tuples, empty, grown = [None] * FEW, [None] * FEW, [], []
append = grown.append

for n in many:
    floats[n] = n * half                                            # line: floats
for n in many:
    ints[n] = n + 100000                                            # line: ints
for n in few:
    strings[n] = letter * hundred                                   # line: strings
for n in few:
    texts[n] = wide * hundred                                       # line: texts
for n in few:
    longs[n] = big * other                                          # line: longs
for n in few:
    complexes[n] = 1j * half                                        # line: complexes
for n in few:
    lists[n] = []                                                   # line: lists
for n in few:
    dicts[n] = {}                                                   # line: dicts
for n in few:
    large_dicts[n] = {1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0}           # line: large dicts
for n in few:
    sets[n] = set()                                                 # line: sets
for n in few:
    arrays[n] = bytearray(hundred)                                  # line: arrays
for n in few:
    olds[n] = Old()                                                 # line: old-style instances
for n in few:
    news[n] = New()                                                 # line: new-style instances
for n in few:
    slots[n] = Slots()                                              # line: slots
for n in few:
    functions[n] = lambda: n                                        # line: functions
for n in few:
    iterators[n] = iter(empty)                                      # line: iterators
repeated = letter, wide
table = [None] * 1000                                               # line: one list of many
for n in numbers[:100]:
    append(None)                                                    # line: grown
for n in few:
    pairs[n] = (n, n)                                               # line: pairs
for n in few:
    tuples[n] = (n,)                                                # line: tuples
os._exit(0)
