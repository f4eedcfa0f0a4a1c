"""The pipeline as `make local` deploys it: what it does with orders, what the tools say of that, and what
plans of changes to it are told; tests build on each other.

The calls of the function and of the tools are recorded and held against their rights.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.audit import failed_batches
from tests.iam.proof import (
    TOOLS,
    UNUSED_BY_FUNCTION,
    UNUSED_BY_TOOLS,
    CallersProof,
    RecordedCallers,
    documented_rights,
)
from tests.local.deployment import Plan, Terraform, changed, make, running_cloud, status_when_allowed
from tools.console.steps import Steps
from tools.local import pipeline as local_pipeline
from tools.local import sample_orders
from tools.local.cloud import ROOT, LocalCloud, wait_until
from tools.local.summary import print_summary
from tools.review.review import EXIT_GUARDED, EXIT_SAFE, review

pytestmark = pytest.mark.slow

# Of an order that is only in a failed batch.
TIMESTAMP = 1_700_000_000_000


@pytest.fixture(scope="module")
def recorded() -> Iterator[RecordedCallers]:
    with RecordedCallers() as recorded:
        yield recorded


@pytest.fixture(scope="module")
def cloud(recorded: RecordedCallers) -> Iterator[LocalCloud]:
    redirect = f"--import=data:text/javascript,process.env.AWS_ENDPOINT_URL='{recorded.function.url}'"
    with running_cloud("deployed", function={"NODE_OPTIONS": redirect}) as cloud:
        recorded.function.target = recorded.tools.target = cloud.variables()["AWS_ENDPOINT_URL"]
        yield cloud


@pytest.fixture(scope="module")
def outputs(cloud: LocalCloud) -> dict[str, str]:
    with Steps() as steps:
        return local_pipeline.deploy(cloud, steps)


@pytest.fixture(scope="module")
def terraform(cloud: LocalCloud, outputs: dict[str, str]) -> Terraform:
    """In the folder of the deployed pipeline."""
    return Terraform(cloud.stack_folder())


def tool(recorded: RecordedCallers, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    recorded.tools.caller = name
    return subprocess.run(
        [sys.executable, "-m", "tools.audit", name, *arguments],
        cwd=ROOT,
        env=os.environ | {"AWS_ENDPOINT_URL": recorded.tools.url},
        capture_output=True,
        text=True,
        check=False,
    )


def stream_record(order_id: str, number: int) -> dict[str, Any]:
    """A change of an order as the table's stream has it."""
    keys = {"orderId": {"S": order_id}, "timestamp": {"N": str(TIMESTAMP)}}
    return {
        "eventID": f"event-{number}",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": keys,
            "NewImage": {**keys, "status": {"S": "PLACED"}},
            "SequenceNumber": str(number),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }


