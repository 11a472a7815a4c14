# SPDX-License-Identifier: GPL-2.0-or-later
"""Control of the tool while the program runs: phases, snapshots, profiles, what is recorded, what points at an object.
Outside the tool all do nothing."""
import collections
import contextlib

from . import client_requests
from .client_requests import event_log, snapshot, write_profile, why_not

__all__ = ["event_log", "not_recorded", "phase", "referrers", "snapshot", "under_tool", "watch", "why_not", "write_profile"]

# A pointer to an object. holder: "block", "register", "stack" or "data". is_reference: whether the leak search counts it;
# use: why (not). type, field: of the object that the holding block is, or belongs to; "" if it is none. place: the same in
# words, or the register, variable or stack. frames: where the holding block was allocated, ((file, line, function), ...),
# innermost first. address: of the pointer itself; 0 for registers.
Referrer = collections.namedtuple("Referrer", "holder is_reference use type field place address")


def under_tool():
    """Whether this process runs under the tool. why_not() says why it does not."""
    return client_requests.available()


@contextlib.contextmanager
def phase(name):
    """A part of the run with a name. Phases may be in each other; a thread ends its own."""
    client_requests.phase_begin(name)
    try:
        yield
    finally:
        client_requests.phase_end(name)


@contextlib.contextmanager
def not_recorded():
    """What this thread allocates meanwhile is counted, but belongs to no line, and is in no record."""
    client_requests.recording(False)
    try:
        yield
    finally:
        client_requests.recording(True)


def watch(obj):
    """From now on every change of obj's reference count is recorded, with the stack that made it; the report has the balance:
    who took references and did not give them back. Needs the tool's option --watch-refs=asked; RequestError without it, and
    if obj is immortal."""
    client_requests.watch(id(obj))


def _number(text):
    return int(text, 16) if isinstance(text, str) else text


def _referrer(pointer):
    block = pointer.get("block") or {}
    owner = block.get("object") or {}
    field, kind = block.get("field", ""), owner.get("type", "")
    place = pointer.get("place", "")
    if block:
        place = "%s of %s" % (field, kind) if field and kind else kind or "a block of %d bytes" % block.get("bytes", 0)
    return Referrer(pointer["holder"], pointer["reference"], pointer["use"], kind, field,
                    pointer.get("register", place) or place, _number(pointer.get("where", 0)))


def referrers(obj, references=True):
    """What points at an object, in all of the process's memory: a list of Referrer. Native owners, variables and stacks of
    C code are in it, which gc.get_referrers does not see. references: only pointers that the leak search counts; else all.
    Empty outside the tool."""
    answer = client_requests.who_points_at(id(obj))
    if answer is None:
        return []
    found = [_referrer(pointer) for pointer in answer["pointers"]]
    return [each for each in found if each.is_reference or not references]
