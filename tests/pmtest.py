# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs programs under pymemcheck and reads the reports.

`Tool.run(...)` returns a `Run`: exit status, output, and the log (text) and the
profile (the JSON file) of every process that reported. A `Profile` turns the
file's tables back into `Site`s, each with its stack of `Frame`s, innermost first.
"""
import collections
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
PACKAGE = PROGRAMS.parents[1] / "pymemcheck/python"         # for PYTHONPATH

# The two lines of the log that many tests read.
HEAP_SUMMARY = re.compile(
    r"in use at exit: ([\d,]+) bytes in ([\d,]+) blocks\n"
    r"==\d+==\s+total heap usage: ([\d,]+) allocs, ([\d,]+) frees, ([\d,]+) bytes allocated")

Totals = collections.namedtuple("Totals", "live_bytes live_blocks allocs frees bytes")
Frame = collections.namedtuple("Frame", "kind function file line object flags")
PythonLine = collections.namedtuple("PythonLine", "file function line")


def needs_core(feature):
    """Skips a test, with the reason, if the build does without a feature that uses Valgrind's insides
    (docs/install.md)."""
    config = pathlib.Path(os.environ.get("PM_BUILD_DIR", "."), "config.h")
    switch = re.search(rf"^#define PM_CORE_{feature.upper()} ([01])$", config.read_text() if config.exists() else "", re.M)
    return pytest.mark.skipif(switch is not None and switch[1] == "0", reason=f"built without the core feature {feature}")


def heap_totals(log):
    """The figures of the HEAP SUMMARY in a log of pymemcheck or Memcheck."""
    found = HEAP_SUMMARY.search(log)
    assert found, f"no HEAP SUMMARY in:\n{log}"
    return Totals(*(int(figure.replace(",", "")) for figure in found.groups()))


@functools.lru_cache(maxsize=None)
def is_stripped(path):
    """Whether a program or library has only exported symbols, and none in /usr/lib/debug either."""
    content = pathlib.Path(path).read_bytes()
    build = re.search(rb"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0(.{20})", content, re.DOTALL)
    name = build and build[1].hex()
    return b"\0.symtab\0" not in content \
        and not (name and os.path.exists(f"/usr/lib/debug/.build-id/{name[:2]}/{name[2:]}.debug"))


def is_inlined(python):
    """Whether link-time optimisation put pymalloc into its callers (docs/event-log.md): in Debian's release builds. Their
    sysconfig does not say so. python: an Interpreter, or one of tests/oracle/pythons.py."""
    return python.path.startswith("/usr/bin/") and not python.debug


def is_nameless(frame):
    """Whether frame is in a stripped program, and so has no name."""
    return frame.kind == "native" and frame.function == "" and os.path.isabs(frame.object) and is_stripped(frame.object)


def python_lines(frames):
    return [PythonLine(frame.file, frame.function, frame.line) for frame in frames if frame.kind == "python"]


def way_of(frames):
    """A stack as one line of text."""
    return " < ".join(f"{frame.function}:{frame.line}" if frame.kind == "python" else frame.function
                      for frame in frames)


class Site:
    """The allocations of one stack. sizes maps a power of two (a row of a histogram) to a count."""

    def __init__(self, frames, row):
        self.frames = frames            # innermost first
        self.total_bytes = row["total_bytes"]
        self.total_blocks = row["total_blocks"]
        self.live_bytes = row["live_bytes"]
        self.live_blocks = row["live_blocks"]
        self.peak_bytes = row["peak_bytes"]
        self.peak_blocks = row["peak_blocks"]
        self.padding_bytes = row["padding_bytes"]
        self.sizes = {least: count for least, count in row["sizes"]}

    @property
    def python(self):
        """Its Python frames, innermost first."""
        return python_lines(self.frames)

    def has_native(self, function):
        return any(f.kind == "native" and f.function == function for f in self.frames)

    def __repr__(self):
        return (f"<{self.total_blocks} blocks, {self.total_bytes} bytes, sizes {self.sizes}: "
                + way_of(self.frames) + ">")


class Loss:
    """A loss record of the leak search."""

    def __init__(self, frames, strings, record):
        self.frames = frames            # of the record's first block, innermost first
        for name in ("kind", "bytes", "blocks", "indirect_bytes", "indirect_blocks", "surplus_references", "suppressed"):
            setattr(self, name, record[name])
        self.types = [(strings[name], blocks) for name, blocks in record["types"]]
        self.note = strings[record["note"]]
        self.chain = [strings[line] for line in record["chain"]]
        self.expression = strings[record["expression"]]
        self.json = record

    @property
    def python(self):
        """Its Python frames, innermost first."""
        return python_lines(self.frames)

    def __repr__(self):
        types = ", ".join(f"{name or 'raw'} {blocks}" for name, blocks in self.types)
        return (f"<{self.kind}: {self.bytes} (+{self.indirect_bytes}) bytes in {self.blocks} "
                f"(+{self.indirect_blocks}) blocks, {self.surplus_references} references, [{types}] {self.note}, "
                f"chain {self.chain[:8]}: {way_of(self.frames[:15])}>")


class Sum:
    """The sum of several sites."""

    def __init__(self, sites):
        self.sites = list(sites)
        for name in ("total_bytes", "total_blocks", "live_bytes", "live_blocks", "padding_bytes"):
            setattr(self, name, sum(getattr(site, name) for site in self.sites))
        self.sizes = collections.Counter()
        for site in self.sites:
            self.sizes.update(site.sizes)


class Profile:
    """A pymemcheck.out file."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.json = json.loads(self.path.read_text(encoding="utf-8"))
        self.totals = self.json["totals"]
        self.troubles = self.json["troubles"]
        self._strings = list(self.json["strings"])
        for index, exact in self.json["strings_hex"].items():
            self._strings[int(index)] = bytes.fromhex(exact).decode("utf-8", "surrogatepass")
        self._frames_of = self._read_stacks()
        self.sites = list(self._read_sites())
        # None if this search did not run.
        self.losses = self._read_losses("leaks")
        self.losses_before = self._read_losses("leaks_before")

    def _read_stacks(self):
        """A function that maps the number of a stack to its frames, innermost first."""
        strings = self._strings
        frames = [Frame(frame["kind"], strings[frame["function"]], strings[frame["file"]],
                        frame["line"], strings[frame["object"]], tuple(frame["flags"]))
                  for frame in self.json["frames"]]
        back, tops = self.json["stacks"]["back"], self.json["stacks"]["frame"]

        def stack_of(node):
            stack = []
            while node != 0:
                stack.append(frames[tops[node]])
                node -= back[node]
            return stack

        return stack_of

    def _read_sites(self):
        columns = self.json["sites"]
        for values in zip(*columns.values(), strict=True):
            row = dict(zip(columns, values))
            yield Site(self._frames_of(row["stack"]), row)

    def _read_losses(self, key):
        section = self.json.get(key)
        return section and [Loss(self._frames_of(record["stack"]), self._strings, record)
                            for record in section["records"]]

    def native_frames(self):
        """(object, function, offset, file, line) of each native frame."""
        for frame in self.json["frames"]:
            if frame["kind"] == "native":
                yield (self._strings[frame["object"]], self._strings[frame["function"]],
                       frame["offset"], self._strings[frame["file"]], frame["line"])

    def at_line(self, file, line):
        """All allocations with line as the innermost Python line. file may be a base name."""
        return Sum(site for site in self.sites
                   if site.python and site.python[0].line == line
                   and (site.python[0].file == file or os.path.basename(site.python[0].file) == file))

    def in_function(self, file, function):
        return Sum(site for site in self.sites
                   if site.python and site.python[0].function == function
                   and os.path.basename(site.python[0].file) == os.path.basename(file))

    def from_native(self, function):
        """The sites whose native stack passes through function."""
        return [site for site in self.sites if site.has_native(function)]


