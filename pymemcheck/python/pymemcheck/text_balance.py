# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines of a balance of watched objects, as the tool's own report has them (pymemcheck/report/pm_text_balance.c)."""
from .labels import harmless
from .record_words import counted

SHOWN_ROWS, SHOWN_LINES, SHOWN_EXPLAINED, SHOWN_OTHERS = 5, 3, 3, 10
_AMOUNT_WIDTH, _PLACE_WIDTH = 12, 36


def heading(balance):
    return "given back and never taken" if balance.too_few else "taken and never given back"


def source_text(labels, file, line):
    """Behind a C function: " (lib.c:44)", or "" if the line is not known."""
    return " (%s:%d)" % (labels.object(file), line) if line else ""


def native_text(labels, place):
    """The C function of a place, with its source line: lib.so`keep+0x1f (lib.c:44)."""
    if place.native is None:
        return "the interpreter" if place.python else "???"
    return labels.frame(place.native) + source_text(labels, place.file, place.line)


def python_text(labels, place, full=False):
    """The line of Python that was running, or ""."""
    return labels.place(place.python, full) if place.python else ""


def shown_places(row, most=None):
    """What a row is told by: a list of (Place, references, whether they were taken there), the largest first, and the other
    Places. most: how many places to show, and only such as were not undone if there are any; None: all."""
    shown = [(row.usual, row.references, row.usual.change < 0)] if row.usual else []
    rest = []
    for index, place in enumerate(row.places):
        undone = place.surplus == 0 and row.places[0].surplus > 0
        if most is not None and (index >= most or undone):
            rest.append(place)
        else:
            shown.append((place, row.references if len(row.places) == 1 else abs(place.change), place.change > 0))
    return shown, rest


def evidence(balance, row):
    """How sure it is that a row is the culprit."""
    text = "in %s of %s %s" % (format(row.leaked_with, ","), format(balance.objects, ","),
                               "over-released" if balance.too_few else "leaked")
    if balance.died:
        text += " and %s of %s freed" % (format(row.died_with, ","), format(balance.died, ","))
    text += " object" if balance.objects == 1 and not balance.died else " objects"
    if row.usual:
        text += "; the others were given back or taken there"
    if row.taken and row.given:
        text += "; it took %s and gave back %s" % (format(row.taken, ","), format(row.given, ","))
    return text


NOTHING_TO_COMPARE = "no object born at this line was freed, so there is nothing to compare with"


def uncertainties(balance):
    """What is not known, as sentences."""
    result = []
    if balance.opening > 0:
        result.append("taken before the watch began: %s" % format(balance.opening, ","))
    if balance.unseen:
        result.append("some changes were made in a way that cannot be seen; the balance is not exact")
    if balance.lost_changes:
        result.append("there was no room for all places of these objects; the balance is not exact")
    return result


def balanced_text(balance):
    """What is in order, or ""."""
    places, up, down = balance.balanced
    return "balanced (taken and given back by functions that belong together): %s, %s up, %s down" % (
        counted(places, "place"), format(up, ","), format(down, ",")) if places else ""


class BalanceText:
    """Writes balances to a function that takes lines. full: whole paths of Python files."""

    def __init__(self, labels, put, full=False):
        self._labels, self._put, self._full = labels, put, full

    def _place(self, place, amount, up, end=""):
        text = native_text(self._labels, place)
        if place.python:
            text += " " * (_PLACE_WIDTH - len(text) if len(text) < _PLACE_WIDTH else 2)
            text += python_text(self._labels, place, self._full)
        self._put("%s  %s%s" % (("%s%s" % ("+" if up else "-", format(amount, ","))).rjust(_AMOUNT_WIDTH), text, end))

    def _row(self, balance, row, whole):
        shown, rest = shown_places(row, None if whole else SHOWN_LINES)
        for place, amount, up in shown:
            self._place(place, amount, up)
        if rest:
            self._put("%12s  at %s of the same function" % (
                format(sum(abs(place.change) for place in rest), ","), counted(len(rest), "other place")))
        self._put(" " * 15 + evidence(balance, row))

    def _rows(self, balance, whole):
        rows = balance.unbalanced
        if not rows:
            return
        self._put("   %s:" % heading(balance))
        shown = rows if whole else rows[:SHOWN_ROWS]
        for row in shown:
            self._row(balance, row, whole)
        if len(rows) > len(shown):
            self._put("       and %s; --watch-refs-all=yes shows them" % counted(len(rows) - len(shown), "other function"))
        if not balance.died:
            self._put("      (%s)" % NOTHING_TO_COMPARE)

    def _explained(self, balance, whole):
        rows = balance.explained
        if not rows:
            return
        self._put("   explained by pointers that were found:")
        shown = rows if whole else rows[:SHOWN_EXPLAINED]
        for index, row in enumerate(shown):
            if row.places:
                self._place(row.places[0], row.references, row.places[0].change > 0,
                            "      held by " + harmless(balance.held_by) if balance.held_by and index == 0 else "")
        if len(rows) > len(shown):
            self._put("       and %s; --watch-refs-all=yes shows them" % counted(len(rows) - len(shown), "other function"))

    def balance(self, balance):
        """What stands under a record."""
        whole = balance.places is not None
        if balance.deallocator:
            frame = balance.deallocator
            self._put("   instances have a reference to their class; it is for this function to give it back: "
                      + self._labels.frame(frame) + source_text(self._labels, frame.file, frame.line))
        self._rows(balance, whole)
        self._explained(balance, whole)
        in_order = balanced_text(balance)
        if in_order:
            self._put("   %s%s" % (in_order, "" if whole else "; --watch-refs-all=yes shows them"))
        if whole:
            self._put("   all places, by owner of the references:")
            for place in balance.places:
                self._place(place, abs(place.change), place.change > 0, "  " + harmless(place.owner))
        for sentence in uncertainties(balance):
            self._put("   " + sentence)

    def watched(self, profile):
        """The section of what was watched, with the balances of objects in no record; nothing if nothing was watched."""
        watched, put = profile.watched, self._put
        if watched is None:
            return
        put("Watched objects (--watch-refs):")
        put("   %s, %s of them gone, %s of counts at %s" % (
            counted(watched.objects, "object"), format(watched.gone, ","), counted(watched.changes, "change"),
            counted(watched.stacks, "stack")))
        for value, noun, words in (
                (watched.unseen_changes, "change", "%s more made in a way that cannot be seen"),
                (watched.lost_changes, "change", "no room for the stacks of %s: the limit of memory was reached, and balances of"
                                                 " these objects are not exact"),
                (watched.immortal, "object", "%s immortal: the count does not change"),
                (watched.not_found, "name", "%s of object: not found")):
            if value:
                put("   " + words % counted(value, noun))
        put("")
        shown = watched.others if watched.all else watched.others[:SHOWN_OTHERS]
        for balance in shown:
            self._other(profile, balance)
        if len(watched.others) > len(shown):
            put("... and %s; --watch-refs-all=yes shows them" % counted(len(watched.others) - len(shown), "other birth line"))
            put("")

    def _other(self, profile, balance):
        frame = next((frame for frame in profile.stack(balance.born) if frame.kind == "python"), None)
        self._put("%s to %s x %s in no loss record%s" % (
            counted(max(balance.references, 0), "reference"), format(balance.objects, ","), harmless(balance.type),
            ", born at %s:%s" % (self._labels.file(frame.file, self._full), self._labels.line(frame.line)) if frame else ""))
        self.balance(balance)
        self._put("")
