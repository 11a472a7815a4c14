# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line. Exit status: 0; 1 where a check failed; 2 for wrong usage and bad files; run has the
program's own."""
import argparse
import gc
import importlib
import os
import sys

from . import __version__
from .arguments import UsageError
from .grouping import NotInFile
from .profile import ProfileError
from .terminal import PIPE_CLOSED_STATUS, Output, abandon_output, complain

EXIT_BAD = 2

# Subcommand -> (module, one line on what it does).
COMMANDS = (
    ("run", "runner", "run a Python program under the tool, and say in ten lines what it found"),
    ("explain", "explain", "run a program again, and tell who took the references that a leak has too many"),
    ("report", "report", "what leaks, what holds memory, what allocates; or the whole text report again"),
    ("diff", "diff", "compare two profiles"),
    ("check", "check", "compare leaks with a baseline, for nightly jobs"),
    ("merge", "merge", "several profiles as one file"),
    ("suppress", "suppress", "write suppressions for leak records, or find those that nothing needs"),
    ("convert", "converting", "write a profile for another program"),
    ("html", "page", "write a page for the browser: leaks, flame graph, tables, source"),
)


def _make_parser(chosen):
    """Only the chosen subcommand is imported: the others have their name and line of help."""
    parser = argparse.ArgumentParser(
        prog="pymemcheck", allow_abbrev=False,
        description="Runs programs under Valgrind's tool pymemcheck, and reads, compares and checks what it found.",
        epilog="man pymemcheck tells more.")
    parser.add_argument("--version", action="version", version="pymemcheck " + __version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, module, help_text in COMMANDS:
        if name != chosen:
            commands.add_parser(name, help=help_text)
            continue
        module = importlib.import_module("." + module, __package__)
        sub = commands.add_parser(name, help=help_text, description=module.__doc__, allow_abbrev=False,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return parser


def _parse_run(parser, arguments, chosen):
    """Of run and explain, what is no option of ours is Valgrind's, and what follows the options is the program's."""
    from . import runner
    start = arguments.index(chosen) + 1
    if chosen == "explain":         # its own argument comes first
        start += len(arguments) > start and not arguments[start].startswith("-")
    options, words = runner.split(arguments[start:])
    parsed, passed = parser.parse_known_args(arguments[:start] + options)
    parsed.passed, parsed.words = passed, words
    return parsed


def main(arguments=None, starter=None):
    """Runs the command and gives its exit status. starter: the program and options that start the tool."""
    arguments = sys.argv[1:] if arguments is None else arguments
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    parser = _make_parser(chosen)
    if chosen in ("run", "explain"):
        parsed = _parse_run(parser, arguments, chosen)
    else:
        parsed = parser.parse_args(arguments)
    if parsed.command is None:
        parser.print_help(sys.stderr)
        return EXIT_BAD
    parsed.starter = starter
    collecting = gc.isenabled()
    gc.disable()        # a profile is millions of objects, and none of them in a cycle
    try:
        output = Output()
        status = parsed.run(parsed, output)
        output.flush()
        return status
    except BrokenPipeError:
        abandon_output()
        return PIPE_CLOSED_STATUS
    except (ProfileError, UsageError, NotInFile) as error:
        complain("error: %s" % error)
    except OSError as error:
        complain("error: %s: %s" % (error.filename, error.strerror) if error.filename else "error: %s" % error)
    except KeyboardInterrupt:
        return 130
    finally:
        if collecting:
            gc.enable()
    return EXIT_BAD


def run_and_leave(starter=None):
    """Runs the command and ends the process: at once, without giving back millions of objects one by one."""
    status = main(starter=starter)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        status = PIPE_CLOSED_STATUS
    os._exit(status)
