# SPDX-License-Identifier: GPL-2.0-or-later
"""--xml=yes, compared with the protocol (Valgrind's docs/internals/xml-output-protocol4.txt),
written here as one rule for each element, and with the JSON profile of the same run."""
import os
import re
import xml.etree.ElementTree as ElementTree

import pytest

from pmtest import PROGRAMS, compile_program, needs_core

# The children of each element in order: a regular expression over their names, each
# followed by a blank. Other elements hold text only.
FRAME = "(frame )+"
CONTENT = {
    "valgrindoutput": "protocolversion protocoltool preamble pid ppid tool (logfilequalifier )*(usercomment )?"
                      "args status (errorcounts |error |clientmsg )*status (errorcounts |error )*(conclusion )?(errorcounts )?suppcounts "
                      "(error_summary )?",      # from Valgrind 3.27 on
    "preamble": "(line )*",
    "conclusion": "(text )+",               # ours
    "logfilequalifier": "var value ",
    "args": "vargv argv ",
    "vargv": "exe (arg )*",
    "argv": "exe (arg )*",
    "status": "state time ",
    "errorcounts": "(pair )*",
    "suppcounts": "(pair )*",
    "error_summary": "errors error_contexts suppressed suppressed_contexts ",
    "pair": "count (unique |name )",
    "error": "unique tid (threadname )?kind (what |xwhat )(what |xwhat )?stack (auxwhat |xauxwhat |stack )*(suppression )?",
    "xwhat": "text leakedbytes leakedblocks ",
    "stack": FRAME,
    "frame": "ip (obj )?(fn )?(dir )?(file )?(line )?",
    "suppression": "sname skind (skaux )?(sframe )+rawtext ",
    "sframe": "(obj |fun |pyfun )",         # pyfun is ours
    "clientmsg": "tid (threadname )?text (stack )?",
}
NUMBERS = {"protocolversion", "pid", "ppid", "tid", "line", "count", "leakedbytes", "leakedblocks"}
HEX = {"ip", "unique"}
KINDS = {"InvalidFree", "MismatchedFree", "Leak_DefinitelyLost", "Leak_IndirectlyLost", "Leak_PossiblyLost",
         "Leak_StillReachable", "Leak_GarbageCycle", "Leak_SurplusReferences", "Leak_Interpreter"}


def check(element, parent=""):
    """Checks an element and everything in it against the rules."""
    children = "".join(child.tag + " " for child in element)
    if element.tag in CONTENT and not (element.tag == "line" and parent == "preamble"):
        assert re.fullmatch(CONTENT[element.tag], children), f"<{element.tag}> holds {children}"
        assert not (element.text or "").strip(), f"text in <{element.tag}>: {element.text!r}"
    else:
        assert not children, f"<{element.tag}> holds {children}"
        text = element.text or ""
        if element.tag in NUMBERS and parent != "preamble":
            assert re.fullmatch(r"\d+", text), (element.tag, text)
        if element.tag in HEX:
            assert re.fullmatch(r"0x[0-9a-fA-F]{1,16}", text), (element.tag, text)
        if element.tag == "kind":
            assert text in KINDS
    for child in element:
        assert not (child.tail or "").strip()
        check(child, element.tag)


def read(run):
    path, = run.directory.glob("xml.*")
    root = ElementTree.fromstring(path.read_bytes())
    check(root)
    assert root.find("protocoltool").text == "pymemcheck"
    return root


def run_xml(tool, *command, options=(), **rest):
    directory = tool.new_directory()
    run = tool.run(*command, options=["--xml=yes", f"--xml-file={directory}/xml.%p", *options], **rest)
    path = directory / f"xml.{run.pid}"
    path.rename(run.directory / path.name)
    return run, read(run)


