# SPDX-License-Identifier: GPL-2.0-or-later
"""Types of extensions with faults in their deallocators, setters, constructors and traverse functions."""
import gc

import cases
import pm_lose_types as lose


def case_dealloc_forgets_buffer():
    for _ in range(7):
        lose.Box(None, "data")      # LEAK: definite, raw 7, bytes 560


def case_dealloc_forgets_member():
    for number in range(5):
        mine = [number + 0.5]       # LEAK: definite, list 5, indirect 10, taker box_init
        lose.Box(mine, "held")


def case_dealloc_forgets_itself():
    for _ in range(3):
        lose.Box(None, "self")      # LEAK: definite, pm_lose_types.Box 3


def case_setter_forgets_old_value():
    box = lose.Box([0.5], "old")    # LEAK: definite, list 1, indirect 2, taker box_init
    box.held = [1.5]                # LEAK: definite, list 1, indirect 2, taker box_set
    box.held = [2.5]


def case_second_init():
    box = lose.Box([3.5], "old")    # LEAK: definite, list 1, indirect 2, taker box_init
    box.__init__([4.5], "old")


def case_getter_adds_reference():
    box = lose.Box([5.5], "more")   # LEAK: definite, list 1, indirect 2, taker box_get
    for _ in range(10):
        box.held


def case_repr_forgets_temporary():
    box = lose.Box(0, "temporary")
    for _ in range(4):
        repr(box)                   # LEAK: definite, str 4, taker box_repr


def case_cycle_without_collector():
    first, second = lose.Node(), lose.Node()    # LEAK: cycle, pm_lose_types.Node 2, indirect 1
    first.next, second.next = second, first
    if cases.CAREFUL:
        first.next = None


def case_cycle_with_itself():
    node = lose.Node()              # LEAK: cycle, pm_lose_types.Node 1
    node.next = node
    if cases.CAREFUL:
        node.next = None


def case_cycle_that_traverse_misses():
    first = lose.Blind()            # LEAK: cycle, pm_lose_types.Blind 1 + list 1, indirect 3
    first.next = [str(first), first]
    del first
    gc.collect()


def case_iterator_forgets_items():
    items = [[number + 0.5] for number in range(6)]     # LEAK: definite, list 6, indirect 12, taker steps_next
    for item in lose.Steps(items):
        pass


def case_constructor_fails():
    for number in range(1, 9):
        try:
            lose.Even(number)       # LEAK: definite, pm_lose_types.Even 4, taker even_new
        except ValueError:
            pass


def case_lost_heap_type():
    lose.lose_type()                # LEAK: definite, type 1, indirect >=4, taker lose_type


def case_instance_of_heap_type():
    kind = lose.make_type()         # LEAK: definite, type 1, indirect >=4, taker evaluation|instance
    for _ in range(10):
        kind()


def case_lost_instance():
    lose.lose_instance(lose.Node)   # LEAK: definite, pm_lose_types.Node 1, taker lose_instance


def case_subclass_instance():
    class Derived(lose.Box):
        pass

    for _ in range(3):
        Derived(None, "data")       # LEAK: definite, raw 3, bytes 240


def case_capsule_without_destructor():
    for _ in range(4):
        lose.capsule_of_memory()    # LEAK: definite, raw 4, bytes 360


cases.run(globals(), lose)
