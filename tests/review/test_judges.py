"""When a change of an attribute is a weakening, one judgement at a time."""

# A table reads best with a row a line.
# ruff: noqa: E501

from decimal import Decimal
from typing import Any

import pytest

from tools.review import judges
from tools.review.judges import Judgement, becomes, leaves, lower, matches
from tools.review.secrets import UNKNOWN

ON = {"cidr_blocks": ["0.0.0.0/0"]}


def port(protocol: str, first: object = None, last: object = None) -> dict[str, object]:
    return {**ON, "protocol": protocol, "from_port": first, "to_port": last}


def grant(uri: str) -> list[Any]:
    return [f"http://acs.amazonaws.com/groups/global/{uri}"]


# The judgement, all values of an attribute before and after, and whether that is weaker.
JUDGED: list[tuple[Judgement, list[Any], list[Any], bool]] = [
    (leaves("a", "b"), ["b"], ["c"], True),
    (leaves("a", "b"), ["b"], ["a"], False),
    (leaves("a", "b"), ["c"], ["d"], False),
    (leaves("a"), ["a"], [UNKNOWN], False),
    (leaves("a"), ["a", "a"], ["a", "b"], True),
    (leaves("a"), ["a", "a"], ["a"], True),
    (leaves("a"), ["a", "b"], ["a"], False),
    (leaves("a"), ["a", "a"], [UNKNOWN], False),
    (judges.OFF, [True], [1], True),
    (becomes(0), [None], [0], True),
    (becomes(0), [None], [False], False),
    (becomes(0), [0, 1], [0], False),
    (becomes("*"), [["a"]], [["a", "*"]], True),
    (matches("x|y"), ["x"], ["x", "y"], True),
    (matches("x|y"), ["x"], ["x", "xy"], False),
    (lower(), [5], [3], True),
    (lower(), [3], [5], False),
    (lower(), [5], [5], False),
    (lower(), [3, 9], [3, 5], True),
    (lower(), [9], [3, 9], False),
    (lower(), [3, 9], [9], False),
    (lower(), [3, 9], [2, 9], True),
    (lower(), [Decimal(5)], [4.5], True),
    (lower(), [5.5], [Decimal(5)], True),
    (lower(), [True], [False], False),
    (lower(), ["5"], ["3"], False),
    (lower(), [], [3], False),
    (lower(), [5], [], False),
    # One value of several that is not known yet may be what it was.
    (lower(), [5], [3, UNKNOWN], False),
    # A number beyond all bounds is more than any.
    (lower(), [10**400], [5], True),
    (lower(), [5], [10**400], False),
    (lower(), [3, 9], [9, 2], True),
    (lower(), [3, 9], [9, 3], False),
    (lower(default=30), [], [7], True),
    (lower(default=30), [], [30], False),
    (lower(default=30), [60], [], True),
    (lower(default=30), [7], [], False),
    (lower(default=30), [60], [UNKNOWN], False),
    (lower(forever=0), [0], [5], True),
    (lower(forever=0), [], [5], True),
    (lower(forever=0), [5], [], False),
    (lower(forever=0), [5], [0], False),
    (judges.HIGHER, [5], [6], True),
    (judges.HIGHER, [5], [5], False),
    (judges.HIGHER, [1, 5], [3], False),
    (judges.HIGHER, [5], [1, 6], True),
    (judges.HIGHER, [], [6], False),
    (judges.HIGHER, [5], [], False),
    (judges.GONE, ["x"], [""], True),
    (judges.GONE, [{"a": ["", "x"]}], [[]], True),
    (judges.GONE, [{"a": ["", {}], "b": None}], [[]], False),
    (judges.GONE, ["x"], [{"a": UNKNOWN}], False),
    (judges.APPEARS, [[]], [["x"]], True),
    (judges.APPEARS, [["x"]], [["y"]], False),
    (judges.FEWER, [["a", "b"]], [["c"]], True),
    (judges.FEWER, [["a", ""]], [["c"]], False),
    (judges.FEWER, [["a", "b"]], [UNKNOWN], False),
    (judges.OTHERS, [["a"]], [["b"]], True),
    (judges.OTHERS, [["a", "b"]], [["c"]], False),
    (judges.OTHERS, [["a"]], [["a", "b"]], False),
    (judges.OTHERS, [["a"]], [[UNKNOWN]], False),
    (judges.OTHERS, [["a"]], [["b", UNKNOWN]], False),
    (judges.MISSING, [["a", "b"]], [["b", "c", "d"]], True),
    (judges.MISSING, [["a", ""]], [["b", "a"]], False),
    (judges.MISSING, [["a"]], [["b", UNKNOWN]], False),
    (judges.NOT_ON, [True], [], True),
    (judges.OF_AWS, ["key"], ["alias/aws/sns"], True),
    (judges.OF_AWS, ["key"], ["arn:aws:kms:eu-west-1:123456789012:alias/aws/sns"], True),
    (judges.OF_AWS, ["key"], ["alias/own"], False),
    (judges.OF_AWS, [""], ["alias/aws/sns"], False),
    (judges.OF_AWS, [], ["alias/aws/sns"], False),
    (judges.OF_AWS, ["alias/aws/sns"], ["arn:aws:kms:eu-west-1:123456789012:alias/aws/sns"], False),
    (judges.FILTERED_OUT, ['{"a": ["b"]}', '{"c": ["d"]}'], ['{"a": ["b"]}'], True),
    (judges.FILTERED_OUT, ['{"a": ["b"]}'], [""], False),
    (judges.FILTERED_OUT, [""], ['{"a": ["b"]}'], True),
    (judges.FILTERED_OUT, [""], [UNKNOWN], False),
    (judges.NOTIFIED_OF_LESS, [[{"events": ["a"]}]], [[]], True),
    (judges.NOTIFIED_OF_LESS, [[{"events": ["a"]}]], [UNKNOWN], False),
    (judges.SHORTER_LOCK, [{"days": 10}], [{"days": 9}], True),
    (judges.SHORTER_LOCK, [{"days": 10}], [{"days": 10}], False),
    (judges.SHORTER_LOCK, [{"years": 1}], [{"days": 364}], True),
    (judges.SHORTER_LOCK, [{"years": 1}], [{"days": 365}], False),
    (judges.SHORTER_LOCK, [{"days": 365}], [{"years": 1}], False),
    (judges.SHORTER_LOCK, [{"days": 366}], [{"years": 1}], True),
    (judges.SHORTER_LOCK, [{"days": 10}], [{"days": UNKNOWN}], False),
    (judges.SHORTER_LOCK, [{"years": 10}], [{"days": UNKNOWN, "years": 1}], False),
    (judges.SHORTER_LOCK, [{"days": 10}], [{"mode": "GOVERNANCE"}], True),
    (judges.SHORTER_LOCK, [{"days": 10}], [{"days": "some", "years": 1}], False),
    (judges.SHORTER_LOCK, [{"days": 10}], [{"days": [9]}], True),
    (judges.OPENS_INGRESS, [], [port("tcp", 22, 22)], True),
    (judges.OPENS_INGRESS, [], [{"ipv6_cidr_blocks": ["::/0"]}], True),
    (judges.OPENS_INGRESS, [], [{"type": "egress", **ON}], False),
    (judges.OPENS_INGRESS, [port("tcp", 20, 30)], [port("tcp", 20, 30)], False),
    (judges.OPENS_INGRESS, [port("tcp", 20, 30)], [port("tcp", 21, 29)], False),
    (judges.OPENS_INGRESS, [port("tcp", 20, 30)], [port("tcp", 19, 30)], True),
    (judges.OPENS_INGRESS, [port("tcp", 20, 30)], [port("tcp", 20, 31)], True),
    (judges.OPENS_INGRESS, [port("tcp", 80, 80), port("tcp", 81, 81)], [port("tcp", 80, 81)], False),
    (judges.OPENS_INGRESS, [port("tcp", 80, 80), port("tcp", 82, 82)], [port("tcp", 80, 82)], True),
    (judges.OPENS_INGRESS, [port("tcp", 20, 25), port("-1")], [port("tcp", 20, 30)], False),
    (judges.OPENS_INGRESS, [port("tcp", 20, 25), port("tcp", 24, 30)], [port("tcp", 21, 29)], False),
    (judges.OPENS_INGRESS, [port("tcp", 20, 25), port("udp", 26, 30)], [port("tcp", 20, 30)], True),
    (judges.OPENS_INGRESS, [{**port("tcp", 1, 9), "cidr_blocks": ["0.0.0.0/1"]}, {**port("tcp", 1, 8), "cidr_blocks": ["128.0.0.0/1"]}], [port("tcp", 1, 8)], False),
    (judges.OPENS_INGRESS, [{**port("tcp", 1, 9), "cidr_blocks": ["0.0.0.0/1"]}, {**port("tcp", 1, 8), "cidr_blocks": ["128.0.0.0/1"]}], [port("tcp", 1, 9)], True),
    (judges.OPENS_INGRESS, [port("tcp", 20, 30)], [port("udp", 20, 30)], True),
    (judges.OPENS_INGRESS, [port("tcp", 20, 30)], [port("tcp")], True),
    (judges.OPENS_INGRESS, [port("tcp")], [port("tcp", -1, 65_535)], False),
    (judges.OPENS_INGRESS, [{"cidr_blocks": ["0.0.0.0/2"]}], [{"cidr_blocks": ["0.0.0.0/2", "128.0.0.0/2"]}], True),
    (judges.OPENS_INGRESS, [{"cidr_blocks": ["0.0.0.0/2"], "ipv6_cidr_blocks": ["::/1"]}], [{"cidr_blocks": ["0.0.0.0/2"], "ipv6_cidr_blocks": ["::/1"]}], False),
    (judges.OPENS_INGRESS, [port("all")], [port("-1")], False),
    (judges.OPENS_INGRESS, [port("-1")], [port("all")], False),
    *((judges.OPENS_INGRESS, [port(number, 1, 2)], [port(name, 1, 2)], False) for number, name in (("1", "icmp"), ("6", "tcp"), ("17", "udp"))),
    (judges.OPENS_INGRESS, [], [{"cidr_ipv6": "::/0", "ip_protocol": "tcp"}], True),
    (judges.OPENS_INGRESS, [{"cidr_ipv4": "0.0.0.0/0", "ip_protocol": "tcp"}], [{"cidr_ipv4": "0.0.0.0/0", "ip_protocol": "udp"}], True),
    # All protocols mean all ports, whatever numbers the rule names.
    (judges.OPENS_INGRESS, [port("-1", 0, 0)], [port("tcp", 443, 443)], False),
    (judges.OPENS_INGRESS, [port("tcp", 0, 0)], [port("-1", 0, 0)], True),
    (judges.GRANTS_EVERYONE, [], grant("AllUsers"), True),
    (judges.GRANTS_EVERYONE, grant("AllUsers"), [*grant("AllUsers"), *grant("AuthenticatedUsers")], True),
    (judges.GRANTS_EVERYONE, grant("AllUsers"), grant("AllUsers"), False),
    (judges.GRANTS_EVERYONE, [], grant("LogDelivery"), False),
    (judges.DESTROYED, ["a"], [], False),
]  # fmt: skip


@pytest.mark.parametrize(("judgement", "before", "after", "is_weaker"), JUDGED)
def test_a_judgement_tells_weaker_from_other(
    judgement: Judgement, before: list[Any], after: list[Any], *, is_weaker: bool
) -> None:
    assert bool(judgement.is_weaker(before, after)) == is_weaker
