# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck html: what the page shows is what the profile says, and a person can use it."""
import json
import re
import sys

import pytest

import pack
from pymemcheck import page as page_module
from pymemcheck.command import main
from pymemcheck.grouping import leaks_of
from pymemcheck.page_tree import MOST_NODES
from pymemcheck.profile import Profile

sys.path.append(str(pack.BENCH))
import make_profile  # noqa: E402

FRAMES = "#panel-flame g.frame"
METRICS = ("live", "peak", "total")


def data_of(page):
    """The model that a page has in it."""
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="profile">(.*?)</script>', text, re.DOTALL)[1])


def number(text):
    """The first number of a text such as "12,345 bytes"."""
    return int(re.search(r"[0-9][0-9,]*", text)[0].replace(",", ""))


@pytest.fixture(scope="session")
def compared(make_page, profiles):
    """A page that compares both profiles."""
    return make_page(profiles[1], profiles[0])


@pytest.fixture(scope="session")
def profile(profiles):
    return Profile.load(profiles[1])


def all_leaks(profile):
    """Those at the end, and those that only the search before finalization found: of what others begin with another block."""
    at_end = leaks_of(profile)
    known = {(record.stack, record.first) for record in at_end}
    return at_end + [record for record in leaks_of(profile, before=True) if (record.stack, record.first) not in known]


def sums(profile):
    return {metric: sum(getattr(profile.sites, metric + "_bytes")) for metric in METRICS}


def test_sums_in_the_page_are_those_of_the_profile(browser, compared, profile):
    opened = browser(
        compared, ["texts", ".card dd"], ["click", "#tab-tables"], ["text", "#table-sums"], ["click", "#tab-flame"],
        *[step for metric in METRICS for step in (
            ["click", "#panel-flame label:has-text('%s')" % {"live": "at the end", "peak": "at the peak", "total": "in all"}[metric]],
            ["attributes", FRAMES + ":first-of-type", "aria-label"])])
    assert not opened.errors and not opened.requests
    cards, _, table_sums, *_ = opened.results
    records = all_leaks(profile)
    leaked = sum(record.bytes + record.indirect_bytes for record in records)
    assert number(cards[0]) == len(records) > 0
    expected = sums(profile)
    assert [number(part) for part in re.findall(r"[0-9,]+ bytes", table_sums)] == [*expected.values(), leaked]
    assert [number(re.search(r"\((.*?) bytes\)", labels[0])[1]) for labels in opened.results[5::2]] == list(expected.values())


def test_each_view_of_the_flame_graph_has_the_same_sum(compared, profile):
    model = data_of(compared)
    expected = sums(profile)
    assert {"python", "mixed", "file", "domain"} <= set(model["trees"])
    for mode in model["trees"]:
        tree, without_imports = model["trees"][mode]
        for metric, size in expected.items():
            assert tree[metric][0][0] == size
            assert 0 < without_imports[metric][0][0] < size
            for columns in tree, without_imports:
                inside = [0] * len(columns["parent"])
                for node, parent in enumerate(columns["parent"]):
                    if node:
                        assert parent < node
                        inside[parent] += columns[metric][0][node]
                assert all(own >= below for own, below in zip(columns[metric][0], inside))
        assert sum(tree["sizes"][0][1::2]) == profile.totals["allocs"]


def test_tables_of_all_groups_add_up(compared, profile):
    expected = sums(profile)
    for group, table in data_of(compared)["tables"].items():
        # Types are known of what was in use at the search, and of leaks.
        assert table["metrics"] == (["live", "leaked"] if group == "type" else [*METRICS, "leaked"])
        for place, (metric, size) in zip((2, 4, 6), expected.items()):
            found = sum(row[place] for row in table["rows"]) + table["rest"][place - 2]
            assert found == (size if metric in table["metrics"] else 0), (group, metric)


def test_table_of_types_has_what_is_known_of_types(browser, compared):
    opened = browser(compared, ["click", "#tab-tables"], ["click", "#panel-tables label:has-text('Type')"],
                     ["texts", "#panel-tables .tabulator-col-title"], ["text", "#table-sums"])
    assert opened.results[2] == ["Type", "At end", "Blocks", "Leaked", "Leaked blocks"] and not opened.errors
    assert "at the peak" not in opened.results[3]


