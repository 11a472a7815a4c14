# SPDX-License-Identifier: GPL-2.0-or-later
"""Ways to run and to embed an interpreter. In each of them every object is visible and has its line."""
import json
import pathlib
import re
import subprocess
import sys

import pytest

import pmtest

sys.path.insert(0, str(pmtest.PROGRAMS.parent / "oracle"))
import pythons      # noqa: E402

# Ten lists of 30 pointers. They reach malloc only if small objects are made visible.
WORK = """\
def work():
    return [[None] * 30 for _ in range(10)]
kept = work()
"""
# The line of the comprehension, which up to 3.11 is a function of its own.
WORK_LINE = 2

DESCRIBE = """
import json, sysconfig as s
get = s.get_config_var
print(json.dumps([get("LIBDIR"), get("LDLIBRARY"), get("INCLUDEPY"), bool(get("Py_ENABLE_SHARED"))]))
"""


class Library:
    """The libpython of an interpreter."""

    def __init__(self, python):
        self.python = python
        found = subprocess.run([python.path, "-S", "-c", DESCRIBE], stdout=subprocess.PIPE, check=True)
        self.folder, self.name, self.include, self.shared = json.loads(found.stdout)
        self.path = f"{self.folder}/{self.name}"

    def compile(self, folder):
        name = self.name[len("lib"):self.name.rindex(".so")]
        program = folder / "embedded"
        subprocess.run(["gcc", "-g", "-w", "-DLINKED", f"-I{self.include}", "-o", program,
                        pmtest.PROGRAMS / "embedded.c", f"-L{self.folder}", f"-Wl,-rpath,{self.folder}",
                        f"-l{name}", "-ldl"], check=True)
        return program


def shared(python):
    """Whether python has a shared libpython. Not /usr/bin: Debian's python3.x does not use its libpython3.x.so."""
    return python.has_headers and Library(python).shared and not python.path.startswith("/usr/bin/")


def is_old(python):
    return python.version in ("2.7", "3.6", "3.7")


SHARED = pythons.each_that(shared, "shared libpython with headers")


@pytest.fixture
def script(tool):
    def make(text=WORK):
        path = tool.new_directory() / "work.py"
        path.write_text(text)
        return path
    return make


def expect_work(run, path, times=1):
    """Checks that the lists and their items are blocks of the line that made them."""
    found = run.profile.at_line(str(path), WORK_LINE)
    # CPython may take some of the list objects from its free list.
    assert found.total_bytes >= times * 10 * 30 * 8, run.log
    assert found.total_blocks >= times * 11


def environment_of(python):
    return {"PYTHONDONTWRITEBYTECODE": "1"}


@pytest.mark.parametrize("options", ["", "-E", "-s -E"])
@pytest.mark.parametrize("python", pythons.each_that(is_old, "CPython 2.7, 3.6 or 3.7"))
def test_old_interpreters_are_visible(tool, script, python, options):
    """These have no Py_BytesMain, and 2.7 has no PYTHONMALLOC."""
    path = script()
    options = options.split()
    run = tool.run(python.path, "-S", *options, path)
    expect_work(run, path)
    assert run.profile.totals["allocs"] > 7000
    hidden = tool.run(python.path, "-S", *options, path, options=["--pymalloc=yes"])
    assert hidden.profile.totals["allocs"] < 4000


@pytest.mark.parametrize("python", pythons.each_that(lambda p: p.version in ("3.6", "3.7"), "CPython 3.6 or 3.7"))
def test_old_interpreters_in_isolation(tool, script, python):
    path = script()
    expect_work(tool.run(python.path, "-I", "-S", path), path)


@pytest.mark.parametrize("python", pythons.each_that(lambda p: p.version in ("3.6", "3.7"), "CPython 3.6 or 3.7"))
def test_users_choice_is_kept(tool, script, python):
    run = tool.run(python.path, "-S", script(), env={"PYTHONMALLOC": "pymalloc"})
    assert run.profile.totals["allocs"] < 4000


@pytest.mark.parametrize("python", SHARED)
def test_linked(tool, script, python, tmp_path):
    path = script()
    program = Library(python).compile(tmp_path)
    for mode in ("plain", "isolated"):
        run = tool.run(program, mode, path, env={"PYTHONHOME": prefix_of(python)})
        expect_work(run, path)


@pytest.mark.parametrize("python", pythons.each_that(lambda p: shared(p) and p.version not in ("2.7", "3.6"),
                                                     "shared libpython of 3.7 or later"))
