# SPDX-License-Identifier: GPL-2.0-or-later
"""The collector walks over many objects, again and again: nothing to free, then cycles."""
import gc


class Node:
    def __init__(self, number, before):
        self.number, self.before, self.names = number, before, [number]


def chain(length):
    node = None
    for number in range(length):
        node = Node(number, node)
    return node


def collect_kept(times):
    kept = [chain(20_000), [[number, {}] for number in range(30_000)], {number: (number, []) for number in range(10_000)}]
    return sum(gc.collect() for _ in range(times)), len(kept)


def collect_cycles(times):
    found = 0
    for _ in range(times):
        ring = chain(3_000)
        ring.names.append(ring)
        first = ring
        while first.before is not None:
            first = first.before
        first.before = ring
        del ring, first
        found += gc.collect()
    return found >= 3_000 * times


gc.disable()
print(collect_kept(25), collect_cycles(10))
