# SPDX-License-Identifier: GPL-2.0-or-later
"""Children: their errors in the parent's exit code (--child-errors=), and those that are not watched."""
import re

import pytest

from pmtest import needs_core

FORK = """import ctypes, os, sys
libc = ctypes.CDLL(None)
libc.calloc.restype = ctypes.c_void_p
pid = os.fork()
if pid == 0:
    if sys.argv[1] == "leak":
        libc.calloc(1, 5000)
    os._exit(int(sys.argv[2]))
if sys.argv[3] == "waitid":
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    code = os.waitid(os.P_PID, pid, os.WEXITED).si_status
else:
    code = os.WEXITSTATUS(os.waitpid(pid, 0)[1])
print(code)
"""


@pytest.mark.parametrize("wait", ["waitpid", "waitid"])
@pytest.mark.parametrize("option, does, own, childs, parents", [
    (None, "leak", 0, 9, 0),
    ("no", "leak", 0, 9, 0),
    ("yes", "leak", 0, 9, 9),
    ("yes", "nothing", 0, 0, 0),
    ("yes", "nothing", 3, 3, 0),
])
def test_errors_of_a_child(tool, release_python, wait, option, does, own, childs, parents):
    path = tool.new_directory() / "fork.py"
    path.write_text(FORK)
    options = ["--error-exitcode=9", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]
    run = tool.run(release_python.path, "-S", path, does, str(own), wait, check=False,
                   options=options + ([f"--child-errors={option}"] if option else []))
    assert run.stdout == f"{childs}\n" and run.returncode == parents
    log = run.logs[run.pid]
    assert log.count("A child process ended with the code of --error-exitcode") == (parents == 9)
    assert f"ERROR SUMMARY: {int(parents == 9)} errors" in log


def test_child_errors_without_a_code(tool, release_python):
    """Nothing is an error of a child if there is no --error-exitcode=."""
    path = tool.new_directory() / "fork.py"
    path.write_text(FORK)
    run = tool.run(release_python.path, "-S", path, "leak", "0", "waitpid", options=["--child-errors=yes"])
    assert run.stdout == "0\n" and "A child process" not in run.log


SPAWN = """import subprocess, sys
for number in range(6):
    subprocess.run([sys.executable, "-S", "-c", "1"], check=True)
    subprocess.run(["/bin/true"], check=True)
"""


@pytest.mark.parametrize("traced", [False, True])
def test_python_that_is_not_watched(tool, release_python, traced):
    path = tool.new_directory() / "spawn.py"
    path.write_text(SPAWN)
    run = tool.run(release_python.path, "-S", path, options=["--trace-children=yes"] if traced else [])
    said = re.findall(r"hint: this process now runs (\S+), which is not watched: --trace-children=yes", "".join(run.logs.values()))
    assert said == ([] if traced else said[:1] * len(said)) and (traced or 1 <= len(said) <= 3)


SHARED_LOG = """import ctypes, multiprocessing, sys
libc = ctypes.CDLL(None)
libc.malloc.restype = None
for number in range(20):
    exec("def lose%d(): libc.malloc(%d)" % (number, 100 + number))
def lose_all(begin):
    begin.wait()
    for number in range(20):
        globals()["lose%d" % number]()
if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    begin = context.Event()
    workers = [context.Process(target=lose_all, args=(begin,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    begin.set()
    lose_all(begin)
    for worker in workers:
        worker.join()
"""


@needs_core("write")
@needs_core("lines")
@needs_core("open")
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("log", ["file", "pipe"])
def test_one_log_of_several_processes(tool, release_python, method, log):
    """Each report stands whole in the log, with no line of another process in it, and none is missing."""
    folder = tool.new_directory()
    (folder / "shared.py").write_text(SHARED_LOG)
    (folder / "log").write_text("of an earlier run\n")
    options = ["--trace-children=yes", f"--pymemcheck-out-file={folder}/out.%p",
               *([f"--log-file={folder}/log"] if log == "file" else [])]
    run = tool.run(release_python.path, folder / "shared.py", method, files=False, options=options)
    lines = ((folder / "log").read_text() if log == "file" else run.stderr).splitlines()
    assert "of an earlier run" not in lines
    pids = [re.match("==([0-9]+)== ?", line).group(1) for line in lines]
    reports = 0
    for at, line in enumerate(lines):
        if not line.endswith("== HEAP SUMMARY:"):
            continue
        end = next(i for i in range(at, len(lines)) if lines[i] == f"=={pids[at]}== CONCLUSION:")
        assert set(pids[at:end]) == {pids[at]}
        records = sum(" bytes in 1 blocks are definitely lost in loss record " in text for text in lines[at:end])
        assert records == 20 or (method == "spawn" and records == 0)    # the resource tracker's
        reports += records == 20
    assert reports == 4 and sum(line.startswith(f"=={run.pid}== ERROR SUMMARY: 20 errors") for line in lines) == 1
