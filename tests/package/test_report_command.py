# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck report: the tool's own text again, tables that agree with tracemalloc, and output that suits any place."""
import collections
import io
import os
import pty
import re
import subprocess
import sys
import time
import tracemalloc

import pytest

import pack
from pmtest import PROGRAMS, compile_program
from pymemcheck.record_words import known_leaks
from pymemcheck.terminal import Patience


def report_in(log):
    """A log's lines from HEAP SUMMARY on, without the process number."""
    lines = [re.sub(r"^==\d+== ?", "", line) for line in log.splitlines()]
    lines = lines[lines.index("HEAP SUMMARY:"):]
    return lines[:next(index for index, line in enumerate(lines) if line.startswith("Profile written to"))]


def log_of(run):
    return report_in(run.log)


@pytest.mark.parametrize("options", [(), ("--histogram-top=3",), ("--histogram-top=0",), ("--python-paths=full",),
                                     ("--python-paths=base",), ("--histogram=line,stack",), ("--histogram=none",)],
                         ids=" ".join)
def test_same_text_as_the_tool(tool, command, python, options):
    run = tool.run(python.path, "-S", PROGRAMS / "func_abc.py", options=options, short=True)
    text = command("report", run.profile.path, "--full", *options)
    assert text.splitlines() == log_of(run)
    assert "CONCLUSION:" in text and "Blocks allocated at the peak, by Python line:" in text
    drawn = any(option.startswith("--histogram") and option != "--histogram=none" for option in options)
    assert (text.count("Distribution") > 3) == drawn
    assert ("most of 64 to 127 bytes" in text) == ("--histogram" not in str(options))


def test_same_text_with_leaks(job, command):
    """All rows, records of both searches, sources below them."""
    text = command("report", job.profile.path, "--full", "--top=0")
    assert text.splitlines() == log_of(job)
    assert text.count("in loss record") >= 5 and "surplus reference to 1 object" in text


@pytest.mark.parametrize("scan", ["before", "after", "both"])
def test_same_short_text_with_leaks(leaking, command, tmp_path, scan):
    """With both searches, each leak counts once: CONFIG has a surplus reference before finalization, and is lost after it."""
    run = leaking(tmp_path / "job", options=("--leak-scan=" + scan,), short=True)
    text = command("report", run.profile.path, "--full")
    assert text.splitlines() == log_of(run)
    conclusion = text[text.index("CONCLUSION:"):]
    assert "\n   3 leaks, see " in conclusion
    assert re.search(r"fingerprint [0-9a-f]{16}$", text, re.MULTILINE)
    assert ", refcount 2 with 1 pointer to it" in text or scan == "after"
    assert "kept alive by __main__.CONFIG\n" in text or scan == "after"


def test_which_leaks_are_the_same():
    """Those of one fingerprint, and those that begin with one allocation; static objects have none."""
    record = collections.namedtuple("Record", "fingerprint stack first")
    is_known = known_leaks([record("a", 1, 10), record("b", 0, 0)], [record("a", 1, 10), record("b", 0, 0)])
    assert is_known(record("a", 2, 20)) and is_known(record("other kind", 1, 10))
    assert not is_known(record("c", 1, 11)) and not is_known(record("c", 2, 10)) and not is_known(record("c", 0, 0))
    assert not known_leaks([record("a", 1, 10)], [])(record("c", 1, 10))


DIE = """\
import os


def die():
    os.abort()


die()
"""


@pytest.mark.parametrize("importing", [False, True], ids=["", "importing"])
def test_same_text_after_a_signal(tool, command, release_python, tmp_path, importing):
    """With the stack of the thread that died, and the frames of importlib in it as one line."""
    (tmp_path / "pm_die.py").write_text(DIE)
    (tmp_path / "main.py").write_text("import pm_die\n" if importing else DIE)
    run = tool.run(release_python.path, tmp_path / "main.py", check=False, short=True)
    lines = [re.sub(r"^==\d+== ?", "", line) for line in run.log.splitlines()]
    start = next(index for index, line in enumerate(lines) if line.startswith("The process was killed by "))
    text = command("report", run.profile.path, "--full").splitlines()
    end = text.index("HEAP SUMMARY:")
    assert text[:end] == lines[start:lines.index("HEAP SUMMARY:")] and text[end:] == log_of(run)
    assert sum(line.startswith("   by die (") for line in text[:end]) == 1
    assert any("frames of importlib)" in line for line in text[:end]) == importing


