# SPDX-License-Identifier: GPL-2.0-or-later
"""What is in use by Python type (report --group=type) and before finalization (--before)."""
import re
import subprocess

import pytest

import pack
from test_report_command import table

JOB = """\
class Node:
    def __init__(self, value):
        self.value = value

class Slotted:
    __slots__ = ("value",)
    def __init__(self, value):
        self.value = value

def nodes():
    return [Node(number) for number in range(300)]

def slotted():
    return [Slotted(number) for number in range(1000, 1700)]

def texts():
    return {"text %d" % number for number in range(500)}

def arrays():
    return [bytearray(1000) for number in range(40)]

KEPT = [nodes(), slotted(), texts(), arrays()]
# All this is still there at the end.
import ctypes
ctypes.pythonapi.Py_IncRef(ctypes.py_object(KEPT))
"""


@pytest.fixture(scope="module")
def run(tool, release_python, tmp_path_factory):
    script = tmp_path_factory.mktemp("types") / "job.py"
    script.write_text(JOB, encoding="ascii")
    return tool.run(release_python.path, script, options=("--leak-scan=both",))


def rows(command, *arguments):
    """Name -> (bytes, blocks) of a table with all rows."""
    return {name: (size, count) for size, count, name in table(command(*arguments, "--top=0", "--no-source"))}


def test_sums(run, command):
    """By type, as by line, all is counted: at the end what the totals say, before finalization what the log says."""
    def sums(*options):
        found = table(command("report", run.profile.path, *options, "--top=0", "--no-source"))
        return tuple(sum(row[index] for row in found) for index in (0, 1))

    totals = run.profile.totals
    assert sums("--group=type") == (totals["live_bytes"], totals["live_blocks"]) and totals["live_blocks"] > 100
    size, count = re.search(r"in use before finalization ([\d,]+) bytes in ([\d,]+) blocks", run.log).groups()
    for group in ("type", "line", "file", "phase", "domain", "stack", "thread"):
        assert sums("--before", "--group=" + group) == (int(size.replace(",", "")), int(count.replace(",", ""))), group


def test_types_of_the_programs_own_objects(run, command, release_python):
    """Against sys.getsizeof. Memory that belongs to an object counts as its type."""
    found = rows(command, "report", run.profile.path, "--before", "--group=type", "--file=job.py")
    code = JOB + "import sys\nprint(*(sum(map(sys.getsizeof, kept)) for kept in KEPT[1:]))"
    slotted, texts, arrays = map(int, subprocess.run([release_python.path, "-S", "-c", code], stdout=subprocess.PIPE, check=True).stdout.split())
    assert found["__main__.Slotted"] == (slotted, 700)
    assert found["bytearray"] == (arrays, 2 * 40)
    assert found["str"][0] >= texts and found["str"][1] >= 500 and found["__main__.Node"][1] >= 300


def test_filters_and_difference(run, command, tmp_path):
    whole, part = (rows(command, "report", run.profile.path, "--before", "--group=type", *filters) for filters in ((), ("--function=slotted*",)))
    assert part["__main__.Slotted"][1] == 700 and "bytearray" not in part and "bytearray" in whole
    assert "no difference" in command("diff", run.profile.path, run.profile.path, "--before", "--group=type")
    cumulative = rows(command, "report", run.profile.path, "--before", "--group=function", "--cumulative")
    assert cumulative["job.py, <module>"][0] > 40 * 1000


def test_what_is_not_known(tool, release_python, command, tmp_path):
    """Without a search of that moment there is one line, which says what there is."""
    before, none = (tool.run(release_python.path, "-S", "-c", "pass", options=(option,)).profile.path
                    for option in ("--leak-scan=before", "--leak-check=no"))
    assert "--before has those before finalization" in command.complaint("report", before, "--group=type")
    assert "types are not known" in command.complaint("report", none, "--group=type")
    assert "--leak-scan=before or both" in command.complaint("report", none, "--before")
    assert "types are known of what was in use" in command.complaint("report", before, "--group=type", "--peak")
    assert "of a snapshot only what was in use" in command.complaint("report", "%s@peak" % before, "--before")
    # Files of older versions of the tool do not have the keys.
    data = pack.sample()
    del data["leaks"]["types"], data["leaks"]["in_use"]
    assert "types are not known" in command.complaint("report", pack.write(tmp_path, data), "--group=type")