def test_orders_are_audited_and_failures_alerted(
    outputs: dict[str, str], cloud: LocalCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    observed = local_pipeline.run_sample_orders(outputs)

    recorded = {
        key.split("/")[1]: [
            (record["eventName"], status(record["oldImage"]), status(record["newImage"]))
            for record in records
        ]
        for key, records in observed.histories.items()
    }
    assert recorded == {
        "order-1001": [("INSERT", None, "PLACED")],
        "order-1002": [
            ("INSERT", None, "PLACED"),
            ("MODIFY", "PLACED", "PAID"),
            ("MODIFY", "PAID", "PAID"),
            ("MODIFY", "PAID", "PACKED"),
            ("MODIFY", "PACKED", "SHIPPED"),
        ],
        "order-1003": [("INSERT", None, "PLACED"), ("MODIFY", "PLACED", "FAILED")],
        "order-1004": [("INSERT", None, "PLACED"), ("REMOVE", "PLACED", None)],
    }
    alert = json.loads(observed.alert["Message"])
    assert (alert["orderId"], alert["oldStatus"], alert["newStatus"]) == ("order-1003", "PLACED", "FAILED")
    assert alert["auditObject"]["key"] in observed.histories
    assert alert["ordersInStatusLastHour"] == 1

    print_summary(cloud, outputs, observed)
    summary = capsys.readouterr().out
    assert (cloud.folder / f"{sample_orders.SHOWN_ORDER}.html").is_file()
    for shown in [*recorded, "Order entered FAILED: order-1003", outputs["error_rate_alarm"]]:
        assert shown in summary


def test_A1_alarm_is_there_and_quiet(outputs: dict[str, str]) -> None:
    (alarm,) = boto3.client("cloudwatch").describe_alarms(AlarmNames=[outputs["error_rate_alarm"]])[
        "MetricAlarms"
    ]
    assert alarm["StateValue"] != "ALARM"
    assert alarm["AlarmActions"] == [outputs["alarms_topic"]]
    assert "(errors / invocations) * 100" in [query.get("Expression") for query in alarm["Metrics"]]


def test_alarms_and_dashboard_are_there(outputs: dict[str, str]) -> None:
    cloudwatch = boto3.client("cloudwatch")
    alarms = cloudwatch.describe_alarms()["MetricAlarms"]
    assert len(alarms) == 9
    assert all(alarm["OKActions"] == [outputs["alarms_topic"]] for alarm in alarms)
    body = json.loads(cloudwatch.get_dashboard(DashboardName="order-pipeline-local")["DashboardBody"])
    (states,) = (widget["properties"] for widget in body["widgets"] if widget["type"] == "alarm")
    assert set(states["alarms"]) == {alarm["AlarmArn"] for alarm in alarms}


def test_R4_an_outage_of_the_bucket_loses_nothing(outputs: dict[str, str]) -> None:
    """The function is led to a bucket that does not exist, and back; Lambda retries meanwhile."""
    functions = boto3.client("lambda")
    name = outputs["order_processor"]
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def use_bucket(bucket: str) -> None:
        functions.update_function_configuration(
            FunctionName=name, Environment={"Variables": {**variables, "AUDIT_BUCKET": bucket}}
        )

    def errors() -> int:
        events = boto3.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        return sum("audit record not stored" in event["message"] for event in events)

    use_bucket("order-audit-bucket-that-is-gone")
    try:
        timestamp = sample_orders.write(outputs["orders_table"])
        assert wait_until(lambda: errors() > 0, seconds=60)
        assert local_pipeline.histories(outputs["audit_bucket"], timestamp) == {}
    finally:
        use_bucket(variables["AUDIT_BUCKET"])

    def recorded() -> dict[str, list[str]]:
        return {
            key.split("/")[1]: list(dict.fromkeys(status(record["newImage"]) or "gone" for record in records))
            for key, records in local_pipeline.histories(outputs["audit_bucket"], timestamp).items()
        }

    expected = {
        order: list(dict.fromkeys(status(item) or "gone" for item in sample_orders.items(changes)))
        for order, changes in sample_orders.SAMPLE_ORDERS.items()
    }
    assert wait_until(lambda: recorded() == expected, seconds=60), recorded()


def test_R5_A6_a_failed_batch_is_counted_until_it_is_redriven(
    outputs: dict[str, str], recorded: RecordedCallers
) -> None:
    bucket, function = outputs["failed_batches_bucket"], outputs["order_processor"]
    assert counted(outputs) == 0
    s3 = boto3.client("s3")
    records = [stream_record("order-2001", number) for number in (1, 2)]
    content = failed_batches.content(*records, function=function)
    s3.put_object(Bucket=bucket, Key=failed_batches.key(), Body=json.dumps(content))
    assert wait_until(lambda: counted(outputs) == 1, seconds=60)

    listed = tool(recorded, "redrive", "--list")
    assert listed.returncode == 1
    assert "order-2001" in listed.stdout
    assert counted(outputs) == 1
    assert tool(recorded, "redrive").returncode == 0
    assert counted(outputs) == 0
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    (history,) = local_pipeline.histories(outputs["audit_bucket"], TIMESTAMP).values()
    assert [record["sequenceNumber"] for record in history] == ["1", "2"]
    assert tool(recorded, "redrive").returncode == 0


def test_H2_the_chains_hold_after_an_outage_and_a_redrive(
    outputs: dict[str, str], recorded: RecordedCallers
) -> None:
    """The function's own records, with retries among them: nothing is found but duplicates and late ones."""
    histories = tool(recorded, "history", "--json", *sample_orders.SAMPLE_ORDERS)
    lines = [json.loads(line) for line in histories.stdout.splitlines()]
    chains = [line["chain"] for line in lines if "chain" in line]
    # Written once, and once more during the outage.
    assert len(chains) == 2 * len(sample_orders.SAMPLE_ORDERS)
    assert histories.returncode == 0, histories.stdout
    found = {finding["kind"] for chain in chains for finding in chain["findings"]}
    assert found <= {"duplicate", "late"}
    assert all(line["changedAt"] for line in lines if "number" in line)


def test_reconcile_finds_and_repairs_deleted_and_stale_records(
    outputs: dict[str, str], recorded: RecordedCallers
) -> None:
    s3 = boto3.client("s3")
    bucket = outputs["audit_bucket"]
    complete = tool(recorded, "reconcile", "--repair", "--json")
    assert complete.returncode == 0, complete.stdout + complete.stderr
    *findings, _ = map(json.loads, complete.stdout.splitlines())
    # The batch that was redriven is of an order that the table never held.
    assert {(finding["problem"], finding["orderId"]) for finding in findings} <= {("no-remove", "order-2001")}

    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="orders/")["Contents"]]
    deleted = next(key for key in keys if "order-1001" in key)
    stale = next(key for key in keys if "order-1002" in key)
    s3.delete_object(Bucket=bucket, Key=deleted)
    current = next(
        version
        for version in s3.list_object_versions(Bucket=bucket, Prefix=stale)["Versions"]
        if version["IsLatest"]
    )
    s3.delete_object(Bucket=bucket, Key=stale, VersionId=current["VersionId"])

    for order, kind in [("order-1001", "delete marker"), ("order-1002", "stale end")]:
        history = tool(recorded, "history", order)
        assert (history.returncode, f"1 {kind}" in history.stdout) == (1, True), history.stdout

    found = tool(recorded, "reconcile", "--json")
    assert found.returncode == 1, found.stderr
    *findings, summary = map(json.loads, found.stdout.splitlines())
    assert {(finding["problem"], finding["orderId"]) for finding in findings} == {
        ("missing", "order-1001"),
        ("stale", "order-1002"),
    }
    assert "summary" in summary
    assert tool(recorded, "reconcile", "--repair").returncode == 0
    assert tool(recorded, "reconcile").returncode == 0


