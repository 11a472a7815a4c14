# SPDX-License-Identifier: GPL-2.0-or-later
"""Damaged profiles and all subcommands: whatever is wrong in a file is said in one line that names it, with exit status 2. PM_FUZZ=N
tries N damaged files in place of a few, and PM_FUZZ_SEED=N others."""
import copy
import json
import os
import random

import pytest

import pack
from test_balances import BALANCE

COUNT = int(os.environ.get("PM_FUZZ", 150))
SEED = int(os.environ.get("PM_FUZZ_SEED", 1))

VALUES = (None, True, False, 0, 1, -1, 2, 7, 63, 64, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, -(1 << 63), 1 << 64, 10 ** 40, 0.5, -0.0,
          float("nan"), float("inf"), 1e308, "", "x", "0x0", "-1", "\ud800", "\0", "</script>", [], [[]], [None], [1, 2], [-1] * 3, {},
          {"": None}, {"stack": 0})


def whole():
    """A profile with everything that a file can have."""
    data = pack.sample()
    data["leaks"]["records"][0]["balance"] = copy.deepcopy(BALANCE)
    data["leaks"]["records"][0].update(chain=[2, 3], expression=4, expression_lines=1, types=[[4, 29]], places=[[1, 20], [3, 9]])
    data["leaks_before"] = copy.deepcopy(data["leaks"])
    data["watched"] = {"objects": 1, "gone": 0, "immortal": 0, "not_found": 0, "changes": 3, "unseen_changes": 0, "lost_changes": 0,
                       "stacks": 1, "others": [copy.deepcopy(BALANCE)]}
    return data


def places(value, at=()):
    """The ways to all values inside."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield at + (key,)
        yield from places(inner, at + (key,))


def damage(chance, data):
    """Changes up to three values."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        *way, last = chance.choice(list(places(data)))
        holder = data
        for step in way:
            holder = holder[step]
        kind = chance.randrange(6)
        if kind == 0:
            del holder[last]
        elif kind == 1 and isinstance(holder[last], list):
            holder[last] += holder[last][:2] or [0]
        elif kind == 2 and isinstance(holder[last], int):
            holder[last] += chance.choice((-1, 1, 1 << 40))
        elif kind == 3:
            *other, name = chance.choice(list(places(data)))
            source = data
            for step in other:
                source = source[step]
            holder[last] = copy.deepcopy(source[name])
        else:
            holder[last] = copy.deepcopy(chance.choice(VALUES))


def damage_bytes(chance, content):
    """Cuts, changes, takes out or doubles some bytes."""
    content = bytearray(content)
    start = chance.randrange(len(content))
    end = min(len(content), start + chance.choice((1, 1, 2, 20, 1000)))
    kind = chance.randrange(4)
    if kind == 0:
        del content[start:]
    elif kind == 1:
        content[start:end] = bytes(chance.choice(b'\0"[]{},:0-9\xff\xc3e\\n') for _ in range(end - start))
    elif kind == 2:
        del content[start:end]
    else:
        content[start:start] = content[start:end]
    return bytes(content)


def commands(path, good, out):
    """A command line for each subcommand that reads profiles, and for each of its ways."""
    yield "report", path
    yield "report", path, "--full", "--top=0"
    yield "report", path, "--group=stack", "--total", "--sort=average"
    yield "report", path, "--cumulative", "--group=function"
    yield "report", path, "--leaked", "--group=type"
    yield "report", path, "--group=type"
    yield "report", path, "--before", "--not-function=x*"
    yield "report", path, "--snapshots"
    yield "report", "%s@1" % path
    yield "report", "%s@peak" % path, "--phase=main", "--file=*.py"
    yield "diff", path, good
    yield "diff", good, path, "--group=traceback"
    yield "check", path, "--baseline=%s" % good, "--junit=%s" % out, "--sarif=%s" % out, "--markdown=%s" % out
    yield "check", good, "--baseline=%s" % path, "--before"
    yield "merge", path, good, "-o", out
    yield "suppress", path, "-o", out
    for name in ("dhat", "pprof", "folded", "speedscope", "callgrind", "massif", "tracemalloc", "csv"):
        yield "convert", path, "--to=" + name, "-o", out
    yield "html", path, "-o", out
    yield "html", good, path, "-o", out


def complaints(command, path, good, out):
    """Runs all; how many of them refused the file."""
    refused = 0
    for words in commands(path, good, out):
        run = command.run_here(*words)
        assert run.returncode in (0, 1, 2), (words, run)
        if run.returncode == 2 and "the page's script is not built" not in run.stderr:
            refused += 1
            assert run.stderr.count("\n") == 1 and run.stderr.startswith("pymemcheck: error: "), (words, run)
            assert str(path) in run.stderr and len(run.stderr) < 1000, (words, run)
    return refused


@pytest.mark.parametrize("part", range(3))
def test_damaged_values(command, tmp_path, part):
    chance = random.Random("%d values %d" % (SEED, part))
    good = pack.write(tmp_path, whole(), "good")
    assert complaints(command, good, good, tmp_path / "out") == 0
    refused = 0
    for number in range(COUNT // 3):
        data = whole()
        damage(chance, data)
        path = pack.write(tmp_path, data, "damaged")
        refused += complaints(command, path, good, tmp_path / "out") > 0
    assert refused > COUNT // 3 // 3


def test_damaged_bytes(command, tmp_path):
    chance = random.Random("%d bytes" % SEED)
    good = pack.write(tmp_path, whole(), "good")
    content = good.read_bytes()
    path, refused = tmp_path / "damaged", 0
    for number in range(COUNT // 3):
        path.write_bytes(damage_bytes(chance, content))
        refused += complaints(command, path, good, tmp_path / "out") > 0
    assert refused > COUNT // 3 // 3


def test_damaged_baselines(command, tmp_path):
    """The small file that check keeps."""
    chance = random.Random("%d baselines" % SEED)
    good, base = pack.write(tmp_path, whole(), "good"), tmp_path / "base"
    command("check", good, "--baseline=%s" % base, "--update")
    known = json.loads(base.read_text(encoding="utf-8"))
    content = base.read_bytes()
    for number in range(COUNT):
        data = copy.deepcopy(known)
        damage(chance, data)
        base.write_bytes(json.dumps(data).encode("ascii", "surrogatepass") if number % 2 else damage_bytes(chance, content))
        run = command.run_here("check", good, "--baseline=%s" % base)
        assert run.returncode in (0, 1) or (run.returncode == 2 and run.stderr.count("\n") == 1 and str(base) in run.stderr), run
