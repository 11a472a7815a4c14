# SPDX-License-Identifier: GPL-2.0-or-later
"""Native stacks that are deeper than --num-callers= reach the innermost evaluation of Python: the extension's function
that Python called is in them, and reports say what they leave out."""
import os
import re
import subprocess

import pytest

import pmtest
from pmtest import PROGRAMS, compile_program, line_of

DEEP = PROGRAMS / "deep"
LOSE = "import pm_deep\nfor _ in range(3):\n    pm_deep.lose(%d)\n"
MANY_FRAMES = 30
TOO_MANY_FRAMES = 200


@pytest.fixture(scope="module")
def extensions(release_python, tmp_path_factory):
    """A folder with pm_deep and, if pybind11 is installed, pm_bound; and the interpreter."""
    if not release_python.has_headers:
        pytest.skip(f"no headers for {release_python.path}")
    folder = tmp_path_factory.mktemp("deep")
    compile_extension(release_python, folder, "pm_deep")
    return folder


def compile_extension(python, folder, name, *flags):
    return compile_program(folder / (name + python.suffix), DEEP / f"{name}.cpp", "-shared", "-fPIC", "-O0",
                           "-Wno-missing-field-initializers", "-Wno-cast-function-type",
                           "-isystem", python.include, *flags)


def run(tool, python, extensions, *command, options=()):
    return tool.run(python.path, *command, env={"PYTHONPATH": extensions}, options=["--histogram=none", *options])


def reported(loss):
    return loss.kind in ("definite", "cycle", "surplus", "possible") and not loss.suppressed


def lost(run, bytes_each):
    loss, = [loss for loss in run.profile.losses if reported(loss) and loss.bytes == bytes_each * loss.blocks
             and not loss.types]
    return loss


def natives(loss):
    """Its native frames inside of the innermost Python frame."""
    names = []
    for frame in loss.frames:
        if frame.kind == "python":
            break
        names.append(frame.function)
    return names


def test_the_function_that_python_called_is_in_the_stack(tool, release_python, extensions):
    loss = lost(run(tool, release_python, extensions, "-c", LOSE % MANY_FRAMES), 3000)
    assert loss.blocks == 3
    names = natives(loss)
    assert names[:MANY_FRAMES + 2] == ["malloc"] + MANY_FRAMES * ["pm_deep_lose"] + ["pm_deep_enter"]
    assert names[-1].startswith("_PyEval_Eval")
    assert loss.python[0].line == 3


def test_too_deep_stacks_are_cut(tool, release_python, extensions):
    """Where the evaluation is out of reach, --num-callers= frames are kept."""
    loss = lost(run(tool, release_python, extensions, "-c", LOSE % TOO_MANY_FRAMES), 3000)
    assert natives(loss) == ["malloc"] + 11 * ["pm_deep_lose"]
    assert loss.python[0].line == 3
    whole = lost(run(tool, release_python, extensions, "-c", LOSE % TOO_MANY_FRAMES,
                     options=["--num-callers=300"]), 3000)
    assert natives(whole).count("pm_deep_lose") == TOO_MANY_FRAMES


@pytest.mark.parametrize("callers", [3, 12, 29])
def test_reports_say_what_they_leave_out(tool, release_python, extensions, callers):
    log = run(tool, release_python, extensions, "-c", LOSE % MANY_FRAMES, options=[f"--num-callers={callers}"]).log
    record = log[log.index(" definitely lost in loss record"):].split("==\n")[0]
    assert record.count("pm_deep_lose") == callers
    hidden = MANY_FRAMES + 1 - callers
    noun = "frame" if hidden == 1 else "frames"
    assert f"==    [ ... not shown: {hidden} native {noun} ]\n" in record
    assert record.index("not shown") < record.index("<module>")


def test_nothing_left_out(tool, release_python, extensions):
    log = run(tool, release_python, extensions, "-c", LOSE % MANY_FRAMES, options=["--num-callers=32"]).log
    assert "not shown" not in log and "`pm_deep_enter+" in log


def test_sanity(tool, release_python, extensions):
    """The core unwinds the same stacks; snapshots of them are right. The C stack between is of changing depth."""
    code = "import pm_deep\nfor n in range(400):\n    pm_deep.lose(%d + n %% 3)\n    list(map(pm_deep.lose, [1, 2]))\n"
    for depth in (10, 45):
        found = run(tool, release_python, extensions, "-c", code % depth, options=["--sanity-level=2"])
        assert sum(loss.blocks for loss in found.profile.losses if reported(loss) and not loss.types) == 1200


