# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck suppress: entries that the tool itself takes, each for its own record; and entries that are stale."""
import pytest

import pack
from pymemcheck import Profile
from pymemcheck.suppressions import SuppressionError, entry_for, read_suppressions

LEAKS = ("definite", "cycle", "surplus", "deficit", "possible")


def shown(run, name="losses"):
    return [loss for loss in getattr(run.profile, name) if loss.kind in LEAKS and not loss.suppressed]


def test_the_tool_takes_all_entries(job, leaking, command, tmp_path):
    """With them, it finds nothing, and says that they were used."""
    path = tmp_path / "all.supp"
    command("suppress", job.profile.path, "-o", path)
    assert shown(job) and shown(job, "losses_before")
    run = leaking(tmp_path / "again", options=("--suppressions=%s" % path, "-v"))
    assert shown(run) == [] and shown(run, "losses_before") == []
    assert "unused_suppression: " not in "\n".join(line for line in run.log.splitlines() if str(path) in line)


def test_one_record(job, leaking, command, tmp_path):
    """The chosen record is suppressed, and no other."""
    loss = next(loss for loss in shown(job) if loss.types and loss.types[0][0] == "list")
    path = tmp_path / "one.supp"
    command("suppress", job.profile.path, loss.json["fingerprint"][:9], "-o", path)
    text = path.read_text()
    assert text.count("{") == 1 and "pytype:list" in text and "pyfun:job.lose_lists" in text and "/" not in text
    run = leaking(tmp_path / "again", options=("--suppressions=%s" % path,))
    kept = {other.json["fingerprint"] for other in shown(job)} - {loss.json["fingerprint"]}
    assert {other.json["fingerprint"] for other in shown(run)} == kept != set()


BODIES = ["fun:malloc", "...\n   fun:lose_*", "...\n   obj:*/pm_leaky*.so", "...\n   pyfun:ob.lose_memory",
          "...\n   pyfun:job.lose_memory\n   pyfun:<module>", "...\n   pyfile:ob.py", "...\n   src:pm_leaky.c:10\n   ...\n   pyfile:job.py",
          "pytype:Config", "match-leak-kinds: possible\n   ...\n   fun:lose_*", "match-leak-kinds: surplus,definite\n   pytype:*"]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: " ".join(body.split()))
def test_matching_is_the_tools(job, leaking, tmp_path, body):
    """Which records an entry suppresses: ours and the tool's answers are the same."""
    path = tmp_path / "entry.supp"
    path.write_text("{\n   entry\n   pymemcheck:Leak\n   %s\n}\n" % body)
    entry, = read_suppressions(path)
    run = leaking(tmp_path / "run", options=("--suppressions=%s" % path, "--default-suppressions=no"))
    profile = Profile.load(run.profile.path)
    for records in (profile.leaks, profile.leaks_before):
        for record in records:
            if record.kind in LEAKS:
                assert record.suppressed == bool(entry.matches(record)), (body, record)


def test_stale_entries(job, command, tmp_path):
    path = tmp_path / "mixed.supp"
    command("suppress", job.profile.path, "-o", path)
    used = path.read_text()
    assert command("suppress", job.profile.path, "--stale", path) == ""
    path.write_text("# A comment\n{\n   gone since spring\n   pymemcheck:Leak\n   ...\n   pyfun:no_such_function\n}\n" + used
                    + "{\n   of another tool\n   Memcheck:Cond\n   fun:nonsense:1\n}\n")
    text = command("suppress", job.profile.path, "--stale", path, status=1)
    assert text == "%s:3: gone since spring\n" % path


def test_suppressed_records_make_an_entry_needed(job, leaking, command, tmp_path):
    """In a profile made with the suppressions, the records are there, as suppressed."""
    path = tmp_path / "all.supp"
    command("suppress", job.profile.path, "-o", path)
    run = leaking(tmp_path / "again", options=("--suppressions=%s" % path,))
    assert command("suppress", run.profile.path, "--stale", path) == ""
    assert command("suppress", run.profile.path) == ""


def test_wrong_records(job, command, tmp_path):
    assert "no leak record" in command.complaint("suppress", job.profile.path, "0123456789abcdef")
    assert "no leak record" in command.complaint("suppress", job.profile.path, "nonsense")
    data = pack.sample()
    data["leaks"] = None
    assert "no leak search" in command.complaint("suppress", pack.write(tmp_path, data))


@pytest.mark.parametrize("text, problem", [
    ("x", 'expected "{"'), ("{\n name\n pymemcheck:Leak\n", 'expected "}"'), ("{\n name\n nonsense\n}", "tools and a kind"),
    ("{\n name\n pymemcheck:Cond\n fun:x\n}", "pymemcheck:Leak or"), ("{\n n\n pymemcheck:Leak\n ...\n}", "at least one line"),
    ("{\n n\n pymemcheck:Leak\n func:x\n}", "starts with"), ("{\n n\n pymemcheck:Leak\n src:x:y\n}", "line number"),
    ("{\n n\n pymemcheck:Leak\n match-leak-kinds: x\n fun:y\n}", "expected some of")])
def test_broken_suppression_files(job, command, tmp_path, text, problem):
    path = tmp_path / "broken.supp"
    path.write_text(text)
    message = command.complaint("suppress", job.profile.path, "--stale", path)
    assert problem in message and "%s:" % path in message
    with pytest.raises(SuppressionError):
        read_suppressions(path)


def test_hostile_names_stay_one_entry(tmp_path):
    """What would end a line is a ? in the pattern, and the entry still matches its record."""
    data = pack.sample()
    data["strings"][10] = "f\n}\n{ "
    data["strings"].append(" a\x1btype\n")
    data["leaks"]["records"][0].update(types=[[len(data["strings"]) - 1, 29]], stack=2)
    profile = Profile.load(pack.write(tmp_path, data))
    path = tmp_path / "hostile.supp"
    path.write_text(entry_for(profile.leaks[0]), encoding="utf-8")
    entry, = read_suppressions(path)
    assert entry.matches(profile.leaks[0])