class Run:
    """One finished run of the tool, or of a program without it."""

    def __init__(self, directory, process, stdout, stderr):
        self.directory = directory
        self.pid = process.pid
        self.returncode = process.returncode
        self.stdout = stdout
        self.stderr = stderr
        self._profiles = None

    def _by_pid(self, prefix):
        return {int(path.name[len(prefix):]): path for path in self.directory.glob(prefix + "*")
                if path.name[len(prefix):].isdigit()}       # not the profile of a program before exec

    @property
    def logs(self):
        return {pid: path.read_text(errors="surrogateescape") for pid, path in self._by_pid("log.").items()}

    @property
    def profiles(self):
        if self._profiles is None:
            self._profiles = {pid: Profile(path) for pid, path in self._by_pid("out.").items()}
        return self._profiles

    @property
    def log(self):
        return self.logs[self.pid]

    @property
    def profile(self):
        return self.profiles[self.pid]

    def __str__(self):
        logs = "\n".join(f"log of {pid}:\n{log[:1500]}\n...\n{log[-500:]}" for pid, log in self.logs.items())
        return f"status {self.returncode}\nstdout:\n{self.stdout}\nstderr:\n{self.stderr}\n{logs}"


class Tool:
    """Starts programs under the pymemcheck of a build folder."""

    def __init__(self, build_directory, scratch):
        self.build_directory = pathlib.Path(build_directory)
        self.scratch = pathlib.Path(scratch)
        self.starter = self.build_directory / "pymemcheck-in-place"
        self.runs = 0

    def new_directory(self):
        """A new folder. All names have the same length, since a program may keep the name of its working folder."""
        self.runs += 1
        directory = self.scratch / f"run{self.runs:06}"
        directory.mkdir(parents=True)
        return directory

    def run(self, *command, options=(), env=None, check=True, files=True, tool=None, timeout=300,
            cwd=None, short=False):
        """Runs command under the tool. short: the report as it is by default; else histograms of ten rows are drawn,
        which options may change. files: write the log and the profile to a new folder. tool: the name of
        another Valgrind tool. env: additions to the environment; a value of None removes a variable."""
        directory = self.new_directory()
        start = [str(self.starter)]
        if files:
            start.append(f"--log-file={directory}/log.%p")
            if tool in (None, "pymemcheck"):
                start.append(f"--pymemcheck-out-file={directory}/out.%p")
        if tool in (None, "pymemcheck") and not short:
            start.append("--histogram-top=10")
        environment = dict(env or {})
        if tool is not None:
            environment["PYMEMCHECK_TOOL"] = tool
        return self._start([*start, *options, *command], directory, environment, check, timeout, cwd)

    def run_native(self, *command, env=None, check=True, timeout=300):
        """Runs command without the tool."""
        return self._start(list(command), self.new_directory(), env or {}, check, timeout, None)

    def _start(self, arguments, directory, additions, check, timeout, cwd):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("PYTHON", "PYTEST", "PM_", "VALGRIND"))}
        environment["PYTHONHASHSEED"] = "0"
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        environment["LC_ALL"] = "C.UTF-8"
        for name, value in additions.items():
            environment.pop(name, None)
            if value is not None:
                environment[name] = str(value)
        with subprocess.Popen([str(a) for a in arguments], env=environment, cwd=cwd or directory,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, errors="surrogateescape") as process:
            try:
                stdout, stderr = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                stdout, stderr = process.communicate()
                raise AssertionError(f"still running after {timeout} s: {arguments}\n{stdout}\n{stderr}") from None
        run = Run(directory, process, stdout, stderr)
        assert not check or run.returncode == 0, f"{arguments}\n{run}"
        return run


