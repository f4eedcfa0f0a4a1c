"""What differs between two values of a plan, attribute by attribute."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tools.review.secrets import Hidden, Item, decimal_text, json_container
from tools.review.shapes import as_dict, as_text, is_same
from tools.review.statements import is_statement, normalised
from tools.review.text_edits import LONG, is_long

# By which the items of a list are told apart, if all of them have it and no two the same.
_NAMES = ("Sid", "sid", "id", "Id", "ID", "name", "Name", "key", "Key", "attribute_name", "index_name")
# Of their parts, how many two items without such a name must share to be one that changed.
_ALIKE = 0.5
_COMPARED = 2_500
# By so many of their first words long texts are compared.
_WORDS = 500
_WORD = re.compile(r"\w+")


class Missing:
    """The element that a list, or an object in a JSON text, does not have on one side."""


MISSING = Missing()
_NOTHING = Hidden(None)


@dataclass(frozen=True)
class Difference:
    """What an attribute was and would be; `note` says of two values that mean the same how they differ.

    A statement of an IAM policy is one difference as a whole, whatever in it differs. What is `in_json` is
    a part of a JSON text, where null is a value like any other: an attribute that is null is not set.
    `item` is the step to the item of a list that comes or goes, unless it tells itself.
    """

    path: tuple[object, ...]
    before: object
    after: object
    note: str = ""
    in_json: bool = False
    item: tuple[object, ...] = ()

    def is_undone_by(self, other: "Difference") -> bool:
        """Whether another one of the same attribute is the way back."""
        return (self.path, self.before, self.after) == (other.path, other.after, other.before)

    @property
    def comes(self) -> bool:
        """Whether there was nothing before."""
        return self._is_nothing(self.before)

    @property
    def goes(self) -> bool:
        """Whether there would be nothing after."""
        return self._is_nothing(self.after)

    def _is_nothing(self, value: object) -> bool:
        return value is MISSING or (value is None and not self.in_json)

    @property
    def is_unset(self) -> bool:
        """Whether an attribute that had the empty value of its type would not be set.

        Zero is one only in a block: of the resource itself it may be what decides.
        """
        is_empty = self.before != 0 or len(self.path) > 1
        return not self.in_json and is_empty and is_unset(self.after, self.before)


def differences(
    before: object,
    after: object,
    is_opaque: Callable[[str], bool],
    path: tuple[object, ...] = (),
    *,
    in_json: bool = False,
) -> Iterator[Difference]:
    """The differences in the order of the attributes' names; `is_opaque` tells which JSON to leave whole."""
    if isinstance(before, str) and _is_policy(after):
        # A policy of which a data source has told only a part so far.
        before = normalised(json_container(before)) if not is_opaque(before) else Hidden(before)
        if _canonical(before) == _canonical(after):
            yield Difference(path, before, after, "made anew at apply, the same as today")
    if isinstance(before, str) and isinstance(after, str) and before != after:
        yield from _text_differences(before, after, is_opaque, path, in_json=in_json)
    elif is_statement(before) and is_statement(after):
        if _canonical(before) != _canonical(after):
            yield Difference(path, before, after, in_json=in_json)
    elif isinstance(before, dict) and isinstance(after, dict):
        absent = MISSING if in_json else None
        for key in sorted(before.keys() | after.keys()):
            sides = before.get(key, absent), after.get(key, absent)
            yield from differences(*sides, is_opaque, (*path, key), in_json=in_json)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_differences(before, after, is_opaque, path, in_json=in_json)
    elif not _is_same(before, after):
        yield Difference(path, before, after, _of_marks(before, after), in_json=in_json)


def _is_same(one: object, other: object) -> bool:
    """As JSON; and nothing is no secret."""
    return is_same(*(None if value == _NOTHING else value for value in (one, other)))


def _of_marks(before: object, after: object) -> str:
    """What to say of a value that stays the same, with or without its mark as sensitive."""
    if isinstance(after, Hidden) and after == Hidden(before):
        return "the same value, now marked sensitive"
    if isinstance(before, Hidden) and before == Hidden(after):
        return "the same value, no longer marked sensitive"
    return ""


def _is_policy(value: object) -> bool:
    return isinstance(value, dict) and "Statement" in value


def is_unset(before: object, after: object) -> bool:
    """Whether a provider's read turned an attribute that is not set into the empty value of its type."""
    before, after = (value.value if isinstance(value, Hidden) else value for value in (before, after))
    return before is None and not isinstance(after, bool) and after in ({}, [], "", 0)


def _text_differences(
    before: str, after: str, is_opaque: Callable[[str], bool], path: tuple[object, ...], *, in_json: bool
) -> Iterator[Difference]:
    """Policies are JSON in a string; what changed is inside."""
    old, new = (normalised(json_container(text, keys_once=True)) for text in (before, after))
    if old is None or new is None or is_opaque(before) or is_opaque(after):
        yield Difference(path, before, after, in_json=in_json)
        return
    found = list(differences(old, new, is_opaque, path, in_json=True))
    yield from found or [Difference(path, before, after, "the same JSON, written in another way")]


