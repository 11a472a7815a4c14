# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line."""
import argparse
import sys

from . import __version__
from .profile import ProfileError

EXIT_OK, EXIT_FAILED, EXIT_BAD = 0, 1, 2


def main(arguments=None, starter=None):
    """Runs the command; its exit status. starter: how to start the tool, before its options."""
    return EXIT_OK
