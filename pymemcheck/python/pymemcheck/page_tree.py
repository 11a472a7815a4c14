# SPDX-License-Identifier: GPL-2.0-or-later
"""Flame graphs of a profile as columns, cut to the largest nodes.

A tree is the profile's tree of stacks without the frames that a mode leaves out. Node 0 is the root, and parents come
before their children. What is cut stays in the sums of the nodes above it.

All figures of a node are one number, a field of 64 bits for each: the sums of all are one addition, which takes hardly
longer than that of one. What the file says is below 2^63 in all, so that no field flows over.

Cost: about two microseconds for each stack of the profile and mode."""
import array
import functools
import heapq

from .grouping import domains_of_stacks, is_import
from .profile import DOMAINS

METRICS = ("live", "peak", "total", "leaked")
MODES = ("python", "mixed", "file")
SPLITS = ("thread", "domain")       # the tree of Python frames below each thread or domain
MOST_NODES = 5000


class _Collapsed:
    """The nodes of a mode. node_of[i] is the node of stack i, parents[n] and labels[n] belong to node n."""

    def __init__(self, profile, frame_labels, merged):
        """frame_labels: for each frame the label that it has in this mode, or None. merged: labels that are one node where
        they call themselves."""
        parents, labels, children, node_of = array.array("q", [0]), [None], {}, [0]
        find, add = children.get, node_of.append
        stacks = zip(profile.stack_frame, profile.stack_parent)
        next(stacks, None)
        for frame, parent in stacks:
            node, label = node_of[parent], frame_labels[frame]
            if label is not None and not (labels[node] == label and label in merged):
                key = node << 32 | label
                found = find(key)
                if found is None:
                    found = children[key] = len(parents)
                    parents.append(node)
                    labels.append(label)
                node = found
            add(node)
        self.parents, self.labels, self.node_of, self._children = parents, labels, array.array("q", node_of), children

    def child(self, node, label):
        key = node << 32 | label
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = len(self.parents)
            self.parents.append(node)
            self.labels.append(label)
        return found

    def forget_children(self):
        """No nodes are added any more."""
        self._children = None


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
    """The nodes of a mode, complete. A stack without Python frames is told by its C function, as in the report."""
    tree = _Collapsed(profile, *_frame_labels(profile, mode, table))
    if mode != "mixed":
        for stack in set(stacks):
            if tree.node_of[stack] == 0:
                number = grouping.caller(stack)
                if number:
                    tree.node_of[stack] = tree.child(0, table.frame(profile.frames[number - 1]))
    tree.forget_children()
    return tree


class _Split:
    """A tree once more below each of some values. nodes[i] is the node of item i, whose node in the tree is places[i] and
    whose value is values[i]; label_of(value) is a label."""

    def __init__(self, tree, places, values, label_of):
        self.parents, self.labels = array.array("q", [0]), [None]
        self._tree, self._label_of, self._known = tree, label_of, {}
        self.nodes = array.array("q", map(self._node, values, places))
        self._known = None

    def _node(self, value, place):
        """The node of a value and a node of the tree; made with those above it, without recursion."""
        known, missing, above = self._known, [], value << 40       # a node's number is far below that
        while above | place not in known:
            missing.append(place)
            if not place:
                break
            place = self._tree.parents[place]
        found = known.get(above | place, 0)
        for place in reversed(missing):
            known[above | place] = len(self.parents)
            self.parents.append(found)
            self.labels.append(self._tree.labels[place] if place else self._label_of(value))
            found = known[above | place]
        return found


_BITS = 64
_FIELD = (1 << _BITS) - 1


class Figures:
    """What trees count: items, which are sites and then leak records, their stacks, of each one number with the bytes and
    blocks of all metrics, and whether no import made them."""

    def __init__(self, profile, grouping, records):
        sites = profile.sites
        self.site_count = len(sites)
        self.stacks = sites.stack + array.array("q", [record.stack for record in records])
        self.wanted = [phase != "import" for phase in map(grouping.phase, self.stacks)]
        self.packed = [(a | b << 64 | c << 128 | d << 192 | e << 256 | f << 320) for a, b, c, d, e, f in zip(
            sites.live_bytes, sites.live_blocks, sites.peak_bytes, sites.peak_blocks, sites.total_bytes,
            sites.total_blocks)]
        self.packed += [(r.bytes + r.indirect_bytes) << 384 | (r.blocks + r.indirect_blocks) << 448 for r in records]

    @staticmethod
    def field(metric, blocks=False):
        """How far a value is shifted to the left."""
        return _BITS * (2 * METRICS.index(metric) + blocks)


class Sizes:
    """The sizes of the requests of all sites as columns: site, exponent + 1 and count."""

    def __init__(self, sites):
        self.site, self.bin, self.count = array.array("q"), array.array("q"), array.array("q")
        for number in range(len(sites)):
            for value, count in sites.sizes(number):
                self.site.append(number)
                self.bin.append(value.bit_length())
                self.count.append(count)

    def sum_up(self, places, count):
        """The sizes at each of count places: places[i] is that of site i; below 0: nowhere."""
        sums = {}
        find = sums.get
        for place, bin_, number in zip(map(places.__getitem__, self.site), self.bin, self.count):
            key = place << 7 | bin_
            sums[key] = find(key, 0) + number
        result = [{} for _ in range(count)]
        for key, number in sums.items():
            if key >= 0:
                result[key >> 7][key & 127] = number
        return result


