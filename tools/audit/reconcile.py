"""Prove that the audit trail holds the current state of every order item, and repair it where it does not.

The history of an item is all versions of its audit object, by `sequenceNumber`. Nearly always the object's
current version equals the item, which takes one GetObject; only where it does not are all versions read.
"""

import argparse
import json
import multiprocessing
import os
import queue
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from typing import TYPE_CHECKING, Any

from tools.audit.deployment import Deployment, Exit
from tools.audit.record import AuditRecord, audit_key, canonical, typed_json

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

PROBLEMS = ("missing", "stale", "unreadable", "archived")

# boto3 gets about 600 objects a second into one process; S3 gives 5,500 a second for a prefix.
PROCESSES = min(8, os.cpu_count() or 1)
THREADS = 16

# More segments than threads, so that a large one does not keep one thread busy at the end while others idle.
SEGMENTS = PROCESSES * THREADS * 4

# The items that a thread holds at a time; the suspects among them are looked at again together.
PAGE_ITEMS = 250

# Seconds before each new look at a suspect. A record is normally there within a second or two of the change.
PAUSES = (1.0, 3.0, 9.0)

PROGRESS_SECONDS = 5

_ROW = "{:10}  {:8}  {:14}  {}".format

_CLIENT = Config(max_pool_connections=THREADS, retries={"mode": "standard", "total_max_attempts": 8})


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An order item whose current state the audit trail does not prove.

    `problem` is `missing` (the object has no current version), `stale` (the newest record has another state),
    `unreadable` (the current version is no audit record) or `archived` (the current version is in Glacier;
    it has to be restored to be read, and is never repaired).
    """

    problem: str
    order_id: str
    timestamp: str
    key: str
    detail: str
    repaired: bool = False


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a walk through the table came to; `problems` counts the findings of each kind."""

    items: int
    problems: Mapping[str, int]
    repaired: int
    seconds: float

    @property
    def is_complete(self) -> bool:
        return sum(self.problems.values()) == self.repaired


@dataclass(frozen=True, kw_only=True)
class _Trail:
    """What the versions of an audit object come to."""

    newest: AuditRecord | None
    current_etag: str | None
    current_is_record: bool
    version_count: int
    has_awaited: bool

    def ends_with(self, state: Mapping[str, Any]) -> bool:
        return self.current_is_record and self.newest is not None and self.newest.state == state


@dataclass(frozen=True, kw_only=True)
class _Suspect:
    """An item that its trail does not end with. It was read after the trail, so its record sorts later."""

    key: str
    item: Mapping[str, Any]
    state: Mapping[str, Any]
    trail: _Trail

    def is_recorded_by(self, record: AuditRecord) -> bool:
        known = self.trail.newest
        return record.state == self.state and (known is None or record.rank > known.rank)

    def finding(self) -> Finding:
        newest, versions = self.trail.newest, f"versions: {self.trail.version_count}"
        if self.trail.current_etag is None:
            problem = "missing"
            detail = (
                f"hidden by a delete marker ({versions})" if self.trail.version_count else "never written"
            )
        elif not self.trail.current_is_record or newest is None:
            problem, detail = "unreadable", f"the current version is no audit record ({versions})"
        else:
            problem = "stale"
            detail = f"the newest record, {newest.sequence_number}, has another state ({versions})"
        return _finding(problem, self.key, self.item, detail)


def reconcile(
    deployment: Deployment, *, repair: bool, report: Callable[[Finding], None], say: Callable[[str], None]
) -> Summary:
    """Walk the table and report each finding once it is certain; `say` gets a line of progress now and then.

    Memory grows neither with the table nor with the findings. Raises what boto3 raises when AWS refuses, and
    ChildProcessError when a worker process was ended.
    """
    started = time.monotonic()
    client = boto3.client("dynamodb", region_name=deployment.region)
    item_count = client.describe_table(TableName=deployment.table)["Table"]["ItemCount"]
    items = repaired = 0
    problems = Counter(dict.fromkeys(PROBLEMS, 0))
    due = started + PROGRESS_SECONDS
    for message in _walk_in_processes(deployment, repair=repair):
        if isinstance(message, Finding):
            problems[message.problem] += 1
            repaired += message.repaired
            report(message)
        else:
            items += message
        if (now := time.monotonic()) > due:
            rate = items / (now - started)
            say(f"{items} of about {item_count} items, {rate:.0f}/s, {problems.total()} findings")
            due = now + PROGRESS_SECONDS
    return Summary(
        items=items, problems=dict(problems), repaired=repaired, seconds=time.monotonic() - started
    )


