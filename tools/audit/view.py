"""A trail as its readers are shown it: one row after the other, whatever they are shown on."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from tools.audit.chain import BEFORE, Change, Finding, Kind, Severity
from tools.audit.difference import Difference, described, differences, printable
from tools.audit.record import AuditRecord
from tools.audit.trail import Trail

# Of a long history, that many changes of the beginning and of the end are shown.
SHOWN_AT_EACH_END: Final = 20

# As many places where the chain breaks are shown in between.
SHOWN_BREAKS: Final = 20

_LABELS: Final = {
    Kind.GAP: ("gap", "gaps"),
    Kind.NO_INSERT: ("missing beginning", "missing beginnings"),
    Kind.FORK: ("fork", "forks"),
    Kind.INCONSISTENT: ("inconsistent record", "inconsistent records"),
    Kind.MISPLACED: ("misplaced record", "misplaced records"),
    Kind.UNREADABLE: ("unreadable version", "unreadable versions"),
    Kind.ARCHIVED: ("archived part", "archived parts"),
    Kind.DELETE_MARKER: ("delete marker", "delete markers"),
    Kind.MISSING: ("missing trail", "missing trails"),
    Kind.STALE: ("stale end", "stale ends"),
    Kind.NO_REMOVE: ("missing removal", "missing removals"),
    Kind.REPAIR: ("repair", "repairs"),
    Kind.LATE: ("late record", "late records"),
    Kind.DUPLICATE: ("duplicate", "duplicates"),
    Kind.DOUBTFUL: ("doubtful record", "doubtful records"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """A change with its record, what it changed, and the findings about it."""

    change: Change
    record: AuditRecord
    differences: list[Difference]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakRow:
    """A place between two changes, or at the end, with what must have changed there as far as it is known."""

    finding: Finding
    differences: list[Difference]


@dataclass(frozen=True, slots=True, kw_only=True)
class OmittedRow:
    """Changes that are not shown."""

    count: int


Row = ChangeRow | BreakRow | OmittedRow

# Reads the records of changes, such as TrailReader.records.
Records = Callable[[Trail, Iterable[Change]], Iterator[tuple[Change, AuditRecord]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From `since` on, up to and with `until`; None is without a limit."""

    since: datetime | None = None
    until: datetime | None = None

    def __contains__(self, moment: datetime) -> bool:
        return (self.since is None or moment >= self.since) and (self.until is None or moment <= self.until)

    @property
    def is_limited(self) -> bool:
        return self.since is not None or self.until is not None


def moment(change: Change) -> tuple[datetime, bool]:
    """When a change was made, and whether that is known; if not, it is when it was recorded."""
    link = change.link
    if link.changed_at is not None:
        return link.changed_at, True
    return link.recorded_at or link.version.written_at, False


def selected(trail: Trail, *, period: Period, everything: bool) -> list[Change]:
    """The changes to show: of many only the first, the last and those where the chain breaks."""
    changes = [change for change in trail.chain.changes if moment(change)[0] in period]
    if everything or len(changes) <= 2 * SHOWN_AT_EACH_END + 1:
        return changes
    between = changes[SHOWN_AT_EACH_END:-SHOWN_AT_EACH_END]
    breaks = [finding.number for finding in trail.chain.findings if finding.severity is Severity.BREAKS]
    numbers = {number - step for number in breaks if number is not None for step in (0, 1)}
    shown = [change for change in between if change.number in numbers][: 2 * SHOWN_BREAKS]
    return [*changes[:SHOWN_AT_EACH_END], *shown, *changes[-SHOWN_AT_EACH_END:]]


def rows(records: Records, trail: Trail, changes: Iterable[Change]) -> Iterator[Row]:
    """The rows of these changes, and of what stands between them; the end is there if the last change is."""
    findings: dict[int, list[Finding]] = {}
    for finding in trail.chain.findings:
        findings.setdefault(finding.number or 0, []).append(finding)
    number = 0
    image: dict[str, Any] | None = None
    for change, record in records(trail, changes):
        omitted = change.number - number - 1
        if omitted:
            yield OmittedRow(count=omitted)
        for finding in findings.get(change.number, ()):
            if finding.kind in BEFORE:
                known = [] if omitted else differences(image, record.old_image)
                yield BreakRow(finding=finding, differences=known)
        yield ChangeRow(
            change=change,
            record=record,
            differences=differences(record.old_image, record.new_image),
            findings=tuple(f for f in findings.get(change.number, ()) if f.kind not in BEFORE),
        )
        number, image = change.number, record.new_image
    last = len(trail.chain.changes)
    if number < last:
        yield OmittedRow(count=last - number)
    for finding in findings.get(last + 1, ()):
        known = [] if number < last else differences(image, trail.image)
        yield BreakRow(finding=finding, differences=known)