def _list_differences(
    before: list[Any],
    after: list[Any],
    is_opaque: Callable[[str], bool],
    path: tuple[object, ...],
    *,
    in_json: bool,
) -> Iterator[Difference]:
    """Items are paired by a name or, without one, by what they have in common; their order is a note."""
    keys = [*map(_canonical, before)], [*map(_canonical, after)]
    removed, added = (
        [(place, side[place]) for place in places]
        for side, places in ((before, _alone(*keys)), (after, _alone(*keys[::-1])))
    )
    if note := _order_note(*keys):
        yield Difference(path, before, after, note)
    name = _common_name(before, after)
    for old, new in _pairs(removed, added, name, is_single=len(before) == len(after) == 1):
        removed.remove(old)
        added.remove(new)
        # One that gets another name, such as a single block, is shown by its place.
        same = name and old[1][name] == new[1][name]
        inside = (*path, Item(old[1][name]) if same else old[0])
        yield from differences(old[1], new[1], is_opaque, inside, in_json=in_json)
    for place, item in removed:
        yield Difference(path, item, MISSING, in_json=in_json, item=_step(item, name, place))
    for place, item in added:
        # Other places are those of before.
        step = _step(item, name, Item(f"new {place}") if before else place)
        yield Difference(path, MISSING, item, in_json=in_json, item=step)


Numbered = tuple[int, Any]


def _step(item: object, name: str, place: object) -> tuple[object, ...]:
    """To an item by its name or place, but for one that tells itself: a text, a number or a statement."""
    if is_statement(item) or not isinstance(item, dict | list):
        return ()
    return (Item(as_dict(item)[name]) if name else place,)


def _alone(keys: list[str], others: list[str]) -> list[int]:
    """The places of what has no equal of its own among the others."""
    equals = Counter(others)
    rest = []
    for place, key in enumerate(keys):
        if equals[key]:
            equals[key] -= 1
        else:
            rest.append(place)
    return rest


def _order_note(before: list[str], after: list[str]) -> str:
    """What to say when the items on both sides have another order."""
    common = Counter(before) & Counter(after)
    olds, news = ([key for key in side if common[key]] for side in (before, after))
    if olds == news or len(olds) != len(news):
        return ""
    everything = len(olds) == len(before) == len(after)
    return "the same items in another order" if everything else "what stays is in another order"


def _common_name(before: list[Any], after: list[Any]) -> str:
    """The attribute that tells all items apart, or nothing."""
    return next((name for name in _NAMES if _tells_apart(name, before) and _tells_apart(name, after)), "")


def _tells_apart(name: str, items: list[Any]) -> bool:
    values = [as_text(as_dict(item).get(name)) for item in items]
    return all(values) and len(set(values)) == len(values)


def _pairs(
    removed: list[Numbered], added: list[Numbered], name: str, *, is_single: bool
) -> list[tuple[Numbered, Numbered]]:
    """Of the items that differ, those that are one item before and after, by their place before."""
    pairs: list[tuple[Numbered, Numbered]] = []
    olds, news = ([item for item in side if _kind(item[1])] for side in (removed, added))

    def take(old: Numbered, new: Numbered) -> None:
        pairs.append((old, new))
        olds.remove(old)
        news.remove(new)

    if name:
        by_name = {item[1][name]: item for item in news}
        for old in [old for old in olds if old[1][name] in by_name]:
            take(old, by_name[old[1][name]])
    if len(olds) * len(news) <= _COMPARED:
        for old, new in _by_likeness(olds, news):
            if old in olds and new in news:
                take(old, new)
    places = {new[0]: new for new in news}
    for old in list(olds):
        same = places.get(old[0])
        if (
            same
            and _kind(old[1]) is _kind(same[1])
            and (is_single or (not name and _is_long(old[1]) and _is_long(same[1])))
        ):
            take(old, same)
    return sorted(pairs, key=lambda pair: pair[0][0])


def _kind(value: object) -> type | None:
    """The type of an item that can be one that changed: a block, a list or a long text."""
    if isinstance(value, str) and is_long(value):
        return str
    return next((kind for kind in (dict, list) if isinstance(value, kind)), None)


def _is_long(item: object) -> bool:
    """Whether an item is too long for one line."""
    return len(_canonical(item)) > LONG


def _by_likeness(olds: list[Numbered], news: list[Numbered]) -> list[tuple[Numbered, Numbered]]:
    """The pairs that have enough in common, those with the most first."""
    parts = {id(item): Counter(_parts(item[1])) for item in olds + news}
    found = [
        (_likeness(parts[id(old)], parts[id(new)]), -abs(old[0] - new[0]), old, new)
        for old in olds
        for new in news
        if _kind(old[1]) is _kind(new[1])
    ]
    found.sort(key=lambda entry: entry[:2], reverse=True)
    return [(old, new) for alike, _, old, new in found if alike >= _ALIKE]


def _likeness(some: Counter[tuple[object, ...]], others: Counter[tuple[object, ...]]) -> float:
    return 2 * (some & others).total() / max(1, some.total() + others.total())


def _parts(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _parts(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from _parts(item, path)
    elif isinstance(value, str) and is_long(value):
        yield from ((*path, word) for word in _WORD.findall(value)[:_WORDS])
    elif value is not None:
        yield (*path, _canonical(value))


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        # A whole number equals one without a point.
        text = decimal_text(value)
        return int(text) if text.removeprefix("-").isdigit() else ["number", text]
    return [type(value).__name__, value.value if isinstance(value, Hidden) else None]
