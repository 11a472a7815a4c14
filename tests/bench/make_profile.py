# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes a profile of many sites as the tool would, to measure what reads it:

    python3 make_profile.py SITES FILE [SEED]

Five stacks to a site and a frame for three sites, about as in a run that imports much. Profiles of other seeds
have the same code, some of it a line further down, and other figures."""
import json
import random
import sys

LEAK_KINDS = ("definite", "cycle", "surplus", "possible", "indirect", "interpreter", "reachable", "suppressed", "left_out")


def make_strings_and_frames(frame_count, moved):
    """A third of the frames are C functions. A tenth of the files has moved lines, if any."""
    strings = ["", "malloc", "/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/bin/python3.11", "_PyEval_EvalFrameDefault"]
    frames = [dict(kind="native", function=1, file=0, line=0, object=2, offset="0x0", flags=["allocator"]),
              dict(kind="native", function=4, file=0, line=0, object=3, offset="0xd3c", flags=["eval"])]
    natives, pythons = [], []
    for index in range(frame_count):
        native = index % 3 == 0
        if index % 40 == 0:
            strings.append("/usr/lib/python3/dist-packages/package%d/module%d.py" % (index // 400, index // 40))
            file = len(strings) - 1
        strings.append(("function_%d" if native else "Class.method_%d") % index)
        (natives if native else pythons).append(len(frames))
        frames.append(dict(kind="native" if native else "python", function=len(strings) - 1, file=0 if native else file,
                           line=0 if native else 10 + 3 * index + (moved if index // 40 % 10 == 0 else 0),
                           object=3 if native else 0, offset=hex(16 + index) if native else "0x0", flags=[]))
    return strings, frames, natives, pythons


def make_stacks(count, natives, pythons, chance):
    """Chains from a Python frame down to malloc, that begin at older ones."""
    back, frame, ends = [None], [None], []
    bases = [0]
    while len(ends) < count:
        node = bases[int(chance.random() ** 2 * len(bases))]
        for number in [chance.choice(pythons), 1, chance.choice(natives), chance.choice(natives), 0]:
            back.append(len(back) - node)
            frame.append(number)
            node = len(back) - 1
            if number == 1:
                bases.append(node - 1)
        ends.append(node)
    return back, frame, ends


SNAPSHOTS = 100


def make_snapshots(live, live_blocks, chance):
    """The sites become live one after the other; besides, a hundredth of those before is said again each time."""
    table = dict(name=[0] * SNAPSHOTS, serial=[], elapsed_ms=[], total_bytes=[], live_bytes=[], live_blocks=[], changes=[])
    size = count = done = 0
    for number in range(1, SNAPSHOTS + 1):
        end, changes = len(live) * number // SNAPSHOTS, []
        for site in sorted(chance.sample(range(done), done // 100)):
            changes += [site, live[site], live_blocks[site]]
        for site in range(done, end):
            if live_blocks[site]:
                changes += [site, live[site], live_blocks[site]]
                size, count = size + live[site], count + live_blocks[site]
        done = end
        for key, value in (("serial", end), ("elapsed_ms", number), ("total_bytes", size), ("live_bytes", size),
                           ("live_blocks", count), ("changes", changes)):
            table[key].append(value)
    return table


def make(sites, seed):
    chance = random.Random(1)
    strings, frames, natives, pythons = make_strings_and_frames(max(30, sites // 3), seed)
    back, frame, ends = make_stacks(sites, natives, pythons, chance)
    chance = random.Random(seed)
    blocks = [1 + int(200 * chance.random() ** 6) for _ in ends]
    values = [1 << chance.randrange(4, 10) for _ in ends]
    total = [count * value * 3 // 2 for count, value in zip(blocks, values)]
    live_blocks = [count if chance.random() < 0.5 else 0 for count in blocks]
    live = [bytes if count else 0 for bytes, count in zip(total, live_blocks)]
    columns = dict(stack=ends, total_bytes=total, total_blocks=blocks, padding_bytes=[0] * sites, live_bytes=live,
                   live_blocks=live_blocks, peak_bytes=total, peak_blocks=blocks, first=list(range(1, sites + 1)),
                   last=list(range(1, sites + 1)), thread=[chance.choice((1, 1, 1, 2, 3, 0)) for _ in ends],
                   domain=[chance.choice((4, 4, 4, 3, 2, 1, 0)) for _ in ends], sizes=[[[value, count]] for value, count in zip(values, blocks)])
    snapshots = make_snapshots(live, live_blocks, chance)
    records = [dict(kind="definite", stack=end, bytes=72, blocks=1, indirect_bytes=0, indirect_blocks=0,
                    surplus_references=0, types=[], note=0, first=1, last=1, import_blocks=0, main_blocks=1,
                    finalization_blocks=0, raising_blocks=0, thread=1, suppressed=False, left_out=False,
                    fingerprint="%016x" % (index + 1), chain=[]) for index, end in enumerate(ends[seed:sites // 500])]
    summary = {kind: [0, 0] for kind in LEAK_KINDS}
    summary["definite"] = [72 * len(records), len(records)]
    return dict(
        format="pymemcheck", version=2,
        run=dict(pid=seed, ppid=1, command=["python3", "job.py"], command_hex={}, tool_version="0.1.0",
                 valgrind_version="3.19.0", python="CPython 3.11.2", python_refused=None, hint=None, pymalloc=False,
                 debug_hooks=False, end="exit", exit_code=0, signal=None, elapsed_ms=1),
        totals=dict(allocs=sum(blocks), frees=sum(blocks) - sum(live_blocks), bytes=sum(total), live_bytes=sum(live),
                    live_blocks=sum(live_blocks), peak_bytes=sum(total), peak_blocks=sum(blocks), padding_bytes=0,
                    reused_blocks=0),
        troubles=dict(unreadable_stacks=0, unreadable_code=0, failed_allocations=0, unknown_frees=0),
        strings=strings, strings_hex={}, frames=frames, stacks=dict(back=back, frame=frame), sites=columns,
        snapshots=snapshots, leaks=dict(summary=summary, records=records), leaks_before=None)


if __name__ == "__main__":
    with open(sys.argv[2], "w") as out:
        json.dump(make(int(sys.argv[1]), int(sys.argv[3]) if len(sys.argv) > 3 else 0), out, separators=(",", ":"))
