"""Every policy of every stack against AWS's own description of its actions, in the data of policy_sentry.

That knows actions, what they can be on and their condition keys. Whom a policy admits, and whether it is
about the resource that it is on, it does not know: `findings_of_access` does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from policy_sentry.analysis.expand import expand
from policy_sentry.querying.actions import get_action_data

from tests.iam.policies import Statement, statements
from tests.iam.roles import KEY, policy, resolved
from tests.template import Block, Template, deploy_roles, order_pipeline, state_bucket

ACCOUNT = "123456789012"
LOG_GROUP = f"arn:aws:logs:ap-southeast-1:{ACCOUNT}:log-group:/aws/lambda/order-processor-dev:*"
_CLAIM = "A claim of GitHub's token: AWS lists the keys of a few large providers only."

# What is found and left, and why.
EXPLAINED = {
    f"dynamodb:ListStreams cannot be on arn:aws:dynamodb:ap-southeast-1:{ACCOUNT}:table/orders/stream/1": (
        "Beside the same action on `*`: examples of AWS have it on the stream with the other three."
    ),
    "dynamodb:ListStreams cannot be on "
    f"arn:aws:dynamodb:ap-southeast-1:{ACCOUNT}:table/orders-table-dev/stream/*": "The boundary around it.",
    f"logs:CreateLogStream cannot be on {LOG_GROUP}": "The `*` stands for `log-stream:` and its name.",
    f"logs:PutLogEvents cannot be on {LOG_GROUP}": "As for CreateLogStream.",
    "sts:AssumeRoleWithWebIdentity has no condition token.actions.githubusercontent.com:aud": _CLAIM,
    "sts:AssumeRoleWithWebIdentity has no condition token.actions.githubusercontent.com:sub": _CLAIM,
    "kms:DescribeKey has no condition kms:EncryptionContext:aws:logs:arn": (
        "So it is in AWS's own policy for CloudWatch Logs; nothing is lost where the condition never holds."
    ),
    "sts:AssumeRole admits lambda.amazonaws.com from any account": (
        "A function can be given the role by who may pass it alone, which is asked in this account."
    ),
}

# What a policy is on, by the attribute that names it in the policy's resource.
ON_RESOURCE = {
    "aws_s3_bucket_policy": "bucket",
    "aws_sns_topic_policy": "arn",
    "aws_sqs_queue_policy": "queue_url",
}


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A synthesized policy; `on` is the ARN of the resource that it is on, None for a role's rights."""

    document: Block
    on: str | None

    def statements(self) -> Iterator[tuple[Block, Statement]]:
        """Each as JSON and as it is decided by."""
        for block in policy(self.document)["Statement"]:
            # A trust policy names no resource, and a key's own says `*` of its key.
            resources = [self.on] if block.get("Resource", ["*"]) == ["*"] and self.on else block["Resource"]
            block["Resource"] = [_arn(resource) for resource in resources]
            (parsed,) = statements({"Statement": [block]})
            yield block, parsed


def policies(template: Template) -> Iterator[Policy]:
    """Every policy of the stack; fails if one of its policy documents is in none."""
    left = set(template.documents())
    for type_, name, body in template.resources():
        for attribute, value in body.items():
            if not isinstance(value, str) or "aws_iam_policy_document" not in value:
                assert "Statement" not in str(value), f"{type_}.{name} has a policy that is no document"
                continue
            document = template.document(value)
            left -= {each for each in left if template.documents()[each] is document}
            yield Policy(document=document, on=_on(type_, attribute, body))
    assert left == set()


def _on(type_: str, attribute: str, body: Block) -> str | None:
    if type_ == "aws_kms_key":
        return KEY
    if attribute == "assume_role_policy":
        return f"arn:aws:iam::{ACCOUNT}:role/{body['name']}"
    if type_ in ON_RESOURCE:
        # The bucket, topic or queue is named by its id or its ARN.
        return re.sub(r"\.\w+\}$", ".arn}", body[ON_RESOURCE[type_]])
    assert type_ in ("aws_iam_policy", "aws_iam_role_policy"), f"{type_} has a policy on what?"
    return None


