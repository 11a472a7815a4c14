# SPDX-License-Identifier: GPL-2.0-or-later
"""Profiles of real runs for the tests of the package. Each run is made once."""
import collections
import contextlib
import io
import os
import shutil
import subprocess
import sys

import pytest

import pack
from pymemcheck.command import main

# A package with tests of its own, which test_nightly.py builds and runs in a copy.
collect_ignore = ["example"]

# Outputs as text, and standard output as bytes.
Result = collections.namedtuple("Result", "returncode stdout stderr data")


class Command:
    """The command of the build folder."""

    def __init__(self, build_directory):
        self.path = os.path.join(build_directory, "pymemcheck")

    def run(self, *arguments, env=None, cwd=None, timeout=300):
        """Runs it as a process."""
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("PYTHON", "PYMEMCHECK")) and name not in ("COLUMNS", "NO_COLOR")}
        environment.update({"PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8", **(env or {})})
        run = subprocess.run([sys.executable, self.path, *map(str, arguments)], env=environment, cwd=cwd,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
        return Result(run.returncode, run.stdout.decode(errors="replace"), run.stderr.decode(errors="replace"), run.stdout)

    def run_here(self, *arguments):
        """Runs it in this process, which takes less time."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = main(list(map(str, arguments)))
            except SystemExit as end:
                status = end.code
        return Result(status, *(stream.buffer.getvalue().decode(errors="replace") for stream in (out, err)),
                      out.buffer.getvalue())

    def __call__(self, *arguments, status=0, env=None, cwd=None):
        """Its standard output; status is checked."""
        run = self.run(*arguments, env=env, cwd=cwd) if env or cwd else self.run_here(*arguments)
        assert run.returncode == status, (arguments, run)
        return run.stdout

    def complaint(self, *arguments, status=2):
        """What it says on standard error, which is one line."""
        run = self.run_here(*arguments)
        assert run.returncode == status and run.stderr.count("\n") == 1, run
        return run.stderr


@pytest.fixture(scope="session")
def command(build_directory):
    return Command(build_directory)


def make_job(folder, count=10, lead=""):
    """A program that leaks count lists and some memory, and takes a reference too many."""
    folder.mkdir(exist_ok=True)
    path = folder / "job.py"
    path.write_text(lead + pack.JOB.replace("COUNT", str(count)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def leaking(tool, release_python, tmp_path_factory):
    """A function that runs the leaking job and gives the tool's Run."""
    release_python.compile_extensions(pack.LEAKY)

    def run(folder, count=10, lead="", options=(), short=False):
        return tool.run(release_python.path, make_job(folder, count, lead), env=release_python.env,
                        options=("--leak-scan=both", *options), short=short)
    return run


@pytest.fixture(scope="session")
def job(leaking, tmp_path_factory):
    """A Run of the leaking job, with all its rows in the log."""
    return leaking(tmp_path_factory.mktemp("job"), options=("--histogram-top=0",))


@pytest.fixture(scope="session")
def grown_job(leaking, tmp_path_factory):
    """The same after a change: two lines more at its top, and more leaks."""
    return leaking(tmp_path_factory.mktemp("job2"), 25, "# A line\n# and one more.\n")


@pytest.fixture(scope="session")
def node():
    path = shutil.which("node")
    if path is None:
        pytest.skip("there is no node here")
    return path
