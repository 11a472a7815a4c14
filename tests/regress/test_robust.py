# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever a program does, the tool writes its report. The tool never ends or disturbs the program."""
import json
import re
import signal

import pytest

from pmtest import PROGRAMS, Profile, compile_program, heap_totals, needs_core

KEEP = "kept = [bytearray(1000 + n) for n in range(50)]\n"


def script(tool, text):
    path = tool.new_directory() / "script.py"
    path.write_text(text)
    return path


def kept_at(profile, path, line):
    """Whether the fifty buffers of KEEP are live at that line."""
    found = profile.at_line(str(path), line)
    return found.live_blocks >= 100 and found.live_bytes >= 51_000


def test_failing_allocations(tool, python):
    """Impossible requests raise MemoryError, as without the tool, and the tool counts them."""
    path = script(tool, """\
failed = 0
for make in (lambda: bytearray(1 << 46), lambda: b"x" * (1 << 46), lambda: [None] * (1 << 43),
             lambda: bytearray(b"x").extend(bytes(1 << 46)), lambda: "x" * (1 << 46)):
    try:
        make()
    except MemoryError:
        failed += 1
print(failed, sum(map(len, [bytearray(10) for _ in range(10)])))
""")
    run = tool.run(python.path, "-S", path)
    assert run.stdout == "5 100\n"
    assert run.profile.troubles["failed_allocations"] >= 5
    assert run.profile.at_line(str(path), 2).total_blocks > 0 or run.profile.in_function(str(path), "<lambda>").sites


def test_deep_recursion(tool, python):
    """Of ten thousand Python frames, in Python alone and through C, the tool reads as many as it keeps."""
    # From 3.12 on the interpreter limits calls through C by itself; debug builds to 500.
    through_c = 3000 if python.version < (3, 12) else 100
    path = script(tool, """\
import sys, threading
sys.setrecursionlimit(50_000)
def deep(n):
    if n == 0:
        return bytearray(77_777)
    return deep(n - 1)
def through_c(n):
    if n == 0:
        return bytearray(88_888)
    return max([n], key=lambda x: (through_c(n - 1), 0)[1])
print(len(deep(10_000)))
threading.stack_size(512 * 1024 * 1024)
thread = threading.Thread(target=lambda: print(through_c(%d)))
thread.start()
thread.join()
""" % through_c)
    run = tool.run(python.path, "-S", path)
    assert run.stdout == f"77777\n{through_c}\n"
    for size, functions in (77_778, {"deep"}), (88_889, {"through_c", "through_c.<locals>.<lambda>"}):
        (site,) = [site for site in run.profile.sites if site.total_bytes == size]
        assert {line.function for line in site.python} == functions
        assert len(site.python) == 32
    assert run.profile.troubles["unreadable_stacks"] == 0


@pytest.mark.parametrize("end, status", [
    ("import os; os._exit(7)", 7),
    ("import sys; sys.exit(3)", 3),
    ("raise RuntimeError('not caught')", 1),
    ("import os, threading\nthreading.Thread(target=os._exit, args=(9,)).start()\n"
     "threading.Event().wait()", 9),
], ids=["os._exit", "sys.exit", "uncaught", "thread"])
def test_ways_to_exit(tool, release_python, end, status):
    """However the process exits, its exit code stays the same and the report is complete."""
    path = script(tool, KEEP + end)
    run = tool.run(release_python.path, "-S", path, check=False)
    assert run.returncode == status
    assert run.profile.json["run"]["end"] == "exit"
    assert run.profile.json["run"]["exit_code"] == status
    heap_totals(run.log)
    assert run.profile.at_line(str(path), 1).total_blocks >= 100


def test_exec(tool, python):
    """The tool writes the report before os.execv replaces the program."""
    path = script(tool, KEEP + f"import os, sys; os.execv({python.path!r}, [{python.path!r}, '-S', '-c', 'print(1)'])\n")
    run = tool.run(python.path, "-S", path)
    assert run.stdout == "1\n"
    assert run.profile.json["run"]["end"] == "exec"
    assert kept_at(run.profile, path, 1)
    heap_totals(run.log)


