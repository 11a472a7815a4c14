# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares source lines of native code with the rows that readelf prints of the same debug information, at the
first and last byte of rows. Names are compared without folders, which readelf leaves out.
tests/regress/test_native_lines.py compares whole names."""
import bisect
import pathlib
import random
import re
import shutil
import subprocess

import pytest

import pmtest
import pythons

ROW = re.compile(r"^(\S.*?) +(\d+|-) +(0x[0-9a-f]+)")
MOST_ROWS = 40000

C_FLAGS = [
    "-gdwarf-2", "-gdwarf-3", "-gdwarf-4", "-gdwarf-5", "-O2 -gdwarf-4", "-O2 -gdwarf-5",
    "-gdwarf64 -gdwarf-4", "-gdwarf64 -gdwarf-5", "-gdwarf-4 -gsplit-dwarf",
    "-gdwarf-5 -gsplit-dwarf", "-gdwarf-4 -fdebug-types-section", "-gdwarf-4 -gno-as-loc-support",
    "-gdwarf-5 -gno-as-loc-support", "-gdwarf-5 -ffunction-sections -Wl,--gc-sections",
]
INSTALLED = [pmtest.system_python(), pmtest.system_python() + "-dbg", "/lib/x86_64-linux-gnu/libc.so.6"]


@pytest.fixture(scope="session")
def oracle(tmp_path_factory):
    """A program that runs our decoder, built with sanitizers."""
    source = pythons.SOURCE / "pymemcheck"
    used = [*sorted((source / "dwarf").glob("*.c")),
            *(source / "base" / name for name in ("pm_buffer.c", "pm_grow.c", "pm_map.c", "pm_platform_hosted.c", "pm_reader.c",
                                                "pm_sort.c"))]
    return pmtest.compile_program(
        tmp_path_factory.mktemp("lines") / "lines_oracle",
        pythons.SOURCE / "tests" / "oracle" / "lines_oracle.c", "-O1", "-std=gnu11",
        "-fsanitize=address,undefined", "-fno-sanitize-recover=all", f"-I{source}", *map(str, used))


class Rows:
    """The rows that readelf prints for a file."""

    def __init__(self, path):
        text = subprocess.run(["readelf", "-W", "--debug-dump=decodedline", str(path)], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              errors="surrogateescape").stdout
        self.ranges = []
        row = None
        dropped = False
        for line in text.splitlines():
            match = ROW.match(line)
            if not match:
                continue
            name, number, address = match[1], match[2], int(match[3], 16)
            if row is None:
                dropped = address == 0
            elif address > row[0] and not dropped:
                self.ranges.append((row[0], address, row[1], row[2]))
            row = None if number == "-" else (address, name, int(number))
        self.ranges.sort()
        self.starts = [r[0] for r in self.ranges]

    def addresses(self):
        rng = random.Random(1)
        some = rng.sample(self.ranges, min(len(self.ranges), MOST_ROWS))
        return sorted({a for start, end, _, _ in some for a in (start, end - 1)})

    def at(self, address):
        """The lines of the rows that cover the address and begin last: several if these begin at the same place."""
        index = bisect.bisect_right(self.starts, address) - 1
        while index >= 0:
            start = self.starts[index]
            found = {r[2:] for r in self.ranges[bisect.bisect_left(self.starts, start):index + 1]
                     if r[1] > address}
            if found:
                return found
            index = bisect.bisect_left(self.starts, start) - 1
        return set()


def compare(oracle, path, least_rows):
    rows = Rows(path)
    assert len(rows.ranges) >= least_rows
    addresses = rows.addresses()
    result = subprocess.run([str(oracle), str(path)], input="\n".join(map(hex, addresses)), text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, errors="surrogateescape")
    assert result.returncode == 0, result.stderr
    answers = result.stdout.splitlines()
    assert len(answers) == len(addresses)
    wrong = []
    for address, answer in zip(addresses, answers):
        name, _, line = answer.rpartition(":")
        if (name.rpartition("/")[2], int(line)) not in {(n.rpartition("/")[2], l)
                                                        for n, l in rows.at(address)}:
            wrong.append((hex(address), answer, rows.at(address)))
    assert not wrong, f"{len(wrong)} of {len(addresses)}: {wrong[:5]}"
    return rows


def plain_debug_file(path, directory):
    """The file with the debug information of an installed object, decompressed; None if there is none."""
    notes = subprocess.run(["readelf", "-n", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           text=True).stdout
    build_id = re.search(r"Build ID: (\w+)", notes)
    separate = build_id and pathlib.Path(f"/usr/lib/debug/.build-id/{build_id[1][:2]}/{build_id[1][2:]}.debug")
    source = separate if separate and separate.exists() else pathlib.Path(path)
    output = directory / "plain"
    subprocess.run(["objcopy", "--decompress-debug-sections", str(source), str(output)], check=True)
    sections = subprocess.run(["readelf", "-SW", str(output)], stdout=subprocess.PIPE, text=True, check=True).stdout
    return output if " .debug_line " in sections else None


@pytest.mark.parametrize("flags", C_FLAGS)
def test_c(oracle, flags, tmp_path):
    source = pmtest.PROGRAMS / "allocators.c"
    output = tmp_path / "program"
    subprocess.run(["gcc", "-w", *flags.split(), "-o", str(output), str(source)], check=True, cwd=tmp_path)
    compare(oracle, output, 40)


@pytest.mark.parametrize("flags", ["-gdwarf-4 -O1", "-gdwarf-5 -O2", "-gdwarf-5 -fdebug-types-section"])
def test_cpp(oracle, flags, tmp_path):
    source = tmp_path / "program.cpp"
    source.write_text("#include <map>\n#include <string>\n#include <vector>\n"
                      "int main() { std::map<int, std::vector<std::string>> m;\n"
                      "for (int i = 0; i < 9; i++)\n m[i % 3].push_back(std::to_string(i));\n"
                      "return m.size() != 3; }\n")
    output = tmp_path / "program"
    subprocess.run(["g++", *flags.split(), "-o", str(output), str(source)], check=True, cwd=tmp_path)
    rows = compare(oracle, output, 200)
    assert any(name == "program.cpp" for _, _, name, _ in rows.ranges)


@pytest.mark.skipif(not shutil.which("clang"), reason="clang is not installed")
@pytest.mark.parametrize("flags", ["-gdwarf-2", "-gdwarf-4", "-gdwarf-5 -O2", "-gdwarf-5 -gsplit-dwarf"])
def test_clang(oracle, flags, tmp_path):
    source = pmtest.PROGRAMS / "allocators.c"
    output = tmp_path / "program"
    subprocess.run(["clang", "-w", *flags.split(), "-o", str(output), str(source)], check=True, cwd=tmp_path)
    compare(oracle, output, 40)


@pytest.mark.parametrize("path", INSTALLED)
def test_installed(oracle, path, tmp_path):
    if not pathlib.Path(path).exists():
        pytest.skip(f"{path} does not exist")
    plain = plain_debug_file(path, tmp_path)
    if plain is None:
        pytest.skip(f"{path} has no debug information; install its package ...-dbg or ...-dbgsym")
    compare(oracle, plain, 10000)
