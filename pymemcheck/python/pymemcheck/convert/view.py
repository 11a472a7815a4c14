# SPDX-License-Identifier: GPL-2.0-or-later
"""What converters read: the chosen sites of a profile with the frames that are to be shown."""
from ..grouping import Grouping, Items
from ..labels import Labels, harmless

METRICS = ("live", "peak", "total")
NO_STACK = "[no stack]"


class View:
    """metric: the one that formats with a single figure take; python_only: leave out native frames, but for the C
    function that wanted the memory in stacks without Python."""

    def __init__(self, profile, metric="live", python_only=False, numbers=None, grouping=None):
        self.profile, self.metric, self.python_only = profile, metric, python_only
        self.grouping = grouping or Grouping(profile)
        self.labels = Labels(profile)
        self.numbers = numbers
        self.items = Items.of_sites(profile, self.grouping, numbers)
        self._shown, self._python_only = {}, python_only

    def frames(self, stack):
        """The shown frames of a stack, innermost first. Allocators at the inner end are not shown."""
        found = self._shown.get(stack)
        if found is None:
            found = self.profile.stack(stack)
            if self._python_only:
                kept = tuple(frame for frame in found if frame.kind == "python")
                number = 0 if kept else self.grouping.caller(stack)
                found = kept or ((self.profile.frames[number - 1],) if number else ())
            else:
                found = found[_allocators(found):]
            self._shown[stack] = found
        return found

    def rows(self, metrics=METRICS, key=None):
        """(frames, figures) of distinct stacks, largest size of any metric first, then in the file's order: figures is a
        list of the bytes and blocks of each of metrics. Rows without any are left out. key: what tells stacks apart,
        of frames; by default which frames they are."""
        columns = [column for metric in metrics for column in self.items.figures[metric]]
        sums, frames_of = {}, {}
        for stack, *values in zip(self.items.stacks, *columns):
            if not any(values):
                continue
            frames = self.frames(stack)
            name = key(frames) if key else tuple(map(id, frames))       # a frame is one object
            entry = sums.get(name)
            if entry is None:
                sums[name], frames_of[name] = values, frames
            else:
                for index, value in enumerate(values):
                    entry[index] += value
        order = sorted(sums, key=lambda name: max(sums[name][::2]), reverse=True)
        return [(frames_of[name], sums[name]) for name in order]

    def at(self, profile):
        """The same view of the profile as of a snapshot."""
        return View(profile, self.metric, self._python_only, self.numbers, self.grouping)

    def sum(self, metric):
        """The bytes of all chosen sites."""
        return sum(self.items.figures[metric][0])

    def name(self, frame):
        """A frame in one line without its place: the function, of C code with its object."""
        if frame.kind == "python":
            return self.labels.function(frame.function)
        return self.labels.place(frame)

    def command(self):
        return harmless(self.profile.command)


def _allocators(frames):
    """How many frames at the inner end are allocators: malloc says nothing. None if all frames are."""
    for count, frame in enumerate(frames):
        if frame.kind != "native" or "allocator" not in frame.flags:
            return count
    return 0


def totals_of(rows, count):
    """The sums of the first count figures of rows."""
    return [sum(figures[index] for _, figures in rows) for index in range(count)]
