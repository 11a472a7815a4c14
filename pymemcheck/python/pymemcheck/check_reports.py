# SPDX-License-Identifier: GPL-2.0-or-later
"""What a check found, as JUnit, SARIF 2.1.0 and markdown."""
import json
import os
import re
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from . import __version__
from .labels import Labels, harmless
from .record_words import KIND_TEXTS, chain_lines, counted, headline, identity, times, types_lines

HELP = {
    "definite": "Nothing points to these blocks any more: nobody can free them.",
    "cycle": "Objects that only point to each other, and that the garbage collector cannot free.",
    "surplus": "The object has a higher reference count than there are pointers to it: a Py_DECREF was forgotten.",
    "deficit": "The object has a lower reference count than it has owners, or it points to memory that was freed: there is"
               " a Py_DECREF too many, or a borrowed reference was given away.",
    "possible": "Only a pointer into the middle of these blocks leads to them.",
    "indirect": "Only a lost block points to these.",
    "interpreter": "Lost, but kept by the interpreter and not by the program.",
    "reachable": "A chain of pointers still leads to these blocks.",
}
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _xml(text):
    """As XML 1.0 may have it: names are harmless already, but texts of our own may have anything."""
    return _NOT_XML.sub("?", text)


def _attribute(text):
    return quoteattr(_xml(text))


