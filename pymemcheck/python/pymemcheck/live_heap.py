# SPDX-License-Identifier: GPL-2.0-or-later
"""What was live when a profile was written, read inside the program that runs under the tool. There the reader of
profile.py would take seconds, since it reads and checks all sites and stacks; this one trusts the tool, and makes objects
only for what is live. It has what grouping.Grouping.caller and traces.make_traces use of a Profile."""
import gc
import json

from .checked import read_texts
from .profile import Frame


class _Parents:
    """stack_parent of a Profile, from the column "back" of the file."""

    def __init__(self, back):
        self._back = back

    def __getitem__(self, number):
        return number - self._back[number] if number else 0


class _Frames:
    """frames of a Profile, each made when it is first asked for."""

    def __init__(self, frames, strings):
        self._frames, self._strings, self._known = frames, strings, {}

    def __getitem__(self, number):
        frame = self._known.get(number)
        if frame is None:
            data, strings = self._frames[number], self._strings
            frame = self._known[number] = Frame(
                data["kind"], strings[data["function"]], strings[data["file"]], data["line"], strings[data["object"]],
                int(data["offset"], 16), tuple(data["flags"]))
        return frame


class LiveHeap:
    """domains: stack -> a number of profile.DOMAINS, where it is known. sites: for each site with live blocks (first, stack,
    bytes, blocks). first: the number of its first allocation, which is its name in all profiles of a run; 0 if it has only
    blocks that passed to it."""

    def __init__(self, path):
        collecting = gc.isenabled()
        gc.disable()
        try:
            with open(path, "rb") as stream:
                data = json.loads(stream.read().decode("utf-8"))
            sites = data["sites"]
            self.sites = [site for site in zip(sites["first"], sites["stack"], sites["live_bytes"], sites["live_blocks"])
                          if site[3]]
            # Stack -> the number of its site's domain; only of those that are live.
            numbers = sites.get("domain", ())
            self.domains = {stack: number for stack, blocks, number
                            in zip(sites["stack"], sites["live_blocks"], numbers) if blocks and number}
            strings = read_texts(data["strings"], data["strings_hex"], "strings", {})
            self.frames = _Frames(data["frames"], strings)
            self.stack_frame, self.stack_parent = data["stacks"]["frame"], _Parents(data["stacks"]["back"])
        finally:
            if collecting:
                gc.enable()

    def stack(self, number):
        """The frames of a stack, innermost first."""
        frames = []
        while number:
            frames.append(self.frames[self.stack_frame[number]])
            number = self.stack_parent[number]
        return tuple(frames)

    def keyed_sites(self):
        """(key, stack, bytes, blocks): key is the same in another profile of this run."""
        for first, stack, size, blocks in self.sites:
            yield first or self.stack(stack), stack, size, blocks
