"""What patterns with wildcards reach, whatever their spelling."""

# A table reads best with a row a line.
# ruff: noqa: E501

import fnmatch
import random
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.review import patterns
from tools.review.actions import Reach, destroys, reach, widens
from tools.review.patterns import (
    are_ranges_within,
    includes,
    meet,
    open_to_internet,
    reaches_any_name,
)
from tools.review.policies import Kind, widenings

TEXTS = st.text("ab", max_size=6)
PATTERNS = st.text("ab*?", max_size=6)


def is_match(pattern: str, text: str) -> bool:
    return fnmatch.fnmatchcase(text, pattern)


@given(PATTERNS, PATTERNS, TEXTS)
def test_what_a_pattern_includes_it_matches(wide: str, narrow: str, text: str) -> None:
    assert includes(wide, text) == is_match(wide, text)
    if includes(wide, narrow) and is_match(narrow, text):
        assert is_match(wide, text)
    if is_match(wide, text) and is_match(narrow, text):
        assert meet(wide, narrow)


@given(PATTERNS, PATTERNS)
def test_what_a_pattern_does_not_include_is_a_text_that_only_the_other_matches(
    wide: str, narrow: str
) -> None:
    if not includes(wide, narrow):
        # "c" is in no pattern, so wildcards alone take it.
        fills = [narrow.replace("*", fill).replace("?", "c") for fill in ("", "c", "cc", "ccccccc")]
        assert any(not is_match(wide, text) for text in fills)


@pytest.mark.parametrize(("wide", "narrow", "is_included"), [
    ("?*", "*?", True),
    ("*?", "?*", True),
    ("?*", "*a", True),
    ("*a*", "*ba", True),
    ("a?", "a*", False),
    ("a*", "?*", False),
    ("**", "*", True),
    ("a", "a*", False),
    ("a?b", "a?b", True),
])  # fmt: skip
def test_a_pattern_includes_another(wide: str, narrow: str, *, is_included: bool) -> None:
    assert includes(wide, narrow) == is_included


@pytest.mark.parametrize(("one", "other", "is_any"), [
    ("*object", "delete*", True),
    ("get*", "delete*", False),
    ("delete?bject", "delete*", True),
    ("a?", "?b", True),
    ("a?", "?bc", False),
    ("", "*", True),
    ("", "?", False),
])  # fmt: skip
def test_patterns_meet_in_a_text(one: str, other: str, *, is_any: bool) -> None:
    assert meet(one, other) == meet(other, one) == is_any


def test_patterns_that_take_too_long_are_taken_for_the_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    assert includes("a*b*", "ab*")
    assert not meet("abcde", "x")
    monkeypatch.setattr(patterns, "_STEPS", 4)
    includes.cache_clear()
    meet.cache_clear()
    assert not includes("a*b*", "ab*")
    assert includes("ab*", "ab")
    assert meet("abcde", "x")
    assert not meet("abcd", "x")
    monkeypatch.undo()
    includes.cache_clear()
    meet.cache_clear()


@pytest.mark.parametrize(("wide", "narrow"), [
    ("*a" + "?" * 16 + "b*", "*a" * 16 + "?" * 16 + "b*"),
    ("*" * 2_000 + "a", "*" * 2_000),
    ("*a" * 60 + "b", "a" * 3_000),
    ("?*" * 1_000, "*?" * 1_000),
])  # fmt: skip
def test_patterns_of_any_length_and_shape_are_answered_at_once(wide: str, narrow: str) -> None:
    begin = process_time()
    includes(wide, narrow)
    meet(wide, narrow)
    assert process_time() - begin < 1


# --- Actions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("action", "far"), [
    *((action, Reach.SERVICES) for action in ("*", "**", "*:*", "s3*", "?*", "s?:*", "*:Get*", "s3*:*")),
    *((action, Reach.SERVICE) for action in ("s3:*", "s3:**", "s3:?*", "s3:*?*", "s3:????", "S3:*")),
    *((action, Reach.KIND) for action in ("s3:Get*", "s3:G*", "s3:?et*", "s3:*t*", "s3:put**", "*:GetObject")),
    *((action, Reach.NAMED) for action in ("s3:GetObject", "s3:GetObject*", "s3:*Object", "kms:ReEncrypt*", "s3:Get")),
])  # fmt: skip
def test_an_action_reaches_as_far_as_it_matches(action: str, far: Reach) -> None:
    assert reach(action) is far


