# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares source lines of native code, which the tool reads when a report needs them (docs/decisions/lines.md), with
those that the core reads itself with --read-inline-info=yes."""
import re
import shutil
import signal
import subprocess

import pytest

import pmtest
from pmtest import needs_core

CORE = ("--read-inline-info=yes",)

TAKING = """\
#include <stdlib.h>
void *take(size_t bytes);
void *take(size_t bytes)
{
    return malloc(bytes);      /* here */
}
"""
CALLING = """\
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        void *library = dlopen(argv[i], RTLD_NOW);
        void *(*take)(size_t) = library ? (void *(*)(size_t))dlsym(library, "take") : NULL;
        if (take == NULL)
            return puts(dlerror()), 1;
        void *block = take(1000 + i);
        printf("%p\\n", (void *)take);
        dlclose(library);
        (void)block;
    }
    return 0;
}
"""


def native_lines(profile):
    """Maps (object, function, offset) of each native frame to all its (file, line)."""
    found = {}
    for *key, file, line in profile.native_frames():
        found.setdefault(tuple(key), set()).add((file, line))
    return found


def lines_of(profile, function):
    """All "file:line" of a C function, without folders."""
    return {f"{file.rpartition('/')[2]}:{line}" for (_, name, _), places in native_lines(profile).items()
            if name == function for file, line in places}


def assert_same(ours, core, least):
    """Nearly all frames that both runs have must have the same file and line. Some files differ: the core joins
    neighbouring rows with the same number even if they are from two files (addLoc in m_debuginfo/storage.c)."""
    a, b = native_lines(ours), native_lines(core)
    both = a.keys() & b.keys()
    assert len(both) > 0.95 * max(len(a), len(b))
    assert sum(1 for key in both if any(line for _, line in b[key])) >= least
    differing = [(key, a[key], b[key]) for key in both if a[key] != b[key]]
    assert len(differing) <= len(both) // 500
    for key, x, y in differing:
        assert {line for _, line in x} == {line for _, line in y}, key


SCRIPT = """\
import json, collections, sqlite3, ctypes
kept = [json.loads('{"a": [1, 2.5, "x"]}') for _ in range(50)]
sqlite3.connect(":memory:").execute("create table t (a)")
"""


def test_same_as_core(tool, any_python):
    directory = tool.new_directory()
    path = directory / "script.py"
    path.write_text(SCRIPT)
    ours = tool.run(any_python.path, "-S", path, cwd=directory)
    core = tool.run(any_python.path, "-S", path, cwd=directory, options=CORE)
    # Release builds may be stripped. Valgrind needs the debug information of libc, so that is always there.
    assert_same(ours.profile, core.profile, 1000 if any_python.debug else 20)


def compile_c(directory, name, text, *flags, compiler="gcc"):
    source = directory / f"{name}.c"
    source.write_text(text)
    output = directory / name
    subprocess.run([compiler, "-w", *flags, "-o", str(output), str(source)], check=True, cwd=directory)
    return output


@pytest.fixture(scope="session")
def caller(tmp_path_factory):
    return compile_c(tmp_path_factory.mktemp("lines"), "caller", CALLING, "-g", "-ldl")


# .zdebug_line instead of .debug_line. gcc 13 and later have no -gz=zlib-gnu any more, but binutils has.
ZLIB_GNU = "-Wa,--compress-debug-sections=zlib-gnu -Wl,--compress-debug-sections=zlib-gnu"
FLAGS = ["-gdwarf-2", "-gdwarf-3", "-gdwarf-4", "-gdwarf-5", "-gdwarf-4 -gz", "-gdwarf-5 -gz",
         f"-gdwarf-4 {ZLIB_GNU}", "-gdwarf-4 -fdebug-prefix-map=/=./", "-gdwarf-4 -gdwarf64"]


@pytest.mark.parametrize("flags", FLAGS)
def test_forms(tool, caller, flags):
    directory = tool.new_directory()
    compressed = "-gz" in flags or ZLIB_GNU in flags
    # Short sections are not compressed.
    text = TAKING + "".join(f"int f{n}(int a) {{ return a + {n}; }}\n" for n in range(300 if compressed else 0))
    library = compile_c(directory, "taking", text, "-shared", "-fPIC", *flags.split())
    sections = subprocess.run(["readelf", "-SW", str(library)], stdout=subprocess.PIPE, text=True).stdout
    assert (" .zdebug_line " in sections) == (ZLIB_GNU in flags)
    assert bool(re.search(r" \.debug_line .* C +0 ", sections)) == ("-gz" in flags)
    ours = tool.run(caller, library)
    assert lines_of(ours.profile, "take") == {"taking.c:5"}
    assert_same(ours.profile, tool.run(caller, library, options=CORE).profile, 2)


@needs_core("lines")
@pytest.mark.parametrize("flags", ["-gdwarf-5 -gdwarf64", "-gdwarf-5 -gsplit-dwarf"])
def test_forms_beyond_the_core(tool, caller, flags):
    """The core of 3.19 ends the run when it reads these."""
    library = compile_c(tool.new_directory(), "taking", TAKING, "-shared", "-fPIC", *flags.split())
    assert lines_of(tool.run(caller, library).profile, "take") == {"taking.c:5"}


@pytest.mark.parametrize("flags", ["-gdwarf-4", "-gdwarf-5 -gz"])
def test_separate_file(tool, caller, flags):
    directory = tool.new_directory()
    library = compile_c(directory, "taking", TAKING, "-shared", "-fPIC", *flags.split())
    for arguments in (["--only-keep-debug", library, f"{library}.debug"],
                      ["--strip-debug", f"--add-gnu-debuglink={library}.debug", library]):
        subprocess.run(["objcopy", *map(str, arguments)], check=True, cwd=directory)
    run = tool.run(caller, library)
    assert lines_of(run.profile, "take") == {"taking.c:5"}


@pytest.mark.skipif(not shutil.which("dwz"), reason="dwz is not installed")
def test_shared_strings(tool, caller):
    """dwz moves strings that two files share to a third file."""
    directory = tool.new_directory()
    libraries = [compile_c(directory, name, TAKING, "-shared", "-fPIC", "-gdwarf-4") for name in ("one", "two")]
    subprocess.run(["dwz", "-m", "common", "-M", str(directory / "common"), *map(str, libraries)],
                   check=True, cwd=directory)
    run = tool.run(caller, libraries[0])
    assert_same(run.profile, tool.run(caller, libraries[0], options=CORE).profile, 2)
    assert lines_of(run.profile, "take") == {"one.c:5"}


def test_cpp(tool):
    directory = tool.new_directory()
    for standard in ("-gdwarf-4", "-gdwarf-5"):
        output = directory / f"program{standard}"
        subprocess.run(["g++", "-w", standard, "-O1", "-o", str(output),
                        str(pmtest.PROGRAMS / "operators.cpp")], check=True)
        ours = tool.run(output, check=False)
        core = tool.run(output, check=False, options=CORE)
        assert ours.returncode == core.returncode
        assert_same(ours.profile, core.profile, 10)


def test_unloaded(tool, caller):
    """The libraries are unloaded before the report, and the second was at the address of the first."""
    directory = tool.new_directory()
    first = compile_c(directory, "first", TAKING, "-shared", "-fPIC", "-gdwarf-5")
    second = compile_c(directory, "second", "\n\n" + TAKING, "-shared", "-fPIC", "-gdwarf-4")
    run = tool.run(caller, first, second, first)
    addresses = run.stdout.split()
    assert len(set(addresses)) == 1, "the libraries had different addresses, so this test tests nothing"
    assert lines_of(run.profile, "take") == {"first.c:5", "second.c:7"}


@needs_core("lines")
def test_functions_of_one_name(tool):
    """Two functions with the same name and code, from two files, stay two functions."""
    directory = tool.new_directory()
    part = ("#include <stdlib.h>\nstatic __attribute__((noinline)) void *take(void) {{ return malloc({0}); }}\n"
            "void *part{0}(void);\nvoid *part{0}(void) {{ void *volatile p = take(); return p; }}\n")
    for n in (1, 2):
        (directory / f"part{n}.c").write_text("\n" * n + part.format(n))
    (directory / "main.c").write_text("void *part1(void), *part2(void);\n"
                                      "int main(void) { part1(); part2(); return 0; }\n")
    subprocess.run(["gcc", "-w", "-g", "-o", "program", "main.c", "part1.c", "part2.c"], check=True, cwd=directory)
    run = tool.run(directory / "program")
    assert lines_of(run.profile, "take") == {"part1.c:3", "part2.c:4"}


@needs_core("lines")
@pytest.mark.parametrize("change", ["removed", "replaced"])
def test_file_is_gone(tool, caller, change):
    """If the object file changed before the report, the tool does not read lines from it: they would be wrong."""
    directory = tool.new_directory()
    library = compile_c(directory, "taking", TAKING, "-shared", "-fPIC", "-g")
    action = {"removed": f"unlink({str(library)!r})",
              "replaced": f"rename({str(caller)!r} + '.copy', {str(library)!r})"}[change]
    shutil.copy(caller, f"{caller}.copy")
    path = directory / "script.py"
    path.write_text("import ctypes, os\n"
                    f"library = ctypes.CDLL({str(library)!r})\n"
                    f"library.take(4711)\nos.{action}\n")
    run = tool.run("/usr/bin/python3", "-S", path)
    assert lines_of(run.profile, "take") == {":0"}
    warnings = re.findall(r"warning: no source lines for (\S+): (\S+) was changed or removed", run.log)
    assert warnings == [(str(library), str(library))]
    assert any(line for places in native_lines(run.profile).values() for _, line in places)


# Without these options the core does not know the exact instruction.
PRECISE = "--px-default=unwindregs-at-mem-access", "--px-file-backed=unwindregs-at-mem-access"
CRASHING = """\
#include <stdlib.h>
static int *volatile nowhere;
static void crash(void)
{
    *nowhere = 1;
}
int main(void)
{
    crash();
    return 0;
}
"""


@pytest.mark.parametrize("options", [(), ("--fullpath-after=",), ("--fullpath-after=/run",)])
def test_fatal_signal(tool, options):
    """The core prints the same stack at a fatal signal as if it had read the lines itself."""
    program = compile_c(tool.new_directory(), "crashing", CRASHING, "-g")
    ours, core = (tool.run(program, options=[*PRECISE, *options, *more], check=False) for more in ((), CORE))
    assert ours.returncode == core.returncode == -signal.SIGSEGV
    stacks = [[re.sub(r"^==\d+==", "", line) for line in run.log.splitlines() if re.search(r" (at|by) 0x", line)]
              for run in (ours, core)]
    assert stacks[0] == stacks[1]
    assert any("crashing.c:5)" in line for line in stacks[0])


def test_fatal_signal_xml(tool):
    program = compile_c(tool.new_directory(), "crashing", CRASHING, "-g")
    texts = []
    for more in ((), CORE):
        directory = tool.new_directory()
        tool.run(program, options=["--xml=yes", f"--xml-file={directory}/xml", *PRECISE, *more], check=False)
        texts.append(re.findall(r"<frame>.*?</frame>", (directory / "xml").read_text(), re.S))
    assert texts[0] == texts[1] and texts[0]
    assert any("<line>5</line>" in frame for frame in texts[0])


LEAVING = """\
#include <dlfcn.h>
#include <fcntl.h>
int leave_open(void)
{
    return open("/dev/null", O_RDONLY);
}
int main(int argc, char **argv)
{
    void *library = dlopen(argv[1], RTLD_NOW);
    int there = ((int (*)(void))dlsym(library, "leave_open"))();
    int here = leave_open();
    dlclose(library);                       /* the set of loaded objects changes */
    return here < 0 || there < 0;
}
"""


@pytest.mark.parametrize("keep", ["no", "yes"])
def test_open_files(tool, keep):
    """Stacks that the core keeps, and prints after an object was unloaded (--track-fds=yes)."""
    directory = tool.new_directory()
    library = compile_c(directory, "left", LEAVING, "-shared", "-fPIC", "-g")
    program = compile_c(directory, "leaving", LEAVING, "-g", "-ldl")
    stacks = [[re.sub(r"^==\d+==", "", line) for line in run.log.splitlines() if re.search(r" (at|by) 0x", line)]
              for run in (tool.run(program, library, options=["--track-fds=yes", f"--keep-debuginfo={keep}", *more])
                          for more in ((), CORE))]
    assert stacks[0] == stacks[1]
    assert any("leave_open (leaving.c:5)" in line for line in stacks[0])
    assert any("leave_open (left.c:5)" in line for line in stacks[0]) == (keep == "yes")


ASKING = """\
#include <stdio.h>
#include <stdlib.h>
#include <valgrind/valgrind.h>
int main(void)
{
    char *text = calloc(1, 256);
    VALGRIND_MAP_IP_TO_SRCLOC((char *)main + 8, text);      /* a client request of the core */
    puts(text);
    free(text);
    return 0;
}
"""


def test_client_request(tool):
    program = compile_c(tool.new_directory(), "asking", ASKING, "-g")
    answers = [tool.run(program, options=more).stdout for more in ((), CORE)]
    assert answers[0] == answers[1]
    assert re.search(r"asking\.c:[56]$", answers[0].strip())


@pytest.mark.parametrize("option", ["--read-var-info=yes", "--read-inline-info=yes"])
def test_core_reads(tool, caller, option):
    library = compile_c(tool.new_directory(), "taking", TAKING, "-shared", "-fPIC", "-g")
    run = tool.run(caller, library, options=[option])
    assert lines_of(run.profile, "take") == {"taking.c:5"}
