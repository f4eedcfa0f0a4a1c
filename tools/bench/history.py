"""Measure `history` of an order with many versions: seconds, CPU time and peak memory.

Each run is a process of its own, as its users start it, against a local cloud. That takes longer to answer
than `history` to ask, so the CPU time is what counts; it is that of the whole process, with Python and boto3.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import boto3
from botocore.config import Config

from tools.audit.deployment import Deployment
from tools.audit.record import audit_key
from tools.bench.arguments import positive
from tools.console.program import run_tool
from tools.local.cloud import ROOT, LocalCloud

TIMESTAMP = "1700000000000"
WRITERS = 8

_LINES = [{"M": {"sku": {"S": f"sku-{line:05}"}, "count": {"N": "2"}}} for line in range(12)]


def records(order_id: str, count: int) -> Iterator[dict[str, Any]]:
    """So many changes of an order's status, each record of about 2 KB."""
    old: dict[str, Any] | None = None
    for number in range(count):
        new = {
            "orderId": {"S": order_id},
            "timestamp": {"N": TIMESTAMP},
            "status": {"S": f"STEP-{number}"},
            "lines": {"L": _LINES},
        }
        yield {
            "orderId": order_id,
            "timestamp": TIMESTAMP,
            "eventName": "MODIFY" if old else "INSERT",
            "eventId": str(number),
            "sequenceNumber": str(number),
            "changedAt": "2026-11-24T10:00:00.000Z",
            "recordedAt": "2026-11-24T10:00:00.300Z",
            "changedBy": None,
            "userIdentity": None,
            "oldImage": old,
            "newImage": new,
        }
        old = new


def write(deployment: Deployment, order_id: str, count: int) -> None:
    """The trail of an order, and the item that it ends with."""
    s3 = boto3.client("s3", region_name=deployment.region, config=Config(max_pool_connections=WRITERS))

    def put(record: dict[str, Any]) -> None:
        body = json.dumps(record).encode()
        s3.put_object(Bucket=deployment.audit_bucket, Key=audit_key(order_id, TIMESTAMP), Body=body)

    with ThreadPoolExecutor(WRITERS) as writers:
        for _ in writers.map(put, records(order_id, count)):
            pass
    *_, last = records(order_id, count)
    boto3.client("dynamodb", region_name=deployment.region).put_item(
        TableName=deployment.table, Item=last["newImage"]
    )


def create(deployment: Deployment) -> None:
    """An empty table and bucket."""
    boto3.client("dynamodb", region_name=deployment.region).create_table(
        TableName=deployment.table,
        KeySchema=[
            {"AttributeName": "orderId", "KeyType": "HASH"},
            {"AttributeName": "timestamp", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "orderId", "AttributeType": "S"},
            {"AttributeName": "timestamp", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    s3 = boto3.client("s3", region_name=deployment.region)
    s3.create_bucket(
        Bucket=deployment.audit_bucket,
        CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"},
    )
    s3.put_bucket_versioning(Bucket=deployment.audit_bucket, VersioningConfiguration={"Status": "Enabled"})


def measure(*arguments: str) -> tuple[float, float, float]:
    """Seconds, CPU seconds and peak MiB of a run. Raises CalledProcessError when the chain does not hold."""
    command = [sys.executable, "-m", "tools.audit", "history", *arguments]
    with tempfile.TemporaryFile() as output:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.history", description=__doc__)
    parser.add_argument(
        "--runs", type=positive, default=3, help="of each kind, in turn (default: %(default)s)"
    )
    parser.add_argument(
        "--versions",
        type=positive,
        nargs="+",
        default=[1_000, 10_000],
        help="of an order (default: 1000 10000)",
    )
    arguments = parser.parse_args()
    with (
        LocalCloud(ROOT / f".local-bench-{os.getpid()}") as cloud,
        mock.patch.dict(os.environ, cloud.environment(), clear=True),
    ):
        deployment = Deployment.of_settings()
        create(deployment)
        for count in arguments.versions:
            write(deployment, f"order-{count}", count)
        print(f"{'versions':>8}  {'':8}{'seconds':>8}{'CPU s':>8}{'peak MiB':>10}")
        for _ in range(arguments.runs):
            for count in arguments.versions:
                for option in ([], ["--all"], ["--json"]):
                    try:
                        seconds, cpu, peak = measure(f"order-{count}", *option)
                    except subprocess.CalledProcessError as error:
                        sys.exit(f"error: {shlex.join(error.cmd)} ended with status {error.returncode}")
                    print(f"{count:8}  {' '.join(option):8}{seconds:8.1f}{cpu:8.2f}{peak:10.0f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(run_tool(main))
