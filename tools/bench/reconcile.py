"""Measure reconcile on a table and a trail that agree: items and versions a second, CPU time and memory.

Each run is a process of its own, as an operator starts it, against a stand-in for AWS on 127.0.0.1 that
answers after some milliseconds and makes items and records up as they are asked for. With --against the code
of an earlier revision runs in turn with this one, against the same stand-in.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import shlex
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from tools.audit.record import audit_key
from tools.bench.arguments import positive
from tools.console.program import run_tool

ROOT = Path(__file__).parents[2]
LATENCY_SECONDS = 0.005
TIMESTAMP = "1700000000000"
STATUSES = ("PLACED", "PAID", "PACKED", "SHIPPED", "DELIVERED")
# Of each object; the last one has the state of the table.
VERSIONS = len(STATUSES)
_XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


class Run(NamedTuple):
    """What a run took. CPU time and peak memory are those of all of its processes, with Python and boto3."""

    items: int
    versions: int
    seconds: float
    cpu_seconds: float
    peak_mib: float


class StandIn(asyncio.Protocol):
    """As much of STS, DynamoDB and S3 as reading a table and its audit objects takes."""

    def __init__(self, orders: "Orders") -> None:
        self._orders = orders
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        if head.startswith(b"GET"):
            content = self._orders.get(head[4 : head.index(b" HTTP")].decode())
        else:
            lines = (line.partition(": ") for line in head.decode().split("\r\n"))
            headers = {name.lower(): value for name, _, value in lines}
            if len(body) < int(headers["content-length"]):
                return
            content = self._orders.post(headers.get("x-amz-target", ""), body)
        self._received = b""
        response = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n%b" % (len(content), _HEADERS, content)
        self._loop.call_later(LATENCY_SECONDS, self._transport.write, response)


# What obstore wants to see of an object.
_HEADERS = b'ETag: "0"\r\nLast-Modified: Tue, 24 Nov 2026 10:00:00 GMT\r\n'


class Orders:
    """So many orders, and the versions of their audit objects."""

    def __init__(self, count: int) -> None:
        self._count = count

    def get(self, target: str) -> bytes:
        """What S3 answers to a GET."""
        url = urlsplit(target)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        if "versions" in query:
            return self._list_versions(query).encode()
        if "list-type" in query:
            return self._list_objects(query).encode()
        version = int(query["versionId"]) if "versionId" in query else VERSIONS - 1
        return record(_number(unquote(url.path)), version)

    def post(self, action: str, body: bytes) -> bytes:
        """What DynamoDB answers to a POST, or STS."""
        match action.partition(".")[2]:
            case "DescribeTable":
                return json.dumps({"Table": {"ItemCount": self._count}}).encode()
            case "Scan":
                return self._scan(json.loads(body))
            case "BatchGetItem":
                ((table, request),) = json.loads(body)["RequestItems"].items()
                return json.dumps({"Responses": {table: request["Keys"]}, "UnprocessedKeys": {}}).encode()
            case _:
                account = "<Account>123456789012</Account>"
                result = f"<GetCallerIdentityResult>{account}</GetCallerIdentityResult>"
                return f"<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>".encode()

    def _scan(self, request: Mapping[str, Any]) -> bytes:
        segments = request.get("TotalSegments", 1)
        if "ExclusiveStartKey" in request:
            first = int(request["ExclusiveStartKey"]["orderId"]["S"].removeprefix("order-")) + segments
        else:
            first = request.get("Segment", 0)
        numbers = range(first, self._count, segments)
        page = list(islice(numbers, request.get("Limit", 1_000)))
        items = b", ".join(image(number, VERSIONS - 1) for number in page)
        last = b""
        if len(page) < len(numbers):
            last = b', "LastEvaluatedKey": ' + json.dumps(item_key(page[-1])).encode()
        return b'{"Items": [%b], "Count": %d%b}' % (items, len(page), last)

    def _list_objects(self, query: Mapping[str, str]) -> str:
        first = int(query.get("continuation-token", "0"))
        page = range(first, min(first + 1_000, self._count))
        entries = "".join(f"<Contents><Key>{object_key(number)}</Key></Contents>" for number in page)
        more = "<IsTruncated>false</IsTruncated>"
        if page.stop < self._count:
            token = f"<NextContinuationToken>{page.stop}</NextContinuationToken>"
            more = f"<IsTruncated>true</IsTruncated>{token}"
        return f"<ListBucketResult {_XMLNS}>{more}{entries}</ListBucketResult>"

    def _list_versions(self, query: Mapping[str, str]) -> str:
        first = int(query.get("version-id-marker", "0"))
        page = range(first, min(first + 1_000, self._count * VERSIONS))
        entries = "".join(_version_entry(*divmod(position, VERSIONS)) for position in page)
        more = "<IsTruncated>false</IsTruncated>"
        if page.stop < self._count * VERSIONS:
            markers = (
                f"<NextKeyMarker>-</NextKeyMarker><NextVersionIdMarker>{page.stop}</NextVersionIdMarker>"
            )
            more = f"<IsTruncated>true</IsTruncated>{markers}"
        return f"<ListVersionsResult {_XMLNS}>{more}{entries}</ListVersionsResult>"


def _version_entry(number: int, age: int) -> str:
    """The newest version comes first."""
    is_latest = "false" if age else "true"
    return (
        f"<Version><Key>{object_key(number)}</Key><VersionId>{VERSIONS - 1 - age}</VersionId>"
        f"<IsLatest>{is_latest}</IsLatest><LastModified>2026-11-24T10:00:00.000Z</LastModified>"
        "<ETag>&quot;0&quot;</ETag><Size>600</Size><StorageClass>STANDARD</StorageClass></Version>"
    )


def order_id(number: int) -> str:
    return f"order-{number:09}"


def item_key(number: int) -> dict[str, Any]:
    return {"orderId": {"S": order_id(number)}, "timestamp": {"N": TIMESTAMP}}


def object_key(number: int) -> str:
    return audit_key(order_id(number), TIMESTAMP)


def _number(path: str) -> int:
    return int(path.rsplit("/", 2)[1].removeprefix("order-"))


_LINES = [{"M": {"sku": {"S": f"sku-{line:05}"}, "count": {"N": "2"}}} for line in range(4)]
_REST = json.dumps({"timestamp": {"N": TIMESTAMP}, "total": {"N": "129.95"}, "lines": {"L": _LINES}})[
    1:
].encode()


def image(number: int, version: int) -> bytes:
    """An order of about 300 bytes."""
    start = f'{{"orderId": {{"S": "{order_id(number)}"}}, "status": {{"S": "{STATUSES[version]}"}}, '
    return start.encode() + _REST


def record(number: int, version: int) -> bytes:
    """The audit record of a change of an order's status."""
    return (
        b'{"orderId": "%b", "timestamp": "%b", "eventName": "%b", "eventId": "%d-%d", '
        b'"sequenceNumber": "%d", "recordedAt": "2026-11-24T10:00:00.000Z", "userIdentity": null, '
        b'"oldImage": %b, "newImage": %b}'
    ) % (
        order_id(number).encode(),
        TIMESTAMP.encode(),
        b"MODIFY" if version else b"INSERT",
        number,
        version,
        version + 1,
        image(number, version - 1) if version else b"null",
        image(number, version),
    )