def test_exec_with_trace_children(tool, release_python):
    """With --trace-children=yes the old and the new program report. Both have the same pid, and the profile with the
    pid's name is that of the new program."""
    path = script(tool, KEEP + f"import os, sys; os.execv({release_python.path!r}, [{release_python.path!r}, "
                               "'-S', '-c', 'kept = [bytearray(2000) for _ in range(70)]; import os; os._exit(0)'])\n")
    directory = tool.new_directory()
    run = tool.run(release_python.path, "-S", path, files=False, cwd=directory, options=["--trace-children=yes"])
    first, second = re.findall(r"total heap usage: ([\d,]+) allocs", run.stderr)
    assert first != second
    profile = Profile(directory / f"pymemcheck.out.{run.pid}")
    assert profile.in_function("<string>", release_python.comprehension()).live_blocks >= 140


def test_exec_that_fails(tool, release_python):
    """After a failed exec the program goes on, and the report at its end is complete."""
    path = script(tool, """\
import os
try:
    os.execv("/no/such/program", ["x"])
except FileNotFoundError:
    print("goes on", flush=True)
""" + KEEP + "os._exit(0)\n")
    run = tool.run(release_python.path, "-S", path)
    assert run.stdout == "goes on\n"
    assert run.profile.json["run"]["end"] == "exit"
    assert kept_at(run.profile, path, 6)


def test_fork(tool, python):
    """A forked child reports under its own pid. Its report contains inherited and own blocks; the parent's contains
    only the parent's blocks."""
    path = script(tool, KEEP + """\
import os
pid = os.fork()
if pid == 0:
    child = [bytearray(3000) for _ in range(30)]
    os._exit(5)
print(os.waitpid(pid, 0)[1] >> 8, flush=True)
parent = [bytearray(4000) for _ in range(20)]
os._exit(0)
""")
    run = tool.run(python.path, "-S", path)
    assert run.stdout == "5\n"
    profiles = run.profiles
    assert len(profiles) == 2 and run.pid in profiles
    (child,) = [profile for pid, profile in profiles.items() if pid != run.pid]
    assert child.json["run"]["ppid"] == run.pid
    assert child.json["run"]["exit_code"] == 5
    assert kept_at(run.profile, path, 1) and kept_at(child, path, 1)
    assert child.at_line(str(path), 5).live_blocks >= 60
    assert run.profile.at_line(str(path), 5).total_blocks == 0
    assert run.profile.at_line(str(path), 8).live_blocks >= 40
    assert child.at_line(str(path), 8).total_blocks == 0
    for pid in profiles:
        assert f"=={pid}==     in use at exit" in run.logs[pid]


def test_fork_from_a_thread(tool, release_python):
    """A child that was not forked by the main thread has the Python stack of the thread that forked."""
    path = script(tool, """\
import os, threading
def work():
    pid = os.fork()
    if pid == 0:
        child = [bytearray(3000) for _ in range(30)]
        os._exit(0)
    os.waitpid(pid, 0)
thread = threading.Thread(target=work)
thread.start()
thread.join()
""")
    run = tool.run(release_python.path, "-S", path)
    (child,) = [profile for pid, profile in run.profiles.items() if pid != run.pid]
    stacks = {tuple(line.function for line in site.python) for site in child.at_line(str(path), 5).sites}
    inner = release_python.comprehension("work")
    assert (inner in {stack[0] for stack in stacks} or all(stack[0] in ("work", inner) for stack in stacks)) and stacks
    for stack in stacks:
        assert stack[-3:] == ("Thread.run", "Thread._bootstrap_inner", "Thread._bootstrap")