class Reports:
    """current: check.Current; growth: (old, new, failed) of the bytes in use, or None."""

    def __init__(self, current, findings, growth, failed, source_root, kinds):
        self.current, self.findings, self.growth, self.failed = current, findings, growth, failed
        self.kinds = kinds
        self._root = os.path.realpath(source_root)
        self._labels = Labels()

    def _details(self, finding):
        """A record as in the text report, with whole paths."""
        record = finding.record
        lines = [headline(record)]
        lines += ["   " + line for line in types_lines(record)]
        for frame in record.frames:
            lines.append("   by " + self._labels.frame(frame))
        lines += chain_lines(record)
        lines += ["   " + times(record), "   " + identity(record)]
        return "\n".join(lines)

    # --- JUnit ---

    def junit(self):
        """A test case for each leak of this run, and one for the growth of the memory in use."""
        cases = []
        for finding in self.findings:
            record = finding.record
            if record is None:
                continue
            name = "%s, %s, fingerprint %s" % (finding.what, KIND_TEXTS[record.kind], record.fingerprint)
            inner = ""
            if finding.failed:
                inner = "<failure message=%s type=%s>%s</failure>" % (
                    _attribute("%s leak: %s" % (finding.state, headline(record))), _attribute(finding.state),
                    escape(_xml(self._details(finding))))
            cases.append((finding.failed, '  <testcase classname=%s name=%s time="0">%s</testcase>' % (
                _attribute("pymemcheck." + finding.where), _attribute(name), inner)))
        if self.growth:
            old, new, failed = self.growth
            inner = ""
            if failed:
                inner = "<failure message=%s type=\"growth\"/>" % _attribute(
                    "%s bytes in use at the end, before %s" % (format(new, ","), format(old, ",")))
            cases.append((failed, '  <testcase classname="pymemcheck" name="memory in use at the end" time="0">%s'
                                  '</testcase>' % inner))
        if not cases:
            cases.append((False, '  <testcase classname="pymemcheck" name="no leaks" time="0"></testcase>'))
        counts = 'tests="%d" failures="%d" errors="0"' % (len(cases), sum(failed for failed, _ in cases))
        return ('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="pymemcheck" %s time="0">\n'
                ' <testsuite name="pymemcheck" %s skipped="0" time="0">\n%s\n </testsuite>\n</testsuites>\n' % (
                    counts, counts, "\n".join(case for _, case in cases)))

    # --- SARIF ---

    def _artifact(self, path):
        """A file by its place under the root if it is there, else by its whole name; None for <string> and such."""
        if not path or path.startswith("<"):
            return None
        real = os.path.realpath(path)
        if os.path.isabs(path) and (real + os.sep).startswith(self._root.rstrip(os.sep) + os.sep):
            return {"uri": quote(os.path.relpath(real, self._root).encode("utf-8", "surrogateescape")),
                    "uriBaseId": "%SRCROOT%"}
        if os.path.isabs(path):
            return {"uri": "file://" + quote(path.encode("utf-8", "surrogateescape"))}
        return {"uri": quote(path.encode("utf-8", "surrogateescape"))}

    def _location(self, frame):
        location = {"logicalLocations": [{"fullyQualifiedName": self._labels.place(frame, True)}]}
        artifact = self._artifact(frame.file)
        if artifact:
            location["physicalLocation"] = {"artifactLocation": artifact}
            if frame.line:
                location["physicalLocation"]["region"] = {"startLine": frame.line}
        return location

    def _result(self, finding):
        record, old = finding.record, finding.known
        fingerprint, kind = (record or old).fingerprint, (record or old).kind
        result = {
            "ruleId": "leak/" + kind,
            "level": "error" if finding.failed else "note",
            "message": {"text": "%s: %s at %s" % (
                headline(record) if record else KIND_TEXTS[kind] + ", no longer found", finding.what, finding.where)},
            "partialFingerprints": {"pymemcheckLeak/v1": fingerprint},
            "baselineState": {"new": "new", "grown": "updated", "shrunk": "updated", "known": "unchanged",
                              "gone": "absent"}[finding.state],
        }
        if record is None:
            return result
        first = next((frame for frame in record.frames if frame.kind == "python"), None) \
            or next((frame for frame in record.frames if frame.kind == "native" and "allocator" not in frame.flags), None)
        if first is not None:
            result["locations"] = [self._location(first)]
        if record.frames:
            result["stacks"] = [{"message": {"text": "allocated at"}, "frames": [
                {"location": self._location(frame)} for frame in record.frames if frame.kind != "note"]}]
        result["properties"] = {"bytes": record.bytes + record.indirect_bytes, "blocks": record.blocks,
                                "surplusReferences": record.surplus_references,
                                "types": [harmless(name) for name, _ in record.types]}
        return result

    def sarif(self):
        rules = [{"id": "leak/" + kind, "name": "Leak" + kind.capitalize(),
                  "shortDescription": {"text": KIND_TEXTS[kind][0].upper() + KIND_TEXTS[kind][1:]},
                  "fullDescription": {"text": HELP[kind]},
                  "defaultConfiguration": {"level": "error"}} for kind in HELP]
        run = {
            "tool": {"driver": {"name": "pymemcheck", "version": __version__, "semanticVersion": __version__,
                                "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {"%SRCROOT%": {"uri": "file://" + quote(self._root.rstrip("/")) + "/"}},
            "results": [self._result(finding) for finding in self.findings],
        }
        return json.dumps({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
                           "runs": [run]}, indent=1, ensure_ascii=False) + "\n"

    # --- Markdown ---

    def markdown(self):
        lines = ["# pymemcheck: %s" % ("FAILED" if self.failed else "passed"), ""]
        count = {state: [f for f in self.findings if f.state == state] for state in ("new", "grown", "known", "shrunk", "gone")}
        lines.append("%d new, %d grown, %d known, %d gone; %s." % (
            len(count["new"]), len(count["grown"]), len(count["known"]) + len(count["shrunk"]), len(count["gone"]),
            counted(len(self.current.names), "profile")))
        if self.growth:
            old, new, failed = self.growth
            lines.append("")
            lines.append("Memory in use at the end: %s bytes, %s%s." % (
                format(new, ","), format(new - old, "+,"), " (**too much**)" if failed else ""))
        for state, title in (("new", "New"), ("grown", "Grown"), ("gone", "Gone"), ("known", "Known")):
            found = count[state] + (count["shrunk"] if state == "known" else [])
            if not found:
                continue
            lines += ["", "## " + title, "", "| bytes | blocks | kind | what | where | fingerprint |",
                      "|---:|---:|---|---|---|---|"]
            lines += [self._row(finding) for finding in found]
        for finding in self.findings:
            if finding.failed:
                lines += ["", "<details><summary>%s</summary>" % _html(headline(finding.record)), "", "<pre>",
                          _html(self._details(finding)), "</pre>", "</details>"]
        return "\n".join(lines) + "\n"

    @staticmethod
    def _row(finding):
        known, record = finding.known, finding.record
        size, blocks = (record.bytes + record.indirect_bytes, record.blocks) if record else (known.bytes, known.blocks)
        change = lambda new, old: "%s (%s)" % (format(new, ","), format(new - old, "+,")) if finding.state in (
            "grown", "shrunk") else format(new, ",")
        return "| %s | %s | %s | %s | %s | `%s` |" % (
            change(size, known.bytes if known else 0), change(blocks, known.blocks if known else 0),
            KIND_TEXTS[(record or known).kind], _cell(finding.what), _cell(finding.where), (record or known).fingerprint)


def _html(text):
    return escape(harmless_lines(text))


def harmless_lines(text):
    return "\n".join(map(harmless, text.split("\n")))


def _cell(text):
    """A name as markdown shows it and does nothing else with it."""
    return re.sub(r"([\\`*_{}\[\]<>()#+\-!|~&@])", lambda match: "&#%d;" % ord(match.group()), harmless(text))
