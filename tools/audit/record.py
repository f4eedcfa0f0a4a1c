"""The audit trail as the function writes it: where the records of an order item are, and what is in one."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Self, TypeVar
from urllib.parse import unquote_to_bytes

from names import RECORDS_PREFIX

T = TypeVar("T")

MAX_ENCODED_ID = 800
KEPT_OF_LONG_ID = 700

# DynamoDB nests 32 levels, and has numbers of 38 digits: with a sign, a point and an exponent 45 characters.
MAX_DEPTH = 32
NUMBER = re.compile(r"(?=.{1,45}\Z)[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_AUDIT_KEY = re.compile(
    rf"{RECORDS_PREFIX}(?P<id>[A-Za-z0-9_%-]+)(?P<hash>~[0-9a-f]{{64}})?/(?P<timestamp>[0-9.E+-]+)\.json"
)


def audit_key(order_id: str, timestamp: str) -> str:
    """The key of the object whose versions are an item's history; `timestamp` is DynamoDB's number string."""
    raw = order_id.encode()
    encoded = re.sub(rb"[^A-Za-z0-9_-]", lambda byte: b"%%%02X" % ord(byte[0]), raw).decode()
    if len(encoded) > MAX_ENCODED_ID:
        encoded = f"{encoded[:KEPT_OF_LONG_ID]}~{hashlib.sha256(raw).hexdigest()}"
    return f"{RECORDS_PREFIX}{encoded}/{timestamp}.json"


def item_of_key(key: str) -> tuple[str | None, str] | None:
    """The order id and the timestamp that a key was made of; no id if the key has only its hash.

    None for what `audit_key` does not make.
    """
    parts = _AUDIT_KEY.fullmatch(key)
    if not parts or not _is_number(parts["timestamp"]):
        return None
    if parts["hash"]:
        return None, parts["timestamp"]
    try:
        order_id = unquote_to_bytes(parts["id"]).decode()
    except UnicodeDecodeError:
        return None
    return (order_id, parts["timestamp"]) if audit_key(order_id, parts["timestamp"]) == key else None


def typed_json(image: Mapping[str, Any]) -> dict[str, Any]:
    """An item of the low-level client as the stream's events have it: binary is base64 text."""
    return {name: _attribute_json(attribute) for name, attribute in image.items()}


def canonical(image: Mapping[str, Any], *, depth: int = 0) -> dict[str, Any]:
    """Equal for images in typed JSON that DynamoDB takes for the same item: sets have no order, 1.0 is 1.

    Raises ValueError for what is not typed JSON, and for what is nested deeper than DynamoDB has it.
    """
    try:
        return {name: _canonical_attribute(attribute, depth) for name, attribute in image.items()}
    except (AttributeError, TypeError, InvalidOperation) as error:
        raise ValueError(f"not an item in DynamoDB's typed JSON: {error}") from None


@dataclass(frozen=True, kw_only=True)
class AuditRecord:
    """One version of an audit object; `state` is the item after the change, canonical, None once removed.

    `changed_at` and `changed_by` are None where they are not known, as in records from before these fields;
    `event_name` and `event_id` are None in a record that reconcile wrote.
    """

    order_id: str | None
    timestamp: str | None
    event_name: str | None
    event_id: str | None
    sequence_number: str
    changed_at: datetime | None
    recorded_at: datetime | None
    changed_by: str | None
    user_identity: Mapping[str, Any] | None
    reconciled: bool
    old_image: dict[str, Any] | None
    new_image: dict[str, Any] | None
    state: dict[str, Any] | None

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Raises ValueError for what is not an audit record; only `old_state` looks into the old image."""
        try:
            content = json.loads(body)
            new_image = content["newImage"]
            return cls(
                order_id=_optional(content, "orderId", str),
                timestamp=_optional(content, "timestamp", str),
                event_name=_optional(content, "eventName", str),
                event_id=_optional(content, "eventId", str),
                sequence_number=_sequence_number(content["sequenceNumber"]),
                changed_at=_time(_optional(content, "changedAt", str)),
                recorded_at=_time(_optional(content, "recordedAt", str)),
                changed_by=_optional(content, "changedBy", str),
                user_identity=_optional(content, "userIdentity", dict),
                reconciled=_optional(content, "reconciled", bool) or False,
                old_image=_optional(content, "oldImage", dict),
                new_image=new_image,
                state=None if new_image is None else canonical(new_image),
            )
        except (LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            raise ValueError(f"not an audit record: {type(error).__name__}: {error}") from None

    @property
    def old_state(self) -> dict[str, Any] | None:
        """The item before the change, canonical. Raises ValueError when it is not typed JSON."""
        return None if self.old_image is None else canonical(self.old_image)

    @property
    def key(self) -> str | None:
        """The key of the object that the record belongs into; None if it does not say of which item it is."""
        if self.order_id is None or self.timestamp is None:
            return None
        return audit_key(self.order_id, self.timestamp)

    @property
    def rank(self) -> tuple[int, bool]:
        """The record's place in the history of its item, higher is later."""
        return int(self.sequence_number), self.reconciled


def _is_number(text: str) -> bool:
    """Whether DynamoDB takes the text for a number: up to 38 digits, 1E-130 to 9.9E+125."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    return number.is_finite() and len(digits) <= 38 and -130 <= number.adjusted() <= 125


def _optional(content: Mapping[str, Any], name: str, kind: type[T]) -> T | None:
    value = content.get(name)
    if value is None or isinstance(value, kind):
        return value
    raise TypeError(f"{name} is {value!r:.100}")


def _sequence_number(text: object) -> str:
    if isinstance(text, str) and re.fullmatch(r"[0-9]{1,40}", text):
        return text
    raise TypeError(f"sequenceNumber is {text!r:.100}")


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"not a time with its zone: {text}")
    return time.astimezone(UTC)


def _attribute_json(attribute: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, value),) = attribute.items()
    match kind:
        case "B":
            return {kind: base64.b64encode(value).decode()}
        case "BS":
            return {kind: [base64.b64encode(member).decode() for member in value]}
        case "L":
            return {kind: [_attribute_json(member) for member in value]}
        case "M":
            return {kind: typed_json(value)}
        case _:
            return {kind: value}


def _canonical_attribute(attribute: Mapping[str, Any], depth: int) -> tuple[str, Any]:
    ((kind, value),) = attribute.items()
    if depth > MAX_DEPTH:
        raise TypeError(f"nested deeper than {MAX_DEPTH} levels")
    match kind:
        case "S" | "B":
            value = _as(str, value)
        case "N":
            value = _number(value)
        case "BOOL" | "NULL":
            value = _as(bool, value)
        case "NS":
            value = frozenset(map(_number, _as(list, value)))
        case "SS" | "BS":
            value = frozenset(_as(str, member) for member in _as(list, value))
        case "L":
            value = [_canonical_attribute(member, depth + 1) for member in _as(list, value)]
        case "M":
            value = canonical(value, depth=depth + 1)
        case _:
            raise TypeError(f"no type of DynamoDB: {kind!r:.20}")
    return kind, value


def _number(value: object) -> Decimal:
    text = _as(str, value)
    if not NUMBER.fullmatch(text):
        raise TypeError(f"no number: {value!r:.100}")
    return Decimal(text)


def _as(kind: type[T], value: object) -> T:
    if isinstance(value, kind):
        return value
    raise TypeError(f"no {kind.__name__}: {value!r:.100}")
