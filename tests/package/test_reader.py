# SPDX-License-Identifier: GPL-2.0-or-later
"""The reader of profiles: real files are read as the tool wrote them, and whatever is no profile ends in one line."""
import subprocess
import sys

import pytest

import pack
from pymemcheck import Profile, ProfileError


@pytest.fixture(scope="module")
def real(tool, release_python):
    return tool.run(release_python.path, "-c", "kept = [str(i) for i in range(1000)]").profile


def test_real_profile(real):
    """Against the JSON itself, read by the tests' own reader."""
    profile = Profile.load(real.path)
    assert len(profile.sites) == len(real.sites)
    assert profile.totals == real.totals and profile.troubles == real.troubles
    for site, other in zip(profile.iterate_sites(), real.sites):
        assert (site.total_bytes, site.live_blocks, site.peak_bytes) == (
            other.total_bytes, other.live_blocks, other.peak_bytes)
        assert dict(profile.sites.sizes(site.number)) == other.sizes
        assert [(f.kind, f.function, f.file, f.line, f.object, f.flags) for f in profile.stack(site.stack)] == [
            tuple(f) for f in other.frames]
    assert [(r.kind, r.bytes, r.types, r.note, r.chain, r.expression) for r in profile.leaks] == [
        (loss.kind, loss.bytes, tuple(loss.types), loss.note, tuple(loss.chain), loss.expression) for loss in real.losses]
    for key in ("chain_blocks", "expression_lines", "references", "pointers", "overcounted_blocks"):
        assert [getattr(record, key) for record in profile.leaks] == [loss.json[key] for loss in real.losses]
    assert profile.leaks_before is None


def test_version_1(tmp_path):
    data = pack.sample()
    data["version"] = 1
    data["totals"]["moved_blocks"] = data["totals"].pop("reused_blocks") + 5
    assert Profile.load(pack.write(tmp_path, data)).totals["reused_blocks"] == 5


def test_keys_that_older_files_lack(tmp_path):
    data = pack.sample()
    del data["run"]["end_stack"]
    for key in ("chain_blocks", "expression", "expression_lines", "references", "pointers", "overcounted_blocks"):
        del data["leaks"]["records"][0][key]
    profile = Profile.load(pack.write(tmp_path, data))
    record = profile.leaks[0]
    assert (record.chain_blocks, record.expression, record.expression_lines) == (record.blocks, "", 0)
    assert (record.references, record.pointers, record.overcounted_blocks, profile.run["end_stack"]) == (0, 0, 0, 0)


def test_names_that_are_not_utf_8(tmp_path):
    profile = Profile.load(pack.write(tmp_path, pack.sample()))
    assert profile.strings[12] == "/home/me/caf\udce9.py"
    assert profile.exact_bytes[profile.strings[12]] == b"/home/me/caf\xed\xb3\xa9.py"


# What is changed in the sample, and the place and the problem that the message names.
def change(data, path, value):
    for step in path[:-1]:
        data = data[step]
    if value is DELETE:
        del data[path[-1]]
    else:
        data[path[-1]] = value


