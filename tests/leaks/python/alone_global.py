# SPDX-License-Identifier: GPL-2.0-or-later
# OPTIONS: --leak-scan=before
"""Surplus references to objects in use: found while the program's modules are alive."""
import sys

import cases
import pm_lose_builtin
import pm_lose_calls
import pm_lose_types


class Machine:
    def work(self):                 # LEAK: definite, function 1, indirect >=0
        pass


class Config:
    def __init__(self):
        self.values = {"depth": 3.5}


CONFIG = Config()                   # LEAK: surplus, __main__.Config 1, references 12
NAMES = [1.5, 2.5]                  # LEAK: surplus, list 1, references 3
PLAIN = Config()
LIST = [[n + 0.5] for n in range(50)]       # LEAK: surplus, list 1, references 40
KIND = pm_lose_types.make_type()    # LEAK: surplus, type 1, references 10


def case_global():
    for _ in range(12):
        pm_lose_builtin.keep_reference(CONFIG)
    for _ in range(3):
        pm_lose_builtin.keep_reference(NAMES)


def case_item():
    for _ in range(40):
        pm_lose_builtin.keep_reference(LIST[7])


def case_heap_type():
    for _ in range(10):
        KIND()


def let_work(machine, number):
    """Calls with caches at all distances from the next whole word: the sums move them."""
    machine.work()
    -number
    machine.work()
    -number
    machine.work()
    -number
    machine.work()


def case_method_in_cache_of_instruction():
    """The instruction that looks work up caches the function without a reference (from 3.11 on). From 3.12 on the
    interpreter has a cache of functions by their version, also without references."""
    for number in range(100):
        let_work(Machine(), number)
    pm_lose_builtin.keep_reference(Machine.work)
    del Machine.work
    sys._clear_type_cache()


def case_lost_too():
    pm_lose_builtin.a_list(2)       # LEAK: definite, list 1, indirect 3


cases.run(globals(), pm_lose_builtin, pm_lose_calls, pm_lose_types)
