# SPDX-License-Identifier: GPL-2.0-or-later
"""An extension takes an exception away and forgets it. The exception holds its traceback, which holds the frames, which
hold the module's names: all of these are lost with it, not by themselves."""
import cases
import pm_lose_calls as lose

TABLE = {name: [name] for name in ("one", "two", "three")}


def refuse():
    local = ["a local variable", 2.5]
    raise ValueError(local)         # LEAK: definite, ValueError 1 + traceback 1, indirect >=5 if <3.12; definite, ValueError 1, indirect >=5 if >=3.12


def case_swallowed():
    lose.swallow(refuse)


cases.run(globals(), lose)