def test_own_allocators_are_kept(tool, script, python, tmp_path):
    """A program that sets CPython's allocators itself keeps them."""
    path = script()
    program = Library(python).compile(tmp_path)
    run = tool.run(program, "own", path, env={"PYTHONHOME": prefix_of(python)})
    assert run.stdout == "own used\n"
    expect_work(run, path)


@pytest.mark.parametrize("mode", ["global", "local"])
@pytest.mark.parametrize("python", SHARED)
def test_opened(tool, script, python, mode, tmp_path):
    """The program loads libpython by dlopen, so none of its symbols exist when the tool starts."""
    path = script()
    program = pmtest.compile_program(tmp_path / "opener", pmtest.PROGRAMS / "embedded.c", "-ldl")
    run = tool.run(program, mode, Library(python).path, path, env={"PYTHONHOME": prefix_of(python)})
    expect_work(run, path)


def prefix_of(python):
    return subprocess.run([python.path, "-S", "-c", "import sys; print(sys.prefix)"],
                          stdout=subprocess.PIPE, check=True, text=True).stdout.strip()


SUBINTERPRETERS = """\
import _testcapi, sys
source = '''
def inner():
    return [[None] * 30 for _ in range(10)]
inner()
'''
code = "exec(compile(%r, 'sub.py', 'exec'), {'__name__': 'sub'})" % source
for _ in range(3):
    _testcapi.run_in_subinterp(code)
if sys.version_info >= (3, 13):
    import _interpreters
    own = _interpreters.create("isolated")
    _interpreters.exec(own, code)
    _interpreters.destroy(own)
    print("own")
elif sys.version_info >= (3, 12):
    OWN_GIL = 2
    _testcapi.run_in_subinterp_with_config(
        code, use_main_obmalloc=False, allow_fork=False, allow_exec=False, allow_threads=True,
        allow_daemon_threads=False, check_multi_interp_extensions=True, gil=OWN_GIL)
    print("own")
"""


def has_subinterpreters(python):
    if python.version == "2.7":
        return False
    probe = "import _testcapi; _testcapi.run_in_subinterp"
    return subprocess.run([python.path, "-S", "-c", probe], stderr=subprocess.DEVNULL).returncode == 0


@pytest.mark.parametrize("python", pythons.each_that(has_subinterpreters, "interpreter with _testcapi"))
def test_subinterpreters(tool, script, python):
    """Three subinterpreters that share the lock, and from 3.12 on one with its own lock and allocator state."""
    run = tool.run(python.path, "-S", script(SUBINTERPRETERS))
    times = 4 if run.stdout == "own\n" else 3
    assert (times == 4) == (int(python.version.split(".")[1]) >= 12)
    found = run.profile.at_line("sub.py", 3)
    assert found.total_bytes >= times * 10 * 30 * 8, run.log


GREENLETS = """\
import greenlet
def leaf(n):
    return bytearray(1000 + n)
def run(n):
    for _ in range(5):
        kept.append(leaf(n)); greenlet.getcurrent().parent.switch()
def outer(n):
    run(n)
kept = []
all = [greenlet.greenlet(outer) for _ in range(4)]
for round in range(5):
    for n, each in enumerate(all):
        each.switch(n)
print(len(kept))
"""


def has_greenlet(python):
    return subprocess.run([python.path, "-c", "import greenlet"], stderr=subprocess.DEVNULL).returncode == 0


@pytest.mark.parametrize("python", pythons.each_that(has_greenlet, "interpreter with greenlet (python3-greenlet)"))
def test_greenlets(tool, script, python):
    """Each greenlet's buffers belong to its own chain of frames, although the greenlets take turns."""
    path = script(GREENLETS)
    run = tool.run(python.path, path)
    assert run.stdout == "20\n"
    sites = [site for site in run.profile.sites
             if site.python and site.python[0].function == "leaf" and site.total_bytes >= 1000]
    assert sum(site.total_blocks for site in sites) >= 20, run.log
    for site in sites:
        assert [frame.function for frame in site.python][:3] == ["leaf", "run", "outer"], site


@pytest.mark.parametrize("python", [pytest.param(p, id=p.path) for p in pythons.FREE_THREADED]
                         or [pytest.param(None, marks=pytest.mark.skip(
                             reason="no free-threaded interpreter here (name one in PM_PYTHONS)"))])
