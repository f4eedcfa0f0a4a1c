"""The conditions of a statement: which are within which, and whom they leave of those that it speaks of.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

import re
from collections.abc import Iterator

from tools.review.patterns import (
    includes,
    is_range_within,
    is_wild,
    network_of,
    open_to_internet,
    reaches_any_name,
)
from tools.review.secrets import UNKNOWN
from tools.review.shapes import as_dict, as_list

# One test: its operator, its key, and the values any of which meets it.
Test = tuple[str, str, list[object]]

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
# They are about the caller or the call, so the resources are as many with them as without.
_NOT_OF_RESOURCES = re.compile(
    r"aws:(principal.*|source(ip|vpc|vpce|vpcarn)|vpcsourceip|userid|username|useragent|referer"
    r"|currenttime|epochtime|securetransport|multifactorauth.*|tokenissuetime|requestedregion"
    r"|viaawsservice|calledvia.*|federatedprovider|resource(account|org.*))"
)
_PATTERNS = ("StringLike", "ArnLike", "ArnEquals")
_TEXTS = ("StringEquals", *_PATTERNS)
_ACCOUNT = re.compile(r"\d{12}")
_LETTERS_OF_ID = 6


def tests_of(conditions: object) -> list[Test]:
    """All tests of the conditions, each of which has to be met."""
    return [
        (operator, key, values if isinstance(values, list) else [values])
        for operator, tests in as_dict(conditions).items()
        for key, values in as_dict(tests).items()
    ]


def is_within(wide: object, narrow: object) -> bool:
    """Whether whoever meets the narrow conditions meets the wide ones too."""
    given = tests_of(narrow)
    return all(any(_is_test_within(test, other) for other in given) for test in tests_of(wide))


def lost(before: object, after: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys on which nothing is tested any more, and what other values are as good: `key value`."""
    given = tests_of(after)
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


def _is_test_within(wide: Test, narrow: Test) -> bool:
    (operator, key, wides), (other_operator, other_key, narrows) = wide, narrow
    if key.lower() != other_key.lower():
        return False
    # What is known only after apply is taken for what it is today.
    if operator == other_operator and UNKNOWN in wides:
        return True
    if re.search("Not|Null", operator):
        is_same = UNKNOWN in narrows or set(map(str, wides)) == set(map(str, narrows))
        return operator == other_operator and is_same
    base, other_base = operator.removesuffix("IfExists"), other_operator.removesuffix("IfExists")
    if base == operator and other_base != other_operator:
        return False
    if base != other_base and not (base in _TEXTS and other_base in _TEXTS):
        return False
    known = [str(value) for value in narrows if value is not UNKNOWN]
    return all(_is_value_within(base, [*map(str, wides)], value, other_base) for value in known)


def _is_value_within(operator: str, wides: list[str], value: str, other: str) -> bool:
    if operator.endswith("IpAddress"):
        return any(is_range_within(wide, value) for wide in wides)
    if operator.endswith(_PATTERNS):
        return any(includes(wide, value) for wide in wides)
    return value in wides and (operator == other or not is_wild(value))


def _narrowing(conditions: object) -> Iterator[tuple[str, list[str]]]:
    """Key and values of each test that can only be met by having one of the values."""
    for operator, key, values in tests_of(conditions):
        if values and not re.search("Not|Null|IfExists|ForAllValues", operator):
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
    return not is_wild(value) or _SUBJECT.match(re.sub("^[a-z_-]+:", "", value)) is not None


def narrow_resources(conditions: object) -> bool:
    """Whether with them a statement on every resource is on some."""
    return any(
        not _NOT_OF_RESOURCES.fullmatch(key) and all(value.strip("*?") for value in values)
        for key, values in _narrowing(conditions)
    )


def has_unknown_subject(conditions: object) -> bool:
    return any(
        _SUBJECTS.fullmatch(key.lower()) and UNKNOWN in as_list(values)
        for _, key, values in tests_of(conditions)
    )
