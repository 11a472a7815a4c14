# SPDX-License-Identifier: GPL-2.0-or-later
"""Switches between greenlets, within calls and generators. With the argument "profile" it prints what sys.setprofile tells of
the functions of this file, as CALL and RTN lines: depth in the stack of the greenlet, line of the event, function."""
import sys

import greenlet


def leaf(n):
    return n


def deep(n):
    if n:
        return deep(n - 1)
    leaf(1)
    back.switch()
    leaf(2)
    return 3


def other():
    leaf(3)
    deep(3)
    leaf(4)


def numbers():
    yield leaf(5)
    back.switch()
    yield leaf(6)


def looping():
    for n in numbers():
        leaf(n)


def failing():
    back.switch()
    raise KeyError


def switching():
    global back
    back = greenlet.getcurrent()
    parts = [greenlet.greenlet(function) for function in (other, looping, other)]
    for part in parts:
        part.switch()
    leaf(7)
    for part in parts:
        part.switch()
    part = greenlet.greenlet(failing)
    part.switch()
    try:
        part.switch()
    except KeyError:
        leaf(8)


def deeper(n):
    if n:
        deeper(n - 1)
    else:
        switching()


def run():
    for n in range(3):
        deeper(n)
    greenlet.greenlet(deeper).switch(2)
    sorted([2, 1], key=lambda n: deeper(0) or n)


def profile(frame, event, argument):
    if event in ("call", "return") and frame.f_code.co_filename == __file__:
        depth, outer = 0, frame.f_back
        while outer is not None:
            depth, outer = depth + 1, outer.f_back
        events.append((event == "call" and "CALL" or "RTN", depth, frame.f_lineno, frame.f_code.co_name))


if len(sys.argv) > 1:
    events = []
    sys.setprofile(profile)
    run()
    sys.setprofile(None)
    for event in events:
        print(*event)
else:
    run()
