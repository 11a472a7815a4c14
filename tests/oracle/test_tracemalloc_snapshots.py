# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck.tracing.take_snapshot() against tracemalloc's own, in the same process: statistics("lineno") of the memory of
Python's three domains has the same lines, with the same blocks and bytes.

programs/traced/snapshots.py takes both, of the workloads and modules of test_tracemalloc_inside.py. That test compares the
profile, and tells whose memory a block is by its stack. Here the package tells it: window, domains, filters and sums are
those of its users. PM_TRACED=all (set by tests/matrix) runs all workloads and modules; without it the test runs few.

As there, the tool may have a few more blocks: objects older than tracemalloc that died, and whose memory a free list
handed out again (at MAX_OLDER lines, MAX_OLDER_BLOCKS in all).
"""
import json

import pytest

import pythons
from pmtest import PACKAGE, PROGRAMS
from test_tracemalloc_inside import ALL, CASES, MAX_OLDER, SECONDS_FOR_EACH_MODULE, follows_objects, has_names

SCRIPT = PROGRAMS / "traced/snapshots.py"
MAX_OLDER_BLOCKS = 32
# One process: taking two snapshots costs more than these workloads.
CASES = ALL if CASES is ALL else {"few": [name for names in CASES.values() for name in names]}


class Snapshots:
    def __init__(self, tool, python, workloads):
        output = tool.new_directory() / "statistics.json"
        tool.run(python.path, "-S", SCRIPT, ",".join(workloads), output, SECONDS_FOR_EACH_MODULE, timeout=2400,
                 env={"PYTHONPATH": str(PACKAGE)}, options=["--histogram=none", "--python-frames=200", "--num-callers=24"])
        found = json.loads(output.read_text())
        self.tests = found["tests"]
        # A request for no bytes asks malloc for one, unless debug hooks pad it.
        empty = {} if python.debug else {(file, line): blocks for file, line, blocks in found["empty"]}
        self.theirs = {(file, line): (blocks, size + empty.get((file, line), 0))
                       for file, line, blocks, size in found["tracemalloc"]}
        self.ours = {(file, line): (blocks, size) for file, line, blocks, size in found["pymemcheck"]}

    def differences(self):
        """(line, theirs, ours), each blocks and bytes."""
        for place in sorted(self.ours.keys() | self.theirs.keys()):
            theirs, ours = self.theirs.get(place, (0, 0)), self.ours.get(place, (0, 0))
            if theirs != ours:
                yield place, theirs, ours


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("python", pythons.each_python(costly=True))
def test_statistics_as_tracemalloc_in_the_same_process(tool, python, case):
    if not follows_objects(python):
        pytest.skip("before 3.8 tracemalloc does not follow objects from free lists (bpo-35053); test_tracemalloc_inside.py")
    if not has_names(python):
        pytest.skip(f"{python.row} is stripped: a block's domain cannot be told")
    snapshots = Snapshots(tool, python, CASES[case])
    for name in CASES[case]:
        assert not name.startswith("test.") or snapshots.tests[name] >= 3, \
            f"{name}: only {snapshots.tests[name]} tests ran; this Python may lack libpython{python.version}-testsuite"
    assert len(snapshots.theirs) > 40
    differences = list(snapshots.differences())
    older = [each for each in differences if each[2][0] > each[1][0] and each[2][1] > each[1][1]]
    wrong = [f"{file}:{line}: tracemalloc {theirs}, pymemcheck {ours}"
             for (file, line), theirs, ours in differences if ((file, line), theirs, ours) not in older]
    assert not wrong, f"{len(wrong)} of {len(snapshots.theirs)} lines differ\n" + "\n".join(wrong[:40])
    assert len(older) <= MAX_OLDER and sum(ours[0] - theirs[0] for _, theirs, ours in older) <= MAX_OLDER_BLOCKS, older
