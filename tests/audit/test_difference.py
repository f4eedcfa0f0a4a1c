"""What changed is said completely, readably, and without giving an order's content any power."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.audit.difference import (
    Difference,
    described,
    differences,
    json_text,
    plain,
    printable,
    shown,
    typed_text,
)

KEYS = {"orderId": {"S": "order-1"}, "timestamp": {"N": "1"}}


def said(old: dict[str, Any] | None, new: dict[str, Any] | None) -> list[str]:
    return [described(difference) for difference in differences(old, new)]


def test_H1_the_status_comes_first_and_the_keys_go_without_saying() -> None:
    order = KEYS | {"a": {"N": "1"}, "status": {"S": "PLACED"}}
    assert said(None, order) == ["status PLACED", "a 1"]
    assert said(order, None) == ["status removed (was PLACED)", "a removed (was 1)"]
    assert said(order, order | {"status": {"S": "PAID"}}) == ["status PLACED → PAID"]


def test_a_key_that_differs_between_two_images_is_said() -> None:
    assert said(KEYS, KEYS | {"timestamp": {"N": "2"}}) == ["timestamp 1 → 2"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"M": {"city": {"S": "Bonn"}}}, {"M": {"city": {"S": "Ulm"}}}, ["a.city Bonn → Ulm"]),
        ({"M": {"x": {"M": {"y": {"N": "1"}}}}}, {"M": {"x": {"M": {}}}}, ["a.x.y removed (was 1)"]),
        ({"M": {}}, {"M": {"b.c": {"BOOL": True}}}, ['a."b.c" true']),
        ({"L": [{"S": "b"}]}, {"L": [{"S": "new"}, {"S": "b"}]}, ["a[0] new"]),
        ({"L": [{"N": "1"}, {"N": "2"}]}, {"L": [{"N": "1"}, {"N": "3"}]}, ["a[1] 2 → 3"]),
        (
            {"L": [{"M": {"q": {"N": "1"}}}]},
            {"L": [{"M": {"q": {"N": "2"}}}]},
            ["a[0].q 1 → 2"],
        ),
        ({"SS": ["x", "y"]}, {"SS": ["z", "y"]}, ["a +z -x"]),
        ({"NS": ["9", "10"]}, {"NS": ["9", "10.0"]}, []),
        ({"NS": ["9", "10"]}, {"NS": ["9", "11", "2"]}, ["a +2 +11 -10"]),
        ({"SS": ["1"]}, {"NS": ["1"]}, ['a {"1"} → {1}']),
        ({"N": "1.0"}, {"N": "1"}, []),
        ({"S": "1"}, {"N": "1"}, ['a "1" → 1']),
        ({"NULL": True}, {"S": "null"}, ['a null → "null"']),
        ({"M": {}}, {"L": []}, ["a {} → []"]),
    ],
)
def test_H1_what_changed(old: dict[str, Any], new: dict[str, Any], expected: list[str]) -> None:
    assert said(KEYS | {"a": old}, KEYS | {"a": new}) == expected


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ({"S": "PAID"}, "PAID"),
        ({"S": "two words"}, '"two words"'),
        ({"S": ""}, '""'),
        ({"S": 'a"b\\'}, '"a\\"b\\\\"'),
        ({"S": "true"}, '"true"'),
        ({"S": "x" * 50}, f'"{"x" * 40}…" (50 characters)'),
        ({"S": "\x1b[31m\n\u202e"}, '"\\x1b[31m\\n\\u202e"'),
        ({"N": "9" * 38}, "9" * 38),
        ({"B": "AP8="}, "binary AP8="),
        ({"B": "A" * 400}, "binary AAAAAAAAAAAAAAAA… (300 bytes)"),
        ({"BS": ["AP8="]}, "{binary AP8=}"),
        ({"SS": [f"member-{n:03}" for n in range(200)]}, "(200 members)"),
        ({"M": {f"attribute-{n}": {"S": "value"} for n in range(30)}}, "(30 attributes)"),
        ({"L": [{"S": "element"}] * 1000}, "(1,000 elements)"),
    ],
)
def test_H1_values_are_readable_and_long_ones_are_shortened_with_their_length(
    attribute: dict[str, Any], expected: str
) -> None:
    text = shown(attribute)
    assert text == expected or (expected.startswith("(") and text.endswith(expected))
    assert len(text) < 140


attributes: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.one_of(
        st.text(max_size=60).map(lambda text: {"S": text}),
        st.integers().map(lambda number: {"N": str(number)[:38]}),
        st.lists(st.text(max_size=9), min_size=1, unique=True).map(lambda members: {"SS": members}),
        st.binary(max_size=50).map(lambda data: {"B": data.hex()}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda members: {"L": members}),
        st.dictionaries(st.text(max_size=9), inner, max_size=3).map(lambda members: {"M": members}),
    ),
    max_leaves=5,
)


@given(before=st.none() | attributes, after=st.none() | attributes, name=st.text(min_size=1, max_size=9))
def test_nothing_that_is_shown_can_steer_a_terminal(
    before: dict[str, Any] | None, after: dict[str, Any] | None, name: str
) -> None:
    one, other = ({} if a is None else {name: a} for a in (before, after))
    for difference in [*differences(one, other), Difference(path=printable(name), before=None, after=None)]:
        text = described(difference)
        assert text.isprintable()
        assert len(text) < 1_000


@given(image=st.dictionaries(st.text(max_size=5), attributes, max_size=3))
def test_what_differs_is_said_and_nothing_else(image: dict[str, Any]) -> None:
    assert differences(image, json.loads(json.dumps(image))) == []
    names = {name for name in image if name not in ("orderId", "timestamp")}
    assert len(differences(None, image)) == len(names)


@given(image=st.dictionaries(st.text(max_size=5), attributes, max_size=3))
def test_json_stays_json_whatever_is_escaped(image: dict[str, Any]) -> None:
    for text in (json_text(image), json_text(image, indent=2), typed_text(image)):
        assert json.loads(text) == image
        assert all(line.isprintable() for line in text.split("\n"))


def test_H1_plain_json_keeps_what_a_double_cannot_hold_as_text() -> None:
    image = {
        "price": {"N": "49.90"},
        "count": {"N": "3"},
        "number": {"N": "12345678901234567890123456789012345678"},
        "tiny": {"N": "0.12345678901234567890"},
        "tags": {"SS": ["b", "a"]},
        "sizes": {"NS": ["10", "9"]},
        "none": {"NULL": True},
        "flag": {"BOOL": False},
        "data": {"B": "AP8="},
        "lines": {"L": [{"M": {"q": {"N": "1E2"}}}]},
    }
    assert plain(image) == {
        "price": 49.9,
        "count": 3,
        "number": "12345678901234567890123456789012345678",
        "tiny": "0.12345678901234567890",
        "tags": ["a", "b"],
        "sizes": [9, 10],
        "none": None,
        "flag": False,
        "data": "AP8=",
        "lines": [{"q": 100}],
    }
    assert plain(None) is None
