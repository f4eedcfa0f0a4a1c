"""Where one policy allows more than another, and what data sources say of a policy that they make."""

# A table reads best with a row a line.
# ruff: noqa: E501

from typing import Any

import pytest

from tools.review import coverage
from tools.review.policies import Kind, widenings
from tools.review.secrets import UNKNOWN
from tools.review.statements import document_policy, normalised, statements_of

OWN = "111111111111"
A, B = (f"arn:aws:iam::{OWN}:role/{name}" for name in "ab")
BUCKETS = "arn:aws:s3:::*"
ROOT = f"arn:aws:iam::{OWN}:root"
RULE = "token:sub"
ELSE = "it is trusted to someone else:"


def allow(action: object = "s3:GetObject", resource: object = "r", **fields: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **fields}


def deny(operator: str = "", values: object = None, **fields: object) -> dict[str, Any]:
    condition = {"Condition": {operator: {"k": values}}} if operator else {}
    return {"Effect": "Deny", "Action": "s3:*", "Resource": "r", "Principal": "*", **condition, **fields}


def all_but(name: str, value: object = "iam:*") -> dict[str, Any]:
    statement = allow(**{name: value})
    del statement[name.removeprefix("Not")]
    return statement


def public(resource: object = "r", action: object = "s3:GetObject") -> dict[str, Any]:
    return allow(action, resource, Principal="*")


