# SPDX-License-Identifier: GPL-2.0-or-later
"""The text report, the options that change it, and that the program itself notices nothing."""
import json
import os
import re

import pytest

from pmtest import PROGRAMS, heap_totals

FUNC_ABC = PROGRAMS / "func_abc.py"
GROUPS = {
    "caller": "Python malloc byte distributions by engine caller",
    "function": "Python malloc byte distributions by Python file and function",
    "line": "Python malloc byte distributions by Python file and line",
    "stack": "Python malloc byte distributions by stack trace",
}
SHORT_GROUPS = dict(GROUPS, caller="Python malloc byte distributions by C function, while no Python function ran,")
SMALL = "kept = [b'x' * (40 + n % 7) for n in range(2000)]"


def groups_in(log):
    return [name for name, heading in GROUPS.items() if heading in log]


def rows_of(log, group):
    """The headings of a group's histograms."""
    part = log[log.index(GROUPS[group]):]
    part = part[:part.index("All by")]
    return re.findall(r"^==\d+==\s+(.*(?:bytes total|total bytes) = \d+)$", part, re.M)


@pytest.fixture(scope="module")
def plain(tool, python):
    return tool.run(python.path, FUNC_ABC)


def test_heap_summary_is_in_memchecks_words(plain):
    """HEAP SUMMARY, in use at exit and total heap usage as Memcheck prints them, then the peak. JSON has the same."""
    lines = re.sub(r"^==\d+== ?", "", plain.log, flags=re.M).splitlines()
    start = lines.index("HEAP SUMMARY:")
    assert re.fullmatch(r"    in use at exit: [\d,]+ bytes in [\d,]+ blocks", lines[start + 1])
    assert re.fullmatch(r"  total heap usage: [\d,]+ allocs, [\d,]+ frees, [\d,]+ bytes allocated", lines[start + 2])
    peak = re.fullmatch(r"   peak heap usage: ([\d,]+) bytes in ([\d,]+) blocks", lines[start + 3])
    totals = plain.profile.totals
    assert [int(figure.replace(",", "")) for figure in peak.groups()] == \
        [totals["peak_bytes"], totals["peak_blocks"]]
    assert totals["peak_bytes"] > 60_000
    assert totals["bytes"] >= totals["peak_bytes"] >= totals["live_bytes"]


def test_sums_of_the_sites_are_the_totals(plain):
    """Sites add up to the totals: blocks, bytes with padding, live and peak."""
    profile = plain.profile
    totals, sites = profile.totals, profile.sites
    assert sum(site.total_blocks for site in sites) == totals["allocs"]
    assert sum(site.total_bytes + site.padding_bytes for site in sites) == totals["bytes"]
    assert sum(site.padding_bytes for site in sites) == totals["padding_bytes"]
    assert sum(site.live_blocks for site in sites) == totals["live_blocks"] == totals["allocs"] - totals["frees"]
    assert sum(site.peak_blocks for site in sites) == totals["peak_blocks"]
    for site in sites:
        assert sum(site.sizes.values()) == site.total_blocks


def test_the_interpreter_is_named(plain, python):
    """The report says which Python it was."""
    name = plain.profile.json["run"]["python"]
    assert name.startswith("CPython " + ".".join(map(str, python.version)))
    assert ("debug" in name) == python.debug
    assert name in plain.log


def test_by_default_a_short_report(tool, release_python):
    """Three rows of each group, a line each, and a conclusion that is the end of the report."""
    run = tool.run(release_python.path, FUNC_ABC, short=True)
    lines = re.sub(r"^==\d+== ?", "", run.log, flags=re.M).splitlines()
    assert len(lines) < 90, run.log
    assert [name for name, heading in SHORT_GROUPS.items() if heading in run.log] == list(GROUPS)
    rows = [line for line in lines if re.search(r"(bytes total|total bytes) = \d+ in [\d,]+ request", line)]
    assert len(rows) == 12, run.log
    start = lines.index("CONCLUSION:")
    end = start + lines[start:].index("")
    assert end - start <= 10
    assert lines[start + 1] == "   no leaks"
    totals = run.profile.totals
    peak = re.fullmatch(r"   at the peak ([\d,]+) bytes in ([\d,]+) blocks, see .*", lines[start + 2])
    assert [int(figure.replace(",", "")) for figure in peak.groups()] == [totals["peak_bytes"], totals["peak_blocks"]]
    assert [line for line in lines[end:] if line.startswith(("   ", "LEAK", "HEAP"))] == []


