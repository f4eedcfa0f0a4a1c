"""Prove that table and audit trail agree, and repair the trail where it does not hold what the table does.

Two walks run side by side: through the table, for the items that the trail does not end with, and through
the bucket, for the trails whose item is gone without a record of that. With --deep a third one reads all
versions of all objects and proves their chains.
"""

import argparse
import json
import re
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Final, Self, TypeVar

import boto3
from botocore.exceptions import ClientError

from names import FAILED_BATCHES_PREFIX, RECORDS_PREFIX
from tools.audit.chain import Kind
from tools.audit.comparison import PAUSES, Comparison, Finding
from tools.audit.deployment import Deployment, Exit
from tools.audit.store import AuditStore
from tools.audit.table import BATCH, OrdersTable

T = TypeVar("T")

PROBLEMS: Final = (
    Kind.MISSING,
    Kind.STALE,
    Kind.NO_REMOVE,
    Kind.UNREADABLE,
    Kind.MISPLACED,
    Kind.ARCHIVED,
    Kind.DELETE_MARKER,
)
DEEP_PROBLEMS: Final = (Kind.GAP, Kind.NO_INSERT, Kind.FORK, Kind.INCONSISTENT)

# Of each walk. They wait for S3 and DynamoDB nearly all the time.
THREADS: Final = 64

# More segments than threads, so that a large one does not keep one thread busy at the end while others idle.
SEGMENTS: Final = THREADS * 2

PROGRESS_SECONDS = 5

