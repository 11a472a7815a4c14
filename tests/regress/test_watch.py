# SPDX-License-Identifier: GPL-2.0-or-later
"""--watch-refs: every change of a watched count is seen."""
import pathlib
import re
import subprocess
import xml.etree.ElementTree

import pytest

import pmtest

MANY = pmtest.PROGRAMS / "watched_many.py"
TYPES = ["Plain", "Slotted", "Text", "Number", "Items", "Pair", "Table", "Group", "Error", "Ring"]


def watch(*rules):
    return ["--histogram=none", "--watch-refs=" + ",".join(rules)]


def check_sums(tool, python, *arguments):
    """The oracle: what the program itself says, by sys.getrefcount, of ten thousand objects of ten types."""
    run = tool.run(python.path, MANY, *arguments, options=[*watch(*(f"type:__main__.{name}" for name in TYPES)),
                                                           "--leak-check=no", "--watch-refs-all=yes"], timeout=1200)
    said = {int(address, 16): int(count) for address, count in
            (line.split() for line in run.stdout.splitlines() if line.startswith("0x"))}
    assert len(said) == 10000
    watched = run.profile.json["watched"]
    counted = {address: (opening + up - down, opening, unseen) for address, opening, up, down, unseen, count
               in watched["living"] if count > 0}
    wrong = {address: (count, counted.get(address)) for address, count in said.items()
             if address not in counted or counted[address][0] != count}
    assert not wrong, f"{len(wrong)} objects: {list(wrong.items())[:10]}"
    assert watched["unseen_changes"] == 0 and watched["lost_changes"] == 0
    assert all(opening == 0 for _, opening, unseen in counted.values()), "each was seen from its birth on"
    assert watched["objects"] >= 11000 and watched["gone"] >= 1000
    assert run.profile.json["troubles"]["unreadable_stacks"] == 0
    return run


def test_sum_of_changes_is_the_count(tool, any_python):
    check_sums(tool, any_python)


