"""Holds the calls that were recorded of each role against the policies that were deployed for it."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from names import Names
from tests.iam.calls import WITHOUT_RIGHT, Call, Requests
from tests.iam.policies import Request, Role, Statement, statements, unused
from tests.iam.recorders import RecordingProxy, TerraformLog
from tests.iam.roles import managed_policies, of_key, resolved, role
from tests.template import deploy_roles
from tools.local.cloud import ACCOUNT_ID, ROOT, STATE_BUCKET, SUFFIX

NAMES = Names(suffix=SUFFIX, account_id=ACCOUNT_ID)
TOOLS = ("history", "reconcile", "redrive")
State = dict[str, Any]

_NEWER = "The provider calls it from 6.23 on."
_LAMBDA_READS = "Lambda itself reads the stream, in the role's name."
_LAMBDA_WRITES = "Lambda itself writes failed batches, in the role's name."
_BUCKET = f"arn:aws:s3:::{NAMES.failed_batches_bucket}"

# Rights that no recorded call needs, and why they are given all the same.
UNUSED_BY_TERRAFORM = {
    "ChangeBuckets: s3:TagResource": _NEWER,
    "ChangeBuckets: s3:UntagResource": _NEWER,
    "ReadBuckets: s3:ListTagsForResource": _NEWER,
    "ChangeLogGroup: logs:AssociateKmsKey": "For a group that exists, when its key is another.",
    "CiChangesKey: kms:PutKeyPolicy": "CreateKey asks whether its caller could change the policy again.",
}
UNUSED_BY_FUNCTION = {
    "ReadStream: dynamodb:DescribeStream": _LAMBDA_READS,
    "ReadStream: dynamodb:GetRecords": _LAMBDA_READS,
    "ReadStream: dynamodb:GetShardIterator": _LAMBDA_READS,
    "ReadStream: dynamodb:ListStreams": _LAMBDA_READS,
    "ListStreams: dynamodb:ListStreams": _LAMBDA_READS,
    "ListStreams: *": _LAMBDA_READS,
    "WriteFailedBatches: s3:PutObject": _LAMBDA_WRITES,
    f"WriteFailedBatches: {_BUCKET}/*": _LAMBDA_WRITES,
    "ListFailedBatches: s3:ListBucket": _LAMBDA_WRITES,
    f"ListFailedBatches: {_BUCKET}": _LAMBDA_WRITES,
}
UNUSED_BY_TOOLS = {
    "dynamodb:Query": "Of history with --status.",
    "s3:ListBucket": "With it S3 tells a missing object from a forbidden one.",
    "sqs:ChangeMessageVisibility": "For the messages of batches that are left.",
}


class RecordedRoles:
    """The recordings of one deployment: of Terraform by role, of the function and of the operators' tools.

    `pipeline` is the state after the creation, as `terraform show -json` tells it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.function = RecordingProxy()
        self.tools = RecordingProxy()
        self.pipeline: State = {}

    def __enter__(self) -> Self:
        self.function.__enter__()
        self.tools.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.function.__exit__()
        self.tools.__exit__()

    def log(self, role: str) -> TerraformLog:
        """Of what a role does: `plan`, `apply`, and `update` for applies of small changes."""
        return TerraformLog(self._folder / f"{role}.jsonl")


