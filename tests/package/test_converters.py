# SPDX-License-Identifier: GPL-2.0-or-later
"""Every format is read back by the program that it is for, and says there what the profile says."""
import base64
import csv
import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tracemalloc

import pytest

import pack
import pmtest

DHAT_VIEWER = "/usr/libexec/valgrind/dh_view.js"
METRICS = ("live", "peak", "total")


def need(program):
    path = shutil.which(program)
    if path is None:
        pytest.skip("NOT TESTED: there is no %s here" % program)
    return path


def output_of(*command, **more):
    run = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    assert run.returncode == 0, run
    return run.stdout.decode()


def total_of(run, name):
    return sum(getattr(site, name) for site in run.profile.sites)


def lists_lost(run, name="live_bytes"):
    """What lose_list() of the extension allocated."""
    return sum(getattr(site, name) for site in run.profile.from_native("lose_list"))


@pytest.fixture
def convert(command, tmp_path):
    def run(path, kind, *options):
        out = tmp_path / ("out." + kind)
        command("convert", path, "--to=" + kind, "-o", out, *options)
        return out
    return run


# --- DHAT ---

VIEWER = r"""
// Runs dh_view.js with as much of a document as it asks for, and prints the text that it shows.
const fs = require("fs"), vm = require("vm");
class Node {
  constructor(name) { this.tag = name; this.childNodes = []; this.classList = new Set(); this.style = {}; this.text = "";
    this.classList.contains = this.classList.has; this.classList.toggle = c => this.classList.add(c); }
  appendChild(kid) { this.childNodes.push(kid); kid.parentNode = this; return kid; }
  removeChild(kid) { this.childNodes = this.childNodes.filter(k => k !== kid); return kid; }
  replaceChild(kid, old) { this.childNodes[this.childNodes.indexOf(old)] = kid; return old; }
  get firstChild() { return this.childNodes[0]; } get lastChild() { return this.childNodes[this.childNodes.length - 1]; }
  get options() { return this.childNodes; }
  cloneNode() { return new Node(this.tag); }
  get selectedIndex() { return Math.max(0, this.childNodes.findIndex(k => k.selected)); }
  get nextSibling() { const k = this.parentNode.childNodes; return k[k.indexOf(this) + 1]; }
  addEventListener() {} setAttribute(k, v) { this[k] = v; } insertBefore(kid) { return this.appendChild(kid); }
  set textContent(t) { this.childNodes = []; this.text = t; }
  get textContent() { return this.text + this.childNodes.map(k => k.textContent).join(""); }
  set innerHTML(t) { throw new Error("names must not become markup"); }
}
const body = new Node("body");
const document = { body, createElement: n => new Node(n), createTextNode: t => { const n = new Node("#"); n.text = t; return n; },
  getElementById: () => body, addEventListener() {}, title: "", location: { search: "" } };
class FileReader {}
const context = vm.createContext({ document, window: {}, FileReader, URLSearchParams, console, performance: { now: () => 0 }, Math, JSON, Intl });
vm.runInContext(fs.readFileSync(process.argv[2], "utf8"), context);
context.data = fs.readFileSync(process.argv[3], "utf8");
context.shown = [];
vm.runInContext("onLoad(); gData = JSON.parse(data); gFilename = 'x'; buildTree(); displayTree();" +
                "shown = JSON.stringify({ text: document.body.textContent, total: gRoot._totalBytes, end: gRoot._atTEndBytes," +
                "max: gRoot._atTGmaxBytes, blocks: gRoot._totalBlocks })", context);
process.stdout.write(context.shown);
"""


def test_dhat(job, convert, node, tmp_path):
    """Valgrind's own viewer builds its tree of it and shows it, in node."""
    if not os.path.exists(DHAT_VIEWER):
        pytest.skip("NOT TESTED: there is no %s here" % DHAT_VIEWER)
    script = tmp_path / "view.js"
    script.write_text(VIEWER)
    shown = json.loads(output_of(node, script, DHAT_VIEWER, convert(job.profile.path, "dhat")))
    assert (shown["total"], shown["end"], shown["max"], shown["blocks"]) == tuple(
        total_of(job, name) for name in ("total_bytes", "live_bytes", "peak_bytes", "total_blocks"))
    assert "Allocated at {" in shown["text"] and re.search(r"#\d+: \[ \S+:\d+ \(.*\) \]", shown["text"])


