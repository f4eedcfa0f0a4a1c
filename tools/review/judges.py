"""When a change of an attribute is a weakening: the judgements that the table of weakenings is made of.

Each gets all values of the attribute, before and after, one for each block that has it. What is known only
after apply is taken for strong. `strong` is what a created resource is compared with.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tools.review import events, lifecycles, policies
from tools.review.patterns import are_ranges_within, open_to_internet
from tools.review.secrets import UNKNOWN

Values = list[Any]
# To which addresses each protocol, from its first to its last port, is open.
Ports = dict[tuple[str, float, float], list[str]]
INFINITE = float("inf")
# By what security groups call protocols.
_PROTOCOLS = {"all": "-1", "1": "icmp", "6": "tcp", "17": "udp"}
_RANGES = ("cidr_blocks", "ipv6_cidr_blocks", "cidr_ipv4", "cidr_ipv6")
# With all of its ports, whatever numbers a rule names.
_EVERY_PROTOCOL = "-1"


@dataclass(frozen=True)
class Judgement:
    """`is_weaker` compares two lists of values; a judgement of policies has `policy` in its place.

    `judges_unset` says that a created resource is weak without the attribute too.
    """

    is_weaker: Callable[[Values, Values], bool]
    strong: tuple[Any, ...] = ()
    policy: policies.Kind | None = None
    judges_unset: bool = False


def leaves(*good: object) -> Judgement:
    """Fewer of its values are one of these."""

    def number(values: Values) -> int:
        return sum(_any(good, [value]) for value in _flat(values))

    def has_left(before: Values, after: Values) -> bool:
        return number(after) < number(before) and UNKNOWN not in _flat(after)

    return Judgement(has_left, good[:1])


def becomes(bad: object) -> Judgement:
    """It gets this value."""
    return Judgement(lambda before, after: _any((bad,), after) and not _any((bad,), before))


def matches(pattern: str) -> Judgement:
    """It gets a value that matches as a whole."""

    def found(values: Values) -> set[str]:
        return {text for text in _texts(values) if re.fullmatch(pattern, text)}

    return Judgement(lambda before, after: bool(found(after) - found(before)))


def lower(
    *, default: float | None = None, forever: int | None = None, strong: int | None = None
) -> Judgement:
    """One of its numbers gets lower, whatever is added; `forever` is the number for no limit.

    Unset it is the default, of what has no limit none. A created resource is weak below `strong`.
    """
    unset = default if forever is None else INFINITE

    def numbers(values: Values) -> list[float]:
        found = [INFINITE if value == forever else _float(value) for value in values if _is_number(value)]
        return sorted(found, reverse=True) or ([] if unset is None else [unset])

    def is_lower(before: Values, after: Values) -> bool:
        pairs = zip(numbers(before), numbers(after), strict=False)
        return any(new < old for old, new in pairs) and UNKNOWN not in after

    return Judgement(is_lower, () if strong is None else (strong,))


def _is_higher(before: Values, after: Values) -> bool:
    olds, news = ([value for value in values if _is_number(value)] for values in (before, after))
    return bool(olds and news) and max(news) > max(olds)


def _is_gone(before: Values, after: Values) -> bool:
    return bool(_set(before)) and not _set(after)


def _are_fewer(before: Values, after: Values) -> bool:
    return len(_set(after)) < len(_set(before)) and UNKNOWN not in after


def _are_others(before: Values, after: Values) -> bool:
    """Whether one of today's is missing, though there are as many."""
    olds, news = ({str(value) for value in _set(values)} for values in (before, after))
    return bool(olds - news) and len(news) >= len(olds) and UNKNOWN not in _flat(after)


def _are_missing(before: Values, after: Values) -> bool:
    """Whether one of today's is missing, whatever is in its place."""
    return bool(set(map(str, _set(before))) - set(map(str, _set(after)))) and UNKNOWN not in _flat(after)


def _is_of_aws(before: Values, after: Values) -> bool:
    """Whether a key of AWS takes the place of an own one."""
    key = re.compile("(arn:.*:)?alias/aws/.*")
    olds, news = (_texts(_set(values)) for values in (before, after))
    return any(map(key.fullmatch, news)) and bool(olds) and not any(map(key.fullmatch, olds))