def test_same_text_of_other_programs(tool, command, programs):
    """No Python; wrong frees; a child that a signal ends."""
    for name in ("allocators", "operators", "threads"):
        run = tool.run(programs[name], check=False, short=True)
        for pid, profile in run.profiles.items():
            expected = report_in(run.logs[pid])
            text = command("report", profile.path, "--full").splitlines()
            assert text[text.index("HEAP SUMMARY:"):] == expected


OVER_RELEASED = PROGRAMS / "over_released"


@pytest.mark.parametrize("arguments", [(), ("none",)], ids=["", "static"])
def test_same_text_of_over_released_objects(tool, command, release_python, tmp_path, arguments):
    """Also after the file went through merge."""
    release_python.compile_extensions(OVER_RELEASED / "pm_over_release.c")
    run = tool.run(release_python.path, "-S", OVER_RELEASED / "over_released.py", *arguments, env=release_python.env,
                   options=["--leak-scan=before"], short=True)
    text = command("report", run.profile.path, "--full")
    assert text.splitlines() == log_of(run)
    assert "at least 16 references too few to 4 objects that are still reachable" in text
    assert ("to one object in static memory: over-released" in text and "\n   never allocated\n" in text) == (
        bool(arguments) and release_python.version < (3, 12))     # None is immortal from then on
    command("merge", run.profile.path, "-o", tmp_path / "merged")
    assert command("report", tmp_path / "merged", "--full", "--top=0") == command(
        "report", run.profile.path, "--full", "--top=0")
    command("check", run.profile.path, "--before", "--kinds=deficit", status=1)


DEEP_CODE = ("import pm_deep\nfor n in range(10):\n    pm_deep.lose_two(n % 10 > 6)\n"
             "for n in range(1000):\n    pm_deep.lose(30)\n")


def test_same_text_of_deep_stacks(tool, command, release_python, tmp_path):
    """Frames that are left out, and one record of two lines of a C function."""
    if not release_python.has_headers:
        pytest.skip(f"no headers for {release_python.path}")
    compile_program(tmp_path / ("pm_deep" + release_python.suffix), PROGRAMS / "deep" / "pm_deep.cpp", "-shared", "-fPIC",
                    "-O0", "-Wno-missing-field-initializers", "-Wno-cast-function-type", "-isystem", release_python.include)
    run = tool.run(release_python.path, "-c", DEEP_CODE, env={"PYTHONPATH": tmp_path}, options=("--histogram=stack",),
                   short=True)
    text = command("report", run.profile.path, "--full", "--histogram=stack")
    assert text.splitlines() == log_of(run)
    assert text.count("[ ... not shown: ") > 1 and " 7 blocks\n      pm_deep" in text
    command("merge", run.profile.path, "-o", tmp_path / "merged")
    merged = command("report", tmp_path / "merged", "--full", "--histogram=stack")
    assert merged == text
    assert "not shown" not in command("report", run.profile.path, "--full", "--histogram=stack", "--num-callers=0")


def test_default_is_short(job, command):
    lines = command("report", job.profile.path).splitlines()
    assert len(lines) < 50
    text = "\n".join(lines)
    leaks, holds, allocates = (text.index(part) for part in ("What leaks:", "What holds most", "What allocates most"))
    assert leaks < holds < allocates
    assert re.search(r"10 x list at job.py:13 \(lose_lists\), fingerprint [0-9a-f]{16}", text[leaks:holds])
    assert "memory at job.py:17 (lose_memory)" in text[leaks:holds]


# --- tracemalloc ---

def snapshot_of(command, job, folder, metric):
    """The profile as a snapshot, converted and read by the Python that runs the tests."""
    command("convert", job.profile.path, "--to=tracemalloc", "--" + metric, "-o", folder / "snapshot")
    return tracemalloc.Snapshot.load(str(folder / "snapshot"))


