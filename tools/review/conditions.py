"""The conditions of a statement: which are within which, and whom they leave of those that it speaks of.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from tools.review.patterns import (
    are_ranges_within,
    includes,
    is_wild,
    network_of,
    open_to_internet,
    reaches_any_name,
)
from tools.review.secrets import UNKNOWN
from tools.review.shapes import as_dict, as_list, as_many

# One test: its operator, its key, and the values any of which meets it.
Test = tuple[str, str, list[object]]
_Limit = tuple[float, int]

# The keys, in small letters, that say who calls or for whom.
_ACCOUNT_KEYS = {
    *("aws:sourceaccount", "aws:sourceowner", "aws:principalaccount"),
    *("kms:calleraccount", "s3:dataaccesspointaccount"),
}
_ARN_KEYS = {"aws:sourcearn", "aws:principalarn", "aws:sourcevpcarn"}
_ORGANISATION_KEYS = {"aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths"}
_NAME_KEYS = {"aws:sourcevpc", "aws:sourcevpce", "aws:userid", "aws:principalservicename"}
# Of a token of an identity provider, by the end of its key. All of them have the same audience.
_SUBJECTS = re.compile(r".*:(sub|repository(_id|_owner|_owner_id)?|job_workflow_ref)")
# After its kind and before a wildcard somebody is named to the end: `repo:owner/*`, not `repo:own*`.
_SUBJECT = re.compile(r"[^*?]*\w[/:@|]")
# What comes before that: `repo:`, `system:serviceaccount:`, `auth0|`.
_KIND = re.compile(r"system:serviceaccount:|[a-z][\w-]*[:|]")
# A table to extend: the keys, in small letters, that say which resources. All others are about the caller or
# the call, so the resources are as many with them as without.
_OF_RESOURCES = re.compile(
    r"[\w-]+:(resourcetag|existingobjecttag|[\w-]+-tag)/.*"
    r"|ec2:(subnet|vpc)|ecs:(cluster|service|task)|iam:awsservicename"
    r"|kms:(requestalias|resourcealiases|viaservice)|lambda:functionarn|rds:databasename"
    r"|route53:changeresourcerecordsetsnormalizedrecordnames|s3:dataaccesspointarn|secretsmanager:(name|secretid)"
)
_PATTERNS = ("StringLike", "ArnLike", "ArnEquals")
_TEXTS = ("StringEquals", *_PATTERNS)
_ORDERED = re.compile("Numeric|Date")
# From which part of its value, and by what it is parted, a key tells the value of another.
_TELLING = {
    "aws:sourcearn": ("aws:SourceAccount", 4, ":"),
    "aws:principalarn": ("aws:PrincipalAccount", 4, ":"),
    "aws:sourceorgpaths": ("aws:SourceOrgID", 0, "/"),
    "aws:principalorgpaths": ("aws:PrincipalOrgID", 0, "/"),
}
_ALTERNATIVES = 500
_ACCOUNT = re.compile(r"\d{12}")
_LETTERS_OF_ID = 6


def tests_of(conditions: object) -> list[Test]:
    """All tests of the conditions, each of which has to be met."""
    return [
        (operator, key, [_text(value) for value in as_many(values)])
        for operator, tests in as_dict(conditions).items()
        for key, values in as_dict(tests).items()
    ]


def _text(value: object) -> object:
    """As AWS reads it: JSON's true is "true"."""
    return value if value is UNKNOWN else str(value).lower() if isinstance(value, bool) else str(value)


def alternatives(tests: Sequence[Test]) -> list[list[Test]]:
    """Tests of one value each: to meet these is to meet those of one of the alternatives."""
    choices = [
        [(operator, key, [value]) for value in values] if _is_met_by_one(operator) and values else [test]
        for test in tests
        for operator, key, values in [test]
    ]
    if math.prod(map(len, choices)) > _ALTERNATIVES:
        return [list(tests)]
    return [list(choice) for choice in itertools.product(*choices)]


def _is_met_by_one(operator: str) -> bool:
    parsed = _operator(operator)
    return not parsed.is_negated and parsed.of_set != "ForAllValues"


def merged(alternatives: Iterable[Sequence[Test]]) -> dict[str, dict[str, list[object]]]:
    """The conditions that alternatives were made from."""
    result: dict[str, dict[str, list[object]]] = {}
    for operator, key, values in itertools.chain.from_iterable(alternatives):
        known = result.setdefault(operator, {}).setdefault(key, [])
        known += [value for value in values if value not in known]
    return result


