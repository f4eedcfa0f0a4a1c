"""R5: failed batches are replayed to the function, in order, and removed only once they are processed."""

import io
import json
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mypy_boto3_s3 import S3Client
from mypy_boto3_sqs import SQSClient

from tests.audit import failed_batches
from tools.audit import redrive
from tools.audit.deployment import Deployment

pytestmark = pytest.mark.slow

REGION: Final = "ap-southeast-1"

# Logs the sequence numbers it is given; fails, or hangs until told otherwise, for the orders named in a file.
FUNCTION = """
import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

const named = (file, records) => {
  const orders = readFileSync(`${process.env.FOLDER}/${file}`, "utf8").split("\\n");
  return records.some(({ dynamodb }) => orders.includes(dynamodb.Keys.orderId.S));
};

export const handler = async ({ Records }) => {
  const numbers = Records.map(({ dynamodb }) => dynamodb.SequenceNumber);
  appendFileSync(`${process.env.FOLDER}/invocations`, `${JSON.stringify(numbers)}\\n`);
  while (named("hanging", Records)) await setTimeout(50);
  if (named("failing", Records)) throw new Error("cannot process");
};
"""


@dataclass(frozen=True)
class Pipeline:
    """A function, a bucket and a queue of their own for one test."""

    deployment: Deployment
    folder: Path
    s3: S3Client
    sqs: SQSClient
    queue: str

    def fail(self, *records: dict[str, Any], second: int = 0, **changes: object) -> str:
        key = failed_batches.key(second)
        content = failed_batches.content(*records, function=self.deployment.function) | changes
        bucket = self.deployment.failed_batches_bucket
        self.s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(content))
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=failed_batches.message(bucket, key))
        return key

    def counted(self) -> int:
        """What the alarm on failed batches sees."""
        attributes = self.sqs.get_queue_attributes(
            QueueUrl=self.queue, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(attributes["Attributes"]["ApproximateNumberOfMessages"])

    def left(self) -> list[str]:
        return [
            e["Key"]
            for e in self.s3.list_objects_v2(Bucket=self.deployment.failed_batches_bucket).get("Contents", [])
        ]

    def write(self, file: str, *orders: str) -> None:
        (self.folder / file).write_text("\n".join(orders))

    def invocations(self) -> list[list[str]]:
        log = self.folder / "invocations"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def redrive(self, *, keep_going: bool = False, dry_run: bool = False) -> tuple[int, int]:
        return redrive.redrive(self.deployment, keep_going=keep_going, dry_run=dry_run, say=print)

    def command(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tools.audit", "redrive", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def pipeline(cloud: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Pipeline]:
    monkeypatch.setenv("ENVIRONMENT_SUFFIX", uuid4().hex[:12])
    monkeypatch.setenv("DEPLOY_REGION", REGION)
    monkeypatch.setattr(redrive, "WAIT_SECONDS", 0)
    deployment = Deployment.of_settings()
    sqs = boto3.client("sqs", region_name=REGION)
    queue = sqs.create_queue(QueueName=deployment.failed_batches_queue)["QueueUrl"]
    s3 = boto3.client("s3", region_name=REGION)
    pipeline = Pipeline(deployment, tmp_path, s3, sqs, queue)
    bucket = pipeline.deployment.failed_batches_bucket
    pipeline.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    pipeline.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.mjs", FUNCTION)
    functions = boto3.client("lambda", region_name=REGION)
    functions.create_function(
        FunctionName=pipeline.deployment.function,
        Runtime="nodejs22.x",
        Role="arn:aws:iam::123456789012:role/order-processor",
        Handler="index.handler",
        Timeout=60,
        Code={"ZipFile": package.getvalue()},
        Environment={"Variables": {"FOLDER": str(tmp_path)}},
    )
    functions.get_waiter("function_active_v2").wait(
        FunctionName=pipeline.deployment.function, WaiterConfig={"Delay": 0, "MaxAttempts": 10_000}
    )
    pipeline.write("failing")
    pipeline.write("hanging")
    yield pipeline
    functions.delete_function(FunctionName=pipeline.deployment.function)


def record(order_id: str, number: int, **image: dict[str, str]) -> dict[str, Any]:
    keys = {"orderId": {"S": order_id}, "timestamp": {"N": "1700000000000"}}
    return {
        "eventID": uuid4().hex,
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": keys, "SequenceNumber": str(number), "NewImage": keys | image},
    }


def test_R5_batches_are_replayed_in_the_order_of_their_sequence_numbers_and_removed(
    pipeline: Pipeline,
) -> None:
    # Numbers order them, not S3's order of keys and not the order of strings.
    pipeline.fail(record("a", 1000), record("a", 1001), second=1)
    pipeline.fail(record("a", 999), second=2)
    assert pipeline.redrive() == (2, 0)
    assert pipeline.invocations() == [["999"], ["1000", "1001"]]
    assert pipeline.left() == []


def test_R5_a_removed_batch_stays_in_the_bucket_as_a_noncurrent_version(pipeline: Pipeline) -> None:
    key = pipeline.fail(record("a", 1))
    pipeline.redrive()
    versions = pipeline.s3.list_object_versions(Bucket=pipeline.deployment.failed_batches_bucket)
    assert [version["Key"] for version in versions["Versions"]] == [key]
    assert [marker["IsLatest"] for marker in versions["DeleteMarkers"]] == [True]


def test_R5_the_first_failure_stops_and_a_second_run_does_the_rest(pipeline: Pipeline) -> None:
    pipeline.fail(record("a", 1))
    failing = pipeline.fail(record("b", 2))
    waiting = pipeline.fail(record("c", 3))
    pipeline.write("failing", "b")
    assert pipeline.redrive() == (1, 2)
    assert sorted(pipeline.left()) == sorted([failing, waiting])
    assert pipeline.invocations() == [["1"], ["2"]]

    pipeline.write("failing")
    assert pipeline.redrive() == (2, 0)
    assert pipeline.invocations() == [["1"], ["2"], ["2"], ["3"]]


def test_R5_keep_going_leaves_only_what_failed(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.fail(record("a", 1))
    failing = pipeline.fail(record("b", 2))
    pipeline.fail(record("c", 3))
    pipeline.write("failing", "b")
    assert pipeline.redrive(keep_going=True) == (2, 1)
    assert pipeline.left() == [failing]
    assert "cannot process" in capsys.readouterr().out


def test_R5_a_dry_run_changes_nothing(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    key = pipeline.fail(record("a", 1), record("a", 2))
    assert pipeline.redrive(dry_run=True) == (0, 1)
    assert (pipeline.left(), pipeline.invocations()) == ([key], [])
    assert f"would replay 2 records of {key}" in capsys.readouterr().out


def test_R5_what_is_no_batch_is_reported_and_never_removed(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.fail(record("a", 1))
    foreign = [
        pipeline.fail(record("b", 2), payload="not JSON"),
        pipeline.fail(record("b", 2), payload='{"Records": []}'),
        pipeline.fail(record("b", 2), payload='{"Records": [{"kinesis": {}}]}'),
        pipeline.fail(record("b", 2), payload=None),
        pipeline.fail(record("b", 2), requestContext={}),
    ]
    # They may belong before all others, so nothing is replayed unless told to.
    assert pipeline.redrive() == (0, 6)
    assert pipeline.redrive(keep_going=True) == (1, 5)
    assert sorted(pipeline.left()) == sorted(foreign)
    assert capsys.readouterr().out.count("not a failed batch") == 1 + 5


def test_R5_an_archived_batch_waits_for_its_restore(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    key = pipeline.fail(record("a", 1))
    bucket = pipeline.deployment.failed_batches_bucket
    pipeline.s3.copy_object(
        Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": key}, StorageClass="GLACIER"
    )
    assert pipeline.redrive() == (0, 1)
    assert "in Glacier" in capsys.readouterr().out


def test_R5_a_batch_that_another_run_has_removed_is_not_replayed(pipeline: Pipeline) -> None:
    key = pipeline.fail(record("a", 1))
    (batch,) = redrive.failed_batches(pipeline.s3, pipeline.deployment.failed_batches_bucket, say=print)
    assert isinstance(batch, redrive.Batch)
    pipeline.s3.delete_object(Bucket=pipeline.deployment.failed_batches_bucket, Key=key)
    redrive.replay(pipeline.s3, boto3.client("lambda", region_name=REGION), pipeline.deployment, batch)
    assert pipeline.invocations() == []


def test_A6_the_queue_counts_the_batches_that_are_left(pipeline: Pipeline) -> None:
    pipeline.fail(record("a", 1))
    pipeline.fail(record("b", 2))
    assert pipeline.counted() == 2
    pipeline.write("failing", "b")
    assert pipeline.redrive() == (1, 1)
    assert pipeline.counted() == 1
    pipeline.write("failing")
    assert pipeline.redrive() == (1, 0)
    assert pipeline.counted() == 0


def test_A6_a_dry_run_leaves_the_count_alone(pipeline: Pipeline) -> None:
    pipeline.fail(record("a", 1))
    pipeline.redrive(dry_run=True)
    assert pipeline.counted() == 1


def test_A6_a_batch_that_arrives_during_a_redrive_stays_counted(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.fail(record("a", 1))
    forget_removed = redrive.forget_removed

    def arrive_first(
        s3: S3Client, sqs: SQSClient, deployment: Deployment, *, say: Callable[[str], None]
    ) -> None:
        pipeline.fail(record("b", 2))
        forget_removed(s3, sqs, deployment, say=say)

    monkeypatch.setattr(redrive, "forget_removed", arrive_first)
    assert pipeline.redrive() == (1, 0)
    assert (len(pipeline.left()), pipeline.counted()) == (1, 1)


def test_A6_the_count_is_mended_by_the_run_after_an_interrupted_one(pipeline: Pipeline) -> None:
    key = pipeline.fail(record("a", 1))
    pipeline.s3.delete_object(Bucket=pipeline.deployment.failed_batches_bucket, Key=key)
    assert pipeline.redrive() == (0, 0)
    assert pipeline.counted() == 0


@pytest.mark.parametrize("message", ["no JSON", "{}", '{"detail": null}', '{"detail": {"object": []}}', "[]"])
def test_A6_a_message_of_anything_else_stays_and_is_shown(
    pipeline: Pipeline, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.sqs.send_message(QueueUrl=pipeline.queue, MessageBody=message)
    assert pipeline.redrive() == (0, 0)
    assert pipeline.counted() == 1
    assert message in capsys.readouterr().out


def test_R5_list_says_when_which_orders_why_and_how_many(pipeline: Pipeline) -> None:
    key = pipeline.fail(record("order 7", 1), record("order 7", 2), record("ü", 3))
    command = pipeline.command("--list")
    output, _ = command.communicate()
    assert command.returncode == 1
    line = output.splitlines()[1]
    assert re.split(r"\s{2,}", line) == [
        "2026-01-02T03:04:05.678Z",
        "3",
        "RetryAttemptsExhausted Unhandled",
        '"order 7" "ü"',
        key,
    ]
    assert (pipeline.left(), pipeline.invocations()) == ([key], [])


def test_R5_exit_status_says_whether_anything_is_left(pipeline: Pipeline) -> None:
    pipeline.fail(record("a", 1))
    pipeline.write("failing", "a")
    assert pipeline.command().wait() == 1
    pipeline.write("failing")
    assert pipeline.command().wait() == 0
    assert pipeline.command("--list").wait() == 0


def test_R5_interrupted_half_way_a_second_run_ends_well(pipeline: Pipeline) -> None:
    pipeline.fail(record("a", 1))
    interrupted = pipeline.fail(record("b", 2))
    pipeline.write("hanging", "b")
    # In a shell's background job Ctrl-C is ignored, and would be by the tool.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    command = pipeline.command()
    while len(pipeline.invocations()) < 2:
        assert command.poll() is None
        time.sleep(0.02)
    command.send_signal(signal.SIGINT)
    _, errors = command.communicate()
    pipeline.write("hanging")
    assert command.returncode == 130
    assert "Traceback" not in errors
    assert pipeline.left() == [interrupted]

    assert pipeline.redrive() == (1, 0)
    assert pipeline.left() == []


def test_R5_a_failed_call_is_not_repeated_by_the_sdk(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            calls.append(self.path)
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    pipeline.fail(record("a", 1))
    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{server.server_port}")
        assert pipeline.redrive() == (0, 1)
        server.shutdown()
    assert len(calls) == 1


def test_a_bad_setting_ends_with_status_2(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT_SUFFIX", "Not Allowed")
    command = pipeline.command()
    _, errors = command.communicate()
    assert command.returncode == 2
    assert len(errors.splitlines()) == 1


def test_an_unreachable_cloud_ends_with_status_3(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT_SUFFIX", "not-deployed")
    command = pipeline.command()
    _, errors = command.communicate()
    assert command.returncode == 3
    assert len(errors.splitlines()) == 1


def event(*records: dict[str, Any]) -> redrive.Event:
    return redrive.Event(list(records), json.dumps({"Records": records}).encode())


@settings(max_examples=100)
@given(
    sizes=st.lists(st.integers(0, 400), min_size=1, max_size=30),
    letter=st.sampled_from(["x", "ü", '"', "😀"]),
)
def test_R5_a_large_event_is_split_between_records_in_order(sizes: list[int], letter: str) -> None:
    records = [record("a", number, note={"S": letter * size}) for number, size in enumerate(sizes)]
    whole = event(*records)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redrive, "MAX_EVENT_BYTES", 2500)
        payloads = list(redrive.parts(whole))
    assert [part for payload in payloads for part in json.loads(payload)["Records"]] == records
    assert all(len(payload) <= 2500 for payload in payloads)
    if len(whole.payload) <= 2500:
        assert payloads == [whole.payload]


def test_R5_a_record_larger_than_an_invocation_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redrive, "MAX_EVENT_BYTES", 1000)
    with pytest.raises(redrive.ReplayError, match="record 5 has"):
        list(redrive.parts(event(record("a", 5, note={"S": "x" * 1000}))))