DELETE = object()
CONTRADICTIONS = [
    (("format",), "massif", "", "no profile of pymemcheck"),
    (("version",), 3, "version", "newer than this program"),
    (("version",), 0, "version", "no version 0"),
    (("version",), True, "version", "whole number"),
    (("run",), DELETE, "run", "missing"),
    (("run", "command"), "python3", "run.command", "a list"),
    (("run", "command", 0), 5, "run.command[0]", "a text"),
    (("run", "pid"), "x", "run.pid", "whole number"),
    (("run", "exit_code"), [], "run.exit_code", "whole number"),
    (("totals", "allocs"), 34, "totals.allocs", "total_blocks of all sites is 33"),
    (("totals", "bytes"), 1, "totals.bytes", "is 18300"),
    (("totals", "live_bytes"), 1, "totals.live_bytes", "is 16031"),
    (("totals", "frees"), -1, "totals.frees", "not between 0"),
    (("troubles",), [], "troubles", "a dict"),
    (("strings", 0), "x", "strings[0]", "empty text"),
    (("strings", 3), None, "strings[3]", "a text"),
    (("strings_hex", "99"), "00", "strings_hex.99", "no such text"),
    (("strings_hex", "12"), "zz", "strings_hex.12", "hexadecimal"),
    (("strings_hex", "12"), 7, "strings_hex.12", "a text"),
    (("frames", 1, "function"), 14, "frames[1].function", "between 0 and 13"),
    (("frames", 1, "file"), -1, "frames[1].file", "between 0 and 13"),
    (("frames", 2), 5, "frames[2]", "a dict"),
    (("frames", 2, "kind"), "perl", "frames[2].kind", "native, python, note"),
    (("frames", 2, "flags"), ["x"], "frames[2].flags", "allocator"),
    (("frames", 2, "flags"), [["x"]], "frames[2].flags", "allocator"),
    (("frames", 2, "offset"), "12", "frames[2].offset", "hexadecimal"),
    (("frames", 2, "offset"), "0x" + "1" * 17, "frames[2].offset", "hexadecimal"),
    (("frames", 2, "line"), 1.5, "frames[2].line", "whole number"),
    (("frames", 2, "line"), DELETE, "frames[2].line", "missing"),
    (("stacks", "back", 0), 1, "stacks.back[0]", "null"),
    (("stacks", "back", 3), 4, "stacks.back[3]", "before the first stack"),
    (("stacks", "back", 3), 0, "stacks.back[3]", "between 1"),          # its own caller: a cycle
    (("stacks", "back", 3), -1, "stacks.back[3]", "between 1"),         # a later one: a cycle
    (("stacks", "back", 3), None, "stacks.back[3]", "whole number"),
    (("stacks", "frame", 3), 8, "stacks.frame[3]", "between 0 and 7"),
    (("frames",), [], "stacks.frame[1]", "there are no frames"),
    (("stacks", "frame"), [None], "stacks", "back has 9 items"),
    (("stacks", "back"), [], "stacks", "back has 0 items"),
    (("sites", "stack", 0), 9, "sites.stack[0]", "between 0 and 8"),
    (("sites", "stack", 0), True, "sites.stack[0]", "whole number"),
    (("sites", "live_blocks", 1), -3, "sites.live_blocks[1]", "-3 is not between 0"),
    (("sites", "live_blocks", 1), 2 ** 63, "sites.live_blocks[1]", "between 0"),
    (("sites", "live_bytes"), [1], "sites.live_bytes", "has 1 items, sites.stack has 2"),
    (("sites", "live_bytes"), {}, "sites.live_bytes", "a list"),
    (("sites", "sizes"), [[]], "sites.sizes", "has 1 items"),
    (("sites", "sizes", 1), [[3, 4]], "sites.sizes[1]", "no power of two"),
    (("sites", "sizes", 1), [[1024, 0]], "sites.sizes[1]", "no count"),
    (("sites", "sizes", 1), [[1024]], "sites.sizes[1]", "[value, count]"),
    (("sites", "sizes", 1), [1024], "sites.sizes[1]", "[value, count]"),
    (("sites", "sizes", 1), 1024, "sites.sizes[1]", "a list"),
    (("sites", "sizes", 1), [[1024, 5]], "sites.sizes[1]", "do not add up to total_blocks, 4"),
    (("leaks",), [], "leaks", "a dict"),
    (("leaks",), DELETE, "leaks", "missing"),
    (("leaks", "summary", "cycle"), [1], "leaks.summary.cycle", "[bytes, blocks]"),
    (("leaks", "records", 0), None, "leaks.records[0]", "a dict"),
    (("leaks", "types", "stack", 0), 9, "leaks.types.stack[0]", "between 0 and 8"),
    (("leaks", "types", "type", 1), 99, "leaks.types.type[1]", "between 0 and 13"),
    (("leaks", "types", "bytes"), [16031], "leaks.types.bytes", "has 1 items, leaks.types.stack has 2"),
    (("leaks", "types", "blocks", 0), 4, "leaks.in_use", "33 blocks"),
    (("leaks", "types"), [], "leaks.types", "a dict"),
    (("leaks", "in_use"), None, "leaks.in_use", "a list"),
    (("leaks", "in_use", 0), 16030, "leaks.in_use", "has 16031 bytes"),
    (("leaks", "records", 0, "kind"), "x", "leaks.records[0].kind", "definite"),
    (("leaks", "records", 0, "stack"), 9, "leaks.records[0].stack", "between 0 and 8"),
    (("leaks", "records", 0, "blocks"), -1, "leaks.records[0].blocks", "between 0"),
    (("leaks", "records", 0, "types"), [[99, 1]], "leaks.records[0].types[0]", "place in strings"),
    (("leaks", "records", 0, "chain"), [99], "leaks.records[0].chain[0]", "between 0 and 13"),
    (("leaks", "records", 0, "fingerprint"), "<b>", "leaks.records[0].fingerprint", "hexadecimal"),
    (("leaks", "records", 0, "suppressed"), 0, "leaks.records[0].suppressed", "true or false"),
    (("leaks", "records", 0, "expression"), 14, "leaks.records[0].expression", "between 0 and 13"),
    (("leaks", "records", 0, "expression_lines"), 1, "leaks.records[0].expression_lines", "between 0 and 0"),
    (("leaks", "records", 0, "references"), -1, "leaks.records[0].references", "between 0"),
    (("leaks", "records", 0, "pointers"), None, "leaks.records[0].pointers", "whole number"),
    (("leaks", "records", 0, "overcounted_blocks"), "1", "leaks.records[0].overcounted_blocks", "whole number"),
    (("leaks", "records", 0, "chain_blocks"), 0.5, "leaks.records[0].chain_blocks", "whole number"),
    (("run", "end_stack"), 9, "run.end_stack", "between 0 and 8"),
    (("run", "end_stack"), None, "run.end_stack", "whole number"),
]


