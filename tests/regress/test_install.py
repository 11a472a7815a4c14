# SPDX-License-Identifier: GPL-2.0-or-later
"""configure's messages about missing parts; make install, a run of the installed tool, make uninstall."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from pmtest import heap_totals

BUILD = pathlib.Path(os.environ.get("PM_BUILD_DIR", ".")).resolve()
SOURCE = pathlib.Path(os.environ.get("PM_SOURCE_DIR") or pathlib.Path(__file__).resolve().parents[2]).resolve()


def made(name):
    """The value of a variable of the build folder's Makefile."""
    return re.search(rf"^{name} = (.*)$", (BUILD / "Makefile").read_text(), re.MULTILINE)[1]


def configure(folder, *arguments, **environment):
    """Runs configure in folder. It may fail."""
    return subprocess.run([SOURCE / "configure", *arguments], cwd=folder, env={**os.environ, **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


@pytest.fixture
def prefix(tmp_path):
    """A Valgrind that consists of links to the real one's files. A test can remove some of them."""
    root = tmp_path / "valgrind"
    libraries, tools = pathlib.Path(made("VALGRIND_LIB_DIR")), pathlib.Path(made("VALGRIND_TOOL_DIR"))
    headers = pathlib.Path(made("VALGRIND_CPPFLAGS").split()[1])
    for folder, files in [("lib/valgrind", libraries), ("libexec/valgrind", tools), ("include/valgrind", headers)]:
        shutil.copytree(files, root / folder, symlinks=False, copy_function=os.symlink)
    (root / "bin").mkdir()
    (root / "bin/valgrind").symlink_to(made("VALGRIND"))
    (root / "lib/pkgconfig").mkdir()
    (root / "lib/pkgconfig/valgrind.pc").write_text(
        f"prefix={root}\nincludedir={root}/include/valgrind\nlibdir={root}/lib\nvalt_load_address=0x58000000\n"
        f"Name: Valgrind\nDescription: a copy\nVersion: {made('VALGRIND_VERSION')}\nLibs:\nCflags:\n")
    return root


def take_away(root, pattern):
    found = list(root.glob(pattern))
    assert found
    for path in found:
        path.unlink()


MISSING = {
    "program": ("bin/valgrind", "the program valgrind is missing", "the package valgrind (Debian and Fedora)"),
    "pkgconfig": ("lib/pkgconfig/valgrind.pc", "there is no lib*/pkgconfig/valgrind.pc", "valgrind-devel"),
    "headers": ("include/valgrind/pub_tool_*.h", "tool header pub_tool_basics.h cannot be used", "valgrind-tools-devel"),
    "header": ("include/valgrind/pub_tool_machine.h", "tool header pub_tool_machine.h", "valgrind-tools-devel"),
    "core": ("lib/valgrind/libcoregrind-amd64-linux.a", "library libcoregrind-amd64-linux.a is not in",
             "valgrind-tools-devel"),
    "vex": ("lib/valgrind/libvex-amd64-linux.a", "library libvex-amd64-linux.a is not in", "valgrind-tools-devel"),
    "tools": ("lib*/valgrind/none-amd64-linux", "no folder holds none-amd64-linux", "(Debian and Fedora)"),
}


@pytest.mark.parametrize("what", MISSING)
def test_missing_piece_of_valgrind(tmp_path, prefix, what):
    """One message says what is missing, and names the packages of Debian and Fedora."""
    pattern, sentence, packages = MISSING[what]
    take_away(prefix, pattern)
    run = configure(tmp_path, f"--with-valgrind={prefix}")
    errors = [line for line in run.stderr.splitlines() if line.startswith("configure: error: ")]
    assert run.returncode != 0 and len(errors) == 1, run.stdout + run.stderr
    assert sentence in errors[0] and packages in errors[0] and "(Debian" in errors[0]


def test_core_that_lacks_a_function(tmp_path, prefix):
    """The features that need it are off, and configure goes on."""
    library = prefix / "lib/valgrind/libcoregrind-amd64-linux.a"
    content = library.read_bytes()
    for name in (b"vgPlain_stack_limits\0", b"vgPlain_is_action_requested\0"):
        assert name in content
        content = content.replace(name, name.replace(b"a", b"x"))
    # The core's own calls go to the new names, too.
    library.unlink()
    library.write_bytes(content.replace(b"vgPlxin", b"vgPlain"))
    run = configure(tmp_path, f"--with-valgrind={prefix}")
    assert run.returncode == 0, run.stderr
    off = dict(re.findall(r"^ +core feature OFF +(\w+): (.*)$", run.stdout, re.MULTILINE))
    assert off["unwind"] == "the core lacks vgPlain_stack_limits"
    assert off["suppressions"] == "the core lacks vgPlain_is_action_requested"


def test_without_what_only_the_tests_need(tmp_path):
    """configure does not warn of it: a line each says what is left out, and make check what to install."""
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\nfor word; do case $word in -lcmocka|-ljansson) exit 1;; esac; done\nexec gcc \"$@\"\n")
    compiler.chmod(0o755)
    build = tmp_path / "build"
    build.mkdir()
    run = configure(build, f"CC={compiler}", "PYTHON=/bin/false", CMOCKA_LIBS="",
                    PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert run.returncode == 0, run.stderr
    text = run.stdout + run.stderr
    assert "WARNING" not in text and "will fail" not in text and "NOT BUILT" not in text
    assert re.search(r"unit tests +left out, without jansson \(only make check needs it\)", text)
    makefile = (build / "Makefile").read_text()
    assert re.search(r"^PM_UNIT_TESTS_MISSING = jansson is missing: install the package libjansson-dev", makefile, re.M)


def test_fresh_debian_without_root(tmp_path):
    """Who is not root and has no sudo gets one sentence, which names the packages."""
    for name in "sh", "dirname":
        (tmp_path / name).symlink_to(shutil.which(name))
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    run = subprocess.run([SOURCE / "tests/fresh-debian", "example"], env={"PATH": str(tmp_path)}, cwd=tmp_path,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert run.returncode == 1 and run.stdout == ""
    assert re.fullmatch(r"tests/fresh-debian: these packages are needed, and only root can install them \(there is no sudo"
                        r" here\): .*valgrind.*\n", run.stderr), run.stderr


def beyond_the_tool_api(headers):
    """The symbols of the table that Valgrind's headers for tools do not declare."""
    table = (SOURCE / "pymemcheck/tool/core/pm_core_table.h").read_text()
    declared = "\n".join(path.read_text() for path in headers.glob("pub_tool_*.h"))
    names = set(re.findall(r"\bvg(?:Plain|ModuleLocal)_\w+", table))
    return sorted(name for name in names
                  if not re.search(rf"VG_ ?\( ?{name.partition('_')[2]} ?\)", declared))


def test_core_that_lacks_everything(tool, tmp_path, prefix, release_python):
    """With another name for each of those symbols, the build links and the tool runs."""
    renamed = beyond_the_tool_api(prefix / "include/valgrind")
    assert len(renamed) > 15
    vex = ["cprop_BB", "do_deadcode_BB", "sanityCheckIRSB"]
    for library, names in [("coregrind", renamed), ("vex", vex)]:
        path = prefix / f"lib/valgrind/lib{library}-amd64-linux.a"
        original = path.resolve()
        path.unlink()
        subprocess.run(["objcopy", *[f"--redefine-sym={name}=other_{name}" for name in names], original, path],
                       check=True)
    folder = tmp_path / "build"
    folder.mkdir()
    run = configure(folder, f"--with-valgrind={prefix}", VALGRIND=made("VALGRIND"))
    assert run.returncode == 0, run.stderr
    off = set(re.findall(r"^ +core feature OFF +(\w+):", run.stdout, re.MULTILINE))
    assert {"unwind", "lines", "passes", "open", "suppressions", "sanity"} <= off
    subprocess.run(["make", "-s", "-C", folder], stdout=subprocess.DEVNULL, check=True)
    run = tool.run_native(folder / "pymemcheck-in-place", f"--pymemcheck-out-file={tmp_path}/out",
                          release_python.path, "-S", "-c", "kept = [bytearray(1000)]")
    assert heap_totals(run.stderr).allocs > 5000


def test_old_valgrind_and_wrong_prefixes(tmp_path, prefix):
    pc = prefix / "lib/pkgconfig/valgrind.pc"
    pc.write_text(re.sub("Version: .*", "Version: 3.18.1", pc.read_text()))
    assert "Valgrind 3.18.1 is too old, 3.19 is the first" in configure(tmp_path, f"--with-valgrind={prefix}").stderr
    assert "needs an absolute path" in configure(tmp_path, "--with-valgrind=here").stderr
    assert "valgrind-devel" in configure(tmp_path, "--with-valgrind=/no/such/folder").stderr
    nothing = configure(tmp_path, PKG_CONFIG_LIBDIR="/no/such/folder", PKG_CONFIG_PATH="")
    assert "pkg-config does not find valgrind.pc: install the package valgrind (Debian)" in nothing.stderr


def test_install_run_uninstall(tool, tmp_path, release_python):
    """`valgrind --tool=pymemcheck` needs only the files that make install puts into Valgrind's folder. make uninstall
    removes them all."""
    root = tmp_path / "root"
    make = ["make", "-s", "-C", str(BUILD), f"DESTDIR={root}"]
    subprocess.run([*make, "install"], stdout=subprocess.DEVNULL, check=True)
    ours = root / made("PM_TOOL_DIR").lstrip("/")
    names = {path.name for path in ours.iterdir()}
    assert names == {"pymemcheck-amd64-linux", "vgpreload_pymemcheck-amd64-linux.so", "pymemcheck.supp"}
    # Programs find the header as they find Valgrind's.
    (tmp_path / "user.c").write_text("#include <valgrind/pymemcheck.h>\nint main(void) { return PYMEMCHECK_VERSION() != 0; }\n")
    subprocess.run(["gcc", "-I", str(root / made("includedir").lstrip("/").replace("${prefix}", made("prefix")).lstrip("/")),
                    "-I", str(pathlib.Path(made("VALGRIND_CPPFLAGS").split()[1]).parent), "-o", str(tmp_path / "user"),
                    str(tmp_path / "user.c")], check=True)
    # A folder like Valgrind's own after the installation. VALGRIND_LIB names it, since the launcher looks in one folder.
    folder = tmp_path / "tools"
    folder.mkdir()
    for path in [*pathlib.Path(made("VALGRIND_TOOL_DIR")).iterdir(), *ours.iterdir()]:
        (folder / path.name).unlink(missing_ok=True)
        (folder / path.name).symlink_to(path)
    run = tool.run_native(made("VALGRIND"), "--tool=pymemcheck", f"--pymemcheck-out-file={tmp_path}/out",
                          release_python.path, "-S", "-c", "kept = [bytearray(1000)]",
                          env={"VALGRIND_LIB": str(folder)})
    assert heap_totals(run.stderr).allocs > 5000
    assert "Python malloc byte distributions by Python file and line" in run.stderr
    assert (tmp_path / "out").exists()
    subprocess.run([*make, "uninstall"], stdout=subprocess.DEVNULL, check=True)
    assert [path for path in root.rglob("*") if not path.is_dir()] == []
