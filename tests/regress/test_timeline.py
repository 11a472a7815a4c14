# SPDX-License-Identifier: GPL-2.0-or-later
"""Snapshots over time: --snapshot-every=, --max-snapshots=, the command snapshot, and what a killed run leaves."""
import json
import os
import signal
import subprocess
import time

import pytest

import pmtest
from pmtest import PROGRAMS, compile_program

JOB = """\
keep = []
def fill(count):
    return [bytes(1000) for number in range(count)]
for turn in range(60):
    keep.append(fill(50))
    if turn % 10 == 9:
        del keep[:]
keep.append(fill(100))
"""
LINE = 3


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    path = tmp_path_factory.mktemp("timeline") / "job.py"
    path.write_text(JOB, encoding="ascii")
    return path


def snapshots_of(run):
    """The snapshots of a file as dicts; live: site -> (bytes, blocks), of sites that have some."""
    table, result, live = run.profile.json["snapshots"], [], {}
    for number, changes in enumerate(table["changes"]):
        assert changes[::3] == sorted(set(changes[::3]))
        for site, size, count in zip(changes[::3], changes[1::3], changes[2::3]):
            live[site] = size, count
        row = {key: column[number] for key, column in table.items() if key != "changes"}
        result.append(dict(row, name=run.profile.json["strings"][row["name"]], live=dict(live)))
    return result


def check(run, most=100):
    """What must hold for any snapshots."""
    profile, snapshots = run.profile.json, snapshots_of(run)
    assert 0 < len(snapshots) <= most
    for snapshot in snapshots:
        assert sum(count for _, count in snapshot["live"].values()) == snapshot["live_blocks"]
        padding = snapshot["live_bytes"] - sum(size for size, _ in snapshot["live"].values())
        assert 0 <= padding <= profile["totals"]["padding_bytes"]
        assert snapshot["live_bytes"] <= profile["totals"]["peak_bytes"]
    for key in ("serial", "elapsed_ms", "total_bytes"):
        column = [snapshot[key] for snapshot in snapshots]
        assert column == sorted(column)
    return snapshots


def same_in_both(run):
    table = dict(run.profile.json["snapshots"])
    del table["elapsed_ms"]
    return table


def test_by_bytes(tool, python, job):
    """At each multiple; the same in two runs; what the job holds goes up and down as it does."""
    runs = [tool.run(python.path, "-S", job, options=["--snapshot-every=200kB"], env={"PYTHONHASHSEED": "0"})
            for _ in range(2)]
    snapshots = check(runs[0])
    assert [snapshot["total_bytes"] // 200000 for snapshot in snapshots] == list(range(1, len(snapshots) + 1))
    assert same_in_both(runs[0]) == same_in_both(runs[1])
    sites = {number for number, site in enumerate(runs[0].profile.sites) if job.name in str(site.python)
             and any(frame.line == LINE for frame in site.python)}
    held = [sum(size for site, (size, _) in snapshot["live"].items() if site in sites) for snapshot in snapshots]
    falls = sum(1 for before, after in zip(held, held[1:]) if after < before - 200000)
    # From 3.12 on the job allocates less beside them, so that a snapshot may come between two falls.
    assert (falls == 6 or (falls == 5 and python.version >= (3, 12))) and max(held) > 450000


def test_thinned_evenly(tool, python, job):
    """--max-snapshots: those that stay are evenly apart."""
    run = tool.run(python.path, "-S", job, options=["--snapshot-every=100allocs", "--max-snapshots=8"])
    serials = [snapshot["serial"] for snapshot in check(run, most=8)]
    assert len(serials) >= 4
    distances = [after - before for before, after in zip(serials, serials[1:])]
    assert max(distances) == min(distances) and distances[0] in [100 << power for power in range(20)]


def test_by_seconds(tool, python):
    """The clock decides how many there are, so only that there is one is known."""
    run = tool.run(python.path, "-S", "-c",
                   "import time\nend = time.time() + 2\nwhile time.time() < end: [str(i) for i in range(1000)]",
                   options=["--snapshot-every=1s"])
    assert all(snapshot["elapsed_ms"] >= 1000 for snapshot in check(run))


def test_none_without_the_option(tool, python):
    assert tool.run(python.path, "-S", "-c", "pass").profile.json["snapshots"] is None


def test_peak_serial(tool, python, job):
    """The peak is after an allocation of the run, and no snapshot is above it."""
    run = tool.run(python.path, "-S", job, options=["--snapshot-every=1000allocs"])
    totals = run.profile.json["totals"]
    snapshots = check(run)
    assert 0 < totals["peak_serial"] <= totals["allocs"]
    before = [snapshot for snapshot in snapshots if snapshot["serial"] <= totals["peak_serial"]]
    assert 0 <= totals["peak_bytes"] - before[-1]["live_bytes"] < 1200000


@pytest.mark.parametrize("value", ["", "5", "0s", "10MiB", "-3s", "s", "1.5MB", "5 MB", "9999999999999999allocs"])
def test_wrong_values(tool, python, value):
    run = tool.run(python.path, "-S", "-c", "pass", options=["--snapshot-every=" + value], check=False, files=False)
    assert run.returncode != 0
    assert "--snapshot-every" in str(run) and "50MB, 1000000allocs, 30s" in str(run)


def test_named(tool, tmp_path):
    """A program asks for snapshots by name; the option is not needed."""
    run = tool.run(compile_program(tmp_path / "snapshots", PROGRAMS / "snapshots.c", "-O0"))
    snapshots = check(run)
    assert [snapshot["name"] for snapshot in snapshots] == ["before", "after", ""]
    before, after, _ = snapshots
    assert after["live_bytes"] - before["live_bytes"] == 5000
    assert after["live_blocks"] - before["live_blocks"] == 5


def wait_for(path, process):
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.05)


