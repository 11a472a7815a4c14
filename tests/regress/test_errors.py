# SPDX-License-Identifier: GPL-2.0-or-later
"""Errors: wrong frees, compared with Memcheck's, and what the core's error manager does with errors:
suppressions, suggestions, counts, exit codes."""
import re
import subprocess

import pytest

from pmtest import PROGRAMS, compile_program, is_inlined, needs_core

KINDS = ("Invalid free()", "Mismatched free()")
RIGHT = {"nothing", "right", "aligned"}     # cases without an error


@pytest.fixture(scope="module")
def wrong_frees(tmp_path_factory):
    return compile_program(tmp_path_factory.mktemp("wrong_frees") / "wrong_frees",
                           PROGRAMS / "wrong_frees.cpp", "-O1", "-fno-inline", "-fno-optimize-sibling-calls")


@pytest.fixture(scope="module")
def case_names(wrong_frees):
    return subprocess.run([wrong_frees], check=True, stdout=subprocess.PIPE, text=True).stdout.split()


def blocks_of(log):
    """The log's paragraphs without the core's prefix."""
    text = "\n".join(re.sub(r"^(==|--)\d+(==|--) ?", "", line) for line in log.splitlines())
    return [part for part in text.split("\n\n") if part.strip()]


def errors(log):
    """Those that were reported whole; equal ones follow in a line or two each."""
    parts = [part.strip() for part in blocks_of(log)]
    return [part for part in parts if part.startswith(KINDS) and not re.match(r".*free\(\) again at ", part)]


def summary(log):
    """Numbers of errors, contexts, suppressed errors and suppressed contexts."""
    found = re.search(r"ERROR SUMMARY: (\d+) errors from (\d+) contexts \(suppressed: (\d+) from (\d+)\)", log)
    assert found, log
    return tuple(map(int, found.groups()))


def kinds(log):
    """Kind of each error and the program's function that it is in, in order."""
    function = re.compile(r"(?:by|at) (?:0x[0-9A-F]+: |wrong_frees`)(?:\(anonymous namespace\)::)?(\w+)\(")
    return [(kind, function.search(error)[1]) for error in errors(log) for kind in KINDS
            if error.startswith(kind)]


def test_as_memcheck(tool, wrong_frees, case_names):
    """We find each kind of wrong free where Memcheck does, and as often. The program goes on."""
    assert len(case_names) >= 25
    for names in (case_names, ["all", "all"]):
        ours = tool.run(wrong_frees, *names)
        theirs = tool.run(wrong_frees, *names, tool="memcheck", options=["--leak-check=no"])
        assert ours.stdout == theirs.stdout == "done\n"
        assert kinds(ours.log) == kinds(theirs.log)
        assert {function for _, function in kinds(ours.log)} == set(case_names) - RIGHT
        assert summary(ours.log)[:2] == summary(theirs.log)[:2]
        counts = [wrong["count"] for wrong in ours.profile.json["wrong_frees"]]
        assert (sum(counts), len(counts)) == summary(ours.log)[:2]
        assert re.search(rf"CONCLUSION:\n==\d+==    {sum(counts)} wrong frees \(\d+ mismatched, \d+ invalid\), the first: ", ours.log)


@pytest.mark.parametrize("name, first, place, allocated", [
    ("twice", "Invalid free() / delete / delete[] / realloc(): the block is free already",
     "is 0 bytes inside a block of size 24 free'd", "malloc"),
    ("interior", "Invalid free() / delete / delete[] / realloc()",
     "is 8 bytes inside a block of size 40 alloc'd", "malloc"),
    ("interior_of_freed", "Invalid free() / delete / delete[] / realloc()",
     "is 16 bytes inside a block of size 48 free'd", "malloc"),
    ("new_free", "Mismatched free() / delete / delete []",
     "is 0 bytes inside a block of size 4 alloc'd", "operator new(unsigned long)"),
    ("stack", "Invalid free() / delete / delete[] / realloc()", "is on thread 1's stack", None),
    ("data", "Invalid free() / delete / delete[] / realloc()", "data symbol", None),
    ("wild", "Invalid free() / delete / delete[] / realloc()",
     "is not stack'd, malloc'd or on a free list", None),
])
def test_what_is_said(tool, wrong_frees, name, first, place, allocated):
    """An error says what it is, where, what the address is in, and where that block came from."""
    error, = errors(tool.run(wrong_frees, name).log)
    lines = error.splitlines()
    assert lines[0] == first
    assert lines[1] == "   at libc.so.6`free"
    assert re.match(r"   by wrong_frees`.*main\+0x", lines[2] if "main" in lines[2] else lines[3])
    assert re.search(r"\bmain\+0x[0-9a-f]+ \(wrong_frees\.cpp:\d+\)\n", error)
    assert place in error
    if allocated is None:
        assert "alloc'd at" not in error
    else:
        assert f"   at {'libstdc++' if 'new' in allocated else 'libc'}.so.6`{allocated}" in error


