"""What the versions of one audit object prove: an item's changes in order, and what is wrong with them.

A record holds the state of the item before and after its change. So each record must start from the state
that the one before it left, the first from nothing, and the last must leave what the table holds. Nothing is
read here, and no image is kept: a state is a digest of each attribute, so 10,000 versions need little memory.
"""

import hashlib
import json
import math
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Context, Decimal
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from typing import Any, Final, NamedTuple, Self

from tools.audit.record import AuditRecord
from tools.audit.store import Unread, Version

# Between two records: DynamoDB gives the time of a change to the second.
CLOCK_TOLERANCE = timedelta(seconds=2)

# From recordedAt until S3 has the record. The function ends after 60 s; the rest is for clocks that differ.
WRITING_TIME = timedelta(minutes=15)

_DIGEST_BYTES = 16
_EXACT = Context(prec=50)
_ENCODER = json.JSONEncoder(sort_keys=True)


class Severity(StrEnum):
    """Whether a finding leaves the history unproven, or is only to be known."""

    BREAKS = "breaks"
    NOTE = "note"


class Kind(StrEnum):
    """What was found. The values are stable: scripts compare them."""

    GAP = "gap"
    NO_INSERT = "no-insert"
    FORK = "fork"
    INCONSISTENT = "inconsistent"
    MISPLACED = "misplaced"
    UNREADABLE = "unreadable"
    ARCHIVED = "archived"
    DELETE_MARKER = "delete-marker"
    MISSING = "missing"
    STALE = "stale"
    NO_REMOVE = "no-remove"
    REPAIR = "repair"
    LATE = "late"
    DUPLICATE = "duplicate"
    DOUBTFUL = "doubtful"


# Findings of these kinds stand before the change whose number they have, all others at it.
BEFORE: Final = frozenset({Kind.GAP, Kind.NO_INSERT, Kind.ARCHIVED, Kind.MISSING, Kind.STALE, Kind.NO_REMOVE})


class State(NamedTuple):
    """The digests of an item's attributes: equal for what DynamoDB takes for the same item."""

    names: tuple[str, ...]
    digests: bytes

    @classmethod
    def of(cls, canonical_image: Mapping[str, Any]) -> Self:
        """The state of an image that `record.canonical` has made comparable."""
        attributes = sorted(canonical_image.items())
        names = _shared(tuple(name for name, _ in attributes))
        return cls(names, b"".join(_digest(attribute) for _, attribute in attributes))

    def attributes(self) -> dict[str, bytes]:
        size = _DIGEST_BYTES
        return {name: self.digests[i * size : (i + 1) * size] for i, name in enumerate(self.names)}