def test_subprocess(tool, release_python):
    """A child that is not traced writes no report, and the tool adds nothing to its output. The parent's report is
    complete."""
    path = script(tool, KEEP + """\
import os, subprocess, sys
print(subprocess.run([sys.executable, "-c", "print(2)"], capture_output=True, text=True, check=True))
print(subprocess.run("echo 3 | cat", shell=True, capture_output=True, text=True, check=True), flush=True)
os._exit(0)
""")
    run = tool.run(release_python.path, "-S", path)
    assert "stdout='2\\n', stderr=''" in run.stdout and "stdout='3\\n', stderr=''" in run.stdout
    assert kept_at(run.profile, path, 1)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing(tool, release_python, method):
    """Workers of multiprocessing work. Forked workers report under their own pid. Spawned workers are new programs."""
    path = script(tool, """\
import multiprocessing, os
def work(n):
    return len([bytearray(3000) for _ in range(n)])
if __name__ == "__main__":
    context = multiprocessing.get_context(%r)
    with context.Pool(2) as pool:
        print(pool.map(work, [10, 20, 30], chunksize=1))
        pool.close()
        pool.join()
""" % method)
    traced = method == "spawn"
    run = tool.run(release_python.path, "-S", path, options=["--trace-children=yes"] if traced else [])
    assert run.stdout == "[10, 20, 30]\n"
    workers = [profile for pid, profile in run.profiles.items() if pid != run.pid]
    assert len(workers) >= 2
    blocks = sum(site.total_blocks for worker in workers for site in worker.at_line(str(path), 3).sites
                 if site.total_bytes == 3001 * site.total_blocks)
    assert blocks == 60


@pytest.mark.parametrize("death, number", [
    ("import os, signal; os.kill(os.getpid(), signal.SIGABRT)", signal.SIGABRT),
    ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", signal.SIGSEGV),
    ("import ctypes; ctypes.string_at(0)", signal.SIGSEGV),
    ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", signal.SIGTERM),
    ("import ctypes; ctypes.CDLL(None).abort()", signal.SIGABRT),
], ids=["SIGABRT", "SIGSEGV", "null", "SIGTERM", "abort"])
def test_death_by_signal(tool, release_python, death, number):
    """A process that a signal kills reports first, and then dies of that signal."""
    path = script(tool, KEEP + death + "\n")
    run = tool.run(release_python.path, "-S", path, check=False)
    assert run.returncode == -number
    assert run.profile.json["run"]["end"] == "signal"
    assert run.profile.json["run"]["signal"] in (None, number)      # the core writes it to the log only
    assert kept_at(run.profile, path, 1)
    assert f"signal {number:d}" in run.log
    stack = run.log[run.log.index("The stack of the thread that it killed:"):run.log.index("HEAP SUMMARY")]
    assert re.search(rf"^==\d+==    by <module> \({re.escape(str(path))}:\d+\)$", stack, re.M), stack
    assert run.profile.json["run"]["end_stack"] > 0


def test_death_by_a_stack_that_overflowed(tool):
    """There is no stack to show, but there is a report."""
    source = tool.new_directory() / "deep.c"
    source.write_text("#include <stdlib.h>\n"
                      "static int deep(int n)\n"
                      "{\n"
                      "    volatile char room[4096];\n"
                      "    room[0] = (char)n;\n"
                      "    return n < 0 ? 0 : deep(n + 1) + room[0];\n"
                      "}\n"
                      "int main(void) { return malloc(777) == NULL ? 0 : deep(0); }\n")
    run = tool.run(compile_program(source.with_suffix(""), source, "-O0"), check=False)
    assert run.returncode == -signal.SIGSEGV
    assert "777 bytes in 1 blocks" in run.log
    assert "INTERNAL ERROR" not in run.log + run.stderr


def test_death_in_a_thread(tool, release_python):
    """The stack is that of the thread that did wrong, not that of one that the core ended for it."""
    path = script(tool, "import ctypes, threading, time\n"
                        "def work(): ctypes.string_at(0)\n"
                        "threading.Thread(target=time.sleep, args=(100,), daemon=True).start()\n"
                        "thread = threading.Thread(target=work)\n"
                        "thread.start()\n"
                        "thread.join()\n")
    run = tool.run(release_python.path, "-S", path, check=False)
    assert run.returncode == -signal.SIGSEGV
    stack = run.log[run.log.index("The stack of the thread that it killed:"):run.log.index("HEAP SUMMARY")]
    assert f"by work ({path}:2)" in stack and "<module>" not in stack, stack


