# SPDX-License-Identifier: GPL-2.0-or-later
"""Flame graphs of a profile as columns, cut to the largest nodes.

A tree is the profile's tree of stacks without the frames that a mode leaves out. Node 0 is the root, and parents come
before their children. What is cut stays in the sums of the nodes above it.

Cost: about two microseconds for each stack of the profile and mode."""
from .grouping import is_import

METRICS = ("live", "peak", "total", "leaked")
MODES = ("python", "mixed", "file")
MOST_NODES = 5000


class _Collapsed:
    """The nodes of a mode. node_of[i] is the node of stack i, parents[n] and labels[n] belong to node n."""

    def __init__(self, profile, frame_labels, merged):
        """frame_labels: for each frame the label that it has in this mode, or None. merged: labels that are one node where
        they call themselves."""
        self.parents, self.labels = [0], [None]
        self._children = {}
        self.node_of = [0] * len(profile.stack_parent)
        node_of, labels = self.node_of, self.labels
        stacks = zip(profile.stack_frame, profile.stack_parent)
        for stack, (frame, parent) in enumerate(stacks):
            if stack == 0:
                continue
            node, label = node_of[parent], frame_labels[frame]
            if label is not None and not (labels[node] == label and label in merged):
                node = self.child(node, label)
            node_of[stack] = node

    def child(self, node, label):
        key = (node, label)
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = len(self.parents)
            self.parents.append(node)
            self.labels.append(label)
        return found


def _frame_labels(profile, mode, table):
    """The label of each frame, and those that are merged. Allocators say nothing and are in no mode. Among Python frames
    alone, the functions of importlib between an import and the module are one."""
    result, merged = [], set()
    for frame in profile.frames:
        if frame.kind == "python":
            if mode == "python" and is_import(frame):
                result.append(table.importing())
                merged.add(result[-1])
            elif mode == "file":
                result.append(table.file(frame))
                merged.add(result[-1])
            else:
                result.append(table.frame(frame))
        elif mode == "mixed" and "allocator" not in frame.flags:
            result.append(table.frame(frame))
        else:
            result.append(None)
    return result, merged


def collapse(profile, grouping, mode, table, stacks):
    """The nodes of a mode. A stack without Python frames is told by its C function, as in the report."""
    tree = _Collapsed(profile, *_frame_labels(profile, mode, table))
    if mode != "mixed":
        for stack in set(stacks):
            if tree.node_of[stack] == 0:
                number = grouping.caller(stack)
                if number:
                    tree.node_of[stack] = tree.child(0, table.frame(profile.frames[number - 1]))
    return tree


# A node's bytes and blocks are summed up as one number, which takes half the time.
_SHIFT = 64
_BLOCKS = (1 << _SHIFT) - 1


def _sum_up(tree, stacks, values, accepted):
    """What each node has, and what it has with those below it."""
    own = [0] * len(tree.parents)
    node_of = tree.node_of
    for stack, size, count, wanted in zip(stacks, *values, accepted):
        if wanted and (size or count):
            own[node_of[stack]] += size << _SHIFT | count
    sums, parents = own[:], tree.parents
    for node in range(len(parents) - 1, 0, -1):
        value = sums[node]
        if value:
            sums[parents[node]] += value
    return own, sums


def _largest(own, sums):
    """The nodes that are kept, and [how many are not, their bytes]. A parent is never smaller than a child, and of equal
    size it comes first: so that parents of kept nodes are kept."""
    least = 1 << _SHIFT
    nodes = [node for node, value in enumerate(sums) if value >= least and node]
    if len(nodes) < MOST_NODES:
        return nodes, [0, 0]
    nodes.sort(key=sums.__getitem__, reverse=True)
    kept = nodes[:MOST_NODES - 1]
    return kept, [len(nodes) - len(kept), (sums[0] - own[0] - sum(map(own.__getitem__, kept))) >> _SHIFT]


class Source:
    """What a tree counts: of sites or of leak records the stacks, of each metric (bytes, blocks), and which of them count.
    sizes: of sites, the pairs of (value, count) of each."""

    def __init__(self, stacks, figures, accepted, sizes=None):
        self.stacks, self.figures, self.accepted, self.sizes = stacks, figures, accepted, sizes


def add_sizes(into, pairs):
    for value, count in pairs:
        into[value] = into.get(value, 0) + count


def flatten_sizes(sizes):
    """[exponent, count, exponent, count ...]; exponent -1 stands for requests of 0 bytes."""
    return [number for value in sorted(sizes) for number in (value.bit_length() - 1, sizes[value])]


def _sizes(tree, kept, source):
    """The sizes of the requests of each kept node and those below it."""
    sizes = {node: {} for node in kept}
    parents = tree.parents
    for stack, pairs, wanted in zip(source.stacks, source.sizes, source.accepted):
        if wanted:
            node = tree.node_of[stack]
            while node not in sizes:
                node = parents[node]
            add_sizes(sizes[node], pairs)
    for node in reversed(kept):
        if node:
            add_sizes(sizes[parents[node]], sizes[node].items())
    return [flatten_sizes(sizes[node]) for node in kept]


def make_tree(tree, sources):
    """The dict that the page reads: columns parent, label, sizes, and of each metric bytes and blocks, which are 0 in
    nodes that the metric does not keep; cut, of each metric [nodes, bytes]."""
    columns, kept_of, cut = {}, {}, {}
    for source in sources:
        for metric, values in source.figures.items():
            own, columns[metric] = _sum_up(tree, source.stacks, values, source.accepted)
            nodes, cut[metric] = _largest(own, columns[metric])
            kept_of[metric] = set(nodes)
            kept_of[metric].add(0)
    kept = sorted(set().union(*kept_of.values()))
    place = {node: index for index, node in enumerate(kept)}
    result = {"parent": [place[tree.parents[node]] for node in kept], "cut": cut,
              "label": [-1 if tree.labels[node] is None else tree.labels[node] for node in kept]}
    for source in sources:
        if source.sizes is not None:
            result["sizes"] = _sizes(tree, kept, source)
    for metric, sums in columns.items():
        inside = kept_of[metric]
        result[metric] = [[sums[node] >> _SHIFT if node in inside else 0 for node in kept],
                          [sums[node] & _BLOCKS if node in inside else 0 for node in kept]]
    return result


def make_trees(profile, grouping, records, table, sizes):
    """All trees: mode -> [with imports, without]. sizes: of each site pairs of (value, count)."""
    sites = profile.sites
    figures = {metric: (getattr(sites, metric + "_bytes"), getattr(sites, metric + "_blocks"))
               for metric in ("live", "peak", "total")}
    leaked = {"leaked": ([r.bytes + r.indirect_bytes for r in records], [r.blocks + r.indirect_blocks for r in records])}
    record_stacks = [record.stack for record in records]

    def accepted(stacks):
        return [[True] * len(stacks), [grouping.phase(stack) != "import" for stack in stacks]]
    views = [[Source(sites.stack, figures, of_sites, sizes), Source(record_stacks, leaked, of_records)]
             for of_sites, of_records in zip(accepted(sites.stack), accepted(record_stacks))]
    stacks = list(sites.stack) + record_stacks
    result = {}
    for mode in MODES:
        tree = collapse(profile, grouping, mode, table, stacks)
        result[mode] = [make_tree(tree, view) for view in views]
    return result
