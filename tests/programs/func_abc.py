# SPDX-License-Identifier: GPL-2.0-or-later
"""Three functions that call one another, each keeping a buffer of its own size.

The sizes are odd enough that nothing else in the interpreter asks for them:
a bytearray asks for one byte more than its length.
"""

KEPT = []


def func_c():
    print("Function C")
    KEPT.append(bytearray(30_011))


def func_b():
    print("Function B")
    KEPT.append(bytearray(20_011))
    func_c()


def func_a():
    print("Function A")
    KEPT.append(bytearray(10_007))
    func_b()


func_a()