def test_exit_code(tool, wrong_frees):
    assert tool.run(wrong_frees, "twice").returncode == 0
    assert tool.run(wrong_frees, "twice", options=["--error-exitcode=33"], check=False).returncode == 33
    assert tool.run(wrong_frees, "right", options=["--error-exitcode=33"], check=False).returncode == 0


FREES = """\
{
   frees in main and what it calls
   pymemcheck:Free
   fun:free
   ...
   fun:main
}
{
   never
   Memcheck,pymemcheck:Free
   fun:free
   obj:*/no_such_object
}
{
   of another tool
   Memcheck:Cond
   no line of ours
}
"""


def test_suppressed(tool, wrong_frees):
    """Suppressed errors are counted but not shown; -v lists used and unused entries."""
    path = tool.new_directory() / "frees.supp"
    path.write_text(FREES)
    options = [f"--suppressions={path}"]
    run = tool.run(wrong_frees, "twice", "in_a_loop", "malloc_delete", options=options)
    assert kinds(run.log) == [("Mismatched free()", "malloc_delete")]
    assert summary(run.log) == (1, 1, 6, 2)
    run = tool.run(wrong_frees, "twice", "in_a_loop", options=[*options, "-v", "--error-exitcode=9"])
    assert summary(run.log) == (0, 0, 6, 2)
    assert re.search(rf"used_suppression: +6 frees in main and what it calls {path}:2\n", run.log)
    assert f"unused_suppression: never {path}:9\n" in run.log
    assert "of another tool" not in run.log
    assert "used_suppression" not in tool.run(wrong_frees, "twice", options=options).log


@pytest.mark.parametrize("wrong, line, expected", [
    ("fun:free", 4, ""),                                    # no change
    ("func:free", 4, 'not "func:free"'),
    ("pytype:list", 4, "a pytype: line is not allowed in an entry of kind Free"),
    ("...", 8, "at least one line"),
])
def test_wrong_entry(tool, wrong_frees, wrong, line, expected):
    """A wrong entry ends the run before the program starts. The message has file, line and what was expected."""
    path = tool.new_directory() / "wrong.supp"
    path.write_text(f"{{\n   name\n   pymemcheck:Free\n   {wrong}\n   ...\n\n# remark\n}}\n")
    run = tool.run(wrong_frees, "right", options=[f"--suppressions={path}"], check=False)
    if not expected:
        assert run.returncode == 0 and run.stdout == "done\n"
        return
    assert run.returncode == 1 and run.stdout == ""
    said, = [part for part in run.log.splitlines() if f"{path}:{line}: " in part]
    assert expected in said
    assert f'FATAL: in suppressions file "{path}" near line {line}:' in run.log


def test_many_entries(tool, wrong_frees):
    """The core reads files in pieces, we read them as a whole. Both must continue at the same line, in every
    file, whatever its lines look like."""
    directory = tool.new_directory()
    options = []
    for number in range(3):
        entries = "".join(f"{{\n # {'x' * (index * 7 % 300)}\n\n\t name {number}-{index}  \n"
                          f"{'Memcheck,' * (index % 2)}pymemcheck:{'Free' if index % 3 else 'Leak'}\n"
                          + "".join(f"  fun:f{line}{'_' * (index * line % 90)}\n" for line in range(1 + index % 9))
                          + "}" + "\r" * (index % 5 == 0) + "\n" * (index != 199)
                          for index in range(200))
        path = directory / f"{number}.supp"
        path.write_text(entries)
        options.append(f"--suppressions={path}")
    run = tool.run(wrong_frees, "twice", options=[*options, "-v"])
    unused = re.findall(r"unused_suppression: (name \S+) (\S+):(\d+)\n", run.log)
    assert len(unused) == 600
    for name, path, line in unused:
        assert open(path, newline="\n").read().split("\n")[int(line) - 1].strip() == name
    assert summary(run.log) == (1, 1, 0, 0)


