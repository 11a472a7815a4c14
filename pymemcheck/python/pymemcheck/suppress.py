# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck suppress FILE [RECORD...]
pymemcheck suppress FILE... --stale SUPPFILE

Writes suppressions (docs/suppressions.md) for leak records: all, or those of these fingerprints or beginnings of
fingerprints. With --stale: lists the entries of a suppression file that match no record of the profiles; the exit
status is then 1 if there are any."""
import re

from .arguments import UsageError, open_profile
from .grouping import leaks_of
from .labels import harmless
from .suppressions import SuppressionError, entry_for, read_suppressions
from .terminal import complain
from .writer import write_text

_FINGERPRINT = re.compile(r"[0-9a-f]{1,16}\Z")


def add_arguments(parser):
    parser.add_argument("profile", metavar="FILE")
    parser.add_argument("records", metavar="RECORD", nargs="*", help="a fingerprint or its beginning")
    parser.add_argument("--stale", metavar="SUPPFILE", help="find the entries of this file that match nothing")
    parser.add_argument("-o", "--output", metavar="OUT", default="-", help="where the entries go (standard output)")


def run(arguments, output):
    if arguments.stale is not None:
        return _stale(arguments, output)
    profile = open_profile(arguments.profile)
    chosen = _choose(profile, arguments.records)
    text, seen = [], set()
    for record in chosen:
        entry = entry_for(record)
        body = entry.split("\n", 2)[2]
        if body not in seen:        # several records of one function and type need one entry
            text.append(entry)
            seen.add(body)
    write_text(arguments.output, "".join(text))
    return 0


def _choose(profile, words):
    searches = [records for records in (leaks_of(profile), leaks_of(profile, before=True)) if records is not None]
    if not searches:
        raise UsageError("%s: the run made no leak search" % profile.path)
    records = []
    for record in (record for search in searches for record in search):
        if record.fingerprint not in {known.fingerprint for known in records}:
            records.append(record)
    if not words:
        return records
    chosen = []
    for word in words:
        word = word.strip("[]").lower()
        found = [record for record in records if record.fingerprint.startswith(word)] if _FINGERPRINT.match(word) else []
        if not found:
            raise UsageError("%s: no leak record has a fingerprint that begins with %s" % (profile.path, harmless(word)))
        if len(found) > 1 and not any(record.fingerprint == word for record in found):
            raise UsageError("%s: %d leak records have fingerprints that begin with %s" % (
                profile.path, len(found), word))
        chosen += [record for record in found if record.fingerprint == word] or found
    return chosen


def _stale(arguments, output):
    try:
        entries = read_suppressions(arguments.stale)
    except SuppressionError as error:
        raise UsageError(str(error)) from None
    records = []
    for name in [arguments.profile] + arguments.records:
        profile = open_profile(name)
        if profile.leaks is None and profile.leaks_before is None:
            raise UsageError("%s: the run made no leak search" % profile.path)
        records += (profile.leaks or []) + (profile.leaks_before or [])
    frees = [entry for entry in entries if entry.kind == "Free"]
    if frees:
        complain("note: %d of kind Free not judged: profiles have no wrong frees" % len(frees))
    stale = [entry for entry in entries if entry.kind == "Leak" and not any(map(entry.matches, records))]
    for entry in stale:
        output.put("%s:%d: %s" % (harmless(arguments.stale), entry.line, harmless(entry.name)))
    return 1 if stale else 0
