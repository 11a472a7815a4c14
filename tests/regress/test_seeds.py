# SPDX-License-Identifier: GPL-2.0-or-later
"""What is known about the examples of the classic malloc tracers, checked in our report."""
import re

import pytest

from pmtest import PROGRAMS, line_of

EX_BUFFERS = PROGRAMS / "cmemleak" / "ex_buffers.py"
FUNC_ABC = PROGRAMS / "func_abc.py"
PADDING = 24        # of one request in a debug build: size, serial and guard bytes


@pytest.fixture(scope="module")
def buffers(tool, python):
    run = tool.run(python.path, EX_BUFFERS, env=python.env, options=["--histogram-top=0"])
    run.python = python
    return run


@pytest.fixture(scope="module")
def func_abc(tool, python):
    return tool.run(python.path, FUNC_ABC, options=["--histogram-top=0"])


def created_at(buffers, call):
    line = line_of(EX_BUFFERS, call)
    sites = [site for site in buffers.profile.sites
             if site.python and site.python[0].file == str(EX_BUFFERS) and site.python[0].line == line]
    return sites


@pytest.mark.parametrize("call, size, row", [
    ("cMemLeak.CMalloc(1477)", 1477, 1024),
    ("cMemLeak.PyRawMalloc(128)", 128, 128),
    ("cMemLeak.PyMalloc(128)", 128, 128),
    ("cMemLeak.PyMalloc(177)", 177, 128),
    ("cMemLeak.PyMalloc(767)", 767, 512),
])
def test_four_buffers_are_one_row(buffers, call, size, row):
    """Four buffers are four requests of the given size, in one histogram row of the line that creates them,
    in release and debug builds. All are freed."""
    found = [site for site in created_at(buffers, call) if site.total_bytes == 4 * size]
    assert len(found) == 1, created_at(buffers, call)
    assert found[0].sizes == {row: 4}
    assert found[0].total_blocks == 4
    assert found[0].live_blocks == 0


def test_function_histogram_counts_the_buffers(buffers):
    """create_cmalloc_list has exactly four requests in the row 1024."""
    function = buffers.profile.in_function("ex_buffers.py", "create_cmalloc_list")
    assert function.sizes[1024] == 4
    text = histogram_of(buffers.log, r"ex_buffers\.py, create_cmalloc_list")
    assert re.search(r"^\s+1024 \|@+ +4 *$", text, re.M), text


def histogram_of(log, heading):
    """The histogram below heading, without the ==pid== prefix."""
    text = re.sub(r"^==\d+==", "", log, flags=re.M)
    found = re.search(rf"^ *{heading}\b.*\n((?:.*[|-].*\n)+)", text, re.M)
    assert found, f"no histogram of {heading} in:\n{log}"
    return found.group(0)


def test_padding_of_debug_builds_is_counted_apart(buffers):
    """PyMalloc(177) in a debug build is reported as 177 requested, padded to 201; in a release build it is not
    padded; malloc itself is never padded."""
    sites = created_at(buffers, "cMemLeak.PyMalloc(177)")
    (padded,) = [site for site in sites if site.total_bytes == 4 * 177]
    assert padded.padding_bytes == (4 * PADDING if buffers.python.debug else 0)
    (raw,) = [site for site in created_at(buffers, "cMemLeak.CMalloc(1477)") if site.total_bytes == 4 * 1477]
    assert raw.padding_bytes == 0
    text = histogram_of(buffers.log, r"ex_buffers\.py, create_pymalloc_list_177")
    assert re.search(r"^\s+128 \|@+ +4 *$", text, re.M), text
    assert ("padding" in buffers.log) == buffers.python.debug


def test_program_output_is_unchanged(buffers):
    """The script prints the same as without the tool."""
    assert buffers.stdout.count("Created CMalloc size=1477") == 4
    assert buffers.stdout.count("Pop'd PyRawMalloc size=128") == 4
    assert buffers.stderr == ""


def test_func_abc_prints_what_it_prints(func_abc):
    """The program does the same as without the tool."""
    assert func_abc.stdout == "Function A\nFunction B\nFunction C\n"


@pytest.mark.parametrize("function, size", [("func_a", 10_008), ("func_b", 20_012), ("func_c", 30_012)])
def test_func_abc_functions_own_their_buffers(func_abc, function, size):
    """Each function of func_abc has its own buffer only, in JSON and in text."""
    big = [site for site in func_abc.profile.in_function("func_abc.py", function).sites
           if site.total_bytes >= 10_000]
    assert [(site.total_bytes, site.total_blocks) for site in big] == [(size, 1)]
    row = 1 << (size.bit_length() - 1)
    text = histogram_of(func_abc.log, rf"func_abc\.py, {function}")
    assert re.search(rf"^\s+{row} \|@* +1 *$", text, re.M), text


def test_func_abc_stack_names_the_whole_call_chain(func_abc):
    """The stack of func_c's buffer: func_c from func_b from func_a from the module, each at its line."""
    (site,) = [site for site in func_abc.profile.sites if site.total_bytes == 30_012]
    assert [(line.function, line.line) for line in site.python] == [
        ("func_c", line_of(FUNC_ABC, "30_011")),
        ("func_b", line_of(FUNC_ABC, "    func_c()")),
        ("func_a", line_of(FUNC_ABC, "    func_b()")),
        ("<module>", len(FUNC_ABC.read_text().splitlines())),
    ]
    chain = "".join(rf"\[ {re.escape(str(FUNC_ABC))}:{line.line} \({re.escape(line.function)}\) \](?:.*\n)+?.*"
                    for line in site.python[:3])
    assert re.search(chain, func_abc.log), "the mixed stack is not in the text"


def test_bars_are_in_the_classic_shape(func_abc):
    """A histogram has a heading, bars of at most 40 columns, and an empty row before the first and after the last."""
    text = histogram_of(func_abc.log, r"func_abc\.py, func_c").splitlines()
    heading = [i for i, line in enumerate(text) if "------------- Distribution ------------- count" in line]
    assert len(heading) == 1
    rows = [re.fullmatch(r"\s*(\d+) \|(@{0,40}) +(\d+) *", line) for line in text[heading[0] + 1:]]
    assert all(rows), text
    values = [int(row[1]) for row in rows]
    assert all(b == (a * 2 or 1) for a, b in zip(values, values[1:])), values
    counts = [int(row[3]) for row in rows]
    assert counts[-1] == 0 and counts[-2] > 0
    assert values[0] == 0 or (counts[0] == 0 and counts[1] > 0)
    for row in rows:
        # A bar shows the row's share of the count in 40ths, rounded.
        assert abs(len(row[2]) - 40 * int(row[3]) / sum(counts)) <= 0.5