def _are_filtered_out(before: Values, after: Values) -> bool:
    return events.are_filtered_out(_set(before), _set(after))


def _are_notified_of_less(before: Values, after: Values) -> bool:
    return events.are_notified_of_less(_blocks(before), _blocks(after)) and UNKNOWN not in _flat(after)


def _locks_shorter(before: Values, after: Values) -> bool:
    return LOWER.is_weaker(list(_locked_days(before)), list(_locked_days(after)))


def _locked_days(values: Values) -> Iterator[object]:
    for block in _blocks(values):
        periods = ((block.get("days"), 1), (block.get("years"), 365))
        if all(number is not UNKNOWN for number, _ in periods):
            yield sum(days * _float(number) for number, days in periods if _is_number(number))


def _expires(before: Values, after: Values) -> bool:
    return lifecycles.expires(_blocks(before), _blocks(after))


def _opens_ingress(before: Values, after: Values) -> bool:
    """Whether a port is open to a large part of the internet that is not today."""
    today = _open_ports(before)
    return any(
        open_to_internet(ranges)
        and not all(
            are_ranges_within(_ranges_of(today, protocol, port), ranges)
            for port in _turning_points(today, first, last)
        )
        for (protocol, first, last), ranges in _open_ports(after).items()
    )


def _turning_points(rules: Ports, first: float, last: float) -> set[float]:
    """The ports from which on rules begin or end to count; all up to the next one are in the same rules."""
    edges = {edge for _, begin, end in rules for edge in (begin, end + 1)}
    return {first, *(edge for edge in edges if first < edge <= last)}


def _ranges_of(rules: Ports, protocol: str, port: float) -> list[str]:
    """To which addresses a port is open."""
    return [
        text
        for (other, first, last), ranges in rules.items()
        if other in (protocol, _EVERY_PROTOCOL) and first <= port <= last
        for text in ranges
    ]


def _open_ports(rules: Values) -> Ports:
    """For protocol, first and last port, to which addresses they are open."""
    found: Ports = {}
    for rule in _blocks(rules):
        if rule.get("type", "ingress") == "ingress":
            protocol = str(rule.get("protocol", rule.get("ip_protocol")))
            protocol = _PROTOCOLS.get(protocol, protocol)
            first, last = (
                _float(port) if _is_number(port) and protocol != _EVERY_PROTOCOL else limit
                for port, limit in ((rule.get("from_port"), -INFINITE), (rule.get("to_port"), INFINITE))
            )
            ranges = found.setdefault((protocol, first, last), [])
            ranges += _texts([rule.get(name) for name in _RANGES])
    return found


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
LOWER = lower()
GONE = Judgement(_is_gone, ("set",), judges_unset=True)
APPEARS = Judgement(lambda before, after: _is_gone(after, before))
FEWER = Judgement(_are_fewer, ("set",), judges_unset=True)
OTHERS = Judgement(_are_others)
MISSING = Judgement(_are_missing)
# A created resource is weak without it, too.
NOT_ON = replace(OFF, judges_unset=True)
OF_AWS = Judgement(_is_of_aws)
FILTERED_OUT = Judgement(_are_filtered_out)
NOTIFIED_OF_LESS = Judgement(_are_notified_of_less)
SHORTER_LOCK = Judgement(_locks_shorter)
EXPIRES = Judgement(_expires)
OPENS_INGRESS = Judgement(_opens_ingress)
GRANTS_EVERYONE = Judgement(_grants_everyone)
DESTROYED = Judgement(_never)
# Destroyed or replaced: what is in it goes.
LOST = Judgement(_never)
# Of another account than those of the plan.
FOREIGN = Judgement(_never)
RESOURCE_POLICY = Judgement(_never, policy=policies.Kind.RESOURCE)
# Of a resource that stands for a statement of a policy.
PERMISSION = Judgement(_never, policy=policies.Kind.RESOURCE)
TRUST_POLICY = Judgement(_never, policy=policies.Kind.TRUST)
IDENTITY_POLICY = Judgement(_never, policy=policies.Kind.IDENTITY)
