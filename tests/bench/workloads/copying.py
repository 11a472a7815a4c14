# SPDX-License-Identifier: GPL-2.0-or-later
"""Tight loops of C code that copy, fill, compare and search: bytes, lists, dicts, sets, arrays, str methods. The C library
copies a few kilobytes by instructions that repeat themselves, which are one short translated block run again and again."""
import array

KILOBYTES = bytes(range(256)) * 40
NUMBERS = list(range(3000))
BY_NUMBER = dict.fromkeys(NUMBERS)
TEXT = "abcdefghij" * 1000


def copy_bytes(times):
    total = 0
    for _ in range(times):
        total += len(bytearray(KILOBYTES)) + len(KILOBYTES + b"x") + len(bytes(9000))
    return total


def copy_containers(times):
    total = 0
    for _ in range(times):
        total += len(NUMBERS[:]) + len(BY_NUMBER.copy()) + len(set(BY_NUMBER)) + len(tuple(NUMBERS)) + sum(NUMBERS)
    return total


def search(times):
    total = 0
    for _ in range(times):
        total += TEXT.count("j") + TEXT.find("z") + len(TEXT.replace("c", "C")) + KILOBYTES.count(7)
        total += NUMBERS.index(2999) + (NUMBERS == NUMBERS[:-1])
    return total


def arrays(times):
    numbers = array.array("q", NUMBERS)
    total = 0
    for _ in range(times):
        numbers.reverse()
        total += numbers[0] + len(numbers * 3) + numbers.count(17)
    return total


print(copy_bytes(20_000), copy_containers(1_500), search(600), arrays(600))
