"""Measure reconcile against the naive loop on a table that is all recorded: items per second and peak memory.

Each runs in a process of its own, against a stand-in for AWS on 127.0.0.1 that answers after some
milliseconds and makes items and records up as they are asked for.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from tools.audit.deployment import Deployment
from tools.audit.reconcile import PROCESSES, reconcile
from tools.audit.record import audit_key

import boto3

LATENCY_SECONDS = 0.005
NAIVE_ITEMS = 2_000
TIMESTAMP = "1700000000000"
DEPLOYMENT = Deployment(
    region="ap-southeast-1",
    table="orders",
    function="",
    audit_bucket="order-audit",
    failed_batches_bucket="failed",
    failed_batches_queue="failed",
)


class Measurement(NamedTuple):
    """What a run took: peak memory of its process and of the largest worker, with Python and boto3 in it."""

    name: str
    items: int
    seconds: float
    peak_mib: float
    worker_peak_mib: float


class StandIn(asyncio.Protocol):
    """As much of DynamoDB and S3 as reading a table and its audit objects takes."""

    def __init__(self, item_count: int) -> None:
        self._item_count = item_count
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        request, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if len(body) < int(headers.get("content-length", 0)):
            return
        self._received = b""
        match headers.get("x-amz-target", "").partition(".")[2]:
            case "DescribeTable":
                answer: dict[str, Any] = {"Table": {"ItemCount": self._item_count}}
            case "Scan":
                answer = self._scan(json.loads(body))
            case _:
                answer = {"sequenceNumber": "1", "newImage": item(request.split("/")[3])}
        content = json.dumps(answer).encode()
        response = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)
        asyncio.get_running_loop().call_later(LATENCY_SECONDS, self._transport.write, response)

    def _scan(self, request: dict[str, Any]) -> dict[str, Any]:
        segments = request.get("TotalSegments", 1)
        if "ExclusiveStartKey" in request:
            first = int(request["ExclusiveStartKey"]["orderId"]["S"].removeprefix("order-")) + segments
        else:
            first = request.get("Segment", 0)
        numbers = range(first, self._item_count, segments)
        items = [item(f"order-{number:09}") for number in islice(numbers, request.get("Limit", 1_000))]
        answer: dict[str, Any] = {"Items": items, "Count": len(items)}
        if len(items) < len(numbers):
            answer["LastEvaluatedKey"] = {name: items[-1][name] for name in ("orderId", "timestamp")}
        return answer


def item(order_id: str) -> dict[str, Any]:
    """An order of about 300 bytes."""
    return {
        "orderId": {"S": order_id},
        "timestamp": {"N": TIMESTAMP},
        "status": {"S": "PAID"},
        "total": {"N": "129.95"},
        "lines": {"L": [{"M": {"sku": {"S": f"sku-{line:05}"}, "count": {"N": "2"}}} for line in range(4)]},
    }


def serve(item_count: int, ports: Connection) -> None:
    """Answer until the process is ended; the port goes to `ports`."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: StandIn(item_count), "127.0.0.1", 0, backlog=1000)
        ports.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def run_reconcile() -> int:
    """The tool; returns the number of items."""
    summary = reconcile(DEPLOYMENT, repair=False, report=print, say=_say)
    assert summary.is_complete
    return summary.items


def run_naive() -> int:
    """One object after the other, up to a bound; returns the number of items."""
    dynamodb = boto3.client("dynamodb", region_name=DEPLOYMENT.region)
    s3 = boto3.client("s3", region_name=DEPLOYMENT.region)
    pages = dynamodb.get_paginator("scan").paginate(TableName=DEPLOYMENT.table, ConsistentRead=True)
    orders = list(islice((order for page in pages for order in page["Items"]), NAIVE_ITEMS))
    for order in orders:
        key = audit_key(order["orderId"]["S"], order["timestamp"]["N"])
        record = json.loads(s3.get_object(Bucket=DEPLOYMENT.audit_bucket, Key=key)["Body"].read())
        assert record["newImage"] == order
    return len(orders)


def measure(name: str, run: Callable[[], int]) -> Measurement:
    """Time a run; meant to be called in a process of its own, since memory is that of processes."""
    started = time.monotonic()
    items = run()
    seconds = time.monotonic() - started
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    largest_worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return Measurement(name, items, seconds, own / 1024, largest_worker / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.reconcile",
        description="Items per second and peak memory of reconcile and of the naive loop.",
    )
    parser.add_argument("--items", type=int, default=100_000, help="size of the table (default: %(default)s)")
    item_count = parser.parse_args().items

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    stand_in = context.Process(target=serve, args=(item_count, theirs), daemon=True)
    stand_in.start()
    try:
        os.environ |= {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ours.recv()}",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
        }
        print(f"{'':12}{'items':>9}{'seconds':>9}{'items/s':>9}  peak MiB")
        for name, run in (("naive loop", run_naive), ("reconcile", run_reconcile)):
            with ProcessPoolExecutor(1, mp_context=context) as process:
                result = process.submit(measure, name, run).result()
            memory = f"{result.peak_mib:.0f}"
            if result.worker_peak_mib:
                memory += f" + {PROCESSES} workers of {result.worker_peak_mib:.0f}"
            rate = result.items / result.seconds
            print(f"{name:12}{result.items:9}{result.seconds:9.1f}{rate:9.0f}  {memory}", flush=True)
    finally:
        stand_in.terminate()


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
