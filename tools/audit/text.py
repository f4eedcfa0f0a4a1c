"""A trail on a terminal."""

import shlex
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tools.audit.chain import Finding, Kind, Severity
from tools.audit.difference import printable, status
from tools.audit.trail import Trail
from tools.audit.view import (
    BreakRow,
    ChangeRow,
    OmittedRow,
    Period,
    Row,
    broken,
    changed,
    delay,
    event,
    item_time,
    misfits,
    moment,
    shortened,
    summary,
    verdict,
    writer,
)

# Restore commands that are shown of many.
_SHOWN_RESTORES = 3

RESTORE_REQUEST = '{"Days":7,"GlacierJobParameters":{"Tier":"Standard"}}'

# Lines that one change may take.
_CELL_LINES = 8

# Characters of what is said of a finding, which may quote a record.
_DETAIL = 300

_GAP = "  "


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How wide the table may be, and whether the times need their date."""

    width: int
    with_date: bool

    @property
    def time_width(self) -> int:
        return 20 if self.with_date else 13

    @property
    def by_width(self) -> int:
        return 9 if self.width < 100 else 14

    @property
    def what_width(self) -> int:
        others = 4 + self.time_width + 6 + self.by_width + 12 + 5 * len(_GAP)
        return max(20, self.width - others)


def title(order_id: str, trails: Sequence[Trail]) -> str:
    """`order-1002   1 item   table: SHIPPED   trail: 1 gap`."""
    findings = [finding for trail in trails for finding in trail.chain.findings]
    breaks = summary(findings, Severity.BREAKS)
    notes = summary(findings, Severity.NOTE)
    items = "1 item" if len(trails) == 1 else f"{len(trails):,} items"
    states = shortened(", ".join(dict.fromkeys(_in_table(trail) for trail in trails)))
    trail = breaks or ("holds" + (f" ({notes})" if notes else ""))
    return f"{shortened(order_id)}   {items}   table: {states}   trail: {trail}"


def item_lines(
    trail: Trail, rows: Iterable[Row], *, period: Period, bucket: str, width: int, everything: bool
) -> Iterator[str]:
    """The table of an item's changes, those of a period, and what there is to say of its trail."""
    count = len(trail.chain.changes)
    days = {moment(change)[0].date() for change in trail.chain.changes}
    layout = Layout(width=width, with_date=len(days) > 1)
    on = f" on {next(iter(days))}" if len(days) == 1 else ""
    changes = "1 change" if count == 1 else f"{count:,} changes"
    yield f"item {item_time(trail.timestamp)} ({trail.timestamp})   {changes}{on}"
    if count:
        header = ["#", "CHANGED (UTC)", "EVENT", "WHAT CHANGED", "BY", "RECORDED"]
        yield _line(layout, header)
    # Of a period, `--all` does not show what is outside.
    hint = "" if period.is_limited else " (--all shows all)"
    for row in rows:
        yield from _row_lines(layout, row, hint)
    for finding in misfits(trail):
        yield from _marked(layout, finding, _named(finding))
    yield from restore_lines(trail, bucket=bucket, everything=everything)
    yield from _wrapped(verdict(trail), width)


def restore_lines(trail: Trail, *, bucket: str, everything: bool) -> Iterator[str]:
    """The commands that bring what is archived back for a week, so that it can be read."""
    archived = [v for v in trail.versions if not v.is_delete_marker and v.version_id not in trail.sha256]
    commands = [
        shlex.join(
            [
                *("aws", "s3api", "restore-object", "--bucket", bucket, "--key", trail.key),
                *("--version-id", version.version_id, "--restore-request", RESTORE_REQUEST),
            ]
        )
        for version in archived
    ]
    if commands:
        yield f"{len(commands):,} versions are archived. To read them, restore them; it takes hours:"
        yield from commands if everything else commands[:_SHOWN_RESTORES]
        if len(commands) > _SHOWN_RESTORES and not everything:
            yield f"… and {len(commands) - _SHOWN_RESTORES:,} more (--all shows them)"


def _in_table(trail: Trail) -> str:
    return "gone" if trail.image is None else status(trail.image) or "there, without a status"


def _row_lines(layout: Layout, row: Row, hint: str) -> Iterator[str]:
    match row:
        case OmittedRow():
            yield f"   …  {row.count:,} changes that are not shown{hint}"
        case BreakRow():
            yield from _marked(layout, row.finding, broken(row))
        case ChangeRow():
            yield from _change_lines(layout, row)


def _change_lines(layout: Layout, row: ChangeRow) -> Iterator[str]:
    when, is_known = moment(row.change)
    shape = "%Y-%m-%d %H:%M:%S" if layout.with_date else "%H:%M:%S"
    lines = list(_wrapped(", ".join(changed(row)), layout.what_width))
    if len(lines) > _CELL_LINES:
        lines[_CELL_LINES:] = [f"… {len(row.differences):,} attributes (--json has all)"]
    for finding in row.findings:
        if finding.kind is Kind.DUPLICATE:
            lines.append(f"({len(finding.versions)} times: retried)")
        elif finding.kind is Kind.LATE:
            lines.append("(stored late)")
    cells = [
        str(row.change.number),
        f"{'' if is_known else '≤'}{when:{shape}}",
        _cut(printable(event(row.record)), 6),
        lines[0],
        _cut(printable(writer(row.record)), layout.by_width),
        delay(row.record),
    ]
    yield _line(layout, cells)
    for line in lines[1:]:
        yield _line(layout, ["", "", "", line])
    for finding in row.findings:
        if finding.kind not in (Kind.DUPLICATE, Kind.LATE):
            yield from _marked(layout, finding, _named(finding))


def _marked(layout: Layout, finding: Finding, text: str) -> Iterator[str]:
    mark = "!" if finding.severity is Severity.BREAKS else "·"
    first, *others = _wrapped(text, layout.width - 6)
    yield f"{mark:>4}{_GAP}{first}"
    for line in others:
        yield f"{'':6}{line}"


def _named(finding: Finding) -> str:
    """`fork: number 10 has records that contradict each other (status) [version …]`."""
    names = f" ({', '.join(map(printable, finding.attributes))})" if finding.attributes else ""
    breaks = finding.severity is Severity.BREAKS and finding.kind is not Kind.ARCHIVED
    ids = f" [version {', '.join(finding.versions)}]" if breaks and finding.versions else ""
    return f"{finding.kind.value}: {shortened(finding.detail, _DETAIL)}{names}{ids}"


def _line(layout: Layout, cells: Sequence[str]) -> str:
    widths = (4, layout.time_width, 6, layout.what_width, layout.by_width, 12)
    number, *others = cells
    padded = [number.rjust(widths[0])] + [
        cell + " " * (width - _width(cell)) for cell, width in zip(others, widths[1:], strict=False)
    ]
    return _GAP.join(padded).rstrip()


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Lines of at most so many columns; broken at spaces, and within what is longer than a line."""
    line = ""
    for word in text.split(" "):
        rest = word
        if line and _width(line) + 1 + _width(rest) > width:
            yield line
            line = ""
        while _width(rest) > width:
            head = _cut(rest, width, mark="")
            yield head
            rest = rest[len(head) :]
        line = f"{line} {rest}" if line else rest
    yield line


def _cut(text: str, width: int, mark: str = "…") -> str:
    if _width(text) <= width:
        return text
    kept = ""
    for character in text:
        if _width(kept) + _width(character) > width - len(mark):
            break
        kept += character
    return kept + mark


def _width(text: str) -> int:
    """The columns that a terminal takes for it."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