@given(
    st.sampled_from(["s3", "dynamodb", "kms", "iam", "sts"]),
    st.sampled_from(["", "Get", "Put", "Delete"]),
    st.randoms(),
)
def test_all_of_a_service_or_kind_is_found_in_any_spelling(
    service: str, verb: str, draw: random.Random
) -> None:
    """Any case, any number of wildcards, letters in part replaced by marks."""
    letters = [draw.choice((letter.lower(), letter.upper(), "?")) for letter in verb]
    action = f"{service}:{''.join(letters)}*" + "".join(draw.choices("*?", k=draw.randrange(3)))
    statement = {"Effect": "Allow", "Action": ["a:B"], "Resource": ["r"]}
    more = {**statement, "Action": [action]}
    found = list(widenings([statement], [more], kind=Kind.IDENTITY, new=False, own=()))
    assert any(action in item.names for item in found)
    # As today it is none, and what it includes is none.
    for narrower in (action, action.replace("*", "Bucket"), action + "x"):
        less = {**statement, "Action": [narrower]}
        assert list(widenings([more], [less], kind=Kind.IDENTITY, new=False, own=())) == []


@pytest.mark.parametrize("action", [
    "s3:DeleteObjectVersion", "s3:DeleteBucket", "dynamodb:DeleteTable", "kms:ScheduleKeyDeletion", "kms:DisableKey",
    "cloudtrail:StopLogging", "logs:PutRetentionPolicy", "s3:PutLifecycleConfiguration", "s3:PutBucketVersioning",
    "s3:BypassGovernanceRetention", "s3:PutObjectRetention", "ec2:TerminateInstances", "sqs:PurgeQueue",
    "dynamodb:BatchWriteItem", "dynamodb:PartiQLDelete", "dynamodb:UpdateContinuousBackups",
    "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive", "events:RemoveTargets", "backup:DeleteRecoveryPoint", "ecr:BatchDeleteImage",
    "ses:DeregisterX", "x:DestroyY", "s3:*Object", "s3:PutObject*",
])  # fmt: skip
def test_these_actions_destroy(action: str) -> None:
    assert destroys(action)


@pytest.mark.parametrize("action", [
    "s3:PutBucketPolicy", "iam:PassRole", "iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:CreatePolicyVersion",
    "iam:CreateAccessKey", "iam:UpdateAssumeRolePolicy", "iam:*Policy*", "kms:PutKeyPolicy", "kms:CreateGrant",
    "lambda:AddPermission", "lambda:UpdateFunctionCode", "lambda:CreateFunctionUrlConfig", "sts:AssumeRole",
    "ecr:SetRepositoryPolicy", "s3:PutBucketAcl", "s3:PutBucketPublicAccessBlock", "s3:PutBucketOwnershipControls",
    "sns:SetTopicAttributes", "sqs:SetQueueAttributes",
    "dynamodb:PutResourcePolicy", "ec2:ModifySnapshotAttribute", "rds:ModifyDBSnapshotAttribute", "ram:CreateResourceShare",
    "ec2:AuthorizeSecurityGroupIngress", "ssm:SendCommand", "ssm:StartSession", "ecs:ExecuteCommand",
    "organizations:LeaveOrganization", "events:PutPermission", "glue:PutResourcePolicy", "appsync:CreateApiKey",
    "iot:AttachPolicy",
])  # fmt: skip
def test_these_actions_give_rights(action: str) -> None:
    assert widens(action)


@pytest.mark.parametrize("action", [
    "s3:GetObject", "s3:GetBucketPolicy", "iam:GetRole", "iam:ListRoles", "iam:SimulatePrincipalPolicy",
    "iam:GenerateCredentialReport", "iam:TagRole", "iam:UntagRole", "iam:CreateServiceLinkedRole",
    "kms:DescribeKey", "kms:CreateKey", "sqs:DeleteMessage", "sqs:DeleteMessageBatch", "s3:PutObject",
    "s3:GetObject*", "kms:ReEncrypt*", "organizations:DescribeAccount",
    "ec2:DeleteNetworkInterface", "x:RemoveTagsFromResource", "dynamodb:PutItem", "sns:Publish",
])  # fmt: skip
def test_these_actions_do_neither(action: str) -> None:
    assert not destroys(action)
    assert not widens(action)


