"""Replay failed batches to the function.

Lambda writes a batch that it gave up on to `aws/lambda/<mapping>/<shard>/<date>/<time>-<uuid>` in the
failed-batches bucket: the metadata of the failure and, in `payload`, the event as the function got it
(https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html).

A batch is removed once the function has processed all of it. The next run replays an interrupted one as a
whole: some audit records then have a second, equal version, which changes no history. In the end the messages
that count the removed batches are taken from the queue that the alarm on failed batches watches.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from names import FAILED_BATCHES_PREFIX
from tools.audit.deployment import Deployment, Exit

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

# Lambda's limit for a synchronous invocation is 6 MB; an event that is larger is sent in parts.
MAX_EVENT_BYTES = 6_000_000

READERS = 8

# The function may take its 60 s, and a silent retry would invoke it again while the first one still runs.
_INVOKE = Config(read_timeout=75, retries={"total_max_attempts": 1})
# How long a message is kept from another redrive while this one looks at it.
MESSAGE_SECONDS = 120
# How long SQS looks for messages on all of its servers before it says that there are none.
WAIT_SECONDS = 1

_S3 = Config(max_pool_connections=READERS, retries={"mode": "standard", "total_max_attempts": 5})


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What there is to know about a failed batch without its records."""

    key: str
    failed_at: str
    reason: str
    first_sequence_number: int
    order_ids: tuple[str, ...]
    record_count: int


@dataclass(frozen=True, kw_only=True)
class UnreadableBatch:
    """An object below the prefix that is not what Lambda writes, or that S3 does not hand out."""

    key: str
    problem: str


class Event(NamedTuple):
    """The records of a batch, and the bytes that the function got them in."""

    records: list[dict[str, Any]]
    payload: bytes


class ReplayError(Exception):
    """A batch was not processed. The message says why, in one line."""


def failed_batches(
    s3: "S3Client", bucket: str, *, say: Callable[[str], None]
) -> list[Batch | UnreadableBatch]:
    """All that waits in the failed-batches bucket, in the order in which it is to be replayed.

    That is by sequence number, which for an item rises from shard to shard too. What cannot be read comes
    first, since it may belong before all the rest. Of the records only summaries are kept.
    """
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=FAILED_BATCHES_PREFIX)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    batches: list[Batch | UnreadableBatch] = []
    with ThreadPoolExecutor(READERS) as readers:
        due = time.monotonic() + 5
        for summary in readers.map(lambda key: _summary(s3, bucket, key), keys):
            if summary:
                batches.append(summary)
            if time.monotonic() > due:
                say(f"read {len(batches)} of {len(keys)} failed batches")
                due = time.monotonic() + 5
    return sorted(batches, key=lambda b: (b.first_sequence_number if isinstance(b, Batch) else -1, b.key))


def replay(s3: "S3Client", functions: "LambdaClient", deployment: Deployment, batch: Batch) -> None:
    """Have the function process a batch, then remove it; on ReplayError the batch stays where it is."""
    try:
        body = s3.get_object(Bucket=deployment.failed_batches_bucket, Key=batch.key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return
    for payload in parts(_event(json.loads(body))):
        _invoke(functions, deployment.function, payload)
    # Without a version id this sets a delete marker: the batch stays in the bucket as a noncurrent version.
    s3.delete_object(Bucket=deployment.failed_batches_bucket, Key=batch.key)


def parts(event: Event) -> Iterator[bytes]:
    """The event in as few payloads as Lambda's limit allows, records in order; as it was if it fits.

    Raises ReplayError for a record that is too large on its own.
    """
    if len(event.payload) <= MAX_EVENT_BYTES:
        yield event.payload
        return
    part: list[bytes] = []
    size = 0
    for record in event.records:
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
        if len(text) + len(_payload([])) > MAX_EVENT_BYTES:
            number = record["dynamodb"]["SequenceNumber"]
            raise ReplayError(f"record {number} has {len(text)} bytes, Lambda accepts {MAX_EVENT_BYTES}")
        if part and size + len(text) + 1 > MAX_EVENT_BYTES:
            yield _payload(part)
            part = []
        if not part:
            size = len(_payload([]))
        part.append(text)
        size += len(text) + 1
    yield _payload(part)


def redrive(
    deployment: Deployment, *, keep_going: bool, dry_run: bool, say: Callable[[str], None]
) -> tuple[int, int]:
    """Replay the failed batches; returns the numbers of batches replayed and left.

    Stops at the first batch that fails unless told to keep going. A dry run replays nothing; it asks Lambda
    whether the caller may invoke the function.
    """
    s3 = boto3.client("s3", region_name=deployment.region, config=_S3)
    functions = boto3.client("lambda", region_name=deployment.region, config=_INVOKE)
    batches = failed_batches(s3, deployment.failed_batches_bucket, say=say)
    if dry_run and batches:
        functions.invoke(FunctionName=deployment.function, InvocationType="DryRun")
    replayed = 0
    for number, batch in enumerate(batches, 1):
        position = f"[{number}/{len(batches)}]"
        try:
            if isinstance(batch, UnreadableBatch):
                raise ReplayError(batch.problem)
            if dry_run:
                say(f"{position} would replay {batch.record_count} records of {batch.key}")
                continue
            say(f"{position} replaying {batch.record_count} records of {batch.key}")
            replay(s3, functions, deployment, batch)
            replayed += 1
        except ReplayError as error:
            say(f"{position} failed, left where it is: {batch.key}: {error}")
            if not keep_going:
                break
    if not dry_run:
        forget_removed(s3, boto3.client("sqs", region_name=deployment.region), deployment, say=say)
    return replayed, len(batches) - replayed


def forget_removed(
    s3: "S3Client", sqs: "SQSClient", deployment: Deployment, *, say: Callable[[str], None]
) -> None:
    """Take the messages of batches that are no longer in the bucket from the queue that counts batches.

    Whether a batch is there is asked after its message was received, so none that arrives meanwhile is lost.
    """
    queue = sqs.get_queue_url(QueueName=deployment.failed_batches_queue)["QueueUrl"]
    kept: list[str] = []
    try:
        while messages := sqs.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=WAIT_SECONDS,
            VisibilityTimeout=MESSAGE_SECONDS,
        ).get("Messages"):
            for message in messages:
                receipt = message["ReceiptHandle"]
                if _counts_a_batch(s3, deployment.failed_batches_bucket, message["Body"], say=say):
                    kept.append(receipt)
                else:
                    sqs.delete_message(QueueUrl=queue, ReceiptHandle=receipt)
    finally:
        for receipt in kept:
            sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=receipt, VisibilityTimeout=0)