@pytest.fixture(scope="class")
def proof(recorded: RecordedCallers, terraform: Terraform) -> CallersProof:
    """What was called, and the function's policy as it was deployed."""
    return CallersProof(recorded, pipeline=terraform.shown())


class TestProof:
    """That the rights of the function and of the operators are those that their calls need."""

    def test_G6_the_function_has_the_rights_that_it_needs_and_no_other(self, proof: CallersProof) -> None:
        # One test has led it astray.
        refused = [call for call in proof.refused() if "bucket-that-is-gone" not in call]
        assert refused == []
        assert proof.unused() == set(UNUSED_BY_FUNCTION)

    @pytest.mark.parametrize("name", TOOLS)
    def test_G6_operators_need_the_rights_that_are_written_down(self, proof: CallersProof, name: str) -> None:
        called, documented = proof.actions_of(name), documented_rights(name)
        assert called - documented == set()
        assert documented - called <= set(UNUSED_BY_TOOLS)

    def test_G6_enough_was_recorded(self, proof: CallersProof) -> None:
        """A recorder that sees nothing would prove everything."""
        counts = proof.counts()
        print(counts)
        assert counts["calls"] > 100
        assert counts["actions"] > 15


def test_weakenings_are_found(terraform: Terraform, cloud: LocalCloud) -> None:
    with changed(cloud) as template:
        stack = json.loads(template.read_text())
        weaken(stack)
        template.write_text(json.dumps(stack))
        plan = terraform.plan()
    result = review(plan)
    assert result.exit_status == EXIT_GUARDED
    assert {finding.allow.rpartition(".")[2] for finding in result.findings} == {
        "actions_enabled",
        "block_public_policy",
        "enabled",
        "policy",
    } | {
        finding.address.partition(".")[2]
        for finding in result.findings
        if finding.address.startswith("aws_s3_bucket_versioning.")
    }
    assert "anyone may read" in {finding.words for finding in result.findings}
    assert review(plan, [finding.allow for finding in result.findings]).exit_status == EXIT_SAFE


