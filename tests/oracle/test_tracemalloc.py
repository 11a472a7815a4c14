# SPDX-License-Identifier: GPL-2.0-or-later
"""What is live at each Python line, compared with tracemalloc.

Each workload of programs/traced runs twice to the same point: by itself under -X tracemalloc, which then writes what
it holds for each line, and under the tool, where the process ends there, so that what is live at exit is the same.
Size and count must be equal for every line of every file, except what EXPECTED lists with its cause.

Left out, since neither side can name a line of the program for them: <warm-up> and <finish> (the measuring itself,
see programs/traced/run.py) and tracemalloc's <unknown> (outside any Python frame).
"""
import collections
import json
import os

import pytest

from pmtest import PROGRAMS

TRACED = PROGRAMS / "traced"
WORKLOADS = ["freelists", "containers", "objects", "parsing", "numbers_work", "serial", "tasks", "imports"]
UNCOMPARED = {"<warm-up>", "<finish>", "<unknown>"}

# (workload, interpreters, file's base name, text of the line, blocks that the tool has more, bytes more, cause)
EXPECTED = []


def natively(tool, python, workload):
    output = tool.new_directory() / "traced.json"
    tool.run_native(python.path, "-S", "-X", "tracemalloc", TRACED / "run.py", workload, output)
    found = json.loads(output.read_text())
    lines = {(file, line): [blocks, size] for file, line, blocks, size in found["lines"]}
    # Addresses are below 30 bits under Valgrind, so the ints that hold them are one digit shorter there.
    for file, line in found["wide"]:
        lines[file, line][1] -= 4
    return {place: tuple(figures) for place, figures in lines.items() if place[0] not in UNCOMPARED}


def under_the_tool(tool, python, workload):
    run = tool.run(python.path, "-S", TRACED / "run.py", workload, "nothing", options=["--histogram=none"])
    lines = collections.defaultdict(lambda: [0, 0])
    for site in run.profile.sites:
        if site.live_blocks and site.python and site.python[0].file not in UNCOMPARED:
            place = site.python[0].file, site.python[0].line
            lines[place][0] += site.live_blocks
            lines[place][1] += site.live_bytes
    return {place: tuple(figures) for place, figures in lines.items()}


def text_of(place):
    file, number = place
    if not os.path.exists(file):
        return f"{file}:{number}"
    with open(file, encoding="utf-8") as source:
        return source.readlines()[number - 1].strip()


def expected_difference(workload, python, place):
    for name, kinds, file, text, blocks, size, cause in EXPECTED:
        assert cause
        if name in (workload, "*") and python.name in kinds and os.path.basename(place[0]) == file \
                and text in (text_of(place), place[1]):
            return blocks, size
    return 0, 0


@pytest.mark.parametrize("workload", WORKLOADS)
def test_every_line_as_tracemalloc(tool, python, workload):
    """Blocks and bytes that are live, line by line, are tracemalloc's."""
    native, ours = natively(tool, python, workload), under_the_tool(tool, python, workload)
    assert len([place for place in native if place[0].startswith(str(TRACED))]) > 5
    wrong = []
    for place in sorted(native.keys() | ours.keys()):
        theirs, mine = native.get(place, (0, 0)), ours.get(place, (0, 0))
        difference = mine[0] - theirs[0], mine[1] - theirs[1]
        if difference != expected_difference(workload, python, place):
            wrong.append(f"{place[0]}:{place[1]}: tracemalloc {theirs}, tool {mine}, more {difference}: "
                         f"{text_of(place)}")
    assert not wrong, f"{len(wrong)} of {len(native)} lines differ\n" + "\n".join(wrong[:60])