def test_killed_run_leaves_a_file(tool, python):
    """SIGKILL: the file is that of the last snapshot, whole, and says that the program was running."""
    folder = tool.new_directory()
    out = folder / "pymemcheck.out.1"
    code = "keep = []\nwhile True: keep.append([str(i) for i in range(1000)])"
    with subprocess.Popen([str(tool.starter), "--snapshot-every=1MB", "--max-snapshots=1000", f"--log-file={folder}/log",
                           f"--pymemcheck-out-file={out}", str(python.path), "-S", "-c", code]) as process:
        wait_for(out, process)
        os.kill(process.pid, signal.SIGKILL)
    profile = pmtest.Profile(out)
    assert profile.json["run"]["end"] == "running"
    assert profile.json["leaks"] is None
    assert profile.json["snapshots"]["serial"]
    assert sum(profile.json["sites"]["live_blocks"]) == profile.json["totals"]["live_blocks"]


def test_not_written_at_snapshots(tool, python):
    """--snapshot-write=no: while the program runs there is no file; at its end there is."""
    code = ("import glob, os\nx = [str(i) for i in range(100000)]\n"
            "print(len(glob.glob(os.environ['WHERE'] + '/pymemcheck.out*')))")
    for write, files in (("yes", "1\n"), ("no", "0\n")):
        folder = tool.new_directory()
        run = tool.run(python.path, "-S", "-c", code, env={"WHERE": str(folder)}, files=False,
                       options=["--snapshot-every=10000allocs", "--snapshot-write=" + write,
                                f"--pymemcheck-out-file={folder}/pymemcheck.out"])
        assert run.stdout == files
        assert (folder / "pymemcheck.out").exists()


def test_device_is_not_rewritten(tool, python, tmp_path):
    """A pipe gets one profile, at the end."""
    run = subprocess.run([str(tool.starter), "--snapshot-every=10000allocs", "--pymemcheck-out-file=/dev/stdout",
                          f"--log-file={tmp_path}/log", str(python.path), "-S", "-c", "x = [str(i) for i in range(100000)]"],
                         stdout=subprocess.PIPE, text=True, check=True)
    assert run.stdout.count('"format": "pymemcheck"') == 1


def test_exec_leaves_no_running_file(tool, python):
    """A process that wrote at a snapshot and becomes another program, and a child on its way to one."""
    code = ("import os, sys\nx = [str(i) for i in range(30000)]\npid = os.fork()\n"
            "if pid == 0:\n    y = [str(i) for i in range(60000)]\n    os.execv('/bin/true', ['true'])\n"
            "os.waitpid(pid, 0)\nprint(sorted(os.listdir(os.environ['WHERE'])) == ['out.%d' % os.getpid()], flush=True)\n"
            "os.execv('/bin/true', ['true'])\n")
    folder = tool.new_directory()
    run = tool.run(python.path, "-S", "-c", code, env={"WHERE": str(folder)}, files=False,
                   options=["--snapshot-every=10000allocs", f"--pymemcheck-out-file={folder}/out.%p"])
    assert run.stdout == "True\n"
    left = [json.loads(path.read_text(encoding="utf-8"))["run"]["end"] for path in folder.iterdir()]
    assert left == ["exec"]
