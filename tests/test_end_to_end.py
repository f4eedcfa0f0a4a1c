"""The pipeline, deployed to a local cloud with Terraform and its AWS provider; tests build on each other."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from tools import local_pipeline
from tools.local_cloud import ROOT, STATE_BUCKET, LocalCloud

import boto3
import pytest

pytestmark = pytest.mark.slow


class Terraform:
    """Terraform in one folder; a failing command fails the test with what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        answer = subprocess.run(
            ["terraform", f"-chdir={self.folder}", *arguments], capture_output=True, text=True, check=False
        )
        assert answer.returncode in allowed, answer.stdout + answer.stderr
        return answer


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """A local cloud of this module's own, so that what is left in it in the end is the pipeline's."""
    with (
        LocalCloud(ROOT / f".local-test-{os.getpid()}-end-to-end") as cloud,
        mock.patch.dict(os.environ, cloud.environment(), clear=True),
    ):
        yield cloud


@pytest.fixture(scope="module")
def state_bucket(cloud: LocalCloud) -> Terraform:
    terraform = Terraform(synth("bootstrap.py", cloud.state_bucket_folder()))
    terraform("init", "-no-color")
    terraform("apply", "-auto-approve", "-no-color")
    return terraform


@pytest.fixture(scope="module")
def terraform(cloud: LocalCloud, state_bucket: Terraform) -> Terraform:
    """The deployed pipeline."""
    terraform = Terraform(synth("main.py", cloud.stack_folder()))
    terraform("init", "-no-color")
    terraform("apply", "-auto-approve", "-no-color")
    return terraform


@pytest.fixture(scope="module")
def outputs(terraform: Terraform) -> dict[str, str]:
    answer = json.loads(terraform("output", "-json").stdout)
    return {name: output["value"] for name, output in answer.items()}


def synth(entry_point: str, folder: Path) -> Path:
    subprocess.run([sys.executable, entry_point], cwd=ROOT, check=True)
    return folder


def test_T2_valid_without_warnings(terraform: Terraform) -> None:
    answer = json.loads(terraform("validate", "-json").stdout)
    assert (answer["valid"], answer["diagnostics"]) == (True, [])


def test_second_plan_is_empty_and_without_warnings(terraform: Terraform) -> None:
    plan = terraform("plan", "-detailed-exitcode", "-no-color")
    assert "No changes." in plan.stdout
    assert "Warning" not in plan.stdout + plan.stderr


def test_T1_state_is_in_the_bucket(terraform: Terraform, cloud: LocalCloud) -> None:
    keys = [item["Key"] for item in boto3.client("s3").list_objects_v2(Bucket=STATE_BUCKET)["Contents"]]
    assert keys == ["order-pipeline/local/terraform.tfstate"]
    assert not list(cloud.stack_folder().glob("*.tfstate"))


def test_T3_state_bucket_is_not_taken_over(state_bucket: Terraform, cloud: LocalCloud) -> None:
    """Whoever runs the bootstrap without its state is told that the name is taken."""
    state_bucket("state", "rm", "aws_s3_bucket.state_bucket_803B4E61")
    try:
        answer = state_bucket("apply", "-auto-approve", "-no-color", allowed=(1,))
        assert "BucketAlready" in answer.stderr
    finally:
        state_bucket("import", "aws_s3_bucket.state_bucket_803B4E61", STATE_BUCKET)


def test_orders_are_audited_and_failures_alerted(outputs: dict[str, str]) -> None:
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
    assert len(alarms) == 5
    assert all(alarm["OKActions"] == [outputs["alarms_topic"]] for alarm in alarms)
    body = json.loads(cloudwatch.get_dashboard(DashboardName="order-pipeline-local")["DashboardBody"])
    (states,) = (widget["properties"] for widget in body["widgets"] if widget["type"] == "alarm")
    assert set(states["alarms"]) == {alarm["AlarmArn"] for alarm in alarms}


def test_G4_destroy_leaves_nothing(terraform: Terraform, outputs: dict[str, str]) -> None:
    """The audit bucket is full of versions by now."""
    terraform("destroy", "-auto-approve", "-no-color")

    assert terraform("state", "list").stdout == ""
    buckets = boto3.client("s3").list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in buckets] == [STATE_BUCKET]
    assert boto3.client("dynamodb").list_tables()["TableNames"] == []
    assert boto3.client("lambda").list_functions()["Functions"] == []
    assert boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
    assert boto3.client("sns").list_topics()["Topics"] == []
    assert boto3.client("iam").list_roles()["Roles"] == []
    assert boto3.client("logs").describe_log_groups()["logGroups"] == []
    assert boto3.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert boto3.client("cloudwatch").list_dashboards()["DashboardEntries"] == []
    kms = boto3.client("kms")
    keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    assert {key["KeyState"] for key in keys if key["KeyManager"] == "CUSTOMER"} == {"PendingDeletion"}


def status(image: dict[str, Any] | None) -> str | None:
    return None if image is None else str(image["status"]["S"])
