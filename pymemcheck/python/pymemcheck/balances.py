# SPDX-License-Identifier: GPL-2.0-or-later
"""Balances of watched objects (--watch-refs=, docs/watch-refs.md): who took references and did not give them back, or gave
back too many. The reader of this part of a profile, and what merging and printing need of it."""
import collections

from .checked import Wrong, brief, need, need_member, need_number, need_numbers, need_signed

# Where counts changed. change: above 0 references were taken. native, python: Frames or None. file, line: the source line of
# the native frame; "" and 0: not known. surplus: how much of the change was not undone.
Place = collections.namedtuple("Place", "change surplus stack owner native python file line")

# An owner with references left over. taken, given: in all. leaked_with, died_with: in how many objects of the balance, and in
# how many that died, it has such references. usual: the Place that these objects never came to, or None. places: a tuple.
Row = collections.namedtuple("Row", "owner role references taken given leaked_with died_with usual places")

# Of objects of one type that were born in one place. born: a stack. references, opening, unseen: may be negative.
# unbalanced, explained: tuples of Rows. balanced: (places, up, down). places: all Places (--watch-refs-all=yes), or None.
# deallocator: of classes, the Frame of the function that frees their instances, or None.
Balance = collections.namedtuple(
    "Balance", "too_few type born objects died references pointers opening unseen lost_changes held_by unbalanced explained"
               " balanced places deallocator")

# What was watched. others: a tuple of Balances of living objects that are in no loss record. all: --watch-refs-all=yes.
Watched = collections.namedtuple(
    "Watched", "objects gone immortal not_found changes unseen_changes lost_changes stacks others all")

ROLES = ("extension", "interpreter", "container")
_ROW_NUMBERS = ("references", "taken", "given", "leaked_with", "died_with")


class Reader:
    """Reads balances of a profile whose strings, frames and stacks are known. Raises Wrong."""

    def __init__(self, strings, frames, stack_count):
        self._strings, self._frames, self._last_stack = strings, frames, stack_count - 1

    def _text(self, parent, key, place):
        return self._strings[need_number(parent, key, place, len(self._strings) - 1)]

    def _frame(self, parent, key, place):
        if parent.get(key, 0) is None:
            return None
        number = need_number(parent, key, place)
        if number >= len(self._frames):
            raise Wrong("%s.%s" % (place, key), "there are only %d frames" % len(self._frames))
        return self._frames[number]

    def _list(self, parent, key, place, read):
        where = "%s.%s" % (place, key)
        return tuple(read(value, "%s[%d]" % (where, index))
                     for index, value in enumerate(need_member(parent, key, list, place)))

    def _place(self, data, where):
        need(data, dict, where)
        native = self._frame(data, "native", where)
        # Older files have the frame's own line only.
        file, line = (self._text(data, "file", where), need_number(data, "line", where)) if "file" in data else (
            (native.file, native.line) if native else ("", 0))
        change = need_signed(data, "change", where)
        surplus = need_number(data, "surplus", where) if "surplus" in data else abs(change)
        return Place(change, surplus, need_number(data, "stack", where, self._last_stack),
                     self._text(data, "owner", where), native, self._frame(data, "python", where), file, line)

    def _row(self, data, where):
        need(data, dict, where)
        role = need_member(data, "role", str, where)
        if role not in ROLES:
            raise Wrong(where + ".role", "expected one of %s, not %s" % (", ".join(ROLES), brief(role)))
        usual = None if data.get("usual", 0) is None else self._place(need_member(data, "usual", dict, where), where + ".usual")
        return Row(owner=self._text(data, "owner", where), role=role, usual=usual,
                   places=self._list(data, "places", where, self._place),
                   **{key: need_number(data, key, where) for key in _ROW_NUMBERS})

    def balance(self, data, where):
        """A balance, or None."""
        if data is None:
            return None
        need(data, dict, where)
        balanced = tuple(need_numbers(need_member(data, "balanced", list, where), where + ".balanced"))
        if len(balanced) != 3:
            raise Wrong(where + ".balanced", "expected [places, up, down]")
        return Balance(
            too_few=need_member(data, "too_few", bool, where), type=self._text(data, "type", where),
            born=need_number(data, "born", where, self._last_stack), held_by=self._text(data, "held_by", where),
            lost_changes=need_member(data, "lost_changes", bool, where), balanced=balanced,
            unbalanced=self._list(data, "unbalanced", where, self._row),
            explained=self._list(data, "explained", where, self._row),
            places=self._list(data, "places", where, self._place) if "places" in data else None,
            deallocator=self._frame(data, "deallocator", where) if "deallocator" in data else None,
            **{key: need_number(data, key, where) for key in ("objects", "died", "pointers")},
            **{key: need_signed(data, key, where) for key in ("references", "opening", "unseen")})

    def watched(self, data, where):
        """What was watched, or None."""
        if data is None:
            return None
        need(data, dict, where)
        return Watched(others=self._list(data, "others", where, self.balance), all="living" in data,
                       **{key: need_number(data, key, where) for key in Watched._fields[:8]})


