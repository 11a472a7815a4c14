# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the line decoders with each interpreter, at every instruction of its whole
standard library."""
import re
import subprocess

import pytest

import pmtest
import pythons

KINDS = {"2.7": "unsigned", "3.6": "signed", "3.7": "signed", "3.8": "signed", "3.9": "signed",
         "3.10": "ranges"}
TOTALS = re.compile(r"(\d+) code objects, (\d+) positions, (\d+) differences")
FILES = re.compile(r"(\d+) files compiled, (\d+) refused")


@pytest.fixture(scope="session")
def oracle(tmp_path_factory):
    """A program that runs the decoders and compares, built with sanitizers."""
    here = pythons.SOURCE / "tests" / "oracle"
    return pmtest.compile_program(
        tmp_path_factory.mktemp("linetable") / "linetable_oracle", here / "linetable_oracle.c",
        "-O1", "-std=gnu11", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
        f"-I{pythons.SOURCE / 'pymemcheck'}", str(pythons.CPYTHON / "pm_linetable.c"))


def compare(oracle, python, kind, every=1):
    """The totals of a comparison, and the finished process."""
    dumper = pythons.SOURCE / "tests" / "oracle" / "dump_lines.py"
    with subprocess.Popen([python.path, "-I" if python.version != "2.7" else "-E", str(dumper),
                           str(every)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as dump:
        result = subprocess.run([str(oracle), kind], stdin=dump.stdout, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
        dump.stdout.close()
        messages = dump.stderr.read().decode()
    assert dump.returncode == 0, messages
    files = FILES.search(messages)
    totals = TOTALS.search(result.stdout)
    assert files and totals, messages + result.stdout + result.stderr
    return [int(n) for n in files.groups() + totals.groups()], result


@pytest.mark.parametrize("python", pythons.each_python())
def test_whole_standard_library(oracle, python):
    figures, result = compare(oracle, python, KINDS.get(python.version, "locations"))
    compiled, refused, code_objects, positions, differences = figures
    print(f"{python}: {compiled} files, {code_objects} code objects, {positions} positions")
    assert result.returncode == 0 and differences == 0, result.stderr
    # A few bad examples in the library's own tests do not compile.
    assert compiled > 400 and refused <= compiled // 50
    assert code_objects > 10000 and positions > 1000000


@pytest.mark.parametrize("python", pythons.each_python())
def test_comparison_can_fail(oracle, python):
    """The comparison fails with the decoder of another kind."""
    kind = KINDS.get(python.version, "locations")
    wrong = {"unsigned": "ranges", "signed": "ranges", "ranges": "signed", "locations": "ranges"}
    figures, result = compare(oracle, python, wrong[kind], every=50)
    assert figures[-1] > 0 and result.returncode == 1


def test_empty_input_fails(oracle):
    result = subprocess.run([str(oracle), "signed"], input=b"", stdout=subprocess.PIPE)
    assert result.returncode == 1