def flatten_sizes(sizes):
    """[exponent, count, exponent, count ...]; exponent -1 stands for requests of 0 bytes."""
    return [number for bin_ in sorted(sizes) for number in (bin_ - 1, sizes[bin_])]


def _sum_up(parents, nodes, packed):
    """What each node has with those below it."""
    sums = [0] * len(parents)
    for node, value in zip(nodes, packed):
        if value:
            sums[node] += value
    for node in range(len(parents) - 1, 0, -1):
        value = sums[node]
        if value:
            sums[parents[node]] += value
    return sums


class _Children:
    """first[n] is the first child of node n, next[m] its next one; 0 is none."""

    def __init__(self, parents):
        self.first, self.next = array.array("q", bytes(8 * len(parents))), array.array("q", bytes(8 * len(parents)))
        first, following = self.first, self.next
        for node in range(len(parents) - 1, 0, -1):
            parent = parents[node]
            following[node] = first[parent]
            first[parent] = node


def _largest(children, sums, shift):
    """The largest nodes, the root not among them, and the bytes of all others: from the root on, since no child is
    larger than its parent."""
    kept, heap, push, pop = [], [(-1, 0)], heapq.heappush, heapq.heappop
    first, following = children.first, children.next
    while heap and len(kept) < MOST_NODES:
        node = pop(heap)[1]
        kept.append(node)
        child = first[node]
        while child:
            value = sums[child] >> shift & _FIELD
            if value:
                push(heap, (-value, child))
            child = following[child]
    return kept[1:], -sum(value for value, _ in heap)


def _sizes(parents, nodes, kept, figures, sizes, without_imports):
    """The sizes of the requests of each kept node and those below it."""
    place = {node: index for index, node in enumerate(kept)}
    nearest = array.array("q")
    for index, parent in zip(map(place.get, range(len(parents))), parents):
        nearest.append(nearest[parent] if index is None else index)
    places = [nearest[node] for node in nodes[:figures.site_count]]
    if without_imports:
        places = [place if wanted else -1 for place, wanted in zip(places, figures.wanted)]
    result = sizes.sum_up(places, len(kept))
    for index in range(len(kept) - 1, 0, -1):
        into = result[place[parents[kept[index]]]]
        for bin_, count in result[index].items():
            into[bin_] = into.get(bin_, 0) + count
    return [flatten_sizes(found) for found in result]


def make_tree(parents, labels, table, nodes, figures, sizes):
    """Two dicts that the page reads, with and without what imports allocated: columns parent, label, sizes, and of each
    metric bytes and blocks, which are 0 in nodes that the metric does not keep; cut, of each metric [nodes, bytes]."""
    children = _Children(parents)
    whole = _make_view(parents, labels, table, nodes, figures, sizes, children, False)
    if all(figures.wanted):
        return [whole, whole]
    return [whole, _make_view(parents, labels, table, nodes, figures, sizes, children, True)]


def _make_view(parents, labels, table, nodes, figures, sizes, children, without_imports):
    packed = figures.packed
    if without_imports:
        packed = (value if wanted else 0 for value, wanted in zip(packed, figures.wanted))
    sums = _sum_up(parents, nodes, packed)
    kept_of, cut = {}, {}
    for metric in METRICS:
        shift = figures.field(metric)
        largest, rest = _largest(children, sums, shift)
        kept_of[metric] = {0}.union(largest)
        nonzero = sum(map(bool, map((_FIELD << shift).__and__, sums))) if rest else 0
        cut[metric] = [nonzero - 1 - len(largest) if rest else 0, rest]
    kept = sorted(set().union(*kept_of.values()))
    place = {node: index for index, node in enumerate(kept)}
    result = {"parent": [place[parents[node]] for node in kept], "cut": cut,
              "label": [-1 if labels[node] is None else table.used(labels[node]) for node in kept]}
    for metric in METRICS:
        inside = kept_of[metric]
        result[metric] = [[sums[node] >> figures.field(metric, blocks) & _FIELD if node in inside else 0
                           for node in kept] for blocks in (False, True)]
    del sums
    result["sizes"] = _sizes(parents, nodes, kept, figures, sizes, without_imports)
    return result


def _values(profile, records, split):
    """What each item is split by, or None if the file does not have it or it is the same everywhere."""
    values = profile.sites.more.get(split)
    if values is None:
        return None
    if split == "thread":
        values = list(values) + [record.thread for record in records]
    else:
        of_stack = domains_of_stacks(profile)
        values = list(values) + [DOMAINS.index(of_stack.get(record.stack, DOMAINS[0])) for record in records]
    return values if len(set(values)) > 1 else None


def make_trees(profile, grouping, records, table, sizes):
    """All trees: mode or split -> [with imports, without]. sizes: Sizes."""
    figures = Figures(profile, grouping, records)
    result = {}
    for mode in MODES:
        tree = collapse(profile, grouping, mode, table, figures.stacks)
        nodes = array.array("q", map(tree.node_of.__getitem__, figures.stacks))
        result[mode] = make_tree(tree.parents, tree.labels, table, nodes, figures, sizes)
        if mode != "python":
            continue
        for split in SPLITS:
            values = _values(profile, records, split)
            if values is not None:
                parts = _Split(tree, nodes, values, functools.partial(table.part, split))
                result[split] = make_tree(parts.parents, parts.labels, table, parts.nodes, figures, sizes)
    return result
