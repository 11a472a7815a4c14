# SPDX-License-Identifier: GPL-2.0-or-later
"""All of the standard library that is there, imported once, as programs import."""
import importlib
import os
import sys

# What opens a window or a browser, prints, or is tests.
LEFT_OUT = {"antigravity", "idlelib", "test", "this", "tkinter", "turtle", "turtledemo"}


def submodules(package):
    """The names of the modules in a package's own folder, in order."""
    for folder in getattr(sys.modules[package], "__path__", []):
        for entry in sorted(os.listdir(folder)):
            if entry.endswith(".py") and not entry.startswith("__"):
                yield package + "." + entry[:-3]


def can_import(name):
    """False if the module is for another system, or its library is not there."""
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


count = 0
for name in sorted(sys.stdlib_module_names - LEFT_OUT):
    if can_import(name):
        count += 1
        count += sum(map(can_import, submodules(name)))
print(count, "modules")