def test_leaks_come_first_with_their_source(browser, compared, profile):
    opened = browser(compared, ["texts", "#panel-summary h2"], ["attributes", ".leak", "data-fingerprint"],
                     ["texts", ".leak[open] mark"], ["texts", ".leak .badge"], ["text", "#leaks > p"],
                     ["click", ".leak[open]:has(mark:has-text('lose_list')) button"], ["text", "#panel-source tr.meant td.code"],
                     ["text", "#panel-source tr.meant td.figure"])
    titles, fingerprints, marked, badges, states, _, meant, bytes_of_line = opened.results
    assert titles == ["What leaks", "What holds memory"]
    assert [record.fingerprint for record in all_leaks(profile)] == fingerprints
    assert any("pm_leaky.lose_list()" in text for text in marked)
    assert "grown" in badges and "grown" in states
    assert meant.strip() == "pm_leaky.lose_list()" and bytes_of_line
    assert not opened.errors


def test_who_took_the_references(tool, release_python, make_page, browser, profiles):
    """The balance of a record whose objects were watched."""
    script = tool.new_directory() / "job.py"
    script.write_text("import pm_leaky\nclass Config: pass\nCONFIG = Config()\npm_leaky.take_reference(CONFIG)\n")
    run = tool.run(release_python.path, script, env=release_python.env, options=("--leak-scan=before", "--watch-refs=type:Config"))
    opened = browser(make_page(run.profile.path), ["texts", ".balance h4"], ["text", ".balance ol li"], ["axe"])
    headings, row, found = opened.results
    assert headings == ["Taken and never given back", "Explained by pointers that were found"] and not found
    assert row.startswith("+1 pm_leaky.") and "take_reference" in row and "job.py:4 (<module>)" in row
    assert "in 1 of 1 leaked object" in row


def test_flame_graph_zooms_and_searches(browser, compared):
    frame = FRAMES + "[aria-label^='fill_cache ']"
    opened = browser(
        compared, ["click", "#tab-flame"], ["click", "label:has-text('allocated in all') >> visible=true"], ["count", FRAMES],
        ["click", frame + " rect"], ["attributes", frame, "width"], ["text", "#flame-said"], ["count", FRAMES],
        ["click", "#flame-reset"], ["attributes", frame, "width"],
        ["fill", "#flame-search", "Cache.KEEP"], ["text", "#flame-found"], ["count", FRAMES + ".found"],
        ["fill", "#flame-search", "["], ["text", "#flame-found"], ["fill", "#flame-search", ""], ["count", FRAMES + ".found"])
    _, _, all_frames, _, zoomed, said, fewer, _, narrow, _, found, marked, _, none, _, left = opened.results
    assert not opened.errors
    assert fewer < all_frames
    assert float(zoomed[0]) > 1000 > float(narrow[0])
    assert said.startswith("fill_cache job.py:")
    assert number(found) == marked > 0 and left == 0
    assert none.startswith("0 frames found")


def test_flame_graph_hides_imports_and_shows_c(browser, compared):
    opened = browser(compared, ["click", "#tab-flame"], ["click", "label:has-text('allocated in all') >> visible=true"],
                     ["count", FRAMES + "[aria-label^='(import) ']"], ["click", "label:has-text('Hide what only imports')"],
                     ["count", FRAMES + "[aria-label^='(import) ']"], ["count", FRAMES + ".native"],
                     ["click", "label:has-text('Python and C')"], ["count", FRAMES + "[aria-label^='_PyEval_EvalFrameDefault']"])
    assert not opened.errors
    assert opened.results[2] > 0 and opened.results[4] == 0 and opened.results[7] > 0


def test_keyboard_alone_is_enough(browser, compared):
    opened = browser(
        compared, ["focus", "#tab-summary"], ["press", "ArrowRight"], ["evaluate", "document.activeElement.id"],
        ["focus", FRAMES + "[tabindex='0']"], ["press", "ArrowDown"], ["evaluate", "document.activeElement.getAttribute('aria-label')"],
        ["press", "Enter"], ["text", "#flame-said"], ["evaluate", "document.querySelector('#flame-reset').disabled"],
        ["press", "Escape"], ["evaluate", "document.querySelector('#flame-reset').disabled"],
        ["focus", "#tab-flame"], ["press", "ArrowRight"], ["focus", "#panel-tables .tabulator-col[tabulator-field='total']"],
        ["press", "Enter"], ["texts", "#panel-tables .tabulator-cell[tabulator-field='total']"])
    assert not opened.errors
    assert opened.results[2] == "tab-flame"
    assert opened.results[5] == opened.results[7] and not opened.results[5].startswith("all:")
    assert opened.results[8] is False and opened.results[10] is True
    totals = [number(text) for text in opened.results[-1]]
    assert totals == sorted(totals, reverse=True) and len(totals) > 5


