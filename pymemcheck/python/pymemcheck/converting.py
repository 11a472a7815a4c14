# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck convert FILE --to=FORMAT

Writes a profile for another program."""
import importlib

from .arguments import add_filters, add_metric, filters_of, metric_of, open_profile
from .convert import FORMATS
from .convert.view import View
from .filters import select_sites
from .grouping import Grouping
from .writer import write_whole


def add_arguments(parser):
    parser.add_argument("profile", metavar="FILE")
    parser.add_argument("--to", choices=sorted(FORMATS), required=True,
                        help="; ".join("%s: %s" % (name, FORMATS[name][1]) for name in sorted(FORMATS)))
    parser.add_argument("-o", "--output", metavar="OUT", default="-", help="the file that is made (standard output)")
    parser.add_argument("--python-only", action="store_true", help="leave out native frames")
    add_metric(parser, leaked=False)
    add_filters(parser)


def run(arguments, output):
    profile = open_profile(arguments.profile, snapshot=True)
    grouping = Grouping(profile)
    numbers = select_sites(profile, grouping, filters_of(arguments))
    view = View(profile, metric_of(arguments) or "live", arguments.python_only, numbers, grouping)
    writer = importlib.import_module(".convert." + FORMATS[arguments.to][0], __package__)
    write_whole(arguments.output, lambda stream: writer.write(view, stream))
    return 0
