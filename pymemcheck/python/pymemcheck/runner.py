# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck run [option]... script.py [argument]...
pymemcheck run [option]... -m module [argument]...
pymemcheck run [option]... -- program [argument]...

Runs a program under the tool. The report goes to a file beside the profile; at the end ten lines on standard error say
what was found. The exit status is the program's own (128 and the signal's number more if one killed it).

With -m pytest the plugin of docs/pytest.md looks for leaks after each test; -m pymemcheck.regrtest runs CPython's own tests.

Options that are not below are passed to Valgrind: --leak-scan=both, --suppressions=FILE, --trace-children=yes ...
They have the form --name=value."""
import glob
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys

from .arguments import UsageError
from .child_processes import DEFAULT_OUT_FILE, VARIABLE
from .labels import harmless
from .profile import Profile, ProfileError
from .summary import ten_lines
from .terminal import Output, complain

OUT_FILE, LOG_FILE = DEFAULT_OUT_FILE, "pymemcheck.log.%p"
# Twice and more what Valgrind has: Python's C code is deep.
NUM_CALLERS = 30
_WITH_VALUE = ("--python", "-o", "--output", "--valgrind", "--valgrind-options")
NOT_FOUND = 127


def add_arguments(parser):
    parser.add_argument("--python", metavar="PROGRAM", help="the interpreter of script.py and -m (python3)")
    parser.add_argument("-o", "--output", metavar="OUT", default=OUT_FILE,
                        help="the profile's file; %%%%p is the process id (%s). The log is beside it, as %s" % (
                            OUT_FILE.replace("%", "%%"), LOG_FILE.replace("%", "%%")))
    parser.add_argument("--valgrind", metavar="PROGRAM", help="the Valgrind that has the tool")
    parser.add_argument("--valgrind-options", metavar="OPTIONS", default="", type=shlex.split,
                        help="more options for Valgrind, in one argument")
    parser.add_argument("--no-summary", action="store_true", help="nothing is said at the end")


def split(words):
    """Splits what follows "run" into options and the program with its arguments: it begins at -m, behind --, or at
    the first word that is no option."""
    index = 0
    while index < len(words):
        word = words[index]
        if word == "--":
            return words[:index], words[index:]
        if word in ("-m", "-c") or not word.startswith("-") or word == "-":
            return words[:index], words[index:]
        index += 2 if word in _WITH_VALUE else 1
    return words, []


# --- The program ---

def _is_script(path):
    try:
        with open(path, "rb") as stream:
            return stream.read(2) == b"#!"
    except OSError:
        return False


def _shebang(path):
    """The words of a script's first line."""
    with open(path, "rb") as stream:
        return os.fsdecode(stream.readline(4096)[2:]).split()


def _ask(command):
    """The first line that a command prints, or None."""
    try:
        run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return None
    lines = os.fsdecode(run.stdout).splitlines()
    return lines[0] if run.returncode == 0 and lines else None


def _is_python(name):
    base = os.path.basename(name)
    return base == "python" or (base.startswith("python") and base[6:].replace(".", "").replace("-dbg", "").isdigit())


def find_interpreter(name=None):
    """The real interpreter, an executable and no script, for a name or path; by default that of the active virtual
    environment, or python3. A shim (pyenv, asdf, a wrapper script) is asked which interpreter it would run. The path
    of a virtual environment is kept: it is how the interpreter finds its packages."""
    if name is None:
        active = os.path.join(os.environ.get("VIRTUAL_ENV", ""), "bin", "python")
        name = active if "VIRTUAL_ENV" in os.environ and os.path.exists(active) else "python3"
    path = shutil.which(name)
    if path is None:
        raise UsageError("there is no program %s" % harmless(name))
    if not _is_script(path):
        return path
    real = _ask([path, "-c", "import sys; print(sys.executable)"])
    if not real or _is_script(real):
        raise UsageError("%s is a script, and does not say which interpreter it runs: give one with --python="
                         % harmless(path))
    return real


def resolve_program(words):
    """A command in which Python scripts and shims are replaced by the interpreter that runs them: the tool follows
    no shell that only starts the real program."""
    path = shutil.which(words[0])
    if path is None:
        raise UsageError("there is no program %s" % harmless(words[0]))
    if not _is_script(path):
        return words
    if _is_python(path):
        return [find_interpreter(path)] + words[1:]
    first = _shebang(path)
    if first and os.path.basename(first[0]) == "env":
        first = [word for word in first[1:] if not word.startswith("-") and "=" not in word]
    if first and _is_python(first[0]):
        return [find_interpreter(first[0])] + first[1:] + [path] + words[1:]
    if "pyenv" in path and os.path.basename(os.path.dirname(path)) == "shims":
        real = _ask(["pyenv", "which", os.path.basename(path)])
        if real and os.path.realpath(real) != os.path.realpath(path):
            return resolve_program([real] + words[1:])
    complain("note: %s is a script for %s: what it starts is not watched without --trace-children=yes" % (
        path, " ".join(first) or "a shell"))
    return words


def command_of(words, python):
    """The program to run, from the end of the command line."""
    if not words or words == ["--"]:
        raise UsageError("there is no program to run; pymemcheck run --help")
    if words[0] == "--":
        return resolve_program(words[1:])
    if words[0] in ("-m", "-c") and len(words) < 2:
        raise UsageError("run: %s needs a value" % words[0])
    return [find_interpreter(python)] + words