def misfits(trail: Trail) -> list[Finding]:
    """The findings that have no place among the changes."""
    return [finding for finding in trail.chain.findings if finding.number is None]


def summary(findings: Iterable[Finding], severity: Severity) -> str:
    """`1 gap, 2 forks`; nothing for nothing."""
    counts = Counter(finding.kind for finding in findings if finding.severity is severity)
    return ", ".join(f"{count} {_LABELS[kind][count > 1]}" for kind, count in sorted(counts.items()))


def verdict(trail: Trail) -> str:
    """One sentence that says whether the chain holds."""
    proof = trail.chain
    count = len(proof.changes)
    changes = "1 change" if count == 1 else f"{count:,} changes"
    notes = summary(proof.findings, Severity.NOTE)
    noted = f" Noted: {notes}." if notes else ""
    breaks = {finding.kind for finding in proof.findings if finding.severity is Severity.BREAKS}
    if breaks == {Kind.ARCHIVED}:
        return f"The chain is not proven: what is archived cannot be read, {changes} can.{noted}"
    if breaks:
        return f"The chain does not hold: {summary(proof.findings, Severity.BREAKS)} in {changes}.{noted}"
    end = "its removal" if proof.last_state is None else "the item as the table holds it"
    return f"The chain holds: {changes} without a gap, from the first to {end}.{noted}"


def shortened(text: str, length: int = 80) -> str:
    """Text on one line, of a long one the beginning and its length."""
    kept = printable(text[:length])
    return kept if len(text) <= length else f"{kept}… ({len(text):,} characters)"


def changed(row: ChangeRow) -> list[str]:
    """What a change did, attribute by attribute; not `updatedBy` when that is who made it."""
    by = {"S": row.record.changed_by}
    told = [d for d in row.differences if not (d.path == "updatedBy" and d.after == by)]
    return list(map(described, told or row.differences)) or ["nothing"]


def broken(row: BreakRow) -> str:
    """`gap: at least one change is missing between 3 and 4: status PAID → PACKED`."""
    finding = row.finding
    what = ", ".join(map(described, row.differences)) or ", ".join(map(printable, finding.attributes))
    return f"{finding.kind.value}: {finding.detail}{': ' if what else ''}{what}"


def span(duration: timedelta) -> str:
    """A duration in its two largest units: `0.3 s`, `3 h 12 min`, `2 d 4 h`."""
    seconds = abs(duration.total_seconds())
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days:,} d {hours} h"


def delay(record: AuditRecord) -> str:
    """How long after the change it was recorded, `+0.3 s`; nothing when that is not known."""
    if record.changed_at is None or record.recorded_at is None:
        return ""
    later = record.recorded_at - record.changed_at
    return f"{'-' if later < timedelta() else '+'}{span(later)}"


def writer(record: AuditRecord) -> str:
    """Who made a change, as far as it is known."""
    if (record.user_identity or {}).get("principalId") == "dynamodb.amazonaws.com":
        return "time to live"
    return record.changed_by or "not known"


def event(record: AuditRecord) -> str:
    """INSERT, MODIFY or REMOVE; a repair has no event."""
    return "repair" if record.reconciled else record.event_name or "?"


def item_time(timestamp: str) -> str:
    """The item's timestamp, in milliseconds, as a time: `2026-11-24 09:10:53.863Z`; else the number."""
    try:
        time = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(Decimal(timestamp)))
    except (OverflowError, ValueError):
        return timestamp
    return time.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The state of an item at a moment: that after `change`, or what was before the first (None).

    `doubt` says why the state may have been another.
    """

    change: Change | None
    doubt: str | None


def at_moment(trail: Trail, at: datetime) -> Moment:
    """The last change that was made by then, in the order of the trail."""
    changes = trail.chain.changes
    number = max((change.number for change in changes if moment(change)[0] <= at), default=0)
    change = changes[number - 1] if number else None
    doubts = [
        f"{finding.detail} (change {number + 1})" if number < len(changes) else finding.detail
        for finding in trail.chain.findings
        if finding.kind in BEFORE and finding.number == number + 1
    ]
    if number < len(changes) and not moment(changes[number])[1]:
        doubts.append(f"change {number + 1} does not say when it was made; it may have been before")
    return Moment(change=change, doubt="; ".join(doubts) or None)