@pytest.fixture
def snapshot(job, command, tmp_path):
    return snapshot_of(command, job, tmp_path, "live")


def table(text):
    """[(size, count, label)] of a table's rows."""
    rows = re.findall(r"^ *([\d,]+) +([\d,]+) +[\d,]+  (\S.*)$", text, re.MULTILINE)
    return [(int(size.replace(",", "")), int(count.replace(",", "")), label) for size, count, label in rows]


@pytest.mark.parametrize("group, key", [("line", "lineno"), ("file", "filename")])
def test_statistics_are_those_of_tracemalloc(job, command, snapshot, group, key):
    """Of Python code: same sums in the same order. (Where there is none, a snapshot has only the object.)"""
    def is_python(name):
        return name.startswith("<") or ".py" in name

    expected = [(stat.size, stat.count, "%s:%d" % (stat.traceback[0].filename, stat.traceback[0].lineno))
                for stat in snapshot.statistics(key) if is_python(stat.traceback[0].filename)]
    rows = [(size, count, label.split(" (")[0]) for size, count, label in rows_of(
        command, job.profile.path, "--group=" + group, "--python-paths=full") if is_python(label)]
    if group == "file":
        rows = [(size, count, label + ":0") for size, count, label in rows]
    assert rows == expected and len(rows) > 3


def test_cumulative(job, command, tmp_path):
    """As tracemalloc's, but that a block counts once for a line, also where a function calls itself: recurse()
    does, and importlib."""
    rows = {label.split(" (")[0]: (size, count) for size, count, label in rows_of(
        command, job.profile.path, "--cumulative", "--total", "--python-paths=full")}
    snapshot = snapshot_of(command, job, tmp_path, "total")
    once, repeated = {}, set()
    for trace in snapshot.traces:
        places = ["%s:%d" % (frame.filename, frame.lineno) for frame in trace.traceback if frame.lineno]
        repeated |= {place for place in places if places.count(place) > 1}
        for place in set(places):
            size, count = once.get(place, (0, 0))
            once[place] = size + trace.size, count + 1
    assert {place: rows[place] for place in once} == once
    for stat in snapshot.statistics("lineno", cumulative=True):
        place = "%s:%d" % (stat.traceback[0].filename, stat.traceback[0].lineno)
        if place in once and place not in repeated:
            assert rows[place] == (stat.size, stat.count)
    assert any("job.py" in place for place in repeated) and len(set(once) - repeated) > 5


def filtered(snapshot, *filters):
    return sum(trace.size for trace in snapshot.filter_traces(filters).traces)


def test_filters_are_those_of_tracemalloc(job, command, snapshot):
    script = next(trace.traceback[-1].filename for trace in snapshot.traces if trace.traceback[-1].filename.endswith("job.py"))
    cases = [(("--file=" + script,), (tracemalloc.Filter(True, script),)),
             (("--file=job.py",), (tracemalloc.Filter(True, script),)),
             (("--file=job.py:13",), (tracemalloc.Filter(True, script, 13),)),
             (("--file=job.py", "--all-frames"), (tracemalloc.Filter(True, script, all_frames=True),)),
             (("--file=job.py", "--file=<frozen*"), (tracemalloc.Filter(True, script), tracemalloc.Filter(True, "<frozen*"))),
             (("--file=*", "--not-file=job.py"), (tracemalloc.Filter(False, script), tracemalloc.Filter(False, "/usr/bin/*")))]
    for options, filters in cases:
        rows = table(command("report", job.profile.path, "--live", "--top=0", "--no-source", *options))
        assert sum(row[0] for row in rows) == filtered(snapshot, *filters), options
    assert filtered(snapshot, *cases[2][1]) > 0


# --- Groups and filters of our own ---

def rows_of(command, path, *options):
    return table(command("report", path, "--top=0", "--no-source", *options))


@pytest.mark.parametrize("metric", ["live", "peak", "total"])
@pytest.mark.parametrize("group", ["line", "function", "file", "module", "caller", "traceback", "phase", "stack"])
def test_groups_add_up(job, command, group, metric):
    """Each group's rows are all that was allocated."""
    rows = rows_of(command, job.profile.path, "--group=" + group, "--" + metric)
    sites = job.profile.sites
    assert sum(row[0] for row in rows) == sum(getattr(site, metric + "_bytes") for site in sites)
    assert sum(row[1] for row in rows) == sum(getattr(site, metric + "_blocks") for site in sites)