def test_sums_over_tests_of_the_library(tool, any_python):
    if subprocess.run([any_python.path, "-c", "import test.list_tests"], stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip(f"{any_python.path} has no tests of its library (Debian: libpython3.11-testsuite)")
    run = check_sums(tool, any_python, "library")
    assert int(re.search(r"^(\d+) tests of the library", run.stdout, re.M)[1]) >= 100
    assert run.profile.json["watched"]["gone"] >= 2000


WATCHED = pmtest.PROGRAMS / "watched"
TAKERS = WATCHED / "takers.py"
SAID = re.compile(r"# (TAKER|GIVER): ([\w:]+) (\d+)$")
DIST_PACKAGES = pathlib.Path("/usr/lib/python3/dist-packages")
PYBIND11 = pathlib.Path("/usr/include/pybind11/pybind11.h")


@pytest.fixture
def watched_python(any_python):
    if any_python.version < (3, 9):
        pytest.skip("the extension is for 3.9 and later")
    any_python.compile_extensions(TAKERS.with_name("pm_watched.c"))
    return any_python


def expected_of(script):
    """By the line where the objects are born, and TAKER or GIVER: the function and the number of its references."""
    said = ((number, SAID.search(line)) for number, line in enumerate(script.read_text().splitlines(), 1))
    return {(number, found[1]): (found[2], int(found[3])) for number, found in said if found}


def plain_name(owner):
    """The function of an owner, without the object file, what compilers append, C++'s arguments and Cython's prefix."""
    return re.sub(r"^__pyx_p[fw]_\d+\w+_\d+(?=[a-z])", "", re.sub(r"[.(].*", "", owner.rpartition("`")[2]))


def rows(script, profile, losses):
    """By the line where its objects were born, and TAKER or GIVER: the rows of the balance of each record."""
    strings = profile.json["strings"]
    found = {}
    for loss in losses:
        balance = loss.json["balance"]
        if balance and loss.python and loss.python[0].file.endswith(script.name):
            kind = "GIVER" if balance["too_few"] else "TAKER"
            found.setdefault((loss.python[0].line, kind), []).extend(
                (plain_name(strings[row["owner"]]), row["references"]) for row in balance["unbalanced"])
    return found


def test_culprits_stand_first(tool, watched_python):
    """Each kind of mistake: the function that made it stands first, with the number of references."""
    expected = expected_of(TAKERS)
    assert len(expected) == 14
    rules = [f"line:takers.py:{line}" for line, _ in expected]
    run = tool.run(watched_python.path, "-S", TAKERS, env=watched_python.env, check=not watched_python.debug,
                   options=[*watch(*rules), "--leak-scan=both"])
    found = rows(TAKERS, run.profile, run.profile.losses_before)
    wrong = {place: found.get(place) for place, row in expected.items() if found.get(place, [None])[0] != row}
    assert not wrong, f"expected {({place: expected[place] for place in wrong})}"
    assert run.profile.json["watched"]["unseen_changes"] == 0
    assert "in 4 of 4 leaked and 0 of 96 freed objects" in run.log
    assert found[next(place for place, row in expected.items() if row[0] == "take_twice")][1] == ("take_once", 1)


def test_heap_type(tool, watched_python):
    """Instances took their class's references where they were made. That is all the balance can have, so the deallocator
    that should have given them back is named beside it."""
    born = pmtest.line_of(TAKERS, "pm_watched.make_type()")
    run = tool.run(watched_python.path, "-S", TAKERS, env=watched_python.env, check=not watched_python.debug,
                   options=[*watch(f"line:takers.py:{born}"), "--leak-scan=before"])
    loss, = [loss for loss in run.profile.losses_before if loss.python and loss.python[0].line == born
             and loss.types == [("type", 1)]]
    row = loss.json["balance"]["unbalanced"][0]
    assert row["references"] >= 9 and row["places"][0]["change"] == 10
    frames = run.profile.json["frames"]
    assert pmtest.line_of(TAKERS, "        kind()") == frames[row["places"][0]["python"]]["line"]
    assert re.search(r"for this function to give it back: pm_watched\.[\w.-]*`heap_dealloc", run.log)


@pytest.mark.parametrize("name, script", [("Copied", TAKERS), ("Fixed", "import pm_watched as w; a = [w.make_fixed() for _ in 'abc']"),
                                          ("list", "a = [[] for _ in 'abc']")])
def test_nothing_is_missed_in_sleep(tool, release_python, name, script):
    """The watch wakes up for a class of this name. A pattern has it awake from the first frame on."""
    release_python.compile_extensions(TAKERS.with_name("pm_watched.c"))
    command = ["-S", script] if script == TAKERS else ["-S", "-c", script]
    seen = []
    for rule in (f"type:{name}", f"type:{name[:-1]}?"):
        run = tool.run(release_python.path, *command, env=release_python.env,
                       options=[*watch(rule), "--leak-check=no", "--watch-refs-all=yes"])
        watched = run.profile.json["watched"]
        seen.append([watched[key] for key in ("objects", "gone", "changes", "unseen_changes", "stacks")]
                    + [living[1:] for living in watched["living"]])
        assert watched["objects"] >= 3
    assert seen[0] == seen[1]


def check_maker(tool, python, script, folder):
    """The one culprit of a script whose extension is in a folder."""
    (line, kind), row = next(iter(expected_of(script).items()))
    run = tool.run(python.path, "-S", script, env={"PYTHONPATH": f"{folder}:{DIST_PACKAGES}"},
                   options=[*watch(f"line:{script.name}:{line}"), "--leak-scan=before"])
    assert rows(script, run.profile, run.profile.losses_before).get((line, kind)) == [row]
    assert run.profile.json["watched"]["unseen_changes"] == 0


def test_function_of_cython(tool, release_python, tmp_path):
    pmtest.compile_cython(release_python, WATCHED / "pm_by_cython.pyx", tmp_path)
    check_maker(tool, release_python, WATCHED / "made_by_cython.py", tmp_path)


def test_holder_of_pybind11(tool, release_python, tmp_path):
    """Its constructor took the reference. The function that bound its method get passes on what that took."""
    if not PYBIND11.exists() or not release_python.has_headers:
        pytest.skip("no pybind11-dev, or no headers of Python")
    pmtest.compile_program(tmp_path / ("pm_by_pybind11" + release_python.suffix), WATCHED / "pm_by_pybind11.cpp", "-shared",
                           "-fPIC", "-O1", "-isystem", release_python.include)
    check_maker(tool, release_python, WATCHED / "made_by_pybind11.py", tmp_path)


def test_handle_of_cffi(tool, release_python):
    if not (DIST_PACKAGES / "cffi").exists():
        pytest.skip("no python3-cffi")
    release_python.compile_extensions(WATCHED / "pm_watched.c")
    check_maker(tool, release_python, WATCHED / "made_by_cffi.py", release_python.extensions)


def test_over_released_none(tool, watched_python):
    """None is in static memory, and has no birth: it is watched by its name. From 3.12 on it is immortal."""
    run = tool.run(watched_python.path, "-S", TAKERS, "none", env=watched_python.env, check=False,
                   options=[*watch("object:builtins.None"), "--leak-scan=before"])
    watched = run.profile.json["watched"]
    if watched_python.version >= (3, 12):
        assert watched["immortal"] == 1 and watched["objects"] == 0
        return
    loss, = [loss for loss in run.profile.losses_before if loss.kind == "deficit" and loss.json["stack"] == 0]
    row = loss.json["balance"]["unbalanced"][0]
    assert run.profile.json["strings"][row["owner"]].endswith("`no_none") and row["given"] == 3000
    # A few of them may have been references that are older than the watch.
    assert 2900 <= row["references"] <= 3000


def test_fingerprints_are_equal_in_both_runs(tool, release_python):
    """A record's fingerprint, taken from a run without the option, chooses its objects in the next run."""
    release_python.compile_extensions(TAKERS.with_name("pm_watched.c"))
    options = ["--histogram=none", "--leak-scan=before"]
    first = tool.run(release_python.path, "-S", TAKERS, env=release_python.env, options=options)
    prints = {loss.json["fingerprint"]: loss for loss in first.profile.losses_before
              if loss.kind in ("definite", "surplus", "deficit")}
    assert len(prints) >= 14 and first.profile.json["watched"] is None
    assert all(loss.json["balance"] is None for loss in first.profile.losses_before)
    second = tool.run(release_python.path, "-S", TAKERS, env=release_python.env, options=[*watch(*prints), "--leak-scan=before"])
    again = {loss.json["fingerprint"]: loss for loss in second.profile.losses_before
             if loss.kind in ("definite", "surplus", "deficit")}
    assert again.keys() == prints.keys()
    for fingerprint, loss in again.items():
        assert loss.types == prints[fingerprint].types and loss.blocks == prints[fingerprint].blocks
        assert loss.json["balance"]["objects"] == loss.blocks
        assert loss.json["balance"]["unbalanced"]


@pmtest.needs_core("lines")         # the core's own line is that of the header that has Py_INCREF
def test_text(tool, release_python):
    """The layout of the balance under its record, and of what is watched without a leak."""
    release_python.compile_extensions(TAKERS.with_name("pm_watched.c"))
    source = tool.new_directory() / "job.py"
    source.write_text("import pm_watched\nclass Config: pass\nCONFIG = Config()\n"
                      "def work():\n    for _ in range(12): pm_watched.take_once(CONFIG)\nwork()\nFINE = Config()\n")
    run = tool.run(release_python.path, "-S", source, env=release_python.env,
                   options=["--leak-scan=before", "--watch-refs=type:Config", "--watch-refs-all=yes"])
    line = pmtest.line_of(TAKERS.with_name("pm_watched.c"), "static PyObject *take_once") + 2
    assert re.search(r"taken and never given back:\n==\d+== +\+12  pm_watched\.[\w.-]*so`take_once(\+0x\w+)? "
                     rf"\(pm_watched\.c:({line}|{line - 1})\) +job\.py:5 \(work\)", run.log)
    assert re.search(r"explained by pointers that were found:\n==\d+== +\+1 .*job\.py:3 \(<module>\) +held by __main__\.CONFIG",
                     run.log)
    assert re.search(r"1 reference to 1 x __main__\.Config in no loss record, born at job\.py:7", run.log)
    assert re.search(r"balanced .*: [1-9]\d* places, (\d+) up, (\d+) down", run.log)
    path = tool.new_directory() / "log.xml"
    tool.run(release_python.path, "-S", source, env=release_python.env,
             options=["--leak-scan=before", "--watch-refs=type:Config", "--xml=yes", f"--xml-file={path}"])
    root = xml.etree.ElementTree.parse(path).getroot()
    told = [text.text or "" for text in root.iter("auxwhat")]
    assert any("+12" in text and "take_once" in text and "job.py:5" in text for text in told)
    watched, = [[text.text for text in section] for section in root.iter("watched")]
    assert watched[0] == "Watched objects (--watch-refs):"
    assert any(text.startswith("1 reference to 1 x __main__.Config in no loss record, born at job.py:7") for text in watched)


@pytest.mark.parametrize("value", ["", "type:", "line:job.py", "line:job.py:0", "line:job.py:x", "nothing", "0123",
                                   "type:A,,type:B", "0123456789abcdeg"])
def test_bad_values(tool, release_python, value):
    run = tool.run(release_python.path, "-c", "pass", options=[f"--watch-refs={value}"], check=False)
    assert run.returncode == 1
    assert "type:NAME, line:FILE:LINE" in run.stderr and f"--watch-refs={value}" in run.stderr


def test_nothing_without_the_option(tool, release_python):
    run = tool.run(release_python.path, "-S", "-c", "pass", options=["--histogram=none"])
    assert run.profile.json["watched"] is None and "Watched objects" not in run.log


def test_names_that_are_not_found(tool, release_python):
    run = tool.run(release_python.path, "-S", "-c", "pass", options=watch("object:builtins.nothing", "object:no.such"))
    assert run.profile.json["watched"]["not_found"] == 2 and "2 names of object: not found" in run.log


def test_limits(tool, release_python):
    """An object that dies and one that comes from a free list at the same address are two."""
    run = tool.run(release_python.path, "-S", "-c", "class L(list): pass\nfor _ in range(1000): L()\nfor _ in range(500): []",
                   options=watch("type:L"))
    watched = run.profile.json["watched"]
    assert watched["objects"] == 1000 == watched["gone"]
    run = tool.run(release_python.path, "-S", "-c", "def f():\n  for _ in range(700): x = [1]\nf()", options=watch("line:<string>:2"))
    assert run.profile.json["watched"]["objects"] >= 700


def test_objects_from_free_lists(tool, release_python):
    """Whether its place or its type decides about an object that comes from a free list, the same ones are watched."""
    program = "def f():\n  for _ in range(700): x = [1.5]\n  return x\n\ndef g():\n  return [[2.5] for _ in range(50)]\na = f(), g()"
    seen = []
    for rules in (["line:<string>:2"], ["line:<string>:2", "0000000000000000"], ["line:<string>:2", "type:NoSuchType"]):
        run = tool.run(release_python.path, "-S", "-c", program,
                       options=[*watch(*rules), "--leak-check=no", "--watch-refs-all=yes"])
        watched = run.profile.json["watched"]
        seen.append([watched[key] for key in ("objects", "gone", "changes", "unseen_changes")]
                    + [living[1:] for living in watched["living"]])
    assert seen[0][0] >= 700 and seen[0][3] == 0 and seen == [seen[0]] * 3


TASK = """
import asyncio

class Context:
    pass

class BadName:
    def __str__(self):
        raise RuntimeError("no name")

async def work():
    pass

def again(task, context):
    for _ in range(100):
        coroutine = work()
        try:
            task.__init__(coroutine, context=context, name=BadName())
        except RuntimeError:
            pass
        coroutine.close()

CONTEXT = Context()
TASK = asyncio.Task.__new__(asyncio.Task)
again(TASK, CONTEXT)
"""


def test_leak_of_cpython(tool, release_python):
    """The example of docs/watch-refs.md: a task whose __init__ is called again keeps its old context."""
    if release_python.version >= (3, 12, 1):
        pytest.skip("this leak is mended there")
    source = tool.new_directory() / "task.py"
    source.write_text(TASK)
    run = tool.run(release_python.path, source, options=[*watch("type:__main__.Context"), "--leak-scan=before"])
    loss, = [loss for loss in run.profile.losses_before if loss.json["balance"]]
    row, = loss.json["balance"]["unbalanced"]
    owner = run.profile.json["strings"][row["owner"]]
    assert owner.startswith("_asyncio.") and owner.endswith(("Task___init__", "Task___init___impl", "???"))
    assert (loss.surplus_references, row["references"], row["role"]) == (99, 99, "extension")


ASKS = """
import pymemcheck
from pymemcheck import client_requests
import pm_watched


class Thing:
    pass


thing, other = Thing(), Thing()
pm_watched.take_once(thing)
pymemcheck.watch(thing)
pymemcheck.watch(thing)
def load():
    for number in range(7):
        pm_watched.take_once(thing)                # HERE
load()
pymemcheck.watch(other)
for address in 0, 8, 2 ** 63, id(thing) + 1, id(thing) + 8:
    try:
        client_requests.watch(address)
    except pymemcheck.RequestError as error:
        assert error.answer == client_requests.BAD_ARGUMENT
    else:
        raise AssertionError(hex(address))
"""


def asking(tool, python, tmp_path, program, *options):
    python.compile_extensions(TAKERS.with_name("pm_watched.c"))
    path = tmp_path / "asks.py"
    path.write_text(program)
    return path, tool.run(python.path, path, env={"PYTHONPATH": f"{pmtest.PACKAGE}:{python.extensions}"},
                          options=["--histogram=none", "--leak-scan=before", *options])


def test_the_program_asks(tool, release_python, tmp_path):
    """What was taken after the request has its place; what was taken before is a number. The reference that the call of watch
    itself had is nobody's fault."""
    path, run = asking(tool, release_python, tmp_path, ASKS, "--watch-refs=asked")
    assert run.profile.json["watched"]["objects"] == 2
    lines = run.log[run.log.index("8 surplus references"):].splitlines()
    taken = lines[next(number for number, line in enumerate(lines) if "taken and never given back:" in line) + 1]
    here = pmtest.line_of(path, "HERE")
    assert re.search(rf" \+7  pm_watched.*`take_once.* asks.py:{here} \(load\)$", taken), "\n".join(lines[:30])
    assert "in no loss record, born at asks.py" in run.log


@pytest.mark.parametrize("option, object_", [("--watch-refs-all=no", "[]"), ("--watch-refs=type:nothing", "None")])
def test_what_cannot_be_watched(tool, release_python, tmp_path, option, object_):
    """Without the option; and what is immortal, where there are such objects."""
    program = f"import pymemcheck, sys\ntry:\n    pymemcheck.watch({object_})\nexcept pymemcheck.RequestError as error:\n    print(error)\n"
    _, run = asking(tool, release_python, tmp_path, program, option)
    if option == "--watch-refs-all=no" or release_python.version >= (3, 12):
        assert "the run needs the option --watch-refs=asked" in run.stdout
    else:
        assert run.stdout == "" and run.profile.json["watched"]["objects"] == 1