def told(tests: Sequence[Test]) -> list[Test]:
    """The tests, and those that are met with them: an ARN is of one account, a path of one organisation."""
    found = list(tests)
    for operator, key, values in tests:
        other, part, separator = _TELLING.get(key.lower(), ("", 0, ""))
        parsed = _operator(operator)
        if other and not parsed.is_negated and not parsed.can_lack_key:
            parts = [str(value).split(separator)[part:] for value in values]
            texts: list[object] = [rest[0] for rest in parts if rest and rest[0] and not is_wild(rest[0])]
            if texts and len(texts) == len(values):
                found.append(("StringEquals", other, texts))
    return found


def is_within(wide: Sequence[Test], narrow: Sequence[Test]) -> bool:
    """Whether whoever meets the narrow tests meets the wide ones too."""
    return all(any(_is_test_within(test, other) for other in narrow) for test in wide)


def lost(before: object, after: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys on which nothing is tested any more, and what other values are as good: `key value`."""
    given = told(tests_of(after))
    gone: list[str] = []
    other: list[str] = []
    for test in tests_of(before):
        same = [item for item in given if item[1].lower() == test[1].lower()]
        if not same:
            gone.append(test[1])
        elif not any(_is_test_within(test, item) for item in same):
            other += [
                f"{key} {value}"
                for operator, key, values in same
                for value in values
                if not _is_test_within(test, (operator, key, [value]))
            ]
    return tuple(dict.fromkeys(gone)), tuple(dict.fromkeys(other))


class _Operator(NamedTuple):
    """`StringNotLike` is the negated `StringLike`."""

    of_set: str
    comparison: str
    is_negated: bool
    can_lack_key: bool


@cache
def _operator(text: str) -> _Operator:
    of_set, _, name = text.rpartition(":")
    base = name.removesuffix("IfExists")
    comparison = base.replace("Not", "", 1)
    is_negated = comparison != base
    can_lack_key = name != base or of_set == "ForAllValues" or (is_negated and of_set != "ForAnyValue")
    return _Operator(of_set, comparison, is_negated, can_lack_key)


def _is_test_within(wide: Test, narrow: Test) -> bool:
    """Whether what meets one test meets the other; what is not known yet is taken for what it is today."""
    if wide[1].lower() != narrow[1].lower():
        return False
    outer, inner = _operator(wide[0]), _operator(narrow[0])
    # Of a key that has one value, each of them and any of them is this one.
    is_of_one = not inner.of_set and not inner.is_negated
    if outer.is_negated != inner.is_negated or not (is_of_one or outer.of_set == inner.of_set):
        return False
    if inner.can_lack_key and not outer.can_lack_key:
        return False
    outers, inners = wide[2], narrow[2]
    if outer.is_negated:
        # The more values, the fewer meet it.
        outer, inner, outers, inners = inner, outer, inners, outers
    if UNKNOWN in outers:
        return True
    texts, known = [*map(str, outers)], [str(value) for value in inners if value is not UNKNOWN]
    if outer.comparison == inner.comparison == "IpAddress":
        return are_ranges_within(texts, known)
    return all(
        any(_is_value_within(outer.comparison, text, inner.comparison, value) for text in texts)
        for value in known
    )


def _is_value_within(wide: str, text: str, narrow: str, value: str) -> bool:
    """Whether what compares with one value like this compares with another one like that."""
    if wide in _PATTERNS and narrow in _TEXTS:
        return includes(text, value)
    if wide in _TEXTS and narrow in _PATTERNS:
        return text == value and not is_wild(value)
    if (family := _ORDERED.match(wide)) and narrow.startswith(family[0]):
        outer, inner = _interval(wide, text), _interval(narrow, value)
        if outer and inner:
            return outer[0] <= inner[0] and inner[1] <= outer[1]
    return wide == narrow and (text == value or (wide == "Bool" and text.lower() == value.lower()))


def _interval(comparison: str, value: str) -> tuple[_Limit, _Limit] | None:
    """From where to where the numbers are that compare; the second of a limit leaves out the limit itself."""
    number = _number(value)
    if number is None:
        return None
    relation = _ORDERED.sub("", comparison)
    least = {"Equals": 0, "GreaterThanEquals": 0, "GreaterThan": 1}.get(relation)
    greatest = {"Equals": 0, "LessThanEquals": 0, "LessThan": -1}.get(relation)
    return (
        (-math.inf, 0) if least is None else (number, least),
        (math.inf, 0) if greatest is None else (number, greatest),
    )


def _number(text: str) -> float | None:
    """A number, or a time in seconds."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _narrowing(conditions: object) -> Iterator[tuple[str, list[str]]]:
    """Key and values of each test that can only be met by having one of the values."""
    for operator, key, values in tests_of(conditions):
        parsed = _operator(operator)
        if values and not parsed.can_lack_key and not parsed.is_negated and parsed.comparison != "Null":
            yield key.lower(), [str(value) for value in values]


def name_who(conditions: object) -> bool:
    """Whether they leave only some of all there are, known by account, ARN, organisation, place or name."""
    return any(
        all(_names_who(key, value) for value in values)
        and not (key == "aws:sourceip" and open_to_internet(values))
        for key, values in _narrowing(conditions)
    )


def _names_who(key: str, value: str) -> bool:
    if value == str(UNKNOWN):
        return key in _ACCOUNT_KEYS | _ARN_KEYS | _ORGANISATION_KEYS | _NAME_KEYS
    if key in _ACCOUNT_KEYS:
        return _ACCOUNT.fullmatch(value) is not None
    if key in _ARN_KEYS:
        return _names_owner(value)
    if key in _ORGANISATION_KEYS | _NAME_KEYS:
        told = re.split("[*?]", value, maxsplit=1)[0]
        return not is_wild(value) or len(re.sub(r"\W", "", told)) >= _LETTERS_OF_ID
    return key == "aws:sourceip" and network_of(value) is not None


def _names_owner(arn: str) -> bool:
    """Whether an ARN's pattern says whose it is: by its account, or by its name where it has none."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return False
    return _ACCOUNT.fullmatch(parts[4]) is not None or (not parts[4] and not reaches_any_name(arn))


def accounts(conditions: object) -> list[set[str]]:
    """For each test that says of which accounts, which."""
    found = []
    for key, values in _narrowing(conditions):
        if key in _ACCOUNT_KEYS | _ARN_KEYS:
            # The name of a bucket does not tell of an account.
            told = {value.split(":")[4] if value.count(":") > 4 else value for value in values} - {""}
            if told and all(map(_ACCOUNT.fullmatch, told)):
                found.append(told)
    return found


def organisations(conditions: object) -> set[str]:
    return {
        value for key, values in _narrowing(conditions) if key in _ORGANISATION_KEYS for value in values
    } - {str(UNKNOWN)}


def name_principals(conditions: object) -> bool:
    """Whether they leave only some of an account's users and roles."""
    return any(
        key == "aws:principalarn" and not any(map(reaches_any_name, values))
        for key, values in _narrowing(conditions)
    )


def name_subject(conditions: object, provider: str) -> bool:
    """Whether they say who of an identity provider; `provider` is its principal."""
    for key, values in _narrowing(conditions):
        if _SUBJECTS.fullmatch(key) and all(map(_names_subject, values)):
            return True
        # The audience of a Cognito token is the identity pool; a SAML provider is the account's own.
        if not any(map(is_wild, values)) and (
            key == "saml:aud" or (key.endswith(":aud") and "cognito-identity" in provider)
        ):
            return True
    return False


def _names_subject(value: str) -> bool:
    return not is_wild(value) or _SUBJECT.match(_KIND.sub("", value, count=1)) is not None


def narrow_resources(conditions: object) -> bool:
    """Whether with them a statement on every resource is on some."""
    return any(
        _OF_RESOURCES.fullmatch(key)
        and all(value.strip("*?") and not (":" in value and reaches_any_name(value)) for value in values)
        for key, values in _narrowing(conditions)
    )


def require_tags(conditions: object) -> bool:
    """Whether what is created or tagged has to get tags."""
    return any(key.startswith("aws:requesttag/") for key, _ in _narrowing(conditions))


def has_unknown_subject(conditions: object) -> bool:
    return any(
        _SUBJECTS.fullmatch(key.lower()) and UNKNOWN in as_list(values)
        for _, key, values in tests_of(conditions)
    )
