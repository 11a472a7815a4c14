# SPDX-License-Identifier: GPL-2.0-or-later
"""Constants that nothing reads later, and documented special methods."""

from cpython.ref cimport Py_INCREF


cdef class Counter:
    """Counts."""
    cdef long value, end

    def __init__(self, end=1000000, name=("a", "b", 3, 2.5)):
        """Where to end."""
        self.end = end

    def __iter__(self):
        """Itself."""
        return self

    def __next__(self):
        """The next number."""
        self.value += 1
        if self.value > self.end:
            raise StopIteration("at the end", 12345)
        return self.value

    def __add__(self, other):
        """Another one."""
        return Counter(1234567)

    def __getitem__(self, key):
        """Always the same."""
        return 7654321, "seven"

    def items(self, dict of):
        for key, value in of.items():
            yield key, value


def make(n):
    kept = []
    for i in range(n):
        kept.append((i, "text"))
    return lambda x=5: (x, kept)


def lose(int n):
    """A leak that is not Cython's."""
    for i in range(n):
        Py_INCREF(["lost", i])