class Interpreter:
    """A CPython, and the test extensions compiled against its own headers."""

    # For Debian's debug build of 2.7, sysconfig's path is the folder of the release build. INCLUDEPY comes first.
    FACTS = ("import os, sys, sysconfig, json; json.dump(dict(include=[folder for folder in "
             "[sysconfig.get_config_var('INCLUDEPY'), sysconfig.get_path('include')] "
             "if folder and (os.path.exists(folder) or folder == sysconfig.get_path('include'))][0], "
             "suffix=sysconfig.get_config_var('EXT_SUFFIX') or '.so', debug=hasattr(sys, 'gettotalrefcount'), "
             "version=list(sys.version_info[:3]), shared=sysconfig.get_config_var('Py_ENABLE_SHARED')), "
             "sys.stdout)")

    def __init__(self, name, path, scratch):
        self.name = name
        self.path = str(path)
        facts = json.loads(subprocess.run([self.path, "-E", "-c", self.FACTS], check=True,
                                          stdout=subprocess.PIPE).stdout)
        self.include, self.suffix, self.debug = facts["include"], facts["suffix"], facts["debug"]
        self.version = tuple(facts["version"])
        self.shared = bool(facts["shared"])
        self.extensions = pathlib.Path(scratch) / f"extensions-{name}"

    PROBE = PROGRAMS / "probe" / "pm_probe.c"           # for 2.7 and later
    LEAKY = PROGRAMS / "cmemleak" / "cMemLeak.c"        # for 3.11 and later

    def comprehension(self, function="<module>"):
        """The name of the code that runs a list comprehension in a function: from 3.12 on, the function itself."""
        inner = "<listcomp>" if function == "<module>" else function + ".<locals>.<listcomp>"
        return function if self.version >= (3, 12) else inner

    @property
    def has_headers(self):
        return os.path.exists(os.path.join(self.include, "Python.h"))

    def compile_extensions(self, *sources):
        self.extensions.mkdir(parents=True, exist_ok=True)
        for source in sources:
            # -isystem: the headers of old versions cause warnings. -fno-canonical-system-headers: the headers of Debian's
            # debug build are links to those of the release build, and gcc would look for pyconfig.h there.
            compile_program(self.extensions / (source.stem + self.suffix), source, "-shared", "-fPIC", "-O1",
                            "-pthread", "-isystem", self.include, "-fno-canonical-system-headers")

    @property
    def env(self):
        """Additions to the environment that make the extensions importable."""
        return {"PYTHONPATH": str(self.extensions)}


