"""What IAM policies allow, and where one allows more than another.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import fnmatch
import itertools
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from tools.review.secrets import UNKNOWN, json_container
from tools.review.shapes import as_dict, as_list

Statement = Mapping[str, Any]

# The fields of a statement by what the blocks of a data source call them.
_DOCUMENTED = {
    "actions": "Action",
    "not_actions": "NotAction",
    "resources": "Resource",
    "not_resources": "NotResource",
}
_ACTION_FIELDS = tuple(_DOCUMENTED.values())
_INVERSE = ("NotPrincipal", "NotAction", "NotResource")
_ANYONE = "*"
_SERVICE_WIDE = re.compile(r"\*|[\w-]+:\*")
# A resource of any name: "*", every bucket or object, every table, function, key, role of an account.
_ANY_RESOURCE = re.compile(r"\*+|arn:[^:]*:s3:::\*(/\*)?|arn:[^:]*:(?!s3:)[^:]*:[^:]*:[^:]*:([a-z-]+[:/])?\*")
# They tell or write what is the caller's own; most take no resource but "*".
_WITHOUT_RESOURCE = re.compile(
    r"[\w-]+:(List|Describe)\w*\*?|xray:Put\w+|logs:(CreateLog\w+|PutLogEvents)|cloudwatch:(PutMetricData|GetMetric\w+)|sts:GetCallerIdentity"
    r"|ecr:GetAuthorizationToken|ec2:\w+NetworkInterface\w*|ec2:\w+PrivateIpAddresses"
)
_READING = re.compile(r"[\w-]+:(Get|List|Describe|Head|BatchGet|Query|Scan|Select|Receive|Decrypt)\w*\*?")
# What these compare is the caller or where it comes from; any other condition leaves "anyone" anyone.
_NARROWING = re.compile(
    r"aws:(Source(Account|Arn|OrgID|OrgPaths|Owner|Vpc|Vpce|VpcArn|Ip)|VpcSourceIp|userid"
    r"|Principal(Arn|Account|OrgID|OrgPaths|Tag/.+|ServiceName))|kms:CallerAccount|s3:DataAccessPointAccount"
    r"|[\w.:/-]+:(sub|aud)",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(r"(?:arn:[^:]*:(?:iam|sts)::)?(\d{12})(?::.*)?")
_ATOMS = 5_000
# Other policies that go into the one of a data source.
_MERGED = ("source_policy_documents", "override_policy_documents", "source_json", "override_json")


class Kind(Enum):
    """Where a policy stands: with what it protects, with a role that may be assumed, or with who acts."""

    RESOURCE = auto()
    TRUST = auto()
    IDENTITY = auto()


@dataclass(frozen=True)
class Widening:
    """What a policy would allow that it does not today; `names` are from the policy, and not yet masked."""

    words: str
    names: tuple[str, ...] = ()


def is_statement(value: object) -> bool:
    """Whether a value is a statement of a policy."""
    return isinstance(value, dict) and isinstance(value.get("Effect"), str)


def normalised(document: Any) -> Any:  # noqa: ANN401
    """A policy with lists where IAM takes one value or many, in one order; anything else as it is."""
    if not (isinstance(document, dict) and "Statement" in document):
        return document
    statements = document["Statement"]
    statements = statements if isinstance(statements, list) else [statements]
    return document | {"Statement": [_normalised_statement(statement) for statement in statements]}


def _normalised_statement(statement: Any) -> Any:  # noqa: ANN401
    if not isinstance(statement, dict):
        return statement
    result = dict(statement)
    for name in _ACTION_FIELDS:
        if name in result:
            result[name] = _sorted(result[name])
    for name in ("Principal", "NotPrincipal"):
        if name in result:
            given = result[name]
            given = given if isinstance(given, dict) else {"AWS": given}
            if "*" in given:
                given = {"AWS": given["*"]}
            result[name] = {type_: _sorted(values) for type_, values in given.items()}
    conditions = result.get("Condition")
    if isinstance(conditions, dict):
        result["Condition"] = {
            operator: {key: _sorted(values) for key, values in tests.items()}
            if isinstance(tests, dict)
            else tests
            for operator, tests in conditions.items()
        }
    return result


def _sorted(values: Any) -> list[Any]:  # noqa: ANN401
    values = values if isinstance(values, list) else [values]
    return sorted(values, key=str)


def statements_of(policy: object) -> list[Statement] | None:
    """The statements of a policy's text, or None of what is no policy, such as one not known yet."""
    document = normalised(json_container(policy) if isinstance(policy, str) else policy)
    if not isinstance(document, dict) or not isinstance(document.get("Statement"), list):
        return None
    return [statement for statement in document["Statement"] if is_statement(statement)]