@pytest.mark.parametrize("place", ["/no/such/folder/out.%p", "/proc/out.%p", "/dev/full"])
def test_unwritable_profile(tool, programs, place):
    """If the profile cannot be written, a message says so. The log has the report, and the exit code is the
    program's."""
    directory = tool.new_directory()
    run = tool.run("/bin/sh", "-c", "exit 4", check=False, files=False, cwd=directory,
                   options=[f"--log-file={directory}/log", f"--pymemcheck-out-file={place}"])
    assert run.returncode == 4
    log = (directory / "log").read_text()
    heap_totals(log)
    assert re.search(rf"{re.escape(place.partition('%')[0])}.*", log), log
    assert "Profile written" not in log
    assert [path.name for path in directory.iterdir()] == ["log"]


@needs_core("open")
@pytest.mark.parametrize("place", ["/no/such/folder/log.%p", "/proc/log"])
def test_unwritable_log(tool, place):
    """If the log file cannot be opened, the program runs, and the report goes to standard error."""
    out = tool.new_directory() / "out"
    run = tool.run("/bin/sh", "-c", "echo here; exit 4", check=False, files=False,
                   options=[f"--log-file={place}", f"--pymemcheck-out-file={out}"])
    assert run.returncode == 4
    assert run.stdout == "here\n"
    assert re.search(rf"cannot create the log file '{re.escape(place.partition('%')[0])}.*No such file", run.stderr)
    assert heap_totals(run.stderr).allocs == json.loads(out.read_text())["totals"]["allocs"]


@needs_core("write")
def test_full_log(tool):
    """If the log file is full, the program runs as usual, and its profile is complete."""
    out = tool.new_directory() / "out"
    run = tool.run("/bin/sh", "-c", "exit 4", check=False, files=False,
                   options=["--log-file=/dev/full", f"--pymemcheck-out-file={out}"])
    assert run.returncode == 4
    assert json.loads(out.read_text())["totals"]["allocs"] > 0
    assert re.fullmatch(r"==\d+== pymemcheck: error: the log file takes no more \(No space left on device\): "
                        r"the report in it is not whole\.\n", run.stderr), run.stderr


@needs_core("open")
def test_unwritable_log_of_a_child(tool, release_python):
    """If the folder for logs is gone when the program forks, the child goes on, and reports to standard error."""
    directory = tool.new_directory()
    (directory / "logs").mkdir()
    path = script(tool, f"""\
import os, shutil, sys
shutil.rmtree({str(directory / 'logs')!r})
child = os.fork()
if child == 0:
    print("child works", flush=True)
    sys.exit(3)
print("child ended with", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""")
    run = tool.run(release_python.path, "-S", path, files=False, cwd=directory,
                   options=[f"--log-file={directory}/logs/log.%p", f"--pymemcheck-out-file={directory}/out.%p"])
    assert run.stdout == "child works\nchild ended with 3\n"
    assert f"cannot create the log file '{directory}/logs/log." in run.stderr
    heap_totals(run.stderr)
    assert len(list(directory.glob("out.*"))) == 2


@needs_core("open")
def test_unwritable_xml_file(tool, programs):
    run = tool.run(programs["threads"], files=False,
                   options=["--xml=yes", "--xml-file=/no/such/folder/xml", "--pymemcheck-out-file=/dev/null"])
    assert "cannot create the XML file '/no/such/folder/xml'" in run.stderr
    assert "</valgrindoutput>" in run.stderr


def test_closed_standard_streams(tool, programs):
    """If a program closes its standard streams, its report still goes to the log file."""
    run = tool.run("/bin/sh", "-c", "exec <&- >&- 2>&-; exit 6", check=False)
    assert run.returncode == 6
    heap_totals(run.log)


