"""The pipeline from its creation to its destruction by the real Terraform; tests build on each other.

Every call is recorded and held against the rights of the roles that CI does this with.
"""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.audit import failed_batches
from tests.iam.proof import UNUSED_BY_TERRAFORM, TerraformProof, synthesized_boundary
from tests.iam.recorders import TerraformLog
from tests.local.deployment import (
    Plan,
    Terraform,
    changed,
    deployed,
    initialized,
    make,
    running_cloud,
    status_when_allowed,
)
from tools.local import pipeline as local_pipeline
from tools.local.cloud import ROOT, STATE_BUCKET, LocalCloud
from tools.review import checkov_gate
from tools.review.review import EXIT_GUARDED, EXIT_SAFE, review

pytestmark = pytest.mark.slow

PROTECTED = {"AUDIT_LOCK": "governance:1", "PROTECT_DATA": "true", "ALERT_EMAILS": "ops@example.com"}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TerraformLog]:
    """Of what the roles of CI do: `plan`, `apply`, and `update` for applies of small changes."""
    folder = tmp_path_factory.mktemp("calls")
    return {role: TerraformLog(folder / f"{role}.jsonl") for role in ("plan", "apply", "update")}


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with running_cloud("lifecycle", CI_ROLES="true", REPOSITORY_SUBJECT="repo:acme/orders") as cloud:
        yield cloud


@pytest.fixture(scope="module")
def state_bucket(cloud: LocalCloud) -> Terraform:
    return deployed("bootstrap.py", cloud.state_bucket_folder())


@pytest.fixture(scope="module")
def deploy_roles(cloud: LocalCloud, state_bucket: Terraform) -> Terraform:
    """The deployed roles of CI."""
    # Apart from the pipeline's: there `stacks/` is that of the app that was synthesized last.
    output = cloud.folder / "roles"
    folder = output / "stacks" / "deploy-roles-local"
    return deployed("deploy_roles.py", folder, CDKTF_OUTDIR=str(output))


@pytest.fixture(scope="module")
def undeployed(cloud: LocalCloud, deploy_roles: Terraform, logs: dict[str, TerraformLog]) -> Terraform:
    return initialized("main.py", cloud.stack_folder(), logs)


@pytest.fixture(scope="module")
def creation_plan(undeployed: Terraform) -> Plan:
    return undeployed.plan()


@pytest.fixture(scope="module")
def creation(undeployed: Terraform, creation_plan: Plan) -> Iterator[subprocess.Popen[str]]:
    """The creation, begun. For a minute it waits for the lifecycle rules, and other tests can run."""
    process = undeployed.begin("apply", "-no-color", "plan.tfplan")
    yield process
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def terraform(undeployed: Terraform, creation: subprocess.Popen[str]) -> Terraform:
    """The deployed pipeline."""
    undeployed.finish(creation)
    return undeployed


@pytest.fixture(scope="module")
def second_plan(terraform: Terraform) -> Plan:
    return terraform.plan("-detailed-exitcode")


@pytest.fixture(scope="module")
def state(second_plan: Plan) -> Plan:
    """The state after the creation, as `terraform show -json` tells it."""
    state: Plan = second_plan["prior_state"]
    return state


@pytest.fixture(scope="module")
def outputs(state: Plan) -> dict[str, str]:
    return {name: output["value"] for name, output in state["values"]["outputs"].items()}


@pytest.mark.usefixtures("creation")
class TestWhileItIsCreated:
    def test_T2_the_creation_is_valid_without_warnings_and_safe(self, creation_plan: Plan) -> None:
        # Terraform validates before it plans, and a warning would have failed the plan.
        assert creation_plan["errored"] is False
        result = review(creation_plan)
        assert result.exit_status == EXIT_SAFE
        assert re.fullmatch(r"### ✏️ This plan: \d\d to create", result.markdown.splitlines()[0])
        # Policies that Terraform does not know yet are judged by the documents that they are made of.
        assert "Known only after apply" not in result.markdown

    def test_checkov_finds_nothing_unexplained_in_a_real_plan(
        self, creation_plan: Plan, tmp_path: Path
    ) -> None:
        file = tmp_path / "plan.json"
        file.write_text(json.dumps(creation_plan))
        found = checkov_gate.findings(file, checkov_gate.PYTHON)
        suppressed = tomllib.loads((ROOT / "checkov.toml").read_text())
        # What is suppressed in the state bucket's stack has no finding here.
        unexplained = checkov_gate.unexplained(found, suppressed)
        assert found
        assert [line for line in unexplained if not line.endswith("suppresses nothing")] == []

    def test_T3_state_bucket_is_not_taken_over(self, state_bucket: Terraform, tmp_path: Path) -> None:
        """Whoever runs the bootstrap without its state is told that the name is taken."""
        (tmp_path / "cdk.tf.json").write_bytes((state_bucket.folder / "cdk.tf.json").read_bytes())
        without_state = Terraform(tmp_path)
        without_state("init", "-no-color")
        assert "BucketAlready" in without_state("apply", "-auto-approve", "-no-color", allowed=(1,))

    def test_C1_a_second_plan_of_the_roles_is_empty(self, deploy_roles: Terraform) -> None:
        assert "No changes." in deploy_roles("plan", "-detailed-exitcode", "-no-color")


def test_second_plan_is_empty_and_quiet(second_plan: Plan) -> None:
    result = review(second_plan)
    assert (result.exit_status, result.markdown.split("\n\n")[0]) == (EXIT_SAFE, "### ✅ No changes")


