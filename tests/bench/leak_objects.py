# SPDX-License-Identifier: GPL-2.0-or-later
"""A Python heap for tests/bench/leaks: COUNT objects of common types, alive when the process ends."""
import os
import sys


class Node:
    def __init__(self, number, other):
        self.number = number
        self.other = other


count, kept, node = int(sys.argv[1]), [], None
while len(kept) < count // 5:
    number = len(kept) + 1000
    node = Node(float(number), node if number % 100 else None)
    # Five objects: the instance, its dict or values, the float, a list with its items, a str.
    kept.append((node, [number, str(number)]))
os._exit(0)
