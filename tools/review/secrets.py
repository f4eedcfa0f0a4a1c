"""What of a Terraform plan may be shown: its text, without its secrets and without harm to Markdown.

What Terraform marks sensitive is hidden where it is marked, whatever its type. Marked texts and numbers are
looked for everywhere else too (`search.py`): any value that holds one is shown as "(sensitive)" as a whole.
Of marked JSON its values are looked for as well. The keys of a marked map are hidden as whole keys and whole
values, unless they read like an attribute's name; those of marked JSON, unless they read like any name.

Names from the code (resources, attributes, outputs) are no secrets: whoever reads the review reads the code.
Not recognised are secrets that were transformed (base64, a hash) or cut into pieces.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tools.review.search import Search, is_telling
from tools.review.shapes import as_dict, as_list, is_nested, is_same, read_json

HIDDEN_TEXT = "(sensitive)"
NAME_LIMIT = 500
VALUE_LIMIT = 200
_NAME = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
_ATTRIBUTE = re.compile(r"[a-z][a-z_]*")
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z_:-]*")
_INDEX = re.compile(r'(\["(?:[^"\\]|\\.)*"\]|\[[^\]"]*\])')
# With what a text could begin in one value of a JSON document and end in another.
_SPANNING = frozenset('{}[]",')
# As https://www.unicode.org/reports/tr9/ calls the letters and digits, and what keeps them apart.
_RIGHT_TO_LEFT = ("R", "AL", "AN")
_ISOLATE, _ISOLATE_END = "\u2068", "\u2069"
# Longer numbers are shown with an exponent.
_DIGITS = 60
# Of what is nested deeper only a program could tell what differs, and Python's stack has an end.
_DEEPEST = 100


@dataclass(frozen=True, eq=False)
class Hidden:
    """A value that must not be shown; equal when the values are as JSON, where true is not 1."""

    value: object

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hidden) and is_same(self.value, other.value)

    # What it hides may be a list.
    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return HIDDEN_TEXT


class Unknown:
    """A value known only after apply."""

    def __str__(self) -> str:
        return "(known after apply)"


UNKNOWN = Unknown()


class Item(str):
    """The step of a path to a list's item that has a name, such as a statement with its Sid."""

    __slots__ = ()


class Secrets:
    """The secrets of one plan. Every text that comes from the plan passes through here on its way out.

    The results are safe in a code span or a fenced block: they hold no backtick, line end, control character
    or bidirectional mark but the isolates around what is written from right to left.
    """

    def __init__(self, plan: dict[str, Any]) -> None:
        self._search = Search()
        self._keys: set[str] = set()
        self._find_marked(plan)
        self._find_variables(plan)

    def _find_marked(self, node: object) -> None:
        if isinstance(node, list):
            for item in node:
                self._find_marked(item)
        elif isinstance(node, dict):
            self._add_marked(node.get("before"), node.get("before_sensitive"))
            self._add_marked(node.get("after"), node.get("after_sensitive"))
            self._add_marked(node.get("values"), node.get("sensitive_values"))
            self._add_marked(node.get("config_values"), node.get("config_sensitive"))
            self._add_marked(node.get("value"), node.get("sensitive") is True)
            for item in node.values():
                self._find_marked(item)

    def _find_variables(self, plan: dict[str, Any]) -> None:
        match plan:
            case {"variables": dict(given), "configuration": {"root_module": {"variables": dict(declared)}}}:
                for name, variable in declared.items():
                    if isinstance(variable, dict) and variable.get("sensitive"):
                        self._add(given.get(name))

    def _add_marked(self, value: object, marker: object) -> None:
        """Markers mirror the value, with true for what is sensitive; one of another shape covers it all."""
        if isinstance(value, dict) and isinstance(marker, dict):
            for key, item in value.items():
                self._add_marked(item, marker.get(key))
        elif isinstance(value, list) and isinstance(marker, list):
            for item, mark in zip(value, marker, strict=False):
                self._add_marked(item, mark)
        elif any_true(marker):
            self._add(value)

    def _add(self, value: object, names: re.Pattern[str] = _ATTRIBUTE) -> None:
        if isinstance(value, dict):
            self._keys.update(key for key in value if is_telling(key) and not names.fullmatch(key))
            for item in value.values():
                self._add(item, names)
        elif isinstance(value, list):
            for item in value:
                self._add(item, names)
        elif isinstance(value, str):
            self._search.add(value)
            if value.lstrip()[:1] in ("{", "[", '"'):
                self._add(json_container(f"[{value}]"), _IDENTIFIER)
        else:
            self._search.add(_scalar(value))

    def marked(self, value: object, sensitive: object, unknown: object = None) -> object:
        """The value with Hidden for what is marked sensitive and UNKNOWN for what is not known yet."""
        if unknown is True:
            return UNKNOWN
        if isinstance(unknown, dict) and isinstance(value, dict):
            value = dict.fromkeys(unknown) | value
        if not any_true(sensitive) and not any_true(unknown):
            return value
        if isinstance(value, dict) and not (any_true(sensitive) and not isinstance(sensitive, dict)):
            marks, gaps = as_dict(sensitive), as_dict(unknown)
            return {key: self.marked(item, marks.get(key), gaps.get(key)) for key, item in value.items()}
        if isinstance(value, list) and not (any_true(sensitive) and not isinstance(sensitive, list)):
            items = zip(value, _padded(sensitive, len(value)), _padded(unknown, len(value)), strict=True)
            return [self.marked(*item) for item in items]
        return Hidden(value) if any_true(sensitive) else value

    def is_opaque(self, text: str) -> bool:
        """Whether a JSON text must not be taken apart: a secret may span several of its values."""
        return any(not _SPANNING.isdisjoint(secret) for secret in self._search.found(text))

    def value(self, marked: object) -> str:
        """A marked value as one line of compact JSON."""
        text = self._json(marked)
        plain = text.replace(_ISOLATE, "").replace(_ISOLATE_END, "")
        return HIDDEN_TEXT if isinstance(marked, dict | list) and self._found(plain) else text

    def text(self, text: str) -> str:
        """A text of the plan's as it is, without quotes."""
        return HIDDEN_TEXT if self._within(text) or text in self._keys else printable(text)

    def name(self, name: str, limit: int | None = NAME_LIMIT) -> str:
        """A name from the code, such as that of an attribute or output."""
        return (printable(name) if _NAME.fullmatch(name) else self.text(name))[:limit]

    def path(self, steps: Sequence[object]) -> str:
        """The path to an attribute, such as `rule[0].status`.

        Attributes of the resource and of its blocks are names; what follows a name is the key of a map, and
        so is what follows an index and is no name that an attribute could have.
        """
        text = ""
        previous: object = None
        for step in steps:
            if isinstance(step, Item):
                text += f"[{self.text(str(step))}]"
            elif not isinstance(step, str):
                text += f"[{printable(str(step))}]"
            elif not _NAME.fullmatch(step):
                text += f"[{self._key(step)}]"
            else:
                follows_name = isinstance(previous, str) and not isinstance(previous, Item)
                is_key = follows_name or (text and not _ATTRIBUTE.fullmatch(step))
                text += ("." if text else "") + (self.text(step) if is_key else step)
            previous = step
        return _cut(text, NAME_LIMIT)

    def address(self, address: str, limit: int | None = NAME_LIMIT) -> str:
        """The address of a resource, with the keys in it that are hidden replaced."""
        parts = []
        for part in _INDEX.split(address):
            if part.startswith("["):
                key = part[1:-1]
                is_hidden = self._within(key) or key.strip('"') in self._keys
                parts.append(f"[{HIDDEN_TEXT}]" if is_hidden else printable(part))
            else:
                parts.append(".".join(self.name(name, limit) for name in part.split(".")))
        return "".join(parts)[:limit]

    def _json(self, marked: object) -> str:
        if isinstance(marked, dict):
            return "{" + ", ".join(f"{self._key(k)}: {self._json(v)}" for k, v in marked.items()) + "}"
        if isinstance(marked, list):
            return "[" + ", ".join(self._json(item) for item in marked) + "]"
        if marked is UNKNOWN:
            return str(marked)
        if isinstance(marked, str):
            return self._key(marked)
        text = _scalar(marked)
        return HIDDEN_TEXT if self._found(text) else text

    def _key(self, key: str) -> str:
        return HIDDEN_TEXT if self._within(key) or key in self._keys else _isolated(_quoted(key))

    def _found(self, text: str) -> bool:
        return any(self._search.found(text))

    def _within(self, text: str) -> bool:
        """Whether the text holds a secret, also when it is printed."""
        return self._search.is_in(text) or self._search.is_in(_quoted(text)[1:-1])


