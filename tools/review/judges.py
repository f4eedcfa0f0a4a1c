"""When a change of an attribute is a weakening: the judgements that the table of weakenings is made of.

Each gets all values of the attribute, before and after, one for each block that has it. What is known only
after apply is taken for strong. `strong` is what a created resource is compared with.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tools.review import policies
from tools.review.secrets import UNKNOWN

Values = list[Any]
INFINITE = float("inf")
# Every address.
EVERYONE = r"0\.0\.0\.0/0|::/0"
# With all of its ports, whatever numbers a rule names.
_EVERY_PROTOCOL = "-1"


@dataclass(frozen=True)
class Judgement:
    """`is_weaker` compares two lists of values; a judgement of policies has `policy` in its place."""

    is_weaker: Callable[[Values, Values], bool]
    strong: tuple[Any, ...] = ()
    policy: policies.Kind | None = None


def leaves(*good: object) -> Judgement:
    """It had one of these values and has none of them any more."""

    def has_left(before: Values, after: Values) -> bool:
        return _any(good, before) and not _any((*good, UNKNOWN), after)

    return Judgement(has_left, good)


def becomes(bad: object) -> Judgement:
    """It gets this value."""
    return Judgement(lambda before, after: _any((bad,), after) and not _any((bad,), before))


def matches(pattern: str) -> Judgement:
    """It gets a value that matches as a whole."""

    def found(values: Values) -> set[str]:
        return {text for text in _texts(values) if re.fullmatch(pattern, text)}

    return Judgement(lambda before, after: bool(found(after) - found(before)))


def lower(*, forever: int | None = None) -> Judgement:
    """The lowest of its numbers gets lower; `forever` is the number for no limit, then the default."""

    def number(values: Values) -> float | None:
        numbers = [INFINITE if value == forever else _float(value) for value in values if _is_number(value)]
        return min(numbers, default=None if forever is None else INFINITE)

    def is_lower(before: Values, after: Values) -> bool:
        old, new = number(before), number(after)
        return old is not None and new is not None and new < old and UNKNOWN not in after

    return Judgement(is_lower)


def _is_higher(before: Values, after: Values) -> bool:
    olds, news = ([value for value in values if _is_number(value)] for values in (before, after))
    return bool(olds and news) and max(news) > max(olds)


def _is_gone(before: Values, after: Values) -> bool:
    return bool(_set(before)) and not _set(after)


def _are_fewer(before: Values, after: Values) -> bool:
    return len(_set(after)) < len(_set(before)) and UNKNOWN not in _flat(after)


def _expires(before: Values, after: Values) -> bool:
    """Whether an expiring rule has no like today: one with its filter or none, and no longer a time."""
    today = list(_expiries(before))
    return any(
        not any(
            old_kind == kind and old_time <= time and old_filter in (filter_, "[]")
            for old_kind, old_filter, old_time in today
        )
        for kind, filter_, time in _expiries(after)
    )


def _expiries(rules: Values) -> Iterator[tuple[tuple[str, str], str, float]]:
    """For each enabled rule that deletes: what it counts, what it is for as JSON, and what it counts to."""
    for rule in _blocks(rules):
        if rule.get("status", "Enabled") != "Enabled" or rule.get("enabled", True) is not True:
            continue
        what = [item for item in (rule.get("filter"), rule.get("prefix"), rule.get("tags")) if _is_set(item)]
        filter_ = json.dumps(what, sort_keys=True, default=str)
        for kind, attributes in _DELETING.items():
            for block in _blocks([rule.get(kind)]):
                for attribute in attributes:
                    if (time := _time(block.get(attribute))) is not None:
                        yield (kind, attribute), filter_, time


_DELETING = {
    "expiration": ("days", "date"),
    "noncurrent_version_expiration": ("noncurrent_days", "days", "newer_noncurrent_versions"),
}


def _time(value: object) -> float | None:
    """A number of days or versions, maybe as a text, or a date in seconds; what is no date may be today."""
    if not isinstance(value, str):
        return _float(value) if _is_number(value) and value else None
    if not value or re.fullmatch(r"\d{1,9}", value, re.ASCII):
        return _time(int(value or 0))
    try:
        return datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError):
        return -INFINITE


def _opens_ingress(before: Values, after: Values) -> bool:
    """Whether a port is open to every address that is not today."""
    today = list(_open_ports(before))
    return any(
        not any(
            old_protocol in (protocol, _EVERY_PROTOCOL) and old_first <= first and last <= old_last
            for old_protocol, old_first, old_last in today
        )
        for protocol, first, last in _open_ports(after)
    )


def _open_ports(rules: Values) -> Iterator[tuple[str, float, float]]:
    """Protocol, first and last port of what is open to every address."""
    for rule in _blocks(rules):
        if rule.get("type", "ingress") != "ingress":
            continue
        ranges = _texts([rule.get("cidr_blocks"), rule.get("ipv6_cidr_blocks")])
        if any(re.fullmatch(EVERYONE, range_) for range_ in ranges):
            protocol = str(rule.get("protocol"))
            first, last = (
                _float(port) if _is_number(port) and protocol != _EVERY_PROTOCOL else limit
                for port, limit in ((rule.get("from_port"), -INFINITE), (rule.get("to_port"), INFINITE))
            )
            yield protocol, first, last


def _grants_everyone(before: Values, after: Values) -> bool:
    def groups(values: Values) -> set[str]:
        return {text for text in _texts(values) if text.endswith(("/AllUsers", "/AuthenticatedUsers"))}

    return bool(groups(after) - groups(before))


def _any(wanted: Collection[object], values: Values) -> bool:
    return any(type(value) is type(item) and value == item for value in _flat(values) for item in wanted)


def _flat(value: object) -> Iterator[object]:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _texts(values: Values) -> list[str]:
    return [value for value in _flat(values) if isinstance(value, str)]


def _blocks(values: Values) -> list[dict[str, Any]]:
    return [value for value in _flat(values) if isinstance(value, dict)]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _float(value: Any) -> float:  # noqa: ANN401
    try:
        return float(value)
    except OverflowError:
        return INFINITE


def _is_set(value: object) -> bool:
    """Whether a value or anything in it is set; what is not known before apply is."""
    if isinstance(value, dict):
        return any(map(_is_set, value.values()))
    if isinstance(value, list):
        return any(map(_is_set, value))
    return value is not None and value != ""


def _set(values: Values) -> list[object]:
    return [value for value in _flat(values) if _is_set(value)]


def _never(before: Values, after: Values) -> bool:
    return False


OFF = leaves(True)
ON = Judgement(becomes(True).is_weaker)
HIGHER = Judgement(_is_higher)
GONE = Judgement(_is_gone)
APPEARS = Judgement(lambda before, after: _is_gone(after, before))
FEWER = Judgement(_are_fewer)
EXPIRES = Judgement(_expires)
OPENS_INGRESS = Judgement(_opens_ingress)
GRANTS_EVERYONE = Judgement(_grants_everyone)
DESTROYED = Judgement(_never)
RESOURCE_POLICY = Judgement(_never, policy=policies.Kind.RESOURCE)
TRUST_POLICY = Judgement(_never, policy=policies.Kind.TRUST)
IDENTITY_POLICY = Judgement(_never, policy=policies.Kind.IDENTITY)