def test_rules_refuse():
    """The rules find mistakes."""
    good = "<error><unique>0x1</unique><tid>1</tid><kind>InvalidFree</kind><what>x</what>" \
           "<stack><frame><ip>0x0</ip><fn>f</fn></frame></stack></error>"
    check(ElementTree.fromstring(good))
    for old, new in (("0x1", "1"), ("InvalidFree", "Free"), ("<tid>1</tid>", ""), ("<stack>", "text<stack>"),
                     ("<ip>0x0</ip>", ""), ("<fn>f</fn>", "<line>1</line><fn>f</fn>"), ("<what>x</what>", "")):
        with pytest.raises(AssertionError):
            check(ElementTree.fromstring(good.replace(old, new)))


@needs_core("suppressions")
def test_wrong_frees(tool, tmp_path):
    program = compile_program(tmp_path / "wrong_frees", PROGRAMS / "wrong_frees.cpp", "-O1", "-fno-inline")
    run, root = run_xml(tool, program, "all", options=["--gen-suppressions=all"])
    assert run.stdout == "done\n"
    text = tool.run(program, "all").log
    errors = root.findall("error")
    assert len(errors) == int(re.search(r"from (\d+) contexts", text)[1]) > 20
    for kind, words in (("InvalidFree", "Invalid free()"), ("MismatchedFree", "Mismatched free()")):
        assert len(root.findall(f"error[kind='{kind}']")) == text.count("== " + words + " / ")
    counts = {pair.find("unique").text: int(pair.find("count").text) for pair in root.findall("errorcounts/pair")}
    assert counts.keys() == {error.find("unique").text for error in errors}
    assert sum(counts.values()) == int(re.search(r"SUMMARY: (\d+) errors", text)[1])
    twice = next(error for error in errors if "free already" in error.find("what").text)
    stacks = twice.findall("stack")
    assert [stack.find("frame/fn").text for stack in stacks] == ["free", "malloc"]
    frame = stacks[0].findall("frame")[-1]
    assert (frame.find("fn").text, frame.find("file").text) == ("main", "wrong_frees.cpp")
    assert frame.find("dir").text == str(PROGRAMS) and int(frame.find("line").text) > 50
    assert int(frame.find("ip").text, 16) > 0x1000
    raw = "".join(error.find("suppression/rawtext").text for error in errors)
    path = tool.new_directory() / "all.supp"
    path.write_text(raw.strip().replace("\n\n", "\n") + "\n")
    _, root = run_xml(tool, program, "all", options=[f"--suppressions={path}", "-s"])
    assert root.findall("error") == []


ODD = """\
import ctypes
libc = ctypes.CDLL(None)
libc.calloc.restype = ctypes.c_void_p
source = "def lose():\\n    for _ in range(3): libc.calloc(1, 3000)\\nlose()\\n"
for name in ("plain.py", "a<b>&c]]>\\"'.py", "\\x01\\x1b\\n\\ufffe\\udc80\\ud800\\u202e.py", "\\U0001f40d/snake", ""):
    exec(compile(source, name, "exec"))
"""


@needs_core("suppressions")
def test_losses(tool, python, tmp_path):
    """Loss records read back from XML equal those of the JSON profile, with Python frames in place. XML stays
    well-formed whatever names hold."""
    script = tmp_path / "odd.py"
    script.write_text(ODD)
    run, root = run_xml(tool, python.path, "-S", script, options=["--gen-suppressions=all", "--show-leak-kinds=definite,possible,surplus,cycle"])
    names = {"definite": "Leak_DefinitelyLost", "possible": "Leak_PossiblyLost", "surplus": "Leak_SurplusReferences",
             "cycle": "Leak_GarbageCycle"}
    expected = [(names[record["kind"]], record["bytes"] + record["indirect_bytes"], record["blocks"])
                for record in run.profile.json["leaks"]["records"]
                if record["kind"] in names and not record["suppressed"]]
    found = [(error.find("kind").text, int(error.find("xwhat/leakedbytes").text),
              int(error.find("xwhat/leakedblocks").text)) for error in root.findall("error")]
    assert found == expected and len(found) >= 5
    lost = [error for error in root.findall("error") if any(frame.findtext("fn") == "lose" for frame in error.iter("frame"))]
    files = set()
    for error in lost:
        frames = error.find("stack").findall("frame")
        assert frames[0].find("fn").text in ("calloc", "malloc")
        at = next(index for index, frame in enumerate(frames) if frame.findtext("fn") == "lose")
        assert frames[at].findtext("line") == "2" and frames[at + 1].findtext("fn") == "<module>"
        assert frames[at].findtext("ip") == "0x0"
        assert frames[at].findtext("obj") == next(frame.findtext("obj") for frame in frames[:at] if frame.findtext("fn")
                                                  == "_PyEval_EvalFrameDefault")
        assert int(frames[0].findtext("ip"), 16) != 0
        files.add((frames[at].findtext("dir"), frames[at].findtext("file")))
    assert {(None, "plain.py"), (None, "a<b>&c]]>\"'.py"), ("\U0001f40d", "snake")} <= files
    assert any("\\x01\\x1b\\n" in (name or "") for _, name in files)
    assert "<module> (" not in run.log.partition("LEAK SUMMARY")[2]


