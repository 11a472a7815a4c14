# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the live blocks of each Python line with the interpreter's own tracemalloc in the same process.

programs/traced/inside.py runs workloads, or modules of the interpreter's own tests, with tracemalloc on and under the
tool at the same time. Both see the same addresses, times and names, so size and count must be equal at every line of
every file. The comparison covers the allocations since the workload began. The native stack tells which memory
tracemalloc allocates for itself: memory of the program comes directly from one of tracemalloc's hooks. So the hooks must
have names. They have none in a stripped interpreter, and not all have one after link-time optimisation. The test skips
such interpreters; test_tracemalloc.py compares those of 3.11 from outside.

One difference remains: an object older than tracemalloc dies while the workload runs, and a free list hands out its
memory again. tracemalloc does not know that memory, but the tool does. So the tool may have a few more blocks, and
only such blocks (MAX_OLDER).

Before 3.8 tracemalloc does not follow objects from free lists (bpo-35053): compare_without_free_lists.
PM_TRACED=all (set by tests/matrix) runs all workloads and modules; without it the test runs few.
"""
import ast
import collections
import json
import os
import pathlib
import re
import subprocess

import pytest

import pythons
from pmtest import PROGRAMS, Profile, line_of

TRACED = PROGRAMS / "traced"
RUN = TRACED / "inside.py"
NOT_THE_WORKLOAD = {"<warm-up>", "<finish>", "<unknown>"}
BEGINNING = (str(RUN), line_of(RUN, "ran[name] = run(name"))
END = (str(RUN), line_of(RUN, "exec(finish)"))
# Each case runs in one process: starting an interpreter and tracemalloc under the tool costs more than a workload.
ALL = {
    "workloads": ["freelists", "containers", "objects", "parsing", "numbers_work", "serial", "tasks", "imports"],
    "data": ["test.test_json", "test.test_re", "test.test_ast", "test.test_collections", "test.test_decimal",
             "test.test_dict"],
    "running": ["test.test_xml_etree", "test.test_pickle", "test.test_functools", "test.test_generators",
                "test.test_asyncio.test_tasks", "test.test_threading"],
}
CASES = ALL if os.environ.get("PM_TRACED") == "all" else {"freelists": ["freelists"], "objects": ["objects"]}
PYTHON_FRAMES = 200
MAX_OLDER = 8
SECONDS_FOR_EACH_MODULE = 1.5

# Functions between malloc and tracemalloc: a domain's own allocator and the debug hooks.
BELOW_THE_HOOKS = re.compile(r"malloc|calloc|realloc|_PyMem_(Raw|Debug)\w+")
BOOKKEEPING = re.compile(r"(tracemalloc_add_trace(_unlocked)?|traceback_new)(\.\w+)*")
HOOK = re.compile(r"tracemalloc_(raw_)?(alloc|malloc|calloc|realloc)(_gil)?(\.\w+)*")

CODE = "print(set(line.split()[-1] for line in open('/proc/self/maps') if 'python' in line and 'r-x' in line))"


def has_names(python):
    """Whether the interpreter's files have names of tracemalloc's functions. Without them no comparison is possible."""
    files = subprocess.run([python.path, "-S", "-c", CODE], stdout=subprocess.PIPE, check=True, text=True).stdout
    return any(b"\0tracemalloc_alloc" in pathlib.Path(file).read_bytes() for file in ast.literal_eval(files))


def follows_objects(python):
    """From 3.8 on _Py_NewReference tells tracemalloc of objects from free lists."""
    return tuple(map(int, python.version.split("."))) >= (3, 8)


def is_reused(site):
    """Whether the blocks of site come from a free list: its innermost frame is not an allocator."""
    return not BELOW_THE_HOOKS.fullmatch(site.frames[0].function)


def came_through_a_hook(site):
    """Whether tracemalloc should know the memory of site."""
    if is_reused(site):
        return True
    for frame in site.frames:
        if not BELOW_THE_HOOKS.fullmatch(frame.function):
            return HOOK.fullmatch(frame.function) is not None
    return False


def is_of_the_workload(site):
    """Whether the stack of site begins where the workload begins, or in a thread (whose outermost function may be
    any). A stack that was cut cannot be one of the interpreter's start."""
    if not site.python or site.python[0].file in NOT_THE_WORKLOAD:
        return False
    outer = site.python[-1]
    is_of_the_start = outer.file == str(RUN) or outer.file.startswith("<frozen ") \
        or outer.file.endswith(("/encodings/__init__.py", "/codecs.py"))
    return (outer.file, outer.line) == BEGINNING or not is_of_the_start or len(site.python) == PYTHON_FRAMES


