"""No false alarm on what this project does of itself: deploy, protect, change and destroy its stacks."""

import re
from typing import Any

import pytest

from tests.review.handmade import plan, resource
from tests.template import Template, deploy_roles, order_pipeline
from tools.review.review import Result, review
from tools.review.statements import document_policy, normalised

ACCOUNT = "123456789012"
PRIOR = {
    "values": {
        "root_module": {
            "resources": [{"type": "aws_caller_identity", "values": {"account_id": ACCOUNT}}],
        },
    },
}
REFERENCE = re.compile(r"\$\{(data\.)?(\w+)\.([\w-]+)\.(\w+)\}")


@pytest.fixture(scope="module")
def pipeline_for_roles() -> Template:
    return order_pipeline(CI_ROLES="true", STATE_BUCKET="team-state")


@pytest.fixture(scope="module")
def roles() -> Template:
    return deploy_roles()


def deployed(template: Template) -> dict[str, dict[str, Any]]:
    """By address, the resources with what refers to others resolved as AWS would."""
    return {
        f"{type_}.{name}": {
            "id": name,
            "arn": _arn(type_, name),
            **_resolved(body, template),
        }
        for type_, name, body in template.resources()
    }


def _resolved(value: Any, template: Template) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _resolved(item, template) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, template) for item in value]
    if not isinstance(value, str):
        return value
    if value.startswith("${data.aws_iam_policy_document."):
        return normalised(document_policy(_resolved(template.document(value), template)))
    return REFERENCE.sub(lambda match: _attribute(template, *match.groups()), value)


def _attribute(template: Template, data: str | None, type_: str, name: str, attribute: str) -> str:
    if data:
        return {"account_id": ACCOUNT, "partition": "aws"}.get(attribute, name)
    if "arn" in attribute:
        return _arn(type_, name)
    found = template.json["resource"][type_][name].get(attribute, name)
    assert isinstance(found, str)
    return found


def _arn(type_: str, name: str) -> str:
    if type_ == "aws_s3_bucket":
        return f"arn:aws:s3:::{name}"
    _, service, kind = type_.split("_", 2)
    return f"arn:aws:{service}:eu-west-1:{ACCOUNT}:{kind}/{name}"


def reviewed(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> Result:
    changes = []
    for address in before | after:
        old, new = before.get(address), after.get(address)
        action = "create" if old is None else "delete" if new is None else "no-op" if old == new else "update"
        changes.append(resource(address, action, before=old, after=new))
    return review(plan(*changes, prior_state=PRIOR))


def test_the_first_deployment_is_safe(
    pipeline: Template,
    protected_pipeline: Template,
    bootstrap: Template,
    pipeline_for_roles: Template,
    roles: Template,
) -> None:
    for template in (pipeline, protected_pipeline, bootstrap, pipeline_for_roles, roles):
        assert reviewed({}, deployed(template)).findings == ()


def test_protection_is_safe_to_switch_on(pipeline: Template, protected_pipeline: Template) -> None:
    result = reviewed(deployed(pipeline), deployed(protected_pipeline))
    assert result.counts["change"] > 1
    assert result.findings == ()
    assert reviewed(deployed(protected_pipeline), deployed(pipeline)).findings


def test_what_the_roles_of_ci_get_and_lose_is_asked_about(
    pipeline: Template, pipeline_for_roles: Template
) -> None:
    """They may delete the key that is there; without them the function's role loses its boundary."""
    without, with_roles = deployed(pipeline), deployed(pipeline_for_roles)
    [key] = reviewed(without, with_roles).findings
    assert (key.address.partition(".")[0], key.allow.rpartition(".")[2]) == ("aws_kms_key", "policy")
    assert "kms:ScheduleKeyDeletion" in key.words
    [role] = reviewed(with_roles, without).findings
    assert (role.address.partition(".")[0], role.allow.rpartition(".")[2]) == (
        "aws_iam_role",
        "permissions_boundary",
    )


def test_the_end_of_an_environment_is_a_loss_and_nothing_else(pipeline: Template, roles: Template) -> None:
    found = reviewed(deployed(pipeline), {}).findings
    assert len(found) == 4
    assert all(finding.is_loss for finding in found)
    assert reviewed(deployed(roles), {}).findings == ()


@pytest.mark.parametrize("type_", [
    "aws_cloudwatch_metric_alarm",
    "aws_cloudwatch_log_group",
    "aws_lambda_function",
    "aws_lambda_event_source_mapping",
    "aws_s3_bucket_versioning",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_policy",
    "aws_sns_topic",
    "aws_sqs_queue",
])  # fmt: skip
def test_a_part_of_it_that_goes_is_missed(pipeline: Template, type_: str) -> None:
    before = deployed(pipeline)
    gone = {address: body for address, body in before.items() if address.partition(".")[0] == type_}
    rest = {address: body for address, body in before.items() if address not in gone}
    assert {finding.address for finding in reviewed(before, rest).findings} == set(gone)