def differing(one: State | None, other: State | None) -> tuple[str, ...]:
    """The names of the attributes that only one of the two states has, or that differ; None is no item."""
    left, right = (state.attributes() if state else {} for state in (one, other))
    return tuple(sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A version that is a record of this item, without the images."""

    version: Version
    rank: tuple[int, bool]
    event_name: str | None
    event_id: str | None
    changed_at: datetime | None
    recorded_at: datetime | None
    changed_by: str | None
    before: State | None
    after: State | None
    contradictions: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def is_repair(self) -> bool:
        return self.rank[1]

    @property
    def sequence_number(self) -> int:
        return self.rank[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """A version that is no link: it is archived, unreadable, misplaced or a delete marker."""

    kind: Kind
    version: Version
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of the item; `copies` are the versions that hold the same record once more, in S3's order."""

    number: int
    link: Link
    copies: tuple[Version, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as an undisturbed trail has it.

    `number` is that of the change that it is about; kinds in BEFORE stand before that change, after the last
    one too. It is None for what has no place among the changes. `versions` are version ids.
    """

    kind: Kind
    severity: Severity
    detail: str
    number: int | None = None
    attributes: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What the table holds: the state of the item, None when it is not there."""

    state: State | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The changes of one item in order, and the findings by their place."""

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        return not any(finding.severity is Severity.BREAKS for finding in self.findings)

    @property
    def last_state(self) -> State | None:
        """The state that the trail ends with; None after a removal, or without any record."""
        return self.changes[-1].link.after if self.changes else None


def read(version: Version, content: bytes | Unread) -> Link | Obstacle | None:
    """What a version of an audit object comes to; None when it is no longer there.

    Of a delete marker there is no content, so any will do.
    """
    if version.is_delete_marker:
        where = "the object has no current version" if version.is_current else "there are newer versions"
        return Obstacle(
            kind=Kind.DELETE_MARKER,
            version=version,
            detail=f"deleted {version.written_at:%Y-%m-%d %H:%M:%S} UTC without a version id: {where}",
        )
    if content is Unread.ABSENT:
        return None
    if content is Unread.ARCHIVED:
        detail = f"in {version.storage_class}: restore it to read it"
        return Obstacle(kind=Kind.ARCHIVED, version=version, detail=detail)
    try:
        return _link(version, AuditRecord.parse(content))
    except ValueError as error:
        return Obstacle(kind=Kind.UNREADABLE, version=version, detail=str(error))


def _link(version: Version, record: AuditRecord) -> Link | Obstacle:
    if record.key is not None and record.key != version.key:
        return Obstacle(kind=Kind.MISPLACED, version=version, detail=f"a record of {record.key}")
    old_state = record.old_state
    return Link(
        version=version,
        rank=record.rank,
        event_name=record.event_name,
        event_id=record.event_id,
        changed_at=record.changed_at,
        recorded_at=record.recorded_at,
        changed_by=record.changed_by,
        before=None if old_state is None else State.of(old_state),
        after=None if record.state is None else State.of(record.state),
        contradictions=tuple(_contradictions(record)),
        doubts=tuple(_doubts(record, version)),
    )


def prove(versions: Iterable[Link | Obstacle], *, item: Item | None = None) -> Chain:
    """Put the changes in order and check that each starts from the state that the one before it left.

    `versions` come as S3 lists them, the newest first. With `item`, the trail must end in what that says.
    """
    arrived = list(versions)[::-1]
    links = [entry for entry in arrived if isinstance(entry, Link)]
    proof = _Proof(arrivals=_Arrivals.of(arrived))
    groups = [list(group) for _, group in groupby(sorted(links, key=_rank), key=_rank)]
    for index, group in enumerate(groups):
        proof.add(group, following=groups[index + 1] if index + 1 < len(groups) else ())
    proof.end(item)
    proof.add_late(links)
    proof.add_obstacles([entry for entry in arrived if isinstance(entry, Obstacle)])
    order = sorted(proof.findings, key=lambda f: (f.number is None, f.number or 0, f.kind not in BEFORE))
    return Chain(changes=tuple(proof.changes), findings=tuple(order))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrivals:
    """The places of versions in S3's order: those of records by version id, and of what is archived."""

    records: Mapping[str, int]
    archived: Sequence[int]

    @classmethod
    def of(cls, arrived: Sequence[Link | Obstacle]) -> Self:
        places = list(enumerate(arrived))
        return cls(
            records={entry.version.version_id: place for place, entry in places if isinstance(entry, Link)},
            archived=[
                place
                for place, entry in places
                if isinstance(entry, Obstacle) and entry.kind is Kind.ARCHIVED
            ],
        )

    def archived_between(self, before: Change | None, after: Link | None) -> bool:
        """Whether S3 got something archived between two records; None is the beginning, or the end."""
        low = self.records[before.link.version.version_id] if before else -1
        high = self.records[after.version.version_id] if after else math.inf
        return bisect_right(self.archived, low) < bisect_left(self.archived, high)


@dataclass(slots=True, kw_only=True)
class _Proof:
    """The walk along the chain, one number after the other."""

    arrivals: _Arrivals
    changes: list[Change] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    state: State | None = None
    # The repairs since the last change. What arrives after a repair may go on from the state before it.
    repairs: list[Change] = field(default_factory=list)
    # Repairs before whose state the trail went on: it must come to the state that they found.
    resumed: list[Change] = field(default_factory=list)

    def add(self, group: Sequence[Link], *, following: Sequence[Link]) -> None:
        """Add the records of one number; `following` are those of the next."""
        distinct = _distinct(group)
        if group[0].is_repair:
            for records in distinct:
                self._add_change(records)
            return
        starts = [link.before for link in following]
        chosen = max(
            distinct, key=lambda records: (records[0].before == self.state, records[0].after in starts)
        )
        self._add_change(chosen)
        for records in distinct:
            if records is not chosen:
                self._find(
                    Kind.FORK,
                    f"number {group[0].sequence_number} has records that contradict each other",
                    number=len(self.changes),
                    attributes=_unlike(chosen[0], records[0]),
                    versions=[link.version for link in records],
                )

    def end(self, item: Item | None) -> None:
        """Close the chain, with what the table holds if that is known."""
        self._close_repairs(resumed=False)
        for repair in self.resumed:
            self._note_repair(repair, "not all of the changes that led to it have arrived")
            self._find(
                Kind.GAP,
                f"at least one change is missing after {repair.number}: the trail goes on from before it",
                number=repair.number + 1,
                attributes=differing(repair.link.before, repair.link.after),
            )
        if item is None or item.state == self.state:
            return
        kind, detail = self._end_mismatch(item)
        attributes = differing(self.state, item.state) if self.state and item.state else ()
        self._find(kind, detail, number=len(self.changes) + 1, attributes=attributes)

    def add_late(self, links: Sequence[Link]) -> None:
        """Note the changes whose record S3 got after that of a later change."""
        latest = (-1, False)
        late: set[str] = set()
        for link in links:
            if link.rank < latest:
                late.add(link.version.version_id)
            latest = max(latest, link.rank)
        for change in self.changes:
            if change.link.version.version_id in late:
                self._note(
                    Kind.LATE, "stored after the record of a later change: a redrive, or a late write", change
                )

    def add_obstacles(self, obstacles: Sequence[Obstacle]) -> None:
        """Name the versions that are not in the chain."""
        archived = [obstacle.version for obstacle in obstacles if obstacle.kind is Kind.ARCHIVED]
        if archived and all(finding.kind is not Kind.ARCHIVED for finding in self.findings):
            known = "the readable records link up" if self.changes else "no record is readable"
            self._find(
                Kind.ARCHIVED, f"{known}; what is archived has to be restored to be read", versions=archived
            )
        for obstacle in obstacles:
            harmless = obstacle.kind is Kind.DELETE_MARKER and not obstacle.version.is_current
            severity = Severity.NOTE if harmless else Severity.BREAKS
            if obstacle.kind is not Kind.ARCHIVED:
                self._find(obstacle.kind, obstacle.detail, severity=severity, versions=[obstacle.version])

    def _add_change(self, records: Sequence[Link]) -> None:
        link = records[0]
        copies = tuple(record.version for record in records[1:])
        change = Change(number=len(self.changes) + 1, link=link, copies=copies)
        resumes = any(link.before == repair.link.before for repair in self.repairs)
        if link.before != self.state and not resumes:
            self._unlinked(change)
        self.changes.append(change)
        if link.is_repair:
            self.repairs.append(change)
        else:
            self._close_repairs(resumed=link.before != self.state and resumes)
        self._meet_repairs(link)
        self.state = link.after
        for contradiction in link.contradictions:
            self._find(Kind.INCONSISTENT, contradiction, number=change.number, versions=[link.version])
        for doubt in (*link.doubts, *self._doubts_of_time(link)):
            self._note(Kind.DOUBTFUL, doubt, change)
        if copies:
            self._note(Kind.DUPLICATE, f"stored {len(records)} times: a retry, or a redrive", change)

    def _unlinked(self, change: Change) -> None:
        link = change.link
        attributes = differing(self.state, link.before) if self.changes else ()
        if self.arrivals.archived_between(self.changes[-1] if self.changes else None, link):
            kind, detail = (
                Kind.ARCHIVED,
                f"what was before change {change.number} may be in archived versions",
            )
        elif not self.changes:
            kind, detail = Kind.NO_INSERT, "the first record is not that of the item's creation"
        else:
            between = f"{change.number - 1} and {change.number}"
            kind, detail = Kind.GAP, f"at least one change is missing between {between}"
        self._find(kind, detail, number=change.number, attributes=attributes)

    def _close_repairs(self, *, resumed: bool) -> None:
        if resumed:
            self.resumed += self.repairs
        else:
            for repair in self.repairs:
                self._note_repair(repair, "what led to it is not recorded")
        self.repairs = []

    def _meet_repairs(self, link: Link) -> None:
        for repair in [repair for repair in self.resumed if repair.link.after == link.after]:
            self.resumed.remove(repair)
            self._note_repair(repair, "the changes that led to it have arrived since")

    def _note_repair(self, repair: Change, detail: str) -> None:
        self._note(Kind.REPAIR, f"written by reconcile from the table; {detail}", repair)

    def _end_mismatch(self, item: Item) -> tuple[Kind, str]:
        if self.arrivals.archived_between(self.changes[-1] if self.changes else None, None):
            return Kind.ARCHIVED, "the last changes may be in archived versions"
        if not self.changes:
            return Kind.MISSING, "the table holds the item, and there is no record of it"
        if item.state is None:
            return Kind.NO_REMOVE, "the item is gone from the table without a record of its removal"
        if self.state is None:
            return Kind.STALE, "the item was removed, and the table holds it again"
        return Kind.STALE, "the table holds another state than the one that the trail ends in"

    def _doubts_of_time(self, link: Link) -> Iterable[str]:
        previous = self.changes[-2].link.changed_at if len(self.changes) > 1 else None
        if previous and link.changed_at and link.changed_at + CLOCK_TOLERANCE < previous:
            yield "says that it was made before the change that it follows"

    def _note(self, kind: Kind, detail: str, change: Change) -> None:
        versions = [change.link.version, *change.copies]
        self._find(kind, detail, severity=Severity.NOTE, number=change.number, versions=versions)

    def _find(
        self,
        kind: Kind,
        detail: str,
        *,
        severity: Severity = Severity.BREAKS,
        number: int | None = None,
        attributes: tuple[str, ...] = (),
        versions: Iterable[Version] = (),
    ) -> None:
        self.findings.append(
            Finding(
                kind=kind,
                severity=severity,
                detail=detail,
                number=number,
                attributes=attributes,
                versions=tuple(version.version_id for version in versions),
            )
        )


def _rank(link: Link) -> tuple[int, bool]:
    return link.rank


def _distinct(group: Iterable[Link]) -> list[list[Link]]:
    """The records of one number, those that say the same together, in the order in which S3 got them."""
    distinct: list[list[Link]] = []
    for link in group:
        for records in distinct:
            if not _unlike(records[0], link):
                records.append(link)
                break
        else:
            distinct.append([link])
    return distinct


def _unlike(one: Link, other: Link) -> tuple[str, ...]:
    """What two records of one change differ in. A retry differs in recordedAt; older functions know less."""
    fields = {
        "eventId": one.event_id != other.event_id,
        "eventName": one.event_name != other.event_name,
        "changedAt": None not in (one.changed_at, other.changed_at) and one.changed_at != other.changed_at,
        "changedBy": None not in (one.changed_by, other.changed_by) and one.changed_by != other.changed_by,
    }
    images = {*differing(one.before, other.before), *differing(one.after, other.after)}
    return (*(name for name, differs in fields.items() if differs), *sorted(images))


def _contradictions(record: AuditRecord) -> Iterable[str]:
    """What the function cannot have written."""
    expected = {
        (False, True): "INSERT",
        (True, True): "MODIFY",
        (True, False): "REMOVE",
    }.get((record.old_image is not None, record.new_image is not None))
    if expected is None:
        yield "it has neither an old nor a new image"
    elif not record.reconciled and record.event_name not in (None, expected):
        yield f"it says {record.event_name} with the images of {expected}"
    for name, image in (("old", record.old_image), ("new", record.new_image)):
        keys = {"orderId": {"S": record.order_id}, "timestamp": {"N": record.timestamp}}
        if (
            image is not None
            and record.key
            and any(image.get(key, value) != value for key, value in keys.items())
        ):
            yield f"its {name} image is that of another item"


def _doubts(record: AuditRecord, version: Version) -> Iterable[str]:
    """What the function does not write by itself, though a copy of the object may have it."""
    recorded_at = record.recorded_at
    if recorded_at and record.changed_at and recorded_at + CLOCK_TOLERANCE < record.changed_at:
        yield "says that it was recorded before the change was made"
    if recorded_at and version.written_at - recorded_at > WRITING_TIME:
        yield f"says that it was recorded at {recorded_at:%Y-%m-%d %H:%M:%S} UTC; S3 got it long after that"
    if record.event_name == "MODIFY" and record.old_image == record.new_image:
        yield "changes nothing, and DynamoDB makes no record of that"


@lru_cache(maxsize=1_000)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """One tuple for equal ones, since the states of an item nearly all have the same attributes."""
    return tuple(map(sys.intern, names))


def _digest(attribute: tuple[str, Any]) -> bytes:
    kind, value = attribute
    # JSON starts with a bracket here, so the two forms cannot meet.
    text = f"{kind} {value}" if kind in ("S", "B") else _ENCODER.encode(_plain(attribute))
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=_DIGEST_BYTES).digest()


def _plain(attribute: tuple[str, Any]) -> list[object]:
    """A canonical attribute as JSON that is equal for equal ones."""
    kind, value = attribute
    match kind:
        case "N":
            return [kind, _number(value)]
        case "NS":
            return [kind, sorted(map(_number, value))]
        case "SS" | "BS":
            return [kind, sorted(value)]
        case "L":
            return [kind, [_plain(member) for member in value]]
        case "M":
            return [kind, {name: _plain(member) for name, member in value.items()}]
        case _:
            return [kind, value]


def _number(value: Decimal) -> str:
    return str(value.normalize(_EXACT)) if value else "0"
