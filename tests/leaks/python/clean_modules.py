# SPDX-License-Identifier: GPL-2.0-or-later
"""Clean programs: imports, code made at run time, extensions used correctly. No leak may be found."""
import ast
import atexit
import importlib
import sys
import types

import cases
import pm_lose_builtin
import pm_lose_types

KEPT = []


def case_imports():
    for name in ("string", "textwrap", "colorsys", "calendar", "html.parser", "_heapq", "_bisect", "binascii"):
        KEPT.append(importlib.import_module(name))
    try:
        importlib.import_module("pm_there_is_no_such_module")
    except ImportError as error:
        KEPT.append(error)


def case_reload():
    import colorsys
    import textwrap
    for _ in range(3):
        importlib.reload(textwrap)
    del sys.modules["colorsys"]
    again = importlib.import_module("colorsys")
    assert again is not colorsys
    KEPT.append(colorsys)


def case_modules_made_by_hand():
    for number in range(5):
        module = types.ModuleType("pm_made_%d" % number)
        exec("import sys\nvalues = [number * 0.5 for number in range(20)]\n"
             "def function():\n    return values, sys\n", module.__dict__)
        KEPT.append(module.function())
        sys.modules[module.__name__] = module


def case_code_at_run_time():
    for number in range(10):
        KEPT.append(eval("lambda value=%d: [value, %d.5]" % (number + 1000, number)))
        KEPT.append(ast.parse("a = [b(%d) for b in c]" % number))
        KEPT.append(compile(KEPT[-1], "made.py", "exec"))
    try:
        compile("a = = b", "wrong.py", "exec")
    except SyntaxError as error:
        KEPT.append(error)


def case_at_exit():
    def last(kept):
        kept.append([n * 0.5 for n in range(10)])

    atexit.register(last, KEPT)


def case_tracing():
    events = []

    def trace(frame, event, argument):
        events.append((frame.f_lineno, event))
        return trace

    old = sys.gettrace()
    sys.settrace(trace)
    KEPT.append(sorted([3.5, 2.5], key=lambda value: -value))
    sys.settrace(old)
    KEPT.append(events)


def case_extension_used_rightly():
    pm_lose_builtin.careful(True)
    pm_lose_types.careful(True)
    for _ in range(20):
        pm_lose_builtin.a_list(5)
        pm_lose_builtin.a_dict(5)
        pm_lose_builtin.a_str_with_utf8()
        pm_lose_builtin.result_of(dict)
        KEPT.append(pm_lose_types.Box([1.5]))
        pm_lose_types.make_type()()
    first, second = pm_lose_types.Blind(), pm_lose_types.Blind()
    first.next, second.next = second, first


def case_lost_to_nobody():
    node = pm_lose_types.Node()
    node.next = [1.5]
    KEPT.append(node)
    KEPT.append(pm_lose_types.capsule_of_memory())


cases.run(globals(), pm_lose_builtin, pm_lose_types)