# --- pprof ---

def test_pprof(job, convert):
    go = need("go")
    path = convert(job.profile.path, "pprof")
    environment = dict(os.environ, PPROF_TMPDIR=str(path.parent), HOME=str(path.parent))
    for index, name in (("inuse_space", "live_bytes"), ("peak_space", "peak_bytes"), ("alloc_space", "total_bytes")):
        text = output_of(go, "tool", "pprof", "-top", "-unit=B", "-nodecount=100000", "-nodefraction=0",
                         "-sample_index=" + index, path, env=environment)
        total = re.search(r"of (\d+)B total", text)
        assert int(total[1]) == total_of(job, name)
        lost = re.search(r"^ *\S+ +\S+ +\S+ +(\d+)B? +\S+ +pm_leaky\S*`lose_list$", text, re.MULTILINE)
        assert int(lost[1] if lost else 0) == lists_lost(job, name)
    peek = output_of(go, "tool", "pprof", "-list=lose_lists", path, env=environment)
    assert "pm_leaky.lose_list()" in peek       # source by file and line


def test_pprof_is_the_same_each_time(job, convert):
    first = convert(job.profile.path, "pprof").read_bytes()
    assert convert(job.profile.path, "pprof").read_bytes() == first and gzip.decompress(first)


# --- Callgrind ---

def test_callgrind(job, convert):
    annotate = need("callgrind_annotate")
    path = convert(job.profile.path, "callgrind")
    text = output_of(annotate, "--auto=no", "--threshold=100", "--inclusive=yes", path)
    numbers = re.search(r"^([\d,]+ \(100.0%\).*)PROGRAM TOTALS", text, re.MULTILINE)[1]
    assert [int(number.replace(",", "")) for number in re.findall(r"([\d,]+) \(100.0%\)", numbers)] == [
        total_of(job, metric + unit) for metric in METRICS for unit in ("_bytes", "_blocks")]
    inclusive = re.search(r"^ *([\d,]+) \([ \d.]+%\).*job.py:lose_lists \[python\]$", text, re.MULTILINE)
    assert int(inclusive[1].replace(",", "")) == sum(
        site.live_bytes for site in job.profile.sites if any(line.function == "lose_lists" for line in site.python))
    # Without native frames the lines of Python have the cost.
    source = output_of(annotate, "--auto=yes", "--threshold=100", convert(job.profile.path, "callgrind", "--python-only"))
    assert "pm_leaky.lose_list()" in source


# --- Massif ---

def test_massif(job, convert):
    text = output_of(need("ms_print"), "--threshold=0", convert(job.profile.path, "massif"))
    heap = re.findall(r"^ +(\d) +[\d,]+ +([\d,]+) +([\d,]+) +([\d,]+) +0$", text, re.MULTILINE)
    figures = [tuple(int(number.replace(",", "")) for number in row[1:]) for row in heap]
    totals = job.profile.totals
    assert [row[0] for row in figures] == [0, totals["peak_bytes"], totals["live_bytes"]]
    assert [row[1] for row in figures] == [0, total_of(job, "peak_bytes"), total_of(job, "live_bytes")]
    assert "Detailed snapshots: [1 (peak), 2]" in text and "job.py:13" in text


def test_massif_of_a_debug_build(tool, convert, compiled_interpreters):
    """Padding of debug hooks is extra heap."""
    path = pmtest.system_python() + "-dbg"
    if not os.path.exists(path):
        pytest.skip("NOT TESTED: there is no %s here" % path)
    run = tool.run(path, "-S", "-c", "x = [str(i) for i in range(1000)]")
    text = output_of(need("ms_print"), convert(run.profile.path, "massif"))
    extra = re.search(r"^ +1 +[\d,]+ +([\d,]+) +([\d,]+) +([\d,]+) +0$", text, re.MULTILINE)
    total, useful, padding = (int(number.replace(",", "")) for number in extra.groups())
    assert total == run.profile.totals["peak_bytes"] == useful + padding and padding > 0


# --- tracemalloc ---

