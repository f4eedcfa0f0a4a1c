"""What changed between two images of an item, attribute by attribute, and how a value is shown to people.

Whatever an order contains, what is shown has no control characters, no line breaks and no more than a bounded
number of characters.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from tools.audit.record import canonical

# Characters of a text, and of a set, list or map, that are shown of a longer one.
SHOWN_TEXT: Final = 40
SHOWN_COLLECTION: Final = 72

_KEYS = ("orderId", "timestamp")

_BARE = re.compile(r"[^\W\d][\w.:@/+-]*")
_WORDS = ("true", "false", "null", "absent")

Image = Mapping[str, Any]
Attribute = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An attribute that was added (`before` is None), removed (`after` is None) or changed, in typed JSON."""

    path: str
    before: Attribute | None
    after: Attribute | None


def differences(old: Image | None, new: Image | None) -> list[Difference]:
    """What has to be done to `old` to get `new`, in the order of names; None is no item.

    Maps and lists are compared inside. The item's keys count only when both images have them and they differ.
    """
    before, after = old or {}, new or {}
    ignored = () if old and new else _KEYS
    # The status comes first, since that is what one looks for.
    names = sorted(before.keys() | after.keys(), key=lambda name: (name != "status", name))
    return [
        difference
        for name in names
        if name not in ignored
        for difference in _compare(_name(name), before.get(name), after.get(name))
    ]


def status(image: Image | None) -> str | None:
    """The order's status as it is shown; None without an item or a status."""
    value = (image or {}).get("status")
    return None if value is None else shown(value)


def described(difference: Difference) -> str:
    """A difference as people read it: `status PAID → PACKED`, `tags +gift -new`, `note removed (was hi)`."""
    before, after = difference.before, difference.after
    if before is None and after is None:
        return difference.path
    if before is None:
        return f"{difference.path} {shown(after)}"
    if after is None:
        return f"{difference.path} removed (was {shown(before)})"
    if changes := _set_changes(before, after):
        return f"{difference.path} {changes}"
    return f"{difference.path} {shown(before)} → {shown(after)}"


def shown(attribute: Attribute | None) -> str:
    """A value as people read it: text, numbers, `{sets}`, `[lists]`, `{maps: of}`; long ones shortened."""
    if attribute is None:
        return "absent"
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            text = _text(value)
        case "N":
            text = value
        case "B":
            text = _binary(value)
        case "BOOL":
            text = "true" if value else "false"
        case "NULL":
            text = "null"
        case "L":
            text = _collection("[]", map(shown, value), len(value), "elements")
        case "M":
            pairs = (f"{_name(name)}: {shown(member)}" for name, member in sorted(value.items()))
            text = _collection("{}", pairs, len(value), "attributes")
        case _:
            members = (shown({kind[0]: member}) for member in _in_order(kind, value))
            text = _collection("{}", members, len(value), "members")
    return text


def plain(image: Image | None) -> dict[str, Any] | None:
    """An item as ordinary JSON: sets as lists, binary as base64.

    A number that a double does not hold exactly is a string with all its digits.
    """
    return None if image is None else {name: _plain(attribute) for name, attribute in image.items()}