def walk(
    deployment: Deployment,
    segments: Iterable[int],
    *,
    repair: bool,
    tell: Callable[[Finding | int], None],
    pauses: Iterable[float] = PAUSES,
) -> None:
    """Check the items of these segments; `tell` gets each finding, and the number of items of each page."""
    walker = _Walker(deployment, repair=repair, tell=tell, pauses=pauses)
    with ThreadPoolExecutor(THREADS) as threads:
        try:
            for done in as_completed([threads.submit(walker.segment, number) for number in segments]):
                done.result()
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def _walk_in_processes(deployment: Deployment, *, repair: bool) -> Iterator[Finding | int]:
    context = multiprocessing.get_context("spawn")
    # Bounded: a slow reader of the findings slows the walk down instead of filling the memory.
    messages: Queue[Finding | int | Exception | None] = context.Queue(maxsize=1_000)
    workers = [
        context.Process(
            target=_work, args=(deployment, range(first, SEGMENTS, PROCESSES), repair, messages), daemon=True
        )
        for first in range(PROCESSES)
    ]
    try:
        # Ctrl-C reaches every process of the terminal; the workers inherit that they do not see it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        for worker in workers:
            worker.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        working = len(workers)
        while working:
            try:
                message = messages.get(timeout=PROGRESS_SECONDS)
            except queue.Empty:
                if any(worker.exitcode for worker in workers):
                    raise ChildProcessError("a worker process was ended") from None
                continue
            if isinstance(message, Exception):
                raise message
            if message is None:
                working -= 1
            else:
                yield message
    finally:
        # A repair is one PutObject, so a worker can end at any moment.
        for worker in workers:
            worker.terminate()
            worker.join()


def _work(
    deployment: Deployment,
    segments: Iterable[int],
    repair: bool,
    messages: "Queue[Finding | int | Exception | None]",
) -> None:
    parent = multiprocessing.parent_process()

    def tell(message: Finding | int) -> None:
        # Nobody ends the workers of a process that was killed.
        if parent and not parent.is_alive():
            os._exit(1)
        messages.put(message)

    try:
        walk(deployment, segments, repair=repair, tell=tell)
    except Exception as error:
        messages.put(error)
    else:
        messages.put(None)


