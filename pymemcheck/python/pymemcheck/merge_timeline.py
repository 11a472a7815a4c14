# SPDX-License-Identifier: GPL-2.0-or-later
"""Snapshots of several processes as those of one.

All processes count as begun at one moment, so that the wall clock puts their snapshots in order; what one has in use at its
end stays in the sum. A process that was forked has the clock of its parent, so that it is in its right place."""
from .timeline import end_serial

MOST_SNAPSHOTS = 1000       # of the merged file; of more, those without a name are thinned evenly


class _Moment:
    """A snapshot, or the end of a process: how much more everything is than at the moment before it of the same process.
    changes: stack -> [bytes, blocks]."""

    __slots__ = ("elapsed_ms", "name", "is_end", "figures", "changes")

    def __init__(self, elapsed_ms, name, is_end, figures, changes):
        self.elapsed_ms, self.name, self.is_end, self.figures, self.changes = elapsed_ms, name, is_end, figures, changes

    def fold(self, earlier):
        """Takes an earlier moment in, which is then none of its own."""
        self.figures = [a + b for a, b in zip(self.figures, earlier.figures)]
        for stack, (size, blocks) in earlier.changes.items():
            entry = self.changes.setdefault(stack, [0, 0])
            entry[0] += size
            entry[1] += blocks


class MergedTimeline:
    """Profiles are added one after the other."""

    def __init__(self):
        self._moments = []
        self._profiles = 0
        self.without_snapshots = []         # names of files

    def add(self, profile, stacks):
        """stacks: of each site its stack's number in the merged file."""
        self._profiles += 1
        if not profile.snapshots:
            self.without_snapshots.append(profile.path)
        live, before = {}, [0, 0, 0, 0]

        def add_moment(elapsed_ms, name, is_end, figures, sites):
            """sites: (site, bytes, blocks) of those that may have changed."""
            changes = {}
            for site, size, blocks in sites:
                old_size, old_blocks = live.get(site, (0, 0))
                if (size, blocks) != (old_size, old_blocks):
                    entry = changes.setdefault(stacks[site], [0, 0])
                    entry[0] += size - old_size
                    entry[1] += blocks - old_blocks
                    live[site] = (size, blocks)
            self._moments.append(_Moment(elapsed_ms, name, is_end, [a - b for a, b in zip(figures, before)], changes))
            before[:] = figures

        for snapshot, changes in zip(profile.snapshots, profile.snapshot_changes):
            add_moment(snapshot.elapsed_ms, snapshot.name, False,
                       (snapshot.serial, snapshot.total_bytes, snapshot.live_bytes, snapshot.live_blocks),
                       zip(changes[::3], changes[1::3], changes[2::3]))
        totals = profile.totals
        add_moment(profile.run["elapsed_ms"], "", True,
                   (end_serial(profile), totals["bytes"], totals["live_bytes"], totals["live_blocks"]),
                   zip(range(len(stacks)), profile.sites.live_bytes, profile.sites.live_blocks))

    def _chosen(self):
        """The moments of the merged file, in their order."""
        if self._profiles == 1:
            return [moment for moment in self._moments if not moment.is_end]
        moments = sorted(self._moments, key=lambda moment: moment.elapsed_ms)
        step = -(-len(moments) // MOST_SNAPSHOTS)
        chosen, waiting = [], []
        for index, moment in enumerate(moments, 1):
            following = moments[index] if index < len(moments) else None
            if not moment.name and following and (index % step or following.elapsed_ms == moment.elapsed_ms):
                waiting.append(moment)
                continue
            for earlier in waiting:
                moment.fold(earlier)
            waiting = []
            chosen.append(moment)
        return chosen

    def columns(self, site_of, place_of):
        """The columns of "snapshots" for the file; None if no profile has any. site_of: stack -> its site's number; place_of:
        text -> its place in strings."""
        if len(self.without_snapshots) == self._profiles:
            return None
        result = {key: [] for key in ("name", "serial", "elapsed_ms", "total_bytes", "live_bytes", "live_blocks", "changes")}
        figures, live = [0, 0, 0, 0], {}
        for moment in self._chosen():
            figures = [a + b for a, b in zip(figures, moment.figures)]
            changes = []
            for stack in sorted(moment.changes, key=site_of.__getitem__):
                entry = live.setdefault(stack, [0, 0])
                entry[0] += moment.changes[stack][0]
                entry[1] += moment.changes[stack][1]
                changes += [site_of[stack]] + entry
            for key, value in zip(result, [place_of(moment.name), figures[0], moment.elapsed_ms] + figures[1:] + [changes]):
                result[key].append(value)
        return result
