# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory of the program that may not be touched: the leak search leaves it alone."""
import sys

import pytest

from pmtest import PROGRAMS, compile_program

FAULTS = ["guard", "truncated", "longer", "longer_shm", "unseen", "unseen_block"]


@pytest.fixture(scope="module")
def memory_faults(tmp_path_factory):
    return compile_program(tmp_path_factory.mktemp("memory") / "memory_faults", PROGRAMS / "memory_faults.c", "-O0")


@pytest.mark.parametrize("fault", FAULTS)
def test_unreadable_memory(tool, memory_faults, fault):
    """What is held from pages that can be read is found, what is lost is lost, and the exit status is the program's."""
    if fault == "guard" and tool.run_native(memory_faults, fault, check=False).returncode == 77:
        pytest.skip("this kernel has no guard pages")
    run = tool.run(memory_faults, fault, check=False)
    assert run.returncode == 4, run
    summary = run.profile.json["leaks"]["summary"]
    assert summary["definite"] == [500, 1]
    assert summary["reachable"][0] >= 1000 and summary["possible"] == [0, 0]


MAPPINGS = {
    "anonymous": "KEEP = mmap.mmap(-1, 4096); KEEP.resize(3 * 4096)",
    "file": "import tempfile; F = tempfile.TemporaryFile(); F.truncate(1 << 20)\n"
            "KEEP = mmap.mmap(F.fileno(), 1 << 20); F.truncate(0)",
}


@pytest.mark.parametrize("scan", ["before", "after"])
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_unreadable_mapping_of_python(tool, release_python, mapping, scan):
    """Before finalization the search runs inside a call from translated code."""
    path = tool.new_directory() / "script.py"
    path.write_text(f"import mmap, sys\n{MAPPINGS[mapping]}\nsys.exit(3)\n")
    run = tool.run(release_python.path, "-S", path, options=[f"--leak-scan={scan}"], check=False)
    assert run.returncode == 3, run
    assert "LEAK SUMMARY" in run.log
    assert (run.profile.losses if scan == "after" else run.profile.losses_before) is not None


HUGE = {
    "private": "mmap.mmap(-1, SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)",
    "shared": "mmap.mmap(-1, SIZE)",
    "file": "mmap.mmap(F.fileno(), SIZE)",
}
MEASURE = ("import resource, subprocess, sys; status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL);"
           " print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")


@pytest.mark.parametrize("kind", HUGE)
def test_huge_untouched_mapping(tool, release_python, kind):
    """Two gigabytes that the program maps and hardly uses do not become resident by the search."""
    directory = tool.new_directory()
    path = directory / "script.py"
    path.write_text("import mmap, tempfile\nSIZE = 2 << 30\nF = tempfile.TemporaryFile(); F.truncate(SIZE)\n"
                    f"KEEP = {HUGE[kind]}\nKEEP[5 << 20] = 1\n")
    run = tool.run_native(sys.executable, "-c", MEASURE, tool.starter, f"--log-file={directory}/log",
                          f"--pymemcheck-out-file={directory}/out", "--leak-scan=before", release_python.path, "-S", path)
    status, kilobytes = run.stdout.split()
    assert status == "0"
    assert int(kilobytes) < 500_000
    assert "LEAK SUMMARY" in (directory / "log").read_text()
