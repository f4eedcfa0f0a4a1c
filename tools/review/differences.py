"""What differs between two values of a plan, attribute by attribute."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tools.review.secrets import Hidden, Item, decimal_text, json_container
from tools.review.shapes import as_dict, as_text
from tools.review.statements import is_statement, normalised

# By which the items of a list are told apart, if all of them have it and no two the same.
_NAMES = ("Sid", "sid", "id", "Id", "ID", "name", "Name", "key", "Key", "attribute_name", "index_name")
# Of their parts, how many two items without such a name must share to be one that changed.
_ALIKE = 0.5
_COMPARED = 2_500


class Missing:
    """The element that a list does not have on one side."""


MISSING = Missing()


@dataclass(frozen=True)
class Difference:
    """What an attribute was and would be; `note` says of two values that mean the same how they differ.

    A statement of an IAM policy is one difference as a whole, whatever in it differs.
    """

    path: tuple[object, ...]
    before: object
    after: object
    note: str = ""


def differences(
    before: object, after: object, is_opaque: Callable[[str], bool], path: tuple[object, ...] = ()
) -> Iterator[Difference]:
    """The differences in the order of the attributes' names; `is_opaque` tells which JSON to leave whole."""
    if isinstance(before, str) and _is_policy(after):
        # A policy of which a data source has told only a part so far.
        before = normalised(json_container(before)) if not is_opaque(before) else Hidden(before)
        if _canonical(before) == _canonical(after):
            yield Difference(path, before, after, "made anew at apply, the same as today")
    if isinstance(before, str) and isinstance(after, str) and before != after:
        yield from _text_differences(before, after, is_opaque, path)
    elif is_statement(before) and is_statement(after):
        if before != after:
            yield Difference(path, before, after)
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from differences(before.get(key), after.get(key), is_opaque, (*path, key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_differences(before, after, is_opaque, path)
    elif type(before) is not type(after) or before != after:
        yield Difference(path, before, after)


def _is_policy(value: object) -> bool:
    return isinstance(value, dict) and "Statement" in value


def is_unset(before: object, after: object) -> bool:
    """Whether a provider's read turned an attribute that is not set into the empty value of its type."""
    before, after = (value.value if isinstance(value, Hidden) else value for value in (before, after))
    return before is None and not isinstance(after, bool) and after in ({}, [], "", 0)


def _text_differences(
    before: str, after: str, is_opaque: Callable[[str], bool], path: tuple[object, ...]
) -> Iterator[Difference]:
    """Policies are JSON in a string; what changed is inside."""
    inside = normalised(json_container(before)), normalised(json_container(after))
    if None in inside or is_opaque(before) or is_opaque(after):
        yield Difference(path, before, after)
        return
    found = list(differences(*inside, is_opaque, path))
    yield from found or [Difference(path, before, after, "the same but for its form: white space or order")]


def _list_differences(
    before: list[Any], after: list[Any], is_opaque: Callable[[str], bool], path: tuple[object, ...]
) -> Iterator[Difference]:
    """Items are paired by a name or, without one, by what they have in common; their order is no matter."""
    removed, added = _without(before, after), _without(after, before)
    if before != after and not removed and not added:
        yield Difference(path, before, after, "the same items in another order")
    name = _common_name(before, after)
    alone = len(before) == len(after) == 1 and isinstance(before[0], dict) and isinstance(after[0], dict)
    for old, new in list(zip(removed, added, strict=True)) if alone else _pairs(removed, added, name):
        removed.remove(old)
        added.remove(new)
        # One that gets another name, such as a single block, is shown by its place.
        step = Item(old[1][name]) if name and old[1][name] == new[1][name] else old[0]
        yield from differences(old[1], new[1], is_opaque, (*path, step))
    yield from (Difference(path, item, MISSING) for _, item in removed)
    yield from (Difference(path, MISSING, item) for _, item in added)


Numbered = tuple[int, Any]


def _without(items: list[Any], others: list[Any]) -> list[Numbered]:
    """The items that have no equal of their own among the others, with their places."""
    equals = Counter(map(_canonical, others))
    rest = []
    for place, item in enumerate(items):
        key = _canonical(item)
        if equals[key]:
            equals[key] -= 1
        else:
            rest.append((place, item))
    return rest


def _common_name(before: list[Any], after: list[Any]) -> str:
    """The attribute that tells all items apart, or nothing."""
    return next((name for name in _NAMES if _tells_apart(name, before) and _tells_apart(name, after)), "")


def _tells_apart(name: str, items: list[Any]) -> bool:
    values = [as_text(as_dict(item).get(name)) for item in items]
    return all(values) and len(set(values)) == len(values)


def _pairs(removed: list[Numbered], added: list[Numbered], name: str) -> list[tuple[Numbered, Numbered]]:
    """Of the items that differ, those that are one item before and after."""
    pairs = []
    olds, news = ([item for item in side if isinstance(item[1], dict)] for side in (removed, added))
    if name:
        by_name = {item[1][name]: item for item in news}
        pairs = [(old, by_name[old[1][name]]) for old in olds if old[1][name] in by_name]
        olds, news = (
            [old for old in olds if old[1][name] not in by_name],
            [new for new in news if new not in [pair[1] for pair in pairs]],
        )
    if len(olds) * len(news) > _COMPARED:
        return pairs
    parts = {id(item): Counter(_parts(item[1])) for item in olds + news}
    likeness = sorted(
        ((_likeness(parts[id(old)], parts[id(new)]), old, new) for old in olds for new in news),
        key=lambda entry: -entry[0],
    )
    for alike, old, new in likeness:
        if alike >= _ALIKE and old in olds and new in news:
            pairs.append((old, new))
            olds.remove(old)
            news.remove(new)
    return pairs


def _likeness(some: Counter[tuple[object, ...]], others: Counter[tuple[object, ...]]) -> float:
    return 2 * (some & others).total() / max(1, some.total() + others.total())


def _parts(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _parts(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from _parts(item, path)
    elif value is not None:
        yield (*path, _canonical(value))


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        # A whole number equals one without a point.
        text = decimal_text(value)
        return int(text) if text.removeprefix("-").isdigit() else text
    return [type(value).__name__, value.value if isinstance(value, Hidden) else None]
