# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes that become other programs: each leaves one profile, and what did not become one reports once."""
import os
import re
import shutil
import stat

import pytest

from pmtest import Profile, heap_totals, needs_core

LOSE = """\
import ctypes, os, sys
malloc = ctypes.PyDLL(None).malloc
malloc.restype = ctypes.c_void_p
def lose():
    malloc(4321)
for n in range(3):
    lose()
"""


def script(tool, text):
    path = tool.new_directory() / "script.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["out.%p", "out"])
def test_chain(tool, release_python, name):
    """Four execs in turn leave five profiles, also where an earlier run left files of these names."""
    path = script(tool, """\
import os, sys
left = int(sys.argv[1])
kept = [bytearray(1000 + left) for n in range(100 + left)]
if left > 0:
    os.execv(sys.executable, [sys.executable, "-S", __file__, str(left - 1)])
os._exit(7)
""")
    directory = tool.new_directory()
    run = tool.run(release_python.path, "-S", path, 4, files=False, check=False,
                   options=["--trace-children=yes", f"--pymemcheck-out-file={directory}/{name}"])
    assert run.returncode == 7
    profiles = [Profile(file) for file in sorted(directory.iterdir(), key=lambda file: len(file.name))]
    base = f"out.{run.pid}" if "%" in name else "out"
    assert {profile.path.name for profile in profiles} == {
        base, *(base + end for end in (".before-exec", ".before-exec.2", ".before-exec.3", ".before-exec.4"))}
    ends = {profile.path.name: profile.json["run"]["end"] for profile in profiles}
    assert ends.pop(base) == "exit" and set(ends.values()) == {"exec"}
    assert len({profile.at_line(str(path), 3).live_blocks for profile in profiles}) == 5
    assert not list(directory.glob("*.tmp"))


def test_chain_again(tool, release_python):
    """Profiles of an earlier run are replaced, not added to."""
    path = script(tool, "import os, sys; os.execv(sys.executable, [sys.executable, '-S', '-c', ''])\n")
    directory = tool.new_directory()
    (directory / "out.before-exec").write_text("old")
    os.utime(directory / "out.before-exec", (1, 1))
    tool.run(release_python.path, "-S", path, files=False,
             options=["--trace-children=yes", f"--pymemcheck-out-file={directory}/out"])
    assert sorted(file.name for file in directory.iterdir()) == ["out", "out.before-exec"]
    assert Profile(directory / "out.before-exec").json["run"]["end"] == "exec"


UNRUNNABLE = {
    "no interpreter": "#!/no/such/interpreter\n",
    "script of a script without one": "#!{directory}/inner\n",
    "no magic": "echo here\n",
    "empty": "",
    "damaged": "\x7fELF" + "\0" * 1000,
    "nothing behind the mark": "#!\n",
}
# The core finds these possible, and ends the program when the kernel refuses them.
FOUND_POSSIBLE = {"no interpreter", "script of a script without one", "damaged"}


@pytest.mark.parametrize("trace", ["no", "yes"])
@pytest.mark.parametrize("kind", [pytest.param(kind, marks=needs_core("exec")) if kind in FOUND_POSSIBLE else kind
                                  for kind in UNRUNNABLE])
def test_exec_that_cannot_succeed(tool, release_python, kind, trace):
    """A file that is there and executable and that the kernel does not run: one report, in which leaks count once."""
    directory = tool.new_directory()
    for name, text in ("inner", UNRUNNABLE["no interpreter"]), ("program", UNRUNNABLE[kind]):
        (directory / name).write_bytes(text.format(directory=directory).encode("latin-1"))
        (directory / name).chmod(0o755)
    path = script(tool, LOSE + f"""\
try:
    os.execv({str(directory / 'program')!r}, ["x"])
except OSError:
    print("goes on", flush=True)
os._exit(5)
""")
    run = tool.run(release_python.path, "-S", path, check=False, options=[f"--trace-children={trace}"])
    assert run.stdout == "goes on\n"
    assert run.returncode == 5
    assert run.log.count("HEAP SUMMARY") == 1
    check_leaks(run)