# --- The run ---

def _inside(words):
    """Whether the program is one of ours that asks the tool while it runs: -m pytest, -m pymemcheck.regrtest ..."""
    return len(words) > 1 and words[0] == "-m" and (words[1] == "pytest" or words[1].split(".")[0] == "pymemcheck")


def _blocks_plugin(words):
    return any(word in ("no:pymemcheck", "-pno:pymemcheck") for word in words)


def prepare(words, options):
    """What makes our pytest plugin and drivers work: the program's words, and more of Valgrind's options. The package is
    found by the program because prepare_environment says where it is."""
    if words[:2] != ["-m", "pytest"] or _blocks_plugin(words):
        return words, options
    words = words[:2] + ["-p", "pymemcheck", "--pymemcheck"] + words[2:]
    spreads = any(word in ("-n", "--numprocesses", "--tx", "-d") or word.startswith(("-n", "--numprocesses=", "--tx=", "--dist"))
                  for word in words[2:])
    if spreads and not _has(options, "--trace-children"):
        options = options + ["--trace-children=yes"]        # xdist's workers are programs of their own
    return words, options


def prepare_environment(words, out):
    """The environment of the program: where our package is, behind all that the program finds itself, and where the profiles
    are."""
    if not _inside(words):
        return None
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return dict(os.environ, PYTHONPATH=os.pathsep.join(paths + [here]), **{VARIABLE: os.path.abspath(out)})


def _starter(arguments):
    if arguments.valgrind:
        return [arguments.valgrind, "--tool=pymemcheck"]
    if arguments.starter:
        return list(arguments.starter)
    path = shutil.which("valgrind")
    if path is None:
        raise UsageError("there is no program valgrind; --valgrind= names one")
    return [path, "--tool=pymemcheck"]


def _has(options, name):
    return any(option.split("=")[0] == name for option in options)


def log_of(out):
    """The log beside a profile."""
    return os.path.join(os.path.dirname(out), LOG_FILE)


def _absolute(out):
    """A file name as an option for processes that may run in other folders. A "%" of the current folder is none of Valgrind's."""
    return out if os.path.isabs(out) else os.path.join(os.getcwd().replace("%", "%%"), out)


def make_options(arguments, passed):
    """Valgrind's options, and the name of the profile."""
    options = list(passed) + list(arguments.valgrind_options)
    for option in options:
        if not option.startswith("-"):
            raise UsageError("run: %s is no option; the program follows a --" % harmless(option))
    out = arguments.output
    for option in options:
        if option.startswith("--pymemcheck-out-file="):
            out = option.split("=", 1)[1]
    if not _has(options, "--pymemcheck-out-file"):
        options.append("--pymemcheck-out-file=" + _absolute(out))
    if not any(_has(options, name) for name in ("--log-file", "--log-fd", "--log-socket")):
        options.append("--log-file=" + _absolute(log_of(out)))
    if not _has(options, "--num-callers"):
        options.append("--num-callers=%d" % NUM_CALLERS)
    return options, out


def _raise_file_limit():
    """As many open files as the system lets us have: the tool and Valgrind need some besides the program's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # More than a million makes programs slow that close all of them one by one.
    wanted = min(hard, 1 << 20) if hard != resource.RLIM_INFINITY else 1 << 20
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def wait(process):
    """Waits for the end. Control-C reaches the program by itself; a request to end is passed on."""
    previous = {signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    for number in (signal.SIGTERM, signal.SIGHUP):
        previous[number] = signal.signal(number, lambda caught, _: process.send_signal(caught))
    try:
        return process.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def start(arguments):
    """Starts the program under the tool. Gives the process, or None if there is no Valgrind, which was said."""
    options, out = make_options(arguments, arguments.passed)
    words, options = prepare(arguments.words, options)
    command = command_of(words, arguments.python)
    starter = _starter(arguments)
    sys.stdout.flush()
    try:
        return subprocess.Popen(starter + options + command, preexec_fn=_raise_file_limit, env=prepare_environment(words, out))
    except OSError as error:
        complain("error: %s: %s" % (starter[0], error.strerror))
        return None


def run(arguments, output):
    _, out = make_options(arguments, arguments.passed)
    before = set(glob.glob(_glob_of(out)))
    process = start(arguments)
    if process is None:
        return NOT_FOUND
    status = wait(process)
    if not arguments.no_summary:
        _say(out, process.pid, before)
    return status if status >= 0 else 128 - status


def _glob_of(out):
    return "*".join(map(glob.escape, out.split("%p")))


def _say(out, pid, before):
    """The summary, on standard error."""
    path = out.replace("%p", str(pid))
    others = sorted(set(glob.glob(_glob_of(out))) - before - {path})
    error_output = Output(sys.stderr)
    if not os.path.exists(path):
        complain("no profile %s was written%s" % (path, "; there are %s" % " ".join(others[:3]) if others else ""))
        return
    try:
        ten_lines(Profile.load(path), error_output, path)
    except ProfileError as error:
        complain("error: %s" % error)
        return
    if others:
        error_output.put("other processes: %s%s" % (" ".join(map(harmless, others[:3])),
                                                    " and %d more" % (len(others) - 3) if len(others) > 3 else ""))
    error_output.flush()
