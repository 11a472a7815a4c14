# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck explain FINGERPRINT [option]... script.py [argument]...
pymemcheck explain FINGERPRINT [option]... -m module [argument]...
pymemcheck explain FINGERPRINT [option]... -- program [argument]...

Runs a program again and tells who took the references to the objects of a leak record and did not give them back
(docs/watch-refs.md). A record shows its fingerprint; it is the same in each run of a program that does the same.

The options are those of pymemcheck run. The exit status is 0 if the record was found, 1 if this run has none with that
fingerprint."""
import re

from . import runner
from .arguments import UsageError, open_profile
from .grouping import Grouping
from .labels import Labels
from .source import Sources
from .terminal import complain
from .text import Text

EXIT_NOT_FOUND = 1
_FINGERPRINT = re.compile(r"\[?([0-9a-f]{16})\]?\Z")


def add_arguments(parser):
    parser.add_argument("fingerprint", metavar="FINGERPRINT", help="of a leak record: 16 hexadecimal digits")
    runner.add_arguments(parser)


def _fingerprint(word):
    found = _FINGERPRINT.match(word.lower())
    if not found:
        raise UsageError("explain: expected a fingerprint of 16 hexadecimal digits, not %s" % word)
    return found.group(1)


def _option(passed, name, default=None):
    """The value of an option for Valgrind, the last one if it is given more than once."""
    start = "--%s=" % name
    return next((word[len(start):] for word in reversed(passed) if word.startswith(start)), default)


def _put_records(profile, fingerprint, passed, output):
    """Whether there are records with the fingerprint; writes them, as the tool's log has them."""
    callers = _option(passed, "num-callers", "")
    text = Text(profile, Grouping(profile), Labels(profile), output.put, Sources(), paths=_option(passed, "python-paths"),
                whole_stacks=_option(passed, "leak-resolution") == "high",
                native_frames=int(callers) if callers.isdigit() else runner.NUM_CALLERS)
    found = False
    for records in (profile.leaks_before or (), profile.leaks or ()):
        for number, record in enumerate(records, 1):
            if record.fingerprint == fingerprint:
                text.record(record, number, len(records))
                output.put()
                found = True
    return found


def _say_what_there_is(profile, fingerprint):
    complain("no leak record of this run has the fingerprint %s" % fingerprint)
    known = sorted({record.fingerprint for records in (profile.leaks, profile.leaks_before) for record in records or ()})
    complain("it has %s" % (" ".join(known[:10]) + (" and %d more" % (len(known) - 10) if len(known) > 10 else "")
                            if known else "no leak records"))


def run(arguments, output):
    fingerprint = _fingerprint(arguments.fingerprint)
    if any(option.startswith(("--watch-refs=", "--log-", "--xml=")) for option in arguments.passed):
        raise UsageError("explain: --watch-refs=, --log-file= and --xml= are its own")
    arguments.passed = ["--watch-refs=" + fingerprint] + arguments.passed
    process = runner.start(arguments)
    if process is None:
        return runner.NOT_FOUND
    status = runner.wait(process)
    options, out = runner.make_options(arguments, arguments.passed)
    profile = open_profile(out.replace("%p", str(process.pid)))
    if _put_records(profile, fingerprint, options, output):
        return 0
    if status:
        complain("the program ended with exit status %d" % (status if status >= 0 else 128 - status))
    _say_what_there_is(profile, fingerprint)
    return EXIT_NOT_FOUND