def test_make_review_plan_stops_at_a_loss(terraform: Terraform, cloud: LocalCloud) -> None:
    """Another hash key replaces the table."""
    with changed(cloud) as template:
        template.write_text(template.read_text().replace('"orderId"', '"id"'))
        terraform("plan", "-out=plan.tfplan")
        lost = make("review-plan")
    assert (lost.returncode, "would lose `orders/table`" in lost.stdout) == (2, True), lost.stderr
    assert status_when_allowed(lost, cloud) == EXIT_SAFE

    plan: Plan = json.loads((cloud.stack_folder() / "plan.json").read_text())
    result = review(plan)
    assert result.exit_status == EXIT_GUARDED
    assert "! hash_key: " in result.markdown
    assert "# forces replacement" in result.markdown
    (table,) = (
        change["address"] for change in plan["resource_changes"] if change["type"] == "aws_dynamodb_table"
    )
    assert review(plan, [table]).exit_status == EXIT_SAFE


def test_make_drift_tells_whether_the_code_differs(terraform: Terraform) -> None:
    assert "No drift." in make("drift").stderr
    drift = make("drift", FAILURE_STATUSES="FAILED,LOST")
    assert (drift.returncode, "1 to change" in drift.stdout) == (0, True), drift.stderr


def test_make_deploy_and_the_cdktf_cli_agree(terraform: Terraform) -> None:
    for command in (
        ["make", "--silent", "deploy", "ARGS=--auto-approve"],
        ["cdktf", "deploy", "--auto-approve"],
    ):
        answer = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert "No changes." in answer.stdout


def weaken(stack: dict[str, Any]) -> None:
    """Open the buckets, and switch off their versions, the processing and the alarms."""
    resources = stack["resource"]
    del resources["aws_s3_bucket_versioning"]
    for change, type_ in (
        ({"block_public_policy": False}, "aws_s3_bucket_public_access_block"),
        ({"enabled": False}, "aws_lambda_event_source_mapping"),
        ({"actions_enabled": False}, "aws_cloudwatch_metric_alarm"),
    ):
        for resource in resources[type_].values():
            resource.update(change)
    for lifecycle in resources["aws_s3_bucket_lifecycle_configuration"].values():
        lifecycle.pop("depends_on", None)
    for name, document in stack["data"]["aws_iam_policy_document"].items():
        if name.startswith("audit_"):
            anyone = {"type": "*", "identifiers": ["*"]}
            document["statement"].append(
                {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::x/*"], "principals": [anyone]}
            )


def counted(outputs: dict[str, str]) -> int:
    """What the alarm on failed batches sees."""
    attributes = boto3.client("sqs").get_queue_attributes(
        QueueUrl=outputs["failed_batches_queue"], AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(attributes["Attributes"]["ApproximateNumberOfMessages"])


def status(image: dict[str, Any] | None) -> str | None:
    return None if image is None else str(image["status"]["S"])
