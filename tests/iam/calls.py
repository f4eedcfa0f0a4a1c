"""Calls of the AWS API, and the requests that IAM decides for each of them.

Which action a call asks for, and what it is on, is in https://docs.aws.amazon.com/service-authorization/.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from tests.iam.policies import Request
from tools.local.cloud import ACCOUNT_ID, REGION

Context = dict[str, tuple[str, ...]]

# By the service's name in Terraform's log and in signatures.
PREFIXES = {
    "CloudWatch": "cloudwatch",
    "CloudWatch Logs": "logs",
    "DynamoDB": "dynamodb",
    "EventBridge": "events",
    "IAM": "iam",
    "KMS": "kms",
    "Lambda": "lambda",
    "S3": "s3",
    "SNS": "sns",
    "SQS": "sqs",
    "STS": "sts",
    "monitoring": "cloudwatch",
}

# Where the action is not called as the operation is.
ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "s3:DeleteBucketTagging": "s3:PutBucketTagging",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "s3:PutObjectLockConfiguration": "s3:PutBucketObjectLockConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "sns:PublishBatch": "sns:Publish",
}

# What a call that makes or changes something with tags asks for besides.
TAGGING = {
    "cloudwatch:PutMetricAlarm": "cloudwatch:TagResource",
    "dynamodb:CreateTable": "dynamodb:TagResource",
    "events:PutRule": "events:TagResource",
    "iam:CreateRole": "iam:TagRole",
    "kms:CreateKey": "kms:TagResource",
    "lambda:CreateEventSourceMapping": "lambda:TagResource",
    "lambda:CreateFunction": "lambda:TagResource",
    "logs:CreateLogGroup": "logs:TagResource",
    "sns:CreateTopic": "sns:TagResource",
    "sqs:CreateQueue": "sqs:TagQueue",
}

# These have no resource.
ON_EVERYTHING = {
    "kms:CreateKey",
    "kms:ListAliases",
    "logs:DescribeLogGroups",
    "sns:GetSubscriptionAttributes",
    "sns:Unsubscribe",
}
# Everybody may ask who they are.
WITHOUT_RIGHT = {"sts:GetCallerIdentity"}


@dataclass(frozen=True, kw_only=True)
class Call:
    """One HTTP request and its answer; the service by its name in PREFIXES, or by its prefix in actions."""

    service: str
    operation: str
    url: str
    body: str
    response: str = ""

    @property
    def action(self) -> str:
        prefix = PREFIXES.get(self.service, self.service)
        name = f"{prefix}:{self.operation}"
        return ACTIONS.get(name, name)

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.url).path)

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    @property
    def parameters(self) -> dict[str, Any]:
        """Those in the body, of JSON or of a form."""
        if self.body.lstrip().startswith("{"):
            parameters: dict[str, Any] = json.loads(self.body)
            return parameters
        return dict(parse_qsl(self.body.strip()))


def arn(service: str, resource: str, *, region: str = REGION, account: str = ACCOUNT_ID) -> str:
    return f"arn:aws:{service}:{region}:{account}:{resource}"


class Requests:
    """What calls ask of IAM, in the order of the calls: what one made, later ones are about."""

    def __init__(self) -> None:
        self._boundaries: dict[str, str] = {}
        self._functions: dict[str, str] = {}
        self._keys: dict[str, str] = {}

    def of(self, call: Call) -> Iterator[Request]:
        action = call.action
        if action in WITHOUT_RIGHT:
            return
        if action == "s3:DeleteObjects":
            yield from _deletions(call)
            return
        context = self._context(call)
        for resource in self._resources(call):
            yield Request(action=_versioned(call), resource=resource, context=context)
            if action in TAGGING and re.search(r"\bTags?\b", call.body, re.IGNORECASE):
                tagged = resource
                if action == "lambda:CreateEventSourceMapping":
                    tagged = arn("lambda", "event-source-mapping:00000000-0000-0000-0000-000000000000")
                yield Request(action=TAGGING[action], resource=tagged, context=context)
        if action == "lambda:GetFunction":
            # Its answer has the tags in it.
            yield Request(action="lambda:ListTags", resource=_of_lambda(call)[0])
        if action.startswith("lambda:") and (role := call.parameters.get("Role")):
            passed = {"iam:PassedToService": ("lambda.amazonaws.com",)}
            yield Request(action="iam:PassRole", resource=role, context=passed)

    def _resources(self, call: Call) -> list[str]:
        if call.action in ON_EVERYTHING:
            return ["*"]
        if call.action.startswith("s3:"):
            return _of_s3(call)
        if call.action.startswith("lambda:"):
            return _of_lambda(call)
        if call.action.startswith("kms:"):
            return self._of_kms(call.parameters)
        return _RESOURCES[call.action.partition(":")[0]](call.parameters)

    def _of_kms(self, given: dict[str, Any]) -> list[str]:
        alias: str | None = given.get("AliasName")
        key: str = given.get("TargetKeyId") or given.get("KeyId") or self._keys[alias or ""]
        if key.startswith("alias/"):
            return [arn("kms", "key/of-an-alias")]
        if alias:
            self._keys[alias] = key
        # A call about an alias needs the right on it and on its key.
        return [
            *([arn("kms", alias)] if alias else []),
            key if key.startswith("arn:") else arn("kms", f"key/{key}"),
        ]

    def _context(self, call: Call) -> Context:
        known = {
            "events": self._known_to_events,
            "iam": self._known_to_iam,
            "kms": self._known_to_kms,
            "lambda": self._known_to_lambda,
            "sns": self._known_to_sns,
        }.get(call.action.partition(":")[0])
        return known(call) if known else {}

    def _known_to_iam(self, call: Call) -> Context:
        given = call.parameters
        role = given["RoleName"]
        if call.operation == "CreateRole" and "PermissionsBoundary" in given:
            self._boundaries[role] = given["PermissionsBoundary"]
        context: Context = {}
        if role in self._boundaries:
            context["iam:PermissionsBoundary"] = (self._boundaries[role],)
        if "PolicyArn" in given:
            context["iam:PolicyARN"] = (given["PolicyArn"],)
        return context

    def _known_to_lambda(self, call: Call) -> Context:
        if "/event-source-mappings" not in call.path:
            return {}
        if call.operation == "CreateEventSourceMapping":
            function = call.parameters["FunctionName"]
            self._functions[json.loads(call.response)["UUID"]] = function
        else:
            function = self._functions[call.path.rstrip("/").rsplit("/", 1)[1]]
        return {"lambda:FunctionArn": (function,)}

    @staticmethod
    def _known_to_sns(call: Call) -> Context:
        return {"sns:Protocol": (call.parameters["Protocol"],)} if call.operation == "Subscribe" else {}

    @staticmethod
    def _known_to_events(call: Call) -> Context:
        targets = tuple(target["Arn"] for target in call.parameters.get("Targets", []))
        return {"events:TargetArn": targets} if targets else {}

    @staticmethod
    def _known_to_kms(call: Call) -> Context:
        given = call.parameters
        if given.get("KeyId", "").startswith("alias/"):
            return {"kms:RequestAlias": (given["KeyId"],)}
        return {f"aws:RequestTag/{tag['TagKey']}": (tag["TagValue"],) for tag in given.get("Tags", [])}


def _versioned(call: Call) -> str:
    of_objects = call.action in ("s3:DeleteObject", "s3:GetObject")
    return f"{call.action}Version" if of_objects and "versionId" in call.query else call.action


def _deletions(call: Call) -> Iterator[Request]:
    for deleted in re.findall("<Object>(.*?)</Object>", call.body, re.DOTALL):
        (key,) = re.findall("<Key>(.*?)</Key>", deleted)
        yield Request(
            action="s3:DeleteObjectVersion" if "<VersionId>" in deleted else "s3:DeleteObject",
            resource=f"{_of_s3(call)[0]}/{key}",
        )


def _of_s3(call: Call) -> list[str]:
    bucket, _, key = call.path.lstrip("/").partition("/")
    return [f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"]


def _of_lambda(call: Call) -> list[str]:
    _, _, kind, *rest = call.path.split("/")
    if kind == "tags":
        return ["/".join(rest)]
    if kind == "event-source-mappings":
        return [arn("lambda", f"event-source-mapping:{rest[0]}") if rest and rest[0] else "*"]
    return [arn("lambda", f"function:{rest[0] if rest and rest[0] else call.parameters['FunctionName']}")]


def _of_cloudwatch(given: dict[str, Any]) -> list[str]:
    if given["Action"] == "DescribeAlarms":
        return [arn("cloudwatch", "alarm:*")]
    return [
        *(
            arn("cloudwatch", f"dashboard/{name}", region="")
            for key, name in given.items()
            if re.match(r"DashboardNames?\b", key)
        ),
        *(
            arn("cloudwatch", f"alarm:{name}")
            for key, name in given.items()
            if re.match(r"AlarmNames?\b", key)
        ),
        *([given["ResourceARN"]] if "ResourceARN" in given else []),
    ]


def _of_dynamodb(given: dict[str, Any]) -> list[str]:
    if "RequestItems" in given:
        return [arn("dynamodb", f"table/{name}") for name in given["RequestItems"]]
    table = given.get("ResourceArn") or arn("dynamodb", f"table/{given['TableName']}")
    return [f"{table}/index/{given['IndexName']}" if "IndexName" in given else table]


def _of_events(given: dict[str, Any]) -> list[str]:
    rule = given.get("Rule") or given.get("Name")
    return [arn("events", f"rule/{rule}") if rule else given["ResourceARN"]]


def _of_iam(given: dict[str, Any]) -> list[str]:
    return [arn("iam", f"role/{given['RoleName']}", region="")]


def _of_logs(given: dict[str, Any]) -> list[str]:
    return [given.get("resourceArn") or arn("logs", f"log-group:{given['logGroupName']}:*")]


def _of_sns(given: dict[str, Any]) -> list[str]:
    return [given.get("TopicArn") or given.get("ResourceArn") or arn("sns", given["Name"])]


def _of_sqs(given: dict[str, Any]) -> list[str]:
    return [arn("sqs", given.get("QueueName") or given["QueueUrl"].rsplit("/", 1)[1])]


_RESOURCES = {
    "cloudwatch": _of_cloudwatch,
    "dynamodb": _of_dynamodb,
    "events": _of_events,
    "iam": _of_iam,
    "logs": _of_logs,
    "sns": _of_sns,
    "sqs": _of_sqs,
}
