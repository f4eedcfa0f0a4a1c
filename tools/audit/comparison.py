"""Compare order items with their trails, both ways; what differs is looked at again before it is a finding.

From the table: the newest record in an item's object has the state that the table holds. From the bucket: an
object whose item is gone ends with the record of its removal. And within an object: the records link up.

Nearly always the object's current version decides, which takes one GetObject; only where it does not are all
versions read.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final, Self

from botocore.exceptions import ClientError

from tools.audit import chain
from tools.audit.chain import Chain, Kind, Severity
from tools.audit.record import AuditRecord, audit_key, canonical, item_of_key
from tools.audit.store import AuditStore, Content, Unread, Version
from tools.audit.table import Image, OrdersTable

# Seconds before each new look at a suspect. A record is normally there within a second or two of the change.
PAUSES: Final = (1.0, 3.0, 9.0)

# Objects with a broken chain that are looked at again together.
_OBJECTS_AT_A_TIME = 100

# What a chain says of the version that a comparison with the table has named already.
_OF_CURRENT_VERSION = frozenset({Kind.UNREADABLE, Kind.MISPLACED, Kind.ARCHIVED})


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the audit trail does not prove of an order item.

    `order_id` and `timestamp` are None for an object that names no item. `repaired` says that a record of the
    item's state was written.
    """

    problem: Kind
    order_id: str | None
    timestamp: str | None
    key: str
    detail: str
    repaired: bool = False


@dataclass(frozen=True, kw_only=True)
class _Item:
    """An item's key, and that of its audit object."""

    order_id: str
    timestamp: str
    key: str

    def finding(self, problem: Kind, detail: str) -> Finding:
        return Finding(
            problem=problem,
            order_id=self.order_id,
            timestamp=self.timestamp,
            key=self.key,
            detail=detail,
        )


@dataclass(frozen=True, kw_only=True)
class _Trail:
    """What the versions of an audit object come to; `obstacle` is why the current one is no record of it."""

    newest: AuditRecord | None
    current_etag: str | None
    obstacle: tuple[Kind, str] | None
    version_count: int
    has_awaited: bool

    def ends_with(self, state: Mapping[str, Any] | None) -> bool:
        return self.is_readable and self.newest is not None and self.newest.state == state

    @property
    def is_readable(self) -> bool:
        return self.current_etag is not None and self.obstacle is None


@dataclass(frozen=True, kw_only=True)
class _Suspect:
    """An item that its trail does not end with; `image` and `state` are None if it is gone.

    It was read after the trail, so its record sorts later.
    """

    item: _Item
    image: Image | None
    state: Mapping[str, Any] | None
    trail: _Trail

    def is_recorded_by(self, record: AuditRecord) -> bool:
        known = self.trail.newest
        return record.state == self.state and (known is None or record.rank > known.rank)

    def finding(self) -> Finding:
        trail, newest, versions = self.trail, self.trail.newest, f"versions: {self.trail.version_count}"
        if trail.current_etag is None:
            hidden = f"hidden by a delete marker ({versions})" if trail.version_count else "no version"
            if self.state is None:
                return self.item.finding(Kind.DELETE_MARKER, f"deleted during the run: {hidden}")
            return self.item.finding(Kind.MISSING, hidden if trail.version_count else "never written")
        if trail.obstacle or newest is None:
            problem, reason = trail.obstacle or (Kind.UNREADABLE, "no version is an audit record")
            return self.item.finding(problem, f"{reason} ({versions})")
        if self.state is None:
            detail = f"the item is gone, the newest record, {newest.sequence_number}, has it ({versions})"
            return self.item.finding(Kind.NO_REMOVE, detail)
        detail = f"the newest record, {newest.sequence_number}, has another state ({versions})"
        return self.item.finding(Kind.STALE, detail)


