"""Read what the audit bucket and the table hold of one order, and prove it."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from tools.audit import chain
from tools.audit.chain import Chain, Change, Item, Kind, Link, Obstacle, State
from tools.audit.deployment import Deployment
from tools.audit.difference import printable
from tools.audit.record import AuditRecord, audit_key, canonical, typed_json
from tools.audit.store import AuditStore, Content, Version

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Seconds before each new look at a trail that does not end as the table has it: a record is normally there
# within a second or two of the change.
PAUSES = (1.0, 3.0)

PROGRESS_SECONDS = 5

# Records of an order that are kept for showing them; what is more is read once more.
_KEPT_BYTES = 64 * 1024 * 1024

_CLIENT = Config(retries={"mode": "standard", "total_max_attempts": 8})

# A change may be made between the reading of the table and of the trail; these may be no more than that.
_PASSING = (Kind.MISSING, Kind.STALE, Kind.NO_REMOVE)


@dataclass(kw_only=True)
class Trail:
    """All that is known of one item.

    `versions` come in the order in which S3 got them, markers too. `image` is the item in the table, None if
    it is not there. `sha256` has the digest of each version that was read, by version id.
    """

    order_id: str
    timestamp: str
    key: str
    image: dict[str, Any] | None
    versions: Sequence[Version]
    sha256: dict[str, str]
    chain: Chain


class NoSuchOrder(Exception):
    """Neither the table nor the audit bucket knows the order."""


class TrailChanged(Exception):
    """A version that was there has gone meanwhile. The message names it."""


@dataclass(kw_only=True)
class _Read:
    """What was read of one object, the newest version first."""

    versions: list[Version] = field(default_factory=list)
    entries: list[Link | Obstacle] = field(default_factory=list)
    sha256: dict[str, str] = field(default_factory=dict)


class TrailReader:
    """The audit bucket and the table of one deployment. Methods raise what boto3 raises when AWS refuses."""

    def __init__(
        self, deployment: Deployment, *, say: Callable[[str], None], pauses: Sequence[float] = PAUSES
    ) -> None:
        self._deployment = deployment
        self._dynamodb: DynamoDBClient = boto3.client(
            "dynamodb", region_name=deployment.region, config=_CLIENT
        )
        self._store = AuditStore(deployment.audit_bucket, region=deployment.region)
        self._say = say
        self._pauses = pauses
        self._kept: dict[tuple[str, str], bytes] = {}
        self._room = 0

    def trails(self, order_id: str, *, timestamp: Decimal | None = None) -> list[Trail]:
        """The trails of an order's items by timestamp, or of the one item with this timestamp.

        Raises NoSuchOrder when there is nothing, neither in the table nor in the bucket.
        """
        self._kept.clear()
        self._room = _KEPT_BYTES
        # The table first: a trail that is read after it has no less than the table.
        images = self._images(order_id)
        prefix = audit_key(order_id, "").removesuffix(".json")
        read = self._read(self._store.versions(prefix))
        items = {audit_key(order_id, number): number for number in images}
        for key in read:
            items.setdefault(key, key.removeprefix(prefix).removesuffix(".json"))
        trails = [
            self._settled(order_id, number, key, images.get(number), read.get(key, _Read()))
            for key, number in items.items()
            if (value := _number(number)) is not None and timestamp in (None, value)
        ]
        for key, number in items.items():
            if _number(number) is None:
                self._say(f"no audit object, left out: {printable(key)}")
        if not trails:
            raise NoSuchOrder
        return sorted(trails, key=lambda trail: Decimal(trail.timestamp))

    def records(self, trail: Trail, changes: Iterable[Change]) -> Iterator[tuple[Change, AuditRecord]]:
        """The records of these changes, read again where they are not at hand."""
        wanted = list(changes)
        missing = [
            change.link.version
            for change in wanted
            if (trail.key, change.link.version.version_id) not in self._kept
        ]
        again = self._store.read_many(missing)
        for change in wanted:
            body = self._kept.get((trail.key, change.link.version.version_id))
            content: Content = body if body is not None else next(again)[1]
            if not isinstance(content, bytes):
                raise TrailChanged(f"{trail.key}: version {change.link.version.version_id} has gone")
            yield change, AuditRecord.parse(content)

    def _images(self, order_id: str) -> dict[str, dict[str, Any]]:
        """The order's items in the table, by timestamp."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._deployment.table,
            ConsistentRead=True,
            KeyConditionExpression="orderId = :id",
            ExpressionAttributeValues={":id": {"S": order_id}},
        )
        return {item["timestamp"]["N"]: typed_json(item) for page in pages for item in page["Items"]}

    def _image(self, order_id: str, timestamp: str) -> dict[str, Any] | None:
        answer = self._dynamodb.get_item(
            TableName=self._deployment.table,
            Key={"orderId": {"S": order_id}, "timestamp": {"N": timestamp}},
            ConsistentRead=True,
        )
        return typed_json(answer["Item"]) if "Item" in answer else None

    def _read(self, versions: Iterable[Version]) -> dict[str, _Read]:
        """What these versions hold, by key."""
        read: dict[str, _Read] = {}
        due = time.monotonic() + PROGRESS_SECONDS
        for count, (version, content) in enumerate(self._store.read_many(versions), 1):
            of_key = read.setdefault(version.key, _Read())
            if (entry := chain.read(version, content)) is not None:
                of_key.versions.append(version)
                of_key.entries.append(entry)
            if isinstance(content, bytes):
                of_key.sha256[version.version_id] = hashlib.sha256(content).hexdigest()
                self._keep(version, content)
            if time.monotonic() > due:
                self._say(f"read {count:,} versions")
                due = time.monotonic() + PROGRESS_SECONDS
        return read

    def _keep(self, version: Version, content: bytes) -> None:
        if len(content) <= self._room:
            self._room -= len(content)
            self._kept[version.key, version.version_id] = content

    def _settled(
        self, order_id: str, timestamp: str, key: str, image: dict[str, Any] | None, read: _Read
    ) -> Trail:
        """The trail, once it ends as the table has it, or its record of that has had its time to come."""
        proof = chain.prove(read.entries, item=_item(image))
        awaited: list[State | None] = []
        for pause in self._pauses:
            if not any(finding.kind in _PASSING for finding in proof.findings):
                break
            self._say(f"{printable(key)}: not (yet) what the table holds; looking again in {pause:.0f} s")
            time.sleep(pause)
            awaited.append(_item(image).state)
            image = self._image(order_id, timestamp)
            known = {version.version_id for version in read.versions}
            unknown = (v for v in self._store.versions_of(key) if v.version_id not in known)
            new = self._read(unknown).get(key, _Read())
            read.versions[:0], read.entries[:0] = new.versions, new.entries
            read.sha256 |= new.sha256
            if any(isinstance(entry, Link) and entry.after in awaited for entry in new.entries):
                # The record of what the table held has come, though the item may have changed again since.
                proof = chain.prove(read.entries)
                break
            proof = chain.prove(read.entries, item=_item(image))
        return Trail(
            order_id=order_id,
            timestamp=timestamp,
            key=key,
            image=image,
            versions=read.versions[::-1],
            sha256=read.sha256,
            chain=proof,
        )


def _item(image: dict[str, Any] | None) -> Item:
    return Item(state=None if image is None else State.of(canonical(image)))


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