def test_tables_sort_filter_and_show_sizes(browser, compared):
    cells = "#panel-tables .tabulator-cell[tabulator-field='%s']"
    opened = browser(
        compared, ["click", "#tab-tables"], ["click", "#panel-tables .tabulator-col[tabulator-field='total_blocks']"],
        ["texts", cells % "total_blocks"], ["click", "#panel-tables .tabulator-col[tabulator-field='total_blocks']"],
        ["texts", cells % "total_blocks"], ["fill", "#table-filter", "job.py"], ["texts", cells % "name"],
        ["click", "#panel-tables .tabulator-row:has-text('(Cache.keep)')"], ["text", "#panel-tables figcaption"],
        ["texts", "#panel-tables figure td:nth-child(2)"], ["texts", "#panel-tables .tabulator-row:has-text('(Cache.keep)') [tabulator-field='total_blocks']"])
    assert not opened.errors
    down, up, names = ([number(text) if column < 2 else text for text in opened.results[place]]
                       for column, place in enumerate((2, 4, 6)))
    assert down == sorted(down, reverse=True) and up == sorted(up) and down != up
    assert names and all("job.py" in name for name in names)
    assert "(Cache.keep)" in opened.results[8]
    assert sum(map(number, opened.results[9])) == number(opened.results[10][0])


def test_comparison_shows_what_changed(browser, compared, profiles):
    old, new = map(Profile.load, profiles)
    opened = browser(compared, ["click", "#tab-compare"], ["texts", "#panel-compare table.plain tr:first-child td"],
                     ["texts", "#panel-compare .tabulator-row:has-text('(Cache.keep)') .tabulator-cell"])
    assert not opened.errors
    assert [number(text) for text in opened.results[1][1:3]] == [old.totals["live_bytes"], new.totals["live_bytes"]]
    _, before, after, change, _ = opened.results[2]
    assert change.startswith("+") and number(after) - number(before) == number(change) > 0


@pytest.mark.parametrize("scheme, width", [("light", 1280), ("dark", 1280), ("light", 400)])
def test_accessibility_checker_finds_nothing(browser, compared, scheme, width):
    tabs = ("summary", "flame", "tables", "source", "compare", "time", "run")
    opened = browser(compared, *[step for tab in tabs for step in (["click", "#tab-" + tab], ["axe"])], scheme=scheme, width=width)
    assert dict(zip(tabs, opened.results[1::2])) == dict.fromkeys(tabs, [])
    assert not opened.errors and not opened.requests


def test_page_says_that_there_is_no_time_line(browser, compared):
    opened = browser(compared, ["click", "#tab-time"], ["text", "#panel-time"])
    assert "no snapshots" in opened.results[1]


# Names that a program may have, and that would do harm if they were taken for anything but text.
HOSTILE = [
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", "<!--<script>",
    "\u202eevil\u2066", "\u2028\u2029", "a\nb\x1b[31m", "]]>&lt;b&gt;", "'\"><svg onload=alert(1)>", "__proto__", "constructor",
    "\ud800", "${alert(1)}", "x" * (1 << 20), "<" * (1 << 20),
]