def serve(item_count: int, ports: Connection) -> None:
    """Answer until the process is ended; the port goes to `ports`."""
    # Ctrl-C ends the benchmark, which ends this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        orders = Orders(item_count)
        server = await loop.create_server(lambda: StandIn(orders), "127.0.0.1", 0, backlog=1000)
        ports.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def measure(code: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> Run:
    """Run reconcile of the code in a folder. Raises subprocess.CalledProcessError if it finds anything."""
    command = [sys.executable, "-m", "tools.audit", "reconcile", "--json", *arguments]
    process = subprocess.Popen(command, cwd=code, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    peak = 0
    os.set_blocking(process.stdout.fileno(), False)
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        peak = max(peak, sum(map(_resident_bytes, _family(process.pid))))
        time.sleep(0.1)
    process.returncode = os.waitstatus_to_exitcode(status)
    output = process.stdout.read()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output)
    summary = json.loads(output.splitlines()[-1])["summary"]
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Run(summary["items"], summary.get("versions", 0), summary["seconds"], cpu_seconds, peak / 2**20)


def _family(pid: int) -> Iterator[int]:
    """A process and its descendants. Nothing of a process that has just ended."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in children.read_text().split():
                yield from _family(int(child))
        except OSError:
            continue


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@contextmanager
def revision(name: str) -> Iterator[Path]:
    """The project's code as of a revision, in a folder of its own."""
    command = ["git", "archive", name]
    archive = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
        yield Path(folder)


@contextmanager
def stand_in(item_count: int) -> Iterator[dict[str, str]]:
    """The environment that leads to a stand-in, and nowhere else."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(item_count, theirs), daemon=True)
    server.start()
    try:
        yield {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ours.recv()}",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "ENVIRONMENT_SUFFIX": "bench",
            "DEPLOY_REGION": "ap-southeast-1",
        }
    finally:
        server.terminate()


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.reconcile",
        description="Items and versions a second, CPU time and peak memory of reconcile.",
    )
    parser.add_argument(
        "--items", type=positive, default=20_000, help="size of the table (default: %(default)s)"
    )
    parser.add_argument(
        "--runs", type=positive, default=3, help="of each kind, in turn (default: %(default)s)"
    )
    parser.add_argument(
        "--against", metavar="REV", help="an earlier revision to compare with, such as 2b0a17a"
    )
    arguments = parser.parse_args()
    try:
        compare(item_count=arguments.items, run_count=arguments.runs, against=arguments.against)
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: {shlex.join(error.cmd)} ended with status {error.returncode}")
    return 0


def compare(*, item_count: int, run_count: int, against: str | None) -> None:
    """Run each kind in turn, and print each run, the medians, and what they come to."""
    with contextlib.ExitStack() as stack:
        environment = stack.enter_context(stand_in(item_count))
        kinds: dict[str, tuple[Path, list[str]]] = {"reconcile": (ROOT, []), "--deep": (ROOT, ["--deep"])}
        if against:
            folder = stack.enter_context(revision(against))
            kinds = {against: (folder, [])} | kinds
        print(f"{'':12}{'items/s':>9}{'versions/s':>12}{'CPU ms/item':>13}{'peak MiB':>10}")
        runs: dict[str, list[Run]] = {name: [] for name in kinds}
        for _ in range(run_count):
            for name, (code, options) in kinds.items():
                run = measure(code, options, environment | {"PYTHONPATH": str(code)})
                runs[name].append(run)
                _print_row(name, [run])
        print("median")
        for name, of_kind in runs.items():
            _print_row(name, of_kind)
        if against:
            rate = _rate(runs["reconcile"]) / _rate(runs[against])
            cpu = _cpu(runs[against]) / _cpu(runs["reconcile"])
            print(f"{against} / reconcile: {rate:.1f} by items a second, {cpu:.1f} by CPU time")


def _print_row(name: str, runs: Sequence[Run]) -> None:
    versions = median(run.versions / run.seconds for run in runs)
    peak = median(run.peak_mib for run in runs)
    print(f"{name:12}{_rate(runs):9.0f}{versions:12.0f}{_cpu(runs):13.2f}{peak:10.0f}", flush=True)


def _rate(runs: Sequence[Run]) -> float:
    return median(run.items / run.seconds for run in runs)


def _cpu(runs: Sequence[Run]) -> float:
    """In milliseconds for an item."""
    return median(1000 * run.cpu_seconds / run.items for run in runs)


if __name__ == "__main__":
    sys.exit(run_tool(main))
