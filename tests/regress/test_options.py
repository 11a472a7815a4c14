# SPDX-License-Identifier: GPL-2.0-or-later
"""Options that are not right are answered with what would be."""
import pathlib
import re

import pytest

MAN_PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "pymemcheck.1"
WRONG = {
    "--leak-check=foo": "no, summary, full, yes",
    "--leak-check=maybe": "no, summary, full, yes",
    "--leak-check=": "no, summary, full, yes",
    "--leak-check=full ": "no, summary, full, yes",
    "--leak-check": "expected --leak-check=no|summary|full",
    "--leak-resolution=foo": "low, med, high",
    "--leak-scan=never": "before, after, both",
    "--keep-stacktraces=free": "alloc, alloc-and-free",
    "--python-paths=some": "base, full",
    "--pymalloc=maybe": "no, yes",
    "--pymalloc": "expected --pymalloc=no|yes",
    "--leek-check=full": "did you mean --leak-check=",
    "--leakcheck=full": "did you mean --leak-check=",
    "--histogramm=none": "did you mean --histogram=",
    "--show-leak-kind=all": "did you mean --show-leak-kinds=",
    "--shwo-leak-kinds=all": "did you mean --show-leak-kinds=",
    "--python-frame=3": "did you mean --python-frames=",
    "--pymemchek-outfile=x": "did you mean --pymemcheck-out-file=",
}


@pytest.mark.parametrize("option", WRONG)
def test_wrong_option(tool, option):
    run = tool.run("/bin/echo", "was run", options=[option], files=False, check=False)
    assert run.returncode == 1 and "was run" not in run.stdout
    assert f"Bad option: {option}\n" in run.stderr
    assert WRONG[option] in run.stderr


@pytest.mark.parametrize("option", ["--no-such-option=1", "--foo", "--python", "--a"])
def test_unknown_option(tool, option):
    """What is near to none of ours gets no suggestion, and is refused all the same."""
    run = tool.run("/bin/echo", "was run", options=[option], files=False, check=False)
    assert run.returncode == 1 and "was run" not in run.stdout
    assert f"Unknown option: {option}\n" in run.stderr and "did you mean" not in run.stderr


def test_each_option_of_ours(tool):
    """The usage text is where names are known from: each of them is answered when its value is missing. Of what is yes or no
    newer cores say so themselves."""
    usage = tool.run_native(tool.starter, "--help").stdout
    ours = usage[usage.index("pymemcheck options"):] if "pymemcheck options" in usage else usage
    names = re.findall(r"^    (--(?:histogram|leak|python|pym|only)[\w-]*)=", ours, re.M)
    assert len(names) >= 10
    for name in names:
        answer = tool.run("/bin/true", options=[name], files=False, check=False).stderr
        assert f"expected {name}=" in answer or f"Missing boolean value, did you mean '{name}=yes'?" in answer, name


def test_man_page(tool):
    """--help points to the man page, which has each option of ours and no other, with its default."""
    usage = tool.run_native(tool.starter, "--help").stdout
    ours = usage[usage.index("user options for pymemcheck:"):]
    assert "man pymemcheck" in ours
    page = MAN_PAGE.read_text(encoding="utf-8").replace("\\-", "-").replace("\\fR", "")
    section = page[page.index(".SH OPTIONS OF THE TOOL"):page.index(".SH EXIT STATUS")]
    documented = re.findall(r"(?:^\.B[IR] |, \" \" )(--[\w-]+)=", section, re.M)
    named = re.findall(r"^    (--[\w-]+)=", ours, re.M)
    assert sorted(documented) == sorted(named)
    assert "freelist-vol" in section and all(word in section for word in ("[1000000", "[3, tables 5]", "[pymemcheck.out.%p]"))


@pytest.mark.parametrize("option", ["--leak-check=yes", "--leak-check=no", "--leak-check=summary", "--leak-resolution=high",
                                    "--keep-stacktraces=alloc-and-free", "--keep-stacktraces=alloc", "--leak-scan=both",
                                    "--python-paths=full", "--pymalloc=yes", "--alignment=32", "--sim-hints=lax-ioctls"])
def test_right_option(tool, option):
    run = tool.run("/bin/echo", "was run", options=[option])
    assert run.stdout == "was run\n"
