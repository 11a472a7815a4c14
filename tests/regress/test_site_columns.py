# SPDX-License-Identifier: GPL-2.0-or-later
"""The columns thread and domain of sites in the JSON file."""
import json

from pmtest import PACKAGE, PROGRAMS, compile_program

CODES = {1: "libc", 2: "raw", 3: "mem", 4: "object"}


def sites_with(run):
    """(site, its thread, its domain) of each site."""
    columns = run.profile.json["sites"]
    return list(zip(run.profile.sites, columns["thread"], columns["domain"]))


def test_domains_of_an_extension(tool, python, tmp_path):
    """An extension asks each interface, which leaves no frame of its own in a release build."""
    compile_program(tmp_path / f"pm_domains{python.suffix}", PROGRAMS / "domains" / "pm_domains.c", "-O2", "-shared",
                    "-fPIC", "-fno-optimize-sibling-calls", f"-I{python.include}")
    code = "import pm_domains\n" + "".join(f"pm_domains.pair({name!r}, {name!r})\n" for name in CODES.values())
    run = tool.run(python.path, "-S", "-c", code, env={"PYTHONPATH": str(tmp_path)})
    found = {}
    for site, _, domain in sites_with(run):
        if site.has_native("pair") and any(frame.function.startswith("take") for frame in site.frames):
            found.setdefault(site.python[0].line - 2, set()).add(CODES.get(domain, domain))
    assert found == {number: {name} for number, name in enumerate(CODES.values())}


def test_domain_of_objects(tool, python):
    """Objects are of the object domain; where the interpreter's own calls were inlined it is not known, but never
    another one."""
    run = tool.run(python.path, "-S", "-c", "class C: pass\nkeep = [C() for i in range(1000)]")
    domains = {domain for site, _, domain in sites_with(run)
               if site.has_native("PyType_GenericAlloc") and site.python and site.python[0].line == 2}
    assert domains == {4} or (not domains and python.version >= (3, 12))


def test_domain_of_new(tool, programs):
    run = tool.run(programs["operators"])
    made = {domain for site, _, domain in sites_with(run) if site.frames[0].function.startswith("operator new")}
    assert made == {5}


def test_threads(tool, python):
    """A site of one thread has its number, and one of several 0."""
    code = ("import threading\ndef both():\n    return [bytes(5000) for i in range(10)]\n"
            "def only():\n    return [bytes(7000) for i in range(10)]\nkept = []\n"
            "def work(number):\n    kept.append(both())\n    if number == 2: kept.append(only())\n"
            "for number in (2, 3):\n    t = threading.Thread(target=work, args=(number,))\n    t.start()\n    t.join()\n"
            "mine = bytes(9000)\n")
    run = tool.run(python.path, "-S", "-c", code)
    by_line = {}
    for site, thread, _ in sites_with(run):
        if site.python and site.python[0].file == "<string>" and site.total_bytes / max(site.total_blocks, 1) >= 5000:
            by_line.setdefault(site.python[0].line, set()).add(thread)
    assert by_line == {3: {0}, 5: {2}, 14: {1}}


def test_domains_in_a_file_that_the_program_asks_for(tool, python, tmp_path):
    """They are those of the file at the end, and snapshots have them: the items of lists are of the domain mem."""
    path = tmp_path / "asked.json"
    code = f"""
import sys
sys.path.insert(0, {str(PACKAGE)!r})
from pymemcheck import DOMAINS, tracing, write_profile
keep = [[i] * 50 for i in range(1000)]
write_profile({str(path)!r})
print(sum(trace.domain == DOMAINS.index("mem") for trace in tracing.take_snapshot().traces if trace.traceback[0].lineno == 5))
"""
    run = tool.run(python.path, "-S", "-c", code)
    asked, end = json.loads(path.read_text())["sites"], run.profile.json["sites"]
    at_end = dict(zip(end["first"], end["domain"]))
    both = [(domain, at_end[first]) for first, domain in zip(asked["first"], asked["domain"]) if first in at_end and first]
    assert len(both) > 1000 and all(here == there for here, there in both)
    items = {domain for site, _, domain in sites_with(run) if site.python and site.python[0].line == 5 and site.live_blocks
             and CODES.get(domain) == "mem"}
    assert any(here for here, _ in both) and int(run.stdout) >= (1000 if items else 0)
