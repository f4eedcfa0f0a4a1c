"""The statements of IAM policies, read from their text or from the data source that makes it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import re
from collections.abc import Mapping
from typing import Any

from tools.review.secrets import UNKNOWN, json_container
from tools.review.shapes import as_dict, as_list, as_many

Statement = Mapping[str, Any]

# The fields of a statement by what the blocks of a data source call them.
_DOCUMENTED = {
    "actions": "Action",
    "not_actions": "NotAction",
    "resources": "Resource",
    "not_resources": "NotResource",
}
_ACTION_FIELDS = tuple(_DOCUMENTED.values())
_ACCOUNT = re.compile(r"(?:arn:[^:]*:(?:iam|sts)::)?(\d{12})(?::.*)?")
_ROOT = re.compile(r"arn:[^:]*:iam::(\d{12}):root")
# Other policies that go into the one of a data source.
_MERGED = ("source_policy_documents", "override_policy_documents", "source_json", "override_json")


def is_statement(value: object) -> bool:
    """Whether a value is a statement of a policy."""
    return isinstance(value, dict) and isinstance(value.get("Effect"), str)


def normalised(document: Any) -> Any:  # noqa: ANN401
    """A policy with lists where IAM takes one value or many, in one order; anything else as it is."""
    if not (isinstance(document, dict) and "Statement" in document):
        return document
    statements = as_many(document["Statement"])
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
    return sorted(as_many(values), key=str)


def statements_of(policy: object) -> list[Statement] | None:
    """The statements of a policy's text, or None of what is no policy, such as one not known yet."""
    document = normalised(json_container(policy) if isinstance(policy, str) else policy)
    if not isinstance(document, dict) or not isinstance(document.get("Statement"), list):
        return None
    return [statement for statement in document["Statement"] if is_statement(statement)]


def principals_of(statement: Statement, name: str = "Principal") -> list[str]:
    """Such as "*", "arn:aws:iam::123456789012:root", "Service lambda.amazonaws.com"."""
    return [
        str(value) if type_ == "AWS" else f"{type_} {value}"
        for type_, values in as_dict(statement.get(name)).items()
        for value in as_many(values)
    ]


def account_of(principal: str) -> str | None:
    """The account of a principal, which may be all of it."""
    match = _ACCOUNT.fullmatch(principal)
    return match[1] if match else None


def with_short_root(principal: str) -> str:
    """A principal, with an account in the shorter of its two spellings: as its number."""
    match = _ROOT.fullmatch(principal)
    return match[1] if match else principal


def values_of(statement: Statement, name: str) -> tuple[str, ...]:
    return tuple(value for value in as_list(statement.get(name)) if isinstance(value, str))


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
            merged.setdefault(str(block.get("type")), []).extend(as_many(identifiers))
        if merged:
            result[name] = merged
    tests: dict[str, dict[str, Any]] = {}
    for condition in map(as_dict, as_list(item.get("condition"))):
        keys = tests.setdefault(str(condition.get("test")), {})
        keys.setdefault(str(condition.get("variable")), []).extend(as_many(condition.get("values")))
    return {**result, **({"Condition": tests} if tests else {})}