def test_groups_of_leaks(job, command):
    rows = rows_of(command, job.profile.path, "--group=type", "--leaked")
    assert ("list" in [label for _, _, label in rows]) and ("__main__.Config" in [label for _, _, label in rows])
    assert rows_of(command, job.profile.path, "--group=thread", "--leaked")[0][2] == "thread 1"
    functions = rows_of(command, job.profile.path, "--group=function", "--leaked")
    losses = [loss for loss in job.profile.losses if loss.kind in ("definite", "cycle", "surplus", "deficit", "possible")]
    assert sum(row[0] for row in functions) == sum(loss.bytes + loss.json["indirect_bytes"] for loss in losses)


def test_what_is_not_in_the_file_is_said(job, command):
    path = job.profile.path
    assert "types are known of what was in use" in command.complaint("report", path, "--group=type", "--total")
    assert "no snapshots" in command.complaint("report", "%s@first" % path)


def test_thread_and_domain_of_older_files(command, tmp_path):
    data = pack.sample()
    del data["sites"]["thread"], data["sites"]["domain"]
    path = pack.write(tmp_path, data)
    assert "no thread of allocation sites" in command.complaint("report", path, "--thread=1")
    assert "no domain" in command.complaint("report", path, "--domain=raw")
    assert "no domain" in command.complaint("report", path, "--leaked", "--group=domain")


def test_groups_of_thread_and_domain(job, command):
    """The sums are those of the columns in the file, and a filter gives one group."""
    columns = job.profile.json["sites"]
    for group, name_of in (("thread", lambda number: "thread %d" % number if number else "several threads"),
                           ("domain", ("unknown", "libc", "raw", "mem", "object", "C++").__getitem__)):
        sums = {}
        for number, size in zip(columns[group], columns["total_bytes"]):
            sums[name_of(number)] = sums.get(name_of(number), 0) + size
        rows = rows_of(command, job.profile.path, "--group=" + group, "--total")
        assert {label: size for size, _, label in rows} == {name: size for name, size in sums.items() if size}
    objects = rows_of(command, job.profile.path, "--domain=object", "--group=domain", "--total")
    assert [label for _, _, label in objects] == ["object"]
    leaked = rows_of(command, job.profile.path, "--group=domain", "--leaked")
    assert leaked and {label for _, _, label in leaked} <= {"unknown", "libc", "raw", "mem", "object", "C++"}


def test_filters(job, command):
    path = job.profile.path
    assert {label for _, _, label in rows_of(command, path, "--function=lose_lists", "--total")} == {
        "job.py:13 (lose_lists)", "job.py:12 (lose_lists)"}
    through = rows_of(command, path, "--object=pm_leaky.so")
    assert "job.py:17 (lose_memory)" in {label for _, _, label in through}
    imports = rows_of(command, path, "--phase=import", "--total")
    main = rows_of(command, path, "--not-phase=import", "--total")
    whole = rows_of(command, path, "--total")
    assert sum(row[0] for row in imports) + sum(row[0] for row in main) == sum(row[0] for row in whole)
    assert all("importlib" not in label for _, _, label in main) and len(imports) > 10
    assert "lose_memory" not in command("report", path, "--function=lose_lists")
    assert "What leaks:\n  nothing" in command("report", path, "--function=no_such")
    full = command("report", path, "--full", "--function=no_such")
    assert full.count("   none is selected\n") == 3 and "\n   no leaks\n" in full and "CONCLUSION:" in full
    full = command("report", path, "--full", "--function=lose_lists")
    assert "\n   1 leak, see " in full and "10 blocks are definitely lost" in full and "lose_memory" not in full


def test_sorting(job, command):
    for sort, key in (("size", lambda row: -row[0]), ("count", lambda row: -row[1]), ("average", lambda row: -row[0] / row[1])):
        rows = rows_of(command, job.profile.path, "--total", "--sort=" + sort)
        assert rows == sorted(rows, key=key)