@needs_core("suppressions")
def test_no_default_files(tool, wrong_frees):
    """Without default suppression files the tool runs and warns; with --default-suppressions=no it does not warn."""
    directory = tool.new_directory()
    for path in (tool.build_directory / "in-place").iterdir():
        if path.suffix != ".supp":
            (directory / path.name).symlink_to(path.resolve())
    valgrind = re.search(r"^exec '(.*)' --tool", tool.starter.read_text(), re.M)[1]
    start = [valgrind, "--tool=pymemcheck", "--histogram=none", "--pymemcheck-out-file=/dev/null"]
    environment = {"VALGRIND_LIB": str(directory)}
    run = tool.run_native(*start, wrong_frees, "twice", env=environment)
    assert "block is free already" in run.stderr and run.stdout == "done\n"
    for name in ("default.supp", "pymemcheck.supp"):
        assert f"default suppression file not found: {directory}/{name}\n" in run.stderr
    run = tool.run_native(*start, "--default-suppressions=no", wrong_frees, "twice", env=environment)
    assert "block is free already" in run.stderr and "default suppression file" not in run.stderr


def suggestions(text):
    return re.findall(r"^\{\n(?:   .*\n)+\}\n", text, re.M)


@needs_core("suppressions")
def test_suggested(tool, wrong_frees, case_names):
    """Entries printed by --gen-suppressions=all suppress these errors and no others."""
    first = tool.run(wrong_frees, *case_names, options=["--gen-suppressions=all"])
    entries = suggestions(first.log)
    assert len(entries) == summary(first.log)[1] > 20
    path = tool.new_directory() / "all.supp"
    path.write_text("".join(entries))
    second = tool.run(wrong_frees, *case_names, options=[f"--suppressions={path}", "--error-exitcode=9"])
    assert summary(second.log) == (0, 0, *summary(first.log)[:2])
    path.write_text("".join(entries[1:]))
    third = tool.run(wrong_frees, *case_names, options=[f"--suppressions={path}"])
    assert summary(third.log)[1] == 1


def test_first_free(tool, wrong_frees):
    """--keep-stacktraces=alloc-and-free shows where a block was freed first."""
    hint = "--keep-stacktraces=alloc-and-free shows where it was freed first"
    plain, = errors(tool.run(wrong_frees, "realloc_freed").log)
    assert hint in plain and plain.count("libc.so.6`") == 2
    whole, = errors(tool.run(wrong_frees, "realloc_freed", options=["--keep-stacktraces=alloc-and-free"]).log)
    assert hint not in whole
    assert re.findall(r"at libc.so.6`(\w+)", whole) == ["realloc", "free", "malloc"]


DOMAINS = ("libc", "raw", "mem", "object")
FAMILY = {"libc": ("malloc", "free"), "raw": ("PyMem_RawMalloc", "PyMem_RawFree"),
          "mem": ("PyMem_Malloc", "PyMem_Free"), "object": ("PyObject_Malloc", "PyObject_Free")}


@pytest.fixture(scope="module")
def domains(python, tmp_path_factory):
    """An extension compiled so that no call becomes a jump at the end of a function."""
    directory = tmp_path_factory.mktemp("domains")
    compile_program(directory / f"pm_domains{python.suffix}", PROGRAMS / "domains" / "pm_domains.c", "-O2",
                    "-shared", "-fPIC", "-fno-optimize-sibling-calls", f"-I{python.include}")
    return {"PYTHONPATH": str(directory)}