class _Walker:
    """What the threads of one process do."""

    def __init__(
        self,
        deployment: Deployment,
        *,
        repair: bool,
        tell: Callable[[Finding | int], None],
        pauses: Iterable[float],
    ) -> None:
        self._dynamodb: DynamoDBClient = boto3.client(
            "dynamodb", region_name=deployment.region, config=_CLIENT
        )
        self._s3: S3Client = boto3.client("s3", region_name=deployment.region, config=_CLIENT)
        self._table = deployment.table
        self._bucket = deployment.audit_bucket
        self._repairs = repair
        self._tell = tell
        self._pauses = pauses

    def segment(self, number: int) -> None:
        """Check the items of one segment of the table."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            ConsistentRead=True,
            Segment=number,
            TotalSegments=SEGMENTS,
            PaginationConfig={"PageSize": PAGE_ITEMS},
        )
        for page in pages:
            suspects = [suspect for item in page["Items"] if (suspect := self._suspect(item))]
            for suspect in self._still_unrecorded(suspects):
                finding = suspect.finding()
                self._tell(self._repaired(finding, suspect) if self._repairs else finding)
            self._tell(len(page["Items"]))

    def _suspect(self, item: Mapping[str, Any]) -> _Suspect | None:
        key = audit_key(item["orderId"]["S"], item["timestamp"]["N"])
        try:
            current = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            if AuditRecord.parse(current).state == canonical(typed_json(item)):
                return None
        except self._s3.exceptions.InvalidObjectState:
            self._tell(_finding("archived", key, item, "in Glacier: restore the object to compare it"))
            return None
        except (self._s3.exceptions.NoSuchKey, ValueError):
            pass
        trail = self._trail(key)
        answer = self._dynamodb.get_item(
            TableName=self._table,
            Key={name: item[name] for name in ("orderId", "timestamp")},
            ConsistentRead=True,
        )
        if "Item" not in answer:
            return None
        image = typed_json(answer["Item"])
        state = canonical(image)
        return None if trail.ends_with(state) else _Suspect(key=key, item=image, state=state, trail=trail)

    def _still_unrecorded(self, suspects: list[_Suspect]) -> list[_Suspect]:
        if suspects:
            for pause in self._pauses:
                time.sleep(pause)
                suspects = [suspect for suspect in suspects if not self._is_recorded_by_now(suspect)]
        return suspects

    def _is_recorded_by_now(self, suspect: _Suspect) -> bool:
        trail = self._trail(suspect.key, awaited_by=suspect)
        return trail.ends_with(suspect.state) or (trail.current_is_record and trail.has_awaited)

    def _trail(self, key: str, *, awaited_by: _Suspect | None = None) -> _Trail:
        newest: AuditRecord | None = None
        current_etag: str | None = None
        current_is_record = has_awaited = False
        version_count = 0
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=key):
            for version in page.get("Versions", []):
                if version["Key"] != key:
                    continue
                version_count += 1
                try:
                    answer = self._s3.get_object(Bucket=self._bucket, Key=key, VersionId=version["VersionId"])
                    record: AuditRecord | None = AuditRecord.parse(answer["Body"].read())
                except (ValueError, self._s3.exceptions.InvalidObjectState):
                    record = None
                if version["IsLatest"]:
                    current_etag, current_is_record = version["ETag"], record is not None
                if record is None:
                    continue
                # Of equal ranks the first listed stays: it is the one that S3 got last.
                if newest is None or record.rank > newest.rank:
                    newest = record
                has_awaited |= awaited_by is not None and awaited_by.is_recorded_by(record)
        return _Trail(
            newest=newest,
            current_etag=current_etag,
            current_is_record=current_is_record,
            version_count=version_count,
            has_awaited=has_awaited,
        )

    def _repaired(self, finding: Finding, suspect: _Suspect) -> Finding:
        """Write a record that sorts right after the newest known one, so before every record still to come.

        It is written only if the object is as it was when the finding was made.
        """
        newest, etag = suspect.trail.newest, suspect.trail.current_etag
        unchanged: dict[str, Any] = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        record = {
            "orderId": finding.order_id,
            "timestamp": finding.timestamp,
            "eventName": None,
            "eventId": None,
            "sequenceNumber": newest.sequence_number if newest else "0",
            "recordedAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "userIdentity": None,
            "oldImage": newest.new_image if newest else None,
            "newImage": suspect.item,
            "reconciled": True,
        }
        try:
            self._s3.put_object(
                Bucket=self._bucket,
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


def _finding(problem: str, key: str, item: Mapping[str, Any], detail: str) -> Finding:
    return Finding(
        problem=problem,
        order_id=item["orderId"]["S"],
        timestamp=item["timestamp"]["N"],
        key=key,
        detail=detail,
    )


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `reconcile` to the commands of `python -m tools.audit`."""
    parser = commands.add_parser(
        "reconcile",
        help="prove that every order has its audit record",
        description="Compare every order item with the newest record in its audit object.",
        epilog="Exit status: 0 every item has its record (--repair: now), 1 findings remain, 2 bad usage, "
        "3 AWS refused or could not be reached, 130 interrupted. Environment: ENVIRONMENT_SUFFIX, "
        "DEPLOY_REGION, and what the AWS SDK reads.",
    )
    parser.add_argument(
        "--repair", action="store_true", help="write the missing records, marked as reconciled"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="one JSON object a line: the findings as they are made, then the summary",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Exit.COMPLETE when every item has its record (with --repair: has it now)."""
    if not arguments.json:
        print(_ROW("PROBLEM", "", "TIMESTAMP", "ORDER, REASON"), flush=True)
    summary = reconcile(
        Deployment.of_settings(),
        repair=arguments.repair,
        report=_print_json if arguments.json else _print_row,
        say=lambda line: print(line, file=sys.stderr),
    )
    if arguments.json:
        print(json.dumps({"summary": asdict(summary) | {"complete": summary.is_complete}}))
    else:
        problems = ", ".join(f"{count} {problem}" for problem, count in summary.problems.items())
        print(f"{summary.items} items in {summary.seconds:.1f} s: {problems}; {summary.repaired} repaired")
    return Exit.COMPLETE if summary.is_complete else Exit.INCOMPLETE


def _print_json(finding: Finding) -> None:
    content = {
        "problem": finding.problem,
        "orderId": finding.order_id,
        "timestamp": finding.timestamp,
        "key": finding.key,
        "detail": finding.detail,
        "repaired": finding.repaired,
    }
    print(json.dumps(content), flush=True)


def _print_row(finding: Finding) -> None:
    order = json.dumps(finding.order_id, ensure_ascii=False)
    repaired = "repaired" if finding.repaired else ""
    print(_ROW(finding.problem, repaired, finding.timestamp, f"{order}  {finding.detail}"), flush=True)
