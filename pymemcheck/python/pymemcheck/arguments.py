# SPDX-License-Identifier: GPL-2.0-or-later
"""Options that several subcommands have, and the opening of files."""
import os

from .filters import DomainFilter, FileFilter, FunctionFilter, LineFilter, ObjectFilter, PhaseFilter, ThreadFilter
from .grouping import PHASES
from .profile import DOMAINS, Profile, ProfileError
from .terminal import Patience
from .timeline import UnknownSnapshot, at_snapshot, find_snapshot


class UsageError(Exception):
    """A request that cannot be carried out; str() is one line."""


def split_name(name):
    """The file and the snapshot (or None) of FILE or FILE@SNAPSHOT; a file may have an @ in its name."""
    path, at, word = name.rpartition("@")
    return (path, word) if at and not os.path.exists(name) and os.path.exists(path) else (name, None)


def open_profile(name, snapshot=False):
    """A profile by its name on the command line: FILE or, where a snapshot will do, FILE@SNAPSHOT."""
    path, word = split_name(name)
    if word is not None and not snapshot:
        raise UsageError("%s: a whole file is needed here, not a snapshot in one" % name)
    with Patience("reading " + path):
        profile = Profile.load(path)
    return profile if word is None else open_snapshot(profile, name)


def open_snapshot(profile, name):
    """The profile as of FILE@SNAPSHOT, which is in it."""
    word = name.rsplit("@", 1)[1]
    try:
        return at_snapshot(profile, find_snapshot(profile, word))
    except UnknownSnapshot as error:
        raise ProfileError(profile.path, "", "has no snapshot %r: %s" % (word, error)) from None


def live_only(profile, metric):
    """Refuses metrics that a snapshot does not have."""
    if profile.snapshot and metric not in (None, "live"):
        raise UsageError("%s: of a snapshot only what was in use then is known, so --%s does not go with it"
                         % (profile.path, metric))


def add_metric(parser, leaked=True):
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--live", dest="metric", action="store_const", const="live",
                       help="what was still allocated at the end (the default)")
    group.add_argument("--peak", dest="metric", action="store_const", const="peak",
                       help="what was allocated when most was")
    group.add_argument("--total", dest="metric", action="store_const", const="total", help="all that was ever allocated")
    if leaked:
        group.add_argument("--before", dest="metric", action="store_const", const="before",
                           help="what was in use before the interpreter's finalization (of runs with --leak-scan=before or both)")
        group.add_argument("--leaked", dest="metric", action="store_const", const="leaked",
                           help="what leak records lost, with what only that kept")


def metric_of(arguments):
    """The metric that was asked for, or None."""
    return arguments.metric


def add_filters(parser):
    group = parser.add_argument_group(
        "filters", "Each may be given more than once. In patterns * is any text and ? one character; a pattern may"
                   " leave out the folders of a file or the class of a function.")
    for name, what in (("file", "PATTERN[:LINE] of the Python file"), ("function", "PATTERN of the function, Python or C"),
                       ("object", "PATTERN of an executable or shared object anywhere in the stack"),
                       ("phase", "one of " + ", ".join(PHASES))):
        choices = PHASES if name == "phase" else None
        metavar = "PHASE" if name == "phase" else "PATTERN"
        group.add_argument("--" + name, action="append", default=[], metavar=metavar, choices=choices, help="only " + what)
        group.add_argument("--not-" + name, action="append", default=[], metavar=metavar, choices=choices,
                           help="not " + what)
    group.add_argument("--line", action="append", default=[], type=int, metavar="N", help="only this line number")
    group.add_argument("--thread", action="append", default=[], type=int, metavar="N", help="only this thread")
    group.add_argument("--domain", action="append", default=[], metavar="DOMAIN", choices=DOMAINS,
                       help="only memory that was requested through this interface: one of " + ", ".join(DOMAINS))
    group.add_argument("--all-frames", action="store_true",
                       help="file, line and function may be those of any frame, not only of the innermost Python one")


def _file_filter(text, include, all_frames):
    pattern, colon, line = text.rpartition(":")
    if colon and line.isdigit():
        return FileFilter(pattern, int(line), include, all_frames)
    return FileFilter(text, None, include, all_frames)


def filters_of(arguments):
    everywhere = arguments.all_frames
    filters = [LineFilter(line, True, everywhere) for line in arguments.line]
    for include, prefix in ((True, ""), (False, "not_")):
        def given(name):
            return getattr(arguments, prefix + name)
        filters += [_file_filter(text, include, everywhere) for text in given("file")]
        filters += [FunctionFilter(text, include, everywhere) for text in given("function")]
        filters += [ObjectFilter(text, include) for text in given("object")]
        filters += [PhaseFilter(phase, include) for phase in given("phase")]
    filters += [ThreadFilter(thread) for thread in arguments.thread]
    filters += [DomainFilter(domain) for domain in arguments.domain]
    return filters
