"""What of a Terraform plan may be shown: its text, without its secrets and without harm to Markdown.

What Terraform marks sensitive anywhere in the plan is a secret, whatever its type: text, numbers, booleans,
each element and key of a list or map. A value that contains a secret is shown as "(sensitive)" as a whole,
also where the secret is escaped, as it is in JSON inside a string. Names from the code (resources,
attributes, outputs) are hidden when they equal a secret or contain one of four characters or more: a secret
"3" must not hide which aws_s3_bucket is about to go. Not recognised are secrets that were transformed
(base64, a hash). Empty strings and null are no secrets.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

HIDDEN_TEXT = "(sensitive)"
NAME_LIMIT = 500
_NAME = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
_INDEX = re.compile(r'(\["(?:[^"\\]|\\.)*"\]|\[[^\]"]*\])')
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_ESCAPE_LEVELS = 8


@dataclass(frozen=True)
class Hidden:
    """A value that must not be shown; equal when the values are."""

    value: object

    def __str__(self) -> str:
        return HIDDEN_TEXT


class Unknown:
    """A value known only after apply."""

    def __str__(self) -> str:
        return "(known after apply)"


UNKNOWN = Unknown()


class Secrets:
    """The secrets of one plan. Every text that comes from the plan passes through here on its way out.

    The results are safe in a code span or a fenced block: they hold no backtick, line end, control character
    or bidirectional mark.
    """

    def __init__(self, plan: dict[str, Any]) -> None:
        self._texts: set[str] = set()
        self._keys: set[str] = set()
        self._containers: set[str] = set()
        self._find_marked(plan)
        self._find_variables(plan)
        self._long = tuple(text for text in self._texts if len(text) >= 4)
        self._all = tuple(self._texts | self._keys)

    def _find_marked(self, node: object) -> None:
        if isinstance(node, list):
            for item in node:
                self._find_marked(item)
        elif isinstance(node, dict):
            self._add_marked(node.get("before"), node.get("before_sensitive"))
            self._add_marked(node.get("after"), node.get("after_sensitive"))
            self._add_marked(node.get("values"), node.get("sensitive_values"))
            self._add_marked(node.get("value"), node.get("sensitive"))
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

    def _add(self, value: object) -> None:
        if isinstance(value, dict | list) and value:
            self._containers.add(_canonical(value))
        if isinstance(value, dict):
            self._keys.update(filter(None, value))
            for item in value.values():
                self._add(item)
        elif isinstance(value, list):
            for item in value:
                self._add(item)
        elif value is not None and value != "":
            self._texts.add(_scalar(value))

    def masked(self, value: object, sensitive: object, unknown: object = None) -> object:
        """The value with Hidden for what is or contains a secret and UNKNOWN for what is not known yet."""
        if unknown is True:
            return UNKNOWN
        if isinstance(unknown, dict) and any_true(unknown) and (value is None or isinstance(value, dict)):
            value = dict.fromkeys(unknown) | (value or {})
        if isinstance(value, dict | list):
            if isinstance(sensitive, dict | list):
                mismatch = type(value) is not type(sensitive) and any_true(sensitive)
            else:
                mismatch = bool(sensitive)
            if mismatch or (self._containers and _canonical(value) in self._containers):
                return Hidden(value)
            if isinstance(value, dict):
                marks, gaps = _as_dict(sensitive), _as_dict(unknown)
                return {key: self.masked(item, marks.get(key), gaps.get(key)) for key, item in value.items()}
            items = zip(value, _padded(sensitive, len(value)), _padded(unknown, len(value)), strict=True)
            return [self.masked(*item) for item in items]
        if any_true(sensitive) or (value is not None and self._within(_scalar(value))):
            return Hidden(value)
        return value

    def value(self, masked: object) -> str:
        """A masked value as one line of compact JSON."""
        text = self._json(masked)
        return HIDDEN_TEXT if isinstance(masked, dict | list) and self._found(text) else text

    def name(self, name: str) -> str:
        """A name, such as that of an attribute or output."""
        if _NAME.fullmatch(name):
            hidden = name in self._texts or any(secret in name for secret in self._long)
        else:
            hidden = self._within(name)
        return HIDDEN_TEXT if hidden else _printable(name)[:NAME_LIMIT]

    def path(self, steps: Sequence[object]) -> str:
        """The path to an attribute, such as `rule[0].status`.

        Attributes of the resource and of its blocks are names; what follows a name is the key of a map.
        """
        text = ""
        previous: object = 0
        for step in steps:
            if not isinstance(step, str):
                text += f"[{_printable(str(step))}]"
            elif not _NAME.fullmatch(step):
                text += f"[{self._key(step)}]"
            else:
                hidden = isinstance(previous, str) and self._within(step)
                text += ("." if text else "") + (HIDDEN_TEXT if hidden else self.name(step))
            previous = step
        return text[:NAME_LIMIT]

    def address(self, address: str) -> str:
        """The address of a resource, with each part that is hidden replaced on its own."""
        parts = []
        for part in _INDEX.split(address):
            if part.startswith("["):
                parts.append(f"[{HIDDEN_TEXT}]" if self._within(part[1:-1].strip('"')) else _printable(part))
            else:
                parts.append(".".join(self.name(name) for name in part.split(".")))
        text = "".join(parts)[:NAME_LIMIT]
        return HIDDEN_TEXT if any(secret in text for secret in self._long) else text

    def _json(self, masked: object) -> str:
        if isinstance(masked, dict):
            return "{" + ", ".join(f"{self._key(k)}: {self._json(v)}" for k, v in masked.items()) + "}"
        if isinstance(masked, list):
            return "[" + ", ".join(self._json(item) for item in masked) + "]"
        if isinstance(masked, str):
            return _quoted(masked)
        return str(masked) if isinstance(masked, Hidden | Unknown) else _scalar(masked)

    def _key(self, key: str) -> str:
        return HIDDEN_TEXT if self._within(key) else _quoted(key)

    def _found(self, text: str) -> bool:
        return any(secret in text for secret in self._all)

    def _within(self, text: str) -> bool:
        """Whether the text holds a secret: as it is, as it would be printed, or escaped."""
        if self._found(text) or self._found(_quoted(text)[1:-1]):
            return True
        for _ in range(_ESCAPE_LEVELS):
            if "\\" not in text:
                return False
            text = _unescaped(text)
            if self._found(text):
                return True
        return False


def any_true(marker: object) -> bool:
    """Whether a tree of markers (sensitive, unknown) marks anything at all."""
    if isinstance(marker, dict):
        return any(any_true(item) for item in marker.values())
    if isinstance(marker, list):
        return any(any_true(item) for item in marker)
    return bool(marker)


def _as_dict(marker: object) -> dict[str, object]:
    return marker if isinstance(marker, dict) else {}


def _padded(marker: object, length: int) -> list[object]:
    known = marker[:length] if isinstance(marker, list) else []
    return known + [None] * (length - len(known))


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=_scalar)


def _scalar(value: object) -> str:
    """A string as it is; anything else as JSON has it, the same for equal numbers."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float | Decimal):
        number = Decimal(str(value))
        if number.is_finite() and abs(number.adjusted()) < 60:
            return f"{number.normalize():f}"
    return str(value)


def _printable(text: str) -> str:
    return "".join(
        "\\u0060" if char == "`" else char if char.isprintable() else json.dumps(char)[1:-1] for char in text
    )


def _quoted(text: str) -> str:
    return '"' + _printable(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def _unescaped(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        code, char = match.groups()
        return chr(int(code, 16)) if code else _ESCAPED.get(char, char)

    # Two \u escapes make one character beyond the basic plane.
    return _ESCAPE.sub(plain, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