def check_leaks(run):
    heap_totals(run.log)
    (loss,) = [loss for loss in run.profile.losses if loss.python and loss.python[0].function == "lose"]
    assert (loss.bytes, loss.blocks, loss.kind) == (3 * 4321, 3, "definite")
    assert re.search(r"ERROR SUMMARY: 1 errors? from 1 context", run.log), run.log[-500:]


def test_exec_that_fails_late(tool, release_python):
    """Where that is not told before (Valgrind traces no setuid program), there are two reports; leaks count once, and
    one profile is left."""
    program = tool.new_directory() / "program"
    shutil.copy("/bin/true", program)
    program.chmod(0o4755)
    path = script(tool, LOSE + f"""\
try:
    os.execv({str(program)!r}, ["x"])
except OSError:
    print("goes on", flush=True)
os._exit(5)
""")
    run = tool.run(release_python.path, "-S", path, check=False, options=["--trace-children=yes"])
    assert run.stdout == "goes on\n"
    assert run.returncode == 5
    assert run.log.count("HEAP SUMMARY") == 2 and "the exec failed and the program goes on" in run.log
    check_leaks(run)
    assert [file.name for file in run.directory.glob("out.*")] == [f"out.{run.pid}"]


def test_profile_is_private(tool, release_python):
    """It has the beginnings of strings, so that only the user may read it."""
    directory = tool.new_directory()
    tool.run(release_python.path, "-S", "-c", "", files=False, options=[f"--pymemcheck-out-file={directory}/out"])
    assert stat.S_IMODE((directory / "out").stat().st_mode) == 0o600


def test_link_in_the_way_of_the_temporary_file(tool, release_python):
    """Links that somebody made with the names of temporary files are not followed."""
    directory = tool.new_directory()
    victim = tool.new_directory() / "victim"
    victim.write_text("precious")
    path = script(tool, f"""\
import os
for name in ("out.tmp{{}}", ".out.tmp{{}}", "out.{{}}.tmp"):
    os.symlink({str(victim)!r}, {str(directory)!r} + "/" + name.format(os.getpid()))
os.symlink({str(victim)!r}, {str(directory / 'out')!r})
""")
    tool.run(release_python.path, "-S", path, files=False, options=[f"--pymemcheck-out-file={directory}/out"])
    assert victim.read_text() == "precious"
    assert not (directory / "out").is_symlink()
    assert Profile(directory / "out").totals["allocs"] > 0


def test_long_file_name(tool, release_python):
    """A name as long as a name can be needs no room for more."""
    directory = tool.new_directory()
    name = directory / ("n" * 255)
    tool.run(release_python.path, "-S", "-c", "", files=False, options=[f"--pymemcheck-out-file={name}"])
    assert Profile(name).totals["allocs"] > 0


@pytest.mark.parametrize("place", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_profile_to_standard_output(tool, release_python, place, kind):
    """The profile follows what the program wrote; the name in /dev stays what it is."""
    before = os.readlink("/dev/stdout")
    directory = tool.new_directory()
    command = [tool.starter, f"--log-file={directory}/log", f"--pymemcheck-out-file={place}",
               release_python.path, "-S", "-c", "print('from the program')"]
    redirection = f" > {directory}/captured" if kind == "file" else " | cat"
    run = tool.run_native("/bin/sh", "-c", " ".join(f"'{word}'" if " " not in str(word) else f'"{word}"'
                                                    for word in command) + redirection)
    text = (directory / "captured").read_text() if kind == "file" else run.stdout
    first, _, rest = text.partition("\n")
    assert first == "from the program"
    (directory / "out").write_text(rest)
    assert Profile(directory / "out").totals["allocs"] > 0
    assert os.readlink("/dev/stdout") == before