CORRUPT = """\
import ctypes, pm_probe, struct, sys
def victim():
    pass
def word_at(address):
    return ctypes.c_uint64.from_address(address).value
def address_of(holder, value):
    # the place in the object `holder` of the pointer to `value`
    for offset in range(0, 400, 8):
        if word_at(id(holder) + offset) == id(value):
            return id(holder) + offset
    raise SystemExit("pointer not found")
def offset_in(address, value, length):
    for offset in range(0, length, 8):
        if word_at(address + offset) == value:
            return address + offset
    raise SystemExit("value not found")
"""


def corrupted(tool, python, body):
    path = script(tool, CORRUPT + body)
    run = tool.run(python.path, "-S", path, env=python.env)
    assert run.stdout == "unharmed\n"
    return path, run


@pytest.mark.parametrize("pointer", [0, 8, 0xdead_beef_f00d, 0xffff_ffff_ffff_fff8, 0x1000],
                         ids=["null", "8", "unmapped", "high", "low"])
@pytest.mark.parametrize("member", ["co_filename", "co_linetable", "co_qualname"])
def test_corrupt_code_object(tool, release_python, member, pointer):
    """The tool counts a code object with a broken pointer to its file name, line table or name. It does no harm."""
    path, run = corrupted(tool, release_python, f"""
class Holder:       # makes the qualified name another string than the name
    def corrupt():
        code = sys._getframe().f_code
        place = address_of(code, code.{member})
        pm_probe.with_bytes(place, struct.pack("<Q", {pointer}), 60_013)
Holder.corrupt()
pm_probe.allocate(60_017)
print("unharmed")
""")
    troubles = run.profile.troubles
    assert troubles["unreadable_code"] + troubles["unreadable_stacks"] >= 1
    # The broken stack is there, with the parts that were readable. The next stack is complete.
    (broken,) = [site for site in run.profile.sites if site.total_bytes == 60_013]
    (whole,) = [site for site in run.profile.sites if site.total_bytes == 60_017]
    assert [line.function for line in whole.python] == ["<module>"]
    assert whole.python[0].file == str(path)
    assert broken.has_native("pm_probe_allocate")


def test_corrupt_string_contents(tool, release_python):
    """The tool does not read past the end of a file name whose length field is wrong."""
    path, run = corrupted(tool, release_python, """
def victim():       # allocates for the first time while its file name is broken
    pm_probe.allocate(60_013)
def corrupt():
    name = victim.__code__.co_filename
    length = ctypes.c_uint64.from_address(offset_in(id(name), len(name), 64))
    right, length.value = length.value, 1 << 60
    victim()
    length.value = right
corrupt()
print("unharmed")
""")
    assert run.profile.troubles["unreadable_code"] >= 1
    assert "HEAP SUMMARY" in run.log


@pytest.mark.parametrize("pointer", [0, 0xdead_beef_f00d, 0x1000], ids=["null", "unmapped", "low"])
def test_corrupt_frame_chain(tool, python, pointer):
    """If a thread state's chain of frames leads to unmapped memory, the stack has no Python frames, and the tool counts
    it as unreadable."""
    if not (3, 11) <= python.version < (3, 13):
        pytest.skip("pm_probe knows where the pointer to the running frame is in 3.11 and 3.12 only")
    path, run = corrupted(tool, python, f"""
def corrupt():
    pm_probe.with_bytes(pm_probe.frame_chain(), struct.pack("<Q", {pointer}), 60_013)
corrupt()
pm_probe.allocate(60_017)
print("unharmed")
""")
    (broken,) = [site for site in run.profile.sites if site.total_bytes == 60_013]
    (whole,) = [site for site in run.profile.sites if site.total_bytes == 60_017]
    assert broken.python == []
    assert [line.function for line in whole.python] == ["<module>"]
    assert run.profile.troubles["unreadable_stacks"] >= 1