@pytest.mark.parametrize("metric", METRICS)
def test_tracemalloc(job, convert, metric):
    snapshot = tracemalloc.Snapshot.load(str(convert(job.profile.path, "tracemalloc", "--" + metric)))
    assert sum(trace.size for trace in snapshot.traces) == total_of(job, metric + "_bytes")
    assert len(snapshot.traces) == total_of(job, metric + "_blocks")
    lines = {(stat.traceback[0].filename.rsplit("/", 1)[-1], stat.traceback[0].lineno): stat
             for stat in snapshot.statistics("lineno")}
    expected = job.profile.at_line("job.py", 17)
    assert (lines["job.py", 17].size, lines["job.py", 17].count) == (
        getattr(expected, metric + "_bytes", None) or sum(site.peak_bytes for site in expected.sites),
        sum(getattr(site, metric + "_blocks") for site in expected.sites))
    deep = max(snapshot.traces, key=lambda trace: len(trace.traceback))
    assert len(deep.traceback) > 3


@pytest.mark.parametrize("python", pack.PYTHONS, ids=pack.version_of)
def test_tracemalloc_of_every_python(job, python, tmp_path):
    code = ("import sys, tracemalloc; sys.path.insert(0, sys.argv[1]); from pymemcheck.command import main;"
            "assert main(['convert', sys.argv[2], '--to=tracemalloc', '-o', sys.argv[3]]) == 0;"
            "s = tracemalloc.Snapshot.load(sys.argv[3]);"
            "print(sum(t.size for t in s.traces), len(s.statistics('traceback')), len(s.compare_to(s, 'lineno')))")
    text = output_of(python, "-c", code, pack.PACKAGE, job.profile.path, tmp_path / "snapshot")
    assert int(text.split()[0]) == total_of(job, "live_bytes")


# --- Folded stacks and speedscope ---

@pytest.mark.parametrize("metric", METRICS)
def test_folded(job, convert, metric):
    """Each line is a stack from the outermost frame, and a number: the format of flamegraph.pl."""
    total, lost = 0, 0
    for line in convert(job.profile.path, "folded", "--" + metric).read_text(encoding="utf-8").splitlines():
        stack, size = re.match(r"(.+) (\d+)\Z", line).groups()
        total += int(size)
        if re.search(r"job.py:\d+ \(<module>\).*job.py:13 \(lose_lists\).*pm_leaky\S*`lose_list", stack):
            lost += int(size)
    assert total == total_of(job, metric + "_bytes") and lost == lists_lost(job, metric + "_bytes")


def test_python_only(job, convert):
    text = convert(job.profile.path, "folded", "--python-only", "--function=lose_lists", "--total").read_text()
    assert text and all("`" not in line and line.count(";") == 1 for line in text.splitlines())


