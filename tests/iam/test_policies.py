"""That requests are decided as IAM decides them."""

from collections.abc import Mapping

import pytest

from tests.iam.policies import Request, Role, statements, unused

ROLE = "arn:aws:iam::123456789012:role/r"
OBJECT = "arn:aws:s3:::bucket/key"
GET = Request(action="s3:GetObject", resource=OBJECT)

Block = Mapping[str, object]
ALLOW: Block = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": OBJECT}


def allows(
    request: Request, *blocks: Block, boundary: Block | None = None, of_resource: Block | None = None
) -> bool:
    return Role(
        arn=ROLE,
        policies=statements({"Statement": blocks}),
        boundary=None if boundary is None else statements({"Statement": [boundary]}),
        of_resources=[] if of_resource is None else statements({"Statement": [of_resource]}),
    ).allows(request)


def test_nothing_is_allowed_by_default() -> None:
    assert not allows(GET)


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("s3:GetObject", OBJECT, True),
        ("S3:getobject", OBJECT, True),
        ("s3:Get*", "arn:aws:s3:::bucket/*", True),
        ("s3:GetObjec?", "*", True),
        ("s3:GetObjectVersion", OBJECT, False),
        ("s3:GetObject", "arn:aws:s3:::bucket", False),
        ("s3:GetObject", "arn:aws:s3:::bucket/k", False),
        ("s3:GetObject", "arn:aws:s3:::bucket/[k]ey", False),
        ("s3:GetObject", "arn:aws:s3:::BUCKET/key", False),
    ],
)
def test_actions_and_resources(action: str, resource: str, allowed: bool) -> None:
    assert allows(GET, {**ALLOW, "Action": action, "Resource": resource}) == allowed


def test_a_denial_wins() -> None:
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    assert not allows(GET, ALLOW, deny)
    grant = {**ALLOW, "Principal": {"AWS": ROLE}}
    assert not allows(GET, deny, of_resource=grant)


def test_not_action_is_every_other_action() -> None:
    deny = {"Effect": "Deny", "NotAction": ["s3:GetObject"], "Resource": "*"}
    assert allows(GET, ALLOW, deny)
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    assert not allows(Request(action="s3:PutObject", resource=OBJECT), everything, deny)


def test_a_boundary_allows_nothing_and_bounds_everything() -> None:
    assert not allows(GET, boundary=ALLOW)
    assert allows(GET, ALLOW, boundary=ALLOW)
    assert not allows(GET, ALLOW, boundary={**ALLOW, "Action": "s3:PutObject"})
    assert not allows(GET, ALLOW, boundary={**ALLOW, "Effect": "Deny"})


def test_a_resources_policy_allows_whom_it_names() -> None:
    assert allows(GET, of_resource={**ALLOW, "Principal": {"AWS": [ROLE]}})
    assert not allows(GET, of_resource={**ALLOW, "Principal": {"AWS": f"{ROLE}2"}})
    assert not allows(GET, of_resource={**ALLOW, "Principal": {"AWS": "arn:aws:iam::123456789012:root"}})


@pytest.mark.parametrize(
    ("operator", "known", "allowed"),
    [
        ("StringEquals", ("a",), True),
        ("StringEquals", ("A",), False),
        ("StringEquals", (), False),
        ("StringEqualsIfExists", (), True),
        ("StringEqualsIfExists", ("b",), False),
        ("ArnEquals", ("a",), True),
        ("ForAllValues:ArnEquals", ("a", "b"), False),
        ("ForAllValues:ArnEquals", (), True),
    ],
)
def test_conditions(operator: str, known: tuple[str, ...], allowed: bool) -> None:
    request = Request(action="s3:GetObject", resource=OBJECT, context={"k": known} if known else {})
    assert allows(request, {**ALLOW, "Condition": {operator: {"k": ["a", "c"]}}}) == allowed


def test_all_conditions_have_to_hold() -> None:
    request = Request(action="s3:GetObject", resource=OBJECT, context={"k": ("a",)})
    condition = {"StringEquals": {"k": "a", "l": "b"}}
    assert not allows(request, {**ALLOW, "Condition": condition})


@pytest.mark.parametrize(
    "block",
    [
        {**ALLOW, "Condition": {"StringLike": {"k": "a"}}},
        {**ALLOW, "NotResource": "*"},
    ],
)
def test_what_is_not_known_decides_nothing(block: Block) -> None:
    with pytest.raises(NotImplementedError):
        allows(GET, block)


def test_unused_rights() -> None:
    of = statements(
        {
            "Statement": [
                {
                    "Sid": "Objects",
                    "Effect": "Allow",
                    "Action": ["s3:GetObject", "s3:PutObject"],
                    "Resource": [OBJECT, "arn:aws:s3:::other/*"],
                },
                {"Sid": "Refuse", "Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"},
            ]
        }
    )
    assert unused(of, [GET]) == {"Objects: s3:PutObject", "Objects: arn:aws:s3:::other/*"}
    assert unused(of, []) == {
        "Objects: s3:GetObject",
        "Objects: s3:PutObject",
        f"Objects: {OBJECT}",
        "Objects: arn:aws:s3:::other/*",
    }
