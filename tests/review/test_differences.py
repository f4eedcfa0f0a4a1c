"""The rows of a change: what differs, attribute by attribute, with nothing that matters out of sight."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.review.handmade import markdown_of, resource
from tests.review.handmade import updated as rows
from tools.review.differences import differences
from tools.review.secrets import Hidden


def test_changes_are_shown_per_attribute() -> None:
    before = {
        "same": 1,
        "number": 5,
        "tags": {"a": "x"},
        "rule": [{"days": 90, "id": "r"}],
        "set": ["p", "q"],
        "gone": 1,
    }
    after = {
        "same": 1,
        "number": 2.5,
        "tags": {"a": "y"},
        "rule": [{"days": 30, "id": "r"}],
        "set": ["q", "s"],
        "new": "n",
    }
    assert rows(before, after, after_unknown={"arn": True}) == [
        "+ arn:          (known after apply)",
        "- gone:         1",
        '+ new:          "n"',
        "! number:       5 → 2.5",
        "! rule[r].days: 90 → 30",
        '- set:          "p"',
        '+ set:          "s"',
        '! tags.a:       "x" → "y"',
    ]


def test_types_are_told_apart() -> None:
    assert rows({"x": "a"}, {"x": {"b": 1}}) == ['! x: "a" → {"b": 1}']
    assert rows({"a": 1, "b": 1, "c": "1"}, {"a": True, "b": Decimal("1.0"), "c": 1}) == [
        "! a: 1 → true",
        '! c: "1" → 1',
    ]
    assert rows({"a": True}, {"a": 1}) == ["! a: true → 1"]
    assert rows({"x": [Decimal("1.5")]}, {"x": ["1.5"]}) == ["- x: 1.5", '+ x: "1.5"']
    assert rows({"x": '{"a": [1.5]}'}, {"x": '{"a": ["1.5"]}'}) == ["- x.a: 1.5", '+ x.a: "1.5"']


# --- Lists -------------------------------------------------------------------------------------------------

REORDERED = [
    ([1, 2, 3], [3, 1, 2]),
    ([Decimal("2.0"), Decimal("2.5")], [Decimal("2.5"), 2]),
    ([Decimal("2.50"), 1], [1, Decimal("2.5")]),
    ([Decimal("-2.0"), 1], [1, -2]),
    ([{"x": 1}, {"x": 2}], [{"x": 2}, {"x": 1}]),
    ([["a", "b"], ["c"]], [["c"], ["a", "b"]]),
    ([{"name": "a", "v": [1]}, {"name": "b"}], [{"name": "b"}, {"name": "a", "v": [1]}]),
]


@pytest.mark.parametrize(("before", "after"), REORDERED)
def test_another_order_is_no_change_but_has_a_word(before: object, after: object) -> None:
    word = "  x: the same items in another order"
    assert rows({"x": before}, {"x": after}) == [word]
    assert rows({"x": before, "y": 1}, {"x": after, "y": 2}) == [word, "! y: 1 → 2"]
    drift = resource("a.b", "update", before={"x": before}, after={"x": after})
    assert markdown_of(resource_drift=[drift]) == "### ✅ No changes\n"


def test_items_are_paired_by_their_name() -> None:
    before = [{"name": "a", "v": 1}, {"name": "b", "v": 2, "w": 2, "x": 2}, {"name": "c", "v": 3}]
    after = [{"name": "c", "v": 3}, {"name": "b", "v": 5, "w": 5, "x": 5}, {"name": "d", "v": 9}]
    assert rows({"x": before}, {"x": after}) == [
        "! x[b].v: 2 → 5",
        "! x[b].w: 2 → 5",
        "! x[b].x: 2 → 5",
        '- x[a]:   {"name": "a", "v": 1}',
        '+ x[d]:   {"name": "d", "v": 9}',
    ]


@pytest.mark.parametrize(
    "name",
    ["Sid", "sid", "id", "Id", "ID", "name", "Name", "key", "Key", "attribute_name", "index_name"],
)
def test_what_names_an_item_pairs_it(name: str) -> None:
    before = [{name: "a", "v": 1, "w": 1}, {name: "b", "v": 2, "w": 2}]
    after = [{name: "b", "v": 1, "w": 1}, {name: "a", "v": 1, "w": 1}]
    assert rows({"x": before}, {"x": after}) == ["! x[b].v: 2 → 1", "! x[b].w: 2 → 1"]


def test_an_item_that_has_its_pair_gets_no_other() -> None:
    before = [{"name": "a", "v": 1, "w": 1, "x": 1}, {"name": "b", "v": 9, "w": 9, "x": 9}]
    after = [{"name": "a", "v": 1, "w": 1, "x": 2}, {"name": "c", "v": 1, "w": 1, "x": 1}]
    assert rows({"x": before}, {"x": after}) == [
        "! x[a].x: 1 → 2",
        '- x[b]:   {"name": "b", "v": 9, "w": 9, "x": 9}',
        '+ x[c]:   {"name": "c", "v": 1, "w": 1, "x": 1}',
    ]


def test_a_name_counts_more_than_what_items_share() -> None:
    before = [{"name": "a", "v": 1, "w": 1}, {"name": "b", "v": 2, "w": 2}]
    after = [{"name": "a", "v": 2, "w": 2}, {"name": "c", "v": 9, "w": 9}]
    assert rows({"x": before}, {"x": after}) == [
        "! x[a].v: 1 → 2",
        "! x[a].w: 1 → 2",
        '- x[b]:   {"name": "b", "v": 2, "w": 2}',
        '+ x[c]:   {"name": "c", "v": 9, "w": 9}',
    ]


def test_items_share_what_is_at_the_same_place() -> None:
    before = [{"a": 1, "b": 2}, {"y": 1}]
    after = [{"a": 2, "b": 1}, {"a": 1, "c": 3}]
    assert [
        row for row in rows({"x": before}, {"x": after}) if row.startswith(("! x[0]", "- x[0]", "+ x[0]"))
    ] == [
        "- x[0].b:   2",
        "+ x[0].c:   3",
    ]


def test_items_that_share_less_than_half_are_two() -> None:
    assert len(rows({"x": [{"a": 1, "b": 1}, {"y": 1}]}, {"x": [{"a": 1, "c": 1, "d": 1}, {"z": 2}]})) == 4
    large = {"a": 1} | {f"k{number}": number for number in range(8)}
    nested = {"p": {"a": 1}, "q": {"a": 2}}, {"p": {"a": 2}, "q": {"a": 1}}
    for before, after in (({"a": 1, "b": 1}, large), (large, {"a": 1, "b": 1}), nested):
        found = rows({"x": [before, {"y": 1}]}, {"x": [after, {"z": 2}]})
        assert [row[0] for row in found] == ["-", "-", "+", "+"]


def test_what_becomes_a_statement_is_shown_by_attribute() -> None:
    assert rows({"x": {"a": 1}}, {"x": {"Effect": "Allow", "a": 1}}) == ['+ x.Effect: "Allow"']
    assert rows({"x": {"Effect": "Allow", "a": 1}}, {"x": {"a": 1}}) == ['- x.Effect: "Allow"']


def test_a_policy_with_a_secret_across_its_values_is_not_taken_apart() -> None:
    text = json.dumps({"Statement": []})
    (found,) = differences(text, {"Statement": [1]}, lambda text: True)
    assert found.before == Hidden(text)


def test_secret_items_that_differ_are_no_other_order() -> None:
    marks: Any = {"before_sensitive": {"x": [True, False]}, "after_sensitive": {"x": [True, False]}}
    assert rows({"x": ["a", "z"]}, {"x": ["b", "z"]}, **marks) == ["- x: (sensitive)", "+ x: (sensitive)"]
    assert rows({"x": ["a", "z"]}, {"x": ["a", "z"], "y": 1}, **marks) == ["+ y: 1"]


@pytest.mark.parametrize("value", [1, {"a": 1}])
def test_a_value_that_is_only_marked_sensitive_or_no_longer_stays_the_same(value: object) -> None:
    sides: Any = {"before": {"x": value}, "after": {"x": value}}
    marked: Any = {"after_sensitive": {"x": True}}
    assert rows(**sides, **marked) == ["  x: the same value, now marked sensitive"]
    marked = {"before_sensitive": {"x": True}}
    assert rows(**sides, **marked) == ["  x: the same value, no longer marked sensitive"]
    other: Any = sides | {"after": {"x": "other"}}
    assert rows(**other, **marked) == ['! x: (sensitive) → "other"']


def test_items_without_a_name_are_paired_by_what_they_share() -> None:
    before = [{"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 2, "c": 2}]
    after = [{"a": 2, "b": 2, "c": 7}, {"a": 9, "b": 9, "c": 9}, {"a": 1, "b": 1, "c": 1}]
    assert rows({"x": before}, {"x": after}) == [
        "! x[1].c:   2 → 7",
        '+ x[new 1]: {"a": 9, "b": 9, "c": 9}',
    ]


def test_names_that_are_no_names_pair_nothing() -> None:
    # Not all have one, and two are the same.
    for sides in (("a", "b"), ("b", "a")):
        olds, news = (
            [{"name": "a", "v": order}, {"name": name, "v": order[::-1]}]
            for name, order in zip(sides, ([1, 2, 3], [3, 2, 1]), strict=True)
        )
        assert any("x[1].name" in row or "x[0].name" in row for row in rows({"x": olds}, {"x": news}))
    for name in ("a", None):
        before: Any = [{"name": "a", "v": [1, 2, 3]}, {"name": name, "v": [4, 5, 6]}]
        after: Any = [{"name": "a", "v": [4, 5, 7]}, {"name": name, "v": [1, 2, 3]}]
        assert any("x[1].v" in row for row in rows({"x": before}, {"x": after}))
    assert rows({"x": [{"id": "", "v": 1}]}, {"x": [{"id": "", "v": 2}]}) == ["! x[0].v: 1 → 2"]


def test_a_single_block_stays_itself_whatever_changes_in_it() -> None:
    assert rows({"x": [{"a": 1, "b": 1}]}, {"x": [{"a": 2, "b": 2}]}) == [
        "! x[0].a: 1 → 2",
        "! x[0].b: 1 → 2",
    ]
    ttl = [{"ttl": [{"attribute_name": name, "enabled": on}]} for name, on in (("a", True), ("b", False))]
    assert rows(*ttl) == ['! ttl[0].attribute_name: "a" → "b"', "! ttl[0].enabled:        true → false"]
    assert rows({"x": [1]}, {"x": [2]}) == ["- x: 1", "+ x: 2"]
    assert rows({"x": ["a"]}, {"x": [{"b": 1}]}) == ['- x:        "a"', '+ x[new 0]: {"b": 1}']
    assert rows({"x": [{"b": 1}]}, {"x": ["a"]}) == ['- x[0]: {"b": 1}', '+ x:    "a"']
    assert rows({"x": [1, 1]}, {"x": [1]}) == ["- x: 1"]


@pytest.mark.parametrize(("olds", "news", "row"), [(50, 50, "! x["), (41, 61, "- x[0]: ")])
def test_so_many_items_are_paired_by_what_they_share(olds: int, news: int, row: str) -> None:
    before = [{"a": number, "b": number} for number in range(olds)]
    after = [{"a": number, "b": -number - 1} for number in range(news)]
    assert rows({"x": before}, {"x": after})[0].startswith(row)


def test_what_is_not_set_is_nothing_in_common() -> None:
    unset = dict.fromkeys("nmopq")
    found = rows({"x": [{"a": 1, **unset}, {"y": 1}]}, {"x": [{"a": 2, **unset}, {"z": 2}]})
    assert [row[0] for row in found] == ["-", "-", "+", "+"]


def test_lists_in_a_list_are_paired_by_what_they_share() -> None:
    before = [["a", "b"], ["c"], ["m", "n", "o"]]
    assert rows({"x": before}, {"x": [["a", "z"], ["d"], ["m", "n", "p"]]}) == [
        '- x[0]:     "b"',
        '+ x[0]:     "z"',
        '- x[2]:     "o"',
        '+ x[2]:     "p"',
        '- x[1]:     ["c"]',
        '+ x[new 1]: ["d"]',
    ]


def test_what_stays_of_a_list_in_another_order_has_a_word() -> None:
    word = "  x: what stays is in another order"
    assert rows({"x": ["a", "b", "c"]}, {"x": ["c", "a", "d"]}) == [word, '- x: "b"', '+ x: "d"']
    # Of two that are the same nobody can tell which one stays.
    assert rows({"x": [2, 1, 2]}, {"x": [1, 2]}) == ["- x: 2"]


def test_items_are_in_the_order_of_their_places() -> None:
    before = [{"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 2, "c": 2, "d": 2}]
    after = [{"a": 1, "b": 1, "c": 9}, {"a": 2, "b": 2, "c": 2, "d": 9}]
    assert rows({"x": before}, {"x": after}) == ["! x[0].c: 1 → 9", "! x[1].d: 2 → 9"]


def test_of_items_that_share_as_much_those_at_the_same_place_are_one() -> None:
    before, after = ([{"a": 1, "b": 1, "c": c} for c in side] for side in ((1, 2), (3, 4)))
    assert rows({"x": before}, {"x": after}) == ["! x[0].c: 1 → 3", "! x[1].c: 2 → 4"]
    assert rows({"x": before}, {"x": [{"a": 0}, *after]}) == [
        "! x[0].c:   1 → 4",
        "! x[1].c:   2 → 3",
        '+ x[new 0]: {"a": 0}',
    ]


def test_long_texts_in_a_list_are_paired() -> None:
    one, two = ("w " * 101 + end for end in ("one", "two"))
    for before, after in (([one], [two]), (["a", one], ["b", two]), (["a", one], [two, "b"])):
        found = rows({"x": before}, {"x": after})
        assert found[:3] == [
            f"@@ x[{before.index(one)}]: 205 characters @@",
            f"- …{one[-33:]}…",
            f"+ …{two[-33:]}…",
        ]
    other = "v" * 201
    assert rows({"x": [one, "a"]}, {"x": ["b", other]})[0].startswith(f'- x: "{one[:99]}')
    # Nothing in common but the place.
    assert rows({"x": [one, "a"]}, {"x": [other, "b"]})[0] == "@@ x[0]: 205 characters @@"


@pytest.mark.parametrize(("length", "is_one"), [(191, False), (192, True)])
def test_long_blocks_at_one_place_are_one(length: int, *, is_one: bool) -> None:
    # With its name such a block has 200 characters or 201.
    before, after = ([{side: "v" * length}, 1] for side in "ab")
    found = rows({"x": before}, {"x": after})
    assert found[0].replace("]:     ", "]: ").startswith("- x[0].a: " if is_one else "- x[0]: ")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": "v" * 200}, {"b": 1}),
        ({"a": 1}, {"b": "v" * 200}),
        ({"name": "a", "v": "v" * 200}, {"name": "b", "w": "w" * 200}),
        ({"a": "arn:aws:s3:::one"}, {"a": "arn:aws:s3:::two"}),
    ],
)
def test_other_blocks_at_one_place_are_two(before: dict[str, object], after: dict[str, object]) -> None:
    rest = {"name": "rest"} if "name" in before else {"y": 1}
    found = rows({"x": [before, rest]}, {"x": [after, rest]})
    is_long = [len(json.dumps(block)) > 200 for block in (before, after)]
    steps = [before.get("name", 0), after.get("name", "new 0")]
    assert len(found) == 2
    for row, sign, step, long in zip(found, "-+", steps, is_long, strict=True):
        assert row.startswith(f"{sign} x[{step}]{'.' if long else ':'}")


def test_a_long_block_in_place_of_a_long_list_is_another_item() -> None:
    found = rows({"x": [["v" * 200, "w"], 1]}, {"x": [{"a": "v" * 200}, 1]})
    assert [row.partition(":")[0] for row in found] == ["- x[0]", "+ x[new 0].a"]


def test_a_long_block_that_comes_or_goes_has_its_place() -> None:
    block = {f"k{number}": "v" * 50 for number in range(5)}
    parts = [f'k{number}: "{"v" * 50}"' for number in range(5)]
    assert rows({"x": []}, {"x": [block]}) == [f"+ x[0].{part}" for part in parts]
    assert rows({"x": [block]}, {"x": []}) == [f"- x[0].{part}" for part in parts]
    assert rows({"x": [{"a": 1}]}, {"x": [{"a": 1}, block]}) == [f"+ x[new 1].{part}" for part in parts]
    named = block | {"name": "n"}
    assert rows({"x": []}, {"x": [named]}) == [f"+ x[n].{part}" for part in parts]


def test_items_that_come_or_go_are_no_other_order() -> None:
    for before, after in (([1], [2, 1]), ([2, 1], [1])):
        assert [found.note for found in differences(before, after, lambda _: False)] == [""]


def test_a_number_that_is_too_long_to_be_written_out_is_compared_too() -> None:
    huge = Decimal("1e999999999")
    assert rows({"x": [huge, 1]}, {"x": [1, huge]}) == ["  x: the same items in another order"]
    assert rows({"x": [huge]}, {"x": [Decimal("2e999999999")]}) == ["- x: 1E+999999999", "+ x: 2E+999999999"]
    assert rows({"x": [Decimal(f"1e{exponent}") for exponent in (59, 60)]}, {"x": [10**59, 10**60]}) == [
        "- x: 1E+60",
        f"+ x: {10**60}",
    ]


def test_long_lists_are_compared_in_reasonable_time() -> None:
    before = [{"a": number, "b": number} for number in range(3_000)]
    after = [{"a": number, "b": -number} for number in range(3_000)]
    assert rows({"x": before}, {"x": after})[-1].startswith("… and ")


# --- JSON and text -----------------------------------------------------------------------------------------


def policy(*statements: object) -> dict[str, str]:
    return {"policy": json.dumps({"Version": "2012-10-17", "Statement": statements})}


def test_a_policy_has_a_line_for_each_field_and_is_never_clipped() -> None:
    long = [f"arn:aws:s3:::a-bucket-with-a-long-name-{number}/*" for number in range(60)]
    before = {
        "Sid": "A",
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": long,
        "Principal": {"AWS": "a"},
    }
    after = {**before, "Principal": {"AWS": "a", "Service": ["x.amazonaws.com"]}}
    after |= {
        "Condition": {"StringEquals": {"aws:SourceAccount": ["1", "2"]}},
        "Action": ["s3:GetObject", "s3:*"],
    }
    lines = rows(policy(before), policy(after))
    assert lines[0] == "@@ policy.Statement[A] @@"
    assert lines[1:4] == [
        "  Allow      s3:GetObject",
        "+            s3:*"[:1] + " Allow      s3:*",
        "  Principal  a",
    ]
    assert lines[4] == "+ Principal  Service x.amazonaws.com"
    assert lines[-1] == "+ Condition  StringEquals aws:SourceAccount = 1, 2"
    assert all(name in "\n".join(lines) for name in long)
    assert max(map(len, lines)) < 110
    assert len(lines) > 40
    assert any(line.startswith(" " * 13 + "arn:aws:s3:::") for line in lines)


def test_statements_are_paired_and_shown_whole() -> None:
    one = {"Sid": "One", "Effect": "Allow", "Action": "a:B", "Resource": "r"}
    two = {"Effect": "Deny", "NotAction": "a:C", "NotResource": "s", "NotPrincipal": {"AWS": "p"}}
    three = {"Sid": "Three", "Effect": "Allow", "Action": ["a:D"], "Resource": ["t"]}
    assert rows(policy(one, two), policy(three, one)) == [
        "@@ policy.Statement: removed @@",
        "- Deny all but  a:C",
        "- NotPrincipal  p",
        "- NotResource   s",
        "@@ policy.Statement[Three]: added @@",
        "+ Allow         a:D",
        "+ Resource      t",
    ]
    assert rows(policy(one, two), policy(two))[0] == "@@ policy.Statement[One]: removed @@"
    assert rows(policy(one), policy({**one, "Effect": "Deny"})) == [
        "@@ policy.Statement[One] @@",
        "+ Deny      a:B",
        "  Resource  r",
        "- Allow     a:B",
    ]
    assert rows(policy({**one, "Other": 1}), policy({**one, "Other": 2}))[-2:] == [
        "- Other     1",
        "+ Other     2",
    ]


def test_the_version_of_a_policy_is_shown_too() -> None:
    before, after = (json.dumps({"Version": version, "Statement": []}) for version in ("2008", "2012"))
    assert rows({"policy": before}, {"policy": after}) == ['! policy.Version: "2008" → "2012"']


def test_a_policy_that_comes_or_goes_is_shown_by_its_statements() -> None:
    given = policy({"Effect": "Allow", "Action": "a:B", "Resource": "r"})
    assert rows({}, given) == ["@@ policy.Statement: added @@", "+ Allow     a:B", "+ Resource  r"]
    assert rows(given, {"policy": ""})[0] == "@@ policy.Statement: removed @@"
    assert rows({"policy": json.dumps({"Statement": "?"})}, {}) == ['- policy: "{\\"Statement\\": \\"?\\"}"']


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": 1,  "b": [1]}', '{"b":[1],"a":1}'),
        ('{"a": 1.0, "b": 1e3, "c": "\\u0041"}', '{"a": 1, "b": 1000, "c": "A"}'),
        (
            '{"Statement": {"Effect": "Allow", "Action": "a"}}',
            '{"Statement": [{"Effect": "Allow", "Action": ["a"]}]}',
        ),
    ],
)
def test_json_that_means_the_same_has_a_word(before: str, after: str) -> None:
    word = "  x: the same JSON, written in another way"
    assert rows({"x": before}, {"x": after}) == [word]
    assert rows({"x": before, "y": 1}, {"x": after, "y": 2}) == [word, "! y: 1 → 2"]


def test_json_in_a_string_is_compared_inside() -> None:
    before, after = ({"a": {"b": [value]}, "c": 1} for value in ("x", "y"))
    assert rows({"x": json.dumps(before)}, {"x": " " + json.dumps(after)}) == ['- x.a.b: "x"', '+ x.a.b: "y"']
    # One that is JSON and one that is not are two texts.
    assert rows({"x": "{}"}, {"x": "{"}) == ['! x: "{}" → "{"']


def test_null_in_json_is_a_value() -> None:
    texts = [json.dumps({"a": value}) for value in (None, 1)]
    assert rows({"x": texts[0]}, {"x": texts[1]}) == ["! x.a: null → 1"]
    assert rows({"x": texts[1]}, {"x": texts[0]}) == ["! x.a: 1 → null"]
    assert rows({"x": texts[0]}, {"x": "{}"}) == ["- x.a: null"]
    assert rows({"x": "{}"}, {"x": texts[0]}) == ["+ x.a: null"]
    inside = [
        json.dumps({"l": [{"id": "i", "a": side}], "s": json.dumps(side)}) for side in ({"b": None}, {})
    ]
    assert rows({"x": inside[0]}, {"x": inside[1]}) == ["- x.l[i].a.b: null", "- x.s.b:      null"]
    assert rows({"x": {"a": None}}, {"x": {}, "y": 1}) == ["+ y: 1"]


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"a": NaN}'])
def test_json_that_is_read_in_several_ways_is_a_text(text: str) -> None:
    assert rows({"x": text}, {"x": '{"a": 2}'}) == [f'! x: {json.dumps(text)} → "{{\\"a\\": 2}}"']


def test_all_edits_of_a_long_text_are_shown() -> None:
    words = [f"word{number}" for number in range(100)]
    before = " ".join(words)
    after = before.replace("word20 ", "changed ").replace("word70", "word70 added").replace("word90 ", "")
    lines = rows({"x": before}, {"x": after})
    assert lines[0] == f"@@ x: {len(before)} characters @@"
    assert lines[1:] == [
        "- …5 word16 word17 word18 word19 word20 word21 word22 word23 word24 w…",
        "+ …5 word16 word17 word18 word19 changed word21 word22 word23 word24 w…",
        "+ …6 word67 word68 word69 word70 added word71 word72 word73 word74 wo…",
        "- …85 word86 word87 word88 word89 word90 word91 word92 word93 word94 w…",
    ]


def test_edits_a_word_apart_are_one() -> None:
    before = " ".join(f"word{number}" for number in range(60))
    lines = rows({"x": before}, {"x": before.replace("word20 word21", "other some")})
    assert [line[0] for line in lines] == ["@", "-", "+"]


@pytest.mark.parametrize(
    ("before", "after", "heading"),
    [
        ("a", "a\nb", "@@ x: 1 lines @@"),
        ("a\nb", "a", "@@ x: 2 lines @@"),
        ("a " * 150, "b", "@@ x: 300 characters @@"),
        ("b", "a " * 150, "@@ x: 1 characters @@"),
    ],
)
def test_a_text_is_long_when_one_side_is(before: str, after: str, heading: str) -> None:
    assert rows({"x": before}, {"x": after})[0] == heading


def test_edits_more_than_a_word_apart_are_two() -> None:
    text = "word " * 50
    assert rows({"x": f"{text}one b two"}, {"x": f"{text}1 b 2"})[1:] == [
        f"- …{text[-30:]}one b two…",
        f"+ …{text[-30:]}1 b 2…",
    ]
    found = rows({"x": f"{text}one b, two"}, {"x": f"{text}1 b, 2"})
    assert [row[0] for row in found[1:]] == ["-", "+", "-", "+"]


def test_several_actions_are_in_one_line() -> None:
    statement = {"Effect": "Allow", "Action": ["a:B", "c:D"], "Resource": "*"}
    found = rows({"x": None}, {"x": json.dumps({"Statement": [statement]})})
    assert found == ["@@ x.Statement: added @@", "+ Allow     a:B, c:D", "+ Resource  *"]
    actions = [f"a:{letter * 28}" for letter in "bcd"]
    found = rows({"x": None}, {"x": json.dumps({"Statement": [{**statement, "Action": actions}]})})
    assert found[1:3] == [f"+ Allow     {actions[0]}, {actions[1]},", f"+           {actions[2]}"]


def test_long_texts_without_words_in_common_are_clipped() -> None:
    lines = rows({"x": "a" * 900}, {"x": "b" * 900})
    assert lines[0] == "@@ x: 900 characters @@"
    assert [line[0] for line in lines[1:]] == ["-", "+"]
    assert all("(900 characters)" in line and len(line) < 300 for line in lines[1:])
    many = rows({"x": "a " * 900}, {"x": "b " * 900})
    assert len(many) == 3


def test_lines_of_a_text_are_compared() -> None:
    before = "".join(f"line {number}\n" for number in range(30))
    after = before.replace("line 3\n", "other\n").replace("line 25\n", "")
    assert rows({"x": before, "longer": 1}, {"x": after, "longer": 2}) == [
        "! longer: 1 → 2",
        "@@ x: 30 lines @@",
        "  …",
        "  line 2",
        "- line 3",
        "+ other",
        "  line 4",
        "  …",
        "  line 24",
        "- line 25",
        "  line 26",
    ]
    assert rows({"x": "a\nb"}, {"x": "a\r\nb"}) == ["@@ x: 2 lines @@", "  the same but for its line ends"]


def test_what_forces_a_replacement_is_said_of_long_texts_too() -> None:
    change = resource(
        "a.b",
        "delete",
        "create",
        before={"x": "a\nb", "y": [{"z": 1}]},
        after={"x": "a\nc", "y": [{"z": 2}]},
        replace_paths=[["x"], ["y", 0, "z"]],
    )
    markdown = markdown_of(change)
    assert "@@ x: 2 lines, forces replacement @@" in markdown
    assert "! y[0].z: 1 → 2  # forces replacement" in markdown


def test_wide_values_are_below_each_other() -> None:
    lines = rows({"x": "a" * 60, "y": 1}, {"x": "b" * 60, "y": 2})
    assert lines == [f'- x: "{"a" * 60}"', f'+ x: "{"b" * 60}"', "! y: 1 → 2"]


# --- Noise -------------------------------------------------------------------------------------------------


def test_a_changed_package_is_one_row() -> None:
    before = {
        "source_code_hash": "a",
        "filename": "assets/a.zip",
        "last_modified": "m",
        "version": "1",
        "timeout": 1,
    }
    after = {"source_code_hash": "b", "filename": "assets/b.zip", "timeout": 1}
    unknown = {"last_modified": True, "version": True, "qualified_arn": True}
    change = resource("aws_lambda_function.f", "update", before=before, after=after, after_unknown=unknown)
    markdown = markdown_of(change)
    assert "<code>aws_lambda_function.f (code)</code>" in markdown
    assert (
        "✏️ `aws_lambda_function.f`** – Lambda function – code only (`source_code_hash`)\n\n</details>"
        in markdown
    )
    change["change"]["after"]["timeout"] = 2
    markdown = markdown_of(change)
    assert '```diff\n! source_code_hash: "a" → "b"  # the code\n! timeout:          1 → 2\n```\n' in markdown
    assert "code only" not in markdown


def test_a_new_function_is_shown_whole() -> None:
    created = resource("aws_lambda_function.f", "create", after={"source_code_hash": "a"})
    assert '+ source_code_hash: "a"  # the code\n' in markdown_of(created)
    replaced = resource(
        "aws_lambda_function.f",
        "delete",
        "create",
        before={"source_code_hash": "a"},
        after={"source_code_hash": "b"},
    )
    assert "code only" not in markdown_of(replaced)


def test_attributes_of_other_types_are_not_taken_for_code() -> None:
    assert rows({"source_code_hash": "a", "filename": "a"}, {"source_code_hash": "b", "filename": "b"})[
        0
    ] == ('! filename:         "a" → "b"')


def test_tags_are_shown_once() -> None:
    before = {"tags": {"a": "1"}, "tags_all": {"a": "1", "default": "1"}}
    after = {"tags": {"a": "2"}, "tags_all": {"a": "2", "default": "2"}}
    assert rows(before, after) == ['! tags.a:           "1" → "2"', '! tags_all.default: "1" → "2"']


def test_many_rows_are_counted() -> None:
    lines = rows({f"x{number}": 1 for number in range(50)}, {f"x{number}": 2 for number in range(50)})
    assert (len(lines), lines[-1]) == (41, "… and 10 more attributes")


def test_a_replacement_does_not_tell_of_what_was_empty_and_is_not_set() -> None:
    change = resource("a.b", "delete", "create", before={"x": "", "y": 1}, after={"x": None, "y": 2})
    assert "```diff\n! y: 1 → 2\n```\n" in markdown_of(change)


# --- Any two values ----------------------------------------------------------------------------------------

TEXTS = st.one_of(
    st.text('a\n \t`\\"é', max_size=4),
    st.builds(lambda lead, trail: lead + "w " * 101 + trail, *(st.text("ab\n ", max_size=3),) * 2),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(0, 2), st.sampled_from([Decimal("1.0"), Decimal("1.5")]), TEXTS
)
KEYS = st.sampled_from(["a", "name", "Effect", "Sid", "Statement"])
# A value before and after: the same, another one, or one that differs somewhere inside.
PAIRS = st.recursive(
    st.one_of(SCALARS.map(lambda value: (value, value)), st.tuples(SCALARS, SCALARS)),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pairs: (pairs[0][0], pairs[1][1])),
        st.lists(inner, max_size=3).map(lambda pairs: tuple([pair[at] for pair in pairs] for at in (0, 1))),
        st.dictionaries(KEYS, inner, max_size=3).map(
            lambda pairs: tuple({key: pair[at] for key, pair in pairs.items()} for at in (0, 1))
        ),
    ),
    max_leaves=8,
)


def written(value: object) -> str:
    return json.dumps(value, default=float, sort_keys=True)


def meaning(value: object) -> object:
    """What an attribute says: null is the same as nothing, and 1.0 as 1."""
    if isinstance(value, dict):
        return {key: meaning(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [meaning(item) for item in value]
    return 1 if isinstance(value, Decimal) and value == 1 else value


@given(PAIRS)
def test_values_that_differ_differ_visibly(pair: tuple[object, object]) -> None:
    before, after = pair
    for sides in ((before, after), (written(before), written(after))):
        found = rows(*({"x": side} for side in sides))
        assert found or written(meaning(sides[0])) == written(meaning(sides[1]))
        gone, new = ({row[2:] for row in found if row[0] == sign} for sign in "-+")
        assert not gone & new
        assert not [row for row in found if re.fullmatch(r". x[^:]*: +(.*) → \1", row)]
