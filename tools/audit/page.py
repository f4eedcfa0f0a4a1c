"""A trail as a page that stands alone: for a ticket, for an auditor, on paper.

It has no script and loads nothing, and its content security policy says so too. The template escapes whatever
it is given, so nothing in an order can become markup.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import boto3
import jinja2
import markupsafe

from tools.audit.chain import Finding, Severity
from tools.audit.deployment import Deployment
from tools.audit.difference import json_text, plain, printable, status
from tools.audit.text import restore_lines
from tools.audit.trail import Trail
from tools.audit.view import (
    BreakRow,
    ChangeRow,
    OmittedRow,
    Period,
    Records,
    Row,
    broken,
    changed,
    delay,
    event,
    item_time,
    misfits,
    moment,
    rows,
    selected,
    shortened,
    span,
    verdict,
    writer,
)

# The width of the timeline; marks that would be closer than one unit are one mark.
_WIDTH: Final = 1000

_FOLDER = Path(__file__).parent
_EVENTS = ("INSERT", "MODIFY", "REMOVE", "repair")

Values = dict[str, Any]


def write(
    file: Path, records: Records, trails: Sequence[Trail], *, deployment: Deployment, period: Period
) -> None:
    """Write the page of these trails, as a whole or not at all."""
    caller, now = _caller(deployment.region), datetime.now(UTC)
    parts = page(records, trails, deployment=deployment, period=period, caller=caller, now=now)
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("x", encoding="utf-8") as unfinished:
            unfinished.writelines(parts)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def page(
    records: Records,
    trails: Sequence[Trail],
    *,
    deployment: Deployment,
    period: Period,
    caller: str,
    now: datetime,
) -> Iterator[str]:
    """The page, part after part, so that a long history needs no more memory than a short one."""
    orders = list(dict.fromkeys(trail.order_id for trail in trails))
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _template().generate(
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        style=markupsafe.Markup(style),
        name=shortened(orders[0]) if len(orders) == 1 else f"{len(orders):,} orders",
        provenance=_provenance(deployment=deployment, period=period, caller=caller, now=now),
        broken=sum(not trail.chain.holds for trail in trails),
        items=[_item(records, trail, deployment=deployment, period=period) for trail in trails],
    )


@cache
def _template() -> jinja2.Template:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_printable,
    ).get_template("page.html.jinja")


def _caller(region: str) -> str:
    arn: str = boto3.client("sts", region_name=region).get_caller_identity()["Arn"]
    return arn


def _printable(value: object) -> object:
    """What the template shows, without characters that only pretend; line breaks stay."""
    if isinstance(value, str) and not isinstance(value, markupsafe.Markup):
        return "\n".join(map(printable, value.split("\n")))
    return value


def _provenance(*, deployment: Deployment, period: Period, caller: str, now: datetime) -> dict[str, str]:
    lines = {
        "Made": f"{now:%Y-%m-%d %H:%M:%S} UTC",
        "By": caller,
        "From bucket": f"{deployment.audit_bucket} ({deployment.region})",
        "And table": deployment.table,
    }
    if period.is_limited:
        since = f"from {period.since:%Y-%m-%d %H:%M:%S} UTC" if period.since else "from the first"
        until = f"to {period.until:%Y-%m-%d %H:%M:%S} UTC" if period.until else "to the last"
        lines["Changes shown"] = f"{since} {until}; what is said of the chain is of all changes"
    return lines


def _item(records: Records, trail: Trail, *, deployment: Deployment, period: Period) -> Values:
    changes = selected(trail, period=period, everything=True)
    in_table = (
        "not in the table" if trail.image is None else f"in the table: {status(trail.image) or 'there'}"
    )
    return {
        "title": f"{shortened(trail.order_id)}, item {item_time(trail.timestamp)}",
        "holds": trail.chain.holds,
        "verdict": verdict(trail),
        "in_table": f"timestamp {trail.timestamp}, {in_table}",
        "location": f"s3://{deployment.audit_bucket}/{trail.key}",
        "timeline": _timeline(trail),
        "misfits": [_finding(finding) for finding in misfits(trail)],
        "restore": list(restore_lines(trail, bucket=deployment.audit_bucket, everything=True)),
        "rows": map(_row, rows(records, trail, changes)),
        "image": None if trail.image is None else json_text(plain(trail.image), indent=2),
        "versions": _versions(trail),
    }


def _row(row: Row) -> Values:
    match row:
        case OmittedRow():
            return {"omitted": f"{row.count:,}", "break": None}
        case BreakRow():
            return {"omitted": None, "break": broken(row)}
        case ChangeRow():
            return _change(row)


def _change(row: ChangeRow) -> Values:
    when, is_known = moment(row.change)
    name = event(row.record)
    return {
        "omitted": None,
        "break": None,
        "number": row.change.number,
        "time": f"{'' if is_known else '≤ '}{when:%Y-%m-%d %H:%M:%S}",
        "event": shortened(name, 12),
        "css": _css(name),
        "differences": changed(row),
        "findings": list(map(_finding, row.findings)),
        "by": shortened(writer(row.record), 60),
        "delay": delay(row.record),
    }


def _finding(finding: Finding) -> Values:
    names = f" ({', '.join(finding.attributes)})" if finding.attributes else ""
    breaks = finding.severity is Severity.BREAKS
    return {
        "css": "finding" if breaks else "note",
        "text": f"{finding.kind.value}: {finding.detail}{names}",
    }


def _css(event_name: str | None) -> str:
    return event_name if event_name in _EVENTS else "other"


def _timeline(trail: Trail) -> Values | None:
    """A line from the first change to the last, with a mark for each."""
    changes = trail.chain.changes
    if not changes:
        return None
    times = [moment(change)[0] for change in changes]
    first, last = min(times), max(times)
    length = (last - first) or timedelta(seconds=1)
    broken = {f.number for f in trail.chain.findings if f.severity is Severity.BREAKS}
    marks: dict[tuple[int, str], None] = {}
    for change, time in zip(changes, times, strict=True):
        x = round(8 + (time - first) / length * (_WIDTH - 16))
        marks[x, "repair" if change.link.is_repair else _css(change.link.event_name)] = None
        if change.number in broken:
            marks[x, "broken"] = None
    return {
        "width": _WIDTH,
        "first": f"{first:%Y-%m-%d %H:%M:%S}",
        "last": f"{last:%Y-%m-%d %H:%M:%S}",
        "length": span(last - first),
        "marks": [{"x": x, "kind": kind, "top": 2 if kind == "broken" else 8} for x, kind in marks],
    }


def _versions(trail: Trail) -> Iterator[Values]:
    numbers = {
        version.version_id: change.number
        for change in trail.chain.changes
        for version in (change.link.version, *change.copies)
    }
    for version in trail.versions:
        digest = trail.sha256.get(version.version_id)
        if version.is_delete_marker:
            checksums = ["delete marker"]
        else:
            checksums = [(version.etag or "").strip('"'), digest or f"not read: {version.storage_class}"]
        yield {
            "change": numbers.get(version.version_id, "none"),
            "time": f"{version.written_at:%Y-%m-%d %H:%M:%S}",
            "id": version.version_id,
            "size": f"{version.size:,}",
            "checksums": checksums,
        }
