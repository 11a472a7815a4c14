# SPDX-License-Identifier: GPL-2.0-or-later
"""Uses extension packages of Debian 12. Each must have no leaks, or only known ones.

These tests are part of the wide matrix: run them with PM_LEAKS_WIDE=1. A package that is not installed is a skip with its
name. Each function of tests/leaks/packages/packages.py uses one package and names its Debian package.
"""
import collections
import os
import pathlib
import re
import subprocess

import pytest

import pmtest

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "leaks" / "packages" / "packages.py"
CYTHON_SUPPRESSIONS = pathlib.Path(__file__).resolve().parents[2] / "pymemcheck" / "tool" / "pymemcheck-cython.supp"
PYTHON = pmtest.system_python()
USES = re.findall(r'^def (\w+)\(\):\n    """([\w-]+)"""', SCRIPT.read_text(encoding="utf-8"), re.M)
REPORTED = {"definite", "cycle", "surplus", "deficit", "possible"}
SUMS = re.compile(r"(definitely|indirectly) lost: ([\d,]+) bytes in ([\d,]+) blocks")

# A record of this kind. All its objects are of these types ("" is memory without an object). It contains this word: a
# function or the object file of a frame, or the preview of the first object.
Known = collections.namedtuple("Known", "kind types word")

# Modules made by Cython 0.29. They lose only what pymemcheck-cython.supp describes, and what is in KNOWN.
CYTHON = {"lxml", "msgpack", "yaml", "frozenlist", "yarl", "zmq", "gevent", "h5py", "pandas"}

# Leaks of all packages that use cffi 1.15. init_file_emulator does not release its reference to the module _io (named
# "io"; c/file_emulator.h). An extension's module definition and FFI object are immortal on purpose (c/cffi1_module.c),
# and so are the descriptions of its functions (c/lib_obj.c, lib_build_cpython_func). The two strings for CData's dict
# are not released (c/_cffi_backend.c, init).
CFFI = [
    Known("definite", {"module"}, "io"),
    Known("definite", {"_cffi_backend.FFI", "moduledef"}, "PyInit__bcrypt"),
    Known("definite", {""}, "gensalt"),
    Known("surplus", {"str"}, "PyInit__cffi_backend"),
]

# multidict 6.0.4 stores "_itemsview_isdisjoint" in the variable of "_itemsview_repr", and overwrites it in the next
# line (_multilib/views.h). It also has a surplus reference to the module that contains both.
MULTIDICT = [
    Known("definite", {"function"}, "_itemsview_isdisjoint"),
    Known("definite", {"module"}, "multidict._multidict_base"),
]

