# SPDX-License-Identifier: GPL-2.0-or-later
"""Allocations under stacks of a hundred frames, in Python and through C."""


def descend(depth, leaf):
    if depth == 0:
        return leaf()
    return descend(depth - 1, leaf)


def through_c(depth, leaf):
    # Each level also stands on the C stack: list(map(...)) calls back.
    if depth == 0:
        return leaf()
    return list(map(lambda level: through_c(level, leaf), [depth - 1]))[0]


def leaf():
    total = 0
    for n in range(1000):
        words = [str(n), str(n + 1), "x" * 40]
        total += len({word: len(word) for word in words})
    return total


def unwinding(depth):
    # Builds a list at every level on the way down and drops them on the way up.
    kept = ["%d-%d" % (depth, n) for n in range(4)]
    return len(kept) + (unwinding(depth - 1) if depth else 0)


total = 0
for repetition in range(120):
    total += descend(100, leaf) + through_c(60, leaf)
    for again in range(6):
        total += unwinding(150)
print(total)