def compile_program(output, source, *flags):
    """Compiles a C or C++ source. Warnings are errors."""
    compiler = shutil.which("g++" if source.suffix == ".cpp" else "gcc")
    assert compiler, "no compiler: the tests need gcc and g++"
    subprocess.run([compiler, "-g", "-Wall", "-Wextra", "-Werror", *flags, "-o", str(output), str(source)],
                   check=True)
    return output


def compile_cython(python, source, folder):
    """Compiles a module written in Cython into a folder, or skips: Cython 0.29 does not know 3.12 and later."""
    if not (3, 6) <= python.version < (3, 12) or not python.has_headers:
        pytest.skip(f"{python.path} has no headers, or is newer than Cython 0.29 knows")
    for cython in filter(shutil.which, ("cython3", "cython")):
        version = subprocess.run([cython, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True,
                                 universal_newlines=True).stdout
        if "version 0.29." in version:
            break
    else:
        pytest.skip("Cython 0.29 is not installed (Debian 12: cython3)")
    made = folder / (source.stem + ".c")
    subprocess.run([cython, "-3", str(source), "-o", str(made)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    subprocess.run(["gcc", "-O2", "-g", "-w", "-shared", "-fPIC", "-isystem", python.include, "-fno-canonical-system-headers",
                    str(made), "-o", str(folder / (source.stem + python.suffix))], check=True)


def system_python():
    """The path of the system's CPython that the tests use: 3.11, where most of them were written, else /usr/bin/python3, whichever
    it is."""
    return "/usr/bin/python3.11" if os.access("/usr/bin/python3.11", os.X_OK) else os.path.realpath("/usr/bin/python3")


def find_interpreters():
    """The path of each kind of CPython that the tests use, by name; None if it is not installed. Release and debug are the
    system's."""
    def executable(path):
        return path if os.access(path, os.X_OK) else None

    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv")) / "versions"
    found = sorted(pyenv.glob("3.11*/bin/python")) if os.access(pyenv, os.R_OK | os.X_OK) else []
    shared = [path for path in found if list(path.parent.parent.glob("lib/libpython3.11*.so*"))]
    return {
        "release": executable(system_python()),
        "debug": executable(system_python() + "-dbg"),
        "shared": shared[-1] if shared else None,
    }


def line_of(path, text):
    """The number of the only line of a file that contains text."""
    lines = [number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line]
    assert len(lines) == 1, f"{text!r} must be on one line of {path}, not on lines {lines}"
    return lines[0]