def federated(*others: str, **fields: object) -> dict[str, Any]:
    principal = {"Federated": "idp", **({"AWS": list(others)} if others else {})}
    return {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": principal, **fields}


def trust(value: object, operator: str = "StringLike") -> dict[str, Any]:
    tests = {"StringEquals": {"token:aud": "sts"}}
    return federated(Condition=tests | {operator: {**tests.get(operator, {}), RULE: value}})


def ip(*ranges: str) -> dict[str, Any]:
    return {"IpAddress": {"aws:SourceIp": list(ranges)}}


GONE = "it no longer denies s3:*"
ANYONE = "anyone may read"
NARROW = {"StringEquals": {"aws:SourceAccount": OWN}}
FOREIGN = {"StringEquals": {"aws:SourceAccount": "999999999999"}}
ORGANISATION = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
# The kind of the policy, its statements before and after, and what the second would allow.
WIDENED: dict[str, tuple[Kind, list[Any], list[Any], list[str]]] = {
    # Statements that are split or merged allow the same.
    "principals merged": (Kind.RESOURCE, [allow("s3:*", Principal={"AWS": A}), allow("s3:*", Principal={"AWS": B})], [allow("s3:*", Principal={"AWS": [A, B]})], []),
    "principals of services merged": (Kind.RESOURCE, [allow("s3:*", Principal={"Service": "x"}), allow("s3:*", Principal={"Service": "y"})], [allow("s3:*", Principal={"Service": ["x", "y"]})], []),
    "resources merged": (Kind.RESOURCE, [public("a"), public("b")], [public(["a", "b"])], []),
    "principals of a trust merged": (Kind.TRUST, [{**allow("s3:*", Principal={"AWS": name}), "Resource": []} for name in (A, B)], [{**allow("s3:*", Principal={"AWS": [A, B]}), "Resource": []}], []),
    "actions merged": (Kind.IDENTITY, [allow("a:B", "*"), allow("c:D", "*")], [allow(["a:B", "c:D"], "*")], []),
    # Only what is new of a statement counts.
    "a resource more": (Kind.IDENTITY, [allow("a:B", BUCKETS)], [allow("a:B", [BUCKETS, "arn:aws:dynamodb:r:1:table/t"])], []),
    "a principal more": (Kind.TRUST, [federated()], [federated(A)], [f"it is trusted to someone else: {A}"]),
    "an action more": (Kind.IDENTITY, [allow("a:B", "*")], [allow(["a:B", "c:D"], "*")], ["on every resource: c:D"]),
    "anyone reads and writes": (Kind.RESOURCE, [], [public(action=["s3:GetObject", "s3:PutObject"])], ["anyone may use it"]),
    "anyone assumes and more": (Kind.TRUST, [], [public(action=["sts:AssumeRole", "sts:TagSession"])], ["anyone may use it"]),
    "anyone assumes": (Kind.TRUST, [], [public(action=["sts:AssumeRole", "sts:AssumeRoleWithSAML"])], ["anyone may assume the role"]),
    "anyone sends and more": (Kind.RESOURCE, [], [public(action=["sns:Publish", "sns:Subscribe"])], ["anyone may use it"]),
    "anyone sends": (Kind.RESOURCE, [], [public(action=["SNS:Publish", "sqs:SendMessage"])], ["anyone may send to it"]),
    "any principal": (Kind.RESOURCE, [public()], [allow(Principal={"AWS": "*", "Service": "x"})], []),
    # Patterns.
    "a pattern covers": (Kind.RESOURCE, [public("a*")], [public("ab")], []),
    "a mark covers": (Kind.RESOURCE, [public("a?")], [public("ab")], []),
    "a mark covers one": (Kind.RESOURCE, [public("a?")], [public("abc")], [ANYONE]),
    "a bracket is itself": (Kind.RESOURCE, [public("a[b]*")], [public("a[b]c")], []),
    "a bracket is no set": (Kind.RESOURCE, [public("a[b]*")], [public("abc")], [ANYONE]),
    "actions have no case": (Kind.RESOURCE, [public(action="S3:get*")], [public()], []),
    "resources have case": (Kind.RESOURCE, [public("R")], [public("r")], [ANYONE]),
    "what is unknown is in all": (Kind.RESOURCE, [public("*")], [public([UNKNOWN])], []),
    "what is unknown is not in some": (Kind.RESOURCE, [public("r*")], [public([UNKNOWN])], [ANYONE]),
    "actions of another shape": (Kind.RESOURCE, [public(action=[1, None])], [public(action=[1, None])], []),
    "a principal narrower": (Kind.RESOURCE, [public(action="s3:*")], [allow("s3:*", Principal={"AWS": A})], []),
    # All but something.
    "all but an action": (Kind.IDENTITY, [allow()], [allow(), all_but("NotAction")], ["it allows everything but a few iam:*"]),
    "all but a resource": (Kind.IDENTITY, [allow()], [allow(), all_but("NotResource")], ["it allows everything but a few"]),
    "all but a principal": (Kind.RESOURCE, [allow(Principal={"AWS": A})], [allow(NotPrincipal={"AWS": A})], ["it allows all but a few"]),
    "all but an action, as today": (Kind.IDENTITY, [all_but("NotAction")], [all_but("NotAction"), allow()], []),
    "all but fewer actions": (Kind.IDENTITY, [all_but("NotAction", ["iam:*", "s3:*"])], [all_but("NotAction")], ["it allows everything but a few iam:*"]),
    "all but another resource": (Kind.IDENTITY, [all_but("NotResource", "a")], [all_but("NotResource", "b")], ["it allows everything but a few"]),
    "all but an action of a resource": (Kind.RESOURCE, [], [all_but("NotAction", "kms:Get*") | {"Principal": {"AWS": A}}], ["it allows everything but a few kms:Get*"]),
    "all but an action, by anyone": (Kind.RESOURCE, [], [all_but("NotAction", "kms:Get*") | {"Principal": "*"}], ["anyone may use it", "it allows everything but a few kms:Get*"]),
    "all but more actions": (Kind.IDENTITY, [all_but("NotAction")], [all_but("NotAction", ["iam:*", "s3:*"])], []),
    "all but more actions, in another spelling": (Kind.IDENTITY, [all_but("NotAction", "IAM:Get*")], [all_but("NotAction", "iam:*")], []),
    "all but an action that is not known yet": (Kind.IDENTITY, [all_but("NotAction")], [all_but("NotAction", [UNKNOWN])], []),
    "an action of all but some": (Kind.IDENTITY, [all_but("NotAction")], [allow("s3:DeleteObject")], []),
    "an action of all but it": (Kind.IDENTITY, [all_but("NotAction", "s3:Del*")], [allow("s3:*Object")], ["it may destroy: s3:*Object"]),
    "a resource of all but some": (Kind.IDENTITY, [all_but("NotResource", "a*")], [allow(resource="b*")], []),
    "a resource of all but it": (Kind.IDENTITY, [{**all_but("NotResource", "a*"), "Action": "s3:DeleteObject"}], [allow("s3:DeleteObject", "*b")], ["on every resource: s3:DeleteObject", "it may destroy: s3:DeleteObject"]),
    "anyone is all": (Kind.RESOURCE, [public()], [public(), allow(NotPrincipal={"AWS": A})], []),
    "all actions are all but some": (Kind.IDENTITY, [allow("*", "*")], [all_but("NotAction")], []),
    "one of all but another": (Kind.TRUST, [allow(NotPrincipal={"AWS": A})], [allow(Principal={"AWS": B})], [f"{ELSE} {B}"]),
    # A provider of identities.
    "a provider": (Kind.TRUST, [], [federated()], ["anyone of an identity provider may assume the role: Federated idp"]),
    "a provider of whom": (Kind.TRUST, [], [federated(Condition={"StringEquals": {RULE: "x"}})], ["it is trusted to someone else: Federated idp"]),
    "a provider of a resource": (Kind.RESOURCE, [], [federated(Action="x:Y")], []),
    "a provider of one repository more": (Kind.TRUST, [trust("repo:o/r:*")], [trust(["repo:o/r:*", "repo:o/s:*"])], [f"{ELSE} token:sub repo:o/s:*"]),
    "a provider of another repository": (Kind.TRUST, [trust("repo:o/r:*")], [trust("repo:evil/r:*")], [f"{ELSE} token:sub repo:evil/r:*"]),
    "a provider of another repository, and more actions": (Kind.TRUST, [trust("repo:o/r:*")], [{**trust("repo:evil/r:*"), "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]}], [f"{ELSE} token:sub repo:evil/r:*"]),
    "a provider of a part of a repository": (Kind.TRUST, [trust("repo:o/r:*")], [trust("repo:o/r:ref:refs/heads/*")], []),
    "a provider of one of a repository": (Kind.TRUST, [trust("repo:o/r:*")], [trust("repo:o/r:ref:main", "StringEquals")], []),
    "a provider of one, written as a pattern": (Kind.TRUST, [trust("a", "StringEquals")], [trust("a")], []),
    "a provider of one, become a pattern": (Kind.TRUST, [trust("repo:o/r:*", "StringEquals")], [trust("repo:o/r:*")], [f"{ELSE} token:sub repo:o/r:*"]),
    "a provider of another audience": (Kind.TRUST, [trust("a")], [federated(Condition={"StringLike": {RULE: "a"}, "StringEquals": {"token:aud": "x"}})], [f"{ELSE} token:aud x"]),
    "a provider by any audience": (Kind.TRUST, [trust("a")], [federated(Condition={"StringLike": {RULE: "a"}})], ["without its condition on token:aud"]),
    "a provider of one that is not known yet": (Kind.TRUST, [trust("a")], [trust([UNKNOWN])], []),
    "a provider of another beside one that is not known yet": (Kind.TRUST, [trust("a")], [trust([UNKNOWN, "b"])], [f"{ELSE} token:sub b"]),
    "a provider of all but one that is not known yet": (Kind.TRUST, [trust("a", "StringNotLike")], [trust([UNKNOWN], "StringNotLike")], []),
    "a role more": (Kind.TRUST, [allow(Principal={"AWS": A})], [allow(Principal={"AWS": [A, B]})], [f"{ELSE} {B}"]),
    "another service": (Kind.TRUST, [allow(Principal={"Service": "a"})], [allow(Principal={"Service": "b"})], [f"{ELSE} Service b"]),
    "the account": (Kind.TRUST, [allow(Principal={"Service": "a"})], [allow(Principal={"AWS": ROOT})], [f"whoever in the account may assume roles may assume it: {ROOT}"]),
    "the account, by its number": (Kind.TRUST, [], [allow(Principal={"AWS": OWN})], [f"whoever in the account may assume roles may assume it: {OWN}"]),
    "one of the account": (Kind.TRUST, [allow(Principal={"AWS": ROOT}, Condition={"ArnEquals": {"aws:PrincipalArn": A}})], [allow(Principal={"AWS": ROOT}, Condition={"ArnLike": {"aws:PrincipalArn": A}})], []),
    "the account, but one of it": (Kind.TRUST, [allow(Principal={"AWS": A})], [allow(Principal={"AWS": ROOT}, Condition={"ArnEquals": {"aws:PrincipalArn": A}})], []),
    "the account, but one of it and all others": (Kind.TRUST, [allow(Principal={"AWS": A})], [allow(Principal={"AWS": ROOT}, Condition={"ArnLike": {"aws:PrincipalArn": [A, f"arn:aws:iam::{OWN}:role/*"]}})], [f"whoever in the account may assume roles may assume it: {ROOT}"]),
    "the account for what is its": (Kind.RESOURCE, [], [allow(Principal={"AWS": ROOT})], []),
    "a role that is not known yet": (Kind.TRUST, [allow(Principal={"AWS": A})], [allow(Principal={"AWS": UNKNOWN})], []),
    "a service for another account": (Kind.RESOURCE, [], [allow(Principal={"Service": "x"}, Condition={"StringEquals": {"aws:SourceAccount": "999999999999"}})], ["another account gets access: 999999999999"]),
    "a service for the own account": (Kind.RESOURCE, [], [allow(Principal={"Service": "x"}, Condition=NARROW)], []),
    "a role, whatever its conditions": (Kind.RESOURCE, [], [allow(Principal={"AWS": A}, Condition={"StringEquals": {"aws:SourceAccount": "999999999999"}})], []),
    "a user by canonical id": (Kind.RESOURCE, [], [allow(Principal={"CanonicalUser": "x"})], ["another account gets access: CanonicalUser x"]),
    "a user by canonical id, as today": (Kind.RESOURCE, [allow(Principal={"CanonicalUser": "x"})], [allow("s3:PutObject", Principal={"CanonicalUser": "x"})], []),
    "another account's role": (Kind.TRUST, [], [allow(Principal={"AWS": "arn:aws:iam::999999999999:role/x"})], ["another account gets access: 999999999999"]),
    "all roles of a name": (Kind.RESOURCE, [], [allow(Principal={"AWS": "arn:aws:iam::*:role/x"})], [ANYONE]),
    # Actions by what they do.
    "a deletion": (Kind.IDENTITY, [allow()], [allow(["s3:GetObject", "s3:DeleteObjectVersion"])], ["it may destroy: s3:DeleteObjectVersion"]),
    "a right to pass": (Kind.IDENTITY, [allow()], [allow(["s3:GetObject", "iam:PassRole"])], ["it may give itself or others rights: iam:PassRole"]),
    "a pattern of deletions": (Kind.IDENTITY, [allow()], [allow("s3:*Object")], ["it may destroy: s3:*Object"]),
    "a pattern of deletions and rights": (Kind.IDENTITY, [allow()], [allow("iam:*Policy*")], ["it may destroy: iam:*Policy*", "it may give itself or others rights: iam:*Policy*"]),
    "a retention, which is no right": (Kind.IDENTITY, [allow()], [allow("logs:PutRetentionPolicy")], ["it may destroy: logs:PutRetentionPolicy"]),
    "a deletion of a resource": (Kind.RESOURCE, [], [allow("kms:ScheduleKeyDeletion", Principal={"AWS": A})], ["it may destroy: kms:ScheduleKeyDeletion"]),
    "all of a kind": (Kind.IDENTITY, [allow()], [allow("s3:Get*")], ["it may do all of a kind: s3:Get*"]),
    "fewer of a kind": (Kind.IDENTITY, [allow("s3:Get*")], [allow("s3:GetB*")], []),
    "fewer, by a mark": (Kind.IDENTITY, [allow("s3:Get*")], [allow("s3:Get?*")], []),
    "more, by a star": (Kind.IDENTITY, [allow("s3:Get?")], [allow("s3:Get*")], ["it may do all of a kind: s3:Get*"]),
    # Conditions.
    "a condition on the caller": (Kind.IDENTITY, [], [allow("a:B", "*", Condition={"Bool": {"aws:SecureTransport": "true"}})], ["on every resource: a:B"]),
    "a condition on the resource": (Kind.IDENTITY, [], [allow("a:B", "*", Condition={"StringEquals": {"aws:ResourceTag/x": "y"}})], []),
    "a condition on any resource": (Kind.IDENTITY, [], [allow("a:B", "*", Condition={"StringLike": {"aws:ResourceTag/x": "*"}})], ["on every resource: a:B"]),
    "without a condition, on more resources": (Kind.RESOURCE, [allow(resource="b/logs/*", Principal={"Service": "x"}, Condition=NARROW)], [allow(resource="b/*", Principal={"Service": "x"})], ["without its condition on aws:SourceAccount"]),
    "without a condition, for more actions": (Kind.TRUST, [allow("sts:AssumeRole", Principal={"AWS": A}, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})], [allow("sts:AssumeRole*", Principal={"AWS": A})], ["without its condition on aws:MultiFactorAuthPresent"]),
    "without a condition, for all of the account": (Kind.RESOURCE, [allow("kms:Decrypt", "*", Principal={"AWS": A}, Condition={"StringEquals": {"kms:ViaService": "s3.r.amazonaws.com"}})], [allow("kms:Decrypt", "*", Principal={"AWS": ROOT})], ["without its condition on kms:ViaService"]),
    "without a condition, on more than some of its resources": (Kind.RESOURCE, [allow(resource=["a/b", "c"], Condition={"StringEquals": {"x:y": "1"}})], [allow(resource="a/*")], ["without its condition on x:y"]),
    "an exception that is known beside one that is not": (Kind.RESOURCE, [deny()], [{key: value for key, value in deny(NotAction=["s3:GetObject", UNKNOWN]).items() if key != "Action"}], [GONE]),
    "another condition, on more resources": (Kind.RESOURCE, [allow(resource="a/b", Condition={"StringEquals": {"x:y": "1"}})], [allow(resource="a/*", Condition={"StringEquals": {"x:y": "2"}})], ["under another condition: x:y 2"]),
    "other resources, without a condition": (Kind.RESOURCE, [allow(resource="a", Condition={"StringEquals": {"x:y": "1"}})], [allow(resource="a", Condition={"StringEquals": {"x:y": "1"}}), allow(resource="b")], []),
    "a role of the account that was trusted": (Kind.TRUST, [allow("sts:AssumeRole", Principal={"AWS": ROOT})], [allow("sts:AssumeRole", Principal={"AWS": A})], []),
    "a role of the account that was trusted on a condition": (Kind.TRUST, [allow("sts:AssumeRole", Principal={"AWS": ROOT}, Condition={"StringEquals": {"x:y": "a"}})], [allow("sts:AssumeRole", Principal={"AWS": A})], [f"{ELSE} {A}"]),
    "the value where all values were": (Kind.RESOURCE, [allow(Condition={"ForAllValues:StringEquals": {"x:y": ["a", "b"]}})], [allow(Condition={"StringEquals": {"x:y": "a"}})], []),
    "the value where any value was": (Kind.RESOURCE, [allow(Condition={"ForAnyValue:StringEquals": {"x:y": "a"}})], [allow(Condition={"StringEquals": {"x:y": "a"}})], []),
    "all values where the value was": (Kind.RESOURCE, [allow(Condition={"StringEquals": {"x:y": "a"}})], [allow(Condition={"ForAllValues:StringEquals": {"x:y": "a"}})], ["under another condition: x:y a"]),
    "none of the values where the value was not": (Kind.RESOURCE, [allow(Condition={"ForAllValues:StringNotEquals": {"x:y": "a"}})], [allow(Condition={"StringNotEquals": {"x:y": "a"}})], ["under another condition: x:y a"]),
    "a condition on a tag that is there": (Kind.IDENTITY, [], [allow("a:B", "*", Condition={"Null": {"aws:ResourceTag/x": "false"}})], ["on every resource: a:B"]),
    "what is made gets tags, among other conditions": (Kind.IDENTITY, [], [allow("sns:CreateTopic", "*", Condition={"StringEquals": {"aws:RequestTag/x": "y", "aws:PrincipalTag/x": "y"}})], []),
    "anyone but an account, among others": (Kind.RESOURCE, [], [public() | {"Condition": {"ForAnyValue:StringNotEquals": {"aws:PrincipalAccount": OWN}}}], [ANYONE]),
    "a limit that is no number": (Kind.RESOURCE, [allow(Condition={"NumericLessThan": {"x:y": "5"}})], [allow(Condition={"NumericLessThan": {"x:y": "five"}})], ["under another condition: x:y five"]),
    "exceptions, for merged actions": (Kind.RESOURCE, [allow(action, Condition={"StringNotEquals": {"x:y": ["a", "b"]}}) for action in ("s3:DeleteObject", "s3:PutObject")], [allow(["s3:DeleteObject", "s3:PutObject"], Condition={"StringNotEquals": {"x:y": ["a", "b"]}})], []),
    "a role of the account, by condition": (Kind.RESOURCE, [public() | {"Condition": {"StringEquals": {"aws:PrincipalAccount": OWN}}}], [public() | {"Condition": {"ArnLike": {"aws:PrincipalArn": A}}}], []),
    "a part of the organisation that calls": (Kind.RESOURCE, [public() | {"Condition": {"StringEquals": {"aws:SourceOrgID": "o-a1b2c3d4e5"}}}], [public() | {"Condition": {"ForAnyValue:StringLike": {"aws:SourceOrgPaths": "o-a1b2c3d4e5/r-1/ou-2/*"}}}], []),
    "a condition on some resources": (Kind.IDENTITY, [], [allow("a:B", "*", Condition={"StringLike": {"aws:ResourceTag/x": "a*"}})], []),
    "a condition that has no value": (Kind.RESOURCE, [], [public() | {"Condition": {"StringEquals": {"aws:PrincipalOrgID": []}}}], [ANYONE]),
    "a value in another case": (Kind.RESOURCE, [allow(Condition={"StringEquals": {"x:y": "A"}})], [allow(Condition={"StringEquals": {"x:y": "a"}})], ["under another condition: x:y a"]),
    "a word in another case": (Kind.RESOURCE, [allow(Condition={"Bool": {"x:y": "True"}})], [allow(Condition={"Bool": {"x:y": "true"}})], []),
    "a longer value": (Kind.RESOURCE, [allow(Condition={"StringEquals": {"x:y": "ab"}})], [allow(Condition={"StringEquals": {"x:y": "abc"}})], ["under another condition: x:y abc"]),
    "an earlier time, of another zone": (Kind.RESOURCE, [allow(Condition={"DateLessThan": {"x:y": "2026-01-01T00:00:00Z"}})], [allow(Condition={"DateLessThan": {"x:y": "2026-01-01T01:00:00+02:00"}})], []),
    "a time without a zone": (Kind.RESOURCE, [allow(Condition={"DateLessThan": {"x:y": "2026-01-01T00:00:00Z"}})], [allow(Condition={"DateLessThan": {"x:y": "2026-01-01T00:00:00"}})], []),
    "an organisation that is hardly named": (Kind.RESOURCE, [], [public() | {"Condition": {"StringLike": {"aws:PrincipalOrgID": "o-*a1b2c3d4e5"}}}], [ANYONE]),
    "an account, or a bucket of any": (Kind.RESOURCE, [], [allow(Principal={"Service": "s3.amazonaws.com"}, Condition={"ArnLike": {"aws:SourceArn": [f"arn:aws:sns:r:{OWN}:t", "arn:aws:sns:r:t:t"]}})], []),
    "all of the account, where its root user was": (Kind.RESOURCE, [allow(Principal="*", Condition={"ArnEquals": {"aws:PrincipalArn": ROOT}})], [allow(Principal={"AWS": ROOT})], ["without its condition on aws:PrincipalArn"]),
    "an exception that is not known": (Kind.RESOURCE, [deny()], [{key: value for key, value in deny(NotAction=[UNKNOWN]).items() if key != "Action"}], []),
    "a condition on any resource, in another spelling": (Kind.IDENTITY, [], [allow("a:B", "*", Condition={"StringLike": {"aws:ResourceTag/x": "?*"}})], ["on every resource: a:B"]),
    **{
        f"a condition on {key}": (Kind.IDENTITY, [], [allow("a:B", "*", Condition={"StringEquals": {key: "value"}})], [] if is_of_resource else ["on every resource: a:B"])
        for key, is_of_resource in {
            "ec2:ResourceTag/x": True, "ecs:cluster": True, "iam:AWSServiceName": True, "kms:RequestAlias": True, "kms:ResourceAliases": True,
            "kms:ViaService": True, "rds:db-tag/x": True, "secretsmanager:SecretId": True,
            "aws:RequestTag/x": False, "iam:PassedToService": False, "iam:PolicyARN": False, "kms:EncryptionContext:x": False, "s3:prefix": False,
            "s3:x-amz-acl": False, "s3:x-amz-server-side-encryption": False, "sns:Protocol": False, "sts:ExternalId": False,
        }.items()
    },
    "a condition on the account": (Kind.IDENTITY, [], [allow("a:B", "*", Condition={"StringEquals": {"aws:ResourceAccount": OWN}})], ["on every resource: a:B"]),
    "another value": (Kind.RESOURCE, [allow(Condition={"StringEquals": {"x:y": "a"}})], [allow(Condition={"StringEquals": {"x:y": "b"}})], ["under another condition: x:y b"]),
    "a smaller range": (Kind.RESOURCE, [allow(Condition=ip("10.0.0.0/8"))], [allow(Condition=ip("10.1.0.0/16"))], []),
    "a larger range": (Kind.RESOURCE, [allow(Condition=ip("10.1.0.0/16"))], [allow(Condition=ip("10.0.0.0/8"))], ["under another condition: aws:SourceIp 10.0.0.0/8"]),
    "fewer values with a star that is a star": (Kind.RESOURCE, [allow(Condition={"StringEquals": {"x:y": ["a*", "b"]}})], [allow(Condition={"StringEquals": {"x:y": "a*"}})], []),
    "a key in another case": (Kind.RESOURCE, [allow(Condition={"StringEquals": {"aws:x": "a"}})], [allow(Condition={"StringEquals": {"AWS:X": "a"}})], []),
    "only if there": (Kind.RESOURCE, [allow(Condition={"StringEquals": {"x:y": "a"}})], [allow(Condition={"StringEqualsIfExists": {"x:y": "a"}})], ["under another condition: x:y a"]),
    "still only if there": (Kind.RESOURCE, [allow(Condition={"StringEqualsIfExists": {"x:y": ["a", "b"]}})], [allow(Condition={"StringEqualsIfExists": {"x:y": "a"}})], []),
    "one of several ranges": (Kind.RESOURCE, [allow(Condition=ip("10.0.0.0/8", "192.0.2.0/24"))], [allow(Condition=ip("192.0.2.0/25"))], []),
    "a second test of the key": (Kind.RESOURCE, [allow(Condition={"StringEquals": {"x:y": "a"}})], [allow(Condition={"StringEquals": {"x:y": "a"}, "StringLike": {"x:y": "*"}})], []),
    "a role of an organisation": (Kind.RESOURCE, [], [allow(Principal={"AWS": A}, Condition=ORGANISATION)], []),
    "anyone of an organisation and the account": (Kind.RESOURCE, [], [public() | {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5", "aws:SourceAccount": OWN}}}], []),
    "more for an organisation of today": (Kind.RESOURCE, [public() | {"Condition": ORGANISATION}], [public() | {"Condition": ORGANISATION}, public() | {"Action": "s3:ListBucket", "Condition": ORGANISATION}], []),
    "the same value of another key": (Kind.RESOURCE, [allow(Condition={"StringEquals": {"x:a": "v"}})], [allow(Condition={"StringEquals": {"x:b": "v"}})], ["without its condition on x:a"]),
    "the same value by another comparison": (Kind.RESOURCE, [allow(Condition={"NumericLessThan": {"x:y": "5"}})], [allow(Condition={"NumericGreaterThan": {"x:y": "5"}})], ["under another condition: x:y 5"]),
    "the same value by another negation": (Kind.RESOURCE, [allow(Condition={"StringNotEquals": {"x:y": "a"}})], [allow(Condition={"StringNotLike": {"x:y": "a"}})], []),
    "all but more": (Kind.RESOURCE, [allow(Condition={"StringNotEquals": {"x:y": "a"}})], [allow(Condition={"StringNotLike": {"x:y": ["a*", "b"]}})], []),
    "all but fewer": (Kind.RESOURCE, [allow(Condition={"StringNotLike": {"x:y": "a*"}})], [allow(Condition={"StringNotEquals": {"x:y": "a"}})], ["under another condition: x:y a"]),
    "an earlier end": (Kind.RESOURCE, [allow(Condition={"DateLessThan": {"k": "2027-06-01T00:00:00Z"}})], [allow(Condition={"DateLessThanEquals": {"k": "2027-01-01"}})], []),
    "a later end": (Kind.RESOURCE, [allow(Condition={"DateLessThan": {"k": "2027-01-01"}})], [allow(Condition={"DateLessThan": {"k": "2027-01-01T00:00:01Z"}})], ["under another condition: k 2027-01-01T00:00:01Z"]),
    "an end in seconds": (Kind.RESOURCE, [allow(Condition={"DateLessThan": {"k": "1970-01-02T00:00:00"}})], [allow(Condition={"DateLessThan": {"k": "86400"}})], []),
    "an end that is no time": (Kind.RESOURCE, [allow(Condition={"DateLessThan": {"k": "soon"}})], [allow(Condition={"DateLessThan": {"k": ["soon", "1"]}})], ["under another condition: k 1"]),
    "a time, and then a number": (Kind.RESOURCE, [allow(Condition={"DateLessThan": {"k": "5"}})], [allow(Condition={"NumericLessThan": {"k": "5"}})], ["under another condition: k 5"]),
    "a text, and then one of any case": (Kind.RESOURCE, [allow(Condition={"StringEquals": {"x:y": "a"}})], [allow(Condition={"StringEqualsIgnoreCase": {"x:y": "a"}})], ["under another condition: x:y a"]),
    "a truth as JSON has it": (Kind.RESOURCE, [allow(Condition={"Bool": {"x:y": "True"}})], [allow(Condition={"Bool": {"x:y": True}})], []),
    "another truth": (Kind.RESOURCE, [allow(Condition={"Bool": {"x:y": "true"}})], [allow(Condition={"Bool": {"x:y": False}})], ["under another condition: x:y false"]),
    "values merged": (Kind.RESOURCE, [allow(Condition={"ArnLike": {"x:y": value}}) for value in ("a", "b")], [allow(Condition={"ArnLike": {"x:y": ["a", "b"]}})], []),
    "values merged, and one more": (Kind.RESOURCE, [allow(Condition={"ArnLike": {"x:y": value}}) for value in ("a", "b")], [allow(Condition={"ArnLike": {"x:y": ["a", "b", "c"]}})], ["under another condition: x:y c"]),
    "exceptions merged": (Kind.RESOURCE, [allow(Condition={"StringNotEquals": {"x:y": value}}) for value in ("a", "b")], [allow(Condition={"StringNotEquals": {"x:y": ["a", "b"]}})], []),
    "all values, merged": (Kind.RESOURCE, [allow(Condition={"ForAllValues:StringEquals": {"x:y": value}}) for value in ("a", "b")], [allow(Condition={"ForAllValues:StringEquals": {"x:y": ["a", "b"]}})], ["under another condition: x:y b"]),
    "all values for any": (Kind.RESOURCE, [allow(Condition={"ForAnyValue:StringEquals": {"x:y": "a"}})], [allow(Condition={"ForAllValues:StringEquals": {"x:y": "a"}})], ["under another condition: x:y a"]),
    "any but one, where the key may be missing": (Kind.RESOURCE, [allow(Condition={"ForAnyValue:StringNotEquals": {"x:y": "a"}})], [allow(Condition={"ForAnyValue:StringNotEqualsIfExists": {"x:y": "a"}})], ["under another condition: x:y a"]),
    "ranges merged": (Kind.RESOURCE, [allow(Condition=ip("10.0.0.0/9", "10.128.0.0/9"))], [allow(Condition=ip("10.0.0.0/8"))], []),
    "an ARN of the account": (Kind.RESOURCE, [allow(Condition=NARROW)], [allow(Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:sns:r:{OWN}:*"}})], []),
    "an ARN of any account": (Kind.RESOURCE, [allow(Condition=NARROW)], [allow(Condition={"ArnLike": {"aws:SourceArn": [f"arn:aws:sns:r:{OWN}:t", "arn:aws:sns:r:*:t"]}})], ["without its condition on aws:SourceAccount"]),
    "an ARN of no account": (Kind.RESOURCE, [allow(Condition=NARROW)], [allow(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:::b"}})], ["without its condition on aws:SourceAccount"]),
    "an ARN of the account, if there": (Kind.RESOURCE, [allow(Condition=NARROW)], [allow(Condition={"ArnLikeIfExists": {"aws:SourceArn": f"arn:aws:sns:r:{OWN}:t"}})], ["without its condition on aws:SourceAccount"]),
    "all ARNs but one of the account": (Kind.RESOURCE, [allow(Condition=NARROW)], [allow(Condition={"ForAnyValue:ArnNotLike": {"aws:SourceArn": f"arn:aws:sns:r:{OWN}:t"}})], ["without its condition on aws:SourceAccount"]),
    "a part of the organisation": (Kind.RESOURCE, [public() | {"Condition": ORGANISATION}], [public() | {"Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/r-1/ou-2/*"}}}], []),
    "a part of an organisation": (Kind.RESOURCE, [], [public() | {"Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/r-1/ou-2/*"}}}], ["a part of an organisation gets access: o-a1b2c3d4e5/r-1/ou-2/*"]),
    "a role by name": (Kind.RESOURCE, [allow("s3:DeleteObject", Principal="*", Condition={"ArnEquals": {"aws:PrincipalArn": A}})], [allow("s3:DeleteObject", Principal={"AWS": A})], []),
    "another role by name": (Kind.RESOURCE, [allow("s3:DeleteObject", Principal="*", Condition={"ArnEquals": {"aws:PrincipalArn": A}})], [allow("s3:DeleteObject", Principal={"AWS": B})], ["without its condition on aws:PrincipalArn", "it may destroy: s3:DeleteObject"]),
    "a role of the account": (Kind.RESOURCE, [allow("s3:DeleteObject", Principal="*", Condition={"StringEquals": {"aws:PrincipalAccount": OWN}})], [allow("s3:DeleteObject", Principal={"AWS": [A, OWN]})], []),
    "the account in another spelling": (Kind.RESOURCE, [allow("kms:*", Principal={"AWS": OWN})], [allow("kms:*", Principal={"AWS": ROOT})], []),
    "the account in the shorter spelling": (Kind.TRUST, [allow(Principal={"AWS": ROOT})], [allow(Principal={"AWS": OWN})], []),
    "all of another account": (Kind.RESOURCE, [allow(Principal={"AWS": "arn:aws:iam::999999999999:role/x"})], [allow(Principal={"AWS": "999999999999"})], ["all of another account gets access: 999999999999"]),
    "more for all of another account": (Kind.RESOURCE, [allow(Principal={"AWS": "999999999999"})], [allow("s3:PutObject", Principal={"AWS": "arn:aws:iam::999999999999:root"})], ["another account may do more: 999999999999 s3:PutObject"]),
    "more for a role of another account": (Kind.RESOURCE, [allow(Principal={"AWS": "arn:aws:iam::999999999999:role/x"})], [allow(Principal={"AWS": ["arn:aws:iam::999999999999:role/x", "arn:aws:iam::999999999999:role/y"]})], ["another account may do more: 999999999999 s3:GetObject"]),
    "another account without its condition": (Kind.RESOURCE, [allow(Principal={"AWS": "999999999999"}, Condition={"StringEquals": {"x:y": "a"}})], [allow(Principal={"AWS": "999999999999"})], ["without its condition on x:y"]),
    "another account on another condition": (Kind.RESOURCE, [allow(Principal={"AWS": "999999999999"}, Condition={"StringEquals": {"x:y": "a"}})], [allow(Principal={"AWS": "999999999999"}, Condition={"StringEquals": {"x:y": "b"}})], ["under another condition: x:y b"]),
    "another account's role may tag its session": (Kind.TRUST, [allow("sts:AssumeRole", Principal={"AWS": "arn:aws:iam::999999999999:role/x"})], [allow(["sts:AssumeRole", "sts:TagSession"], Principal={"AWS": "arn:aws:iam::999999999999:role/x"})], []),
    "a whole organisation, and a part of one": (Kind.RESOURCE, [], [public() | {"Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-a1b2c3d4e5/r-1/ou-2/*", "o-f6g7h8i9j0/*"]}}}], ["a whole organisation gets access: o-a1b2c3d4e5/r-1/ou-2/* o-f6g7h8i9j0/*"]),
    "what is made, whatever its tags": (Kind.IDENTITY, [], [allow("sns:CreateTopic", "*")], ["on every resource: sns:CreateTopic"]),
    "exceptions where the key may be missing": (Kind.RESOURCE, [deny("StringNotEqualsIfExists", "a")], [deny("StringNotEquals", "a")], []),
    "exceptions where the key may be missing, in short": (Kind.RESOURCE, [deny("StringNotEquals", "a")], [deny("StringNotEqualsIfExists", "a")], []),
    "less for another account": (Kind.RESOURCE, [allow("s3:*", Principal={"AWS": "999999999999"})], [allow("s3:GetObject", Principal={"AWS": "arn:aws:iam::999999999999:role/x"})], []),
    "whoever in another account": (Kind.TRUST, [allow(Principal={"AWS": "arn:aws:iam::999999999999:role/x"})], [allow(Principal={"AWS": "999999999999"})], ["whoever in another account may assume roles may assume it: 999999999999"]),
    "the key itself": (Kind.RESOURCE, [allow("kms:*", f"arn:aws:kms:r:{OWN}:key/k")], [allow("kms:*", "*")], []),
    "a key, and then every key": (Kind.IDENTITY, [allow("kms:Decrypt", f"arn:aws:kms:r:{OWN}:key/k")], [allow("kms:Decrypt", "*")], ["on every resource: kms:Decrypt"]),
    "the condition of the first of two alike": (Kind.RESOURCE, [allow(Condition={"Bool": {"x:a": "true"}}), allow(Condition={"Bool": {"x:b": "true"}})], [allow()], ["without its condition on x:a"]),
    "more for an account of today": (Kind.RESOURCE, [public() | {"Condition": FOREIGN}], [public() | {"Condition": FOREIGN}, public() | {"Action": "s3:ListBucket", "Condition": FOREIGN}], []),
    "anyone of an organisation, and a role": (Kind.RESOURCE, [], [allow(Principal={"AWS": ["*", A]}, Condition=ORGANISATION)], ["a whole organisation gets access: o-a1b2c3d4e5"]),
    "a service for another account, and a role": (Kind.RESOURCE, [], [allow(Principal={"AWS": A, "Service": "x"}, Condition=FOREIGN)], ["another account gets access: 999999999999"]),
    "a second test of one key, and another key lost": (Kind.RESOURCE, [allow(Condition={"StringEquals": {"x:y": "a"}, "Bool": {"b": "true"}})], [allow(Condition={"StringEquals": {"x:y": "a"}, "StringLike": {"x:y": "*"}})], ["without its condition on b"]),
    "a number, and then a text": (Kind.RESOURCE, [allow(Condition={"NumericEquals": {"x:y": "5"}})], [allow(Condition={"StringEquals": {"x:y": "5"}})], ["under another condition: x:y 5"]),
    "a text, and then a number": (Kind.RESOURCE, [allow(Condition={"StringEquals": {"x:y": "5"}})], [allow(Condition={"NumericEquals": {"x:y": "5"}})], ["under another condition: x:y 5"]),
    "a range, and then none": (Kind.RESOURCE, [allow(Condition=ip("10.0.0.0/8"))], [allow(Condition=ip("ten"))], ["under another condition: aws:SourceIp ten"]),
    "the account, from a function": (Kind.TRUST, [], [allow(Principal={"AWS": ROOT}, Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:lambda:r:{OWN}:function:f"}})], [f"whoever in the account may assume roles may assume it: {ROOT}"]),
    "every resource, by a tag of any value": (Kind.IDENTITY, [], [allow("s3:GetObject", "*", Condition={"StringLike": {"s3:ExistingObjectTag/x": ["a", "*"]}})], ["on every resource: s3:GetObject"]),
    "every resource, by a tag": (Kind.IDENTITY, [], [allow("s3:GetObject", "*", Condition={"StringLike": {"s3:ExistingObjectTag/x": ["a", "b"]}})], []),
    "every resource, by the function": (Kind.IDENTITY, [], [allow("a:B", "*", Condition={"ArnLike": {"lambda:FunctionArn": "arn:aws:lambda:r:1:function:orders-*"}})], []),
    "every resource, by any function": (Kind.IDENTITY, [], [allow("a:B", "*", Condition={"ArnLike": {"lambda:FunctionArn": "arn:aws:lambda:r:1:function:*"}})], ["on every resource: a:B"]),
    "every resource, with tags for it": (Kind.IDENTITY, [], [allow(["a:CreateB", "a:TagB", "a:PutB"], "*", Condition={"StringEquals": {"aws:RequestTag/x": "y"}})], ["on every resource: a:PutB"]),
    "no longer only if there": (Kind.RESOURCE, [allow(Condition={"StringEqualsIfExists": {"x:y": "a"}})], [allow(Condition={"StringEquals": {"x:y": "a"}})], []),
    "a condition lost": (Kind.RESOURCE, [allow(Condition=NARROW)], [allow()], ["without its condition on aws:SourceAccount"]),
    "one of two conditions lost": (Kind.RESOURCE, [allow(Condition={**NARROW, "Bool": {"b": "true"}})], [allow(Condition=NARROW)], ["without its condition on b"]),
    "a condition of another statement": (Kind.RESOURCE, [allow("x:Y", Condition=NARROW)], [allow("x:Y", Condition=NARROW), allow()], []),
    "a condition that others do not have": (Kind.RESOURCE, [allow(Condition=NARROW), allow(), allow("x:Y")], [allow(["s3:GetObject", "x:Y"])], []),
    "a condition on other values": (Kind.RESOURCE, [public() | {"Condition": NARROW}], [public() | {"Condition": {"StringEquals": {"aws:SourceAccount": "*"}}}], [ANYONE]),
    "fewer values": (Kind.RESOURCE, [public() | {"Condition": {"StringLike": {"x": ["a", "b"]}}}], [public() | {"Condition": {"StringLike": {"x": "a"}}}], []),
    "more values": (Kind.RESOURCE, [public() | {"Condition": {"StringLike": {"x": "a"}}}], [public() | {"Condition": {"StringLike": {"x": ["a", "b"]}}}], [ANYONE]),
    # What is denied.
    "a denial gone": (Kind.RESOURCE, [deny()], [], [GONE]),
    "a denial with a name": (Kind.RESOURCE, [deny(Sid="S")], [], ["it no longer denies S"]),
    "a denial of more": (Kind.RESOURCE, [deny("StringEquals", "a")], [deny("StringEquals", ["a", "b"])], []),
    "a denial of fewer": (Kind.RESOURCE, [deny("StringEquals", ["a", "b"])], [deny("StringEquals", "a")], [GONE]),
    "a denial on a condition": (Kind.RESOURCE, [deny()], [deny("StringEquals", "a")], [GONE]),
    "a denial but for more": (Kind.RESOURCE, [deny("StringNotEquals", "a")], [deny("StringNotEquals", ["a", "b"])], [GONE]),
    "a denial but for fewer": (Kind.RESOURCE, [deny("StringNotEquals", ["a", "b"])], [deny("StringNotEqualsIfExists", "a")], []),
    "a denial but for fewer addresses": (Kind.RESOURCE, [deny("NotIpAddress", ["192.0.2.0/24", "::1"])], [deny("NotIpAddress", "192.0.2.7/32")], []),
    "a denial but for more addresses": (Kind.RESOURCE, [deny("NotIpAddress", "192.0.2.7")], [deny("NotIpAddress", "192.0.2.0/24")], [GONE]),
    "a denial below more": (Kind.RESOURCE, [deny("NumericLessThan", "1.2")], [deny("NumericLessThan", "1.3")], []),
    "a denial below less": (Kind.RESOURCE, [deny("NumericLessThanEquals", "1.2")], [deny("NumericLessThan", "1.2")], [GONE]),
    "a denial above less": (Kind.RESOURCE, [deny("NumericGreaterThan", "1.2")], [deny("NumericGreaterThanEquals", 1.2)], []),
    "a denial above more": (Kind.RESOURCE, [deny("NumericGreaterThanEquals", "1")], [deny("NumericGreaterThan", "1")], [GONE]),
    "a denial of a number in a range": (Kind.RESOURCE, [deny("NumericEquals", "1")], [deny("NumericLessThan", "2")], []),
    "a denial of a number beside a range": (Kind.RESOURCE, [deny("NumericEquals", "2")], [deny("NumericLessThan", "2")], [GONE]),
    "a denial split": (Kind.RESOURCE, [deny(Action=["a:B", "c:D"], Resource=["r", "s"])], [deny(Action=action, Resource=resource) for action in ("a:B", "c:D") for resource in ("r", "s")], []),
    "a denial split, but for a part": (Kind.RESOURCE, [deny(Action=["a:B", "c:D"])], [deny(Action="a:B")], ["it no longer denies c:D"]),
    "a denial but for the same": (Kind.RESOURCE, [deny("StringNotEquals", ["a", "b"])], [deny("StringNotEquals", ["b", "a"])], []),
    "a denial without": (Kind.RESOURCE, [deny("Null", "true")], [deny("Null", "false")], [GONE]),
    "a denial on what is unknown": (Kind.RESOURCE, [deny("StringNotEquals", "a")], [deny("StringNotEquals", [UNKNOWN])], []),
    "a denial on what equals what is unknown": (Kind.RESOURCE, [deny("StringEquals", "a")], [deny("StringEquals", [UNKNOWN])], []),
    "a denial of whom is unknown": (Kind.RESOURCE, [deny()], [deny(Principal={"AWS": [UNKNOWN]})], []),
    "a denial of all but more": (Kind.RESOURCE, [deny(NotAction="a")], [deny(NotAction=["a", "b"])], [GONE]),
    "a denial to all but more": (Kind.RESOURCE, [deny(NotPrincipal={"AWS": A})], [deny(NotPrincipal={"AWS": [A, B]})], [GONE]),
    "a denial of all but fewer": (Kind.RESOURCE, [deny(NotAction=["a", "b"])], [deny(NotAction="a")], []),
    "a denial to all but fewer": (Kind.RESOURCE, [deny(NotPrincipal={"AWS": [A, B]})], [deny(NotPrincipal={"AWS": A})], []),
    "a denial to all but others": (Kind.RESOURCE, [deny(Principal={"AWS": ROOT})], [deny(NotPrincipal={"AWS": A})], [GONE]),
    "a denial of all but one gone": (Kind.RESOURCE, [{**all_but("NotAction", "a:B"), "Effect": "Deny"}], [], ["it no longer denies all but a:B"]),
    "a denial of all but what is not known yet": (Kind.RESOURCE, [deny(NotAction="a")], [deny(NotAction=[UNKNOWN])], []),
    "a denial for all but more": (Kind.RESOURCE, [deny(NotResource="a")], [deny(NotResource=["a", "b"])], [GONE]),
    "no statements": (Kind.RESOURCE, [], [1, {}, {"Effect": 1}, {"Effect": "Other"}], []),
}  # fmt: skip


def said(kind: Kind, before: object, after: object, *, new: bool = False) -> list[str]:
    olds, news = (statements_of({"Statement": side}) or () for side in (before, after))
    found = widenings(olds, news, kind=kind, new=new, own=(OWN,))
    return [" ".join([widening.words, *widening.names]) for widening in found]


@pytest.mark.parametrize("name", ["NotAction", "NotResource"])
def test_all_but_a_few_is_asked_of_who_is_new_too(name: str) -> None:
    said_ = said(Kind.IDENTITY, [], [all_but(name)], new=True)
    assert any(words.startswith("it allows everything but a few") for words in said_)
    assert said(Kind.RESOURCE, [], [all_but(name)], new=True) == []


def test_whose_account_it_is_needs_the_plans_own_account() -> None:
    before, after = (allow(action, Principal={"AWS": A}) for action in ("s3:GetObject", "s3:*Object"))
    olds, news = (statements_of({"Statement": [side]}) or () for side in (before, after))
    assert list(widenings(olds, news, kind=Kind.RESOURCE, new=True, own=())) == []
    whole = statements_of({"Statement": [allow(Principal={"AWS": ROOT})]}) or ()
    assert list(widenings(olds, whole, kind=Kind.RESOURCE, new=True, own=())) == []


@pytest.mark.parametrize("name", WIDENED)
def test_what_a_policy_would_allow_more_is_said(name: str) -> None:
    kind, before, after, words = WIDENED[name]
    assert said(kind, before, after) == words


@pytest.mark.parametrize(
    ("action", "resource", "words"),
    [
        ("s3:*", "*", ["it may do everything: s3:*"]),
        ("s3:*", BUCKETS, ["it may do everything: s3:*"]),
        ("s3:*", f"{BUCKETS}/*", ["it may do everything: s3:*"]),
        ("s3:*", "arn:aws:s3:::b/*", []),
        ("*", "arn:aws:s3:::b", ["it may do everything: *"]),
        ("a:B", "arn:aws:lambda:r:1:function:*", ["on every resource: a:B"]),
        ("a:B", "arn:aws:iam::1:role/*", ["on every resource: a:B"]),
        ("a:B", "arn:aws:iam::1:role/xyz*", []),
        ("a:B", "arn:aws:iam::1:role/xy*", ["on every resource: a:B"]),
        ("ec2:UnassignPrivateIpAddresses", "*", []),
        ("ec2:DeleteNetworkInterface", "*", []),
        ("xray:PutTraceSegments", "*", []),
        ("sts:GetCallerIdentity", "*", []),
        ("ecr:GetAuthorizationToken", "*", []),
        ("cloudwatch:GetMetricData", "*", []),
        ("cloudwatch:PutMetricData", "*", []),
        ("logs:PutLogEvents", "*", []),
        ("logs:CreateLogStream", "*", []),
        ("ssm:DescribeParameters", "*", []),
        ("sns:Unsubscribe", "*", []),
        ("lambda:TagResource", "*", []),
        ("logs:DeleteLogGroup", "*", ["on every resource: logs:DeleteLogGroup"]),
    ],
)
def test_a_new_policy_surprises_by_what_it_reaches(action: str, resource: str, words: list[str]) -> None:
    assert said(Kind.IDENTITY, [], [allow(action, resource)], new=True) == words
    assert said(Kind.RESOURCE, [], [allow(action, resource)], new=True) == []


@pytest.mark.parametrize(("conditions", "words"), [
    ({"StringEquals": {"aws:PrincipalAccount": OWN}}, ""),
    ({"StringEquals": {"aws:PrincipalAccount": [OWN, "999999999999"]}}, "another account gets access: 999999999999"),
    ({"StringEquals": {"aws:SourceAccount": "999999999999"}}, "another account gets access: 999999999999"),
    ({"StringLike": {"aws:SourceAccount": "1111*"}}, ANYONE),
    ({"StringLike": {"aws:SourceAccount": "????????????"}}, ANYONE),
    ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/*"}}, ""),
    ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}, ANYONE),
    ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/orders"}}, ANYONE),
    ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::999999999999:role/x"}}, "another account gets access: 999999999999"),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:orders"}}, ANYONE),
    ({"ArnLike": {"aws:SourceArn": "arn:*"}}, ANYONE),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::orders"}}, ""),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}, ANYONE),
    ({"ArnLike": {"aws:SourceArn": ["arn:aws:s3:::orders", "arn:aws:sns:r:999999999999:t"]}}, "another account gets access: 999999999999"),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}, "StringEquals": {"aws:SourceAccount": OWN}}, ""),
    ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::999999999999:role/x"}, "StringEquals": {"aws:PrincipalAccount": OWN}}, ""),
    (ip("203.0.113.0/24", "198.51.100.7"), ""),
    (ip("0.0.0.0/1", "128.0.0.0/1"), ANYONE),
    (ip("0.0.0.0/1"), ANYONE),
    (ip(*(f"{first}.0.0.0/9" for first in range(1, 9))), ANYONE),
    (ip("::/2"), ANYONE),
    (ip("any"), ANYONE),
    ({"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}, "a whole organisation gets access: o-a1b2c3d4e5"),
    ({"StringLike": {"aws:PrincipalOrgID": "o-*"}}, ANYONE),
    ({"StringEquals": {"aws:PrincipalOrgID": UNKNOWN}}, ""),
    ({"StringEquals": {"aws:PrincipalTag/account": OWN}}, ANYONE),
    ({"StringEquals": {"aws:SourceVpce": "v-1"}}, ""),
    ({"StringEquals": {"aws:SourceVpce": UNKNOWN}}, ""),
    ({"ArnLike": {"aws:SourceArn": UNKNOWN}}, ""),
    ({"StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d", "aws:PrincipalTag/x": "999999999999"}}, ""),
    ({"StringLike": {"aws:SourceAccount": [OWN, "*"]}}, ANYONE),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::orders"}, "StringEquals": {"aws:SourceAccount": "999999999999"}}, "another account gets access: 999999999999"),
    ({"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "2001:db8::/64"]}}, ""),
    ({"StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}}, ""),
    ({"StringEquals": {"aws:SourceVpc": "vpc-1a2b3c4d"}}, ""),
    ({"StringEquals": {"aws:PrincipalServiceName": "logs.eu-west-1.amazonaws.com"}}, ""),
    ({"ArnLike": {"aws:SourceVpcArn": f"arn:aws:ec2:eu-west-1:{OWN}:vpc/*"}}, ""),
    ({"StringEquals": {"kms:CallerAccount": OWN}}, ""),
    ({"StringEquals": {"s3:DataAccessPointAccount": OWN}}, ""),
    ({"StringEquals": {"aws:SourceOrgID": "o-a1b2c3d4e5"}}, "a whole organisation gets access: o-a1b2c3d4e5"),
    ({"StringLike": {"aws:SourceOrgPaths": "o-a1b2c3d4e5/*"}}, "a whole organisation gets access: o-a1b2c3d4e5/*"),
    ({"StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}}, "a whole organisation gets access: o-a1b2c3d4e5/*"),
    ({"StringLike": {"aws:SourceVpce": "vpce-*"}}, ANYONE),
    ({"StringLike": {"aws:userid": "AROAEX:*"}}, ""),
    ({"StringLike": {"aws:userid": "AROAE:*"}}, ANYONE),
    ({"StringEquals": {"aws:PrincipalTag/team": "orders"}}, ANYONE),
    ({"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}}, ANYONE),
    ({"StringEquals": {"token:sub": "repo:o/r"}}, ANYONE),
    ({"ForAllValues:StringEquals": {"aws:SourceAccount": OWN}}, ANYONE),
    ({"ForAnyValue:StringEquals": {"aws:SourceAccount": OWN}}, ""),
    ({"StringEquals": {"aws:SourceAccount": []}}, ANYONE),
    ({"StringEquals": {"aws:SourceAccount": UNKNOWN}}, ""),
])  # fmt: skip
def test_conditions_say_whom_they_leave_of_anyone(conditions: object, words: str) -> None:
    assert said(Kind.RESOURCE, [], [public() | {"Condition": conditions}], new=True) == [words] * bool(words)


@pytest.mark.parametrize(("who", "words"), [
    ({"AWS": ROOT}, [f"whoever in the account may assume roles may assume it: {ROOT}"]),
    ({"AWS": B}, [f"{ELSE} {B}"]),
    ({"AWS": "arn:aws:iam::999999999999:root"}, ["another account gets access: 999999999999"]),
])  # fmt: skip
def test_who_is_trusted_today_tells_of_the_own_account(who: object, words: list[str]) -> None:
    before, after = [allow(Principal={"AWS": A})], [allow(Principal={"AWS": A}), allow(Principal=who)]
    olds, news = (statements_of({"Statement": side}) or () for side in (before, after))
    found = widenings(olds, news, kind=Kind.TRUST, new=False, own=())
    assert [" ".join([item.words, *item.names]) for item in found] == words


@pytest.mark.parametrize(("conditions", "is_anyone"), [
    ({"StringEquals": {"token:aud": "sts"}}, True),
    ({"StringLike": {"token:sub": "repo:o/r:*"}}, False),
    ({"StringLike": {"token:sub": "repo:o/*"}}, False),
    ({"StringLike": {"token:sub": "repo:o*"}}, True),
    ({"StringLike": {"token:sub": "repo:*:ref:refs/heads/main"}}, True),
    ({"StringLike": {"token:sub": "repo:*/r:*"}}, True),
    ({"StringLike": {"token:sub": "re?o:*"}}, True),
    ({"StringLike": {"token:sub": ["repo:o/r:*", "*"]}}, True),
    ({"StringLike": {"token:sub": "system:serviceaccount:*:*"}}, True),
    ({"StringLike": {"token:sub": "system:serviceaccount:*"}}, True),
    ({"StringLike": {"token:sub": "system:*"}}, True),
    ({"StringLike": {"token:sub": "system:serviceaccount:orders:*"}}, False),
    ({"StringLike": {"token:sub": "auth0|*"}}, True),
    ({"StringLike": {"token:sub": "organization:o:project:*"}}, False),
    ({"StringLike": {"token:sub": "project_path:*/r:ref:main"}}, True),
    ({"StringLike": {"token:repository": "o/*"}}, False),
    ({"StringNotLike": {"token:sub": "repo:o/r:*"}}, True),
    ({"StringEquals": {"saml:aud": "https://signin.aws.amazon.com/saml"}}, False),
    ({"StringEquals": {"token:sub": UNKNOWN}}, False),
    (None, True),
])  # fmt: skip
def test_conditions_say_who_of_a_provider_is_trusted(conditions: object, *, is_anyone: bool) -> None:
    words = ["anyone of an identity provider may assume the role: Federated idp"] * is_anyone
    assert said(Kind.TRUST, [], [federated(Condition=conditions)], new=True) == words


def test_the_audience_of_cognito_is_the_pool() -> None:
    pool = federated(Condition={"StringEquals": {"cognito-identity.amazonaws.com:aud": "r:pool"}})
    pool["Principal"] = {"Federated": "cognito-identity.amazonaws.com"}
    assert said(Kind.TRUST, [], [pool], new=True) == []
    for key, value in (("aud", "*"), ("aud", ["r:pool", "*"]), ("amr", "authenticated")):
        pool["Condition"] = {"StringLike": {f"cognito-identity.amazonaws.com:{key}": value}}
        assert len(said(Kind.TRUST, [], [pool], new=True)) == 1


@pytest.mark.parametrize(("fewer", "named"), [(0, "a:C"), (1, "a:B a:C a:D")])
@pytest.mark.parametrize(("who", "combinations"), [({}, 15), ({"Principal": {"AWS": [A, B]}}, 30)])
def test_too_many_combinations_are_judged_as_a_whole(
    monkeypatch: pytest.MonkeyPatch, fewer: int, named: str, who: dict[str, Any], combinations: int
) -> None:
    # 1 or 2 principals, 3 actions and 5 resources.
    monkeypatch.setattr(coverage, "_PARTS", combinations - fewer)
    more = allow(["a:B", "a:C", "a:D"], ["*", "a", "b", "c", "d"], **who)
    today = [allow(name, "*", Principal="*") for name in ("a:B", "a:D")]
    assert said(Kind.IDENTITY, today, [more]) == [f"on every resource: {named}"]


@pytest.mark.parametrize(("actions", "resources", "named"), [(50, 100, 49), (3, 1_667, 3)])
def test_5000_combinations_are_judged_one_by_one(actions: int, resources: int, named: int) -> None:
    more = allow([f"a:{number}" for number in range(actions)], ["*", *map(str, range(1, resources))])
    (found,) = widenings([allow(["a:0"], ["*"])], [more], kind=Kind.IDENTITY, new=False, own=())
    assert len(found.names) == named


@pytest.mark.parametrize("name", ["Action", "NotAction", "Resource", "NotResource"])
def test_one_value_and_a_list_in_any_order_are_the_same(name: str) -> None:
    one, many = ({"Statement": {name: value}} for value in ("a", ["b", "a"]))
    assert normalised(one) == {"Statement": [{name: ["a"]}]}
    assert normalised(many) == {"Statement": [{name: ["a", "b"]}]}


@pytest.mark.parametrize("name", ["Principal", "NotPrincipal"])
def test_principals_are_the_same_however_written(name: str) -> None:
    given: list[object] = ["*", {"AWS": "*"}, {"*": "*"}, {"AWS": ["*"]}]
    assert [normalised({"Statement": {name: value}})["Statement"][0][name] for value in given] == [
        {"AWS": ["*"]}
    ] * 4
    assert normalised({"Statement": {name: {"Service": ["b", "a"]}}}) == {
        "Statement": [{name: {"Service": ["a", "b"]}}]
    }


def test_what_is_no_statement_stays_as_it_is() -> None:
    document = {"Statement": ["text", 1, {"Condition": {"Bool": "x", "Null": {"k": True}}}]}
    assert normalised(document) == {
        "Statement": ["text", 1, {"Condition": {"Bool": "x", "Null": {"k": [True]}}}]
    }


def test_a_document_says_all_that_its_blocks_set() -> None:
    block = {
        "sid": "S",
        "effect": "Deny",
        "actions": ["a"],
        "not_actions": ["b"],
        "resources": ["c"],
        "not_resources": ["d"],
        "principals": [
            {"type": "AWS", "identifiers": ["e"]},
            {"type": "Service", "identifiers": UNKNOWN},
            {"type": "AWS", "identifiers": ["f"]},
        ],
        "not_principals": [{"type": "*", "identifiers": ["*"]}],
        "condition": [
            {"test": "Bool", "variable": "g", "values": ["true"]},
            {"test": "Bool", "variable": "h", "values": ["false"]},
            {"test": "Bool", "variable": "h", "values": ["other"]},
            {"test": "Null", "variable": "g", "values": ["true"]},
        ],
    }
    assert document_policy({"statement": [block], "policy_id": "I", "version": "2008-10-17"}) == {
        "Id": "I",
        "Statement": [
            {
                "Sid": "S",
                "Effect": "Deny",
                "Action": ["a"],
                "NotAction": ["b"],
                "Resource": ["c"],
                "NotResource": ["d"],
                "Principal": {"AWS": ["e", "f"], "Service": [UNKNOWN]},
                "NotPrincipal": {"*": ["*"]},
                "Condition": {"Bool": {"g": ["true"], "h": ["false", "other"]}, "Null": {"g": ["true"]}},
            }
        ],
        "Version": "2008-10-17",
    }


@pytest.mark.parametrize(
    "document",
    [
        None,
        {"statement": None},
        *(
            {"statement": [], name: ["{}"]}
            for name in ("source_policy_documents", "override_policy_documents")
        ),
        *({"statement": [], name: "{}"} for name in ("source_json", "override_json")),
    ],
)
def test_a_document_that_is_made_of_others_is_not_known(document: object) -> None:
    assert document_policy(document) is UNKNOWN