def test_domains(tool, python, domains):
    """A block of one of CPython's interfaces must be freed by the same interface; matching pairs are no errors.
    Debug builds find such mixes themselves and end the program."""
    pairs = [(took, gave) for took in DOMAINS for gave in DOMAINS if took == gave or not python.debug]
    path = tool.new_directory() / "script.py"
    path.write_text("import pm_domains\n" + "".join(f"pm_domains.pair({took!r}, {gave!r})\n" for took, gave in pairs)
                    + "".join(f"pm_domains.resize({name!r}, {name!r})\n" for name in DOMAINS) + "print('done')\n")
    run = tool.run(python.path, "-S", path, env=domains)
    assert run.stdout == "done\n"
    expected = [(number, pair) for number, pair in enumerate(pairs, 2) if pair[0] != pair[1]]
    found = errors(run.log)
    assert len(found) == len(expected) and len(expected) in (0, 12)
    for error, (line, (took, gave)) in zip(found, expected):
        assert error.startswith(f"Mismatched free(): {FAMILY[gave][1]} or ")
        assert f" of a block from {FAMILY[took][0]}, " in error.splitlines()[0]
        freed, _, allocated = error.partition(" Address ")
        assert "`give+" in freed and "`take" in allocated
        assert freed.count(f" <module> ({path}:{line})\n") == allocated.count(f" <module> ({path}:{line})") == 1
    if expected:
        off = tool.run(python.path, "-S", path, env=domains, options=["--show-mismatched-frees=no"])
        assert errors(off.log) == []


def test_equal_ones_name_their_blocks(tool, python, domains):
    """An equal error is counted by the core in silence. We say which block it was, and who allocated that, twenty times."""
    if python.debug:
        pytest.skip("debug builds find such mixes themselves and end the program")
    path = tool.new_directory() / "script.py"
    path.write_text("import pm_domains\nfor i in range(30):\n    pm_domains.pair('raw', 'mem')\n")
    run = tool.run(python.path, "-S", path, env=domains)
    again = re.findall(rf"Mismatched free\(\) again at {re.escape(str(path))}:3 \(<module>\), with the same stack as before, (\d+) times "
                       r"by now(; further ones are counted only)?\n==\d+==  Address 0x[0-9a-f]+ is 0 bytes inside a block of size \d+"
                       rf" alloc'd at {re.escape(str(path))}:3 \(<module>\)\n", run.log)
    assert [int(count) for count, _ in again] == list(range(2, 21)) and [bool(last) for _, last in again] == 18 * [False] + [True]
    # From 3.13 on the first call of the loop has other native frames.
    assert len(errors(run.log)) in ((1,) if python.version < (3, 13) else (1, 2)) and summary(run.log)[:2] == (30, len(errors(run.log)))
    run = tool.run(python.path, "-S", path, env=domains, options=["--xml=yes", "--xml-file=" + str(path.parent / "x.xml")])
    assert " again at " not in run.log + (path.parent / "x.xml").read_text()


def test_domain_of_documentation(tool, any_python, tmp_path):
    """The interpreter frees tp_doc of a class by PyMem_Free from 3.13 on. Where that is inlined, nothing names the domain, so
    the error is missed; and what is right is never an error."""
    if any_python.version < (3, 13) or any_python.debug:
        pytest.skip("PyObject_Free before 3.13, and debug builds end the program")
    compile_program(tmp_path / f"pm_domains{any_python.suffix}", PROGRAMS / "domains" / "pm_domains.c", "-O2",
                    "-shared", "-fPIC", "-fno-optimize-sibling-calls", "-isystem", any_python.include)
    script = tmp_path / "script.py"
    for by_object in (1, 0):
        script.write_text(f"import gc, pm_domains\npm_domains.document({by_object})\ngc.collect()\n")
        log = tool.run(any_python.path, "-S", script, env={"PYTHONPATH": str(tmp_path)}).log
        assert log.count("Mismatched free(): PyMem_Free or PyMem_Realloc of a block from PyObject_Malloc") == \
            (by_object and not is_inlined(any_python))


def test_no_false_domains(tool, python):
    """Extension modules of the standard library do not mix interfaces."""
    path = tool.new_directory() / "script.py"
    path.write_text("""\
import array, asyncio, bz2, csv, ctypes, datetime, decimal, hashlib, json, lzma, mmap, pickle, select, socket
import struct, unicodedata, zlib
import xml.etree.ElementTree as tree
tree.fromstring("<a><b c='1'/></a>")
for module in (zlib, bz2, lzma):
    assert module.decompress(module.compress(b"x" * 10000)) == b"x" * 10000
decimal.Decimal(1) / 3
hashlib.sha256(b"x").hexdigest()
pickle.loads(pickle.dumps([1, "a", {}]))
asyncio.run(asyncio.sleep(0))
print("done")
""")
    run = tool.run(python.path, "-S", path)
    assert run.stdout == "done\n" and errors(run.log) == []


# Loss records.

