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
from .arguments import UsageError
from .profile import Profile, ProfileError
from .terminal import complain

EXIT_NOT_FOUND = 1
_FINGERPRINT = re.compile(r"\[?([0-9a-f]{16})\]?\Z")
_PREFIX = re.compile(r"^(?:==|--)\d+(?:==|--) ?")


def add_arguments(parser):
    parser.add_argument("fingerprint", metavar="FINGERPRINT", help="of a leak record: 16 hexadecimal digits")
    runner.add_arguments(parser)


def _fingerprint(word):
    found = _FINGERPRINT.match(word.lower())
    if not found:
        raise UsageError("explain: expected a fingerprint of 16 hexadecimal digits, not %s" % word)
    return found.group(1)


def paragraphs(log):
    """The tool's log as lists of lines, without the process ids; each ends at an empty line."""
    lines = []
    for line in log:
        text = _PREFIX.sub("", line.rstrip("\n"))
        if text.strip():
            lines.append(text)
        elif lines:
            yield lines
            lines = []
    if lines:
        yield lines


def _records(path, fingerprint):
    """What the log says of records with the fingerprint."""
    end = "fingerprint " + fingerprint
    with open(path, encoding="utf-8", errors="replace") as log:
        return [lines for lines in paragraphs(log) if any(line.endswith(end) for line in lines)]


def _say_what_there_is(out, fingerprint):
    complain("no leak record of this run has the fingerprint %s" % fingerprint)
    try:
        profile = Profile.load(out)
    except (OSError, ProfileError) as error:
        complain("error: %s" % error)
        return
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
    _, out = runner.make_options(arguments, arguments.passed)
    found = _records(runner.log_of(out).replace("%p", str(process.pid)), fingerprint)
    for lines in found:
        for line in lines:
            output.put(line)
        output.put("")
    if found:
        return 0
    if status:
        complain("the program ended with exit status %d" % (status if status >= 0 else 128 - status))
    _say_what_there_is(out.replace("%p", str(process.pid)), fingerprint)
    return EXIT_NOT_FOUND