def test_T1_state_is_in_the_bucket(terraform: Terraform, cloud: LocalCloud) -> None:
    keys = [item["Key"] for item in boto3.client("s3").list_objects_v2(Bucket=STATE_BUCKET)["Contents"]]
    assert keys == ["deploy-roles/local/terraform.tfstate", "order-pipeline/local/terraform.tfstate"]
    assert not list(cloud.stack_folder().glob("*.tfstate"))


def test_make_plan_and_apply_plan(terraform: Terraform, logs: dict[str, TerraformLog]) -> None:
    settings = {"FAILURE_STATUSES": "FAILED,LOST", "LAMBDA_RUNTIME": "nodejs22.x"}
    planned = make("plan", **settings, **logs["plan"].environment)
    assert (planned.returncode, "1 to change" in planned.stdout) == (EXIT_SAFE, True), planned.stderr
    assert '! runtime: "nodejs20.x" → "nodejs22.x"' in planned.stdout
    applied = make("apply-plan", **logs["update"].environment)
    assert (applied.returncode, "1 changed" in applied.stdout) == (0, True), applied.stderr
    again = make("apply-plan", **logs["update"].environment)
    assert (again.returncode, "plan is stale" in again.stderr) == (2, True), again.stderr


@pytest.fixture(scope="class")
def protection_plan(terraform: Terraform, cloud: LocalCloud) -> Iterator[Plan]:
    """Of protected and locked data, and of a change of all that can change in place."""
    with changed(cloud, **PROTECTED) as template:
        change_in_place(template)
        yield terraform.plan()


class TestProtection:
    """Data is protected and locked, and all else changed with it, until `make plan` would take that back."""

    def test_it_is_safe_to_switch_on(self, protection_plan: Plan) -> None:
        result = review(protection_plan)
        # Of what is changed with it, for the right to do that.
        (rotation,) = (finding.allow for finding in result.findings)
        assert rotation.endswith(".enable_key_rotation")
        result = review(protection_plan, [rotation])
        assert result.exit_status == EXIT_SAFE
        assert len(re.findall(r"! force_destroy: +true → false", result.markdown)) == 2
        assert "! deletion_protection_enabled: false → true" in result.markdown

    def test_S6_a_locked_record_cannot_be_removed(
        self, terraform: Terraform, protection_plan: Plan, outputs: dict[str, str]
    ) -> None:
        s3 = boto3.client("s3")
        bucket, key = outputs["audit_bucket"], "orders/locked/1.json"
        terraform("apply", "-no-color", "plan.tfplan")
        # The status of an empty plan.
        terraform("plan", "-detailed-exitcode", "-no-color")
        version = s3.put_object(Bucket=bucket, Key=key, Body=b"{}", ChecksumAlgorithm="CRC32")["VersionId"]
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version, BypassGovernanceRetention=True)

    def test_make_plan_stops_at_a_weakening(self, terraform: Terraform, cloud: LocalCloud) -> None:
        weaker = make("plan")
        assert (weaker.returncode, "would weaken 6 resources" in weaker.stdout) == (2, True), weaker.stderr
        assert "- deletion_protection_enabled: true → false" in weaker.stdout
        for weakness in ("deleting it deletes all objects", "objects are not locked", "hears nothing"):
            assert weakness in weaker.stdout
        assert status_when_allowed(weaker, cloud) == EXIT_SAFE
        terraform("apply", "-no-color", "plan.tfplan")


@pytest.fixture(scope="class")
def destruction_plan(terraform: Terraform, outputs: dict[str, str]) -> Plan:
    """Of a pipeline whose buckets are full of versions, and a failed batch waits."""
    local_pipeline.run_sample_orders(outputs)
    s3 = boto3.client("s3")
    content = failed_batches.content(function=outputs["order_processor"])
    for _ in range(2):
        s3.put_object(Bucket=outputs["audit_bucket"], Key="orders/twice/1.json", Body=b"{}")
        s3.put_object(
            Bucket=outputs["failed_batches_bucket"], Key=failed_batches.key(), Body=json.dumps(content)
        )
    s3.delete_object(Bucket=outputs["audit_bucket"], Key="orders/twice/1.json")
    return terraform.plan("-destroy")


class TestDestruction:
    def test_it_loses_all_guarded_data(self, destruction_plan: Plan) -> None:
        result = review(destruction_plan)
        assert result.exit_status == EXIT_GUARDED
        assert "4 guarded resources" in result.markdown.splitlines()[0]
        # What watches and protects goes with what it is for.
        assert all(finding.is_loss for finding in result.findings)

    def test_G4_it_leaves_nothing(self, terraform: Terraform, destruction_plan: Plan) -> None:
        terraform("apply", "-no-color", "plan.tfplan")

        assert terraform("state", "list") == ""
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


@pytest.fixture(scope="class")
def proof(logs: dict[str, TerraformLog], state: Plan, deploy_roles: Terraform) -> TerraformProof:
    """What was called, and the policies as they were deployed."""
    return TerraformProof(logs, pipeline=state, roles=deploy_roles.shown())


class TestProof:
    """That the roles' rights are those that the calls need, when all calls have been made."""

    def test_C2_every_call_is_allowed(self, proof: TerraformProof) -> None:
        assert {"plan": proof.refused("plan"), "apply": proof.refused("apply")} == {"plan": [], "apply": []}

    def test_C2_protection_lets_updates_through(self, proof: TerraformProof) -> None:
        assert proof.refused_by_protection("update") == []

    def test_C2_G6_every_right_is_used(self, proof: TerraformProof) -> None:
        assert proof.unused() == set(UNUSED_BY_TERRAFORM)

    def test_C2_the_boundary_is_around_the_function(self, proof: TerraformProof) -> None:
        assert proof.boundary() == synthesized_boundary()

    def test_C2_enough_was_recorded(self, proof: TerraformProof) -> None:
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
