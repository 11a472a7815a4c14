# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads what Valgrind's tool pymemcheck writes, and says what it means; and talks to the tool from the program that runs
under it.

    from pymemcheck import Profile

    profile = Profile.load("pymemcheck.out.4711")
    for record in profile.leaks or ():
        print(record.kind, record.blocks, record.frames[0].function)

    import pymemcheck

    with pymemcheck.phase("load"), pymemcheck.no_leaks():
        load()
    pymemcheck.take_snapshot().statistics("lineno")

The way of the data: profile (the reader) -> filters and groups -> statistic -> what presents them (report, diff, check,
convert ...). The command is in command.py. What runs inside the program: client_requests -> search, tracing, control ->
pytest_plugin, regrtest; docs/python-api.md describes it. These modules are imported when one of their names is first
used."""
import importlib
import sys
import types

from .profile import Frame, Profile, ProfileError, Record, Site

__version__ = "0.1.0"

_LATER = {
    "client_requests": ("RequestError", "counters", "mark"),
    "control": ("event_log", "not_recorded", "phase", "referrers", "snapshot", "under_tool", "watch", "why_not",
                "write_profile"),
    "search": ("Found", "LeakError", "NoLeaksMixin", "leak_check", "no_leaks", "objects_by_type"),
    "tracing": ("DOMAINS", "clear_traces", "get_object_traceback", "get_traceback_limit", "get_traced_memory",
                "get_tracemalloc_memory", "is_tracing", "reset_peak", "start", "stop", "take_snapshot"),
}
_MODULE_OF = {name: module for module, names in _LATER.items() for name in names}
__all__ = ["Frame", "Profile", "ProfileError", "Record", "Site"] + sorted(_MODULE_OF)


class _Package(types.ModuleType):
    """Imports what is used. (A function __getattr__ of a module needs Python 3.7.)"""

    def __getattr__(self, name):
        module = _MODULE_OF.get(name)
        if module is None:
            raise AttributeError("module %r has no attribute %r" % (self.__name__, name))
        return getattr(importlib.import_module("." + module, self.__name__), name)

    def __dir__(self):
        return sorted(set(super().__dir__()) | set(_MODULE_OF))


sys.modules[__name__].__class__ = _Package

# For pytest -p pymemcheck.
pytest_plugins = ["pymemcheck.pytest_plugin"]
