"""Audit trails as the function and S3 make them, for the tests of what reads them."""

import copy
import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tools.audit import chain
from tools.audit.record import AuditRecord, audit_key, canonical
from tools.audit.store import Content, Unread, Version
from tools.audit.trail import Trail
from tools.audit.view import Records

Image = dict[str, Any]
Record = dict[str, Any]

ORDER_ID = "order-1"
TIMESTAMP = "1700000000000"
KEY = audit_key(ORDER_ID, TIMESTAMP)
START = datetime(2026, 11, 24, 13, 58, 2, tzinfo=UTC)


def image(status: str = "PLACED", **attributes: dict[str, Any]) -> Image:
    """An order item in typed JSON."""
    item = {"orderId": {"S": ORDER_ID}, "timestamp": {"N": TIMESTAMP}, "status": {"S": status}}
    return item | attributes


def iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def history(*states: Image | None, first_number: int = 9, start: datetime = START) -> list[Record]:
    """The records of an item that goes through these states, one a minute; None is its absence."""
    records = []
    old: Image | None = None
    for index, new in enumerate(states):
        changed = start + timedelta(minutes=index)
        records.append(
            {
                "orderId": ORDER_ID,
                "timestamp": TIMESTAMP,
                "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
                "eventId": f"event-{index}",
                "sequenceNumber": str(first_number + index),
                "changedAt": iso(changed),
                "recordedAt": iso(changed + timedelta(milliseconds=300)),
                "changedBy": None,
                "userIdentity": None,
                "oldImage": old,
                "newImage": new,
            }
        )
        old = new
    return copy.deepcopy(records)


def repair(after: Record | None, new: Image | None) -> Record:
    """What reconcile writes when the trail ends with `after` and the table holds `new`."""
    return {
        "orderId": ORDER_ID,
        "timestamp": TIMESTAMP,
        "eventName": None,
        "eventId": None,
        "sequenceNumber": after["sequenceNumber"] if after else "0",
        "recordedAt": iso(START + timedelta(days=1)),
        "userIdentity": None,
        "oldImage": after["newImage"] if after else None,
        "newImage": new,
        "reconciled": True,
    }


Stored = Record | bytes | Unread | None


def stored(*contents: Stored) -> list[tuple[Version, Content]]:
    """Versions of the item's object with these contents, listed as S3 does it: the one that came last first.

    None is a delete marker.
    """
    versions: list[tuple[Version, Content]] = []
    for index, content in enumerate(contents):
        written_at = START + timedelta(minutes=index)
        body: Content = Unread.ABSENT
        if isinstance(content, dict):
            written_at = datetime.fromisoformat(content["recordedAt"]) + timedelta(milliseconds=50)
            body = json.dumps(content).encode()
        elif content is not None:
            body = content
        version = Version(
            key=KEY,
            version_id=f"v{index}",
            written_at=written_at,
            is_current=index == len(contents) - 1,
            is_delete_marker=content is None,
            etag=None if content is None else f'"{index:032x}"',
            size=len(body) if isinstance(body, bytes) else 0,
            storage_class="GLACIER"
            if content is Unread.ARCHIVED
            else None
            if content is None
            else "STANDARD",
        )
        versions.append((version, body))
    return versions[::-1]


UNKNOWN = object()


def trail(contents: Iterable[Stored], item: Image | None) -> tuple[Trail, Records]:
    """The trail of these versions, and what reads its records; `item` is what the table holds."""
    listed = stored(*contents)
    bodies = {version.version_id: content for version, content in listed if isinstance(content, bytes)}

    def records(_: Trail, changes: Iterable[chain.Change]) -> Iterator[tuple[chain.Change, AuditRecord]]:
        for change in changes:
            yield change, AuditRecord.parse(bodies[change.link.version.version_id])

    trail = Trail(
        order_id=ORDER_ID,
        timestamp=TIMESTAMP,
        key=KEY,
        image=item,
        versions=[version for version, _ in reversed(listed)],
        sha256={name: hashlib.sha256(body).hexdigest() for name, body in bodies.items()},
        chain=prove(contents, item),
    )
    return trail, records


def prove(contents: Iterable[Stored], item: object = UNKNOWN) -> chain.Chain:
    """The chain of these versions, in the order of their arrival, and what the table holds, if known."""
    entries = [entry for listed in stored(*contents) if (entry := chain.read(*listed))]
    if item is UNKNOWN:
        return chain.prove(entries)
    state = chain.State.of(canonical(item)) if isinstance(item, dict) else None
    return chain.prove(entries, item=chain.Item(state=state))
