# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects to which a function of pm_watched takes references that it keeps, or gives back too many. A comment at the line
where an object is born says which function, and how many references: TAKER, or GIVER, the function and the number."""
import sys

import pm_watched


class Plain:
    """Some of these are freed, for comparison."""

    def copy(self):
        return Copied()         # TAKER: build_value 4


class Copied:
    pass


class Failure(Exception):
    pass


def case_static():
    for number in range(5):
        thing = Plain()         # TAKER: keep_static 4
        if number % 5 != 4:
            pm_watched.keep_static(thing)
    pm_watched.keep_static("something else")


def case_early_return():
    for number in range(100):
        thing = Plain()         # TAKER: early_return 4
        if number % 25 == 0:
            thing.bad = True
        try:
            pm_watched.early_return(thing)
        except ValueError:
            pass


def case_set_item():
    for number in range(6):
        pm_watched.set_item(Plain())    # TAKER: set_item 6


def case_add_object():
    pm_watched.add_object(Plain())      # TAKER: add_object 1


def case_build_value():
    plain = Plain()
    for _ in range(4):
        pm_watched.build_value(plain)


def fail():
    raise Failure("lost")       # TAKER: drop_exception 3


def case_exception():
    for _ in range(3):
        pm_watched.drop_exception(fail)


def fail_again():
    raise Failure("kept")       # TAKER: take_once 2


def case_exception_put_back():
    for _ in range(2):
        try:
            pm_watched.pass_exception(fail_again)
        except Failure as failure:
            pm_watched.take_once(failure)


def generate():
    yield 1


async def wait():
    return 1


def case_generator():
    pm_watched.forget_result(generate)  # TAKER: forget_result 1


def case_coroutine():
    pm_watched.forget_result(wait)      # TAKER: forget_result 1


def case_two_culprits():
    thing = Plain()             # TAKER: take_twice 6
    for number in range(3):
        pm_watched.take_twice(thing)
        if number > 1:
            pm_watched.take_once(thing)


def case_thread():
    pm_watched.hand_to_thread(Plain())  # TAKER: hand_to_thread 1


def case_handle():
    for _ in range(3):
        pm_watched.handle(Plain())      # TAKER: handle 3


def case_cython():
    for _ in range(7):
        pm_watched.cython_function(Plain())     # TAKER: cython_function 7


def case_heap_type():
    # Nothing happens in the deallocator that is at fault. The instances' references are first, and it is named (test_heap_type).
    kind = pm_watched.make_type()
    for _ in range(10):
        kind()


def case_over_released():
    items = [Plain()]           # GIVER: first 3
    others = [items[0] for _ in range(9)]
    for _ in range(3):
        pm_watched.first(items)
    KEPT.append((items, others))


def case_over_released_none():
    for _ in range(3000):
        pm_watched.no_none()


KEPT = []

for name in list(globals()):
    if name.startswith("case_") and (name != "case_over_released_none" or "none" in sys.argv):
        globals()[name]()