def principals_of(statement: Statement) -> list[str]:
    """Such as "*", "arn:aws:iam::123456789012:root", "Service lambda.amazonaws.com"."""
    return [
        str(value) if type_ == "AWS" else f"{type_} {value}"
        for type_, values in as_dict(statement.get("Principal")).items()
        for value in (values if isinstance(values, list) else [values])
    ]


def document_policy(document: object) -> object:
    """The policy that a data source aws_iam_policy_document makes, also of what is known of it so far."""
    given = as_dict(document)
    statements = given.get("statement")
    if not isinstance(statements, list) or any(given.get(name) for name in _MERGED):
        return UNKNOWN
    return {
        **({"Id": given["policy_id"]} if given.get("policy_id") else {}),
        "Statement": [_document_statement(as_dict(item)) for item in statements],
        "Version": given.get("version") or "2012-10-17",
    }


def _document_statement(item: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"Effect": item.get("effect") or "Allow"}
    if item.get("sid"):
        result["Sid"] = item["sid"]
    for source, name in _DOCUMENTED.items():
        if item.get(source):
            result[name] = item[source]
    for source, name in (("principals", "Principal"), ("not_principals", "NotPrincipal")):
        merged: dict[str, list[Any]] = {}
        for block in map(as_dict, as_list(item.get(source))):
            identifiers = block.get("identifiers")
            merged.setdefault(str(block.get("type")), []).extend(
                identifiers if isinstance(identifiers, list) else [identifiers]
            )
        if merged:
            result[name] = merged
    tests: dict[str, dict[str, Any]] = {}
    for condition in map(as_dict, as_list(item.get("condition"))):
        keys = tests.setdefault(str(condition.get("test")), {})
        keys[str(condition.get("variable"))] = condition.get("values")
    return {**result, **({"Condition": tests} if tests else {})}


def widenings(
    before: Collection[Statement],
    after: Collection[Statement],
    *,
    kind: Kind,
    new: bool,
    own: Collection[str],
) -> Iterator[Widening]:
    """Where `after` allows more than `before` in a way to be asked about.

    `own` are the accounts that are no strangers, `new` says that the policy's resource is created: a whole
    service's actions on a named resource are then no surprise.
    """
    allowed = [statement for statement in before if statement["Effect"] == "Allow"]
    known = set(own) | {account for statement in allowed for account in _accounts(principals_of(statement))}
    for statement in after:
        if statement["Effect"] == "Allow":
            more = _uncovered(statement, allowed)
            if more is not None:
                yield from _reasons(more, allowed, kind=kind, new=new, own=known)
    denied = [statement for statement in after if statement["Effect"] == "Deny"]
    for statement in before:
        if statement["Effect"] == "Deny" and not any(_covers(other, statement) for other in denied):
            sid = statement.get("Sid")
            yield Widening("it no longer denies", (str(sid),) if sid else _values(statement, "Action"))


def _reasons(
    more: Statement, allowed: list[Statement], *, kind: Kind, new: bool, own: set[str]
) -> Iterator[Widening]:
    actions, resources = _values(more, "Action"), _values(more, "Resource")
    conditions = more.get("Condition")
    principals = principals_of(more)
    if "NotPrincipal" in more:
        yield Widening("it allows all but a few")
    if _ANYONE in principals and not _narrows(conditions):
        yield Widening(_anyone(actions))
    elif own and (strangers := _accounts(principals) - own):
        yield Widening("another account gets access:", tuple(sorted(strangers)))
    federated = tuple(name for name in principals if name.startswith("Federated "))
    if kind is Kind.TRUST and federated and not _narrows(conditions):
        yield Widening("anyone of an identity provider may assume the role:", federated)
    if conditions_lost := _lost_conditions(more, allowed):
        yield Widening("without its condition on", conditions_lost)
    if kind is Kind.IDENTITY and ("NotAction" in more or "NotResource" in more):
        yield Widening("it allows everything but a few", tuple(_values(more, "NotAction")))
    wide = tuple(action for action in actions if _SERVICE_WIDE.fullmatch(action))
    everywhere = any(_ANY_RESOURCE.fullmatch(resource) for resource in resources) and not conditions
    if wide and (not new or (kind is Kind.IDENTITY and ("*" in wide or everywhere))):
        yield Widening("it may do everything:", wide)
    elif kind is Kind.IDENTITY and everywhere:
        named = tuple(action for action in actions if not _WITHOUT_RESOURCE.fullmatch(action))
        yield from [Widening("on every resource:", named)] if named else []


def _anyone(actions: Collection[str]) -> str:
    if all(_READING.fullmatch(action) for action in actions):
        return "anyone may read"
    if all(action.startswith("sts:AssumeRole") for action in actions):
        return "anyone may assume the role"
    if all(action.lower() in ("sns:publish", "sqs:sendmessage") for action in actions):
        return "anyone may send to it"
    return "anyone may use it"


