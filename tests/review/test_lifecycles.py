"""Whether a lifecycle lets more objects expire."""

# A table reads best with a row a line.
# ruff: noqa: E501

from typing import Any

import pytest

from tools.review.lifecycles import expires
from tools.review.secrets import UNKNOWN


def rule(kind: str = "expiration", *, on: bool = True, **block: object) -> dict[str, object]:
    return {"enabled": on, kind: [block]}


def of(**fields: object) -> dict[str, object]:
    """A rule for some objects only."""
    return rule(days=5) | fields


def among(**filter_: object) -> dict[str, object]:
    return of(
        filter=[
            {"prefix": "", "tag": [], "and": [], "object_size_greater_than": "", "object_size_less_than": ""}
            | filter_
        ]
    )


def noncurrent(days: object = None, newer: object = None) -> dict[str, object]:
    return rule("noncurrent_version_expiration", noncurrent_days=days, newer_noncurrent_versions=newer)


TAG = {"key": "a", "value": "b"}

# The rules before and after, and whether more expires.
LIFECYCLES: list[tuple[list[dict[str, Any]], list[dict[str, Any]], bool]] = [
    ([], [rule(days=5)], True),
    ([], [rule(days=5, on=False)], False),
    ([], [{"status": "Disabled", **rule(days=5)}], False),
    ([], [rule(days="5")], True),
    ([], [rule(days="0")], False),
    ([], [rule(days="")], False),
    ([], [rule(days=0)], False),
    ([rule(days="10")], [rule(days="9")], True),
    ([rule(days="9")], [rule(days="10")], False),
    ([rule(days="999999999")], [rule(days="1000000000")], True),
    ([rule(days=5)], [rule(date="2100-01-01")], True),
    ([rule(date="2026-12-02T00:00:00Z")], [rule(date="2026-12-01T00:00:00Z")], True),
    ([rule(date="2026-12-01T00:00:00Z")], [rule(date="2026-12-02T00:00:00Z")], False),
    ([rule(date="2026-12-01")], [rule(date="some day")], True),
    ([rule("noncurrent_version_expiration", noncurrent_days=5)], [rule("noncurrent_version_expiration", noncurrent_days=4)], True),
    ([rule("noncurrent_version_expiration", days=5)], [rule("noncurrent_version_expiration", days=4)], True),
    ([rule("noncurrent_version_expiration", newer_noncurrent_versions=5)], [rule("noncurrent_version_expiration", newer_noncurrent_versions=4)], True),
    ([], [rule(days=10**400)], False),
    ([], [rule(days=[5])], False),
    ([], [rule(days=UNKNOWN)], False),
    ([rule(date="2026-12-01")], [rule(days=5)], True),
    # The newer versions that are kept are a second condition.
    ([noncurrent(30, "5")], [noncurrent(30)], True),
    ([noncurrent(30)], [noncurrent(30, "5")], False),
    ([noncurrent(30, 5)], [noncurrent(30, 4)], True),
    ([noncurrent(30, 5)], [noncurrent(29, 6)], True),
    ([noncurrent(30, 5)], [noncurrent(30, UNKNOWN)], False),
    ([], [noncurrent(30, UNKNOWN)], False),
    ([noncurrent(None, 5)], [noncurrent(30, 5)], False),
    ([], [noncurrent(None, 5)], True),
    ([], [noncurrent()], False),
    # The same objects, or fewer, in whatever form a rule says so.
    ([of(prefix="logs/")], [among(prefix="logs/")], False),
    ([among(prefix="logs/")], [of(prefix="logs/")], False),
    ([among(prefix="logs/")], [among(prefix="logs/old/")], False),
    ([among(prefix="logs/old/")], [among(prefix="logs/")], True),
    ([among(prefix="logs/")], [among(**{"and": [{"prefix": "logs/", "tags": {"a": "b"}}]})], False),
    ([among(**{"and": [{"prefix": "logs/", "tags": {"a": "b"}}]})], [among(prefix="logs/")], True),
    ([among(tag=[TAG])], [among(**{"and": [{"tags": {"a": "b", "c": "d"}}]})], False),
    ([among(**{"and": [{"tags": {"a": "b"}}]})], [among(tag=[TAG])], False),
    ([among(tag=[TAG])], [among(tag=[TAG | {"value": "c"}])], True),
    ([of(tags={"a": "b"})], [among(tag=[TAG])], False),
    ([among(object_size_greater_than="100")], [among(object_size_greater_than="200")], False),
    ([among(object_size_greater_than="200")], [among(object_size_greater_than="100")], True),
    ([among(object_size_less_than="200")], [among(object_size_less_than="100")], False),
    ([among(object_size_less_than="100")], [among(object_size_less_than="200")], True),
    ([among(object_size_less_than="100")], [among()], True),
    ([among(prefix="a/")], [among(prefix=UNKNOWN)], True),
    ([of()], [among(prefix=UNKNOWN)], False),
    ([of(prefix="a/"), of(prefix="b/")], [of(prefix="b/")], False),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "is_more"), LIFECYCLES)
def test_more_expires_when_a_rule_deletes_what_none_does_today(
    before: list[dict[str, Any]], after: list[dict[str, Any]], *, is_more: bool
) -> None:
    assert expires(before, after) == is_more
