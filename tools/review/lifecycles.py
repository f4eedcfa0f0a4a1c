"""Whether the lifecycle of a bucket's objects lets more of them expire.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tools.review.secrets import UNKNOWN
from tools.review.shapes import as_dict, as_list

_INFINITE = float("inf")


@dataclass(frozen=True)
class _Expiry:
    """What an enabled rule deletes: the objects of its filter, when all limits are reached.

    The limits are days or a date, and the number of newer versions that are kept.
    """

    kind: str
    limits: tuple[float, ...]
    prefix: str
    tags: frozenset[tuple[str, str]]
    above: float
    below: float

    def includes(self, other: "_Expiry") -> bool:
        return (
            self.kind == other.kind
            and all(mine <= theirs for mine, theirs in zip(self.limits, other.limits, strict=True))
            and other.prefix.startswith(self.prefix)
            and self.tags <= other.tags
            and self.above <= other.above
            and self.below >= other.below
        )


def expires(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a rule deletes what no single rule of today does, or sooner."""
    today = list(_expiries(before))
    return any(not any(old.includes(new) for old in today) for new in _expiries(after))


def _expiries(rules: Iterable[Mapping[str, Any]]) -> Iterator[_Expiry]:
    for rule in rules:
        if rule.get("status", "Enabled") == "Enabled" and rule.get("enabled", True) is True:
            for kind, limits in _limits(rule):
                if any(limits) and _INFINITE not in limits:
                    yield _Expiry(kind, limits, **_filter(rule))


def _limits(rule: Mapping[str, Any]) -> Iterator[tuple[str, tuple[float, ...]]]:
    for block in map(as_dict, as_list(rule.get("expiration"))):
        yield "days", (_number(block.get("days")),)
        yield "date", (_number(block.get("date")),)
    for block in map(as_dict, as_list(rule.get("noncurrent_version_expiration"))):
        days = _number(block.get("noncurrent_days") or block.get("days"))
        yield "noncurrent", (days, _number(block.get("newer_noncurrent_versions")))


def _filter(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The filter: in the rule itself, in a block, or in a block within that when it is of several parts."""
    blocks = [rule, *map(as_dict, as_list(rule.get("filter")))]
    blocks += [as_dict(inner) for block in blocks for inner in as_list(block.get("and"))]
    tags: set[tuple[object, object]] = {
        pair for block in blocks for pair in as_dict(block.get("tags")).items()
    }
    for tag in (as_dict(tag) for block in blocks for tag in as_list(block.get("tag"))):
        tags.add((tag.get("key"), tag.get("value")))
    return {
        "prefix": next((str(block["prefix"]) for block in blocks if block.get("prefix")), ""),
        "tags": frozenset((str(key), str(value)) for key, value in tags),
        "above": max(_number(block.get("object_size_greater_than")) for block in blocks),
        "below": min(_number(block.get("object_size_less_than")) or _INFINITE for block in blocks),
    }


def _number(value: Any) -> float:  # noqa: ANN401
    """A number, maybe as a text, or a date in seconds; 0 of what is not set, no end of what is not known.

    What is no date may be today.
    """
    if value is UNKNOWN:
        return _INFINITE
    if isinstance(value, str) and value and not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        try:
            return datetime.fromisoformat(value).timestamp()
        except (ValueError, OverflowError):
            return -_INFINITE
    try:
        return float(value or 0)
    except OverflowError:
        return _INFINITE
    except TypeError:
        return 0
