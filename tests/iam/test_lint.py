"""Every policy of every stack against AWS's own description of its actions, in the data of policy_sentry."""

import re
from collections.abc import Iterator

import pytest
from policy_sentry.querying.actions import get_action_data

from tests.iam.policies import Statement, statements
from tests.iam.roles import policy, resolved
from tests.template import Template, deploy_roles, order_pipeline, state_bucket

LOG_GROUP = "arn:aws:logs:ap-southeast-1:123456789012:log-group:/aws/lambda/order-processor-dev:*"

# What is found and left, and why.
EXPLAINED = {
    "dynamodb:ListStreams cannot be on arn:aws:dynamodb:ap-southeast-1:123456789012:table/orders/stream/1": (
        "Beside the same action on `*`: examples of AWS have it on the stream with the other three."
    ),
    "dynamodb:ListStreams cannot be on "
    "arn:aws:dynamodb:ap-southeast-1:123456789012:table/orders-table-dev/stream/*": "The boundary around it.",
    f"logs:CreateLogStream cannot be on {LOG_GROUP}": "The `*` stands for `log-stream:` and its name.",
    f"logs:PutLogEvents cannot be on {LOG_GROUP}": "As for CreateLogStream.",
}


def findings(statement: Statement) -> Iterator[str]:
    """Actions that do not exist, resources that an action cannot be on, conditions that it does not know."""
    for action in statement.actions:
        if "*" in action:
            continue
        service, name = action.split(":")
        described = get_action_data(service, name)
        if not described:
            yield f"{action} does not exist"
            continue
        kinds = described[service]
        for resource in statement.resources:
            if not any(_is_of(kind["resource_arn_format"], resource) for kind in kinds):
                yield f"{action} cannot be on {resource}"
        known = {key.partition("/")[0] for kind in kinds for key in kind["condition_keys"]}
        for _, key, _ in statement.conditions:
            if key.partition("/")[0] not in known and not _is_global(key):
                yield f"{action} has no condition {key}"


def _is_of(arn_format: str, resource: str) -> bool:
    if arn_format == "*":
        return resource == "*"
    # Terraform's references stand for something, too.
    return re.fullmatch(re.sub(r"\\\$\\\{\w+\\\}", ".+", re.escape(arn_format)), resource) is not None


def _is_global(key: str) -> bool:
    return key.startswith("aws:") and not key.startswith(("aws:RequestTag", "aws:ResourceTag", "aws:TagKeys"))


def of_identities(template: Template) -> list[Statement]:
    """The statements of policies on roles; those on resources say `*` of the resource that they are on."""
    documents = [
        document
        for document in template.documents().values()
        if not any(block.get("principals") for block in document["statement"])
    ]
    for document in documents:
        for block in document["statement"]:
            block["resources"] = [_arn(resource) for resource in block["resources"]]
    return [statement for document in documents for statement in statements(policy(document))]


def _arn(resource: str) -> str:
    """An ARN of its kind in place of a reference to a resource of the stack itself."""
    arns = {
        "aws_dynamodb_table": "arn:aws:dynamodb:ap-southeast-1:123456789012:table/orders",
        "aws_s3_bucket": "arn:aws:s3:::bucket",
        "aws_sns_topic": "arn:aws:sns:ap-southeast-1:123456789012:topic",
    }
    return re.sub(
        r"\$\{(aws_\w+?)\.[^}]+\.(arn|stream_arn)\}",
        lambda match: arns[match[1]] + ("/stream/1" if match[2] == "stream_arn" else ""),
        resource,
    )


@pytest.fixture(scope="module")
def all_statements() -> list[Statement]:
    templates = [
        deploy_roles(PROTECT_DATA="true"),
        order_pipeline(CI_ROLES="true"),
        state_bucket(STATE_BUCKET="team-state"),
    ]
    return [statement for template in templates for statement in of_identities(resolved(template))]


def test_G6_policies_are_as_aws_describes_its_actions(all_statements: list[Statement]) -> None:
    assert len(all_statements) > 50
    found = {finding for statement in all_statements for finding in findings(statement)}
    assert found == set(EXPLAINED)


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ({"Action": "s3:PutObjects", "Resource": "*"}, "s3:PutObjects does not exist"),
        (
            {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::b"},
            "s3:PutObject cannot be on arn:aws:s3:::b",
        ),
        ({"Action": "sns:Unsubscribe", "Resource": "arn:aws:sns:r:1:t"}, "cannot be on arn:aws:sns:r:1:t"),
        ({"Action": "kms:ListAliases", "Resource": "arn:aws:kms:r:1:key/*"}, "cannot be on"),
        (
            {
                "Action": "iam:TagRole",
                "Resource": "arn:aws:iam::1:role/r",
                "Condition": {"StringEquals": {"iam:PermissionsBoundary": "x"}},
            },
            "iam:TagRole has no condition iam:PermissionsBoundary",
        ),
    ],
)
def test_faults_are_found(statement: dict[str, object], finding: str) -> None:
    (parsed,) = statements({"Statement": [{"Effect": "Allow", **statement}]})
    assert any(finding in found for found in findings(parsed))