@pytest.fixture(scope="session")
def hostile(tmp_path_factory, make_page):
    """A page of a profile all of whose names are hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    source = folder / "</script><script>alert(2)<!--.py"
    source.parent.mkdir(parents=True, exist_ok=True)
    data = pack.sample()
    names = data["strings"]
    base = len(names)
    names.extend(name for name in HOSTILE if name != "\ud800")
    python = [frame for frame in data["frames"] if frame["kind"] == "python"]
    for count in range(len(HOSTILE) - 1):
        frame = dict(python[0], function=base + count, file=base + (count + 1) % (len(HOSTILE) - 1), line=count + 1)
        data["frames"].append(frame)
        data["stacks"]["back"].append(1 if count else len(data["stacks"]["back"]))
        data["stacks"]["frame"].append(len(data["frames"]) - 1)
    last = len(data["stacks"]["frame"]) - 1
    data["sites"]["stack"][1] = last
    record = data["leaks"]["records"][0]
    record.update(stack=last, types=[[base + count, 1] for count in range(len(HOSTILE) - 1)], note=base + 1,
                  chain=[base + count for count in range(len(HOSTILE) - 1)])
    data["run"]["command"] = ["python3", *HOSTILE[:2], HOSTILE[-1]]
    data["run"]["hint"] = HOSTILE[0]
    return make_page(pack.write(folder, data))


def test_hostile_names_run_nothing(browser, hostile):
    tabs = ("summary", "flame", "tables", "source", "time", "run")
    steps = [["evaluate", "window.scripts = document.scripts.length"]]
    for tab in tabs:
        steps += [["click", "#tab-" + tab], ["evaluate", "document.querySelectorAll('img, [onload], [onerror], a[href]').length"]]
    steps += [["evaluate", "document.scripts.length - window.scripts"], ["click", "#tab-flame"], ["fill", "#flame-search", "<img"],
              ["text", "#flame-found"], ["click", "#tab-tables"], ["text", "#panel-tables .tabulator-row"], ["evaluate", "document.body.innerText"]]
    opened = browser(hostile, *steps)
    assert not opened.errors and not opened.requests
    assert opened.results[2:2 * len(tabs) + 1:2] == [0] * len(tabs)
    assert opened.results[2 * len(tabs) + 1] == 0
    assert number(opened.results[2 * len(tabs) + 4]) > 0
    text = opened.results[-1]
    assert not set(text) & set("\u202e\u2066\x1b")


def test_hostile_names_do_not_make_the_page_large(hostile):
    text = hostile.read_text(encoding="utf-8")
    assert len(text) < 2_000_000
    # The page's own three script elements, the two of data, and none besides.
    assert len(re.findall("<script", text)) == len(re.findall("</script", text)) == 3


def test_page_is_self_contained(compared):
    text = compared.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r"<(link|img|iframe|base)\b", text.partition("</style>")[2].partition("<script")[0])
    assert not re.search(r"url\((?!\"?data:)", text.partition("</style>")[0])


def test_source_can_be_left_out(make_page, profiles, browser):
    page = make_page(profiles[1], "--no-source")
    assert "take_reference(CACHE)" not in page.read_text(encoding="utf-8")
    opened = browser(page, ["count", "mark"], ["click", "#tab-source"], ["text", "#panel-source"])
    assert opened.results[0] == 0 and "without source" in opened.results[2] and not opened.errors


def test_what_is_cut_is_said_with_its_sum(make_page, browser, tmp_path):
    path = tmp_path / "large"
    path.write_text(json.dumps(make_profile.make(20000, 0)))
    profile = Profile.load(path)
    page = make_page(path)
    model = data_of(page)
    tree = model["trees"]["python"][0]
    drawn = [size for size in tree["total"][0] if size]
    nodes, size = tree["cut"]["total"]
    assert len(drawn) == MOST_NODES and nodes > 0
    own = list(tree["total"][0])
    for node, parent in enumerate(tree["parent"]):
        if node:
            own[parent] -= tree["total"][0][node]
    assert sum(own) == sum(profile.sites.total_bytes) and sum(own) >= size > 0
    opened = browser(page, ["click", "#tab-flame"], ["click", "label:has-text('allocated in all') >> visible=true"], ["text", "#flame-cut"],
                     ["count", FRAMES], ["click", "#tab-tables"], ["texts", "#panel-tables .cut"])
    assert "{:,} smaller frames".format(nodes) in opened.results[2]
    assert opened.results[3] <= MOST_NODES
    assert number(opened.results[5][0]) == model["tables"]["line"]["left_out"] > 0
    assert not opened.errors


def test_without_the_script_only_html_fails(profiles, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(page_module, "BUNDLE", ("page.js", "a-file-that-nobody-built"))
    assert main(["html", str(profiles[1]), "-o", str(tmp_path / "report.html")]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1 and "npm" in complaint
    assert not (tmp_path / "report.html").exists()
    assert main(["report", str(profiles[1])]) == 0


def test_a_page_that_cannot_be_written_is_one_line(profiles, tmp_path, capsys, bundle):
    starter = [str(bundle.parents[1] / "pymemcheck-in-place")]
    target = tmp_path / "missing" / "report.html"
    assert main(["html", str(profiles[1]), "-o", str(target)], starter) == 2
    assert capsys.readouterr().err == "pymemcheck: error: %s: No such file or directory\n" % target
    assert main(["html", str(profiles[1]), "-o", str(tmp_path)], starter) == 2
    assert capsys.readouterr().err.count("\n") == 1 and list(tmp_path.iterdir()) == []