def printable(text: str) -> str:
    """Text on one line without anything that a terminal or a reader could take for more than text."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def json_text(value: object, *, indent: int | None = None) -> str:
    """JSON in which text stays readable, and what is not printable is escaped."""
    dumped = json.dumps(value, ensure_ascii=False, indent=indent)
    return "".join(
        character if character.isprintable() or character == "\n" else json.dumps(character)[1:-1]
        for character in dumped
    )


def typed_text(image: Image) -> str:
    """An item in typed JSON, a line for each attribute."""
    lines = ",\n".join(f"  {json_text(name)}: {json_text(attribute)}" for name, attribute in image.items())
    return f"{{\n{lines}\n}}"


def _compare(path: str, before: Attribute | None, after: Attribute | None) -> Iterator[Difference]:
    if before is None or after is None:
        if before is not after:
            yield Difference(path=path, before=before, after=after)
        return
    match before, after:
        case {"M": old}, {"M": new}:
            for name in sorted(old.keys() | new.keys()):
                yield from _compare(f"{path}.{_name(name)}", old.get(name), new.get(name))
        case {"L": old}, {"L": new}:
            yield from _compare_lists(path, old, new)
        case _:
            if before != after and canonical({"": before}) != canonical({"": after}):
                yield Difference(path=path, before=before, after=after)


def _compare_lists(path: str, old: Sequence[Attribute], new: Sequence[Attribute]) -> Iterator[Difference]:
    """Without what both begin and end with, so that an element added in front is one difference."""
    start, end = 0, 0
    shorter = min(len(old), len(new))
    while start < shorter and old[start] == new[start]:
        start += 1
    while end < shorter - start and old[-1 - end] == new[-1 - end]:
        end += 1
    left, right = old[start : len(old) - end], new[start : len(new) - end]
    for index in range(max(len(left), len(right))):
        before = left[index] if index < len(left) else None
        after = right[index] if index < len(right) else None
        yield from _compare(f"{path}[{start + index}]", before, after)


def _set_changes(before: Attribute, after: Attribute) -> str:
    """The members that were added and removed, when both are sets of one kind."""
    ((kind, old),), ((new_kind, new),) = before.items(), after.items()
    if kind != new_kind or kind not in ("SS", "NS", "BS"):
        return ""
    one, other = set(old), set(new)
    added = [f"+{shown({kind[0]: member})}" for member in _in_order(kind, other - one)]
    removed = [f"-{shown({kind[0]: member})}" for member in _in_order(kind, one - other)]
    changes = added + removed
    kept = changes[:8]
    return " ".join(kept) + (
        f" … ({len(added)} added, {len(removed)} removed)" if len(kept) < len(changes) else ""
    )


def _name(name: str) -> str:
    return name if re.fullmatch(r"[\w-]{1,60}", name) else _quoted(name)


def _text(value: str) -> str:
    bare = len(value) <= SHOWN_TEXT and _BARE.fullmatch(value) and value not in _WORDS
    return value if bare else _quoted(value)


def _quoted(value: str) -> str:
    kept = value[:SHOWN_TEXT]
    escaped = printable(kept.replace("\\", "\\\\").replace('"', '\\"'))
    return f'"{escaped}"' if kept == value else f'"{escaped}…" ({len(value):,} characters)'


def _binary(value: str) -> str:
    try:
        size = len(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return f"binary {_quoted(value)}"
    return f"binary {value}" if len(value) <= SHOWN_TEXT else f"binary {value[:16]}… ({size:,} bytes)"


def _collection(brackets: str, members: Iterator[str], count: int, what: str) -> str:
    """As many members as there is room for, and how many there are if that is not all."""
    taken: list[str] = []
    room = SHOWN_COLLECTION
    for member in members:
        room -= len(member) + 2
        if room < 0 and (taken or len(member) > SHOWN_COLLECTION):
            return f"{brackets[0]}{', '.join([*taken, '…'])}{brackets[1]} ({count:,} {what})"
        taken.append(member)
    return f"{brackets[0]}{', '.join(taken)}{brackets[1]}"


def _in_order(kind: str, members: Iterable[str]) -> list[str]:
    return sorted(members, key=Decimal) if kind == "NS" else sorted(members)


def _plain(attribute: Attribute) -> object:
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return _plain_number(value)
        case "NS" | "SS" | "BS":
            return [_plain({kind[0]: member}) for member in _in_order(kind, value)]
        case "L":
            return [_plain(member) for member in value]
        case "M":
            return plain(value)
        case _:
            return None if kind == "NULL" else value


def _plain_number(text: str) -> int | float | str:
    number = Decimal(text)
    if Decimal(repr(float(number))) != number:
        return text
    return int(number) if number == number.to_integral_value() and abs(number) < 2**53 else float(number)
