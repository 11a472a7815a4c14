# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of a profile with snapshots and several threads: time line, flame graphs by thread and by domain."""
import json
import subprocess
import sys

import pytest

import pack
from test_page import FRAMES, METRICS, data_of, number
from pymemcheck.grouping import Grouping
from pymemcheck.profile import Profile
from pymemcheck.timeline import live_at

HOSTILE = "</script><img src=x onerror=alert(1)>"

JOB = """\
import threading
kept = []
def fill(count):
    return [bytes(1000) for number in range(count)]
def work():
    kept.append(fill(300))
for turn in range(40):
    kept.append(fill(50))
    if turn % 10 == 9:
        del kept[:]
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.fixture(scope="session")
def path(tool, release_python, tmp_path_factory):
    """A profile with snapshots, of which one got a name, and a hostile one."""
    script = tmp_path_factory.mktemp("over_time") / "job.py"
    script.write_text(JOB, encoding="ascii")
    run = tool.run(release_python.path, script, options=("--snapshot-every=200kB",))
    data = run.profile.json
    names = data["snapshots"]["name"]
    assert len(names) >= 10
    names[3], names[5] = len(data["strings"]), len(data["strings"]) + 1
    data["strings"] += ["loaded", HOSTILE]
    return pack.write(script.parent, data, "profile")


@pytest.fixture(scope="session")
def page(make_page, path):
    return make_page(path)


def test_time_line_has_all_snapshots(browser, page, path):
    profile = Profile.load(path)
    opened = browser(
        page, ["click", "#tab-time"], ["wait", "#time-said", "Snapshot"], ["text", "#time-said"], ["count", "#time-curve canvas"],
        ["texts", "#panel-time .tabulator-row"], ["text", "#panel-time h2"])
    assert not opened.errors and not opened.requests
    _, _, said, canvases, rows, _ = opened.results
    assert canvases == 1
    # The largest is chosen first. Rows beyond the screen are not in the document.
    assert number(said.split("(")[1]) == max(snapshot.live_bytes for snapshot in profile.snapshots)
    assert 0 < len(rows) <= len(profile.snapshots)
    for row, snapshot in zip(rows, profile.snapshots):
        assert format(snapshot.serial, ",") in row and format(snapshot.live_bytes, ",") in row
    assert "loaded" in rows[3]


def test_lines_of_a_snapshot(browser, page, path):
    """Selected by a click on its row, or by the keyboard, or by a click into the curve."""
    profile, model = Profile.load(path), data_of(page)["timeline"]
    grouping = Grouping(profile)
    for snapshot, row in zip(profile.snapshots, model["snapshots"]):
        sizes, _ = live_at(profile, snapshot)
        sums = {}
        for stack, size in zip(profile.sites.stack, sizes):
            key = grouping.frame_key("line", grouping.told_by(stack))
            sums[key] = sums.get(key, 0) + size
        assert [line[4] for line in row[6]][:12] == sorted(sums.values(), reverse=True)[:12]
    opened = browser(
        page, ["click", "#tab-time"], ["click", "#panel-time .tabulator-row:nth-child(4)"], ["text", "#time-said"],
        ["texts", "#time-lines tbody tr"], ["press", "ArrowDown"], ["text", "#time-said"],
        ["click", "#time-curve .u-over", {"position": {"x": 3, "y": 20}}], ["text", "#time-said"],
        ["click", "#panel-time label:has-text('time')"], ["click", "#time-curve .u-over", {"position": {"x": 3, "y": 20}}],
        ["text", "#time-said"])
    assert not opened.errors
    _, _, said, lines, _, next_said, _, first, _, _, again = opened.results
    assert said.startswith("Snapshot 4, loaded: ") and next_said.startswith("Snapshot 5: ")
    assert len(lines) == len(model["snapshots"][3][6])
    assert first.startswith("Snapshot 1: ") and again.startswith("Snapshot 1: ")


def test_flame_graphs_by_thread_and_domain(browser, page, path):
    """Below each thread or domain is what its sites have."""
    profile, model = Profile.load(path), data_of(page)
    for split, names in (("thread", {1: "thread 1", 2: "thread 2", 0: "several threads"}),
                         ("domain", dict(enumerate(("unknown", "libc", "raw", "mem", "object", "C++"))))):
        tree = model["trees"][split][0]
        top = {model["labels"][tree["label"][node]][1]: node for node, parent in enumerate(tree["parent"]) if node and not parent}
        for metric in METRICS:
            sums = dict.fromkeys(names.values(), 0)
            for value, size in zip(profile.sites.more[split], getattr(profile.sites, metric + "_bytes")):
                sums[names[value]] += size
            assert {name: tree[metric][0][node] for name, node in top.items() if tree[metric][0][node]} == {
                name: size for name, size in sums.items() if size}
    opened = browser(page, ["click", "#tab-flame"], ["click", "#panel-flame label:has-text('in all')"],
                     ["click", "#panel-flame label:has-text('By thread')"], ["attributes", FRAMES, "aria-label"], ["click", "#panel-flame label:has-text('By domain')"],
                     ["attributes", FRAMES, "aria-label"])
    assert not opened.errors
    assert any(label.startswith("thread 2: ") for label in opened.results[3])
    assert any(label.startswith(("object: ", "mem: ", "unknown: ")) for label in opened.results[5])


@pytest.mark.parametrize("scheme, width", [("light", 1280), ("dark", 1280), ("light", 420)])
def test_accessibility_checker_finds_nothing(browser, page, scheme, width):
    opened = browser(page, ["click", "#tab-time"], ["wait", "#time-said", "Snapshot"], ["axe"], ["click", "#tab-flame"],
                     ["click", "#panel-flame label:has-text('By thread')"], ["axe"], scheme=scheme, width=width)
    assert opened.results[2] == [] and opened.results[5] == []
    assert not opened.errors


def test_hostile_name_of_a_snapshot_runs_nothing(browser, page):
    opened = browser(page, ["click", "#tab-time"], ["click", "#panel-time .tabulator-row:nth-child(6)"],
                     ["text", "#time-said"], ["count", "#panel-time img"])
    assert not opened.errors and not opened.requests
    assert HOSTILE in opened.results[2] and opened.results[3] == 0
    assert HOSTILE not in page.read_text(encoding="utf-8")


def test_snapshots_beyond_the_limit(make_page, path, tmp_path):
    """Many snapshots: the curve has all, the list fewer, and says so."""
    data = json.loads(path.read_text(encoding="utf-8"))
    table = data["snapshots"]
    many = 700
    for key in table:
        table[key] = [table[key][-1]] * many if key != "changes" else [[] for _ in range(many)]
    last = len(data["sites"]["stack"])
    table["changes"][0] = [number for site in range(last) for number in (site, 0, 0)]
    table["live_bytes"], table["live_blocks"], table["name"] = [0] * many, [0] * many, [0] * many
    model = data_of(make_page(pack.write(tmp_path, data, "many")))["timeline"]
    assert len([point for point in model["points"] if point[4]]) == many
    assert len(model["snapshots"]) + model["left_out"] == many and 200 <= len(model["snapshots"]) <= 301


def test_a_page_is_of_a_whole_file(build_directory, bundle, path, make_page):
    """An older profile to compare with may be a snapshot: the page shows what grew since."""
    program = [sys.executable, "%s/pymemcheck" % build_directory, "html", "%s@loaded" % path, "-o", "/dev/null"]
    run = subprocess.run(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    assert run.returncode == 2 and "a whole file is needed here" in run.stderr
    model = data_of(make_page(path, "%s@loaded" % path))
    assert model["comparison"]["totals"]["live_bytes"] == Profile.load(path).snapshots[3].live_bytes
