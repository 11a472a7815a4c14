# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks for memory with each function of CPython's three domains: raw, mem and object."""
import ctypes

# The addresses are in C memory: an int that holds an address has another size under Valgrind.
kept = (ctypes.c_void_p * 64)()
places = iter(range(64))


def declare(name, *arguments):
    function = getattr(ctypes.pythonapi, name)
    function.restype, function.argtypes = ctypes.c_void_p, arguments
    return function


size, address = ctypes.c_size_t, ctypes.c_void_p
DOMAINS = {domain: (declare(domain + "Malloc", size), declare(domain + "Calloc", size, size),
                    declare(domain + "Realloc", address, size), declare(domain + "Free", address))
           for domain in ("PyMem_Raw", "PyMem_", "PyObject_")}


def raw():
    malloc, calloc, realloc, free = DOMAINS["PyMem_Raw"]
    for n in range(10):
        kept[next(places)] = malloc(100 + n)
    kept[next(places)] = calloc(7, 11)
    kept[next(places)] = realloc(malloc(30), 3000)
    kept[next(places)] = realloc(None, 41)
    free(malloc(500))


def mem():
    malloc, calloc, realloc, free = DOMAINS["PyMem_"]
    for n in range(10):
        kept[next(places)] = malloc(600 - n)
    kept[next(places)] = calloc(13, 17)
    kept[next(places)] = realloc(malloc(4000), 40)
    kept[next(places)] = realloc(None, 43)
    free(malloc(500))


def objects():
    malloc, calloc, realloc, free = DOMAINS["PyObject_"]
    for n in range(10):
        kept[next(places)] = malloc(1 + n * n)
    kept[next(places)] = calloc(19, 23)
    kept[next(places)] = realloc(malloc(300), 600)
    kept[next(places)] = realloc(None, 47)
    free(malloc(500))


def main():
    raw()
    mem()
    objects()
    return kept