@pytest.fixture(scope="module")
def speedscope_package(tmp_path_factory):
    """The speedscope package of npm."""
    npm = need("npm")
    folder = tmp_path_factory.mktemp("speedscope")
    run = subprocess.run([npm, "pack", "--silent", "speedscope@1"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    archives = list(folder.glob("speedscope-*.tgz"))
    if run.returncode != 0 or not archives:
        pytest.skip("NOT TESTED: npm does not give the speedscope package: %s" % run.stderr.decode()[-200:])
    subprocess.run(["tar", "xzf", archives[0].name], cwd=folder, check=True)
    return folder / "package" / "dist" / "release"


def test_speedscope_schema(job, convert, speedscope_package):
    """By the schema in the package."""
    jsonschema = pytest.importorskip("jsonschema", reason="NOT TESTED: there is no jsonschema here")
    data = json.loads(convert(job.profile.path, "speedscope", "--total").read_text())
    jsonschema.validate(data, json.loads((speedscope_package / "file-format-schema.json").read_text()))
    assert [profile["endValue"] for profile in data["profiles"]] == [total_of(job, metric + "_bytes") for metric in METRICS]
    assert data["profiles"][data["activeProfileIndex"]]["name"] == "allocated in all"


@pytest.mark.parametrize("kind", ["speedscope", "folded", "callgrind"])
def test_speedscope(job, convert, speedscope_package, tmp_path, kind):
    """The package's page opens it, in a browser without a window, and names it. It reads other formats, too."""
    browser = shutil.which("chromium") or need("chromium-browser")
    data = convert(job.profile.path, kind, "--function=lose_lists", "--total")
    script = tmp_path / "profile.js"
    name = {"speedscope": "x.json", "folded": "x.txt", "callgrind": "callgrind.out"}[kind]
    script.write_text("speedscope.loadFileFromBase64(%s, %s)" % (
        json.dumps(name), json.dumps(base64.b64encode(data.read_bytes()).decode())))
    page = "file://%s/index.html#localProfilePath=%s" % (speedscope_package, script)
    text = output_of(browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader",
                     "--enable-unsafe-swiftshader", "--allow-file-access-from-files", "--user-data-dir=%s/browser" % tmp_path,
                     "--virtual-time-budget=20000", "--dump-dom", page, timeout=200)
    title = re.search(r"<title>(.*?)</title>", text)[1]
    assert "[object" not in title and ("job.py - speedscope" in title or name in title), text[-2000:]
    assert "Something went wrong" not in text and "alert" not in text


# --- CSV ---

def test_csv(job, convert):
    rows = list(csv.DictReader(io.StringIO(convert(job.profile.path, "csv").read_text(encoding="utf-8"))))
    sites = job.profile.sites
    assert len(rows) == len(sites)
    for row, site in zip(rows, sites):
        assert (int(row["total_bytes"]), int(row["live_blocks"]), int(row["padding_bytes"])) == (
            site.total_bytes, site.live_blocks, site.padding_bytes)
        if site.python:
            assert (row["function"], row["line"]) == (site.python[0].function, str(site.python[0].line))
    assert any(row["function"] == "lose_list" or row["c_function"] == "PyList_New" for row in rows)


# --- All ---

HOSTILE = ["a;b c.py", "#no comment.py", "=1+1.py", "nl\n(x).py", "\x1b[31m", "</script>", "q\"'`\\.py", "\u202egpj.py"]


@pytest.mark.parametrize("kind", ["dhat", "pprof", "folded", "speedscope", "callgrind", "massif", "tracemalloc", "csv"])
def test_hostile_names(command, tmp_path, kind, convert):
    """They stay in their places: the readers still understand the file."""
    for number, name in enumerate(HOSTILE):
        data = pack.sample()
        data["strings"][4], data["strings"][9], data["strings"][10] = name, name, name
        path = convert(pack.write(tmp_path, data, "hostile%d" % number), kind, "--total")
        content = path.read_bytes()
        if kind not in ("pprof", "tracemalloc"):
            assert not re.search(b"[\x00-\x08\x0b\x0c\x0e-\x1f]", content)
        if kind == "folded":
            assert sum(int(line.rsplit(b" ", 1)[1]) for line in content.splitlines()) == 17508
        elif kind == "csv":
            rows = list(csv.DictReader(io.StringIO(content.decode())))
            assert len(rows) == 2 and not any(cell.startswith("=") for row in rows for cell in row.values())
        elif kind == "massif":
            assert "(17,508B) (heap allocation functions)" in output_of(need("ms_print"), path)
        elif kind == "callgrind":
            assert "17,508" in output_of(need("callgrind_annotate"), "--auto=no", path)
        elif kind == "pprof":
            text = output_of(need("go"), "tool", "pprof", "-top", "-unit=B", "-sample_index=alloc_space", path,
                             env=dict(os.environ, HOME=str(tmp_path)))
            assert "17508B total" in text
        elif kind in ("dhat", "speedscope"):
            json.loads(content.decode())


def test_empty_profile(command, tmp_path, convert):
    """A program that allocated nothing."""
    data = pack.sample()
    data["sites"] = {key: [] for key in data["sites"]}
    data["totals"] = dict.fromkeys(data["totals"], 0)
    data["snapshots"] = None
    path = pack.write(tmp_path, data)
    for kind in ("dhat", "pprof", "folded", "speedscope", "callgrind", "massif", "tracemalloc", "csv"):
        assert convert(path, kind).exists()
    output_of(need("ms_print"), convert(path, "massif"))
    assert tracemalloc.Snapshot.load(str(convert(path, "tracemalloc"))).statistics("lineno") == []


@pytest.mark.parametrize("words", [*(("convert", "--to=" + name) for name in (
    "csv", "dhat", "pprof", "folded", "speedscope", "callgrind", "massif", "tracemalloc")), ("merge", "-o-")], ids=" ".join)
def test_closed_pipe(job, command, words):
    """Nobody reads: the command ends as if by SIGPIPE, and says nothing."""
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run([sys.executable, command.path, *words, str(job.profile.path)], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert run.returncode == 141 and run.stderr == b""
