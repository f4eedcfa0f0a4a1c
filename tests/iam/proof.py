"""Holds the calls that were recorded of each role against the policies that were deployed for it."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Self

from names import Names
from tests.iam.calls import WITHOUT_RIGHT, Call, Requests
from tests.iam.policies import Request, Role, Statement, statements, unused
from tests.iam.recorders import RecordingProxy, TerraformLog
from tests.iam.roles import managed_policies, of_key, resolved, role
from tests.template import Block, deploy_roles
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


class RecordedCallers:
    """The recordings of the function's calls and of those of the operators' tools."""

    def __init__(self) -> None:
        self.function = RecordingProxy()
        self.tools = RecordingProxy()

    def __enter__(self) -> Self:
        self.function.__enter__()
        self.tools.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.function.__exit__()
        self.tools.__exit__()


class TerraformProof:
    """Terraform's calls against the policies of the roles of CI.

    `logs` are of the roles `plan` and `apply` and, under `update`, of the latter's applies of small changes.
    `pipeline` and `roles` are the deployed states, as `terraform show -json` tells them.
    """

    def __init__(self, logs: Mapping[str, TerraformLog], *, pipeline: State, roles: State) -> None:
        mapper = Requests()
        # The creation first: it tells what later calls are about.
        calls = {role: logs[role].calls() for role in ("apply", "update", "plan")}
        self._calls = calls
        self._requests = {role: _requests(mapper, of_role) for role, of_role in calls.items()}
        self._requests["apply"] += self._requests["update"]
        self._managed = {
            policy["arn"]: json.loads(policy["policy"]) for policy in _values(roles, "aws_iam_policy")
        }
        (key,) = _values(pipeline, "aws_kms_key")
        of_this_key = of_key(json.loads(key["policy"]), key=key["arn"])
        attachments = _values(roles, "aws_iam_role_policy_attachment")
        self._roles = {
            kind: role(
                name,
                [
                    self._managed[attached["policy_arn"]]
                    for attached in attachments
                    if attached["role"] == name
                ],
                key=of_this_key,
            )
            for kind, name in {"plan": NAMES.plan_role, "apply": NAMES.apply_role}.items()
        }
        (self._function,) = _values(pipeline, "aws_iam_role")

    def refused(self, name: str) -> list[str]:
        """What the role of this name called for and may not."""
        return _refused(self._roles[name], self._requests[name])

    def refused_by_protection(self, name: str) -> list[str]:
        """The same, if the deploy roles had been made with PROTECT_DATA."""
        policies = _synthesized_policies(PROTECT_DATA="true")
        del policies[NAMES.processor_boundary]
        unprotected = self._roles["apply"]
        protecting = role(NAMES.apply_role, policies.values(), key=unprotected.of_resources)
        return _refused(protecting, self._requests[name])

    def unused(self) -> set[str]:
        """The rights of either role that no call needs."""
        of_roles = self._roles["apply"]
        naming = [statement for statement in of_roles.of_resources if of_roles.arn in statement.principals]
        requests = [*self._requests["plan"], *self._requests["apply"]]
        return unused([*of_roles.policies, *naming], requests)

    def boundary(self) -> list[Statement]:
        """What the function's role is bounded by."""
        return _ordered(statements(self._managed[self._function["permissions_boundary"]]))

    def counts(self) -> dict[str, int]:
        return _counts(self._calls, self._requests)


class CallersProof:
    """The calls of the function and of the tools against their rights.

    `pipeline` is the deployed state, as `terraform show -json` tells it.
    """

    def __init__(self, recorded: RecordedCallers, *, pipeline: State) -> None:
        mapper = Requests()
        self._calls = {name: recorded.tools.calls_of(name) for name in TOOLS}
        self._calls["function"] = [call for _, call in recorded.function.calls]
        self._requests = {caller: _requests(mapper, calls) for caller, calls in self._calls.items()}
        (function,) = _values(pipeline, "aws_iam_role")
        (data_policy,) = _values(pipeline, "aws_iam_role_policy")
        self._function = Role(
            arn=function["arn"],
            policies=statements(json.loads(data_policy["policy"])),
            boundary=synthesized_boundary(),
        )

    def refused(self) -> list[str]:
        """What the function called for and may not, also where the roles of CI have made it."""
        return _refused(self._function, self._requests["function"])

    def unused(self) -> set[str]:
        """The function's rights that no call needs.

        But for the right on the table's stream, whose ARN has the time of its creation in it.
        """
        rights = unused(self._function.policies, self._requests["function"])
        return {right for right in rights if not right.startswith("ReadStream: arn:")}

    def actions_of(self, tool: str) -> set[str]:
        return {request.action for request in self._requests[tool]}

    def counts(self) -> dict[str, int]:
        return _counts(self._calls, self._requests)


def synthesized_boundary() -> list[Statement]:
    """The boundary around the function that the deploy roles are synthesized with."""
    return _ordered(statements(_synthesized_policies()[NAMES.processor_boundary]))


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


def _synthesized_policies(**settings: str) -> dict[str, Block]:
    """The managed policies of the deploy roles by their name."""
    template = deploy_roles(ENVIRONMENT_SUFFIX=SUFFIX, STATE_BUCKET=STATE_BUCKET, **settings)
    return managed_policies(resolved(template))


def _ordered(statements: list[Statement]) -> list[Statement]:
    """Terraform has the actions in an order of its own."""
    return [replace(statement, actions=sorted(statement.actions)) for statement in statements]


def _requests(mapper: Requests, calls: Iterable[Call]) -> list[Request]:
    return [request for call in calls for request in mapper.of(call)]


def _refused(role: Role, requests: Iterable[Request]) -> list[str]:
    return sorted({str(request) for request in requests if not role.allows(request)})


def _counts(calls: Mapping[str, list[Call]], requests: Mapping[str, list[Request]]) -> dict[str, int]:
    distinct = {request for of_caller in requests.values() for request in of_caller}
    return {
        "calls": sum(map(len, calls.values())),
        "requests": len(distinct),
        "actions": len({request.action for request in distinct}),
    }


def _values(state: State, type_: str) -> list[State]:
    """The attributes of every resource of a type."""
    resources = state["values"]["root_module"]["resources"]
    return [
        resource["values"]
        for resource in resources
        if resource["type"] == type_ and resource["mode"] == "managed"
    ]