LEAKS = """\
#include <stdlib.h>
#include <string.h>
void *volatile sink;
char *inner;
__attribute__((noinline)) void lose(int n) { for (int i = 0; i < n; i++) sink = malloc(100); sink = NULL; }
__attribute__((noinline)) void list(void) { void **p = malloc(64); *p = malloc(32); sink = p; sink = NULL; }
__attribute__((noinline)) void dubious(void) { inner = (char *)malloc(48) + 10; }
__attribute__((noinline)) void clear(void) { char a[4096]; memset(a, 0, sizeof a); __asm__ volatile("" : : "r"(a) : "memory"); }
int main(void) { sink = malloc(20); free(sink); lose(5); list(); dubious(); clear(); sink = malloc(77); return 0; }
"""

LOSING = """\
import ctypes
libc = ctypes.CDLL(None)
libc.calloc.restype = ctypes.c_void_p
def lose(n):
    for _ in range(n):
        libc.calloc(1, 3000)
def other():
    libc.calloc(1, 5000)
"""


@pytest.fixture(scope="module")
def leaks(tmp_path_factory):
    directory = tmp_path_factory.mktemp("leaks")
    (directory / "leaks.c").write_text(LEAKS)
    return compile_program(directory / "leaks", directory / "leaks.c", "-O1", "-fno-optimize-sibling-calls")


@pytest.fixture(scope="module")
def losing(tmp_path_factory):
    directory = tmp_path_factory.mktemp("losing")
    (directory / "pkg").mkdir()
    (directory / "pkg" / "__init__.py").write_text("")
    (directory / "pkg" / "losing.py").write_text(LOSING)
    script = directory / "script.py"
    script.write_text("from pkg import losing\nlosing.lose(4)\nlosing.other()\n")
    return script


def records(log):
    """Kind and bytes of each loss record shown."""
    return [(kind, int(amount.replace(",", ""))) for amount, kind in
            re.findall(r"== ([\d,]+) (?:\(.*\) )?bytes in [\d,]+ blocks are (.*) in loss record", log)]


def leak_sums(log):
    table = log.partition("LEAK SUMMARY:")[2]
    return {name: (int(amount.replace(",", "")), int(blocks.replace(",", "")))
            for name, amount, blocks in re.findall(r"== +([\w -]+): ([\d,]+) bytes in ([\d,]+) blocks", table)}


ALL_RECORDS = [("definitely lost", 500), ("definitely lost", 96), ("possibly lost", 48),
               ("indirectly lost", 32), ("still reachable", 77)]


@pytest.mark.parametrize("options, shown, counted", [
    ([], [0, 1, 2], 3),
    (["--show-leak-kinds=all"], [0, 1, 2, 3, 4], 3),
    (["--show-leak-kinds=possible,reachable", "--errors-for-leak-kinds=definite"], [2, 4], 2),
    (["--show-leak-kinds=none", "--errors-for-leak-kinds=none"], [], 0),
    (["--errors-for-leak-kinds=all"], [0, 1, 2], 5),
    (["--leak-check=summary"], [], 0),
])
def test_leak_kinds(tool, leaks, options, shown, counted):
    """Options choose which records are shown and which are errors, as in Memcheck; --error-exitcode depends on errors."""
    run = tool.run(leaks, options=[*options, "--error-exitcode=5"], check=False)
    assert records(run.log) == [ALL_RECORDS[index] for index in shown]
    assert summary(run.log) == (counted, counted, 0, 0)
    assert run.returncode == (5 if counted else 0)
    theirs = tool.run(leaks, options=["--leak-check=full", *options, "--error-exitcode=5"], check=False,
                      tool="memcheck")
    assert summary(theirs.log)[:2] == (counted, counted)
    assert theirs.returncode == run.returncode


def test_wrong_leak_kinds(tool, leaks):
    for option in ("--show-leak-kinds=lost", "--errors-for-leak-kinds="):
        run = tool.run(leaks, options=[option], check=False)
        assert run.returncode == 1
        assert "'definite', 'cycle'" in run.stderr + "".join(run.logs.values())