def first_source_reference(error, folder):
    """As ValgrindCI (ValgrindCI/parse.py) finds the place of an error: the first frame with an <obj> whose file is in
    folder. Frames without an <obj> do not exist for it."""
    for frame in error.find("stack").findall("frame"):
        directory, file = frame.findtext("dir"), frame.findtext("file")
        if frame.find("obj") is not None and directory is not None and file is not None:
            path = os.path.join(directory, file)
            if os.path.isabs(path) and os.path.commonpath([folder, path]) == folder:
                return os.path.relpath(path, folder), int(frame.findtext("line"))
    return None


def test_reader_that_wants_objects(tool, python, tmp_path):
    """A reader that passes over frames without an object still finds the Python line of each leak."""
    script = tmp_path / "job.py"
    script.write_text("import ctypes\nlibc = ctypes.CDLL(None)\nlibc.calloc.restype = ctypes.c_void_p\n"
                      "libc.calloc(1, 5000)\ndef work():\n    libc.calloc(2, 600)\nwork()\n")
    _, root = run_xml(tool, python.path, "-S", script, options=["--show-leak-kinds=definite"])
    found = {first_source_reference(error, str(tmp_path)) for error in root.findall("error")}
    assert {("job.py", 4), ("job.py", 6)} <= found


def test_conclusion(tool, python, tmp_path):
    """The lines of the log's conclusion are in the XML and the JSON file too."""
    script = tmp_path / "job.py"
    script.write_text("import ctypes\nlibc = ctypes.CDLL(None)\nlibc.calloc.restype = ctypes.c_void_p\n"
                      "libc.calloc(1, 50000)\n")
    run, root = run_xml(tool, python.path, "-S", script)
    after = re.search(r"CONCLUSION:\n(.*)", re.sub(r"^==\d+== ?", "", run.log, flags=re.MULTILINE), re.DOTALL)[1]
    lines = [line.strip() for line in after.partition("\n\n")[0].split("\n")]
    assert "50,000 bytes in 1 blocks definitely lost: job.py:4 (<module>)" in lines
    assert [text.text for text in root.findall("conclusion/text")] == lines
    assert run.profile.json["conclusion"] == lines and list(run.profile.json)[2] == "conclusion"


def test_suppcounts(tool, tmp_path):
    program = compile_program(tmp_path / "wrong_frees", PROGRAMS / "wrong_frees.cpp", "-O1", "-fno-inline")
    path = tmp_path / "one.supp"
    path.write_text("{\n one <&> name\n pymemcheck:Free\n fun:free\n ...\n fun:main\n}\n")
    _, root = run_xml(tool, program, "twice", "in_a_loop", options=[f"--suppressions={path}", "-s"])
    assert root.findall("error") == []
    pair, = root.findall("suppcounts/pair")
    assert (pair.findtext("name"), pair.findtext("count")) == ("one <&> name", "6")
