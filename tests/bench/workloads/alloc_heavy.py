# SPDX-License-Identifier: GPL-2.0-or-later
"""Dicts, lists, tuples, strings and instances, made and dropped."""


class Record:
    def __init__(self, number, name):
        self.number = number
        self.name = name
        self.tags = [name, number]


def strings(count):
    words = ["word-%d" % n for n in range(count)]
    joined = " ".join(words)
    return len(joined.upper().split("-"))


def containers(count):
    kept = {}
    for n in range(count):
        kept[n] = {"number": n, "pair": (n, str(n)), "list": [n, n + 1.5, None]}
        if n >= 100:
            del kept[n - 100]
    return len(kept)


def records(count):
    kept = [Record(n, "record %d" % n) for n in range(count)]
    kept.sort(key=lambda record: record.name)
    return kept[count // 2].number


total = 0
for repetition in range(64):
    total += strings(6000) + containers(6000) + records(3000)
print(total)
