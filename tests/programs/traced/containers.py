# SPDX-License-Identifier: GPL-2.0-or-later
"""Lists, dicts, sets, tuples, strings and numbers that grow and shrink."""
import array
import bisect
import heapq
import itertools


def main():
    appended = []
    for n in range(1000):
        appended.append(n * 1000)
    popped = list(range(5000, 6000))
    while len(popped) > 100:
        popped.pop()
    grown = {}
    for n in range(500):
        grown[f"key {n}"] = n / 7
    shrunk = {n: str(n) for n in range(1000)}
    for n in range(900):
        del shrunk[n]
    copied = dict(grown)
    merged = {**grown, **shrunk}
    unique = set()
    for n in range(700):
        unique.add(n * n)
    frozen = frozenset(unique)
    pairs = tuple((n, str(n)) for n in range(200))
    text = "a" * 1000
    for n in range(50):
        text += "b" * n
    wide = "\u4e2d" * 300 + "\U0001f600" * 10
    parts = wide.split("\u4e2d")
    encoded = wide.encode()
    blob = bytearray(b"start")
    for n in range(100):
        blob.extend(bytes(n))
    del blob[10:4000]
    numbers = [7 ** n for n in range(200)]
    halves = [n / 3 for n in range(300)]
    complexes = [complex(n, n) for n in range(50)]
    typed = array.array("d", halves)
    typed.extend(range(100))
    view = memoryview(blob)
    heap = []
    for n in range(300):
        heapq.heappush(heap, (n * 7919) % 1009)
    ordered = []
    for n in range(300):
        bisect.insort(ordered, (n * 7919) % 1013)
    chunks = [list(group) for _, group in itertools.groupby(range(200), lambda n: n // 7)]
    products = list(itertools.product("abc", repeat=3))
    matrix = [[0] * 30 for _ in range(30)]
    return locals()