def test_the_peak_by_line(tool, release_python):
    """What was allocated at the peak, though it is freed long before the exit."""
    script = tool.new_directory() / "peak.py"
    script.write_text("def load():\n"
                      "    return [bytes(99_999) for _ in range(40)]\n"
                      "len(load())\n")
    run = tool.run(release_python.path, "-S", script)
    part = run.log[run.log.index("Blocks allocated at the peak, by Python line"):run.log.index("Blocks still allocated")]
    first = part.splitlines()[3]
    assert re.search(r" 4,00\d,\d{3} +4\d .* peak\.py:2 \(", first), part
    assert run.profile.totals["peak_bytes"] > 4_000_000
    conclusion = run.log[run.log.index("CONCLUSION:"):]
    assert re.search(r" 4,00\d,\d{3} bytes in 4\d blocks: peak\.py:2 \(", conclusion), conclusion


def test_before_finalization_by_line(tool, release_python):
    """With --leak-scan=before, what the program kept to its end, though finalization frees it."""
    script = tool.new_directory() / "cache.py"
    script.write_text("CACHE = {}\n"
                      "def fill(n):\n"
                      "    CACHE[n] = bytes(9_999)\n"
                      "for n in range(50): fill(n)\n"
                      "big = len(bytes(5_000_000))\n")
    run = tool.run(release_python.path, "-S", script, options=["--leak-scan=before"])
    start = run.log.index("Blocks allocated before the interpreter's finalization, by Python line")
    part = run.log[start:run.log.index("Blocks still allocated")]
    # From 3.13 on the interpreter's own imports may hold more.
    rows = part.splitlines(keepends=True)[3:4 if release_python.version < (3, 13) else 5]
    assert any(re.search(r" 50\d,\d{3} +\d+ .* cache\.py:3 \(fill\)\n", row) for row in rows), part
    assert "cache.py:5" not in part
    assert "cache.py:3 (fill)" not in run.log[run.log.index("Blocks still allocated"):run.log.index("Leaks before")]
    assert re.search(r"in use before finalization [\d,]+ bytes", run.log[run.log.index("CONCLUSION:"):])
    without = tool.run(release_python.path, "-S", script)
    assert "before" not in without.log[without.log.index("HEAP SUMMARY"):]


def test_all_histograms_of_ten_rows(plain):
    """--histogram-top=10: four groups, ten rows each, the largest last, and what was left out with its total."""
    assert groups_in(plain.log) == list(GROUPS)
    for group in GROUPS:
        rows = rows_of(plain.log, group)
        sizes = [int(row.rsplit(" ", 1)[1]) for row in rows]
        assert len(rows) == 10 or "left out" not in plain.log
        assert sizes == sorted(sizes)
    assert re.search(r"\([\d,]+ smaller rows left out: [\d,]+ bytes in [\d,]+ blocks", plain.log)


@pytest.mark.parametrize("choice", ["none", "function", "caller,line", "stack,function", "all"])
def test_histogram_chooses_the_groups(tool, release_python, choice):
    """--histogram= prints the chosen groups only."""
    run = tool.run(release_python.path, "-S", FUNC_ABC, options=[f"--histogram={choice}"])
    wanted = {"none": [], "all": list(GROUPS)}.get(choice, choice.split(","))
    assert set(groups_in(run.log)) == set(wanted)
    assert "HEAP SUMMARY" in run.log
    assert ("Distribution" in run.log) == (choice != "none")


