"""The boundary of the function's role: what it leaves, whatever the function's own policy may become."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from names import Names
from tests.iam.calls import arn
from tests.iam.policies import Request, Role, Statement, statements
from tests.iam.roles import managed_policies, resolved, role
from tests.template import deploy_roles
from tools.local.cloud import ACCOUNT_ID

NAMES = Names(suffix="dev", account_id=ACCOUNT_ID)
AUDIT_BUCKET = f"arn:aws:s3:::{NAMES.audit_bucket}"
RECORD = f"{AUDIT_BUCKET}/orders/order-1/1.json"
FAILED_BATCHES_BUCKET = f"arn:aws:s3:::{NAMES.failed_batches_bucket}"
TABLE = arn("dynamodb", f"table/{NAMES.orders_table}")
STREAM = f"{TABLE}/stream/2026-11-24T09:05:45.862"
LOG_GROUP = arn("logs", f"log-group:{NAMES.processor_log_group}:*")
LOG_STREAM = arn("logs", f"log-group:{NAMES.processor_log_group}:log-stream:2026/11/24/[1]0a")
KEY_OF_A_SERVICE = arn("kms", "key/of-a-service")


def via(service: str) -> dict[str, tuple[str, ...]]:
    return {"kms:ViaService": (f"{service}.ap-southeast-1.amazonaws.com",)}


# What the function, and Lambda and other services in its name, ask for.
NEEDED = [
    *(
        Request(action=f"dynamodb:{action}", resource=STREAM)
        for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
    ),
    Request(action="dynamodb:ListStreams", resource="*"),
    Request(action="dynamodb:Query", resource=f"{TABLE}/index/status-timestamp-index"),
    Request(action="s3:PutObject", resource=RECORD),
    Request(action="s3:PutObject", resource=f"{FAILED_BATCHES_BUCKET}/aws/lambda/mapping/shard/batch"),
    Request(action="s3:ListBucket", resource=FAILED_BATCHES_BUCKET),
    Request(action="sns:Publish", resource=arn("sns", NAMES.alerts_topic)),
    Request(action="logs:CreateLogStream", resource=LOG_STREAM),
    Request(action="logs:PutLogEvents", resource=LOG_STREAM),
    *(
        Request(action=f"kms:{action}", resource=KEY_OF_A_SERVICE, context=via(service))
        for action in ("Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext")
        for service in ("dynamodb", "sns")
    ),
]

BEYOND = [
    Request(action="iam:CreateUser", resource="*"),
    Request(action="s3:GetObject", resource=RECORD),
    Request(action="s3:PutObject", resource="arn:aws:s3:::payroll/salaries"),
    Request(action="s3:PutObject", resource=f"{AUDIT_BUCKET}/other"),
    Request(action="s3:PutObject", resource=RECORD.replace("-dev-", "-dev2-")),
    Request(action="dynamodb:GetRecords", resource=STREAM.replace("-dev/", "-x-dev/")),
    Request(action="dynamodb:Scan", resource=TABLE),
    Request(action="sns:Publish", resource=arn("sns", NAMES.alarms_topic)),
    Request(action="logs:FilterLogEvents", resource=LOG_GROUP),
    Request(action="logs:PutLogEvents", resource=LOG_STREAM.replace("processor", "payroll")),
    Request(action="kms:Decrypt", resource=KEY_OF_A_SERVICE),
    Request(action="kms:Decrypt", resource=KEY_OF_A_SERVICE, context=via("s3")),
    Request(action="kms:PutKeyPolicy", resource=KEY_OF_A_SERVICE, context=via("sns")),
    Request(action="sts:AssumeRole", resource=arn("iam", "role/administrator", region="")),
]

# What could go from the boundary with every needed request still allowed, and why it stays.
SAID_TWICE = {
    "ReadStream: dynamodb:ListStreams": "On `*` as well; examples of AWS have it on the stream.",
}


@pytest.fixture(scope="module")
def bounded() -> Role:
    """A function whose own policy allows everything."""
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    boundary = managed_policies(resolved(deploy_roles()))[NAMES.processor_boundary]
    return replace(role(NAMES.processor_role, [everything]), boundary=statements(boundary))


@pytest.mark.parametrize("request_", NEEDED, ids=str)
def test_C1_the_boundary_leaves_what_is_needed(bounded: Role, request_: Request) -> None:
    assert bounded.allows(request_)


@pytest.mark.parametrize("request_", BEYOND, ids=str)
def test_C2_the_boundary_holds_a_function_with_all_rights(bounded: Role, request_: Request) -> None:
    assert replace(bounded, boundary=None).allows(request_)
    assert not bounded.allows(request_)


def test_C1_nothing_can_go_from_the_boundary_unnoticed(bounded: Role) -> None:
    unnoticed = {
        missing
        for missing, boundary in narrower(bounded.boundary or [])
        if all(replace(bounded, boundary=boundary).allows(needed) for needed in NEEDED)
    }
    assert unnoticed == set(SAID_TWICE)


def test_C2_no_condition_can_go_from_the_boundary_unnoticed(bounded: Role) -> None:
    boundary = bounded.boundary or []
    free = [replace(statement, conditions=[]) for statement in boundary]
    assert free != boundary
    for index, (statement, without) in enumerate(zip(boundary, free, strict=True)):
        if statement.conditions:
            careless = replace(bounded, boundary=[*boundary[:index], without, *boundary[index + 1 :]])
            assert any(careless.allows(request) for request in BEYOND), statement.sid


def narrower(of: Sequence[Statement]) -> Iterator[tuple[str, list[Statement]]]:
    """The statements without one action or one resource of one of them."""
    for index, each in enumerate(of):
        parts = [
            *((part, replace(each, actions=_without(each.actions, part))) for part in each.actions),
            *((part, replace(each, resources=_without(each.resources, part))) for part in each.resources),
        ]
        for part, left in parts:
            yield f"{each.sid}: {part}", [*of[:index], left, *of[index + 1 :]]


def _without(of: list[str], part: str) -> list[str]:
    return [other for other in of if other != part]