@dataclass(frozen=True, kw_only=True)
class _Proof:
    """What the versions of an object prove, and which of them is the current one, or a delete marker."""

    proven: Chain
    current: Version | None

    @classmethod
    def of(cls, contents: Iterable[tuple[Version, Content]]) -> Self:
        links = []
        current: Version | None = None
        for version, content in contents:
            current = version if version.is_current else current
            if link := chain.read(version, content):
                links.append(link)
        return cls(proven=chain.prove(links), current=current)

    @property
    def findings(self) -> list[chain.Finding]:
        """What breaks the chain, less what the comparison with the table says of the current version."""
        return [
            finding
            for finding in self.proven.findings
            if finding.severity is Severity.BREAKS
            and not (
                finding.kind in _OF_CURRENT_VERSION
                and self.current
                and self.current.version_id in finding.versions
            )
        ]

    @property
    def ends_with_current(self) -> bool:
        """Whether the last change is the current version, which is all that the comparison looks at."""
        if not self.proven.changes or not self.current:
            return True
        last = self.proven.changes[-1]
        return self.current.version_id in [
            version.version_id for version in (last.link.version, *last.copies)
        ]


class Comparison:
    """Compares; its methods may be called from several threads.

    `report` gets each finding once it is certain, from one thread at a time. `counts` says how many `items`
    of the table, `objects` of the bucket and `versions` have been looked at. After `stop()` everything under
    way ends with CancelledError.
    """

    def __init__(
        self,
        *,
        store: AuditStore,
        table: OrdersTable,
        repair: bool,
        report: Callable[[Finding], None],
        pauses: Iterable[float] = PAUSES,
    ) -> None:
        self._store = store
        self._table = table
        self._repairs = repair
        self._report = report
        self._pauses = pauses
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.counts = Counter({"items": 0, "objects": 0, "versions": 0})

    def stop(self) -> None:
        """End what is under way in other threads as soon as can be."""
        self._stopped.set()

    def items(self, items: Sequence[Image]) -> None:
        """Compare items of the table with what the trail says of them."""
        suspects = list(filter(None, map(self._suspect_of_item, items)))
        self._count("items", len(items))
        self._settle(suspects)

    def objects(self, keys: Sequence[str]) -> None:
        """See that each object's item is in the table, where it is compared, or its removal recorded."""
        self._raise_if_stopped()
        named = [item for key in keys if (item := self._item_of(key))]
        there = self._table.holds([(item.order_id, item.timestamp) for item in named], wait=self._wait)
        gone = [item for item in named if (item.order_id, item.timestamp) not in there]
        suspects = list(filter(None, map(self._suspect_of_object, gone)))
        self._count("objects", len(keys))
        self._settle(suspects)

    def chains(self, versions: Iterable[Version]) -> None:
        """Prove the chain of each object; of an object `versions` has all, in S3's order."""
        broken: list[str] = []
        disordered: list[str] = []
        for key, contents in groupby(self._store.read_many(versions), key=lambda read: read[0].key):
            if not item_of_key(key):
                continue
            proof = _Proof.of(self._counted(contents))
            if self._findings(key, proof):
                broken.append(key)
            if not proof.ends_with_current:
                disordered.append(key)
            if len(broken) + len(disordered) >= _OBJECTS_AT_A_TIME:
                self._settle_chains(broken, disordered)
                broken, disordered = [], []
        self._settle_chains(broken, disordered)

    def _suspect_of_item(self, image: Image) -> _Suspect | None:
        order_id, timestamp = image["orderId"]["S"], image["timestamp"]["N"]
        item = _Item(order_id=order_id, timestamp=timestamp, key=audit_key(order_id, timestamp))
        return self._suspect(item, scanned=image)

    def _suspect_of_object(self, item: _Item) -> _Suspect | None:
        return self._suspect(item, scanned=None)

    def _suspect(self, item: _Item, *, scanned: Image | None) -> _Suspect | None:
        """None if the trail ends with the item as scanned (None: it is gone), or if that has changed."""
        self._raise_if_stopped()
        content = self._store.read(item.key)
        if content is Unread.ARCHIVED:
            self._tell(item.finding(Kind.ARCHIVED, "in Glacier: restore the object to compare it"))
            return None
        if isinstance(content, bytes) and _is_recorded(scanned, content, item.key):
            return None
        suspect = self._suspect_of_trail(item)
        return suspect if suspect and (suspect.image is None) is (scanned is None) else None

    def _suspect_of_trail(self, item: _Item) -> _Suspect | None:
        """None if the trail ends with the item as it is now."""
        trail = self._trail(item)
        image = self._table.item(item.order_id, item.timestamp)
        state = None if image is None else canonical(image)
        return None if trail.ends_with(state) else _Suspect(item=item, image=image, state=state, trail=trail)

    def _settle(self, suspects: Sequence[_Suspect]) -> None:
        """Look at suspects again, together; report what is still not recorded, repaired if it is to be."""
        for pause in self._pauses if suspects else ():
            self._wait(pause)
            suspects = [suspect for suspect in suspects if not self._is_recorded_by_now(suspect)]
        for suspect in suspects:
            finding = suspect.finding()
            self._tell(self._repaired(finding, suspect) if self._repairs else finding)

    def _is_recorded_by_now(self, suspect: _Suspect) -> bool:
        trail = self._trail(suspect.item, awaited_by=suspect)
        return trail.ends_with(suspect.state) or (trail.is_readable and trail.has_awaited)

    def _trail(self, item: _Item, *, awaited_by: _Suspect | None = None) -> _Trail:
        newest: AuditRecord | None = None
        current_etag: str | None = None
        obstacle: tuple[Kind, str] | None = None
        has_awaited = False
        version_count = 0
        for version, content in self._store.read_many(self._store.versions_of(item.key)):
            self._raise_if_stopped()
            if version.is_delete_marker:
                continue
            version_count += 1
            record = _record(content, item.key)
            if version.is_current:
                current_etag = version.etag
                obstacle = None if isinstance(record, AuditRecord) else record
            if not isinstance(record, AuditRecord):
                continue
            # Of equal ranks the first listed stays: it is the one that S3 got last.
            if newest is None or record.rank > newest.rank:
                newest = record
            has_awaited |= awaited_by is not None and awaited_by.is_recorded_by(record)
        return _Trail(
            newest=newest,
            current_etag=current_etag,
            obstacle=obstacle,
            version_count=version_count,
            has_awaited=has_awaited,
        )

    def _item_of(self, key: str) -> _Item | None:
        """The item that an object is of. An object of no item is reported here."""
        order_id, timestamp = self._names_of(key)
        if timestamp is not None and order_id is not None:
            return _Item(order_id=order_id, timestamp=timestamp, key=key)
        if timestamp is None:
            detail = "not an audit object: the function writes no such key"
        else:
            detail = "the key holds a hash of the order's id, and no version is an audit record"
        self._tell(
            Finding(problem=Kind.UNREADABLE, order_id=None, timestamp=timestamp, key=key, detail=detail)
        )
        return None

    def _names_of(self, key: str) -> tuple[str | None, str | None]:
        """The order id and the timestamp of an object's item, from its records where the key has a hash."""
        order_id, timestamp = item_of_key(key) or (None, None)
        if timestamp is None or order_id is not None:
            return order_id, timestamp
        for _, content in self._store.read_many(self._store.versions_of(key)):
            record = _record(content, key)
            if isinstance(record, AuditRecord) and record.key == key:
                return record.order_id, timestamp
        return None, timestamp

    def _counted(self, contents: Iterable[tuple[Version, Content]]) -> Iterator[tuple[Version, Content]]:
        for read in contents:
            self._raise_if_stopped()
            self._count("versions", 1)
            yield read

    def _findings(self, key: str, proof: "_Proof") -> list[Finding]:
        """What breaks an object's chain, less what the comparison says of its current version."""
        findings = proof.findings
        if not findings:
            return []
        order_id, timestamp = self._names_of(key)
        hidden = proof.current and proof.current.is_delete_marker
        if hidden and order_id and timestamp and self._table.item(order_id, timestamp):
            findings = [finding for finding in findings if finding.kind is not Kind.DELETE_MARKER]
        return [
            Finding(
                problem=finding.kind,
                order_id=order_id,
                timestamp=timestamp,
                key=key,
                detail=_detail(finding),
            )
            for finding in findings
        ]

    def _settle_chains(self, broken: Sequence[str], disordered: Sequence[str]) -> None:
        """Look at broken chains again, together; compare those whose current version is not their end."""
        self._settle(list(filter(None, map(self._suspect_in_depth, disordered))))
        findings: dict[str, list[Finding]] = {key: [] for key in broken}
        for pause in self._pauses if broken else ():
            self._wait(pause)
            proofs = {key: _Proof.of(self._store.read_many(self._store.versions_of(key))) for key in findings}
            findings = {key: still for key, proof in proofs.items() if (still := self._findings(key, proof))}
        for finding in [finding for of_object in findings.values() for finding in of_object]:
            self._tell(finding)

    def _suspect_in_depth(self, key: str) -> _Suspect | None:
        """An item whose state the current version has, but not the newest record of the trail."""
        order_id, timestamp = self._names_of(key)
        if order_id is None or timestamp is None:
            return None
        item = _Item(order_id=order_id, timestamp=timestamp, key=key)
        content = self._store.read(key)
        suspect = self._suspect_of_trail(item)
        # What the current version does not have either, the walk through table or bucket finds.
        if suspect and isinstance(content, bytes) and _is_recorded(suspect.image, content, key):
            return suspect
        return None

    def _repaired(self, finding: Finding, suspect: _Suspect) -> Finding:
        """Write a record that sorts right after the newest known one, so before every record still to come.

        It is written only if the object is as it was when the finding was made.
        """
        newest, etag = suspect.trail.newest, suspect.trail.current_etag
        if suspect.image is None and (etag is None or newest is None or newest.new_image is None):
            return finding
        unchanged: dict[str, Any] = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        record = {
            "orderId": finding.order_id,
            "timestamp": finding.timestamp,
            "eventName": None,
            "eventId": None,
            "sequenceNumber": newest.sequence_number if newest else "0",
            "changedAt": None,
            "recordedAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "changedBy": None,
            "userIdentity": None,
            "oldImage": newest.new_image if newest else None,
            "newImage": suspect.image,
            "reconciled": True,
        }
        try:
            self._store.s3.put_object(
                Bucket=self._store.bucket,
                Key=finding.key,
                Body=json.dumps(record, ensure_ascii=False).encode(),
                ContentType="application/json",
                **unchanged,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in (
                "PreconditionFailed",
                "ConditionalRequestConflict",
                "NoSuchKey",
            ):
                raise
            return replace(finding, detail="the object changed during the repair: run it again")
        return replace(finding, repaired=True)

    def _tell(self, finding: Finding) -> None:
        with self._lock:
            self._raise_if_stopped()
            self._report(finding)

    def _count(self, what: str, number: int) -> None:
        with self._lock:
            self.counts[what] += number

    def _wait(self, seconds: float) -> None:
        self._stopped.wait(seconds)
        self._raise_if_stopped()

    def _raise_if_stopped(self) -> None:
        if self._stopped.is_set():
            raise CancelledError


def _is_recorded(image: Image | None, content: bytes, key: str) -> bool:
    """Whether a version is the record of an item's state; a removed item's state is None."""
    record = _record(content, key)
    if not isinstance(record, AuditRecord):
        return False
    return record.new_image == image or (image is not None and record.state == canonical(image))


def _record(content: Content, key: str) -> AuditRecord | tuple[Kind, str]:
    """A version's record, or why it is none of the item that the object is of."""
    if not isinstance(content, bytes):
        return Kind.ARCHIVED, "in Glacier: restore the object to compare it"
    try:
        record = AuditRecord.parse(content)
    except ValueError:
        return Kind.UNREADABLE, "the current version is no audit record"
    if record.key not in (None, key):
        return Kind.MISPLACED, f"the current version is a record of {record.key}"
    return record


def _detail(finding: chain.Finding) -> str:
    place = "" if finding.number is None else f"change {finding.number}: "
    attributes = f" ({', '.join(finding.attributes)})" if finding.attributes else ""
    return f"{place}{finding.detail}{attributes}"
