# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the live blocks of each Python line with tracemalloc.

Each workload of programs/traced runs twice to the same point. Without the tool, under -X tracemalloc, it then writes
what tracemalloc holds for each line. Under the tool the process ends at that point, so that the same blocks are live
at exit. Size and count must be equal for every line of every file, the standard library's and importlib's included.

The comparison covers the allocations below the workload's two lines in run.py, and those of threads: tracemalloc is not
active yet while the interpreter starts. The test allows for the remaining differences exactly, each with its cause:

- C libraries that call malloc themselves (dlopen, OpenSSL, opendir): tracemalloc sees only the interpreter's raw, mem
  and object domains. See `asked_of_the_interpreter`.
- A request for no bytes asks malloc for one byte, unless debug hooks pad it. See `natively`.
- tracemalloc keeps the file names alive that it has seen, also those of code that is gone. See `natively`.
- Addresses are below 30 bits under Valgrind, so an int that holds an address has one digit (4 bytes) less, and text
  that contains one is shorter. See `natively` for the ints that type.__subclasses__ keeps, EXPECTED for the rest.
"""
import collections
import json
import os

import pytest

from pmtest import PROGRAMS, line_of

TRACED = PROGRAMS / "traced"
WORKLOADS = ["freelists", "containers", "objects", "parsing", "numbers_work", "serial", "tasks", "imports",
             "domains"]
RUN = TRACED / "run.py"
BEGINNINGS = {(str(RUN), line_of(RUN, text))
              for text in ("workload = __import__(sys.argv[1])", "result = workload.main()")}

ALL = ("debug", "release", "shared")
# (workload, interpreters, file's base name, text of the line, surplus blocks of the tool, surplus bytes, cause)
EXPECTED = [
    ("tasks", ALL, "threading.py", "self._ident = get_ident()", 0, -4, "the main thread's identity is an address"),
    ("imports", ALL, "threading.py", "self._ident = get_ident()", 0, -4, "the main thread's identity is an address"),
    ("tasks", ALL, "events.py", "self._local = self._Local()", 0, -5, "threading.local names its key by address"),
    ("tasks", ALL, "events.py", "_running_loop = _RunningLoop()", 0, -5, "threading.local names its key by address"),
    ("tasks", ALL, "tasks.py", "local = threading.local()", 0, -5, "threading.local names its key by address"),
    ("domains", ALL, "__init__.py", "self._handle = _dlopen(self._name, mode)", 0, -4, "a library's handle is an address"),
    ("domains", ALL, "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap>:241", 0, -20,
     "_ctypes has the addresses of five functions, _memmove_addr and others"),
]
# Object files whose own calls of malloc are not requests of the interpreter.
LIBRARIES = ("libc.so", "ld-linux", "libcrypto.so", "libssl.so")


def belongs_to_the_workload(file, line):
    """Whether the outermost frame of a stack is where the workload begins, or a thread (threading.py)."""
    return (file, line) in BEGINNINGS or os.path.basename(file) == "threading.py"


def natively(tool, python, workload):
    if not (3, 11) <= python.version < (3, 12):
        pytest.skip("programs/traced/run.py reads type objects as they are in 3.11; test_tracemalloc_inside.py compares others")
    output = tool.new_directory() / "traced.json"
    tool.run_native(python.path, "-S", "-X", "tracemalloc=200", RUN, workload, output)
    found = json.loads(output.read_text())
    lines = collections.defaultdict(lambda: [0, 0])
    for file, line, outer_file, outer_line, blocks, size, empty in found["traces"]:
        if belongs_to_the_workload(outer_file, outer_line):
            lines[file, line][0] += blocks
            lines[file, line][1] += size + (0 if python.debug else empty)
    for file, line, outer_file, outer_line in found["wide"]:
        if belongs_to_the_workload(outer_file, outer_line):
            lines[file, line][1] -= 4
    for file, line, outer_file, outer_line, size in found["held"]:
        if belongs_to_the_workload(outer_file, outer_line):
            lines[file, line][0] -= 1
            lines[file, line][1] -= size
    return {place: tuple(figures) for place, figures in lines.items() if figures != [0, 0]}


def asked_of_the_interpreter(site):
    """Whether the interpreter or an extension module called malloc, and not a C library for itself."""
    callers = [frame for frame in site.frames if frame.function not in ("malloc", "calloc", "realloc")]
    return not os.path.basename(callers[0].object).startswith(LIBRARIES)


def under_the_tool(tool, python, workload):
    run = tool.run(python.path, "-S", RUN, workload, options=["--histogram=none", "--python-frames=200"])
    lines = collections.defaultdict(lambda: [0, 0])
    for site in run.profile.sites:
        if not site.live_blocks or not site.python or not asked_of_the_interpreter(site):
            continue
        outer = site.python[-1]
        if belongs_to_the_workload(outer.file, outer.line):
            place = site.python[0].file, site.python[0].line
            lines[place][0] += site.live_blocks
            lines[place][1] += site.live_bytes
    return {place: tuple(figures) for place, figures in lines.items()}


def text_of(place):
    file, number = place
    if not os.path.exists(file):
        return f"{file}:{number}"
    with open(file, encoding="utf-8") as source:
        return source.readlines()[number - 1].strip()


def expected_difference(workload, python, place):
    for name, kinds, file, text, blocks, size, cause in EXPECTED:
        assert cause
        if name in (workload, "*") and python.name in kinds and os.path.basename(place[0]) == file \
                and text in (text_of(place), place[1]):
            return blocks, size
    return 0, 0


@pytest.mark.parametrize("workload", WORKLOADS)
def test_every_line_as_tracemalloc(tool, python, workload):
    """Live blocks and bytes of each line equal tracemalloc's."""
    native, ours = natively(tool, python, workload), under_the_tool(tool, python, workload)
    assert len([place for place in native if place[0].startswith(str(TRACED))]) >= 2 and len(native) > 40
    wrong = []
    for place in sorted(native.keys() | ours.keys()):
        theirs, mine = native.get(place, (0, 0)), ours.get(place, (0, 0))
        difference = mine[0] - theirs[0], mine[1] - theirs[1]
        if difference != expected_difference(workload, python, place):
            wrong.append(f"{place[0]}:{place[1]}: tracemalloc {theirs}, tool {mine}, difference {difference}: "
                         f"{text_of(place)}")
    assert not wrong, f"{len(wrong)} of {len(native)} lines differ\n" + "\n".join(wrong[:60])
