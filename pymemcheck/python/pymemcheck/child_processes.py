# SPDX-License-Identifier: GPL-2.0-or-later
"""Child processes that ended, by the profiles that they leave behind: for the pytest plugin, which tells those of each test.

Valgrind hides its command line from the program, so "pymemcheck run" says in the environment where the profiles are."""
import collections
import os
import re

from .profile import Profile, ProfileError

DEFAULT_OUT_FILE = "pymemcheck.out.%p"
# In the environment of a program: the path of the profiles, with %p for the process id.
VARIABLE = "PYMEMCHECK_OUT_FILE"

# command: a list of words. leaks: of the search at the end, a list of profile.Records; None: there was no search.
Child = collections.namedtuple("Child", "pid command leaks")


class ChildProcesses:
    """The children of this process, and their children. folder: where the default name is meant, if VARIABLE is not set."""

    def __init__(self, folder):
        path = os.environ.get(VARIABLE) or os.path.join(str(folder), DEFAULT_OUT_FILE)
        self._folder, name = os.path.split(path)
        self._pid_of = re.compile("([0-9]+)".join(map(re.escape, name.split("%p", 1))) + r"\Z").match if "%p" in name else None
        self._parents = {os.getpid()}
        self._seen = self._written()

    def _written(self):
        """Path -> when it was written, of all profiles that there are."""
        times = {}
        if self._pid_of is None:
            return times
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if self._pid_of(entry.name):
                        times[entry.path] = entry.stat().st_mtime_ns
        except OSError:
            pass                # removed meanwhile
        return times

    def forget(self):
        """Those that ended up to now are not asked for."""
        self._seen = self._written()

    def ended(self):
        """A list of Children that wrote their profiles at their end since the last call. A file that cannot be read is left out."""
        before, self._seen = self._seen, self._written()
        profiles = []
        for path in sorted(path for path, time in self._seen.items() if before.get(path) != time):
            try:
                profile = Profile.load(path)
            except ProfileError:
                continue
            if profile.run["end"] != "running":
                profiles.append(profile)
        found, more = [], True
        while more:             # a child may have ended before the one that started it
            more = [profile for profile in profiles if profile.run["ppid"] in self._parents]
            profiles = [profile for profile in profiles if profile.run["ppid"] not in self._parents]
            self._parents.update(profile.run["pid"] for profile in more)
            found += more
        return [Child(profile.run["pid"], profile.run["command"], profile.leaks) for profile in found]