def findings(statement: Statement) -> Iterator[str]:
    """Actions that do not exist, resources that an action cannot be on, conditions that it does not know."""
    for action in [*statement.actions, *statement.not_actions]:
        kinds = [kind for each in expand(action) for kind in _described(each)]
        if not kinds:
            yield f"{action} does not exist"
            continue
        for resource in statement.resources:
            if not any(_is_of(kind["resource_arn_format"], resource) for kind in kinds):
                yield f"{action} cannot be on {resource}"
        known = {key for kind in kinds for key in kind["condition_keys"]}
        for _, key, _ in statement.conditions:
            if not _is_global(key) and not any(_fits(each, key) for each in known):
                yield f"{action} has no condition {key}"


def _described(action: str) -> list[Block]:
    service, _, name = action.partition(":")
    return (get_action_data(service, name) or {}).get(service, [])


def findings_of_access(block: Block, on: str | None) -> Iterator[str]:
    """Whom a statement admits that it should not, or from where; resources that are not its policy's own."""
    actions = ", ".join(block.get("Action") or ["everything else"])
    if on is None:
        if "Principal" in block:
            yield f"{actions} names principals in a role's rights"
        return
    own = _arn(on)
    for resource in block["Resource"]:
        if resource not in (own, f"{own}/*"):
            yield f"{actions} is on {resource} in the policy of {own}"
    if "Principal" not in block:
        yield f"{actions} names no principal"
    elif block["Effect"] == "Allow":
        keys = {key for of_operator in block.get("Condition", {}).values() for key in of_operator}
        yield from (f"{actions} {finding}" for finding in _admitted(block["Principal"], keys))


def _admitted(principal: str | Block, keys: set[str]) -> Iterator[str]:
    if principal == "*":
        yield "admits everybody"
        return
    assert isinstance(principal, dict)
    for service in principal.get("Service", []):
        # Without one of these, whatever the service does for others counts, too.
        if not keys & {"aws:SourceAccount", "aws:SourceArn", "kms:EncryptionContext:aws:logs:arn"}:
            yield f"admits {service} from any account"
        if not re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com", service):
            yield f"admits {service}, which is no service"
    for arn in principal.get("AWS", []):
        if not re.fullmatch(rf"arn:aws:iam::{ACCOUNT}:(root|role/[\w+=,.@-]+)", arn):
            yield f"admits {arn}, which is not of this account"
    for provider in principal.get("Federated", []):
        if not any(key.endswith(":sub") for key in keys):
            yield f"admits all of {provider}"
    for kind in principal.keys() - {"AWS", "Federated", "Service"}:
        yield f"admits by {kind}"


def _is_of(arn_format: str, resource: str) -> bool:
    if arn_format == "*":
        return resource == "*"
    # Terraform's references stand for something, too.
    return _fits(arn_format, resource)


def _fits(form: str, text: str) -> bool:
    """Whether the text has this form, in which `${…}` stands for anything."""
    return re.fullmatch(re.sub(r"\\\$\\\{\w+\\\}", ".+", re.escape(form)), text) is not None


def _is_global(key: str) -> bool:
    return key.startswith("aws:") and not key.startswith(("aws:RequestTag", "aws:ResourceTag", "aws:TagKeys"))


def _arn(resource: str) -> str:
    """An ARN of its kind in place of a reference to a resource of the stack itself."""
    arns = {
        "aws_dynamodb_table": f"arn:aws:dynamodb:ap-southeast-1:{ACCOUNT}:table/orders",
        "aws_s3_bucket": "arn:aws:s3:::{}",
        "aws_sns_topic": f"arn:aws:sns:ap-southeast-1:{ACCOUNT}:{{}}",
        "aws_sqs_queue": f"arn:aws:sqs:ap-southeast-1:{ACCOUNT}:{{}}",
    }
    return re.sub(
        r"\$\{(aws_\w+?)\.([^}.]+)\.(arn|stream_arn)\}",
        lambda match: arns[match[1]].format(match[2]) + ("/stream/1" if match[3] == "stream_arn" else ""),
        resource,
    )


