# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck run: the real interpreter, the program's own exit status, ten lines at the end."""
import os
import signal
import subprocess
import sys
import time

import pytest

import pack
import pmtest
from pymemcheck import Profile
from pymemcheck.runner import find_interpreter, resolve_program, split

PYTHON = pmtest.system_python()


@pytest.fixture
def run(command, tmp_path):
    """Runs the command in an empty folder."""
    def start(*arguments, env=None):
        return command.run("run", *arguments, cwd=str(tmp_path), env=env)
    return start


def only_profile(folder):
    path, = folder.glob("pymemcheck.out.*")
    return Profile.load(path)


def test_script(run, tmp_path):
    """Its output is its own, the summary is ten lines on standard error at most, files are in the working folder."""
    (tmp_path / "job.py").write_text("import sys\nprint('hello', sys.argv[1:])\nkept = bytearray(5000)\nsys.exit(7)\n")
    result = run("--python=" + PYTHON, "job.py", "--leak-scan=x", "-q")
    assert result.returncode == 7 and result.stdout == "hello ['--leak-scan=x', '-q']\n"
    lines = result.stderr.splitlines()
    assert 3 < len(lines) <= 10 and "ended with exit code 7" in lines[0] and lines[-1].startswith("more: pymemcheck report")
    profile = only_profile(tmp_path)
    assert profile.run["command"] == [PYTHON, "job.py", "--leak-scan=x", "-q"] and profile.run["exit_code"] == 7
    log, = tmp_path.glob("pymemcheck.log.*")
    assert "HEAP SUMMARY" in log.read_text()


def test_module_and_options(run, tmp_path):
    """Options that are not ours are Valgrind's."""
    result = run("--leak-scan=both", "--python", PYTHON, "-o", "out", "--valgrind-options=--python-frames=3 --histogram=none",
                 "--no-summary", "-m", "json.tool", "--help")
    assert result.returncode == 0 and "usage" in result.stdout and result.stderr == ""
    profile = Profile.load(tmp_path / "out")
    assert profile.leaks_before is not None and profile.leaks is not None
    assert max(sum(frame.kind == "python" for frame in profile.stack(stack)) for stack in set(profile.sites.stack)) == 3


def test_deep_native_stacks(run, tmp_path):
    """More callers than Valgrind's default of 12."""
    run("--python=" + PYTHON, "-c", "import json")
    profile = only_profile(tmp_path)
    assert max(sum(frame.kind == "native" for frame in profile.stack(stack)) for stack in set(profile.sites.stack)) > 12


def test_any_program(run, tmp_path):
    assert run("--", "/bin/false").returncode == 1
    assert only_profile(tmp_path).run["command"] == ["/bin/false"]


def test_file_limit(command):
    """The program may have as many files open as the system allows."""
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    result = subprocess.run(["sh", "-c", "ulimit -Sn 256; exec \"$@\"", "sh", sys.executable, command.path,
                             "run", "--no-summary", "-o", "/dev/null", "--log-file=/dev/null", "--python=" + PYTHON, "-c", code],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert int(result.stdout) > 256, result.stderr


def test_killed_program(run, tmp_path):
    result = run("--python=" + PYTHON, "-c", "import os; os.kill(os.getpid(), 11)")
    assert result.returncode == 128 + signal.SIGSEGV and "killed by" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_program(command, tmp_path, number):
    """A request to end ends the program, which may still clean up, and the summary comes."""
    (tmp_path / "wait.py").write_text("import signal, sys, time\n"
                                      "def end(number, frame): sys.exit(40 + number)\n"
                                      "signal.signal(signal.SIGTERM, end); signal.signal(signal.SIGINT, end)\n"
                                      "open('ready', 'w').close()\n"
                                      "for _ in range(600): time.sleep(0.1)\n")
    with subprocess.Popen([sys.executable, command.path, "run", "--python=" + PYTHON, "wait.py"], cwd=str(tmp_path),
                          stderr=subprocess.PIPE, start_new_session=True) as process:
        deadline = time.monotonic() + 120
        while not (tmp_path / "ready").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)      # as Control-C does
        else:
            process.send_signal(number)
        text = process.stderr.read().decode()
        assert process.wait() == 40 + number and "ended with exit code %d" % (40 + number) in text


def test_children(run, tmp_path):
    """A child that a fork made has a profile of its own, and the summary names it."""
    result = run("--python=" + PYTHON, "-c", "import os; pid = os.fork(); pid and os.waitpid(pid, 0)")
    assert len(list(tmp_path.glob("pymemcheck.out.*"))) == 2 and "other processes: pymemcheck.out." in result.stderr