def _accounts(principals: Iterable[str]) -> set[str]:
    return {match[1] for name in principals if (match := _ACCOUNT.fullmatch(name))}


def _values(statement: Statement, name: str) -> tuple[str, ...]:
    return tuple(value for value in as_list(statement.get(name)) if isinstance(value, str))


def _tests(conditions: object) -> dict[tuple[str, str], list[Any]]:
    """The conditions by operator and key."""
    return {
        (operator, key): values
        for operator, tests in as_dict(conditions).items()
        for key, values in as_dict(tests).items()
    }


def _narrows(conditions: object) -> bool:
    return any(
        _NARROWING.fullmatch(key)
        and not re.search("Not|Null|IfExists", operator)
        and all(value not in ("*", "0.0.0.0/0", "::/0", "repo:*") for value in values)
        for (operator, key), values in _tests(conditions).items()
    )


def _lost_conditions(more: Statement, allowed: list[Statement]) -> tuple[str, ...]:
    """The keys on which a statement of today has conditions that the same one would not have."""
    same: Statement = next((old for old in allowed if _covers(old, more, but_conditions=True)), {})
    kept = _tests(more.get("Condition"))
    return tuple(test[1] for test in _tests(same.get("Condition")) if test not in kept)


def _uncovered(statement: Statement, allowed: list[Statement]) -> Statement | None:
    """What of a statement none of the others allows: a part of it, or nothing.

    A statement allows each of its actions on each resource to each principal; statements that were split or
    merged allow the same.
    """
    if any(_covers(other, statement) for other in allowed):
        return None
    dimensions: list[Sequence[str | None]] = [
        principals_of(statement) or [None],
        _values(statement, "Action"),
        _values(statement, "Resource") or [None],
    ]
    if not allowed or math.prod(map(len, dimensions)) * len(allowed) > _ATOMS:
        return statement
    if any(name in statement for name in _INVERSE) or any(
        value is UNKNOWN for name in _ACTION_FIELDS for value in statement.get(name, ())
    ):
        return statement
    left = [
        atom
        for atom in itertools.product(*dimensions)
        if not any(_covers(other, _single(statement, *atom)) for other in allowed)
    ]
    if not left:
        return None
    return {
        **statement,
        "Principal": {"AWS": sorted({atom[0] for atom in left if atom[0]})},
        "Action": sorted({atom[1] for atom in left}),
        "Resource": sorted({atom[2] for atom in left if atom[2]}),
    }


def _single(statement: Statement, who: str | None, action: str | None, resource: str | None) -> Statement:
    return {
        **statement,
        "Principal": {"AWS": [who] if who else []},
        "Action": [action],
        "Resource": [resource] if resource else [],
    }


def _covers(wide: Statement, narrow: Statement, *, but_conditions: bool = False) -> bool:
    """Whether everything that one statement speaks of is in what another of the same effect speaks of.

    What is known only after apply may be anything: a denial of it is taken for the one of today.
    """
    who = principals_of(wide)
    return (
        all(wide.get(name) == narrow.get(name) for name in _INVERSE)
        and (_ANYONE in who or str(UNKNOWN) in who or set(principals_of(narrow)) <= set(who))
        and _match(as_list(wide.get("Action")), as_list(narrow.get("Action")), str.lower)
        and _match(as_list(wide.get("Resource")), as_list(narrow.get("Resource")), str)
        and (but_conditions or _is_condition_within(wide.get("Condition"), narrow.get("Condition")))
    )


def _match(patterns: list[Any], values: list[Any], fold: Callable[[str], str]) -> bool:
    plain = {fold(pattern) for pattern in patterns if isinstance(pattern, str)}
    wild = [pattern.replace("[", "[[]") for pattern in plain if "*" in pattern or "?" in pattern]
    return UNKNOWN in patterns or all(
        fold(value) in plain or any(fnmatch.fnmatchcase(fold(value), pattern) for pattern in wild)
        if isinstance(value, str)
        else "*" in plain
        for value in values
    )


def _is_condition_within(wide: object, narrow: object) -> bool:
    """Whether whoever meets the narrow conditions meets the wide ones too."""
    given = _tests(narrow)
    return all(
        test in given and (UNKNOWN in values or _is_test_within(test[0], values, given[test]))
        for test, values in _tests(wide).items()
    )


def _is_test_within(operator: str, wide: list[Any], narrow: list[Any]) -> bool:
    wides, narrows = set(map(str, wide)), set(map(str, narrow))
    return wides == narrows if re.search("Not|Null", operator) else narrows <= wides