@pytest.mark.parametrize("top", [3, 0])
def test_histogram_top_limits_the_rows(tool, release_python, top):
    """--histogram-top=N shows the N largest rows and says what was left out; 0 shows all. The rows shown and those
    left out add up to the group's total."""
    run = tool.run(release_python.path, "-S", FUNC_ABC,
                   options=[f"--histogram-top={top}", "--histogram=function,line"])
    for group in "function", "line":
        part = run.log[run.log.index(GROUPS[group]):]
        end = re.search(r"All by .*: ([\d,]+) bytes in ([\d,]+) blocks", part)
        part, total = part[:end.start()], int(end[1].replace(",", ""))
        left_out = re.search(r"([\d,]+) smaller rows? left out: ([\d,]+) bytes", part)
        shown = [int(row.rsplit(" ", 1)[1]) for row in rows_of(run.log, group)]
        if top:
            assert len(shown) == top
            assert sum(shown) + int(left_out[2].replace(",", "")) == total
        else:
            assert left_out is None and len(shown) > 20
            assert sum(shown) == total


def test_python_paths(tool, release_python):
    """--python-paths=full writes whole file names everywhere, base only the last part."""
    full = tool.run(release_python.path, "-S", FUNC_ABC, options=["--python-paths=full", "--histogram-top=0"])
    base = tool.run(release_python.path, "-S", FUNC_ABC, options=["--python-paths=base", "--histogram-top=0"])
    assert re.search(rf"^==\d+==\s+{re.escape(str(FUNC_ABC))}, func_a, bytes total = ", full.log, re.M)
    assert re.search(r"^==\d+==\s+func_abc\.py, func_a, bytes total = ", base.log, re.M)
    report = base.log[base.log.index("HEAP SUMMARY"):]
    assert str(FUNC_ABC) not in report
    assert "[ func_abc.py:" in report