def test_leaks_suppressed(tool, leaks):
    """The summary counts suppressed blocks as suppressed instead of by kind, as Memcheck does."""
    path = tool.new_directory() / "leaks.supp"
    path.write_text("{\n lost\n Memcheck,pymemcheck:Leak\n match-leak-kinds: definite\n fun:malloc\n fun:lose\n}\n"
                    "{\n dubious\n pymemcheck:Leak\n match-leak-kinds: reachable,surplus\n ...\n fun:dubious\n}\n")
    options = ["-v", f"--suppressions={path}"]
    run = tool.run(leaks, options=options)
    assert records(run.log) == [("definitely lost", 96), ("possibly lost", 48)]
    assert leak_sums(run.log)["definitely lost"] == (64, 1)
    assert leak_sums(run.log)["suppressed"] == (500, 5)
    assert run.profile.json["leaks"]["summary"]["suppressed"] == [500, 5]
    assert summary(run.log) == (2, 2, 1, 1)
    assert re.search(rf"used_suppression: +1 lost {path}:2 suppressed: 500 bytes in 5 blocks\n", run.log)
    assert f"unused_suppression: dubious {path}:9\n" in run.log
    path.write_text(path.read_text().partition("}\n")[0] + "}\n")
    theirs = tool.run(leaks, options=["--leak-check=full", f"--suppressions={path}"], tool="memcheck")
    assert leak_sums(theirs.log)["suppressed"] == (500, 5)
    assert leak_sums(theirs.log)["definitely lost"] == (64, 1)


@needs_core("suppressions")
def test_leaks_suggested(tool, leaks):
    entries = suggestions(tool.run(leaks, options=["--gen-suppressions=all"]).log)
    assert [re.search("match-leak-kinds: (.*)", entry)[1] for entry in entries] == ["definite", "definite", "possible"]
    path = tool.new_directory() / "all.supp"
    path.write_text("".join(entries))
    run = tool.run(leaks, options=[f"--suppressions={path}"])
    assert records(run.log) == [] and summary(run.log) == (0, 0, 3, 3)


@pytest.mark.parametrize("lines, left", [
    ("fun:calloc\n...\npyfun:pkg.losing.lose", [5000]),
    ("...\npyfun:pkg.losing.*", []),
    ("...\npyfile:pkg/losing.py\n...\npyfile:*/script.py", []),
    ("...\npyfun:other\npyfun:script.<module>", [12000]),
    ("...\npyfun:other\npyfun:losing.<module>", [12000, 5000]),
])
def test_python_lines(tool, python, losing, lines, left):
    path = tool.new_directory() / "python.supp"
    path.write_text(f"{{\n name\n pymemcheck:Leak\n {lines}\n}}\n")
    run = tool.run(python.path, "-S", losing, options=[f"--suppressions={path}", "--show-leak-kinds=definite"])
    assert [amount for _, amount in records(run.log) if amount in (12000, 5000)] == left


