"""The pipeline, deployed to a local cloud with Terraform and its AWS provider; tests build on each other."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.audit import failed_batches
from tests.iam.proof import (
    TOOLS,
    UNUSED_BY_FUNCTION,
    UNUSED_BY_TERRAFORM,
    UNUSED_BY_TOOLS,
    Proof,
    RecordedRoles,
    documented_rights,
)
from tools.local import pipeline as local_pipeline
from tools.local import sample_orders
from tools.local.cloud import ROOT, STATE_BUCKET, LocalCloud, wait_until
from tools.local.summary import print_summary
from tools.review import checkov_gate
from tools.review.review import EXIT_GUARDED, EXIT_SAFE, review

pytestmark = pytest.mark.slow

Plan = dict[str, Any]

# Of an order that is only in a failed batch.
TIMESTAMP = 1_700_000_000_000


class Terraform:
    """Terraform in one folder; a failing command fails the test with what it said."""

    def __init__(self, folder: Path, recorded: RecordedRoles | None = None) -> None:
        self.folder = folder
        self._recorded = recorded

    def __call__(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        role = {"plan": "plan", "apply": "apply", "destroy": "apply"}.get(arguments[0])
        recording = self._recorded.log(role).environment if self._recorded and role else {}
        # As CI plans: its role may not write the lock.
        unlocked = ["-lock=false"] if role == "plan" else []
        answer = subprocess.run(
            ["terraform", f"-chdir={self.folder}", *arguments, *unlocked],
            env=os.environ | recording,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode in allowed, answer.stdout + answer.stderr
        return answer

    def plan(self, *arguments: str) -> Plan:
        """The JSON of a plan, which stays in the folder as `plan.tfplan`."""
        self("plan", "-out=plan.tfplan", *arguments)
        plan: Plan = json.loads(self("show", "-json", "plan.tfplan").stdout)
        return plan


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordedRoles]:
    with RecordedRoles(tmp_path_factory.mktemp("calls")) as recorded:
        yield recorded


@pytest.fixture(scope="module")
def cloud(recorded: RecordedRoles) -> Iterator[LocalCloud]:
    """A local cloud of this module's own, so that what is left in it in the end is the pipeline's."""
    cloud = LocalCloud(ROOT / f".local-test-{os.getpid()}-end-to-end")
    # For the function, which starts with the variables of the cloud.
    redirect = f"--import=data:text/javascript,process.env.AWS_ENDPOINT_URL='{recorded.function.url}'"
    try:
        with mock.patch.dict(os.environ, NODE_OPTIONS=redirect):
            cloud.start()
        environment = cloud.environment() | {"CI_ROLES": "true", "REPOSITORY_SUBJECT": "repo:acme/orders"}
        recorded.function.target = recorded.tools.target = environment["AWS_ENDPOINT_URL"]
        with mock.patch.dict(os.environ, environment, clear=True):
            yield cloud
    finally:
        cloud.stop()


@pytest.fixture(scope="module")
def state_bucket(cloud: LocalCloud) -> Terraform:
    terraform = Terraform(synth("bootstrap.py", cloud.state_bucket_folder()))
    terraform("init", "-no-color")
    terraform("apply", "-auto-approve", "-no-color")
    return terraform


@pytest.fixture(scope="module")
def deploy_roles(cloud: LocalCloud, state_bucket: Terraform) -> Terraform:
    """The deployed roles of CI."""
    # Apart from the pipeline's: the CDKTF CLI removes the folders of all stacks but those of its app.
    output = cloud.folder / "roles"
    folder = output / "stacks" / "deploy-roles-local"
    terraform = Terraform(synth("deploy_roles.py", folder, CDKTF_OUTDIR=str(output)))
    terraform("init", "-no-color")
    terraform("apply", "-auto-approve", "-no-color")
    return terraform


@pytest.fixture(scope="module")
def undeployed(cloud: LocalCloud, deploy_roles: Terraform, recorded: RecordedRoles) -> Terraform:
    terraform = Terraform(synth("main.py", cloud.stack_folder()), recorded)
    terraform("init", "-no-color")
    return terraform


@pytest.fixture(scope="module")
def creation_plan(undeployed: Terraform) -> Plan:
    return undeployed.plan()


@pytest.fixture(scope="module")
def terraform(undeployed: Terraform, creation_plan: Plan, recorded: RecordedRoles) -> Terraform:
    """The deployed pipeline."""
    undeployed("apply", "-no-color", "plan.tfplan")
    recorded.pipeline = json.loads(undeployed("show", "-json").stdout)
    return undeployed


@pytest.fixture(scope="module")
def outputs(terraform: Terraform) -> dict[str, str]:
    answer = json.loads(terraform("output", "-json").stdout)
    return {name: output["value"] for name, output in answer.items()}


def synth(entry_point: str, folder: Path, **settings: str) -> Path:
    subprocess.run([sys.executable, entry_point], cwd=ROOT, env=os.environ | settings, check=True)
    return folder


@contextlib.contextmanager
def changed(cloud: LocalCloud, **settings: str) -> Iterator[None]:
    """The stack synthesized with other settings, and as it was again in the end."""
    synth("main.py", cloud.stack_folder(), **settings)
    try:
        yield
    finally:
        synth("main.py", cloud.stack_folder())


def tool(recorded: RecordedRoles, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
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


def test_T2_valid_without_warnings(terraform: Terraform) -> None:
    answer = json.loads(terraform("validate", "-json").stdout)
    assert (answer["valid"], answer["diagnostics"]) == (True, [])


def test_second_plan_is_empty_and_without_warnings(terraform: Terraform) -> None:
    plan = terraform("plan", "-detailed-exitcode", "-no-color")
    assert "No changes." in plan.stdout
    assert "Warning" not in plan.stdout + plan.stderr


def test_T1_state_is_in_the_bucket(terraform: Terraform, cloud: LocalCloud) -> None:
    keys = [item["Key"] for item in boto3.client("s3").list_objects_v2(Bucket=STATE_BUCKET)["Contents"]]
    assert keys == ["deploy-roles/local/terraform.tfstate", "order-pipeline/local/terraform.tfstate"]
    assert not list(cloud.stack_folder().glob("*.tfstate"))


def test_T3_state_bucket_is_not_taken_over(state_bucket: Terraform, cloud: LocalCloud) -> None:
    """Whoever runs the bootstrap without its state is told that the name is taken."""
    state_bucket("state", "rm", "aws_s3_bucket.state_bucket_803B4E61")
    try:
        answer = state_bucket("apply", "-auto-approve", "-no-color", allowed=(1,))
        assert "BucketAlready" in answer.stderr
    finally:
        state_bucket("import", "aws_s3_bucket.state_bucket_803B4E61", STATE_BUCKET)


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
    outputs: dict[str, str], recorded: RecordedRoles
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
    outputs: dict[str, str], recorded: RecordedRoles
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
    outputs: dict[str, str], recorded: RecordedRoles
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


class TestPlanReview:
    """Reviews of plans that the real provider makes."""

    def test_creation_is_safe(self, creation_plan: Plan) -> None:
        result = review(creation_plan)
        assert result.exit_status == EXIT_SAFE
        assert re.fullmatch(r"### ✏️ This plan: \d\d to create", result.markdown.splitlines()[0])
        # Policies that Terraform does not know yet are judged by the documents that they are made of.
        assert "Known only after apply" not in result.markdown

    def test_no_changes_is_one_quiet_line(self, terraform: Terraform) -> None:
        terraform("apply", "-refresh-only", "-auto-approve")
        result = review(terraform.plan())
        assert (result.exit_status, result.markdown.split("\n\n")[0]) == (EXIT_SAFE, "### ✅ No changes")

    def test_change_in_place_is_safe(self, terraform: Terraform, cloud: LocalCloud) -> None:
        with changed(cloud, LAMBDA_RUNTIME="nodejs22.x"):
            result = review(terraform.plan())
        assert result.exit_status == EXIT_SAFE
        assert "1 to change" in result.markdown.splitlines()[0]
        assert '! runtime: "nodejs20.x" → "nodejs22.x"' in result.markdown

    def test_protection_is_safe_to_switch_on(self, terraform: Terraform, cloud: LocalCloud) -> None:
        with changed(cloud, PROTECT_DATA="true"):
            result = review(terraform.plan())
        assert result.exit_status == EXIT_SAFE
        assert "! force_destroy: true → false" in result.markdown
        assert "! deletion_protection_enabled: false → true" in result.markdown

    def test_changed_hash_key_replaces_the_table(self, terraform: Terraform, cloud: LocalCloud) -> None:
        template = cloud.stack_folder() / "cdk.tf.json"
        with changed(cloud):
            template.write_text(template.read_text().replace('"orderId"', '"id"'))
            plan = terraform.plan()
        result = review(plan)
        assert result.exit_status == EXIT_GUARDED
        assert "forced by `hash_key`" in result.markdown
        (table,) = (
            change["address"] for change in plan["resource_changes"] if change["type"] == "aws_dynamodb_table"
        )
        assert review(plan, [table]).exit_status == EXIT_SAFE

    def test_destroy_loses_all_guarded_data(self, terraform: Terraform) -> None:
        result = review(terraform.plan("-destroy"))
        assert result.exit_status == EXIT_GUARDED
        assert "4 guarded resources" in result.markdown.splitlines()[0]
        # What watches and protects goes with what it is for.
        assert all(finding.is_loss for finding in result.findings)

    def test_weakenings_of_this_stack_are_found(self, terraform: Terraform, cloud: LocalCloud) -> None:
        template = cloud.stack_folder() / "cdk.tf.json"
        with changed(cloud):
            stack = json.loads(template.read_text())
            _weaken(stack)
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


def _weaken(stack: dict[str, Any]) -> None:
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


def make(target: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--silent", target],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_plan_stops_at_a_weakening_and_at_a_loss(terraform: Terraform, cloud: LocalCloud) -> None:
    plan = cloud.stack_folder() / "plan.json"

    def allowed(stopped: subprocess.CompletedProcess[str]) -> int:
        """The status of the review when all is allowed that stopped it."""
        allowances = re.findall(r"\(once reviewed: (--allow=.*)\)", stopped.stderr)
        command = [sys.executable, "-m", "tools.review", plan, *allowances]
        return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode

    with changed(cloud, PROTECT_DATA="true"):
        terraform("apply", "-auto-approve", "-no-color")
    weaker = make("plan")
    assert (weaker.returncode, "would weaken 3 resources" in weaker.stdout) == (2, True), weaker.stderr
    assert "- deletion_protection_enabled: true → false" in weaker.stdout
    assert allowed(weaker) == EXIT_SAFE
    terraform("apply", "-auto-approve", "-no-color")

    template = cloud.stack_folder() / "cdk.tf.json"
    with changed(cloud):
        template.write_text(template.read_text().replace('"orderId"', '"id"'))
        terraform.plan()
        lost = make("review-plan")
    assert (lost.returncode, "would lose `orders/table`" in lost.stdout) == (2, True), lost.stderr
    assert allowed(lost) == EXIT_SAFE


def test_make_plan_apply_plan_and_drift(terraform: Terraform, recorded: RecordedRoles) -> None:
    def run(target: str, **settings: str) -> subprocess.CompletedProcess[str]:
        role = "update" if target == "apply-plan" else "plan"
        return make(target, **(recorded.log(role).environment | settings))

    changed = {"FAILURE_STATUSES": "FAILED,LOST"}
    planned = run("plan", **changed)
    assert (planned.returncode, "1 to change" in planned.stdout) == (0, True), planned.stderr
    applied = run("apply-plan")
    assert (applied.returncode, "1 changed" in applied.stdout) == (0, True), applied.stderr
    again = run("apply-plan")
    assert (again.returncode, "plan is stale" in again.stderr) == (2, True), again.stderr
    assert "No drift." in run("drift", **changed).stderr
    drift = run("drift")
    assert (drift.returncode, "1 to change" in drift.stdout) == (0, True), drift.stderr
    terraform("apply", "-auto-approve", "-no-color")


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


def test_S6_a_locked_record_cannot_be_removed(
    terraform: Terraform, cloud: LocalCloud, outputs: dict[str, str]
) -> None:
    s3 = boto3.client("s3")
    bucket, key = outputs["audit_bucket"], "orders/locked/1.json"
    with changed(cloud, AUDIT_LOCK="governance:1", PROTECT_DATA="true", ALERT_EMAILS="ops@example.com"):
        change_in_place(cloud.stack_folder() / "cdk.tf.json")
        terraform("apply", "-auto-approve", "-no-color")
        assert is_empty(terraform.plan())
        version = s3.put_object(Bucket=bucket, Key=key, Body=b"{}", ChecksumAlgorithm="CRC32")["VersionId"]
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
    s3.delete_object(Bucket=bucket, Key=key, VersionId=version, BypassGovernanceRetention=True)
    terraform("apply", "-auto-approve", "-no-color")


def test_checkov_finds_nothing_unexplained_in_a_real_plan(creation_plan: Plan, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(creation_plan))
    found = checkov_gate.findings(file, checkov_gate.PYTHON)
    suppressed = tomllib.loads((ROOT / "checkov.toml").read_text())
    # What is suppressed in the state bucket's stack has no finding here.
    unexplained = checkov_gate.unexplained(found, suppressed)
    assert found
    assert [line for line in unexplained if not line.endswith("suppresses nothing")] == []


def test_G4_destroy_leaves_nothing(terraform: Terraform, outputs: dict[str, str]) -> None:
    """Both buckets are full of versions by now, and a failed batch waits."""
    content = failed_batches.content(stream_record("order-2002", 1), function=outputs["order_processor"])
    boto3.client("s3").put_object(
        Bucket=outputs["failed_batches_bucket"], Key=failed_batches.key(), Body=json.dumps(content)
    )
    terraform("destroy", "-auto-approve", "-no-color")

    assert terraform("state", "list").stdout == ""
    buckets = boto3.client("s3").list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in buckets] == [STATE_BUCKET]
    queues = boto3.client("sqs").list_queues(QueueNamePrefix="order-failed-batches")
    assert queues.get("QueueUrls", []) == []
    assert boto3.client("events").list_rules()["Rules"] == []
    assert boto3.client("dynamodb").list_tables()["TableNames"] == []
    assert boto3.client("lambda").list_functions()["Functions"] == []
    assert boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
    assert boto3.client("sns").list_topics()["Topics"] == []
    roles = [role["RoleName"] for role in boto3.client("iam").list_roles()["Roles"]]
    assert sorted(roles) == ["order-pipeline-apply-role-local", "order-pipeline-plan-role-local"]
    assert boto3.client("logs").describe_log_groups()["logGroups"] == []
    assert boto3.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert boto3.client("cloudwatch").list_dashboards()["DashboardEntries"] == []
    kms = boto3.client("kms")
    keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    assert {key["KeyState"] for key in keys if key["KeyManager"] == "CUSTOMER"} == {"PendingDeletion"}


def test_C1_a_second_plan_of_the_roles_is_empty(deploy_roles: Terraform) -> None:
    assert "No changes." in deploy_roles("plan", "-detailed-exitcode", "-no-color").stdout


@pytest.fixture(scope="module")
def proof(deploy_roles: Terraform, recorded: RecordedRoles) -> Proof:
    """What was called from creation to destruction, and the policies as they were deployed."""
    return Proof(recorded, roles=json.loads(deploy_roles("show", "-json").stdout))


class TestProof:
    """That the rights are those that the calls need, when all calls have been made."""

    def test_C2_every_call_of_terraform_is_allowed(self, proof: Proof) -> None:
        assert {"plan": proof.refused("plan"), "apply": proof.refused("apply")} == {"plan": [], "apply": []}

    def test_C2_protection_lets_updates_through(self, proof: Proof) -> None:
        assert proof.refused_by_protection("update") == []

    def test_C2_G6_every_right_of_the_roles_is_used(self, proof: Proof) -> None:
        assert proof.unused_by_terraform() == set(UNUSED_BY_TERRAFORM)

    def test_G6_the_function_has_the_rights_that_it_needs_and_no_other(self, proof: Proof) -> None:
        # One test has led it astray.
        refused = [call for call in proof.refused("function") if "bucket-that-is-gone" not in call]
        assert refused == []
        assert proof.unused_by_function() == set(UNUSED_BY_FUNCTION)

    @pytest.mark.parametrize("name", TOOLS)
    def test_G6_operators_need_the_rights_that_are_written_down(self, proof: Proof, name: str) -> None:
        called, documented = proof.actions_of(name), documented_rights(name)
        assert called - documented == set()
        assert documented - called <= set(UNUSED_BY_TOOLS)

    def test_C2_enough_was_recorded(self, proof: Proof) -> None:
        """A recorder that sees nothing would prove everything."""
        counts = proof.counts()
        print(counts)
        assert counts["calls"] > 1000
        assert counts["actions"] > 130


def change_in_place(template: Path) -> None:
    """What can change without a replacement, in the synthesized JSON: for the rights that only this needs."""
    stack = json.loads(template.read_text())
    stack["provider"]["aws"][0]["default_tags"][0]["tags"]["Stage"] = "changed"
    changes: dict[str, dict[str, object]] = {
        "aws_cloudwatch_event_rule": {"description": "changed"},
        "aws_iam_role": {"description": "changed"},
        "aws_kms_key": {"description": "changed", "enable_key_rotation": False},
        "aws_lambda_event_source_mapping": {"parallelization_factor": 9},
        "aws_lambda_function": {"source_code_hash": "changed", "timeout": 59},
    }
    for type_, values in changes.items():
        for resource in stack["resource"][type_].values():
            resource.update(values)
    template.write_text(json.dumps(stack))


def is_empty(plan: Plan) -> bool:
    """Whether a plan changes no resource and no output."""
    changes = [*plan.get("resource_changes", []), *plan.get("output_changes", {}).values()]
    actions = [change.get("change", change)["actions"] for change in changes]
    return all(action == ["no-op"] for action in actions)


def counted(outputs: dict[str, str]) -> int:
    """What the alarm on failed batches sees."""
    attributes = boto3.client("sqs").get_queue_attributes(
        QueueUrl=outputs["failed_batches_queue"], AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(attributes["Attributes"]["ApproximateNumberOfMessages"])


def status(image: dict[str, Any] | None) -> str | None:
    return None if image is None else str(image["status"]["S"])