# Balances of several processes as one

def renumber(balance, stacks):
    """The balance in a file whose stacks have other numbers: stacks[old] is the new one."""
    def place(found):
        return found and found._replace(stack=stacks[found.stack])

    def row(found):
        return found._replace(usual=place(found.usual), places=tuple(map(place, found.places)))
    return balance._replace(
        born=stacks[balance.born], unbalanced=tuple(map(row, balance.unbalanced)), explained=tuple(map(row, balance.explained)),
        places=None if balance.places is None else tuple(map(place, balance.places)))


def _merge_places(groups):
    """Places that look the same are one, as in the tool."""
    merged = {}
    for place in (place for group in groups for place in group):
        key = place._replace(change=place.change > 0, surplus=0, stack=0)
        known = merged.get(key)
        merged[key] = place if known is None else known._replace(change=known.change + place.change,
                                                                 surplus=known.surplus + place.surplus)
    return tuple(sorted(merged.values(), key=lambda place: (-place.surplus, -abs(place.change))))


def _merge_rows(groups):
    merged = collections.OrderedDict()
    for row in (row for group in groups for row in group):
        known = merged.get((row.owner, row.role))
        merged[row.owner, row.role] = row if known is None else known._replace(
            usual=known.usual or row.usual, places=_merge_places((known.places, row.places)),
            **{key: getattr(known, key) + getattr(row, key) for key in _ROW_NUMBERS})
    return tuple(merged.values())


def merge_balances(balances):
    """Balances of the same objects in several processes as one, or None if there are none. Rows are in the order of the first
    that has them. The number of balanced places is the largest, since they are mostly the same."""
    balances = [balance for balance in balances if balance is not None]
    if len(balances) < 2:
        return balances[0] if balances else None
    places = [balance.places for balance in balances]
    return balances[0]._replace(
        lost_changes=any(balance.lost_changes for balance in balances),
        held_by=next((balance.held_by for balance in balances if balance.held_by), ""),
        unbalanced=_merge_rows(balance.unbalanced for balance in balances),
        explained=_merge_rows(balance.explained for balance in balances),
        balanced=(max(balance.balanced[0] for balance in balances),) + tuple(
            sum(balance.balanced[index] for balance in balances) for index in (1, 2)),
        places=None if None in places else _merge_places(places),
        **{key: sum(getattr(balance, key) for balance in balances)
           for key in ("objects", "died", "references", "pointers", "opening", "unseen")})


def merge_watched(found):
    """What was watched in several processes, or None. found: Watched, whose stacks have the numbers of the merged file."""
    if not found:
        return None
    others = collections.OrderedDict()
    for balance in (balance for watched in found for balance in watched.others):
        others.setdefault((balance.too_few, balance.type, balance.born), []).append(balance)
    return Watched(others=tuple(map(merge_balances, others.values())), all=all(watched.all for watched in found),
                   **{key: sum(getattr(watched, key) for watched in found) for key in Watched._fields[:8]})


# For the file

class Writer:
    """Makes of balances what JSON can hold. place_of: text -> its place in strings; frame_of: Frame -> its place in frames."""

    def __init__(self, place_of, frame_of):
        self._place_of, self._frame_of = place_of, frame_of

    def _frame(self, frame):
        return None if frame is None else self._frame_of(frame)

    def _place(self, place):
        return place and {"change": place.change, "surplus": place.surplus, "stack": place.stack, "owner": self._place_of(place.owner),
                          "native": self._frame(place.native), "file": self._place_of(place.file), "line": place.line,
                          "python": self._frame(place.python)}

    def _row(self, row):
        return {"owner": self._place_of(row.owner), "role": row.role, **{key: getattr(row, key) for key in _ROW_NUMBERS},
                "usual": self._place(row.usual), "places": list(map(self._place, row.places))}

    def balance(self, balance):
        if balance is None:
            return None
        result = dict(balance._asdict(), type=self._place_of(balance.type), held_by=self._place_of(balance.held_by),
                      unbalanced=list(map(self._row, balance.unbalanced)), explained=list(map(self._row, balance.explained)),
                      balanced=list(balance.balanced), deallocator=self._frame(balance.deallocator))
        if balance.places is None:
            del result["places"]
        else:
            result["places"] = list(map(self._place, balance.places))
        return result

    def watched(self, watched):
        """The objects one by one, which are known by their addresses in one process, are not in it."""
        if watched is None:
            return None
        result = dict(watched._asdict(), others=list(map(self.balance, watched.others)))
        if result.pop("all"):
            result["living"] = []
        return result