def test_two_lines_of_a_function(tool, release_python, extensions):
    """One record, with the blocks of each source line."""
    code = "import pm_deep\nfor n in range(10):\n    pm_deep.lose_two(n % 10 > 6)\n"
    found = run(tool, release_python, extensions, "-c", code)
    first, second = (line_of(DEEP / "pm_deep.cpp", f"/* the {word} line */") for word in ("first", "second"))
    loss, = [loss for loss in found.profile.losses if reported(loss) and not loss.types]
    assert loss.blocks == 10
    frames = found.profile.json["frames"]
    assert sorted((frames[frame]["line"], blocks) for frame, blocks in loss.json["places"]) == [(first, 7), (second, 3)]
    assert re.search(rf"at pm_deep\S+`pm_deep_lose_two\+0x[0-9a-f]+ \(pm_deep\.cpp:{first}\) 7 blocks\n"
                     rf"==\d+==       pm_deep\S+`pm_deep_lose_two\+0x[0-9a-f]+ \(pm_deep\.cpp:{second}\) 3 blocks\n",
                     found.log)


def check_bound(found, name, line_texts):
    marks = {line_of(DEEP / "bound.py", f"# {text}"): count for text, count in line_texts.items()}
    # pybind11 2.10 loses references to its metaclass when its types die.
    losses = [loss for loss in found.profile.losses if reported(loss) and loss.json["import_blocks"] < loss.blocks]
    assert {loss.python[0].line: (loss.blocks, loss.types) for loss in losses} \
        == {line: (count, [(name, count)]) for line, count in marks.items()}


def test_registered_wrappers(tool, release_python, extensions):
    """A table from C++ objects to their wrappers, filled in by the wrapper's constructor, holds no references."""
    found = run(tool, release_python, extensions, DEEP / "bound.py", "pm_deep", "Wrapper")
    check_bound(found, "pm_deep.Wrapper", {"kept": 7})


def test_registered_pybind11_instances(tool, release_python, tmp_path):
    if not os.path.exists("/usr/include/pybind11/pybind11.h"):
        pytest.skip("no pybind11-dev")
    if not release_python.has_headers:
        pytest.skip(f"no headers for {release_python.path}")
    compile_extension(release_python, tmp_path, "pm_bound")
    found = run(tool, release_python, tmp_path, DEEP / "bound.py", "pm_bound", "Button", "made")
    check_bound(found, "pm_bound.Button", {"kept": 7, "made": 9})


def test_children_of_a_parent(tool, release_python, extensions):
    """A method that makes a child and adds it to its parent's own memory makes a reference."""
    found = run(tool, release_python, extensions, DEEP / "parents.py", options=["--leak-scan=before"])
    loss, = [loss for loss in found.profile.losses_before if reported(loss)]
    assert (loss.kind, loss.types, loss.surplus_references) == ("surplus", [("pm_deep.Wrapper", 1)], 1)
    assert loss.python[0].line == line_of(DEEP / "parents.py", "# surplus")


def test_frames_without_a_name(tool, release_python, tmp_path):
    """They show their object and the offset in it, as addr2line and nm take it."""
    source = tmp_path / "nameless.c"
    source.write_text("#include <stdlib.h>\n"
                      "__attribute__((noinline)) static void *inner(void) { return malloc(4567); }\n"
                      "int volatile counter;\n"
                      "int main(void) { inner(); counter = 1; return 0; }\n")
    whole = compile_program(tmp_path / "whole", source, "-O1", "-fno-optimize-sibling-calls",
                            "-Wno-unused-result", "-no-pie")
    symbols = subprocess.run(["nm", "-S", whole], check=True, stdout=subprocess.PIPE, text=True).stdout
    start, size = (int(word, 16) for word in re.search(r"^(\w+) (\w+) t inner$", symbols, re.MULTILINE).groups())
    stripped = tmp_path / "stripped"
    subprocess.run(["strip", "-s", "-o", stripped, whole], check=True)
    found = tool.run(stripped, options=["--histogram=stack"])
    offset = int(re.search(r"==\s+malloc|stripped\+0x([0-9a-f]+)\n", found.log)[1], 16)
    assert start < offset <= start + size