def _counts_a_batch(s3: "S3Client", bucket: str, message: str, *, say: Callable[[str], None]) -> bool:
    """Whether the batch that EventBridge tells of is in the bucket; a message of anything else stays."""
    try:
        key = json.loads(message)["detail"]["object"]["key"]
    except (ValueError, LookupError, TypeError):
        say(f"left in the queue, it tells of no batch: {message[:200]}")
        return True
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            return False
        raise
    return True


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `redrive` to the commands of `python -m tools.audit`."""
    parser = commands.add_parser(
        "redrive",
        help="replay failed batches",
        description="Replay the failed batches to the function, in stream order.",
        epilog="Exit status: 0 no batch waits (any more), 1 batches are left, 2 bad usage or setting, "
        "3 it failed, 130 interrupted. Environment: ENVIRONMENT_SUFFIX, "
        "DEPLOY_REGION, and what the AWS SDK reads.",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--list", action="store_true", help="only list the batches: when, how many, why, which orders"
    )
    mode.add_argument("--dry-run", action="store_true", help="say what would be replayed, and change nothing")
    mode.add_argument(
        "--keep-going", action="store_true", help="go on with the next batch after one that failed"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Exit.COMPLETE when no batch waits (any more)."""
    deployment = Deployment.of_settings()
    place = f"s3://{deployment.failed_batches_bucket}/{FAILED_BATCHES_PREFIX}"
    if arguments.list:
        s3 = boto3.client("s3", region_name=deployment.region, config=_S3)
        batches = failed_batches(s3, deployment.failed_batches_bucket, say=_say)
        if batches:
            _print_list(batches)
        else:
            print(f"nothing in {place}")
        return Exit.INCOMPLETE if batches else Exit.COMPLETE
    replayed, left = redrive(deployment, keep_going=arguments.keep_going, dry_run=arguments.dry_run, say=_say)
    print(f"{replayed} batches replayed, {left} left in {place}")
    return Exit.INCOMPLETE if left else Exit.COMPLETE


def _summary(s3: "S3Client", bucket: str, key: str) -> Batch | UnreadableBatch | None:
    try:
        content = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        records = _event(content).records
        response = content.get("responseContext") or {}
        return Batch(
            key=key,
            failed_at=content["timestamp"],
            reason=" ".join(
                filter(None, [content["requestContext"]["condition"], response.get("functionError")])
            ),
            first_sequence_number=int(records[0]["dynamodb"]["SequenceNumber"]),
            order_ids=tuple(dict.fromkeys(record["dynamodb"]["Keys"]["orderId"]["S"] for record in records)),
            record_count=len(records),
        )
    except s3.exceptions.NoSuchKey:
        return None
    except s3.exceptions.InvalidObjectState:
        return UnreadableBatch(key=key, problem="in Glacier: restore the object, then run again")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        return UnreadableBatch(key=key, problem=f"not a failed batch: {type(error).__name__}: {error}")


def _event(content: dict[str, Any]) -> Event:
    payload = content["payload"]
    return Event(json.loads(payload)["Records"], payload.encode())


def _payload(records: Sequence[bytes]) -> bytes:
    return b'{"Records":[' + b",".join(records) + b"]}"


def _invoke(functions: "LambdaClient", function: str, payload: bytes) -> None:
    try:
        response = functions.invoke(FunctionName=function, InvocationType="RequestResponse", Payload=payload)
        answer = response["Payload"].read().decode(errors="replace")
    except (BotoCoreError, ClientError) as error:
        raise ReplayError(str(error)) from error
    if kind := response.get("FunctionError"):
        raise ReplayError(f"the function failed ({kind}): {' '.join(answer.split())[:500]}")


def _print_list(batches: Sequence[Batch | UnreadableBatch]) -> None:
    row = "{:24}  {:>7}  {:32}  {}".format
    print(row("FAILED AT", "RECORDS", "WHY", "ORDERS, OBJECT"))
    for batch in batches:
        if isinstance(batch, UnreadableBatch):
            print(row("?", "?", batch.problem, batch.key))
        else:
            orders = " ".join(json.dumps(order_id, ensure_ascii=False) for order_id in batch.order_ids)
            print(row(batch.failed_at, batch.record_count, batch.reason, f"{orders}  {batch.key}"))


def _say(line: str) -> None:
    print(line, file=sys.stderr)