def test_live_blocks_by_line(tool, python):
    """Blocks still allocated at exit, the largest first: bytes, blocks, average and the text of the line."""
    script = tool.new_directory() / "leaves.py"
    script.write_text("import os\n"
                      "big = [bytearray(99_999) for _ in range(5)]\n"
                      "small = bytearray(50_000)\n"
                      "os._exit(0)\n")
    run = tool.run(python.path, script)
    part = run.log[run.log.index("Blocks still allocated at exit, by Python line"):]
    rows = [line for line in part.splitlines() if "leaves.py" in line]
    assert "leaves.py:2" in rows[0] and "leaves.py:3" in rows[1], part
    numbers = [int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", rows[0].split("==")[-1])]
    line = run.profile.at_line(str(script), 2)
    assert line.live_bytes > 500_000
    assert line.live_bytes in numbers and line.live_blocks in numbers
    assert "big = [bytearray(99_999) for _ in range(5)]" in part


def test_out_file_names(tool, programs):
    """--pymemcheck-out-file expands %p and %q{VAR}, and nothing is left of the temporary name."""
    directory = tool.new_directory()
    run = tool.run(programs["threads"], env={"PM_TEST_NAME": "a name"},
                   options=[f"--pymemcheck-out-file={directory}/%q{{PM_TEST_NAME}}-%p.json"])
    files = [path.name for path in directory.iterdir()]
    assert files == [f"a name-{run.pid}.json"]
    assert json.loads((directory / files[0]).read_text())["run"]["pid"] == run.pid


def test_default_out_file_and_log_on_stderr(tool, programs):
    """Without options the report goes to standard error and the profile to pymemcheck.out.<pid> in the current
    folder."""
    directory = tool.new_directory()
    run = tool.run(programs["threads"], files=False, cwd=directory)
    heap_totals(run.stderr)
    assert [path.name for path in directory.iterdir()] == [f"pymemcheck.out.{run.pid}"]


VARIABLES = "import os, subprocess, json; print(json.dumps([dict(os.environ), " \
            "subprocess.run(['/usr/bin/env', '-0'], stdout=-1, text=True).stdout]))"


@pytest.mark.parametrize("flags", ["", "-E", "-I"])
def test_environment_is_untouched(tool, python, flags):
    """os.environ and a child's environment are the same as under --tool=none, except for the files that Valgrind
    preloads, and have no PYTHONMALLOC."""
    seen = {}
    for name in "pymemcheck", "none":
        run = tool.run(python.path, *flags.split(), "-c", VARIABLES, tool=name)
        own, child = json.loads(run.stdout)
        seen[name] = own, dict(line.split("=", 1) for line in child.split("\0") if line)
        preloaded = own.pop("LD_PRELOAD").split(":")
        assert any(os.path.basename(path) == "vgpreload_pymemcheck-amd64-linux.so" for path in preloaded) \
            == (name == "pymemcheck")
        for environment in seen[name]:      # differs from run to run
            for changing in ("VALGRIND_LIB", "PYMEMCHECK_TOOL", "PWD", "OLDPWD", "_"):
                environment.pop(changing, None)
    assert seen["pymemcheck"] == seen["none"]
    assert "PYTHONMALLOC" not in seen["pymemcheck"][0] and "PYTHONMALLOC" not in seen["pymemcheck"][1]


@pytest.mark.parametrize("flag", ["-E", "-I", "-X dev", "-Es"])
def test_isolated_sees_every_object(tool, python, flag):
    """-E and -I, which make Python ignore its environment, hide no small objects; nor does -X dev."""
    run = tool.run(python.path, *flag.split(), "-S", "-c", SMALL)
    line = run.profile.in_function("<string>", python.comprehension())
    assert line.total_blocks >= 2000
    assert line.sizes[64] >= 2000       # 33 bytes of header and 40 to 46 of contents


@pytest.mark.parametrize("flags", ["-X dev -E", "-IX dev", "-Xdev -W error -sE"])
def test_objects_that_stay_hidden_get_a_hint(tool, release_python, flags):
    """-X dev with -E or -I hides small objects, and the report says so, unless --pymalloc=yes was given."""
    run = tool.run(release_python.path, *flags.split(), "-S", "-c", SMALL)
    if run.profile.in_function("<string>", release_python.comprehension()).total_blocks < 2000:
        assert "-X dev was given together with -E or -I" in run.log
        assert "-X dev" in run.profile.json["run"]["hint"]
    else:
        assert "hint" not in run.log
    wanted = tool.run(release_python.path, *flags.split(), "-S", "-c", SMALL, options=["--pymalloc=yes"])
    assert "hint" not in wanted.log
    for other in (["-X", "dev"], ["-E"], ["-X", "dev", "-c", "pass", "-E"]):
        assert "hint" not in tool.run(release_python.path, "-S", *other, "-c", "pass").log


def test_pymalloc_leaves_the_allocator(tool, release_python):
    """--pymalloc=yes leaves small objects in the interpreter's arenas: far fewer allocations, and the report says
    why. An environment that names an allocator is obeyed as well."""
    every = tool.run(release_python.path, "-S", "-c", SMALL)
    left = tool.run(release_python.path, "-S", "-c", SMALL, options=["--pymalloc=yes"])
    named = tool.run(release_python.path, "-S", "-c", SMALL, env={"PYTHONMALLOC": "pymalloc"})
    assert heap_totals(every.log).allocs > 5 * heap_totals(left.log).allocs
    assert "pymalloc" in left.log[left.log.index("HEAP SUMMARY"):]
    assert left.profile.json["run"]["pymalloc"] is True
    assert abs(heap_totals(named.log).allocs - heap_totals(left.log).allocs) < 20


@pytest.mark.parametrize("option", ["--histogram=foo", "--histogram-top=x", "--histogram-top=-1",
                                    "--python-paths=some", "--pymalloc=maybe", "--python-frames=0",
                                    "--xtree-memory=full", "--xtree-memory-file=/tmp/xtree",
                                    "--no-such-option=1"])
def test_bad_options(tool, option):
    """A bad option is an error that names it; the program is not run and the exit code is 1."""
    run = tool.run("/bin/echo", "was run", options=[option], files=False, check=False)
    assert run.returncode == 1
    assert option.split("=")[0] in run.stderr
    assert "was run" not in run.stdout


def test_a_program_that_is_not_python(tool, programs):
    """A C program gets the heap summary and histograms by C caller and by stack, without Python lines."""
    run = tool.run(programs["threads"])
    assert run.profile.json["run"]["python"] is None
    assert "Python file" not in run.log
    assert re.search(r"threads`work, total bytes = \d+", run.log), run.log
    assert all(not site.python for site in run.profile.sites)
    assert "hint" not in run.log


def test_engine_callers_are_no_layers(tool, python):
    """While the interpreter starts, dozens of C functions request memory. Each is shown by name, and none is an
    allocator layer of docs/allocator-layers.md."""
    page = (PROGRAMS.parents[1] / "docs/allocator-layers.md").read_text()
    layers = {name for line in page.splitlines() if line.startswith("- ") for name in re.findall(r"`([^`]+)`", line)}
    assert "PyObject_Malloc" in layers and len(layers) > 100
    run = tool.run(python.path, "-S", "-c", "pass", options=["--histogram=caller", "--histogram-top=0"])
    callers = re.findall(r"^==\d+==\s+(\S+)`(.*), total bytes = \d+$", run.log, re.M)
    assert len(callers) > 60
    for _, function in callers:
        plain = re.sub(r"(@@.*|\.(part|constprop|lto_priv|isra|cold)\b.*)$", "", function)
        assert plain not in layers and not plain.startswith("operator new"), function
    assert ("libc.so.6", "_nl_intern_locale_data") in callers


# The second is like a shim of pyenv.
SHELLS = ["#!/bin/sh\n{python} -S -c pass\nexit 0\n",
          "#!/usr/bin/env bash\nset -e\nprogram=${{0##*/}}\nexec {python} -S -c pass \"$program\" \"$@\"\n"]


@pytest.mark.parametrize("shell", SHELLS, ids=["runs", "execs"])
def test_a_shell_script_gets_a_hint(tool, release_python, shell):
    """A shell started by mistake instead of Python gets one line that names --trace-children=yes; with that option
    the Python that it starts is reported."""
    script = tool.new_directory() / "python"
    script.write_text(shell.format(python=release_python.path))
    script.chmod(0o755)
    run = tool.run(script, "script.py")
    hints = [line for line in run.log.splitlines() if "--trace-children=yes" in line]
    assert len(hints) == 1, run.log
    traced = tool.run(script, "script.py", options=["--trace-children=yes"])
    assert any(profile.json["run"]["python"] for profile in traced.profiles.values())


def test_trace_children(tool, release_python):
    """With --trace-children=yes a Python that a Python starts is reported under its own pid, with its objects."""
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {SMALL!r}], check=True)"
    run = tool.run(release_python.path, "-c", code, options=["--trace-children=yes"])
    (child,) = [profile for pid, profile in run.profiles.items() if pid != run.pid]
    assert child.json["run"]["ppid"] == run.pid
    assert child.in_function("<string>", release_python.comprehension()).total_blocks >= 2000
    assert run.profile.json["run"]["python"] == child.json["run"]["python"]


def test_two_runs_print_the_same(tool, release_python):
    """Equal runs give equal reports, except for process ids and addresses."""
    def report():
        run = tool.run(release_python.path, "-S", FUNC_ABC, options=["--pymemcheck-out-file=/dev/null"])
        text = re.sub(r"^==\d+==", "", run.log, flags=re.M)
        return re.sub(r"(Parent PID: \d+|/run\d+/log\S*)", "", text)
    first, second = report(), report()
    assert first == second
