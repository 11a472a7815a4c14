# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in each interpreter under test with PYTHONMALLOC=malloc_debug: hooks.py LIBRARY.

Measures the padding of debug hooks and the bytes before an object, with the C library's
malloc_usable_size and the size that a hook records. Compares them with the layout row
that pm_selfwalk.so chose. If they differ, it prints a line and the exit code is 1.
"""
import ctypes
import sys

import selfwalk

SIZES = range(1, 200)
REPEATS = 40

libc = ctypes.CDLL(None)
usable_bytes = libc.malloc_usable_size
usable_bytes.restype, usable_bytes.argtypes = ctypes.c_size_t, [ctypes.c_void_p]
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
raw_malloc = ctypes.pythonapi.PyMem_RawMalloc
raw_malloc.restype, raw_malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
raw_free = ctypes.pythonapi.PyMem_RawFree
raw_free.argtypes = [ctypes.c_void_p]


def noted_bytes(hooked, prefix):
    """The size word at the start of a hook's block, most significant byte first."""
    return int.from_bytes(ctypes.string_at(hooked - prefix, 8), "big")


def least_usable(allocate, release, before, size):
    """The least usable size of several blocks: malloc may round some blocks up further than others."""
    blocks = [allocate(size) for _ in range(REPEATS)]
    least = min(usable_bytes(block - before) for block in blocks)
    for block in blocks:
        release(block)
    return least


def measure_padding(prefix):
    """The only padding that explains the size of every block."""
    hooked = [least_usable(raw_malloc, raw_free, prefix, size) for size in SIZES]
    plain = [least_usable(libc.malloc, libc.free, 0, size) for size in range(SIZES[-1] + 64)]
    possible = [padding for padding in range(0, 64, 8)
                if [plain[size + padding] for size in SIZES] == hooked]
    assert len(possible) == 1, possible
    return possible[0]


def main():
    gc_head, prefix, padding = selfwalk.headers()
    measured = measure_padding(prefix)
    assert measured == padding, "a hook adds %d bytes, not %d" % (measured, padding)
    for made in [], {}, set():
        noted = noted_bytes(id(made) - gc_head, prefix)
        assert noted == type(made).__basicsize__ + gc_head, (made, noted, gc_head)
    print("a GC head of %d bytes, a hook's prefix of %d and padding of %d"
          % (gc_head, prefix, padding))


if __name__ == "__main__":
    main()