@pytest.mark.parametrize("path, value, place, problem", CONTRADICTIONS,
                         ids=["%s=%.20s" % (".".join(map(str, case[0])), case[1]) for case in CONTRADICTIONS])
def test_contradictions(tmp_path, path, value, place, problem):
    data = pack.sample()
    change(data, path, value)
    with pytest.raises(ProfileError) as caught:
        Profile.load(pack.write(tmp_path, data))
    assert caught.value.place == place and problem in caught.value.problem, str(caught.value)
    assert "\n" not in str(caught.value)


def refused(path):
    with pytest.raises(ProfileError) as caught:
        Profile.load(path)
    return str(caught.value)


def test_every_truncation(tmp_path):
    """Whatever is cut off the end of a profile, it is refused."""
    whole = pack.write(tmp_path, pack.sample()).read_bytes().rstrip()
    path = tmp_path / "cut"
    truncated = 0
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        message = refused(path)
        assert message.startswith(str(path)) and "\n" not in message
        truncated += "truncated" in message
    assert truncated > len(whole) // 7 / 2


@pytest.mark.parametrize("content, problem", [
    (b"", "is empty"), (b"  \n", "does not begin as JSON"), (b"\x7fELF\x02\x01", "does not begin as JSON"),
    (b"[1]", "does not begin as JSON"), (b"{}", "no profile of pymemcheck"),
    (b'{"a": "\xff"}', "byte 7: is not UTF-8"), (b'{"a": nonsense}', "line 1 column 7: is no JSON"),
    (b'{"format": "pymemcheck", "version": 2, "a": ' + b"[" * 200000, "nested too deeply"),
    (b'{"format": "pymemcheck", "version": 2, "run": ' + b"[" * 200000 + b"]" * 200000 + b"}", "nested too deeply"),
    (b'{"format": "pymemcheck", "version": NaN}', "whole number"),
    (b'{"format": "pymemcheck", "version": ' + b"9" * 100 + b"}", "version"),
    (b'{"format": "pymemcheck", "version": ' + b"9" * 10000 + b"}", ""),
], ids=range(12))
def test_foreign_files(tmp_path, content, problem):
    path = tmp_path / "file"
    path.write_bytes(content)
    message = refused(path)
    assert problem in message and message.startswith(str(path)) and "\n" not in message and len(message) < 400


@pytest.mark.parametrize("depth", [100, 900, 1500, 4000, 9000, 15000, 50000])
def test_nested(tmp_path, depth):
    """How deep json can read differs between Pythons. Whatever it reads is refused by its place, also where the text of the
    value would nest too deeply."""
    path = tmp_path / "file"
    path.write_bytes(b'{"format": "pymemcheck", "version": 2, "run": ' + b"[" * depth + b"]" * depth + b"}")
    message = refused(path)
    assert "nested too deeply" in message or "run: expected a dict, not [[" in message
    assert "\n" not in message and len(message) < 400


def test_files_that_cannot_be_read(tmp_path):
    assert "No such file" in refused(tmp_path / "none")
    assert "directory" in refused(tmp_path)
    assert "does not begin as JSON" in refused("/dev/zero")


@pytest.mark.parametrize("python", pack.PYTHONS, ids=pack.version_of)
def test_every_python_reads_it(tmp_path, python):
    """The package keeps to what its oldest Python has."""
    pack.write(tmp_path, pack.sample())
    code = "import sys; sys.path.insert(0, sys.argv[1]); from pymemcheck import Profile;" \
           "print(Profile.load(sys.argv[2]).leaks[0].fingerprint)"
    run = subprocess.run([python, "-c", code, str(pack.PACKAGE), str(tmp_path / "profile")], stdout=subprocess.PIPE,
                         check=True)
    assert run.stdout.decode().strip() == "5f3a90c1d2e4b687"


def test_memory_of_a_million_sites(tmp_path):
    """Below two gigabytes."""
    path = tmp_path / "million"
    subprocess.run([sys.executable, str(pack.BENCH / "make_profile.py"), "1000000", str(path)], check=True)
    code = "import resource, sys; sys.path.insert(0, sys.argv[1]); from pymemcheck import Profile;" \
           "print(len(Profile.load(sys.argv[2]).sites), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    run = subprocess.run([sys.executable, "-c", code, str(pack.PACKAGE), str(path)], stdout=subprocess.PIPE, check=True)
    sites, kilobytes = map(int, run.stdout.split())
    assert sites == 1000000 and kilobytes < 2 * 1024 * 1024
    path.unlink()
