# SPDX-License-Identifier: GPL-2.0-or-later
"""Snapshots over time in report, diff and convert: the curve, FILE@NAME, and files that contradict themselves."""
import json
import re
import shutil
import subprocess

import pytest

import pack
from test_report_command import on_terminal, table
from pymemcheck.profile import Profile
from pymemcheck.timeline import curve

JOB = """\
kept = []
def fill(count):
    return [bytes(1000) for number in range(count)]
for turn in range(40):
    kept.append(fill(50))
    if turn % 10 == 9:
        del kept[:]
last = fill(300)
"""


@pytest.fixture(scope="module")
def path(tool, release_python, tmp_path_factory):
    """A profile with snapshots; the fourth and the last got names."""
    script = tmp_path_factory.mktemp("over_time") / "job.py"
    script.write_text(JOB, encoding="ascii")
    run = tool.run(release_python.path, "-S", script, options=("--snapshot-every=100kB",))
    data = run.profile.json
    names = data["snapshots"]["name"]
    names[3], names[-1] = len(data["strings"]), len(data["strings"]) + 1
    data["strings"] += ["loaded", "done"]
    return pack.write(script.parent, data, "profile")


@pytest.fixture(scope="module")
def live(path):
    """What was live at each snapshot by the tests' own reading of the file: [(bytes, blocks)] of each site."""
    data = json.loads(path.read_text(encoding="utf-8"))
    now, result = [(0, 0)] * len(data["sites"]["stack"]), []
    for changes in data["snapshots"]["changes"]:
        for site, size, count in zip(changes[::3], changes[1::3], changes[2::3]):
            now[site] = size, count
        result.append(list(now))
    return result