def test_top(job, command):
    text = command("report", job.profile.path, "--total", "--top=2", "--no-source")
    rest = re.search(r"([\d,]+) +([\d,]+) +\(([\d,]+) smaller rows left out", text)
    whole = rows_of(command, job.profile.path, "--total")
    assert [int(number.replace(",", "")) for number in rest.groups()] == [
        sum(row[0] for row in whole[2:]), sum(row[1] for row in whole[2:]), len(whole) - 2]


def test_wrong_usage(job, command):
    for options in (("--top=-1",), ("--group=nonsense",), ("--histogram=nonsense",)):
        run = command.run("report", job.profile.path, *options)
        assert run.returncode == 2 and "Traceback" not in run.stderr
    assert "do not go with" in command.complaint("report", job.profile.path, "--full", "--total")
    assert "goes with" in command.complaint("report", job.profile.path, "--cumulative", "--group=stack")
    assert command.run().returncode == 2


# --- Where the output goes ---

def test_closed_pipe(job, command):
    """Nobody reads on: no complaint, and no traceback."""
    run = subprocess.run("%s %s report %s --full --top=0; echo $? >&2" % (sys.executable, command.path, job.profile.path)
                         + " | true", shell=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    head = subprocess.run("(%s %s report %s --full --top=0; echo status $? >&2) | head -n 1" % (
        sys.executable, command.path, job.profile.path), shell=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    assert head.stdout == b"HEAP SUMMARY:\n" and head.stderr == b"status 141\n"
    assert b"Traceback" not in run.stderr


def on_terminal(command, *arguments, **environment):
    """What the command writes to a terminal."""
    main, end = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", **environment}
    with subprocess.Popen([sys.executable, command.path, *map(str, arguments)], stdout=end, stderr=end,
                          stdin=subprocess.DEVNULL, env=environment) as process:
        os.close(end)
        chunks = []
        while True:
            try:
                chunk = os.read(main, 65536)
            except OSError:
                break
            if not chunk:
                break
            chunks.append(chunk)
        assert process.wait() == 0, b"".join(chunks)
    os.close(main)
    # A loaded machine takes longer than the time after which progress is shown; it is erased again.
    return re.sub(r"[^\r\n]* \.\.\.\r\x1b\[K", "", b"".join(chunks).decode())


def test_terminal_of_40_columns(job, command):
    text = on_terminal(command, "report", job.profile.path, COLUMNS="40", NO_COLOR="1")
    lines = text.replace("\r", "").splitlines()
    assert max(map(len, lines)) <= 40 and "\x1b" not in text
    # Nothing that a person needs is cut: names and fingerprints go on in the next line.
    leaks = [loss for loss in job.profile.losses_before if loss.kind in ("definite", "surplus")][:2]
    assert leaks and all(loss.json["fingerprint"] in text for loss in leaks)
    assert "_call_with_frames_removed)" in text.replace("\n", "").replace(" ", "")


def test_colours(job, command):
    pytest.importorskip("rich.console", reason="NOT TESTED: there is no rich for %s" % sys.executable)
    plain = on_terminal(command, "report", job.profile.path, COLUMNS="100", NO_COLOR="1")
    coloured = on_terminal(command, "report", job.profile.path, COLUMNS="100", NO_COLOR="")
    assert "\x1b[1m" in coloured and "\x1b" not in plain
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain
    assert "\x1b" not in on_terminal(command, "report", job.profile.path, TERM="dumb", NO_COLOR="")


def test_without_rich(job, tmp_path, command):
    """rich is not there: the same text, plain."""
    (tmp_path / "rich").mkdir()
    (tmp_path / "rich/__init__.py").write_text("raise ImportError('not here')")
    text = on_terminal(command, "report", job.profile.path, COLUMNS="100", NO_COLOR="", PYTHONPATH=str(tmp_path))
    assert "What leaks" in text


HOSTILE = ["/tmp/a\x1b[31mred.py", "/tmp/b\nc\r.py", "/tmp/\u202egpj.py", "/tmp/caf\u00e9 \u20ac \U0001f40d.py", "/tmp/\u2066x.py",
           "</script><b>.py", "[red]markup[/red].py", "%s %d {}.py", "=cmd()|x.py", "a;b c.py", "#comment.py", "x" * 100000 + ".py"]


@pytest.fixture
def hostile(tmp_path):
    """A profile whose Python file has each of these names in turn, and its functions too."""
    paths = []
    for number, name in enumerate(HOSTILE):
        data = pack.sample()
        data["strings"][9] = name
        data["strings"][10] = name + "()"
        paths.append(pack.write(tmp_path, data, "hostile%d" % number))
    return paths


def test_hostile_names(hostile, command):
    for name, path in zip(HOSTILE, hostile):
        for options in ((), ("--full",), ("--group=traceback",), ("--group=stack", "--total"), ("--group=module",)):
            text = command("report", path, *options)
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
            assert re.sub(r"[^\n]*", "", text).count("\n") == text.count("\n")
        shown = name.replace("\x1b", "\\x1b").replace("\n", "\\n").replace("\r", "\\r").replace("\u202e", "\\u202e") \
            .replace("\u2066", "\\u2066")
        assert shown.rsplit("/", 1)[-1] in command("report", path, "--total", "--group=line")


@pytest.mark.parametrize("locale", ["C", "POSIX"])
def test_other_encodings(hostile, command, locale):
    """Where the output's encoding lacks a character, its escape stands for it."""
    for encoding in ("ascii", "latin-1"):
        text = command.run("report", hostile[3], env={"LC_ALL": locale, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0",
                                                     "PYTHONCOERCECLOCALE": "0"}).data
        assert b"\\u20ac" in text and (b"caf\xe9" if encoding == "latin-1" else b"caf\\xe9") in text


def test_bad_files_end_in_one_line(tmp_path, command):
    bad = tmp_path / "bad\x1b[31m"
    bad.write_text("no profile")
    for arguments in (("report", bad), ("diff", bad, bad), ("check", bad), ("merge", bad, "-o", tmp_path / "out"),
                      ("suppress", bad), ("convert", bad, "--to=csv")):
        message = command.complaint(*arguments)
        assert message.startswith("pymemcheck: error: ") and "\\x1b[31m" in message and "\x1b" not in message
    assert "No such file" in command.complaint("report", tmp_path / "none")


@pytest.mark.parametrize("python", pack.PYTHONS, ids=pack.version_of)
def test_every_python_runs_the_command(job, python, command, tmp_path):
    """Same report from each Python 3."""
    environment = dict(os.environ, PYTHONPATH=str(pack.PACKAGE), LC_ALL="C.UTF-8")
    for arguments in (["report", job.profile.path, "--full"], ["convert", job.profile.path, "--to=pprof"],
                      ["merge", job.profile.path, "-o", "-"], ["check", job.profile.path, "--sarif=-"]):
        run = subprocess.run([python, "-m", "pymemcheck", *map(str, arguments)], env=environment, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        assert not run.stderr and run.stdout == command.run_here(*arguments).data


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_patience(monkeypatch):
    """What takes long is said on a terminal, and wiped away; what does not, and elsewhere, is not."""
    for stream, seconds, expected in ((Terminal(), 0.05, "reading x ...\r\x1b[K"), (Terminal(), 60, ""), (io.StringIO(), 0.05, "")):
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setattr(Patience, "SECONDS", seconds)
        with Patience("reading x"):
            time.sleep(1 if stream.isatty() and seconds < 1 else 0.1)
        assert stream.getvalue() == expected


def test_native_labels():
    """As the tool's report shows them (pymemcheck/report/pm_labels.c)."""
    from pymemcheck.labels import Labels
    from pymemcheck.profile import Frame
    shown = {("lk.so", "keep", 0x1f): "lk.so`keep+0x1f", ("/a/lk.so", "keep", 0): "lk.so`keep", ("/a/lk.so", "", 0x6f7a): "lk.so+0x6f7a",
             ("", "", 0x4f): "???`0x4f"}
    for (path, function, offset), text in shown.items():
        assert Labels().native(Frame("native", function, "", 0, path, offset, ())) == text