# --- Resources ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource", [
    "*", "**", "?*", "arn:*", "arn:aws:*", "arn:aws:s3*", "arn:aws:s3:*", "arn:aws:s3:::*", "arn:aws:s3:::?*",
    "arn:aws:s3:::*/*", "arn:aws:s3:::*/orders/*", "arn:aws:s3:::a*", "arn:*:*:*:*:*", "arn:aws:sns:r:1:*",
    "arn:aws:dynamodb:r:1:*", "arn:aws:dynamodb:r:1:table/*", "arn:aws:dynamodb:r:1:table/?*",
    "arn:aws:dynamodb:r:1:table*", "arn:aws:dynamodb:r:1:t*", "arn:aws:dynamodb:r:1:*/*",
    "arn:aws:dynamodb:*:*:table/*/stream/*", "arn:aws:lambda:r:1:function:*", "arn:aws:iam::1:role/*",
    "arn:aws:iam::*:*", "arn:aws:kms:r:1:key/*", "arn:aws:logs:r:1:log-group:*",
    "arn:aws:logs:r:1:log-group:/aws/lambda/*", "arn:aws:secretsmanager:r:1:secret:*",
    "arn:aws:logs:r:1:log-group:/*", "arn:aws:logs:r:1:log-group:/aws/*", "arn:aws:events:r:1:rule/default/*",
    "arn:aws:elasticloadbalancing:r:1:loadbalancer/app/*", "arn:aws:elasticloadbalancing:r:1:listener-rule/net/*/a",
    "arn:aws:apigateway:r::/*", "arn:aws:apigateway:r::/restapis/*", "arn:aws:wafv2:r:1:regional/webacl/*/*",
    "arn:aws:autoscaling:r:1:autoScalingGroup:*:autoScalingGroupName/*",
])  # fmt: skip
def test_a_pattern_reaches_names_of_whomever(resource: str) -> None:
    assert reaches_any_name(resource)


@pytest.mark.parametrize("resource", [
    "r", "arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::orders-*", "arn:aws:s3:::*-orders/*",
    "arn:aws:dynamodb:*:*:table/t", "arn:aws:dynamodb:r:1:table/t/stream/*", "arn:aws:dynamodb:r:1:table/ord*",
    "arn:aws:iam::1:role/deploy/*", "arn:aws:logs:r:1:log-group:/aws/lambda/orders:*", "arn:aws:sns:*:*:orders",
    "arn:aws:secretsmanager:r:1:secret:orders-??????", "arn:aws:execute-api:r:1:abc/*/GET/x",
    "arn:aws:s3:::${aws:username}/*", "arn:aws:sqs:r:1:table*", "arn:aws:sns:r:1:topic*", "arn:aws:codecommit:r:1:my-repository",
    "arn:aws:codecommit:r:1:orders-*", "arn:aws:iam::1:role/*/deployer", "arn:aws:dynamodb:r:1:table/table*",
    "arn:aws:logs:r:1:log-group:/orders/*", "arn:aws:logs:r:1:log-group:/aws/lambda-orders*",
    "arn:aws:events:r:1:rule/default/orders*", "arn:aws:events:r:1:rule/orders/*",
    "arn:aws:elasticloadbalancing:r:1:loadbalancer/app/orders/*", "arn:aws:apigateway:r::/restapis/abc/*",
    "arn:aws:wafv2:r:1:global/webacl/orders/*", "arn:aws:autoscaling:r:1:autoScalingGroup:*:autoScalingGroupName/orders",
    "arn:aws:ssm:r::parameter/aws/service/*",
])  # fmt: skip
def test_a_pattern_names_what_it_reaches(resource: str) -> None:
    assert not reaches_any_name(resource)


# --- Addresses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ranges", "is_open"), [
    (["0.0.0.0/0"], True),
    (["::/0"], True),
    (["0::0/0"], True),
    (["0.0.0.0/1"], True),
    (["128.0.0.0/1"], True),
    (["7.0.0.0/7"], True),
    (["8.0.0.0/8"], False),
    (["8.0.0.0/8", "9.1.2.3/32"], True),
    (["8.0.0.0/8", "8.1.0.0/16"], False),
    (["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"], False),
    (["2000::/15"], True),
    (["2000::/16"], False),
    (["fc00::/7"], False),
    (["sg-1", ""], False),
    ([], False),
])  # fmt: skip
def test_ranges_are_a_large_part_of_the_internet(ranges: list[str], *, is_open: bool) -> None:
    assert open_to_internet(ranges) == is_open


def test_ranges_are_within_others_however_cut() -> None:
    assert are_ranges_within(["0.0.0.0/1", "128.0.0.0/1"], ["0.0.0.0/0"])
    assert are_ranges_within(["::/0"], ["2000::/3"])
    assert not are_ranges_within(["0.0.0.0/1"], ["0.0.0.0/0"])
    assert not are_ranges_within(["0.0.0.0/0"], ["::/0"])
    assert are_ranges_within(["10.0.0.0/9", "10.128.0.0/9"], ["10.0.0.0/8"])
    assert are_ranges_within(["10.0.0.0/8"], ["10.1.2.3"])
    assert not are_ranges_within(["10.1.0.0/16"], ["10.0.0.0/8"])
    assert are_ranges_within(["x", "10.0.0.0/8"], ["x"])
    assert not are_ranges_within(["x"], ["10.0.0.0/8"])
    assert not are_ranges_within(["10.0.0.0/8"], ["x"])
