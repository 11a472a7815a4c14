# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck check: exit status against a baseline, and what it writes for others."""
import json
import re
import xml.etree.ElementTree

import pytest

import pack
from pymemcheck.check import Growth


@pytest.fixture
def baseline(job, command, tmp_path):
    path = tmp_path / "baseline.json"
    command("check", job.profile.path, "--baseline", path, "--update")
    return path


def leak_count(run):
    return len([r for r in run.profile.losses if r.kind in ("definite", "cycle", "surplus", "deficit", "possible")])


def without(path, words, target):
    """A baseline without the leaks whose line has words."""
    lines = path.read_text().splitlines()
    kept = [line for line in lines if words not in line]
    assert len(kept) == len(lines) - 1
    target.write_text(re.sub(r",\n \]", "\n ]", "\n".join(kept)))
    return target


def test_known_leaks_pass(job, command, baseline):
    assert "passed: 0 new, 0 grown, %d known, 0 gone" % leak_count(job) in command(
        "check", job.profile.path, "--baseline", baseline)


def test_without_a_baseline_every_leak_is_new(job, command):
    text = command("check", job.profile.path, status=1)
    assert "FAILED: %d new" % leak_count(job) in text and text.count("new: ") == leak_count(job)


def test_new_leak_fails(job, command, baseline, tmp_path):
    """For the right one."""
    known = without(baseline, "lose_lists", tmp_path / "fewer.json")
    lines = command("check", job.profile.path, "--baseline", known, status=1).splitlines()
    assert [line for line in lines if line.startswith("new: ")] == [line for line in lines if "(lose_lists)" in line] != []


def test_growth(grown_job, command, baseline):
    """25 lists where there were 10: fails only if asked."""
    path = grown_job.profile.path
    assert "grown: " in command("check", path, "--baseline", baseline)
    for limit in ("5%", "0", "100B", "100%"):
        text = command("check", path, "--baseline", baseline, "--fail-on-growth=" + limit, status=1)
        assert "(lose_lists)" in text and "was 800 bytes in 10 blocks" in text
    for limit in ("1MB", "2kB", "200%"):
        assert "passed" in command("check", path, "--baseline", baseline, "--fail-on-growth=" + limit)


def test_growth_of_the_memory_in_use(command, tmp_path):
    """No leak, but more in use at the end."""
    base = pack.sample()
    more = pack.sample()
    more["totals"]["live_bytes"] += 24
    base, more = (pack.write(tmp_path, data, name) for data, name in ((base, "base"), (more, "more")))
    assert "+24" in command("check", more, "--baseline", base)
    assert "FAILED" in command("check", more, "--baseline", base, "--fail-on-growth=0.1%", status=1)
    assert "passed" in command("check", more, "--baseline", base, "--fail-on-growth=1kB")


@pytest.mark.parametrize("text, old, new, exceeded", [
    ("5%", 100, 105, False), ("5%", 100, 106, True), ("0%", 100, 100, False), ("1MB", 0, 1 << 20, False),
    ("1MB", 0, (1 << 20) + 1, True), ("100", 0, 101, True), ("2.5kB", 0, 2560, False), ("1GB", 5, 6, False)])
def test_limits(text, old, new, exceeded):
    assert Growth(text).is_exceeded(old, new) is exceeded


def test_wrong_limits(job, command):
    for limit in ("x", "5 %", "-1", "1TB", ""):
        assert command.run_here("check", job.profile.path, "--fail-on-growth=" + limit).returncode == 2


def test_gone_leaks_pass(command, baseline, tmp_path):
    data = pack.sample()
    data["leaks"]["records"] = []
    text = command("check", pack.write(tmp_path, data), "--baseline", baseline)
    assert "passed: 0 new" in text and "gone: " in text


def test_profile_as_baseline(job, grown_job, command):
    assert "1 grown" in command("check", grown_job.profile.path, "--baseline", job.profile.path)


def test_shards_are_taken_together(job, grown_job, command, tmp_path):
    """35 lists in all; a baseline of both passes both."""
    base = tmp_path / "both.json"
    both = (job.profile.path, grown_job.profile.path)
    command("check", *both, "--baseline", base, "--update")
    assert "35 x list" in base.read_text()
    assert "passed" in command("check", *both, "--baseline", base, "--fail-on-growth=0")


def test_before_finalization(job, command):
    """The reference too many is found there."""
    assert "surplus references" in command("check", job.profile.path, "--before", status=1)
    assert "surplus references" not in command("check", job.profile.path, status=1)
    assert "surplus" not in command("check", job.profile.path, "--before", "--kinds=definite", status=1)


def test_bad_input(job, command, tmp_path):
    assert "--update makes it" in command.complaint("check", job.profile.path, "--baseline", tmp_path / "none")
    broken = tmp_path / "broken"
    for text in ('{"format": "pymemcheck-baseline", "version": 1', '{"format": "pymemcheck-baseline", "version": 9}',
                 '{"format": "pymemcheck-baseline", "version": 1, "live_bytes": 1, "leaks": [5]}',
                 '{"format": "pymemcheck-baseline", "version": 1, "live_bytes": -1, "leaks": []}',
                 '{"format": "pymemcheck-baseline", "version": 1, "live_bytes": 1, "leaks": [{"fingerprint": 1}]}'):
        broken.write_text(text)
        assert "no whole baseline" in command.complaint("check", job.profile.path, "--baseline", broken) \
            or "version" in text
    data = pack.sample()
    data["leaks"] = None
    assert "no leak search" in command.complaint("check", pack.write(tmp_path, data))
    assert "needs --baseline" in command.complaint("check", job.profile.path, "--update")


