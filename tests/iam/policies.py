"""Decides a request as IAM does, by the policies of one account, and says which statement decided.

What is not used in this project raises an error: nothing is decided by a rule that is not here. See
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Request:
    """An action on a resource's ARN, with what is known under each condition key."""

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        known = ", ".join(f"{key}={'|'.join(values)}" for key, values in self.context.items())
        return f"{self.action} on {self.resource}" + (f" with {known}" if known else "")


@cache
def _glob(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    expression = "".join(parts.get(character) or re.escape(character) for character in pattern)
    return re.compile(expression, re.IGNORECASE if ignore_case else 0)


def _matches(patterns: Sequence[str], text: str, *, ignore_case: bool = False) -> bool:
    return any(_glob(pattern, ignore_case=ignore_case).fullmatch(text) for pattern in patterns)


# Whether one value of a key is among those of a statement.
_OPERATORS: dict[str, Callable[[Sequence[str], str], bool]] = {
    "StringEquals": lambda allowed, value: value in allowed,
    "ArnEquals": _matches,
}


def _holds(operator: str, allowed: Sequence[str], known: tuple[str, ...]) -> bool:
    quantifier, _, name = operator.rpartition(":")
    base = name.removesuffix("IfExists")
    if base not in _OPERATORS or quantifier not in ("", "ForAllValues"):
        raise NotImplementedError(f"condition operator {operator}")
    if quantifier or name != base:
        return all(_OPERATORS[base](allowed, value) for value in known)
    return any(_OPERATORS[base](allowed, value) for value in known)


def _listed(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One of a policy's; `principals` are ARNs, and empty in a policy that is attached to a role."""

    sid: str
    effect: str
    actions: list[str]
    not_actions: list[str]
    resources: list[str]
    principals: list[str]
    conditions: list[tuple[str, str, list[str]]]

    @classmethod
    def of(cls, statement: Mapping[str, Any]) -> Self:
        """From the JSON of a policy."""
        unknown = statement.keys() - {
            "Sid",
            "Effect",
            "Action",
            "NotAction",
            "Resource",
            "Principal",
            "Condition",
        }
        if unknown:
            raise NotImplementedError(f"{unknown} in a statement")
        principal = statement.get("Principal", {})
        return cls(
            sid=statement.get("Sid", ""),
            effect=statement["Effect"],
            actions=_listed(statement.get("Action", [])),
            not_actions=_listed(statement.get("NotAction", [])),
            resources=_listed(statement["Resource"]),
            principals=_listed(principal.get("AWS", [])) if isinstance(principal, dict) else [principal],
            conditions=[
                (operator, key, _listed(values))
                for operator, keys in statement.get("Condition", {}).items()
                for key, values in keys.items()
            ],
        )

    def covers(self, request: Request) -> bool:
        """Whether it decides this request, its principals aside."""
        if self.not_actions:
            right_action = not _matches(self.not_actions, request.action, ignore_case=True)
        else:
            right_action = _matches(self.actions, request.action, ignore_case=True)
        return (
            right_action
            and _matches(self.resources, request.resource)
            and all(
                _holds(operator, values, request.context.get(key, ()))
                for operator, key, values in self.conditions
            )
        )


def statements(policy: Mapping[str, Any]) -> list[Statement]:
    return [Statement.of(statement) for statement in policy["Statement"]]


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role's ARN and the statements of its policies; without a boundary, nothing bounds them.

    `of_resources` are the statements of keys' and buckets' own policies. One that names this role allows by
    itself, as in every request within one account.
    """

    arn: str
    policies: Sequence[Statement]
    boundary: Sequence[Statement] | None = None
    of_resources: Sequence[Statement] = ()

    def allows(self, request: Request) -> bool:
        return self.decided_by(request) is not None

    def decided_by(self, request: Request) -> Statement | None:
        """The statement that allows the request; None when nothing does or something denies it."""
        named = [statement for statement in self.of_resources if self.arn in statement.principals]
        everything = [*self.policies, *named, *(self.boundary or [])]
        if any(_covering(everything, "Deny", request)):
            return None
        if self.boundary is not None and not any(_covering(self.boundary, "Allow", request)):
            return None
        return next(_covering([*self.policies, *named], "Allow", request), None)


def _covering(of: Sequence[Statement], effect: str, request: Request) -> Iterator[Statement]:
    return (statement for statement in of if statement.effect == effect and statement.covers(request))


def unused(of: Iterable[Statement], requests: Sequence[Request]) -> set[str]:
    """The rights that none of the requests needs: statements with an action or a resource of theirs."""
    rights = {
        f"{statement.sid}: {part}": each
        for statement in of
        if statement.effect == "Allow"
        for part, each in [
            *((action, replace(statement, actions=[action])) for action in statement.actions),
            *((resource, replace(statement, resources=[resource])) for resource in statement.resources),
        ]
    }
    return {
        right
        for right, statement in rights.items()
        if not any(statement.covers(request) for request in requests)
    }