def test_unload_and_remap(tool, release_python):
    """Memory that the tool read may be unmapped and mapped again."""
    path = script(tool, """\
import mmap
for n in range(50):
    area = mmap.mmap(-1, 1 << 20)
    area[:100] = b"x" * 100
    area.close()
    kept = [bytearray(5000) for _ in range(20)]
print("unharmed")
""")
    run = tool.run(release_python.path, "-S", path)
    assert run.stdout == "unharmed\n"
    assert run.profile.troubles["unreadable_stacks"] == 0


def test_code_objects_that_come_and_go(tool, release_python):
    """Code objects die and others reuse their addresses. Each allocation has the name and line of its own code."""
    path = script(tool, """\
import pm_probe
for n in range(300):
    space = {"pm_probe": pm_probe}
    source = "\\n" * n + f"def made_{n}():\\n    pm_probe.allocate({40_000 + n})\\nmade_{n}()\\n"
    exec(compile(source, f"made-{n}.py", "exec"), space)
    del space
""")
    run = tool.run(release_python.path, "-S", path, env=release_python.env)
    seen = {site.total_bytes: [(line.file, line.function, line.line) for line in site.python[:2]]
            for site in run.profile.sites if 40_000 <= site.total_bytes < 40_300 and site.has_native("pm_probe_allocate")}
    assert seen == {40_000 + n: [(f"made-{n}.py", f"made_{n}", n + 2), (f"made-{n}.py", "<module>", n + 3)]
                    for n in range(300)}
    assert run.profile.troubles["unreadable_code"] == 0


def test_all_passes_of_translation(tool, release_python):
    """With --sanity-level=2 the core checks all translated blocks and accepts them. The figures are the same."""
    path = script(tool, KEEP)
    runs = [tool.run(release_python.path, "-S", path, options=options) for options in ([], ["--sanity-level=2"])]
    for run in runs:
        assert run.profile.at_line(str(path), 1).total_blocks >= 100
    assert heap_totals(runs[0].log) == heap_totals(runs[1].log)


@pytest.mark.parametrize("options", [[], ["--sanity-level=2"]], ids=["usual", "checked"])
def test_function_without_unwind_information(tool, tmp_path, options):
    """The tool guesses the caller of such a function as the core does, also where it takes over the rest of a stack."""
    program = compile_program(tmp_path / "bare", PROGRAMS / "bare.c", "-O1", "-no-pie",
                              "-fomit-frame-pointer")
    kept = [site for site in tool.run(program, options=options).profile.sites if site.has_native("keep")]
    for site in kept:
        assert [frame.function for frame in site.frames][1:4] == ["keep", "bare", "main"]
    assert sorted((site.live_bytes, site.live_blocks) for site in kept) == [(100, 1), (100, 1), (200, 1), (200, 1)]


FRAMES = {100: ["main"], 200: ["varying", "main"], 300: ["large", "main"], 400: ["recursive"],
          500: ["on_signal"], 600: ["body"]}


@pytest.mark.parametrize("flags", [["-O0"], ["-O1"], ["-O2"], ["-O2", "-fno-omit-frame-pointer"]], ids=" ".join)
def test_frames_of_all_kinds(tool, tmp_path, flags):
    """The tool finds the same callers as the core, below frames of varying size, large frames, signal handlers on their
    own stack, and threads. --sanity-level=2 compares each stack with the core's."""
    program = compile_program(tmp_path / "frames", PROGRAMS / "frames.c", "-pthread", *flags)
    run = tool.run(program, options=["--sanity-level=2"])
    kept = [site for site in run.profile.sites if site.has_native("take")]
    for bytes, callers in FRAMES.items():
        sites = [site for site in kept if site.total_bytes == bytes * site.total_blocks]
        assert sum(site.total_blocks for site in sites) == 40, bytes
        for site in sites:
            names = [frame.function for frame in site.frames]
            assert names[1:3] == ["take", "fixed"] and names[3:3 + len(callers)] == callers
