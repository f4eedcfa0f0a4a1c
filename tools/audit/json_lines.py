"""A trail for scripts: one JSON object a line, with the field names that docs/trail.md lists."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from tools.audit.chain import Finding
from tools.audit.difference import Difference, plain
from tools.audit.trail import Trail
from tools.audit.view import ChangeRow, Row, moment

Line = dict[str, Any]


def item_lines(trail: Trail, rows: Iterable[Row]) -> Iterator[Line]:
    """A line for each change that is shown, then one with `chain`, the verdict on all of the item's trail."""
    for row in rows:
        if isinstance(row, ChangeRow):
            yield _change(trail, row)
    chain = trail.chain
    yield {
        "orderId": trail.order_id,
        "timestamp": trail.timestamp,
        "chain": {
            "holds": chain.holds,
            "changes": len(chain.changes),
            "versions": len(trail.versions),
            "key": trail.key,
            "inTable": trail.image is not None,
            "findings": [_finding(finding) | {"number": finding.number} for finding in chain.findings],
        },
    }


def state_line(
    trail: Trail, *, at: datetime, number: int, image: dict[str, Any] | None, doubt: str | None
) -> Line:
    """The line of an item's state at a moment, after the change of this number (0 is before all)."""
    return {
        "orderId": trail.order_id,
        "timestamp": trail.timestamp,
        "at": iso(at),
        "number": number,
        "item": image,
        "plain": plain(image),
        "doubt": doubt,
    }


def iso(time: datetime | None) -> str | None:
    """A time as the records have it: `2026-11-24T13:58:02.123Z`."""
    return (
        None
        if time is None
        else time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def _change(trail: Trail, row: ChangeRow) -> Line:
    record, link = row.record, row.change.link
    when, is_known = moment(row.change)
    return {
        "orderId": trail.order_id,
        "timestamp": trail.timestamp,
        "number": row.change.number,
        "eventName": record.event_name,
        "changedAt": iso(when) if is_known else None,
        "recordedAt": iso(record.recorded_at),
        "changedBy": record.changed_by,
        "userIdentity": record.user_identity,
        "statusBefore": _status(record.old_image),
        "statusAfter": _status(record.new_image),
        "changes": [_difference(difference) for difference in row.differences],
        "reconciled": record.reconciled,
        "eventId": record.event_id,
        "sequenceNumber": record.sequence_number,
        "versionId": link.version.version_id,
        "storedAt": iso(link.version.written_at),
        "etag": link.version.etag,
        "sha256": trail.sha256.get(link.version.version_id),
        "copies": [version.version_id for version in row.change.copies],
        "findings": [_finding(finding) for finding in row.findings],
    }


def _difference(difference: Difference) -> Line:
    line: Line = {"path": difference.path}
    if difference.before is not None:
        line["before"] = difference.before
    if difference.after is not None:
        line["after"] = difference.after
    return line


def _finding(finding: Finding) -> Line:
    return {
        "kind": finding.kind.value,
        "severity": finding.severity.value,
        "detail": finding.detail,
        "attributes": list(finding.attributes),
        "versions": list(finding.versions),
    }


def _status(image: dict[str, Any] | None) -> str | None:
    attribute = (image or {}).get("status") or {}
    return attribute.get("S")
