# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck diff: figures, moved lines, leak records by fingerprint."""
import re

import pytest

import pack
from pymemcheck import Profile
from pymemcheck.comparison import diff_rows
from pymemcheck.grouping import Items
from pymemcheck.source import Sources
from pymemcheck.statistic import make_rows


def test_records_by_fingerprint(job, grown_job, command):
    text = command("diff", job.profile.path, grown_job.profile.path)
    states = re.search(r"Leaks: (\d+) new, (\d+) grown, (\d+) shrunk, (\d+) gone, (\d+) same", text)
    assert [int(count) for count in states.groups()][:4] == [0, 1, 0, 0] and int(states[5]) >= 2
    grown = next(line for line in text.splitlines() if line.startswith("  grown"))
    assert "in 25 blocks (+15), 25 x list" in grown and "job.py:15 (lose_lists)" in grown
    back = command("diff", grown_job.profile.path, job.profile.path)
    assert "Leaks: 0 new, 0 grown, 1 shrunk, 0 gone" in back


def test_new_and_gone_records(job, command, tmp_path):
    """A run without leaks before and after one with leaks."""
    clean = pack.write(tmp_path, pack.sample())
    count = len([r for r in job.profile.losses if r.kind in ("definite", "cycle", "surplus", "deficit", "possible")])
    assert "Leaks: %d new, 0 grown, 0 shrunk, 1 gone, 0 same" % count in command("diff", clean, job.profile.path)
    assert "Leaks: 1 new, 0 grown, 0 shrunk, %d gone, 0 same" % count in command("diff", job.profile.path, clean)


def test_figures(job, grown_job, command):
    """Differences of each group are those of the totals."""
    old, new = job.profile, grown_job.profile
    for metric in ("live", "peak", "total"):
        expected = sum(getattr(site, metric + "_bytes") for site in new.sites) - sum(
            getattr(site, metric + "_bytes") for site in old.sites)
        for group in ("line", "function", "module", "traceback", "phase"):
            text = command("diff", old.path, new.path, "--" + metric, "--group=" + group, "--top=0", "--no-source")
            found = re.findall(r"^ *([+-][\d,]+) +[\d,]+  [\d,]+ \(", text, re.MULTILINE)
            assert sum(int(number.replace(",", "")) for number in found) == expected


def test_same_file(job, command):
    text = command("diff", job.profile.path, job.profile.path)
    assert "no difference" in text and "Leaks: 0 new, 0 grown, 0 shrunk, 0 gone" in text


# --- Lines that moved ---

def profile_of(folder, name, lines):
    """A profile with a site for each (function, line) of /home/me/job.py, of so many bytes."""
    data = pack.sample()
    functions = sorted({function for function, _, _ in lines})
    data["strings"] += functions
    count = len(data["strings"]) - len(functions)
    data["frames"] = [dict(kind="python", function=count + functions.index(function), file=9, line=line, object=0,
                           offset="0x0", flags=[]) for function, line, _ in lines]
    data["stacks"] = dict(back=[None] + list(range(1, len(lines) + 1)), frame=[None] + list(range(len(lines))))
    sizes = [size for _, _, size in lines]
    ones = [1] * len(lines)
    data["sites"] = dict(stack=list(range(1, len(lines) + 1)), total_bytes=sizes, total_blocks=ones,
                         padding_bytes=[0] * len(lines), live_bytes=sizes, live_blocks=ones, peak_bytes=sizes,
                         peak_blocks=ones, first=ones, last=ones, sizes=[[[1, 1]]] * len(lines))
    total, blocks = sum(sizes), len(lines)
    data["totals"].update(allocs=blocks, bytes=total, live_bytes=total, live_blocks=blocks, peak_bytes=total,
                          peak_blocks=blocks, padding_bytes=0)
    data["leaks"], data["wrong_frees"] = None, []
    return Profile.load(pack.write(folder, data, name))


def pairs(folder, old, new, old_text=None, new_text=None):
    """New line -> old line, or None: of all lines that new has."""
    profiles = [profile_of(folder, name, lines) for name, lines in (("old", old), ("new", new))]
    sources = []
    for name, text in (("old_source", old_text), ("new_source", new_text)):
        (folder / name).mkdir(exist_ok=True)
        if text is not None:
            (folder / name / "job.py").write_text(text)
        sources.append(Sources(str(folder / name)) if text is not None else None)
    rows = diff_rows(*(make_rows(Items.of_sites(profile), "line") for profile in profiles), "live", "line", *sources)
    result = {}
    for row in rows:
        if row.count:
            same = row.moved_from or (row.key[2] if row.count_diff == 0 else None)
            result[row.key[2]] = same
    return result


def test_lines_that_move_together(tmp_path):
    assert pairs(tmp_path, [("f", 10, 8), ("f", 12, 9), ("g", 20, 7)], [("f", 13, 8), ("f", 15, 9), ("g", 20, 7)]) == {
        13: 10, 15: 12, 20: 20}


def test_a_line_more(tmp_path):
    """The function moved by two, and has a new line."""
    assert pairs(tmp_path, [("f", 10, 8), ("f", 12, 9)], [("f", 12, 8), ("f", 13, 5), ("f", 14, 9)]) == {
        12: 10, 13: None, 14: 12}


def test_another_function_at_the_same_line(tmp_path):
    assert pairs(tmp_path, [("f", 10, 8), ("g", 20, 9)], [("f", 20, 8), ("g", 30, 9)]) == {20: 10, 30: 20}


def test_source_text_decides(tmp_path):
    """Two lines of one function changed places; without source that cannot be known."""
    lines = [("f", 2, 100), ("f", 3, 7)]
    swapped = [("f", 2, 7), ("f", 3, 100), ("f", 4, 1)]
    old_text = "def f():\n    a = one()\n    b = two()\n"
    new_text = "def f():\n    b = two()\n    a = one()\n    c = three()\n"
    assert pairs(tmp_path, lines, swapped, old_text, new_text) == {2: 3, 3: 2, 4: None}
    assert pairs(tmp_path, lines, swapped) == {2: 2, 3: 3, 4: None}


def test_moved_lines_of_a_run(job, grown_job, command, tmp_path):
    """Two lines were put at the top of the file, which lies in another folder: no path, no pair; as one file, all."""
    old, new = job.profile.path, grown_job.profile.path
    folder = next(f.file for site in job.profile.sites for f in site.frames if f.file.endswith("/job.py"))
    other = next(f.file for site in grown_job.profile.sites for f in site.frames if f.file.endswith("/job.py"))
    same = tmp_path / "same"
    same.write_text(new.read_text(encoding="utf-8").replace(other, folder), encoding="utf-8")
    text = command("diff", old, same, "--top=0", "--total")
    assert re.search(r"job.py:15 \(lose_lists\), was line 13", text)
    assert len(re.findall("was line", text)) >= 1


@pytest.mark.parametrize("order", ["size", "count", "average", "name"])
def test_sorting(job, grown_job, command, order):
    text = command("diff", job.profile.path, grown_job.profile.path, "--sort=" + order, "--top=0", "--no-source")
    changes = [int(number.replace(",", "")) for number in re.findall(r"^ *([+-][\d,]+) +[\d,]+  [\d,]+ \(", text, re.MULTILINE)]
    assert len(changes) > 3 and (order != "size" or [abs(change) for change in changes] == sorted(map(abs, changes), reverse=True))


def test_filters(job, grown_job, command):
    text = command("diff", job.profile.path, grown_job.profile.path, "--function=lose_memory", "--total")
    assert "lose_lists" not in text
