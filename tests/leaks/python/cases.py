# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the cases of a file: its functions whose names begin with case_, in their order.

Arguments: --careful makes the extensions release what they make, so that no leak may be found; names choose cases
(without the case_).

The line that allocates says what must be found for a case, and test_leaks.py reads it there:

    lose.a_list(3)      # LEAK: definite, list 1, indirect 4

    kind            definite, cycle, surplus or possible: one record of this kind on this line, and no other
    types           "list 1", "Box 2 + list 1": types with their blocks; raw: blocks without an object; a|b: the
                    type has one of these names. any: any types
    indirect N      blocks that only the lost ones hold; N or >=N. Without it: 0
    references N    of surplus: the surplus references
    bytes N         of the lost blocks; N or >=N
    taker NAME      the C function that stands first in the balance of --watch-refs
    phase NAME      import, main or finalization: when all of the blocks were allocated
    if V            only on these versions of CPython: >=3.12 or <3.12, or debug or release builds; with or between
                    several of these, one of them must hold
; separates several expectations.
"""
import sys

import pm_lose_memory

CAREFUL = "--careful" in sys.argv


def settle():
    """Overwrites dead pointers on the C stack, which the search takes for pointers. They are in the frame of the
    evaluation function, which runs all of the Python code: where its instructions for calls have their arguments and
    results (3.12 and 3.13 leave the second of several results there). And they are below that frame."""
    for number in range(5):
        repr(number)
    pm_lose_memory.scrub()


def run(namespace, *extensions):
    chosen = {name for name in sys.argv[1:] if not name.startswith("--")}
    names = [name for name in namespace if name.startswith("case_")]
    unknown = chosen - {name[len("case_"):] for name in names}
    if unknown:
        sys.exit(f"no such case: {unknown}")
    for extension in (pm_lose_memory, *extensions):
        extension.careful(CAREFUL)
    for name in names:
        if not chosen or name[len("case_"):] in chosen:
            namespace[name]()
            settle()