def test_children_in_other_folders(command, tmp_path):
    """Their files are beside the parent's, also where the folder's name looks like Valgrind's %p."""
    here, other = tmp_path / "100%p", tmp_path / "other"
    here.mkdir()
    other.mkdir()
    code = "import subprocess, sys; subprocess.check_call([sys.executable, '-c', 'pass'], cwd=%r)" % str(other)
    result = command.run("run", "--python=" + PYTHON, "--trace-children=yes", "-c", code, cwd=str(here))
    assert result.returncode == 0 and "other processes:" in result.stderr, result
    assert len(list(here.glob("pymemcheck.out.*"))) == len(list(here.glob("pymemcheck.log.*"))) == 2 and not list(other.iterdir())


def test_wrong_usage(run):
    for arguments, message in (((), "no program"), (("--",), "no program"), (("-m",), "needs a value"),
                               (("--", "no-such-program"), "no program no-such-program"), (("--python=no-such", "x"), "no program no-such")):
        result = run(*arguments)
        assert result.returncode == 2 and message in result.stderr and result.stderr.count("\n") == 1


def test_wrong_valgrind_option(run):
    """Valgrind says what is wrong with it; no profile is there, and that is said."""
    result = run("--no-such-option=1", "--python=" + PYTHON, "-c", "pass")
    assert result.returncode == 1 and "no-such-option" in result.stderr and "no profile" in result.stderr


@pytest.mark.parametrize("words, options, program", [
    ("a.py b", [], ["a.py", "b"]), ("-x --y=1 a.py -z", ["-x", "--y=1"], ["a.py", "-z"]), ("--python p a.py", ["--python", "p"], ["a.py"]),
    ("-o f -m mod -o g", ["-o", "f"], ["-m", "mod", "-o", "g"]), ("-v -- ls -l", ["-v"], ["--", "ls", "-l"]), ("", [], []),
    ("-c code", [], ["-c", "code"]), ("-v", ["-v"], [])])
def test_splitting(words, options, program):
    assert split(words.split()) == (options, program)


# --- Shims and scripts ---

def script(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_shim(run, tmp_path):
    """A shell script that starts the interpreter, as pyenv's: the interpreter itself is run."""
    shims = tmp_path / "shims"
    shims.mkdir()
    script(shims / "python3", "#!/bin/sh\nexec %s \"$@\"\n" % PYTHON)
    result = run("-c", "kept = [1, 2, 3]", env={"PATH": "%s:%s" % (shims, os.environ["PATH"]), "VIRTUAL_ENV": "/none"})
    profile = only_profile(tmp_path)
    assert profile.run["command"][0] == os.path.realpath(PYTHON) or profile.run["command"][0] == PYTHON
    assert profile.run["python"].startswith("CPython") and result.returncode == 0


def test_virtual_environment(tmp_path, monkeypatch):
    """Its own path is kept: it is how the interpreter finds its packages."""
    folder = tmp_path / "venv"
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", str(folder)], check=True)
    monkeypatch.setenv("VIRTUAL_ENV", str(folder))
    path = find_interpreter()
    assert path == str(folder / "bin/python")
    prefix = subprocess.run([path, "-c", "import sys; print(sys.prefix)"], stdout=subprocess.PIPE, check=True)
    assert prefix.stdout.decode().strip() == str(folder)


def test_programs_that_are_python_scripts(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "%s:%s" % (tmp_path, os.environ["PATH"]))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    tool = script(tmp_path / "tool", "#!%s -E\nprint(1)\n" % PYTHON)
    assert resolve_program(["tool", "a"]) == [PYTHON, "-E", str(tool), "a"]
    by_env = script(tmp_path / "tool2", "#!/usr/bin/env python3\nprint(1)\n")
    resolved = resolve_program(["tool2"])
    assert resolved[1:] == [str(by_env)] and os.path.basename(resolved[0]).startswith("python")
    script(tmp_path / "tool3", "#!/bin/sh\nexec true\n")
    assert resolve_program(["tool3"]) == ["tool3"]
    assert resolve_program(["/bin/true", "x"]) == ["/bin/true", "x"]


def test_silent_shim(tmp_path, monkeypatch, command):
    script(tmp_path / "python3", "#!/bin/sh\nexit 1\n")
    monkeypatch.setenv("PATH", "%s:%s" % (tmp_path, os.environ["PATH"]))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    result = command.run("run", "-c", "pass")
    assert result.returncode == 2 and "does not say which interpreter" in result.stderr


@pytest.mark.parametrize("python", pack.PYTHONS[:1] + pack.PYTHONS[-1:], ids=pack.version_of)
def test_from_other_pythons(python, command, tmp_path):
    """The command itself may run in another Python than the program."""
    result = subprocess.run([python, command.path, "run", "--python=" + PYTHON, "-c", "print(1)"], cwd=str(tmp_path),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert result.returncode == 0 and result.stdout == b"1\n" and b"leaks: " in result.stderr
