# SPDX-License-Identifier: GPL-2.0-or-later
"""File and function names of every kind, on every interpreter found.

programs/names/names.py writes the names that the interpreter itself has. The JSON file must have exactly those
bytes; the tests here read it with their own reader. The log must show the names harmlessly, each on one line.
"""
import collections
import json
import os
import re
import shutil
import zipfile

import pytest

import pythons
from pmtest import PROGRAMS

NAMES = PROGRAMS / "names"
BYTES = 50021       # as in names.py; a bytearray asks for one more byte
CUT_BYTES = 4096    # PM_PYSTRING_MAX_BYTES
ROW_OF_BYTES = 32768
LABELS_OF_2_7 = {"lone-bytes", "cut", "overlong", "surrogate", "all-bytes"}
LABELS_OF_3 = {"lone-bytes", "cut", "surrogate", "pair", "line-separator", "override", "c1", "bom"}
HARMFUL = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
                     "\U000e0000-\U000e007f]")


def exact_strings(profile):
    """The bytes of each string, as docs/file-format.md says."""
    strings = [name.encode() for name in profile["strings"]]
    for index, exact in profile["strings_hex"].items():
        strings[int(index)] = bytes.fromhex(exact)
    return strings


def as_python_2_holds_it(name):
    """The file has Python 3's surrogates in place of bytes that are not UTF-8."""
    return name.decode("utf-8", "surrogateescape").encode("utf-8", "surrogatepass")


def places_of(profile):
    """How many blocks have the size that names.py asks for, by (file, function, line) of the innermost Python frame."""
    strings, frames = exact_strings(profile), profile["frames"]
    back, tops = profile["stacks"]["back"], profile["stacks"]["frame"]
    blocks = collections.Counter()
    for stack, sizes in zip(profile["sites"]["stack"], profile["sites"]["sizes"], strict=True):
        while stack and frames[tops[stack]]["kind"] != "python":
            stack -= back[stack]
        if stack:
            frame = frames[tops[stack]]
            place = strings[frame["file"]], strings[frame["function"]], frame["line"]
            blocks[place] += dict(sizes).get(ROW_OF_BYTES, 0)
    return blocks


def archive_of(folder):
    """A zip file with the module zipped, and with a package and a module that have non-ASCII names."""
    path = folder / "archive.zip"
    source = (NAMES / "zipped.py").read_text()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("zipped.py", source)
        archive.writestr("\u540d\u524d/__init__.py", "")
        archive.writestr("\u540d\u524d/\xe9t\xe9.py",
                         source.replace("def function", "def m\xe9thode").replace("take(\"zipped\")",
                                                                                  "take(\"zipped-package\")"))
    return path


class Names:
    def __init__(self, tool, python):
        folder = tool.new_directory()
        output, archive = folder / "names", archive_of(folder)
        self.python = python
        self.run = tool.run(python.path, "-S", NAMES / "names.py", output, archive,
                            options=["--histogram=caller,function,line,stack", "--histogram-top=0"])
        (path,) = self.run.directory.glob("out.*")
        self.profile = json.loads(path.read_bytes().decode("utf-8"))
        self.places = places_of(self.profile)
        (path,) = self.run.directory.glob("log.*")
        self.log = path.read_bytes()
        self.expected = {}
        for line in output.read_text().splitlines():
            label, file, function, number = line.split()
            file, function = (b"" if name == "-" else bytes.fromhex(name) for name in (file, function))
            if python.version == "2.7":
                file, function = as_python_2_holds_it(file), as_python_2_holds_it(function)
            self.expected[label] = (file, function, int(number))


@pytest.fixture(scope="module", params=pythons.each_python(costly=True))
def names(request, tool):
    return Names(tool, request.param)


def cut(name):
    """The longest part of name that fits and has only whole characters."""
    while len(name) > CUT_BYTES or name[-1:] >= b"\x80" and not is_whole(name):
        name = name[:CUT_BYTES] if len(name) > CUT_BYTES else name[:-1]
    return name


