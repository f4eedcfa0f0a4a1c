"""Reconcile proves that the audit trail holds the state of every item, and repairs what it does not hold."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import boto3
import pytest
from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_s3 import S3Client
from mypy_boto3_s3.literals import StorageClassType

from names import FAILED_BATCHES_PREFIX
from tools.audit import reconcile
from tools.audit.chain import Kind
from tools.audit.comparison import Comparison, Finding
from tools.audit.deployment import Deployment
from tools.audit.reconcile import Part
from tools.audit.record import AuditRecord, audit_key, typed_json

pytestmark = pytest.mark.slow

REGION: Final = "ap-southeast-1"
TIMESTAMP = "1700000000000"


@dataclass(frozen=True)
class Pipeline:
    """A table and a bucket of their own for one test, without the function between them."""

    deployment: Deployment
    dynamodb: DynamoDBClient
    s3: S3Client

    def put_item(self, order_id: str, **attributes: dict[str, Any]) -> dict[str, Any]:
        """Write an item as an order's writer does; returns its image as the stream would have it."""
        item = {"orderId": {"S": order_id}, "timestamp": {"N": TIMESTAMP}} | attributes
        self.dynamodb.put_item(TableName=self.deployment.table, Item=item)
        return typed_json(item)

    def delete_item(self, order_id: str) -> None:
        key = {"orderId": {"S": order_id}, "timestamp": {"N": TIMESTAMP}}
        self.dynamodb.delete_item(TableName=self.deployment.table, Key=key)

    def put_record(
        self, image: dict[str, Any], number: int, storage_class: StorageClassType = "STANDARD"
    ) -> None:
        """Write a version of the audit object as the function does."""
        order_id, timestamp = image["orderId"]["S"], image["timestamp"]["N"]
        record = {
            "orderId": order_id,
            "timestamp": timestamp,
            "eventName": "MODIFY",
            "eventId": uuid4().hex,
            "sequenceNumber": str(number),
            "recordedAt": "2026-01-02T03:04:05.678Z",
            "userIdentity": None,
            "oldImage": None,
            "newImage": image,
        }
        self.put_object(order_id, json.dumps(record), storage_class=storage_class)

    def put_chain(self, order_id: str, *statuses: str | None) -> list[str]:
        """Write the records of an item that goes through these states, as the function does; None is no item.

        Returns the version ids. The table is left as it is.
        """
        old: dict[str, Any] | None = None
        versions = []
        for number, status in enumerate(statuses, start=1):
            key = {"orderId": {"S": order_id}, "timestamp": {"N": TIMESTAMP}}
            new = None if status is None else key | {"status": {"S": status}}
            record = {
                "orderId": order_id,
                "timestamp": TIMESTAMP,
                "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
                "eventId": uuid4().hex,
                "sequenceNumber": str(number),
                "recordedAt": "2026-01-02T03:04:05.678Z",
                "userIdentity": None,
                "oldImage": old,
                "newImage": new,
            }
            versions.append(self.put_object(order_id, json.dumps(record)))
            old = new
        return versions

    def delete_version(self, order_id: str, version_id: str) -> None:
        key = audit_key(order_id, TIMESTAMP)
        self.s3.delete_object(Bucket=self.deployment.audit_bucket, Key=key, VersionId=version_id)

    def put_object(self, order_id: str, body: str, storage_class: StorageClassType = "STANDARD") -> str:
        answer = self.s3.put_object(
            Bucket=self.deployment.audit_bucket,
            Key=audit_key(order_id, TIMESTAMP),
            Body=body,
            StorageClass=storage_class,
        )
        return answer["VersionId"]

    def delete_object(self, order_id: str) -> None:
        self.s3.delete_object(Bucket=self.deployment.audit_bucket, Key=audit_key(order_id, TIMESTAMP))

    def history(self, order_id: str) -> list[dict[str, Any]]:
        """The records of an item in the order in which they are to be read."""
        key = audit_key(order_id, TIMESTAMP)
        listing = self.s3.list_object_versions(Bucket=self.deployment.audit_bucket, Prefix=key)
        bodies = [
            self.s3.get_object(Bucket=self.deployment.audit_bucket, Key=key, VersionId=version["VersionId"])[
                "Body"
            ].read()
            for version in reversed(listing.get("Versions", []))
        ]
        return [json.loads(body) for body in sorted(bodies, key=lambda body: AuditRecord.parse(body).rank)]

    def reconcile(
        self,
        *,
        repair: bool = False,
        deep: bool = False,
        part: Part | None = None,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> dict[str, Finding]:
        """The findings by order; `meanwhile` happens between the first and the second look at suspects."""
        findings: dict[str, Finding] = {}

        class Pauses:
            def __iter__(self) -> Iterator[float]:
                meanwhile()
                yield 0

        def report(finding: Finding) -> None:
            name = finding.order_id or finding.key
            assert name not in findings
            findings[name] = finding

        reconcile.reconcile(
            self.deployment, repair=repair, deep=deep, part=part, report=report, say=print, pauses=Pauses()
        )
        return findings

    def problems(self, *, deep: bool = False, part: Part | None = None) -> dict[str, str]:
        findings = self.reconcile(deep=deep, part=part)
        return {name: finding.problem for name, finding in findings.items()}


@pytest.fixture
def pipeline(cloud: None, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.setenv("ENVIRONMENT_SUFFIX", uuid4().hex[:12])
    monkeypatch.setenv("DEPLOY_REGION", REGION)
    pipeline = Pipeline(
        Deployment.of_settings(),
        boto3.client("dynamodb", region_name=REGION),
        boto3.client("s3", region_name=REGION),
    )
    pipeline.dynamodb.create_table(
        TableName=pipeline.deployment.table,
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
    bucket = pipeline.deployment.audit_bucket
    pipeline.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    pipeline.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return pipeline


def with_every_problem(pipeline: Pipeline) -> None:
    """Two items that are recorded, and one for each way not to be."""
    pipeline.put_record(pipeline.put_item("fine"), 1)
    pipeline.put_record(pipeline.put_item("../a b", data={"B": b"\x00\xff"}), 1)
    pipeline.put_item("never written")
    pipeline.put_record(pipeline.put_item("deleted"), 7)
    pipeline.delete_object("deleted")
    pipeline.put_record(pipeline.put_item("stale", status={"S": "NEW"}), 7)
    pipeline.put_item("stale", status={"S": "PAID"})
    pipeline.put_record(pipeline.put_item("unreadable"), 7)
    pipeline.put_object("unreadable", "{")
    pipeline.put_record(pipeline.put_item("archived"), 7, storage_class="GLACIER")


def before(monkeypatch: pytest.MonkeyPatch, method: str, action: Callable[[], object]) -> None:
    """Have something happen each time just before a step of the walk."""
    step = getattr(Comparison, method)

    def act_first(*arguments: object, **options: object) -> object:
        action()
        return step(*arguments, **options)

    monkeypatch.setattr(Comparison, method, act_first)


def test_a_table_whose_states_are_all_recorded_has_no_findings(pipeline: Pipeline) -> None:
    for number in range(20):
        pipeline.put_record(pipeline.put_item(f"order {number}"), number)
    assert pipeline.problems() == {}


def test_each_problem_is_found_and_told_apart(pipeline: Pipeline) -> None:
    with_every_problem(pipeline)
    assert pipeline.problems() == {
        "never written": "missing",
        "deleted": "missing",
        "stale": "stale",
        "unreadable": "unreadable",
        "archived": "archived",
    }


def test_repair_writes_what_was_missing_and_leaves_what_is_archived(pipeline: Pipeline) -> None:
    with_every_problem(pipeline)
    findings = pipeline.reconcile(repair=True)
    assert [order_id for order_id, finding in findings.items() if not finding.repaired] == ["archived"]
    assert pipeline.problems() == {"archived": "archived"}


def test_a_repair_record_says_that_it_is_one_and_continues_the_history(pipeline: Pipeline) -> None:
    old = pipeline.put_item("a", status={"S": "NEW"})
    pipeline.put_record(old, 7)
    new = pipeline.put_item("a", status={"S": "PAID"}, data={"B": b"\xff"})
    pipeline.reconcile(repair=True)
    first, second = pipeline.history("a")
    assert first["sequenceNumber"] == "7"
    assert second.pop("recordedAt").endswith("Z")
    assert second == {
        "orderId": "a",
        "timestamp": TIMESTAMP,
        "eventName": None,
        "eventId": None,
        "sequenceNumber": "7",
        "changedAt": None,
        "changedBy": None,
        "userIdentity": None,
        "oldImage": old,
        "newImage": new,
        "reconciled": True,
    }


def test_an_item_without_any_record_is_repaired_with_one_that_comes_before_all(pipeline: Pipeline) -> None:
    image = pipeline.put_item("a")
    pipeline.reconcile(repair=True)
    (record,) = pipeline.history("a")
    assert (record["sequenceNumber"], record["oldImage"], record["newImage"]) == ("0", None, image)


def test_section_6_a_redriven_record_is_no_finding(pipeline: Pipeline) -> None:
    old = pipeline.put_item("a", status={"S": "NEW"})
    pipeline.put_record(pipeline.put_item("a", status={"S": "PAID"}), 10)
    # As a number 9 is before 10; as text, and for S3, it is after.
    pipeline.put_record(old, 9)
    assert pipeline.problems() == {}


def test_the_newest_record_counts_and_not_the_current_version(
    pipeline: Pipeline,
) -> None:
    current = pipeline.put_item("a", status={"S": "NEW"})
    pipeline.put_record(current | {"status": {"S": "PAID"}}, 10)
    pipeline.put_record(current | {"status": {"S": "OLD"}}, 9)
    assert pipeline.problems() == {"a": "stale"}


def test_versions_of_other_objects_are_not_an_items_history(pipeline: Pipeline) -> None:
    image = pipeline.put_item("a")
    pipeline.put_record(image | {"status": {"S": "OLD"}}, 1)
    foreign = {"sequenceNumber": "2", "newImage": image}
    copy = audit_key("a", TIMESTAMP) + ".copy"
    pipeline.s3.put_object(Bucket=pipeline.deployment.audit_bucket, Key=copy, Body=json.dumps(foreign))
    assert pipeline.problems() == {"a": "stale", copy: "unreadable"}


def test_a_removed_item_that_is_back_needs_a_record_of_that(pipeline: Pipeline) -> None:
    image = pipeline.put_item("a")
    pipeline.put_record(image, 1)
    removal = {"sequenceNumber": "2", "newImage": None}
    pipeline.put_object("a", json.dumps(removal))
    assert pipeline.problems() == {"a": "stale"}


def test_a_record_on_its_way_is_no_finding(pipeline: Pipeline) -> None:
    pipeline.put_record(pipeline.put_item("a", status={"S": "NEW"}), 1)
    image = pipeline.put_item("a", status={"S": "PAID"})
    findings = pipeline.reconcile(meanwhile=lambda: pipeline.put_record(image, 2))
    assert findings == {}


def test_an_item_that_keeps_changing_is_no_finding(pipeline: Pipeline) -> None:
    pipeline.put_record(pipeline.put_item("a", status={"S": "1"}), 1)
    seen = pipeline.put_item("a", status={"S": "2"})

    def change() -> None:
        following = pipeline.put_item("a", status={"S": "3"})
        pipeline.put_record(seen, 2)
        pipeline.put_record(following, 3)
        pipeline.put_item("a", status={"S": "4"})

    findings = pipeline.reconcile(meanwhile=change)
    assert findings == {}


def test_a_record_of_the_same_state_from_before_proves_nothing(pipeline: Pipeline) -> None:
    state = pipeline.put_item("a", status={"S": "NEW"})
    pipeline.put_record(state, 1)
    pipeline.put_record(state | {"status": {"S": "PAID"}}, 2)
    # It is back in its first state, the record of that is lost, and the first change is recorded twice.
    findings = pipeline.reconcile(meanwhile=lambda: pipeline.put_record(state, 1))
    assert {order_id: finding.problem for order_id, finding in findings.items()} == {"a": "stale"}


def test_an_item_deleted_after_it_was_scanned_is_no_finding(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.put_item("a")
    before(monkeypatch, "_trail", lambda: pipeline.delete_item("a"))
    assert pipeline.problems() == {}


def test_a_change_during_a_repair_stays_the_newest_record(pipeline: Pipeline) -> None:
    lost = pipeline.put_item("a", status={"S": "NEW"})
    changed: list[dict[str, Any]] = []

    def change() -> None:
        changed.append(pipeline.put_item("a", status={"S": "PAID"}))

    pipeline.reconcile(repair=True, meanwhile=change)
    # The records of both changes come after the repair, as after an outage of the function.
    pipeline.put_record(changed[0], 6)
    pipeline.put_record(lost, 5)
    assert [record["sequenceNumber"] for record in pipeline.history("a")] == ["0", "5", "6"]
    assert pipeline.history("a")[-1]["newImage"] == changed[0]
    assert pipeline.problems() == {}


@pytest.mark.parametrize("number_of_versions", [0, 1])
def test_a_repair_writes_nothing_if_the_object_changed_since_it_was_read(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, number_of_versions: int
) -> None:
    image = pipeline.put_item("a", status={"S": "PAID"})
    for number in range(number_of_versions):
        pipeline.put_record(image | {"status": {"S": "NEW"}}, number)
    before(monkeypatch, "_repaired", lambda: pipeline.put_record(image, 9))
    assert not pipeline.reconcile(repair=True)["a"].repaired
    assert pipeline.history("a")[-1]["sequenceNumber"] == "9"
    assert len(pipeline.history("a")) == number_of_versions + 1


def test_two_repairs_of_one_state_are_read_in_the_order_of_their_writing(pipeline: Pipeline) -> None:
    pipeline.put_item("a", status={"S": "NEW"})
    pipeline.reconcile(repair=True)
    pipeline.put_item("a", status={"S": "PAID"})
    pipeline.reconcile(repair=True)
    pipeline.put_item("a", status={"S": "NEW"})
    assert pipeline.problems() == {"a": "stale"}


def test_h3_a_trail_that_ends_with_the_removal_of_its_item_is_no_finding(pipeline: Pipeline) -> None:
    pipeline.put_chain("a", "NEW", "PAID", None)
    pipeline.put_chain("x" * 900, "NEW", None)
    assert pipeline.problems(deep=True) == {}


@pytest.mark.parametrize("order_id", ["a", "../a b", "x" * 900], ids=["plain", "encoded", "hashed"])
def test_h3_an_item_that_is_gone_without_a_record_of_that_is_found(pipeline: Pipeline, order_id: str) -> None:
    pipeline.put_chain(order_id, "NEW", "PAID")
    finding = pipeline.reconcile()[order_id]
    assert finding.problem is Kind.NO_REMOVE
    assert finding.detail == "the item is gone, the newest record, 2, has it (versions: 2)"


def test_a_lost_removal_is_repaired_with_a_record_of_it(pipeline: Pipeline) -> None:
    pipeline.put_chain("a", "NEW", "PAID")
    assert pipeline.reconcile(repair=True)["a"].repaired
    *_, last = pipeline.history("a")
    assert (last["reconciled"], last["sequenceNumber"], last["newImage"]) == (True, "2", None)
    assert last["oldImage"]["status"] == {"S": "PAID"}
    assert pipeline.problems(deep=True) == {}


def test_a_record_of_a_removal_on_its_way_is_no_finding(pipeline: Pipeline) -> None:
    pipeline.put_chain("a", "NEW", "PAID")
    removal = {"orderId": "a", "timestamp": TIMESTAMP, "sequenceNumber": "3", "newImage": None}
    assert pipeline.reconcile(meanwhile=lambda: pipeline.put_object("a", json.dumps(removal))) == {}


@pytest.mark.parametrize("is_recorded", [True, False])
def test_an_item_that_is_back_at_the_second_look_needs_the_record_of_its_removal_too(
    pipeline: Pipeline, is_recorded: bool
) -> None:
    pipeline.put_chain("a", "NEW")

    def come_back() -> None:
        if is_recorded:
            removal = {"orderId": "a", "timestamp": TIMESTAMP, "sequenceNumber": "2", "newImage": None}
            pipeline.put_object("a", json.dumps(removal))
        pipeline.put_record(pipeline.put_item("a", status={"S": "NEW"}), 3)

    findings = pipeline.reconcile(meanwhile=come_back)
    assert {name: finding.problem for name, finding in findings.items()} == (
        {} if is_recorded else {"a": "no-remove"}
    )


def test_what_hides_the_end_of_a_removed_items_trail_is_found(pipeline: Pipeline) -> None:
    bucket = pipeline.deployment.audit_bucket
    pipeline.put_chain("unreadable", "NEW", None)
    pipeline.put_object("unreadable", "{")
    pipeline.put_chain("misplaced", "NEW", None)
    other = {"orderId": "b", "timestamp": TIMESTAMP, "sequenceNumber": "9", "newImage": None}
    pipeline.put_object("misplaced", json.dumps(other))
    pipeline.put_record(pipeline.put_item("archived"), 1, storage_class="GLACIER")
    pipeline.delete_item("archived")
    odd_keys = [
        "orders/a%41/1.json",
        "orders/a/x.json",
        "orders//1.json",
        "orders/../1.json",
        "orders/%ff/1.json",
    ]
    for key in [*odd_keys, "orders/one/1.0.json", f"orders/{'h' * 700}~{'0' * 64}/1.json"]:
        pipeline.s3.put_object(Bucket=bucket, Key=key, Body="{}")
    assert pipeline.problems(deep=True) == dict.fromkeys(odd_keys, "unreadable") | {
        "unreadable": "unreadable",
        "misplaced": "misplaced",
        "archived": "archived",
        "one": "unreadable",
        f"orders/{'h' * 700}~{'0' * 64}/1.json": "unreadable",
    }


def test_a_record_in_another_items_object_is_no_proof(pipeline: Pipeline) -> None:
    image = pipeline.put_item("a")
    record = {"orderId": "b", "timestamp": TIMESTAMP, "sequenceNumber": "1", "newImage": image}
    pipeline.put_object("a", json.dumps(record))
    finding = pipeline.reconcile()["a"]
    assert finding.problem is Kind.MISPLACED
    assert f"a record of orders/b/{TIMESTAMP}.json" in finding.detail


def test_h3_deep_finds_what_is_broken_inside_of_a_trail_and_repairs_nothing_of_it(pipeline: Pipeline) -> None:
    pipeline.put_chain("fine", "NEW", "PAID", None, "NEW", None)
    for name, number in (("no-insert", 0), ("gap", 1)):
        versions = pipeline.put_chain(name, "NEW", "PAID", "SENT", None)
        pipeline.delete_version(name, versions[number])
    pipeline.put_chain("delete-marker", "NEW", None)
    pipeline.delete_object("delete-marker")
    pipeline.put_item("missing")
    pipeline.put_chain("missing", "NEW")
    pipeline.delete_object("missing")
    pipeline.put_chain("fork", "NEW", "PAID", None)
    pipeline.put_object(
        "fork", json.dumps(pipeline.history("fork")[1] | {"newImage": {"orderId": {"S": "fork"}}})
    )
    pipeline.put_object("fork", json.dumps(pipeline.history("fork")[-1]))
    names = ("no-insert", "gap", "delete-marker", "fork")
    assert pipeline.problems() == {"missing": "missing"}
    assert pipeline.problems(deep=True) == {name: name for name in (*names, "missing")}
    findings = pipeline.reconcile(deep=True, repair=True)
    assert [name for name, finding in findings.items() if finding.repaired] == ["missing"]
    assert "status" in findings["gap"].detail
    assert pipeline.problems(deep=True).keys() == {*names}


def test_a_change_that_is_filled_in_before_the_second_look_is_no_gap(pipeline: Pipeline) -> None:
    versions = pipeline.put_chain("a", "NEW", "PAID", None)
    late = json.dumps(pipeline.history("a")[1])
    pipeline.delete_version("a", versions[1])
    assert pipeline.reconcile(deep=True, meanwhile=lambda: pipeline.put_object("a", late)) == {}


@pytest.mark.parametrize("is_there", [True, False])
def test_h3_deep_sees_an_old_state_that_came_last_and_equals_the_item(
    pipeline: Pipeline, is_there: bool
) -> None:
    """The record of the item's last change is lost, and one of an earlier equal state was redriven."""
    pipeline.put_chain("a", *(("NEW", "PAID") if is_there else ("NEW", None, "NEW")))
    pipeline.put_object("a", json.dumps(pipeline.history("a")[0 if is_there else 1]))
    if is_there:
        pipeline.put_item("a", status={"S": "NEW"})
    pipeline.put_chain("fine", "NEW", "PAID", None)
    pipeline.put_object("fine", json.dumps(pipeline.history("fine")[1]))
    assert pipeline.problems() == {}
    assert pipeline.problems(deep=True) == {"a": "stale" if is_there else "no-remove"}


def test_parts_are_disjoint_and_together_complete(pipeline: Pipeline) -> None:
    for number in range(8):
        pipeline.put_item(f"lost {number}")
        pipeline.put_chain(f"gone {number}", "NEW")
        versions = pipeline.put_chain(f"gap {number}", "NEW", "PAID", "SENT", None)
        pipeline.delete_version(f"gap {number}", versions[1])
    one, other = (pipeline.problems(deep=True, part=Part(number=number, of=2)) for number in (1, 2))
    assert one
    assert other
    assert one.keys().isdisjoint(other)
    assert len(one | other) == 24
    assert one | other == pipeline.problems(deep=True)


def test_two_repairs_at_once_write_one_record(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.put_item("lost")
    pipeline.put_chain("gone", "NEW")
    # Each run has found the item in the table, and the object whose item is gone, before any is repaired.
    before(monkeypatch, "_repaired", threading.Barrier(4).wait)
    with ThreadPoolExecutor() as runs:
        both = [runs.submit(pipeline.reconcile, repair=True) for _ in range(2)]
        findings = [finding for run in both for finding in run.result().values()]
    assert len(findings) == 4
    assert sorted(finding.order_id or "" for finding in findings if finding.repaired) == ["gone", "lost"]
    assert (len(pipeline.history("lost")), len(pipeline.history("gone"))) == (1, 2)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.audit", "reconcile", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def without_progress(stderr: str) -> list[str]:
    """What is said besides how far it is, which a busy machine has it say."""
    return [line for line in stderr.splitlines() if " of about " not in line]


def test_the_table_has_a_line_for_each_finding_and_ends_with_the_counts(pipeline: Pipeline) -> None:
    pipeline.put_record(pipeline.put_item("fine"), 1)
    pipeline.put_record(pipeline.put_item("ä b"), 1, storage_class="GLACIER")
    command = run()
    assert without_progress(command.stderr) == []
    header, row, counts = command.stdout.splitlines()
    detail = "in Glacier: restore the object to compare it"
    assert header.split() == ["PROBLEM", "TIMESTAMP", "ORDER,", "REASON"]
    assert row.split(maxsplit=2) == ["archived", TIMESTAMP, f'"ä b"  {detail}']
    assert counts.startswith("2 items, 2 objects in ")
    assert counts.endswith(": 1 archived")
    assert command.returncode == 1


def test_findings_come_with_a_word_on_failed_batches_that_wait(pipeline: Pipeline) -> None:
    pipeline.put_record(pipeline.put_item("a"), 1, storage_class="GLACIER")
    bucket = pipeline.deployment.failed_batches_bucket
    pipeline.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    pipeline.s3.put_object(Bucket=bucket, Key=f"{FAILED_BATCHES_PREFIX}batch", Body=b"{}")
    assert run().stderr == f"failed batches wait in s3://{bucket}: redrive, then run it again\n"


def test_json_is_an_object_a_line_and_ends_with_the_summary(pipeline: Pipeline) -> None:
    pipeline.put_record(pipeline.put_item("a"), 1, storage_class="GLACIER")
    command = run("--json")
    assert without_progress(command.stderr) == []
    finding, last = map(json.loads, command.stdout.splitlines())
    assert finding == {
        "problem": "archived",
        "orderId": "a",
        "timestamp": TIMESTAMP,
        "key": f"orders/a/{TIMESTAMP}.json",
        "detail": "in Glacier: restore the object to compare it",
        "repaired": False,
    }
    assert last["summary"].pop("seconds") >= 0
    assert last == {
        "summary": {
            "items": 1,
            "objects": 1,
            "versions": 0,
            "problems": {
                "missing": 0,
                "stale": 0,
                "no-remove": 0,
                "unreadable": 0,
                "misplaced": 0,
                "archived": 1,
                "delete-marker": 0,
            },
            "repaired": 0,
            "part": "1/1",
            "complete": False,
        }
    }


def test_exit_status_is_0_once_everything_is_recorded(pipeline: Pipeline) -> None:
    pipeline.put_record(pipeline.put_item("a"), 1)
    assert run().returncode == 0


@pytest.mark.parametrize(("stale", "repaired", "complete"), [(0, 0, True), (2, 2, True), (2, 1, False)])
def test_what_was_repaired_is_complete(stale: int, repaired: int, complete: bool) -> None:
    summary = reconcile.Summary(
        items=9, objects=9, versions=0, problems={Kind.STALE: stale}, repaired=repaired, seconds=1
    )
    assert summary.is_complete is complete


def test_interrupted_half_way_a_second_run_ends_well(pipeline: Pipeline) -> None:
    pipeline.put_item("missing")
    pipeline.put_record(pipeline.put_item("archived"), 1, storage_class="GLACIER")
    # In a shell's background job Ctrl-C is ignored, and would be by the tool.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    command = subprocess.Popen(
        [sys.executable, "-m", "tools.audit", "reconcile", "--repair"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    assert command.stdout is not None
    command.stdout.readline()
    # The archived item is reported at once, the missing one only after it was looked at again.
    assert command.stdout.readline().startswith("archived")
    # As a terminal does it: to the tool and to its workers.
    os.killpg(command.pid, signal.SIGINT)
    _, errors = command.communicate()
    assert command.returncode == 130
    assert "Traceback" not in errors
    assert pipeline.history("missing") == []

    pipeline.reconcile(repair=True)
    assert pipeline.problems() == {"archived": "archived"}


def test_a_bucket_that_is_not_there_is_an_error_and_no_finding(pipeline: Pipeline) -> None:
    pipeline.put_item("a")
    pipeline.s3.delete_bucket(Bucket=pipeline.deployment.audit_bucket)
    command = run()
    assert command.returncode == 3
    assert command.stdout == ""
    assert len(command.stderr.splitlines()) == 1