def any_true(marker: object) -> bool:
    """Whether a tree of markers (sensitive, unknown) marks anything at all."""
    if isinstance(marker, dict):
        return any(any_true(item) for item in marker.values())
    if isinstance(marker, list):
        return any(any_true(item) for item in marker)
    return bool(marker)


def json_container(text: str, *, keys_once: bool = False) -> Any:  # noqa: ANN401
    """The object or list that a text is as JSON, otherwise None."""
    try:
        value = read_json(text, keys_once=keys_once) if text.lstrip()[:1] in ("{", "[") else None
    except ValueError:
        return None
    return None if is_nested(value, _DEEPEST) else value


def holds_hidden(value: object) -> bool:
    """Whether a marked value is sensitive, or anything in it."""
    items = value.values() if isinstance(value, dict) else as_list(value)
    return isinstance(value, Hidden) or any(map(holds_hidden, items))


def clipped(text: str) -> str:
    """The text, or its beginning and how long it is."""
    return text if len(text) <= VALUE_LIMIT else f"{_cut(text, VALUE_LIMIT)}… ({len(text)} characters)"


def _cut(text: str, limit: int) -> str:
    """The beginning of a text, with the end of an isolate that begins in it."""
    beginning = text[:limit]
    return beginning + _ISOLATE_END * (beginning.count(_ISOLATE) - beginning.count(_ISOLATE_END))


def printable(text: str) -> str:
    """The text as one line that can neither leave a code span nor reach a terminal's controls."""
    if text.isprintable() and "`" not in text:
        return text
    return "".join(
        "\\u0060" if char == "`" else char if char.isprintable() else json.dumps(char)[1:-1] for char in text
    )


def _padded(marker: object, length: int) -> list[object]:
    known = as_list(marker)[:length]
    return known + [None] * (length - len(known))


def _scalar(value: object) -> str:
    """A string as it is; anything else as JSON has it, the same for equal numbers."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float | Decimal):
        return decimal_text(Decimal(str(value)))
    return str(value)


def decimal_text(number: Decimal) -> str:
    """The number without zeros at its end, and without an exponent unless it would be too long."""
    if not number:
        return "0"
    is_long = abs(number.adjusted()) >= _DIGITS
    digits, e, exponent = f"{number:{'E' if is_long else 'f'}}".partition("E")
    return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + e + exponent


def _isolated(text: str) -> str:
    """The text so that what is written from right to left in it does not turn around what surrounds it."""
    if text.isascii() or not any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text):
        return text
    return f"{_ISOLATE}{text}{_ISOLATE_END}"


def _quoted(text: str) -> str:
    return '"' + printable(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'
