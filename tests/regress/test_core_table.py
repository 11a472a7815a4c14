# SPDX-License-Identifier: GPL-2.0-or-later
"""build-aux/check-core: each row of pm_core_table.h is proved or its feature is off. The libraries are made here, from
the table itself, with and without debug information, right and wrong."""
import os
import pathlib
import re
import subprocess

import pytest

from test_install import BUILD, SOURCE, made

TABLE = SOURCE / "pymemcheck/tool/core/pm_core_table.h"
# Defines all that the table lists. JUMP rows have no type.
LIBRARY = """\
#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"
#include "pub_tool_xarray.h"
#include "pub_tool_stacktrace.h"
#include "libvex_ir.h"
struct pm_core_unwind_registers;
struct pm_core_output_sink { Int fd; Int type; HChar *expanded_name; };
#define PM_CORE_VARIABLE(feature, since, type, symbol) type symbol;
#define PM_CORE_FUNCTION(feature, since, result, symbol, arguments) result symbol arguments { __builtin_trap(); }
#define PM_CORE_WRAP PM_CORE_FUNCTION
#define PM_CORE_JUMP(feature, since, symbol) void symbol(void) { }
#include "table.h"
"""
FEATURES = {"unwind", "lines", "zstd", "passes", "match", "open", "write", "exec", "reserve",
            "suppressions", "sanity", "shortcut"}
# Those with a row that only a known series proves.
TRIED_ONLY = {"unwind", "lines", "passes", "write", "suppressions"}
KNOWN, UNKNOWN = "3.27.1", "3.99.0"


@pytest.fixture
def library(tmp_path):
    """Makes a core from the table's text, changed by a pair of texts."""
    def make(*change, debug="-g"):
        text = TABLE.read_text()
        if change:
            assert change[0] in text
            text = text.replace(*change)
        (tmp_path / "table.h").write_text(text)
        (tmp_path / "core.c").write_text(LIBRARY)
        subprocess.run(["cc", "-c", debug, "-fno-builtin", "-fno-common", *flags().split(), "-o", "core.o", "core.c"],
                       cwd=tmp_path, check=True)
        for name in ("coregrind", "vex"):
            subprocess.run(["ar", "cr", f"lib{name}-amd64-linux.a", *(["core.o"] if name == "coregrind" else [])],
                           cwd=tmp_path, check=True)
        return tmp_path
    return make


def flags():
    return f"{made('PM_TOOL_CPPFLAGS')} {made('VALGRIND_CPPFLAGS')}"