class Proof:
    """`roles`: the state of the deploy roles, as `terraform show -json` tells it."""

    def __init__(self, recorded: RecordedRoles, *, roles: State) -> None:
        mapper = Requests()
        # The creation first: it tells what later calls are about.
        calls = {role: recorded.log(role).calls() for role in ("apply", "update", "plan")}
        calls["function"] = [call for _, call in recorded.function.calls]
        for name in TOOLS:
            calls[name] = recorded.tools.calls_of(name)
        self._calls = calls
        self._requests = {role: list(_requests(mapper, of_role)) for role, of_role in calls.items()}
        self._requests["apply"] += self._requests["update"]
        self._roles = _deployed(recorded.pipeline, roles)

    def refused(self, name: str) -> list[str]:
        """What the role of this name called for and may not."""
        return _refused(self._roles[name], self._requests[name])

    def refused_by_protection(self, name: str) -> list[str]:
        """The same, if the deploy roles had been made with PROTECT_DATA."""
        template = resolved(
            deploy_roles(ENVIRONMENT_SUFFIX=SUFFIX, STATE_BUCKET=STATE_BUCKET, PROTECT_DATA="true")
        )
        policies = managed_policies(template)
        del policies[NAMES.processor_boundary]
        unprotected = self._roles["apply"]
        protecting = role(NAMES.apply_role, policies.values(), key=unprotected.of_resources)
        return _refused(protecting, self._requests[name])

    def unused_by_terraform(self) -> set[str]:
        requests = [*self._requests["plan"], *self._requests["apply"]]
        of_roles = self._roles["apply"]
        return unused([*of_roles.policies, *_naming(of_roles)], requests)

    def unused_by_function(self) -> set[str]:
        """But for the right on the table's stream, whose ARN has the time of its creation in it."""
        rights = unused(self._roles["function"].policies, self._requests["function"])
        return {right for right in rights if not right.startswith("ReadStream: arn:")}

    def actions_of(self, name: str) -> set[str]:
        return {request.action for request in self._requests[name]}

    def counts(self) -> dict[str, int]:
        requests = {request for of_role in self._requests.values() for request in of_role}
        return {
            "calls": sum(map(len, self._calls.values())),
            "requests": len(requests),
            "actions": len({request.action for request in requests}),
        }


def documented_rights(tool: str) -> set[str]:
    """The actions that docs/operations.md names in the paragraph of this tool that begins with `Rights:`."""
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    section = re.search(rf"^## [^\n]*`make {tool}`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, f"no section on make {tool}"
    paragraph = re.search(r"Rights: (.*?)\n\n", section[1], re.DOTALL)
    assert paragraph, f"no rights of make {tool}"
    actions, prefix = set(), ""
    for named, name in re.findall(r"`(?:([a-z0-9]+):)?([A-Z]\w+)`", paragraph[1]):
        # `dynamodb:GetItem`, `Scan`: the second is of the same service.
        prefix = named or prefix
        actions.add(f"{prefix}:{name}")
    return actions - WITHOUT_RIGHT


def _requests(mapper: Requests, calls: Iterable[Call]) -> Iterable[Request]:
    for call in calls:
        yield from mapper.of(call)


def _refused(role: Role, requests: Iterable[Request]) -> list[str]:
    return sorted({str(request) for request in requests if not role.allows(request)})


def _naming(role: Role) -> list[Statement]:
    return [statement for statement in role.of_resources if role.arn in statement.principals]


def _deployed(pipeline: State, roles: State) -> dict[str, Role]:
    """By `plan`, `apply` and `function`."""
    managed = {policy["arn"]: json.loads(policy["policy"]) for policy in _values(roles, "aws_iam_policy")}
    attachments = _values(roles, "aws_iam_role_policy_attachment")
    (key,) = _values(pipeline, "aws_kms_key")
    of_this_key = of_key(json.loads(key["policy"]), key=key["arn"])
    deployed = {
        kind: role(
            name,
            [managed[attached["policy_arn"]] for attached in attachments if attached["role"] == name],
            key=of_this_key,
        )
        for kind, name in {"plan": NAMES.plan_role, "apply": NAMES.apply_role}.items()
    }
    (function,) = _values(pipeline, "aws_iam_role")
    (data_policy,) = _values(pipeline, "aws_iam_role_policy")
    deployed["function"] = Role(
        arn=function["arn"],
        policies=statements(json.loads(data_policy["policy"])),
        boundary=statements(managed[function["permissions_boundary"]]),
    )
    return deployed


def _values(state: State, type_: str) -> list[State]:
    """The attributes of every resource of a type."""
    resources = state["values"]["root_module"]["resources"]
    return [
        resource["values"]
        for resource in resources
        if resource["type"] == type_ and resource["mode"] == "managed"
    ]