def is_whole(name):
    try:
        name.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def test_exact_names(names):
    """The JSON file has each place that allocated, with exactly the names that the interpreter has for it."""
    labels = {label.removesuffix("-file").removesuffix("-function") for label in names.expected}
    assert labels >= (LABELS_OF_2_7 if names.python.version == "2.7" else LABELS_OF_3)
    assert len(names.expected) >= 60
    wrong = {}
    for label, (file, function, line) in names.expected.items():
        if names.places[cut(file), cut(function), line] < 1:
            wrong[label] = (file[:99], function[:99], line)
    assert not wrong, f"{len(wrong)} of {len(names.expected)} places are missing: {wrong}"
    assert names.profile["troubles"]["unreadable_code"] == 0


def test_qualified_names(names):
    """From 3.11 on a function name contains its class and its outer function. Before it is the plain name."""
    new = tuple(map(int, names.python.version.split("."))) >= (3, 11)
    function = names.expected["qualified"][1]
    assert function == (b"Outer.Inner.method.<locals>.local" if new else b"local")


def test_names_of_no_file(names):
    """Names that are not files: <string> for exec and eval, the frozen importer, and files within a zip archive."""
    assert names.expected["string"][0] == names.expected["eval"][0] == b"<string>"
    assert names.expected["zipped"][0].endswith(b"/archive.zip/zipped.py")
    if names.python.version != "2.7":
        assert names.expected["zipped-package"][:2] == (
            names.expected["zipped"][0].removesuffix(b"zipped.py") + "\u540d\u524d/\xe9t\xe9.py".encode(),
            "m\xe9thode".encode())
        assert any(file == b"<frozen importlib._bootstrap>" and function == b"_find_and_load"
                   for file, function, line in names.places)


def test_names_in_json_are_for_any_reader(names):
    """No string has a surrogate or a NUL, escaped or not. Names that contain one are shown with an escape."""
    for name in names.profile["strings"] + names.profile["run"]["command"]:
        name.encode()       # fails if there is a surrogate
        assert "\0" not in name
    for index, exact in names.profile["strings_hex"].items():
        assert "\\" in names.profile["strings"][int(index)]
        assert not is_whole(bytes.fromhex(exact)) or HARMFUL.search(
            bytes.fromhex(exact).decode("utf-8", "surrogatepass"))


def test_the_log_stays_one_line_each(names):
    """Every line has the tool's prefix, and no characters that would control a terminal."""
    pid = names.run.pid
    text = names.log.decode("utf-8")
    lines = text.removesuffix("\n").split("\n")
    assert all(line.startswith(f"=={pid}==") for line in lines)
    assert not [line for line in lines if HARMFUL.search(line)]
    assert sum(line == f"=={pid}== HEAP SUMMARY:" for line in lines) == 1
    for shown in (r"a\nb.py:1 ", r"a\x1b[31mb.py:1 ", r"a\n==1== HEAP SUMMARY:.py:1 ", r"(a\nb)", r'(a"b)', r"(a\x00b)",
                  "/archive.zip/zipped.py:", "\u540d\u524d.py:1 ", "(\U0001f40d)", r"caf\xe9:1 "):
        assert any(shown in line for line in lines), shown


@pytest.mark.parametrize("python", pythons.each_python(costly=True))
def test_a_script_whose_own_name_is_odd(tool, python):
    """The script on the command line has a file name that is not UTF-8 and contains a newline."""
    folder = os.fsencode(tool.new_directory())
    script = os.path.join(folder, b'caf\xe9\n"\\.py')
    shutil.copy(NAMES / "zipped.py", script)
    with open(script, "a") as source:
        source.write(f"kept = []\nfunction(kept, len, {BYTES})\n")
    run = tool.run(python.path, "-S", os.fsdecode(script))
    (path,) = run.directory.glob("out.*")
    profile = json.loads(path.read_bytes().decode("utf-8"))
    assert bytes.fromhex(profile["run"]["command_hex"][str(len(profile["run"]["command"]) - 1)]) == script
    files = {file.decode("utf-8", "surrogatepass") for (file, function, _line), blocks in places_of(profile).items()
             if function == b"function" and blocks}
    assert files == {os.fsdecode(script)}
    assert r'caf\xe9\n"\.py:' in run.log
