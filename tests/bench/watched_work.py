# SPDX-License-Identifier: GPL-2.0-or-later
"""Ten thousand living objects of a type, a million changes of their counts, and as much other work as a program does
in between: parsing, formatting, sorting."""
import json


class Thing:
    def __init__(self, number):
        self.number = number


THINGS = [Thing(number) for number in range(10000)]


def total(things):
    return sum(thing.number for thing in things)


def other_work():
    document = json.dumps([{"number": number, "text": str(number) * 3} for number in range(2500)])
    return sorted(json.loads(document), key=lambda entry: entry["text"])


RESULT = 0
for turn in range(25):
    RESULT += total(THINGS) + len(other_work())
print(RESULT)