_ROW = "{:13}  {:8}  {:14}  {}".format


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of several parts of a run: they are disjoint, and together complete.

    A part has its own segments of the table, and of the bucket the keys whose hash falls to it. An item and
    its object may so be in two parts, which makes no finding twice: what concerns an item that is there, the
    table's walk alone finds.
    """

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError for anything but K/N with K from 1 to N, and N up to 1,000."""
        numbers = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text)
        part = cls(number=int(numbers[1]), of=int(numbers[2])) if numbers else None
        if part is None or not 1 <= part.number <= part.of <= 1_000:
            raise ValueError(f"{text!r} is not K/N, such as 2/8, with K from 1 to N and N up to 1000")
        return part

    @property
    def segments(self) -> range:
        """The segments of the table, of `total_segments`."""
        return range(self.number - 1, self.total_segments, self.of)

    @property
    def total_segments(self) -> int:
        return SEGMENTS * self.of

    def has(self, key: str) -> bool:
        """Whether the object with this key is in the part."""
        return zlib.crc32(key.encode()) % self.of == self.number - 1


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a run came to; `problems` counts the findings of each kind. The numbers of parts add up."""

    items: int
    objects: int
    versions: int
    problems: Mapping[Kind, int]
    repaired: int
    seconds: float

    @property
    def is_complete(self) -> bool:
        return sum(self.problems.values()) == self.repaired


def reconcile(
    deployment: Deployment,
    *,
    repair: bool,
    report: Callable[[Finding], None],
    say: Callable[[str], None],
    deep: bool = False,
    part: Part | None = None,
    pauses: Iterable[float] = PAUSES,
) -> Summary:
    """Walk table and bucket and report each finding once it is certain; `say` gets a line at times.

    `report` is called by one thread at a time. Memory grows neither with the table nor with the findings.
    Raises what boto3 raises when AWS refuses.
    """
    started = time.monotonic()
    part = part or Part()
    table = OrdersTable(deployment.table, region=deployment.region, connections=2 * THREADS + 1)
    of_items = table.item_count() // part.of
    problems = Counter(dict.fromkeys(PROBLEMS + (DEEP_PROBLEMS if deep else ()), 0))
    repaired = 0

    def count(finding: Finding) -> None:
        nonlocal repaired
        problems[finding.problem] += 1
        repaired += finding.repaired
        report(finding)

    store = AuditStore(deployment.audit_bucket, region=deployment.region)
    comparison = Comparison(store=store, table=table, repair=repair, report=count, pauses=pauses)
    walks = _Walks(comparison, store=store, table=table, part=part)
    for _ in walks.run(deep=deep):
        seconds = time.monotonic() - started
        progress = _progress(comparison.counts, of_items=of_items, seconds=seconds)
        say(f"{progress}, {problems.total()} findings")
    return Summary(
        items=comparison.counts["items"],
        objects=comparison.counts["objects"],
        versions=comparison.counts["versions"],
        problems=dict(problems),
        repaired=repaired,
        seconds=time.monotonic() - started,
    )


class _Walks:
    """The walks of one part of a run."""

    def __init__(
        self,
        comparison: Comparison,
        *,
        store: AuditStore,
        table: OrdersTable,
        part: Part,
    ) -> None:
        self._comparison = comparison
        self._store = store
        self._table = table
        self._part = part

    def run(self, *, deep: bool) -> Iterator[None]:
        """Walk until the end; comes back every few seconds. An error in one thread ends the others."""
        batches = _Shared(_batches(filter(self._part.has, self._store.keys(RECORDS_PREFIX))))
        # Not waited for when something goes wrong: they end by themselves, or with the process.
        threads = ThreadPoolExecutor(2 * THREADS + 1)
        walks: set[Future[None]] = {threads.submit(self._bucket, batches) for _ in range(THREADS)}
        if deep:
            walks.add(threads.submit(self._chains))
        walks |= {threads.submit(self._segment, number) for number in self._part.segments}
        try:
            while walks:
                done, walks = wait(walks, timeout=PROGRESS_SECONDS, return_when=FIRST_EXCEPTION)
                for walk in done:
                    walk.result()
                if walks:
                    yield
        finally:
            self._comparison.stop()
            threads.shutdown(wait=False, cancel_futures=True)

    def _segment(self, number: int) -> None:
        for items in self._table.pages(number, of=self._part.total_segments):
            self._comparison.items(items)

    def _bucket(self, batches: Iterable[list[str]]) -> None:
        for keys in batches:
            self._comparison.objects(keys)

    def _chains(self) -> None:
        versions = self._store.versions(RECORDS_PREFIX)
        self._comparison.chains(version for version in versions if self._part.has(version.key))


class _Shared(Iterator[T]):
    """An iterator that several threads take from."""

    def __init__(self, values: Iterator[T]) -> None:
        self._values = values
        self._lock = threading.Lock()

    def __next__(self) -> T:
        with self._lock:
            return next(self._values)


def _batches(keys: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(keys, BATCH)):
        yield batch


def _progress(counts: Mapping[str, int], *, of_items: int, seconds: float) -> str:
    items, versions = counts["items"], counts["versions"]
    share = f" ({min(99, 100 * items // of_items)}%)" if of_items else ""
    chains = f", {versions} versions" if versions else ""
    return f"{items} items{share}, {counts['objects']} objects{chains}, {items / seconds:.0f} items/s"


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `reconcile` to the commands of `python -m tools.audit`."""
    parser = commands.add_parser(
        "reconcile",
        help="prove that table and audit trail agree",
        description="Compare every order item with the newest record in its audit object, and see that every "
        "audit object whose item is gone ends with the record of its removal.",
        epilog="Exit status: 0 the trail holds all that was checked (--repair: now), 1 findings remain, "
        "2 bad usage or setting, 3 it failed, 130 interrupted. Environment: "
        "ENVIRONMENT_SUFFIX, DEPLOY_REGION, and what the AWS SDK reads.",
    )
    parser.add_argument(
        "--deep",
        action="store_true",
        help="read all versions of all objects too, and prove that each change starts from the one before it",
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="write the missing records of current states and of removals, marked as reconciled",
    )
    parser.add_argument(
        "--part",
        type=_part,
        default=Part(),
        metavar="K/N",
        help="check one of N parts, which together are the whole: 1/8 to 8/8 on eight machines",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="one JSON object a line: the findings as they are made, then the summary; no progress",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Exit.COMPLETE when the trail holds all that was checked (with --repair: holds it now)."""
    deployment = Deployment.of_settings()
    summary = reconcile(
        deployment,
        repair=arguments.repair,
        deep=arguments.deep,
        part=arguments.part,
        report=_print_json if arguments.json else _Table(),
        say=_say_nothing if arguments.json else _say,
    )
    if arguments.json:
        part = f"{arguments.part.number}/{arguments.part.of}"
        print(json.dumps({"summary": asdict(summary) | {"part": part, "complete": summary.is_complete}}))
    else:
        print(_closing_line(summary), flush=True)
        if not summary.is_complete and _batches_wait(deployment):
            _say(
                f"failed batches wait in s3://{deployment.failed_batches_bucket}: redrive, then run it again"
            )
    return Exit.COMPLETE if summary.is_complete else Exit.INCOMPLETE


def _batches_wait(deployment: Deployment) -> bool:
    """Whether batches wait that Lambda gave up on; no, if that may not be looked at."""
    s3 = boto3.client("s3", region_name=deployment.region)
    try:
        listing = s3.list_objects_v2(
            Bucket=deployment.failed_batches_bucket, Prefix=FAILED_BATCHES_PREFIX, MaxKeys=1
        )
    except ClientError:
        return False
    return listing["KeyCount"] > 0


def _closing_line(summary: Summary) -> str:
    versions = f", {summary.versions} versions" if summary.versions else ""
    found = ", ".join(f"{count} {problem}" for problem, count in summary.problems.items() if count)
    repaired = f"; {summary.repaired} repaired" if summary.repaired else ""
    return (
        f"{summary.items} items, {summary.objects} objects{versions} in {summary.seconds:.1f} s: "
        f"{found or 'nothing is missing'}{repaired}"
    )


def _part(text: str) -> Part:
    try:
        return Part.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


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


class _Table:
    """Prints a row for each finding, and above the first one what its columns are."""

    def __init__(self) -> None:
        self._has_head = False

    def __call__(self, finding: Finding) -> None:
        if not self._has_head:
            self._has_head = True
            print(_ROW("PROBLEM", "", "TIMESTAMP", "ORDER, REASON"))
        name = finding.key if finding.order_id is None else json.dumps(finding.order_id, ensure_ascii=False)
        repaired = "repaired" if finding.repaired else ""
        row = _ROW(finding.problem, repaired, finding.timestamp or "", f"{name}  {finding.detail}")
        print(row, flush=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _say_nothing(line: str) -> None:
    pass
