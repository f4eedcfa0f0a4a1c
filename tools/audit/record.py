"""The audit trail as the function writes it: where the records of an order item are, and what is in one."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Self

MAX_ENCODED_ID = 800
KEPT_OF_LONG_ID = 700


def audit_key(order_id: str, timestamp: str) -> str:
    """The key of the object whose versions are an item's history; `timestamp` is DynamoDB's number string."""
    raw = order_id.encode()
    encoded = re.sub(rb"[^A-Za-z0-9_-]", lambda byte: b"%%%02X" % ord(byte[0]), raw).decode()
    if len(encoded) > MAX_ENCODED_ID:
        encoded = f"{encoded[:KEPT_OF_LONG_ID]}~{hashlib.sha256(raw).hexdigest()}"
    return f"orders/{encoded}/{timestamp}.json"


def typed_json(image: Mapping[str, Any]) -> dict[str, Any]:
    """An item of the low-level client as the stream's events have it: binary is base64 text."""
    return {name: _attribute_json(attribute) for name, attribute in image.items()}


def canonical(image: Mapping[str, Any]) -> dict[str, Any]:
    """Equal for images in typed JSON that DynamoDB takes for the same item: sets have no order, 1.0 is 1.

    Raises ValueError for what is not typed JSON.
    """
    try:
        return {name: _canonical_attribute(attribute) for name, attribute in image.items()}
    except (AttributeError, TypeError, InvalidOperation) as error:
        raise ValueError(f"not an item in DynamoDB's typed JSON: {error}") from None


@dataclass(frozen=True, kw_only=True)
class AuditRecord:
    """One version of an audit object; `state` is the item after the change, canonical, None once removed.

    `changed_at` and `changed_by` are None where they are not known, as in records from before these fields.
    """

    sequence_number: str
    changed_at: datetime | None
    changed_by: str | None
    reconciled: bool
    state: dict[str, Any] | None
    new_image: dict[str, Any] | None

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Raises ValueError for what is not an audit record."""
        try:
            content = json.loads(body)
            new_image = content["newImage"]
            changed_at, changed_by = content.get("changedAt"), content.get("changedBy")
            if not isinstance(changed_by, str | None):
                raise TypeError(f"changedBy is {changed_by!r}")
            record = cls(
                sequence_number=content["sequenceNumber"],
                changed_at=None if changed_at is None else _time(changed_at),
                changed_by=changed_by,
                reconciled=content.get("reconciled", False),
                state=None if new_image is None else canonical(new_image),
                new_image=new_image,
            )
            record.rank  # noqa: B018
        except (LookupError, TypeError, AttributeError) as error:
            raise ValueError(f"not an audit record: {type(error).__name__}: {error}") from None
        return record

    @property
    def rank(self) -> tuple[int, bool]:
        """The record's place in the history of its item, higher is later."""
        return int(self.sequence_number), self.reconciled


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"not a time with its zone: {text}")
    return time


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


def _canonical_attribute(attribute: Mapping[str, Any]) -> tuple[str, Any]:
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return kind, Decimal(value)
        case "NS":
            return kind, frozenset(map(Decimal, value))
        case "SS" | "BS":
            return kind, frozenset(value)
        case "L":
            return kind, [_canonical_attribute(member) for member in value]
        case "M":
            return kind, canonical(value)
        case _:
            return kind, value