# Real leaks of these packages.
KNOWN = {
    # When a message ends early, unpack_clear releases only the outermost object. It does not release the unfinished
    # objects inside, nor the key that waits for its value (msgpack 1.0.3, unpack_template.h). 282 bytes for each call.
    "msgpack": [Known("definite", {"dict", "str"}, "_cmsgpack")],
    "multidict": MULTIDICT,
    "yarl": MULTIDICT,
    "bcrypt": CFFI,
    # PyDict_SetItemString(d, name, PyUnicode_FromString(...)), seven times (Pillow 9.4, _imaging.c, setup_module).
    "pil": [Known("definite", {"str"}, "PyInit__imaging")],
    # Each freed Term, Expression and strength leaves a reference to its type, which PyType_FromSpec made
    # (kiwisolver 1.4.4; its issue 223): sys.getrefcount(kiwisolver.Term) grows by one with each.
    "kiwisolver": [
        Known("surplus", {"type"}, "kiwisolver.Term"),
        Known("surplus", {"type"}, "kiwisolver.Expression"),
        Known("surplus", {"type"}, "kiwisolver.Strength"),
    ],
    # Import does not release the modules io and collections and the function namedtuple. The string of each error has a
    # surplus reference (pycurl 7.45.2, module.c and easy.c, create_and_set_error_object).
    "pycurl": [
        Known("definite", {"function"}, "namedtuple"),
        Known("definite", {"module"}, "io"),
        Known("definite", {"str"}, "create_and_set_error_object"),
    ],
    # Names that zope.interface, which gevent imports, makes and does not release
    # (_zope_interface_coptimizations.c, init, DEFINE_STRING). Memcheck finds the same blocks.
    "gevent": [Known("definite", {"str"}, "PyInit__zope_interface_coptimizations")],
    # Probably real, but not proved: a reference for each of the 13 types for which Cython makes duplicated(keep="first"),
    # and a variable for the builtin that nothing reads. Proved: numpy's description of a buffer, since numpy keeps the
    # address with a number added to it (numpy 1.24, buffer.c, buffer_info_tag).
    "pandas": [
        Known("surplus", {"str"}, "first"),
        Known("surplus", {"builtin_function_or_method"}, "round"),
        Known("possible", {""}, "_multiarray_umath"),
    ],
    # cffi. OpenSSL's legacy provider, which stays loaded. Names that PyO3 keeps for ever. Each freed object of a
    # PyO3 class leaves a reference to its type (PyO3 issue 6223): sys.getrefcount(ObjectIdentifier)
    # grows by one with each. Pointers into the FFI object remain after its module is gone.
    "cryptography": [
        *CFFI[:2],
        CFFI[3],
        Known("definite", {"moduledef"}, "PyInit__openssl"),
        Known("definite", {""}, "_cffi_backend"),
        Known("definite", {""}, "OSSL_LIB_CTX_new_child"),
        Known("definite", {""}, "_rust"),
        Known("surplus", {"type"}, "builtins.ObjectIdentifier"),
        Known("possible", {"_cffi_backend.FFI", "dict"}, "PyInit__openssl"),
    ],
}


def words_of(loss):
    words = {loss.note, loss.note.strip("'\"")}
    for frame in loss.frames:
        words.add(frame.function)
        if frame.object:
            words.add(os.path.basename(frame.object).split(".")[0])
    return words


def run_of(start, use, package, **options):
    native = subprocess.run([PYTHON, SCRIPT, use], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if native.returncode != 0:
        assert "ModuleNotFoundError" in native.stderr, native.stderr
        pytest.skip(f"{package} is not installed for {PYTHON}")
    return start.run(PYTHON, SCRIPT, use, timeout=1200, **options)


wide = pytest.mark.skipif(not os.environ.get("PM_LEAKS_WIDE"), reason="part of the wide matrix: PM_LEAKS_WIDE=1")


@wide
@pytest.mark.parametrize("use,package", USES, ids=[use for use, _ in USES])
def test_package(tool, use, package):
    """The tool finds all known leaks and no others."""
    options = ["--histogram=none", "--leak-check=full"]
    if use in CYTHON:
        options.append(f"--suppressions={CYTHON_SUPPRESSIONS}")
    run = run_of(tool, use, package, options=options)
    known = KNOWN.get(use, [])
    unknown, seen, suppressed = [], [], 0
    for loss in run.profile.losses:
        if loss.suppressed:
            suppressed += 1
        elif loss.kind in REPORTED:
            words = words_of(loss)
            reasons = [reason for reason in known if reason.kind == loss.kind and reason.word in words
                       and {name for name, _ in loss.types or [("", 1)]} <= reason.types]
            seen += reasons
            if not reasons:
                unknown.append(loss)
    assert not unknown, "\n".join(map(repr, unknown))
    assert [reason for reason in known if reason not in seen] == []
    assert use not in CYTHON or suppressed > 0


@wide
@pytest.mark.parametrize("use", ["frozenlist", "msgpack", "yaml", "pil", "zmq"])
def test_memcheck_agrees(tool, use):
    """Memcheck finds the same bytes and blocks lost in packages that lose no object in the collector's lists (which
    Memcheck follows)."""
    options = ["--leak-check=full", "--default-suppressions=no"]
    ours = run_of(tool, use, dict(USES)[use], options=[*options, "--histogram=none"])
    theirs = run_of(tool, use, dict(USES)[use], options=options, tool="memcheck", env={"PYTHONMALLOC": "malloc"})
    sums = SUMS.findall(ours.log)
    assert len(sums) == 2 and sums[0][1] != "0"
    assert sums == SUMS.findall(theirs.log)