def test_report_draws_the_curve(command, path):
    profile = Profile.load(path)
    text = command("report", path, "--no-source")
    drawn = re.search(r"In use over time:\n((?:.*\|.*\n)+)", text)[1].splitlines()
    assert len(drawn) == 8 and format(profile.totals["peak_bytes"], ",") in drawn[0]
    peak = {line.split("|")[1].find("@") for line in drawn}
    assert len(peak) == 1
    assert peak.pop() == min(63, profile.totals["peak_serial"] * 64 // curve(profile)[-1].serial)
    widths = [len(line.split("|")[1].replace(" ", "")) for line in drawn]
    assert widths == sorted(widths) and widths[0] < widths[-1]
    assert "a loaded, allocation %s" % format(profile.snapshots[3].serial, ",") in text
    assert "b done, " in text


def test_curve_on_a_narrow_terminal(command, path):
    """Nothing of it is cut; the peak is in it."""
    text = on_terminal(command, "report", path, COLUMNS="40", NO_COLOR="1")
    drawn = [line for line in text.splitlines() if re.match(r".{15} \|", line)]
    assert len(drawn) == 8 and all(len(line) <= 40 and not line.endswith("...") for line in drawn)
    assert "@" in drawn[0]


def test_no_curve_without_snapshots(job, command):
    assert "over time" not in command("report", job.profile.path)
    assert "--snapshot-every" in command("report", job.profile.path, "--snapshots")


def test_list_of_snapshots(command, path):
    table_ = json.loads(path.read_text(encoding="utf-8"))["snapshots"]
    rows = [line.split() for line in command("report", path, "--snapshots").splitlines()[1:]]
    assert [int(row[1].replace(",", "")) for row in rows] == table_["serial"]
    assert [int(row[3].replace(",", "")) for row in rows] == table_["live_bytes"]
    assert [int(row[4].replace(",", "")) for row in rows] == table_["live_blocks"]
    assert rows[3][-1] == "loaded" and rows[-1][-1] == "done"


@pytest.mark.parametrize("word, number", [("loaded", 4), ("4", 4), ("done", -1), ("1", 1)])
def test_report_of_a_snapshot(command, path, live, word, number):
    """Its sums are those of all sites then."""
    expected = live[number if number < 0 else number - 1]
    for group in ("line", "function", "domain", "stack"):
        rows = table(command("report", "%s@%s" % (path, word), "--group=" + group, "--top=0", "--no-source"))
        assert sum(row[0] for row in rows) == sum(size for size, _ in expected)
        assert sum(row[1] for row in rows) == sum(count for _, count in expected)
    assert "What held most then" in command("report", "%s@%s" % (path, word))


def test_report_of_the_peak(command, path):
    """It is what --peak shows."""
    assert (table(command("report", "%s@peak" % path, "--group=line", "--top=0"))
            == table(command("report", path, "--peak", "--group=line", "--top=0")))


def test_diff_of_two_snapshots(command, path, live):
    text = command("diff", "%s@loaded" % path, "%s@done" % path, "--top=0", "--no-source")
    before, after = (sum(size for size, _ in live[index]) for index in (3, -1))
    rows = re.findall(r"^ *([+-][\d,]+) +([\d,]+)  [\d,]+ \(", text, re.MULTILINE)
    assert sum(int(change.replace(",", "")) for change, _ in rows) == after - before
    assert "Leaks" not in text
    whole = Profile.load(path)
    end = command("diff", "%s@done" % path, path, "--top=0", "--no-source")
    assert format(whole.totals["live_bytes"] - whole.snapshots[-1].live_bytes, "+,") in end.splitlines()[0]
    assert "no difference" in command("diff", "%s@done" % path, "%s@done" % path)


def test_what_a_snapshot_does_not_have(command, path, tmp_path):
    name = "%s@loaded" % path
    assert "has no snapshot 'other': expected a number from 1 to" in command.complaint("report", "%s@other" % path)
    assert "'done', 'loaded'" in command.complaint("report", "%s@other" % path)
    assert "--total does not go with it" in command.complaint("report", name, "--total")
    assert "--leaked does not go with it" in command.complaint("diff", name, path, "--leaked")
    assert "of whole files" in command.complaint("report", name, "--full")
    for arguments in (("check", name, "--baseline=%s" % path), ("merge", name, path, "-o", tmp_path / "m"),
                      ("suppress", name)):
        assert "a whole file is needed here" in command.complaint(*arguments)


def test_an_at_in_the_name_of_a_file(command, path, tmp_path):
    odd = tmp_path / "a@b"
    shutil.copy(path, odd)
    assert command("report", odd) == command("report", path).replace(str(path), str(odd))
    assert "snapshot loaded" in command("report", "%s@loaded" % odd)


def ms_print(out):
    program = shutil.which("ms_print")
    if program is None:
        pytest.skip("NOT TESTED: there is no ms_print here")
    text = subprocess.run([program, "--threshold=0", str(out)], stdout=subprocess.PIPE, check=True).stdout.decode()
    rows = re.findall(r"^ +(\d+) +([\d,]+) +([\d,]+) +([\d,]+) +([\d,]+) +0$", text, re.MULTILINE)
    return text, [[int(number.replace(",", "")) for number in row] for row in rows]


def test_massif_has_all_snapshots(command, path, tmp_path, live):
    command("convert", path, "--to=massif", "-o", tmp_path / "out")
    text, rows = ms_print(tmp_path / "out")
    profile = Profile.load(path)
    assert sorted(row[1] for row in rows) == [row[1] for row in rows]
    curve_ = sorted([snapshot.live_bytes for snapshot in profile.snapshots]
                    + [0, profile.totals["peak_bytes"], profile.totals["live_bytes"]])
    assert sorted(row[2] for row in rows) == curve_
    peak = [row[2] for row in rows].index(profile.totals["peak_bytes"])
    assert "%d (peak)" % peak in text and text.count("job.py:3") > 2
    # Of chosen sites: each snapshot has their sum.
    command("convert", path, "--to=massif", "-o", tmp_path / "chosen", "--file=job.py")
    _, chosen = ms_print(tmp_path / "chosen")
    sites = set()
    for index, stack in enumerate(profile.sites.stack):
        python = [frame for frame in profile.stack(stack) if frame.kind == "python"]
        if python and python[0].file.endswith("/job.py"):
            sites.add(index)
    expected = [sum(size for site, (size, _) in enumerate(moment) if site in sites) for moment in live]
    found = [row[3] for row in chosen]
    assert [size for index, size in enumerate(found) if index not in (0, peak, len(found) - 1)] == expected


@pytest.mark.parametrize("kind", ["dhat", "pprof", "folded", "speedscope", "callgrind", "massif", "tracemalloc", "csv"])
def test_every_converter_takes_a_snapshot(command, path, live, tmp_path, kind):
    out = tmp_path / "out"
    command("convert", "%s@loaded" % path, "--to=" + kind, "-o", out)
    expected = sum(size for size, _ in live[3])
    if kind == "folded":
        assert sum(int(line.rsplit(" ", 1)[1]) for line in out.read_text(encoding="utf-8").splitlines()) == expected
    elif kind == "massif":
        assert ms_print(out)[1][-1][3] == expected
    elif kind == "dhat":
        assert sum(point["eb"] for point in json.loads(out.read_text(encoding="utf-8"))["pps"]) == expected
    assert out.stat().st_size > 100


DAMAGES = {
    "snapshots": (lambda t: [], "expected a dict"),
    "snapshots.name[0]": (lambda t: dict(t, name=[10 ** 6] * len(t["name"])), "is not between 0 and"),
    "snapshots.serial": (lambda t: dict(t, serial=t["serial"][1:]), "items, snapshots.name has"),
    "snapshots.changes": (lambda t: dict(t, changes=t["changes"][1:]), "items, snapshots.name has"),
    "snapshots.changes[1]": (lambda t: dict(t, changes=[t["changes"][0], [1, 2]] + t["changes"][2:]), "again and again"),
    "snapshots.changes[0]": (lambda t: dict(t, changes=[[10 ** 7, 1, 1]] + t["changes"][1:]), "there are only"),
    "snapshots.changes[2][1]": (lambda t: dict(t, changes=t["changes"][:2] + [[0, -5, 1]] + t["changes"][3:]),
                                "is not between 0 and"),
    "snapshots.live_bytes[0]": (lambda t: dict(t, live_bytes=["x"] + t["live_bytes"][1:]), "expected a whole number"),
}


@pytest.mark.parametrize("place", DAMAGES)
def test_damaged_snapshots(command, path, tmp_path, place):
    """One line with file and place."""
    damage, expected = DAMAGES[place]
    data = json.loads(path.read_text(encoding="utf-8"))
    data["snapshots"] = damage(data["snapshots"])
    broken = pack.write(tmp_path, data, "broken")
    complaint = command.complaint("report", broken)
    assert "%s: %s: " % (broken, place) in complaint and expected in complaint


def test_snapshot_that_contradicts_its_sites(command, path, tmp_path):
    data = json.loads(path.read_text(encoding="utf-8"))
    data["snapshots"]["live_blocks"][3] += 1
    broken = pack.write(tmp_path, data, "broken")
    assert "snapshots.live_blocks[3]: is " in command.complaint("report", "%s@loaded" % broken)


def test_running_file(command, path, tmp_path):
    """What a killed run left says so."""
    data = json.loads(path.read_text(encoding="utf-8"))
    data["run"].update(end="running", exit_code=None)
    data["leaks"] = None
    left = pack.write(tmp_path, data, "left")
    text = command("report", left)
    assert "still running" in text and "not known: the program was still running" in text
    assert "still running" in command("report", left, "--full")
    command("merge", left, path, "-o", tmp_path / "merged")
    assert "still running" in command("report", tmp_path / "merged")
