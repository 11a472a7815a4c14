# SPDX-License-Identifier: GPL-2.0-or-later
"""Object headers that one line allocates and another line uses again.

The interpreter uses the headers of these objects again without calling malloc.
A tool that only watches malloc blames the first line.
"""
COUNT = 60


def lists():
    first = [[] for _ in range(COUNT)]
    del first
    return [[] for _ in range(COUNT)]


def lists_with_items():
    first = [[n] for n in range(COUNT)]
    del first
    return [[n, n, n] for n in range(COUNT)]


def dicts():
    first = [{} for _ in range(COUNT)]
    del first
    return [{} for _ in range(COUNT)]


def dicts_with_items():
    first = [{"key": n} for n in range(COUNT)]
    del first
    return [{"other": n, "more": n} for n in range(COUNT)]


def tuples():
    first = [(n, n) for n in range(COUNT)]
    second = [(n, n, n, n, n) for n in range(COUNT)]
    del first, second
    pairs = [(n, n) for n in range(COUNT)]
    fives = [(n, n, n, n, n) for n in range(COUNT)]
    return pairs, fives


def floats():
    first = [n * 1.5 for n in range(COUNT)]
    del first
    return [n * 2.5 for n in range(COUNT)]


def floats_twice():
    first = [n * 1.5 for n in range(COUNT)]
    del first
    second = [n * 2.5 for n in range(COUNT)]
    del second
    return [n * 3.5 for n in range(COUNT)]


def floats_by_half():
    first = [n * 1.5 for n in range(COUNT)]
    del first[::2]
    return first, [n * 2.5 for n in range(COUNT)]


def methods():
    first = [first_method.__str__ for first_method in range(COUNT)]
    del first
    return [method.__repr__ for method in range(COUNT)]


def slices():
    first = [slice(n, 5) for n in range(COUNT)]
    del first
    return [slice(n, 7) for n in range(COUNT)]


async def async_numbers():
    yield 1


def async_generators():
    first = [async_numbers().asend(None) for _ in range(20)]
    for step in first:
        step.close()
    del first
    return [async_numbers().asend(None) for _ in range(20)]


def contexts():
    try:
        import contextvars
    except ImportError:     # 3.6
        return []
    first = [contextvars.Context() for _ in range(COUNT)]
    del first
    return [contextvars.Context() for _ in range(COUNT)]


def exceptions():
    try:
        raise MemoryError
    except MemoryError:
        pass
    return [MemoryError() for _ in range(20)]


def main():
    return [lists(), lists_with_items(), dicts(), dicts_with_items(), tuples(), floats(), floats_twice(),
            floats_by_half(), methods(), slices(), async_generators(), contexts(), exceptions()]