def check_core(folder, version, off="", cppflags=""):
    """What check-core says: the features that are on, and a reason for each that is not."""
    run = subprocess.run([SOURCE / "build-aux/check-core", TABLE, folder, version, off], check=False,
                         env={**os.environ, "CPPFLAGS": f"{cppflags} {flags()}"},
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    on = set(re.findall(r"^on (\w+)$", run.stdout, re.M))
    off = dict(re.findall(r"^(?:off|none) (\w+) (.*)$", run.stdout, re.M))
    assert run.returncode != 0 or (on | set(off), on & set(off)) == (FEATURES, set())
    return on, off, run


def test_known_and_unknown(library):
    """What DWARF proves is on under any Valgrind; what it cannot prove only under those that were tried."""
    folder = library()
    on, _, run = check_core(folder, KNOWN)
    assert on == FEATURES
    wrapped = re.findall(r"^wrap (\w+)$", run.stdout, re.M)
    assert len(wrapped) == len(re.findall(r"^PM_CORE_(?:WRAP|JUMP)\(", TABLE.read_text(), re.M))
    on, off, _ = check_core(folder, UNKNOWN)
    assert on == FEATURES - TRIED_ONLY
    assert all("was never tried: " in reason for reason in off.values())


def test_without_debug_information(library):
    folder = library(debug="-g0")
    assert check_core(folder, KNOWN)[0] == FEATURES
    on, off, _ = check_core(folder, UNKNOWN)
    # By the size of a variable, by the headers, by valgrind.h.
    assert on == {"sanity", "match", "shortcut"}
    assert off["open"] == "nothing proves the type of vgPlain_strerror, and Valgrind 3.99 was never tried"


@pytest.mark.parametrize("version", [KNOWN, UNKNOWN])
@pytest.mark.parametrize("feature, right, wrong, reason", [
    ("open", "vgPlain_strerror, (UWord number)", "vgPlain_strerror, (Int number)",
     "vgPlain_strerror has the type *(s4) and not *(u8)"),
    ("zstd", "SizeT, ZSTD_decompress", "void, ZSTD_decompress",
     "ZSTD_decompress has the type void(*,u8,*,u8) and not u8(*,u8,*,u8)"),
    ("zstd", "const void *in, SizeT in_bytes))\n\n/* --- Passes", "const void *in))\n\n/* --- Passes",
     "ZSTD_decompress has the type u8(*,u8,*) and not u8(*,u8,*,u8)"),
    ("sanity", "Int, vgPlain_clo_sanity_level", "Bool, vgPlain_clo_sanity_level",
     "vgPlain_clo_sanity_level has 1 bytes and not 4"),
    ("match", "Bool, vgPlain_string_match", "Bool, vgPlain_string_matches", "the core lacks vgPlain_string_match"),
])
def test_wrong_row(library, version, feature, right, wrong, reason):
    """A row that differs switches its feature off, and no other."""
    folder = library(right, wrong)
    on, off, run = check_core(folder, version)
    assert off[feature] == reason
    assert on == FEATURES - {feature} - (TRIED_ONLY if version == UNKNOWN else set())
    assert "wrap vgPlain_string_match" not in run.stdout or feature != "match"


def test_header_that_differs(library, tmp_path):
    """Where the installed headers declare a symbol, they decide."""
    folder = library()
    other = tmp_path / "headers"
    other.mkdir()
    header = pathlib.Path(made("VALGRIND_CPPFLAGS").split()[1]) / "pub_tool_seqmatch.h"
    text = header.read_text()
    changed = re.sub(r"(VG_\(string_match\)\s*\([^)]*)\)", r"\1, Bool exactly)", text)
    assert changed != text
    (other / "pub_tool_seqmatch.h").write_text(changed)
    on, off, _ = check_core(folder, KNOWN, cppflags=f"-isystem {other}")
    assert off == {"match": "Valgrind's headers declare vgPlain_string_match otherwise"}
    assert on == FEATURES - {"match"}


def test_older_than_a_feature(library):
    """zstd came with 3.25: that 3.24 lacks it is no loss, and not told."""
    folder = library("SizeT, ZSTD_decompress", "SizeT, ZSTD_none")
    assert "none zstd the core lacks ZSTD_decompress\n" in check_core(folder, "3.24.0")[2].stdout
    assert "off zstd the core lacks ZSTD_decompress\n" in check_core(folder, "3.25.0")[2].stdout


def test_by_hand(library):
    folder = library()
    on, off, _ = check_core(folder, KNOWN, "lines,sanity")
    assert on == FEATURES - {"lines", "sanity"} and set(off.values()) == {"switched off by --with-core-off"}
    assert check_core(folder, KNOWN, "all")[0] == set()
    _, _, run = check_core(folder, KNOWN, "lines,liens")
    assert run.returncode != 0 and 'no core feature "liens"' in run.stderr


def test_this_build():
    """config.h and the linker's options are what check-core says of the Valgrind that we run with."""
    said = (BUILD / "config.h").read_text()
    switches = dict(re.findall(r"^#define PM_CORE_([A-Z]+) ([01])$", said, re.M))
    assert set(switches) == {feature.upper() for feature in FEATURES}
    forced = ",".join(feature for feature in FEATURES if switches[feature.upper()] == "0")
    on, _, run = check_core(made("VALGRIND_LIB_DIR"), made("VALGRIND_VERSION"), forced)
    assert on == {feature.lower() for feature, value in switches.items() if value == "1"}
    assert made("PM_CORE_WRAPS").split() == [f"-Wl,--wrap={symbol}"
                                             for symbol in re.findall(r"^wrap (\w+)$", run.stdout, re.M)]
