# SPDX-License-Identifier: GPL-2.0-or-later
"""--watch-refs: every change of a watched count is seen."""
import pytest

import pmtest

MANY = pmtest.PROGRAMS / "watched_many.py"
TYPES = ["Plain", "Slotted", "Text", "Number", "Items", "Pair", "Table", "Group", "Error", "Ring"]


def watch(*rules):
    return ["--histogram=none", "--watch-refs=" + ",".join(rules)]


def test_sum_of_changes_is_the_count(tool, any_python):
    """The oracle: what the program itself says, by sys.getrefcount, of ten thousand objects of ten types."""
    run = tool.run(any_python.path, MANY, options=[*watch(*(f"type:__main__.{name}" for name in TYPES)),
                                                   "--leak-check=no", "--watch-refs-all=yes"], timeout=1200)
    said = {int(address, 16): int(count) for address, count in
            (line.split() for line in run.stdout.splitlines() if line.startswith("0x"))}
    assert len(said) == 10000
    watched = run.profile.json["watched"]
    counted = {address: (opening + up - down, opening, unseen) for address, opening, up, down, unseen, count
               in watched["living"] if count > 0}
    wrong = {address: (count, counted.get(address)) for address, count in said.items()
             if address not in counted or counted[address][0] != count}
    assert not wrong, f"{len(wrong)} objects: {list(wrong.items())[:10]}"
    assert watched["unseen_changes"] == 0 and watched["lost_changes"] == 0
    assert all(opening == 0 for _, opening, unseen in counted.values()), "each was seen from its birth on"
    assert watched["objects"] >= 11000 and watched["gone"] >= 1000
    assert run.profile.json["troubles"]["unreadable_stacks"] == 0
