# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads what Valgrind's tool pymemcheck writes, and says what it means.

    from pymemcheck import Profile

    profile = Profile.load("pymemcheck.out.4711")
    for record in profile.leaks or ():
        print(record.kind, record.blocks, record.frames[0].function)

The way of the data: profile (the reader) -> filters and groups -> statistic -> what presents them
(report, diff, check, convert ...). The command is in command.py."""
from .profile import Frame, Profile, ProfileError, Record, Site

__all__ = ["Frame", "Profile", "ProfileError", "Record", "Site"]
__version__ = "0.1.0"
