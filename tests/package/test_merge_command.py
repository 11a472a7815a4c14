# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck merge: a valid file whose figures are the sums."""
import json

import pack
from pmtest import Profile as TestProfile
from pymemcheck import Profile


def by_stack(profile):
    """Frames -> figures and sizes of all sites with them."""
    result = {}
    for site in profile.iterate_sites():
        figures, sizes = result.setdefault(profile.stack(site.stack), ([0] * 7, {}))
        for index, value in enumerate(site[2:9]):
            figures[index] += value
        for value, count in profile.sites.sizes(site.number):
            sizes[value] = sizes.get(value, 0) + count
    return result


def add(*tables):
    result = {}
    for table in tables:
        for frames, (figures, sizes) in table.items():
            into, more = result.setdefault(frames, ([0] * 7, {}))
            for index, value in enumerate(figures):
                into[index] += value
            for value, count in sizes.items():
                more[value] = more.get(value, 0) + count
    return result


def test_sums(job, grown_job, command, tmp_path):
    out = tmp_path / "merged"
    command("merge", job.profile.path, grown_job.profile.path, job.profile.path, "-o", out)
    parts = [Profile.load(run.profile.path) for run in (job, grown_job, job)]
    merged = Profile.load(out)
    assert by_stack(merged) == add(*map(by_stack, parts))
    assert merged.totals == {key: 0 if key == "peak_serial" else sum(part.totals[key] for part in parts)
                             for key in merged.totals}
    for name in ("leaks", "leaks_before"):
        records = {}
        for part in parts:
            for record in getattr(part, name):
                entry = records.setdefault(record.fingerprint, [0, 0, 0])
                for index, value in enumerate((record.bytes, record.blocks, record.indirect_bytes)):
                    entry[index] += value
        assert {r.fingerprint: [r.bytes, r.blocks, r.indirect_bytes] for r in getattr(merged, name)} == records
    assert merged.leak_summary["definite"][1] == sum(part.leak_summary["definite"][1] for part in parts)


def test_keys_are_those_of_the_tool(job, command, tmp_path):
    """The tests' own reader, which knows nothing of the package, reads it too; keys and their order are the same."""
    out = tmp_path / "merged"
    command("merge", job.profile.path, "-o", out)
    original, merged = job.profile.json, json.loads(out.read_text(encoding="utf-8"))

    def keys(value):
        return {key: keys(inner) for key, inner in value.items()} if isinstance(value, dict) else None

    assert keys(original) == keys(merged)
    assert list(original) == list(merged) and list(original["sites"]) == list(merged["sites"])
    assert original["run"]["command"] == merged["run"]["command"] and original["totals"] == merged["totals"]
    assert len(TestProfile(out).sites) == len(job.profile.sites)


def test_names_that_are_not_utf_8(command, tmp_path):
    """They have their exact bytes in the merged file, and visible escapes beside."""
    data = pack.sample()
    data["run"].update(command=["python3", "\\xff"], command_hex={"1": "ff"})
    path = pack.write(tmp_path, data)
    command("merge", path, path, "-o", tmp_path / "merged")
    merged = json.loads((tmp_path / "merged").read_text(encoding="utf-8"))
    place = merged["strings"].index("/home/me/caf\\xe9.py")
    assert merged["strings_hex"] == {str(place): "2f686f6d652f6d652f636166edb3a92e7079"}
    assert merged["run"]["command"] == ["python3", "\\xff"] and merged["run"]["command_hex"] == {"1": "ff"}


def test_worst_end(command, tmp_path):
    """Of processes that ended in different ways the merged profile has the worst."""
    paths = []
    for name, changes in (("a", {}), ("b", {"exit_code": 3}), ("c", {"end": "signal", "exit_code": None, "signal": 11})):
        data = pack.sample()
        data["run"].update(changes)
        paths.append(pack.write(tmp_path, data, name))
    command("merge", *paths[:2], "-o", tmp_path / "m")
    assert Profile.load(tmp_path / "m").run["exit_code"] == 3
    command("merge", *paths, "-o", tmp_path / "m")
    assert Profile.load(tmp_path / "m").run["signal"] == 11


def test_end_stack(tool, release_python, job, command, tmp_path):
    """The stack of the thread that a signal killed is that of the process whose end is kept."""
    run = tool.run(release_python.path, "-S", "-c", "import os\nos.abort()", check=False)
    command("merge", job.profile.path, run.profile.path, "-o", tmp_path / "m")
    one, merged = Profile.load(run.profile.path), Profile.load(tmp_path / "m")
    assert one.run["end_stack"] and merged.stack(merged.run["end_stack"]) == one.stack(one.run["end_stack"])


def test_what_is_said_of_records(job, command, tmp_path):
    """References and expressions are those of the first, and the blocks that they are about are added up."""
    command("merge", job.profile.path, "-o", tmp_path / "one")
    command("merge", job.profile.path, job.profile.path, "-o", tmp_path / "two")
    known, one, two = ({r.fingerprint: r for r in Profile.load(path).leaks_before}
                       for path in (job.profile.path, tmp_path / "one", tmp_path / "two"))
    assert any(r.expression == "__main__.CONFIG" and r.expression_lines for r in known.values())
    assert any(r.overcounted_blocks == 10 for r in known.values())
    assert any((r.references, r.pointers, r.kind) == (2, 1, "surplus") for r in known.values())
    for fingerprint, record in known.items():
        assert one[fingerprint]._replace(stack=0) == record._replace(stack=0)
        double = two[fingerprint]
        for key in ("expression", "expression_lines", "chain", "references", "pointers"):
            assert getattr(double, key) == getattr(record, key)
        for key in ("blocks", "chain_blocks", "overcounted_blocks"):
            assert getattr(double, key) == 2 * getattr(record, key)


def test_merging_twice(job, grown_job, command, tmp_path):
    """Merged files can be merged again: the order does not matter."""
    a, b = job.profile.path, grown_job.profile.path
    command("merge", a, b, "-o", tmp_path / "ab")
    command("merge", tmp_path / "ab", a, "-o", tmp_path / "aba")
    command("merge", a, a, b, "-o", tmp_path / "aab")
    one, other = Profile.load(tmp_path / "aba"), Profile.load(tmp_path / "aab")
    assert by_stack(one) == by_stack(other) and one.totals == other.totals
    assert {r.fingerprint: r.bytes for r in one.leaks} == {r.fingerprint: r.bytes for r in other.leaks}


def test_no_leak_search(job, command, tmp_path):
    data = pack.sample()
    data["leaks"] = None
    path = pack.write(tmp_path, data)
    run = command.run_here("merge", path, job.profile.path, "-o", tmp_path / "m")
    assert run.returncode == 0 and "no leak search in" in run.stderr
    command("merge", path, "-o", tmp_path / "m")
    assert Profile.load(tmp_path / "m").leaks is None


def test_nothing_is_left_where_it_cannot_write(job, command, tmp_path):
    """A file in the place of the output stays until the new one is whole."""
    assert "No such file" in command.complaint("merge", job.profile.path, "-o", tmp_path / "none" / "out")
    assert list(tmp_path.iterdir()) == []
