# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the live blocks of each line of a script with sizes computed by hand from 2.7's structs, since 2.7 has no
tracemalloc.

All sizes are from CPython 2.7.18, x86-64. A size is what the interpreter asks malloc for, without the bytes that debug
hooks add.

PyObject has 16 bytes (ob_refcnt, ob_type), with Py_TRACE_REFS 32. PyVarObject has 8 more (ob_size). An object that the
collector tracks has 32 bytes in front of it (PyGC_Head, still as large as with the long double that it once contained).
"""
import pytest

import pythons
from pmtest import PROGRAMS, line_of

SCRIPT = PROGRAMS / "sizes_2_7.py"
MANY, FEW = 4920, 300
GC = 32
PYTHONS = [parameter for parameter in pythons.each_python(costly=True) if parameter.id.startswith("2.7")]
UNICODE_BYTES = "import sys; sys.exit(4 if sys.maxunicode > 0xffff else 2)"


def sizes(head, character):
    """For each line: how often it allocates, and the sizes of the blocks that are live at the end.
    head: bytes of PyObject. character: bytes of Py_UNICODE."""
    variable = head + 8
    # Objects/floatobject.c, intobject.c: blocks of up to 1000 bytes, of which 8 point to the next block. Floats and ints
    # have 8 bytes of value. 41 of 24 bytes: 992 bytes. With Py_TRACE_REFS 24 of 40: 968 bytes.
    fit = (1000 - 8) // (head + 8)
    number_block = 8 + fit * (head + 8)
    # Objects/dictobject.c: fill, used, mask, table, lookup, and 8 entries of 24 bytes.
    dict_bytes = GC + head + 5 * 8 + 8 * 24
    return {
        "floats": (MANY // fit, [number_block]),
        "ints": (MANY // fit, [number_block]),
        # Include/stringobject.h: 8 for the hash, 4 for the state, 100 characters and the terminator.
        "strings": (FEW, [variable + 8 + 4 + 100 + 1]),
        # Include/unicodeobject.h: length, pointer, hash, encoded. The text and its terminator are another block.
        "texts": (FEW, [head + 4 * 8, (100 + 1) * character]),
        # Objects/longobject.c: a product of two numbers of 3 digits has room for 6 digits of 4 bytes.
        "longs": (FEW, [variable + 6 * 4]),
        "complexes": (FEW, [head + 2 * 8]),
        # Include/listobject.h: items, allocated. No items.
        "lists": (FEW, [GC + variable + 2 * 8]),
        "dicts": (FEW, [dict_bytes]),
        # The sixth of 8 entries enlarges the table to four times the used entries, rounded up to a power of 2: 32.
        "large dicts": (FEW, [dict_bytes, 32 * 24]),
        # Include/setobject.h: fill, used, mask, table, lookup, 8 entries of 16 bytes, hash, weak references.
        "sets": (FEW, [GC + head + 5 * 8 + 8 * 16 + 2 * 8]),
        # Include/bytearrayobject.h: exports (an int, padded), allocated, pointer. The bytes and a terminator.
        "arrays": (FEW, [variable + 3 * 8, 100 + 1]),
        # Include/classobject.h: class, dict, weak references. The dict exists from the beginning.
        "old-style instances": (FEW, [GC + head + 3 * 8, dict_bytes]),
        # Objects/typeobject.c: room for a pointer to a dict and for one to weak references. Neither exists yet.
        "new-style instances": (FEW, [GC + head + 2 * 8]),
        "slots": (FEW, [GC + head + 2 * 8]),
        # Include/funcobject.h: code, globals, defaults, closure, doc, name, dict, weak references, module.
        "functions": (FEW, [GC + head + 9 * 8]),
        # Objects/listobject.c: index, list.
        "iterators": (FEW, [GC + head + 2 * 8]),
        "one list of many": (1, [GC + variable + 2 * 8, 1000 * 8]),
        # Objects/listobject.c: if n do not fit, room for n + n/8 + 6 (3 below 9): 4, 8, 16, 25, 35, 46, 58, 72, 88, 106.
        "grown": (1, [106 * 8]),
        "pairs": (FEW, [GC + variable + 2 * 8]),
        "tuples": (FEW, [GC + variable + 8]),
    }


@pytest.mark.parametrize("python", PYTHONS)
def test_blocks_and_bytes_of_each_line(tool, python):
    profile = tool.run(python.path, SCRIPT).profile
    character = tool.run_native(python.path, "-c", UNICODE_BYTES, check=False).returncode
    wrong = []
    expected = sizes(32 if python.trace_refs else 16, character)
    assert sum(line.count("# line: ") for line in SCRIPT.read_text().split("\n")) == len(expected)
    for name, (times, blocks) in expected.items():
        found = profile.at_line(str(SCRIPT), line_of(SCRIPT, f"# line: {name}"))
        if (found.live_blocks, found.live_bytes) != (times * len(blocks), times * sum(blocks)):
            wrong.append(f"{name}: expected {times} times {blocks}, the tool has {found.live_blocks} blocks, "
                         f"{found.live_bytes} bytes")
    assert not wrong, "\n".join(wrong)