@pytest.fixture(scope="module")
def all_policies() -> list[Policy]:
    templates = [
        deploy_roles(PROTECT_DATA="true"),
        order_pipeline(CI_ROLES="true"),
        state_bucket(STATE_BUCKET="team-state"),
    ]
    return [each for template in templates for each in policies(resolved(template))]


def test_G6_policies_are_as_aws_describes_its_actions(all_policies: list[Policy]) -> None:
    # On three buckets, a key, a queue, a topic and three roles; six for CI's roles, and the function's.
    assert [each.on is None for each in all_policies].count(False) == 9
    assert [each.on is None for each in all_policies].count(True) == 7
    found = {
        finding
        for each in all_policies
        for block, statement in each.statements()
        for finding in [*findings(statement), *findings_of_access(block, each.on)]
    }
    assert found == set(EXPLAINED)


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ({"Action": "s3:PutObjects", "Resource": "*"}, "s3:PutObjects does not exist"),
        ({"Action": "kms:ReEncrypted*", "Resource": "*"}, "kms:ReEncrypted* does not exist"),
        ({"NotAction": "s3:PutObjects", "Resource": "*"}, "s3:PutObjects does not exist"),
        ({"Action": "sqs:*", "Resource": "arn:aws:s3:::b"}, "sqs:* cannot be on arn:aws:s3:::b"),
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


TOPIC = f"arn:aws:sns:ap-southeast-1:{ACCOUNT}:topic"
PUBLISHED: Block = {"Effect": "Allow", "Action": ["sns:Publish"], "Resource": [TOPIC]}
OF_A_SERVICE = {"Service": ["cloudwatch.amazonaws.com"]}
FROM_THIS_ACCOUNT = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


@pytest.mark.parametrize(
    ("more", "finding"),
    [
        ({"Principal": "*"}, "admits everybody"),
        ({"Principal": "*", "Condition": FROM_THIS_ACCOUNT}, "admits everybody"),
        ({"Principal": {"AWS": ["*"]}}, "admits *, which is not of this account"),
        ({"Principal": {"AWS": ["arn:aws:iam::999999999999:root"]}}, "which is not of this account"),
        ({"Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:role/*"]}}, "which is not of this account"),
        ({"Principal": OF_A_SERVICE}, "admits cloudwatch.amazonaws.com from any account"),
        ({"Principal": {"Service": ["cloudwatch"]}, "Condition": FROM_THIS_ACCOUNT}, "is no service"),
        ({"Principal": {"Federated": ["provider"]}}, "admits all of provider"),
        ({"Principal": {"CanonicalUser": ["x"]}}, "admits by CanonicalUser"),
        ({"Resource": [f"{TOPIC}2"]}, f"is on {TOPIC}2 in the policy of {TOPIC}"),
        ({}, "names no principal"),
    ],
)
def test_faults_of_access_are_found(more: Block, finding: str) -> None:
    found = list(findings_of_access(PUBLISHED | more, TOPIC))
    assert any(finding in each for each in found), found


@pytest.mark.parametrize(
    "more",
    [
        {"Principal": OF_A_SERVICE, "Condition": FROM_THIS_ACCOUNT},
        {"Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]}},
        {"Principal": "*", "Effect": "Deny"},
    ],
    ids=str,
)
def test_access_without_a_fault(more: Block) -> None:
    assert list(findings_of_access(PUBLISHED | more, TOPIC)) == []


def test_rights_of_a_role_name_no_principal() -> None:
    assert list(findings_of_access(PUBLISHED | {"Principal": OF_A_SERVICE}, None))
    assert list(findings_of_access(PUBLISHED, None)) == []