def test_baseline_is_a_line_a_leak(job, baseline):
    lines = [line for line in baseline.read_text().splitlines() if "fingerprint" in line]
    assert len(lines) == leak_count(job) and all("job.py" in line for line in lines if "list" in line)


# --- Files for others ---

@pytest.fixture
def reports(grown_job, command, baseline, tmp_path):
    """The three files of a check with a new, a grown and known leaks."""
    known = without(baseline, "lose_memory", tmp_path / "fewer.json")
    paths = {kind: tmp_path / kind for kind in ("junit", "sarif", "markdown")}
    command("check", grown_job.profile.path, "--baseline", known, "--fail-on-growth=5%",
            *("--%s=%s" % item for item in paths.items()), status=1)
    return {kind: path.read_text(encoding="utf-8") for kind, path in paths.items()}


def test_junit(reports, grown_job):
    root = xml.etree.ElementTree.fromstring(reports["junit"])
    suite = root.find("testsuite")
    cases = suite.findall("testcase")
    failures = [case for case in cases if case.find("failure") is not None]
    assert int(suite.get("tests")) == len(cases) == leak_count(grown_job) + 1
    assert int(suite.get("failures")) == len(failures) and len(failures) >= 2
    kinds = {case.find("failure").get("type"): case for case in failures if "in use" not in case.get("name")}
    assert "lose_memory" in kinds["new"].get("classname") and "lose_lists" in kinds["grown"].get("classname")
    assert "pm_leaky" in kinds["new"].find("failure").text


def test_sarif(reports, grown_job):
    log = json.loads(reports["sarif"])
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
    run = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    results = {result["partialFingerprints"]["pymemcheckLeak/v1"]: result for result in run["results"]}
    assert {loss.json["fingerprint"] for loss in grown_job.profile.losses
            if loss.kind in ("definite", "cycle", "surplus", "deficit", "possible")} <= set(results)
    assert all(result["ruleId"] in rules for result in results.values())
    states = {result["baselineState"] for result in results.values()}
    assert {"new", "updated"} <= states <= {"new", "updated", "unchanged", "absent"}
    new = next(result for result in results.values() if result["baselineState"] == "new")
    place = new["locations"][0]["physicalLocation"]
    assert new["level"] == "error" and place["artifactLocation"]["uri"].endswith("job.py")
    assert place["region"]["startLine"] == 19 and len(new["stacks"][0]["frames"]) > 3


def test_sarif_paths(job, command, tmp_path):
    """Below the source root they are relative, elsewhere whole; the script of the run is below its folder."""
    script = next(f.file for site in job.profile.sites for f in site.frames if f.file.endswith("/job.py"))
    inside = json.loads(command("check", job.profile.path, "--sarif=-", "--source-root", script.rsplit("/", 1)[0],
                                status=1).split("\nnew: ")[0])
    uris = [result["locations"][0]["physicalLocation"]["artifactLocation"] for result in inside["runs"][0]["results"]
            if "physicalLocation" in result["locations"][0]]
    assert {"uri": "job.py", "uriBaseId": "%SRCROOT%"} in uris
    outside = json.loads(command("check", job.profile.path, "--sarif=-", "--source-root", tmp_path,
                                 status=1).split("\nnew: ")[0])
    assert "file://" + script in str(outside)


def test_sarif_by_its_schema(reports):
    """A reader's checks that need no network: types and ranges of the parts that we write."""
    log = json.loads(reports["sarif"])

    def walk(value, path=""):
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, path + "/" + key)
        elif isinstance(value, list):
            for inner in value:
                walk(inner, path)
        elif path.endswith("/uri"):
            assert re.match(r"[A-Za-z0-9._~:/%!$&'()*+,;=@-]*\Z", value), value
        elif path.endswith("/startLine"):
            assert value >= 1
        elif path.endswith("/level"):
            assert value in ("none", "note", "warning", "error")

    walk(log)


def test_markdown(reports):
    text = reports["markdown"]
    assert text.startswith("# pymemcheck: FAILED") and "## New" in text and "## Grown" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 7 for row in rows)


def test_hostile_names_in_reports(command, tmp_path):
    """Names of the program are data in all three formats."""
    data = pack.sample()
    name = "</script>|<img src=x onerror=a()>`]]>&\x1b\u202e\"'"
    data["strings"][10] = data["strings"][4] = data["strings"][7] = name
    data["strings"].append("type|<b>")
    data["leaks"]["records"][0].update(types=[[len(data["strings"]) - 1, 29]], note=4)
    paths = {kind: tmp_path / kind for kind in ("junit", "sarif", "markdown")}
    command("check", pack.write(tmp_path, data), *("--%s=%s" % item for item in paths.items()), status=1)
    root = xml.etree.ElementTree.fromstring(paths["junit"].read_text(encoding="utf-8"))
    assert "onerror" in root.find(".//testcase").get("classname")
    assert "onerror" in json.dumps(json.loads(paths["sarif"].read_text(encoding="utf-8")))
    text = paths["markdown"].read_text(encoding="utf-8")
    assert "<img" not in text and "\x1b" not in text and "\u202e" not in text
    assert all(len(re.findall(r"\|", row)) == 7 for row in text.splitlines() if row.startswith("|"))