@needs_core("suppressions")
def test_python_suggested(tool, python, losing):
    """Suggestions with Python lines suppress the same leaks in another run."""
    options = ["--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]
    first = tool.run(python.path, "-S", losing, options=[*options, "--gen-suppressions=all"])
    entries = [entry for entry in suggestions(first.log) if "pyfun:" in entry]
    assert any(re.search(r"\n   pyfun:losing\.lose\n   pyfun:script\.<module>\n", entry) for entry in entries)
    path = tool.new_directory() / "python.supp"
    path.write_text("".join(suggestions(first.log)))
    second = tool.run(python.path, "-S", losing, options=[*options, f"--suppressions={path}"])
    assert summary(first.log)[1] >= 2
    assert summary(second.log) == (0, 0, *summary(first.log)[:2])


def test_only(tool, python, losing, leaks):
    """--only-file and --only-object show records whose stack passes through it; others are counted apart."""
    run = tool.run(python.path, "-S", losing, options=["--only-file=pkg/*", "--show-leak-kinds=definite"])
    assert sorted(amount for _, amount in records(run.log)) == [5000, 12000]
    assert leak_sums(run.log)["definitely lost"] == (17000, 5)
    run = tool.run(python.path, "-S", losing, options=["--only-file=pkg/*", "--only-object=_ctypes.so",
                                                       "--only-object=no_such", "--show-leak-kinds=definite"])
    assert sorted(amount for _, amount in records(run.log)) == [5000, 12000]
    assert run.profile.json["leaks"]["summary"]["definite"] == [17000, 5]
    run = tool.run(leaks, options=["--only-object=libc.so", "--error-exitcode=5"])
    assert records(run.log) == [] and summary(run.log) == (0, 0, 0, 0)
    assert leak_sums(run.log)["left out by --only-"] == (644, 8)


PHASES = """import sys
sys.path.insert(0, sys.argv[1])
import once
once.lose(7000)
"""
ONCE = """import ctypes
libc = ctypes.CDLL(None)
libc.calloc.restype = ctypes.c_void_p
libc.calloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
def lose(size):
    libc.calloc(1, size)
lose(3000)
libc.calloc(1, 4000)
libc.calloc(1, 4100)
class Late:
    calloc = libc.calloc
    def __del__(self):
        self.calloc(1, 9000)
late = Late()
late.itself = [late]
"""


def test_only_phase(tool, release_python):
    """--only-phase shows records with blocks of that phase; a line sums up those of import only."""
    path = tool.new_directory()
    (path / "script.py").write_text(PHASES)
    (path / "once.py").write_text(ONCE)

    def lost(*options):
        run = tool.run(release_python.path, "-S", path / "script.py", path, options=["--show-leak-kinds=definite", *options])
        sizes = sorted(record["bytes"] for record in run.profile.json["leaks"]["records"]
                       if record["kind"] == "definite" and not record["left_out"] and record["bytes"] >= 3000)
        return run, sizes

    run, sizes = lost()
    assert sizes == [4000, 4100, 9000, 10000]       # lose(3000) and lose(7000) are one record
    summed_up = re.search(r"== (\d+) of (\d+) leaks were allocated during import only, ([\d,]+) bytes in (\d+) blocks ",
                          run.log)
    assert int(summed_up[1]) >= 2 and int(summed_up[2]) >= int(summed_up[1]) + 2
    assert int(summed_up[3].replace(",", "")) >= 8100
    run, sizes = lost("--only-phase=main,finalization")
    assert sizes == [9000, 10000] and "during import only" not in run.log
    assert leak_sums(run.log)["left out by --only-"][0] >= 8100
    assert lost("--only-phase=main")[1] == [10000]
    assert lost("--only-phase=finalization")[1] == [9000]
    assert lost("--only-phase=import")[1] == [4000, 4100, 10000]


def test_double_free_in_python(tool, python):
    """Both stacks of a wrong free have Python lines."""
    path = tool.new_directory() / "script.py"
    path.write_text("import ctypes\nlibc = ctypes.CDLL(None)\nlibc.malloc.restype = ctypes.c_void_p\n"
                    "libc.free.argtypes = [ctypes.c_void_p]\n"
                    # Else ctypes makes an int of what is left in RAX, and the int may take the block's memory.
                    "libc.free.restype = None\n"
                    "def make():\n    return libc.malloc(24)\n"
                    "def drop(p):\n    libc.free(p)\n"
                    "p = make()\ndrop(p)\ndrop(p)\nprint('done')\n")
    run = tool.run(python.path, "-S", path)
    assert run.stdout == "done\n"
    error, = errors(run.log)
    freed, _, allocated = error.partition("Block was alloc'd at")
    assert error.startswith("Invalid free() / delete / delete[] / realloc(): the block is free already\n")
    assert f"   by drop ({path}:9)\n" in freed and f"   by <module> ({path}:12)\n" in freed
    assert f"   by make ({path}:7)\n" in allocated and f"   by <module> ({path}:10)\n" in allocated + "\n"


def test_conclusion_of_a_fork_child(tool, release_python):
    """The conclusion names wrong frees, and a child's only its own."""
    script = tool.new_directory() / "twice.py"
    script.write_text("import ctypes, os\n"
                      "libc = ctypes.CDLL(None)\n"
                      "libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]\n"
                      "def twice():\n"
                      "    block = libc.malloc(24)\n"
                      "    libc.free(block)\n"
                      "    libc.free(block)\n"
                      "for _ in range(5): twice()\n"
                      "for count in (0, 2):\n"
                      "    if os.fork() == 0:\n"
                      "        for _ in range(count): twice()\n"
                      "        os._exit(0)\n"
                      "    os.wait()\n")
    run = tool.run(release_python.path, "-S", script)
    first = {pid: re.search(r"CONCLUSION:\n==\d+==    (.*)\n", log)[1] for pid, log in run.logs.items()}
    assert first.pop(run.pid) == "5 invalid frees, the first: twice.py:7 (twice)"
    assert [first[pid] for pid in sorted(first)] == ["no leaks", "2 invalid frees, the first: twice.py:7 (twice)"]