class Comparison:
    def __init__(self, tool, python, workloads):
        output = tool.new_directory() / "lines.json"
        run = tool.run(python.path, "-S", RUN, ",".join(workloads), output, SECONDS_FOR_EACH_MODULE, timeout=2400,
                       options=["--histogram=none", f"--python-frames={PYTHON_FRAMES}", "--num-callers=24"])
        profile = Profile(run.directory / f"out.{run.pid}")
        found = json.loads(output.read_text())
        self.tests = found["tests"]
        names = {frame.function for site in profile.sites for frame in site.frames}
        # Link-time optimisation inlines some of tracemalloc's functions into their callers.
        self.linked_whole = any(".lto_priv" in name for name in names)
        self.hooked = any(map(HOOK.fullmatch, names)) and any(map(BOOKKEEPING.fullmatch, names))
        self.theirs = collections.defaultdict(lambda: (0, 0))
        for file, line, blocks, size, empty in found["lines"]:
            if file not in NOT_THE_WORKLOAD and (file, line) != END:
                # A request for no bytes asks malloc for one, unless debug hooks pad it.
                self.theirs[file, line] = (blocks, size + (0 if python.debug else empty))
        self.ours = collections.defaultdict(lambda: (0, 0))
        self.stacks = collections.defaultdict(list)
        # The blocks that are not from a free list, by line; and how many blocks are from a free list, at all lines.
        self.fresh = collections.defaultdict(lambda: (0, 0))
        self.reused_blocks = sum(site.live_blocks for site in profile.sites if is_reused(site))
        for site in profile.sites:
            if site.live_blocks and is_of_the_workload(site) and came_through_a_hook(site):
                place = site.python[0].file, site.python[0].line
                blocks, size = self.ours[place]
                self.ours[place] = blocks + site.live_blocks, size + site.live_bytes
                self.stacks[place].append(site)
                if not is_reused(site):
                    blocks, size = self.fresh[place]
                    self.fresh[place] = blocks + site.live_blocks, size + site.live_bytes

    def older(self):
        """Lines at which the tool has more blocks, but no more than it has objects from free lists there."""
        for place, (blocks, size), (our_blocks, our_size) in self.differences():
            reused = [site for site in self.stacks[place] if is_reused(site)]
            more = our_blocks - blocks
            if 0 < more <= sum(site.live_blocks for site in reused) \
                    and 0 < our_size - size <= sum(site.live_bytes for site in reused):
                yield place

    def unseen(self, python):
        """Lines that differ by objects from an extension's own free list. In 3.8 a macro in the extension's code does
        this work, and the tool does not watch it: the object stays at the line that first asked for its block. Only the
        module _asyncio has such a list, of iterators over futures."""
        if tuple(map(int, python.version.split("."))) >= (3, 9):
            return set()
        bytes_of_one = (32 if python.trace_refs else 16) + 16 + 8
        more = {place: our_blocks - blocks for place, (blocks, size), (our_blocks, our_size) in self.differences()
                if our_size - size == bytes_of_one * (our_blocks - blocks)}
        sites = [site for place, blocks in more.items() if blocks > 0 for site in self.stacks[place]]
        if sum(more.values()) != 0 or not any(site.has_native("future_new_iter") for site in sites):
            return set()
        return set(more)

    def differences(self):
        for place in sorted(self.ours.keys() | self.theirs.keys()):
            theirs, ours = self.theirs[place], self.ours[place]
            if theirs != ours:
                yield place, theirs, ours


def compare_without_free_lists(compared, python):
    """Up to 3.7 tracemalloc keeps an object from a free list at the line that first asked for its block. So at each
    line it has the blocks that the tool has there, without objects from free lists. It has more blocks only because of
    such objects that the tool has at other lines."""
    less = [f"{place}: tracemalloc {compared.theirs[place]}, tool at least {fresh}"
            for place, fresh in compared.fresh.items() if any(a < b for a, b in zip(compared.theirs[place], fresh))]
    assert not less, f"{len(less)} of {len(compared.theirs)} lines differ\n" + "\n".join(less[:40])
    more = {place: blocks - compared.fresh[place][0] for place, (blocks, _) in compared.theirs.items()}
    assert sum(more.values()) <= compared.reused_blocks
    blocks_compared, blocks = (sum(each for each, _ in figures.values()) for figures in (compared.fresh, compared.theirs))
    # The workload "freelists" has the fewest fresh blocks. Between the allocation of an object and its birth, tracemalloc
    # allocates memory for itself. So the tool takes every object whose birth it sees for one from a free list. A debug
    # build calls _Py_NewReference, so the tool sees all births.
    assert blocks_compared > blocks / (20 if python.debug else 3)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("python", pythons.each_python(costly=True))
def test_every_line_as_tracemalloc_in_the_same_process(tool, python, case):
    """Live blocks and bytes of each line equal tracemalloc's."""
    if python.version == "2.7":
        pytest.skip("2.7 has no tracemalloc; test_sizes_2_7.py")
    compared = Comparison(tool, python, CASES[case]) if has_names(python) else None
    if compared is None or compared.linked_whole:
        pytest.skip(f"{python.row} is stripped, or has inlined functions: tracemalloc's own memory cannot be recognized")
    # If this fails, a version has given the functions other names.
    assert compared.hooked, "the interpreter has names of tracemalloc's functions, but no stack has one"
    for name in CASES[case]:
        assert not name.startswith("test.") or compared.tests[name] >= 3, \
            f"{name}: only {compared.tests[name]} tests ran; this Python may lack libpython{python.version}-testsuite"
    assert len(compared.theirs) > 40
    if not follows_objects(python):
        compare_without_free_lists(compared, python)
        return
    older = set(compared.older()) - compared.unseen(python)
    explained = older | compared.unseen(python)
    wrong = [f"{file}:{line}: tracemalloc {theirs}, tool {ours}"
             for (file, line), theirs, ours in compared.differences() if (file, line) not in explained]
    assert not wrong, f"{len(wrong)} of {len(compared.theirs)} lines differ\n" + "\n".join(wrong[:40])
    assert len(older) <= MAX_OLDER, older