def test_free_threaded_is_refused_by_name(tool, script, python):
    """The tool refuses free-threaded builds by name. Native profiling goes on, and the program runs as usual."""
    run = tool.run(python.path, "-S", script())
    assert run.log.count("no layout for a free-threaded build of CPython " + python.version) == 2
    assert run.log.count("is not understood") == 1
    assert run.profile.totals["allocs"] > 500
    assert not any(site.python for site in run.profile.sites)


@pytest.mark.parametrize("claimed, reason", [
    ("3.98.2", "no layout for (a debug build of )?CPython 3.98.2"),
    ("3.10.2", None), ("3.12.2", None), ("2.7.18", None)])
def test_an_interpreter_that_is_not_known_is_refused(tool, script, python, claimed, reason):
    """A copy of the interpreter claims to be another version. One message names the failed check, and the native
    report is as usual. Only the first version is unknown; the others have layouts, which do not fit."""
    own = b"\0%d.%d.%d\0" % python.version
    content = pathlib.Path(python.path).read_bytes()
    if own not in content:
        pytest.skip("the version of a shared interpreter is in its library")
    assert content.count(own) == 1
    path = tool.new_directory() / "python"
    path.write_bytes(content.replace(own, b"\0" + claimed.encode().ljust(len(own) - 2, b"\0") + b"\0"))
    path.chmod(0o755)
    work = script(WORK + "import sys\nprint(sys.version.split()[0])\n")
    run = tool.run(path, "-S", work, env={"PYTHONHOME": pathlib.Path(python.path).parents[1]})
    assert run.stdout == claimed + "\n"
    assert run.log.count("is not understood") == 1, run.log
    if reason is not None:
        assert re.search(reason, run.log), run.log
    assert run.profile.json["run"]["python_refused"]
    assert not any(site.python for site in run.profile.sites)
    assert run.profile.totals["allocs"] > 5000
    assert re.search(r"total bytes = \d+", run.log)


# First instructions of optimised and unoptimised builds, and one (other) that our wrapper leaves to Valgrind.
ENTRANCES = {
    "push": ("pushq %r15; movq %rdi, %r15; xorl %eax, %eax", "popq %r15", "0"),
    "push_frame": ("pushq %rbp; movq %rsp, %rbp; xorl %eax, %eax", "popq %rbp", "0"),
    "push_rbx": ("pushq %rbx; movq %rdi, %rbx; xorl %eax, %eax", "popq %rbx", "0"),
    "push_r13": ("pushq %r13; movq %rdi, %r13; xorl %eax, %eax", "popq %r13", "0"),
    "push_r14": ("pushq %r14; movq %rdi, %r14; xorl %eax, %eax", "popq %r14", "0"),
    "endbr64_push": ("endbr64; pushq %r12; movq %rdi, %r12; xorl %eax, %eax", "popq %r12", "0"),
    "load": ("movq loaded_value(%rip), %rax", "", "loaded_value"),
    "load_address": ("leaq loaded_value(%rip), %rax", "", "(long)&loaded_value"),
    "endbr64_load": ("endbr64; movq loaded_value(%rip), %rax", "", "loaded_value"),
    "other": ("xorl %eax, %eax", "", "0"),
}


# In 3.x PyEval_EvalFrameEx only calls _PyEval_EvalFrameDefault.
WRAPPED = {
    "default": ("_PyEval_EvalFrameDefault", []),
    "ex_of_2": ("PyEval_EvalFrameEx", []),
    "ex_of_3": ("PyEval_EvalFrameEx", ["-DAS_IN_3"]),
}


@pytest.mark.parametrize("wrapped", WRAPPED)
@pytest.mark.parametrize("entrance", ENTRANCES)
def test_entrances(tool, entrance, wrapped):
    """The first instruction of the wrapped function is executed once, whatever it is."""
    first, last, start = ENTRANCES[entrance]
    name, macros = WRAPPED[wrapped]
    program = tool.new_directory() / "entrances"
    pmtest.compile_program(program, pmtest.PROGRAMS / "entrances.c", "-rdynamic", f"-DFUNCTION={name}",
                           f'-DFIRST="{first}"', f'-DLAST="{last}"', f"-DSTART={start}", *macros)
    run = tool.run(program, options=["--trace-redir=yes"])
    assert run.returncode == 0, run.stdout
    assert "redirected to" in run.log and f"({name})" in run.log
