# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck merge: a valid file whose figures are the sums."""
import collections
import json

import pack
import pmtest
from pymemcheck import Profile, merge_timeline


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
    assert len(pmtest.Profile(out).sites) == len(job.profile.sites)


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


def without_nothing(live):
    return {frames: pair for frames, pair in live.items() if any(pair)}


def over_time(path):
    """[(ms, serial, bytes, blocks, {stack: (bytes, blocks)})] of a file's snapshots and of its end, by the frames of stacks."""
    profile = Profile.load(path)
    sites, live, result = profile.sites, {}, []
    names = [profile.stack(stack) for stack in sites.stack]
    for snapshot, changes in zip(profile.snapshots, profile.snapshot_changes):
        for site, size, blocks in zip(changes[::3], changes[1::3], changes[2::3]):
            live[names[site]] = size, blocks
        result.append((snapshot.elapsed_ms, snapshot.serial, snapshot.live_bytes, snapshot.live_blocks, without_nothing(live)))
    end = dict(zip(names, zip(sites.live_bytes, sites.live_blocks)))
    result.append((profile.run["elapsed_ms"], profile.totals["allocs"], profile.totals["live_bytes"], profile.totals["live_blocks"], without_nothing(end)))
    return result


def test_snapshots_over_time(leaking, command, tmp_path):
    """At each moment of the merged file what all processes had then, by a count of its own."""
    paths = [leaking(tmp_path / name, count, options=("--snapshot-every=50kB",)).profile.path
             for name, count in (("a", 10), ("b", 25), ("c", 3))]
    command("merge", *paths, "-o", tmp_path / "m")
    parts, merged = [over_time(path) for path in paths], over_time(tmp_path / "m")
    assert len(merged) > 20
    for ms, serial, size, blocks, live in merged:
        last = [next((moment for moment in reversed(part) if moment[0] <= ms), (0, 0, 0, 0, {})) for part in parts]
        assert (serial, size, blocks) == tuple(sum(moment[key] for moment in last) for key in (1, 2, 3))
        sums = {}
        for frames, (more, count) in (item for moment in last for item in moment[4].items()):
            sums[frames] = (sums.get(frames, (0, 0))[0] + more, sums.get(frames, (0, 0))[1] + count)
        assert sums == live
    # Every snapshot can be opened, which checks its sums.
    for number in range(1, len(merged)):
        command("report", "%s@%d" % (tmp_path / "m", number))
    command("merge", paths[0], "-o", tmp_path / "alone")
    assert over_time(tmp_path / "alone") == parts[0]


def test_names_and_number_of_snapshots(leaking, command, tmp_path, job, monkeypatch):
    """Names are kept, also where there are too many snapshots for one file; a process without snapshots is said."""
    data = leaking(tmp_path / "job", options=("--snapshot-every=50kB",)).profile.json
    data["snapshots"]["name"][3] = len(data["strings"])
    data["strings"].append("loaded")
    path = pack.write(tmp_path, data)
    monkeypatch.setattr(merge_timeline, "MOST_SNAPSHOTS", 5)
    result = command.run_here("merge", path, job.profile.path, path, "-o", tmp_path / "m")
    assert result.returncode == 0 and result.stderr.endswith(
        "note: no snapshots in %s: over time, only the end is known\n" % job.profile.path)
    merged = Profile.load(tmp_path / "m")
    assert [snapshot.name for snapshot in merged.snapshots if snapshot.name] == ["loaded", "loaded"]
    assert len(merged.snapshots) <= 5 + 2 < len(data["snapshots"]["name"])
    assert merged.snapshots[-1].live_bytes == merged.totals["live_bytes"]
    assert "in use then" in command("report", "%s@loaded" % (tmp_path / "m"))


def test_types(job, grown_job, command, tmp_path):
    """What was in use at the searches, by stack and type, is added up."""
    paths = [job.profile.path, grown_job.profile.path, job.profile.path]
    command("merge", *paths, "-o", tmp_path / "m")

    def sums(path, key):
        profile, result = Profile.load(path), collections.Counter()
        found = getattr(profile, key)
        for stack, name, size in zip(found.stacks, found.types, found.bytes):
            result[profile.stack(stack), name] += size
        return result, found.in_use
    for key in ("types", "types_before"):
        parts = [sums(path, key) for path in paths]
        merged, in_use = sums(tmp_path / "m", key)
        assert merged == sum((part for part, _ in parts), collections.Counter())
        assert in_use == tuple(sum(part[index] for _, part in parts) for index in (0, 1))


def test_phases(command, tmp_path):
    """They are added up by name; what one process does not know, nobody knows."""
    one, other = pack.sample(), pack.sample()
    other["strings"].append("end")
    other["phases"].append(dict(other["phases"][0], name=len(other["strings"]) - 1, live_bytes=None, live_blocks=None, open=True))
    paths = [pack.write(tmp_path, one, "a"), pack.write(tmp_path, other, "b")]
    command("merge", paths[0], paths[1], paths[1], "-o", tmp_path / "m")
    known, = Profile.load(paths[0]).phases
    merged = Profile.load(tmp_path / "m").phases
    assert [phase.name for phase in merged] == [known.name, "end"]
    assert merged[0] == known._replace(times=3, **{key: 3 * getattr(known, key) for key in (
        "allocs", "frees", "bytes", "grown_bytes", "grown_blocks", "live_bytes", "live_blocks")})
    assert merged[1].live_bytes is None and merged[1].open and merged[1].times == 2
    assert "not known  end, 2 times, still open" in command("report", tmp_path / "m", "--full")


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
