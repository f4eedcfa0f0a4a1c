"""What Terraform marks sensitive is not shown, and no text of a plan leaves its code span."""

import functools
import html
import json
import re
import string
import urllib.parse
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.review.handmade import MALFORMED, markdown_of, plan, resource
from tools.review.review import review
from tools.review.secrets import Hidden

# Not in the words of a review, so that finding one of them is finding a leak.
SECRET_TEXT = st.text(alphabet='ЖЩ語😀\\"`\n\x00\u202e<&/|~é%+', min_size=4, max_size=8).filter(
    lambda text: bool(set(text) & set("ЖЩ語😀é")) and len(text.replace("\n", "")) >= 4
)
NUMBERS = st.integers(1_000, 10**12)
SECRETS = st.one_of(SECRET_TEXT, NUMBERS, NUMBERS.map(lambda number: number / 4 + 1_000))


def text_of(secret: object) -> str:
    return secret if isinstance(secret, str) else json.dumps(secret)


def plan_with(secret: object) -> dict[str, Any]:
    """The same plan for every secret, which is marked once and found in many places."""
    text = text_of(secret)
    inner = json.dumps({"key": secret, "list": [json.dumps({"deep": text})]})
    before = {
        "marked": secret,
        "copy": secret,
        "text": f"x{text}y",
        "escaped": f"export PW={inner}",
        "url": f"https://u:{urllib.parse.quote(text, safe='')}@host/?x={urllib.parse.quote_plus(text)}",
        "xml": f"<a>{html.escape(text)}</a>",
        "map": {f"k-{text}": "v"},
        "list": [secret, "z"],
        "policy": json.dumps({"Statement": [{"Effect": "Allow", "Sid": text, "Action": [f"s3:{text}"]}]}),
    }
    after = {name: "gone" for name in before}
    address = f"a.b[{json.dumps(f'k-{text}')}]"
    moved = resource(address, "update", before=before, after=after, before_sensitive={"marked": True})
    created = resource(
        "a.c", "create", after={"marked": {"x": [secret]}}, after_sensitive={"marked": {"x": [True]}}
    )
    whole = resource(
        "a.d", "update", before={"m": {"k": [secret]}}, after={"m": {}}, before_sensitive={"m": True}
    )
    lost = resource("aws_s3_bucket.b", "delete", before={"id": text})
    opened = resource(
        "aws_s3_bucket_policy.p",
        "create",
        after={"policy": json.dumps({"Statement": {"Effect": "Allow", "Principal": "*", "Action": text}})},
    )
    output = {"actions": ["update"], "before": secret, "after": f"-{text}-"}
    return plan(
        {**moved, "previous_address": address.replace("a.b", "a.old")},
        created,
        whole,
        lost,
        opened,
        resource("a.e", "no-op", before=before, after=before, importing={"id": text}),
        resource("a.f", "no-op", before=before, after=before, importing={"identity": {"arn": text}}),
        output_changes={"out": output, f"-{text}": output},
        resource_drift=[resource(address, "update", before=after, after=before)],
        deferred_changes=[{"reason": text, "resource_change": moved}],
        checks=[{"status": "fail", "instances": [{"problems": [{"message": f"not {text}"}]}]}],
        action_invocations=[{"address": "action.a.b", "config_values": {"x": text}}],
    )


@given(SECRETS, SECRETS)
def test_the_review_is_the_same_whatever_the_secret(secret: object, other: object) -> None:
    assert review(plan_with(secret)) == review(plan_with(other))


@pytest.mark.parametrize("secret", [False, True, "1", "abc", 7, "Enabled", "none", {"x": False}])
def test_what_is_short_or_common_is_hidden_where_it_is_marked(secret: object) -> None:
    change = resource(
        "a.b",
        "update",
        before={"marked": secret, "status": "Enabled", "on": True, "number": "17"},
        after={"marked": None, "status": "none", "on": False, "number": "1"},
        before_sensitive={"marked": True},
    )
    markdown = markdown_of(change)
    assert "- marked: (sensitive)\n" in markdown
    assert '! number: "17" → "1"\n! on:     true → false\n! status: "Enabled" → "none"\n' in markdown


@pytest.mark.parametrize("key", ["name", "enabled", "point_in_time"])
def test_the_keys_of_a_sensitive_block_hide_no_attribute(key: str) -> None:
    marked = resource("a.marked", "no-op", after={"x": {key: "value"}}, after_sensitive={"x": True})
    change = resource(
        "a.b", "update", before={"s": {key: True}, key: "a"}, after={"s": {key: False}, key: "b"}
    )
    markdown = markdown_of(marked, change)
    assert re.search(rf'! {key}: +"a" → "b"\n', markdown)
    assert re.search(rf"! s\.{key}: +true → false\n", markdown)


def test_the_keys_of_a_sensitive_map_are_hidden_as_a_whole() -> None:
    secret = {"key-4711": "value", "Token": "value"}
    marked = resource("a.marked", "no-op", after={"x": secret}, after_sensitive={"x": True})
    change = resource(
        "a.b",
        "update",
        before={"tags": {"key-4711": "1", "Token": "1", "key-47110": "1"}, "x": "key-4711", "y": "my Token"},
        after={"tags": {"key-4711": "2", "Token": "2", "key-47110": "2"}, "x": "a", "y": "b"},
    )
    rows = re.findall(r"^! (.*?):? +.* → (.*)$", markdown_of(marked, change), re.MULTILINE)
    assert rows == [
        ("tags.(sensitive)", '"2"'),
        ("tags.(sensitive)", '"2"'),
        ("tags.key-47110", '"2"'),
        ("x", '"a"'),
        ("y", '"b"'),
    ]
    assert '! x:                (sensitive) → "a"' in markdown_of(marked, change)
    # No name could be like this one.
    marked = resource("a.marked", "no-op", after={"x": {"key 4711": 1}}, after_sensitive={"x": True})
    change = resource("a.b", "update", before={"t": {"key 4711": 1}}, after={"t": {"key 4711": 2}})
    assert "! t[(sensitive)]: 1 → 2\n" in markdown_of(marked, change)


def test_a_secret_that_reads_like_a_name_hides_no_attribute() -> None:
    marked = resource("a.marked", "no-op", after={"x": "attribute"}, after_sensitive={"x": True})
    before, after = (
        {"attribute": n, "b": [{"attribute": n}], "c": [{"id": "i", "attribute": n}], "m": {"attribute": n}}
        for n in (1, 2)
    )
    rows = updated_beside(marked, before, after)
    assert [row.split(":")[0].removeprefix("! ") for row in rows] == [
        "attribute",
        "b[0].attribute",
        "c[i].attribute",
        "m.(sensitive)",
    ]


def test_a_secret_is_no_key_after_an_index_or_in_a_statement() -> None:
    marked = resource("a.marked", "no-op", after={"x": "Hunter2"}, after_sensitive={"x": True})
    for text in (lambda value: value, json.dumps):
        before, after = (
            {"x": text([{"Hunter2": n}]), "y": text([{"id": "i", "Hunter2": n}])} for n in (1, 2)
        )
        assert updated_beside(marked, before, after) == [
            "! x[0].(sensitive): 1 → 2",
            "! y[i].(sensitive): 1 → 2",
        ]
    before, after = ({"p": json.dumps({"Statement": [{"Effect": "Deny", "Hunter2": n}]})} for n in "ab")
    assert updated_beside(marked, before, after) == ["- (sensitive)  a", "+ (sensitive)  b"]
    # But the resource's own attributes are from the code.
    assert updated_beside(marked, {"Hunter2": 1}, {"Hunter2": 2}) == ["! Hunter2: 1 → 2"]


Marked = tuple[Any, Any]


def _list_of_marked(items: list[Marked]) -> Marked:
    return [value for value, _ in items], [mark for _, mark in items]


def _dict_of_marked(items: dict[str, Marked]) -> Marked:
    return {key: value for key, (value, _) in items.items()}, {key: mark for key, (_, mark) in items.items()}


SECRET_LEAVES = st.one_of(SECRET_TEXT, st.integers(10**6, 10**12))
MARKED: st.SearchStrategy[Marked] = st.recursive(
    st.one_of(
        st.tuples(SECRET_LEAVES, st.just(True)),
        st.tuples(
            st.one_of(st.text(), st.none(), st.booleans(), st.integers()), st.sampled_from([False, None, {}])
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(_list_of_marked),
        st.dictionaries(st.text(max_size=5), inner, max_size=3).map(_dict_of_marked),
        st.tuples(st.dictionaries(SECRET_TEXT, SECRET_LEAVES, min_size=1, max_size=2), st.just(True)),
    ),
    max_leaves=8,
)


def marked_texts(value: object, mark: object) -> set[str]:
    if isinstance(mark, dict) and isinstance(value, dict):
        return {text for key in value for text in marked_texts(value[key], mark.get(key))}
    if isinstance(mark, list) and isinstance(value, list):
        return {text for item, inner in zip(value, mark, strict=True) for text in marked_texts(item, inner)}
    if not mark:
        return set()
    leaves = list(value.values()) if isinstance(value, dict) else [value]
    return {text_of(leaf) for leaf in leaves}


@given(MARKED, MARKED, st.sampled_from([["update"], ["delete", "create"], ["delete"], ["create"]]))
def test_nothing_marked_sensitive_is_in_the_review(before: Marked, after: Marked, actions: list[str]) -> None:
    change = {"actions": actions, "before": {"x": before[0]}, "before_sensitive": {"x": before[1]}}
    change |= {"after": {"x": after[0]}, "after_sensitive": {"x": after[1]}}
    item = {"address": "a.b", "type": "aws_s3_bucket", "change": change}
    bare = {"actions": actions, "before": change["before"], "after": change["after"]}
    unmarked = {**item, "change": bare}
    invocation = {
        "address": "a.c",
        "config_values": change["before"],
        "config_sensitive": change["before_sensitive"],
    }
    result = review(
        plan(
            item,
            unmarked,
            output_changes={"o": change},
            resource_drift=[unmarked],
            action_invocations=[invocation],
        )
    )
    secrets = marked_texts(*before) | marked_texts(*after)
    assert not [text for text in secrets if text in result.markdown or text in "".join(result.messages)]


@pytest.mark.parametrize(
    ("value", "mark", "shown"),
    [
        # A marker covers what it stands for, and no more.
        ({"a": "first", "b": "second"}, {"a": True}, '- x.a: (sensitive)\n- x.b: "second"\n'),
        ({"a": "first"}, True, "- x: (sensitive)\n"),
        ({"a": "first"}, [True], "- x: (sensitive)\n"),
        (["first", "second"], [True, False], '- x: (sensitive)\n- x: "second"\n'),
        (["first", "second"], [True], '- x: (sensitive)\n- x: "second"\n'),
        # Also what is too short to be found elsewhere.
        (["a", "b"], [True, False], '- x: (sensitive)\n- x: "b"\n'),
        ({"a": "a", "b": "b"}, {"a": True, "b": False}, '- x.a: (sensitive)\n- x.b: "b"\n'),
        (["first", "second"], True, "- x: (sensitive)\n"),
        (["first"], {"a": True}, "- x: (sensitive)\n"),
        ("first", {"a": True}, "- x: (sensitive)\n"),
        ("", True, "- x: (sensitive)\n"),
        ("first", {"a": False}, '- x: "first"\n'),
        ("first", [False], '- x: "first"\n'),
        ({"a": "first"}, {}, '- x.a: "first"\n'),
        ({"a": {"b": "first", "c": 1}}, {"a": {"b": True}}, "- x.a.b: (sensitive)\n- x.a.c: 1\n"),
    ],
)
def test_a_marker_covers_what_it_mirrors(value: object, mark: object, shown: str) -> None:
    gone: object = (
        {"a": {}} if value == {"a": {"b": "first", "c": 1}} else [] if isinstance(value, list) else {}
    )
    gone = None if isinstance(value, str) else gone
    change = resource("a.b", "update", before={"x": value}, after={"x": gone}, before_sensitive={"x": mark})
    markdown = markdown_of(change)
    rows = re.findall(r"^[-!] .*\n", re.sub(r" +", " ", markdown), re.MULTILINE)
    assert "".join(rows).replace(" → {}", "").replace(" → []", "").replace("! ", "- ") == shown


def test_sensitive_variables_and_data_sources_are_secrets_too() -> None:
    change = resource("a.b", "update", before={"x": 1}, after={"x": "from-variable", "y": "from-data-source"})
    change["change"]["after"]["z"] = "from-output"
    markdown = markdown_of(
        change,
        planned_values={"outputs": {"o": {"value": "from-output", "sensitive": True}}},
        variables={"v": {"value": "from-variable"}},
        configuration={"root_module": {"variables": {"v": {"sensitive": True}}}},
        prior_state={
            "values": {
                "root_module": {
                    "resources": [{"values": {"s": "from-data-source"}, "sensitive_values": {"s": True}}]
                }
            }
        },
    )
    assert "! x: 1 → (sensitive)" in markdown
    assert "+ y: (sensitive)" in markdown
    assert "+ z: (sensitive)" in markdown


def test_variables_that_are_not_sensitive_are_shown() -> None:
    markdown = markdown_of(
        resource("a.b", "update", before={"x": 1}, after={"x": "from-variable"}),
        variables={"v": {"value": "from-variable"}},
        configuration={"root_module": {"variables": {"v": {"sensitive": False}, "w": 1}}},
    )
    assert '! x: 1 → "from-variable"\n' in markdown


def test_what_is_sensitive_in_an_action_is_a_secret_too() -> None:
    action = {
        "address": "action.a.b",
        "config_values": {"payload": "from-action"},
        "config_sensitive": {"payload": True},
    }
    change = resource("a.b", "update", before={"x": 1}, after={"x": "from-action"})
    assert "! x: 1 → (sensitive)\n" in markdown_of(change, action_invocations=[action])


def test_every_one_of_several_numbers_is_hidden() -> None:
    for number in (4711, 54321, 1234567):
        assert "! x: (sensitive) → " in hidden_with([4711, 54321, 1234567], f"it is {number}")


def test_short_keys_of_a_sensitive_map_are_hidden_where_they_are_marked_only() -> None:
    marked = resource("a.marked", "no-op", after={"x": {"K-1": "value"}}, after_sensitive={"x": True})
    change = resource("a.b", "update", before={"t": {"K-1": 1}}, after={"t": {"K-1": 2}})
    assert "! t.K-1: 1 → 2\n" in markdown_of(marked, change)


def test_a_marker_of_another_shape_for_what_is_not_known_is_passed_over() -> None:
    change = resource(
        "a.b", "create", after={"x": "text", "y": [1]}, after_unknown={"x": {"a": True}, "y": {"a": True}}
    )
    assert '+ x: "text"\n+ y: [1]\n' in markdown_of(change)


def test_a_secret_in_the_words_of_the_review_hides_none_of_them() -> None:
    marked = resource("a.marked", "no-op", after={"x": ["apply", "sensitive"]}, after_sensitive={"x": True})
    change = resource("a.b", "create", after={"y": 1}, after_unknown={"x": True}, after_sensitive={"y": True})
    markdown = markdown_of(
        marked, change, output_changes={"o": {"actions": ["create"], "after_unknown": True}}
    )
    assert "+ y: (sensitive)\n" in markdown
    assert "+ o: (known after apply)\n" in markdown


def hidden_with(secret: object, value: object, address: str = "a.b") -> str:
    """The review of a change to `value` in a plan that marks `secret` sensitive elsewhere."""
    marked = resource("a.marked", "no-op", after={"x": secret}, after_sensitive={"x": True})
    return markdown_of(marked, resource(address, "update", before={"x": value}, after={"x": "gone"}))


@pytest.mark.parametrize(
    ("secret", "value"),
    [
        ("hunter2-x", "9hunter2-x9"),
        ("admin:Correcthorse", "https://admin:Correcthorse@db"),
        (83920471, "https://db2.83920471.example.com"),
        (83920471, "v1.83920471"),
        ("hunter", "user\nhunter\nx"),
        ("hunter", "user\n  hunter  \n"),
        ('a"bc', json.dumps(json.dumps({"key": 'a"bc'}))),
        ("é/<é", '{"key": "\\u00e9\\/\\u003c\\u00e9"}'),
        ("a😀😀b", "export KEY='a\\ud83d\\ude00\\uD83D\\uDE00b'"),
        ("a\tb\rc\bd\fe\nf", "export KEY='a\\tb\\rc\\bd\\fe\\nf'"),
        ('["hunter22"]', "pw hunter22"),
        ("u0060", "`"),
        ("p@ss/w", "mysql://u:p%40ss%2fw@h"),
        ("p@ss w", "?pw=p%40ss+w"),
        ("p@ss/w", "?to=mysql%3A%2F%2Fu%3Ap%2540ss%252Fw%40h"),
        ("a<b&c", "<pw>a&lt;b&amp;c</pw>"),
        ({"user": "some-name"}, "of some-name"),
        (["first-1", "second-2"], "first-1, then"),
        ('{"key": 1}', {"key": 1}),
        ('{"password": "hunter22"}', "pw hunter22"),
        (5432, "host:5432"),
        ("5432", 5432),
        (5432.0, 5432),
        (5432, "it is 5432.0."),
        (2024, "2024.0"),
        (2500.5, "2500.50"[:-1]),
        (Decimal("2500.50"), "2500.5"),
        ("hunter22", "\\ud83d hunter\\u0032\\u0032"),
        ('"first-1", "second', ["first-1", "second-2"]),
        # With other white space.
        ("hunter22\n", "hunter22"),
        ("some pass phrase", "some\n  pass\tphrase"),
        ("-----BEGIN\nabcdefgh\n-----END", "k: |\r\n  -----BEGIN\r\n  abcdefgh\r\n  -----END\r\n"),
        ("-----BEGIN\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END", "joined: hkiG9w0BAQEFAASCabcd"),
        # Where the secret is the one that is escaped.
        ('"hunter22"', "hunter22"),
        ("hunter22%2Fab", "hunter22/ab"),
        ("p\\u0040ss/w", "p%40ss%2Fw"),
        ("it's hunter", "key: 'it''s hunter'"),
        ("it''s hunter", "it's hunter"),
        ('say "hunter"', 'x,"say ""hunter"""'),
        (83920471, "pin.83920471.example.com"),
        (4711, "1-4711"),
        # A word as a value, wherever it stands.
        ("hunter", "hunter"),
        ("hunter", " hunter\n"),
        ("hunter", "mysql://root:hunter@host"),
        ("root", "mysql://root@host"),
        ("hunter", "?user=me&pw=hunter&x=1"),
        ("Hunter", "export PW='Hunter'"),
        ("HUNTER", "password: HUNTER\nuser: x"),
        ("hunter", "run --password 'hunter' now"),
        ("hunter", '{"password": "hunter"}'),
        ("hunter", '["hunter"]'),
        ("hunterhunter", "xhunterhunterx"),
        ("hUnter", "xhUnterx"),
        # As deep as 39 times.
        ("p@ss/w", f"p%{'25' * 38}40ss%{'25' * 38}2Fw"),
    ],
    ids=ascii,
)
def test_a_secret_is_found_in_other_forms(secret: object, value: object) -> None:
    assert '! x: (sensitive) → "gone"\n' in hidden_with(secret, value)


def test_how_deep_a_secret_is_looked_for_has_an_end() -> None:
    assert "%25" in hidden_with("p@ss/w", f"p%{'25' * 39}40ss%{'25' * 39}2Fw")


@pytest.mark.parametrize(
    ("secret", "value"),
    [
        *((5432, "15432"), (5432, 54321), ("5432", "1.5432"), (1000, 1001), (5432, "5432.7")),
        *(
            (2024, "2024-05-01"),
            (2024, "2024/5"),
            (2024, "2024.5"),
            ("2024", "01.05.2024"),
            (1999, "31/12/1999"),
            ("0.1.0.0/8", "10.1.0.0/8"),
        ),
    ],
)
def test_a_number_is_no_part_of_another(secret: object, value: object) -> None:
    assert f"! x: {json.dumps(value)} → " in hidden_with(secret, value)


SAME: list[tuple[object, object]] = [
    *((1, Decimal("1.0")), ("a", "a"), (None, None), (False, False)),
    *(([1, {"a": []}], [1, {"a": []}]), ({"a": 1, "b": 2}, {"b": 2, "a": Decimal(1)})),
]
OTHER: list[tuple[object, object]] = [
    *((1, True), (0, False), (None, False), ("1", 1), ([1], [True]), ({"a": [0]}, {"a": [False]})),
    *(([1], [1, 2]), ([], {}), ({"a": 1}, {"b": 1}), ({"a": 1}, {"a": 1, "b": 1}), ([], None)),
]


def test_hidden_values_are_equal_when_they_are_the_same_as_json() -> None:
    for one, other in SAME:
        assert Hidden(one) == Hidden(other)
        assert Hidden(one) != one
    for one, other in OTHER:
        assert Hidden(one) != Hidden(other)
        change = {"before": {"x": one}, "after": {"x": other}}
        change |= {"before_sensitive": {"x": True}, "after_sensitive": {"x": True}}
        assert "(sensitive)" in markdown_of(resource("a.b", "update", **change))


@pytest.mark.parametrize(
    ("secret", "value"),
    [
        # Short words are no values there.
        ("name", "username"),
        ("name", "my name is"),
        ("name", '{"name": 1, "x": "a name"}'),
        ("info", "level=information"),
        ("prod", "orders-prod"),
        ("prod", "host=prod.example.com"),
        ("root", "arn:aws:iam::123456789012:root"),
        ("auto", "x: auto-scaling"),
        ("host", "user@host"),
        ("administer", "administered"),
        # What every plan is full of.
        *(("0.0.0.0/0", "0.0.0.0/0"), ("::/0", "::/0"), ("s3:GetObject", "s3:GetObject"), ("iam:*", "iam:*")),
        *(("lambda.amazonaws.com", "lambda.amazonaws.com"), ("2012-10-17", "2012-10-17")),
        ("1e3", "up to 1000"),
        *((4711, "it is 2.4711"), (4711, "2.4711 and more than it needs")),
        # A line of a document is no key.
        ('{\n"Effect":"Allow",\n"Name":"SecretOfMine"}', 'x "Effect":"Allow", y'),
        # What is left is too short, or a heading.
        *(("    ", "a    b"), (" abc ", "abcd"), ("%41bc", "Abc")),
        ("-----BEGIN CERTIFICATE-----\nabcdefgh\n", "-----BEGIN CERTIFICATE-----"),
        ("#!/bin/bash\nsudo apt-get update\n", "#!/bin/bash sudo apt-get upgrade"),
    ],
)
def test_what_only_looks_like_a_secret_is_shown(secret: object, value: str) -> None:
    assert f"! x: {json.dumps(value)} → " in hidden_with(secret, value)


def test_a_sensitive_policy_leaves_others_readable() -> None:
    statements = [
        {
            "Sid": "Sensitive",
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com", "AWS": "arn:aws:iam::222222222222:root"},
            "Action": ["s3:GetObject", "dynamodb:*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": "222222222222"}},
        }
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    marked = resource("a.marked", "no-op", after={"x": policy}, after_sensitive={"x": True})
    other = policy.replace("Sensitive", "Other").replace("GetObject", "PutObject")
    change = resource("a.b", "update", before={"policy": '{"Statement": []}'}, after={"policy": other})
    assert (
        "@@ policy.Statement[Other]: added @@\n"
        "+ Allow      dynamodb:*, s3:PutObject\n"
        "+ Principal  Service lambda.amazonaws.com, (sensitive)\n"
        "+ Resource   *\n"
        "+ Condition  StringEquals aws:SourceAccount = (sensitive)\n"
    ) in markdown_of(marked, change)
    same = resource("a.b", "update", before={"policy": "x"}, after={"policy": policy})
    assert '! policy: "x" → (sensitive)\n' in markdown_of(marked, same)


def test_sensitive_json_hides_its_values_but_not_its_keys_unless_they_are_no_names() -> None:
    document = {
        "engine": "postgres",
        "port": 5432,
        "userName": "app_user",
        "level": "info",
        "k-4711": "abcd1",
    }
    marked = resource("a.marked", "no-op", after={"x": json.dumps(document)}, after_sensitive={"x": True})
    before = {
        "engine": "postgres",
        "log": "information",
        "t": {"userName": 1, "k-4711": 1},
        "u": "x app_user",
    }
    after = {"engine": "postgres12", "log": "infos", "t": {"userName": 2, "k-4711": 2}, "u": "x"}
    rows = updated_beside(marked, before, after)
    assert rows == [
        '! engine:        (sensitive) → "postgres12"',
        '! log:           "information" → "infos"',
        "! t.(sensitive): 1 → 2",
        "! t.userName:    1 → 2",
        '! u:             (sensitive) → "x"',
    ]


def updated_beside(marked: object, before: object, after: object) -> list[str]:
    markdown = markdown_of(marked, resource("a.b", "update", before=before, after=after))
    return re.findall(r"^[-+!] .*$", markdown, re.MULTILINE)


def test_a_secret_hides_its_part_of_a_policy_only() -> None:
    policies = [
        json.dumps(
            {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "secret-account"}, "Action": action}]}
        )
        for action in ("s3:GetObject", "s3:PutObject")
    ]
    marked = resource("a.marked", "no-op", after={"x": "secret-account"}, after_sensitive={"x": True})
    change = resource("a.b", "update", before={"policy": policies[0]}, after={"policy": policies[1]})
    markdown = markdown_of(marked, change)
    assert "- Allow      s3:GetObject\n+ Allow      s3:PutObject\n  Principal  (sensitive)\n" in markdown
    # Nor does one that is made of several values of another policy.
    other = resource("a.other", "no-op", after={"x": '"other", "value'}, after_sensitive={"x": True})
    assert "+ Allow      s3:PutObject\n" in markdown_of(other, change)
    letters = string.ascii_letters + string.digits
    marked = resource("a.marked", "no-op", after={"x": letters}, after_sensitive={"x": True})
    spelled = [text.replace("Object", f"Object{letters}") for text in policies]
    assert "  Allow      (sensitive)\n" in markdown_of(
        marked, resource("a.b", "update", before={"policy": spelled[0]}, after={"policy": spelled[1]})
    )
    word = resource("a.word", "no-op", after={"x": "tObject"}, after_sensitive={"x": True})
    assert (
        "@@ policy.Statement[0]: the same as far as it may be shown @@\n"
        "  Allow      (sensitive)\n"
        "  Principal  secret-account\n"
    ) in markdown_of(word, change)
    # But for a secret that is made of several of its values.
    marked = resource("a.marked", "no-op", after={"x": '"Allow", "P'}, after_sensitive={"x": True})
    assert "! policy: (sensitive) → (sensitive)\n" in markdown_of(marked, change)


@pytest.mark.parametrize(
    ("secret", "address", "shown"),
    [
        ("wxy-", 'a.b["k-wxy-"]', "a.b[(sensitive)]"),
        ("wxyz", 'a.b["k-wxyz"]', 'a.b["k-wxyz"]'),
        ('wxyz"', 'a.b["wxyz\\""]', "a.b[(sensitive)]"),
        (4711, "a.b[4711]", "a.b[(sensitive)]"),
        ("wxyz", 'module.m["wxyz"].a.b', "module.m[(sensitive)].a.b"),
        ("orde", "module.m.a.orders", "module.m.a.orders"),
        # Names are from the code.
        ("orders", "module.m.a.orders", "module.m.a.orders"),
    ],
)
def test_a_secret_in_an_address_is_hidden(secret: object, address: str, shown: str) -> None:
    assert f"**✏️ `{shown}`**" in hidden_with(secret, "value", address)


def test_what_is_shown_can_be_read_as_json() -> None:
    change = resource("a.b", "update", before={"x": 'a\nb`c\u202ed\\"'}, after={"x": 1e100})
    assert '! x: "a\\nb\\u0060c\\u202ed\\\\\\"" → 1E+100\n' in markdown_of(change).replace("e+", "E+")


def test_numbers_are_shown_as_they_are_written() -> None:
    numbers = [None, True, 1e5, Decimal("2.50"), Decimal("-0.10"), 10**70, Decimal("1e59"), Decimal("1.5e60")]
    change = resource("a.b", "update", before={"x": {"y": numbers}}, after={"x": 1})
    shown = f"null, true, 100000, 2.5, -0.1, {10**70}, {10**59}, 1.5E+60"
    assert f'- x: {{"y": [{shown}]}}\n' in markdown_of(change)
    numbers = [Decimal("0e-999999999"), Decimal(f"{10**60}e0"), Decimal("1.50e-60")]
    change = resource("a.b", "update", before={"x": numbers}, after={"x": 1})
    assert "! x: [0, 1E+60, 1.5E-60] → 1\n" in markdown_of(change)


def test_long_values_are_clipped() -> None:
    for length, shown in ((200, "b" * 200), (199, "b" * 199)):
        change = resource("a.b", "create", after={"x": "b" * (length - 2)})
        assert f'+ x: "{shown[2:]}"\n' in markdown_of(change)
    change = resource("a.b", "create", after={"x": "b" * 199})
    assert f'+ x: "{"b" * 199}… (201 characters)\n' in markdown_of(change)
    name = "n" * 501
    assert f"+ {name[:500]}: 1\n" in markdown_of(resource("a.b", "create", after={name: 1}))


@pytest.mark.parametrize(
    ("before", "after", "rows"),
    [
        ("שלום", "عالم", '! t.n: <"שלום"> → <"عالم">'),
        ("٣", "語é", '! t.n: <"٣"> → "語é"'),
        ({"ש": ["ש", "x"]}, 1, '! t.n: {<"ש">: [<"ש">, "x"]} → 1'),
        # The plan's own marks end none.
        ("ש\u2069\u2068", "x", '! t.n: <"ש\\u2069\\u2068"> → "x"'),
        # Nor does a cut.
        (1, ["ש" * 300], f'- t.n: 1\n+ t.n: [<"{"ש" * 197}>… (306 characters)'),
        (1, ["ש", "y" * 300], f'- t.n: 1\n+ t.n: [<"ש">, "{"y" * 191}… (311 characters)'),
        (
            {"ש" * 600: 1},
            {"ש" * 600: 2},
            "\n".join(f'{row[0]} t.n[<"{"ש" * 494}>: {row[1]}' for row in ("-1", "+2")),
        ),
    ],
)
def test_what_is_written_from_right_to_left_does_not_turn_its_row_around(
    before: object, after: object, rows: str
) -> None:
    found = updated_beside(resource("a.c", "no-op"), {"t": {"n": before}}, {"t": {"n": after}})
    isolated = rows.replace("<", "\u2068").replace(">", "\u2069")
    assert "\n".join(found) == isolated


def test_a_secret_of_several_values_is_found_in_spite_of_isolates() -> None:
    assert "! x: (sensitive) → " in hidden_with('ש", "ב', ["ש", "ב"])


def test_a_block_of_the_user_marks_nothing() -> None:
    blocks = [{"value": "some-region", "sensitive": "false"}]
    block = resource("a.b", "update", before={"v": blocks}, after={"v": []})
    other = resource("a.c", "update", before={"x": "some-region"}, after={"x": "y"})
    assert '! x: "some-region" → "y"' in markdown_of(block, other)
    output = {"o": {"value": "some-region", "sensitive": True}}
    planned = {"planned_values": {"outputs": output}}
    assert '! x: (sensitive) → "y"' in markdown_of(other, **planned)


def test_a_key_of_a_sensitive_map_is_hidden_in_an_address() -> None:
    marked = resource("a.m", "no-op", after={"x": {"Alice Smith": 1}}, after_sensitive={"x": True})
    change = resource('a.b["Alice Smith"]', "update", before={"x": 1}, after={"x": 2})
    assert "**✏️ `a.b[(sensitive)]`**" in markdown_of(marked, change)


@pytest.mark.parametrize("kind", ["Federated", "Service", "CanonicalUser"])
def test_a_secret_word_is_hidden_as_a_principal_too(kind: str) -> None:
    marked = resource("a.m", "no-op", after={"x": "Hunter"}, after_sensitive={"x": True})
    statement = {"Effect": "Allow", "Action": "a:B", "Principal": {kind: ["Hunter", "other"]}}
    created = resource("a.b", "create", after={"policy": json.dumps({"Statement": [statement]})})
    assert f"+ Principal  {kind} (sensitive), {kind} other\n" in markdown_of(marked, created)


QUEUE_OF_ANOTHER = "arn:aws:sqs:r:210987654321:q"


@pytest.mark.parametrize(
    ("type_", "attribute", "before", "after"),
    [
        (
            "aws_sqs_queue_policy",
            "policy",
            "",
            '{"Statement": {"Effect": "Allow", "Principal": "210987654321"}}',
        ),
        ("aws_sns_topic_subscription", "endpoint", "x", QUEUE_OF_ANOTHER),
        ("aws_sqs_queue", "redrive_policy", "{}", json.dumps({"deadLetterTargetArn": QUEUE_OF_ANOTHER})),
    ],
)
@pytest.mark.parametrize("action", ["create", "update"])
@pytest.mark.parametrize("marks", [True, False])
def test_no_part_of_what_is_sensitive_is_named(
    type_: str, attribute: str, before: str, after: str, action: str, *, marks: bool
) -> None:
    change = resource(
        f"{type_}.it",
        action,
        before={attribute: before} if action == "update" else None,
        after={attribute: after, "other": "x"},
        after_sensitive={attribute: marks, "other": not marks},
    )
    result = review(plan(change))
    assert result.findings
    texts = result.markdown, *result.messages, *(finding.words for finding in result.findings)
    assert any("210987654321" in text for text in texts) is not marks
    assert (":** `(sensitive)`" in result.markdown) is marks


def plan_of_text(text: str) -> dict[str, Any]:
    before = {
        "x": text,
        text: text,
        "id": text,
        "list": [text],
        "same": {text: [text]},
        "long": text[:50] * 300,
    }
    policy = json.dumps(
        {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Sid": text,
                    "Principal": "*",
                    "Action": [f"s3:x{text}"],
                    f"x{text}": text,
                }
            ]
        }
    )
    item = resource(
        f'a.b["{text}"]', "delete", "create", before=before, after={"x": 1}, importing={"id": text}
    )
    item |= {"deposed": text or "x", "previous_address": f"a.{text}", "action_reason": f"by {text}"}
    item["change"]["replace_paths"] = [["x"], [text, 0]]
    output = {"actions": ["update"], "before": text, "after": [text]}
    return plan(
        item,
        {**item, "type": "aws_s3_bucket"},
        resource("z.c", "update", before=before, after={"long": text[:50] * 299 + "x"}),
        resource("z.d", "update", before={"x": "[1]", "y": "[]"}, after={"x": text, "y": f"[{text}]"}),
        resource("z.e", "no-op", after={"x": "a-secret"}, after_sensitive={"x": True}),
        resource("aws_iam_role.r", "create", after={}),
        resource("aws_iam_policy.p", "create", after={"policy": policy}),
        resource("aws_s3_bucket_policy.p", "create", after={"policy": policy}),
        output_changes={"o": output, f"p{text}": output},
        resource_drift=[resource(f"a.{text}", "update", before=before, after={})],
        deferred_changes=[{"reason": text, "resource_change": item}],
        checks=[
            {
                "status": "fail",
                "address": {"to_display": text},
                "instances": [{"problems": [{"message": text}]}],
            }
        ],
        action_invocations=[
            {
                "address": f"action.{text}",
                "config_values": {text: text},
                "lifecycle_action_trigger": {
                    "action_trigger_event": text,
                    "triggering_resource_address": text,
                },
            }
        ],
    )


HOSTILE = ["`", "``", "```\n# x", "|", "\n", "\r\n- x", "<!--", "</details>", "</code>", "@everyone"]
HOSTILE += ["[x](http://y)", "\x1b[31m", "\u202e", "\u200b", "\u2028", "\ud800", "\\`", "~~~", "${{ x }}"]
HOSTILE += ["$x$", "&lt;", "  ", "\x00", "x" * 2_000, *MALFORMED]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:30]))
def test_hostile_text_stays_inside_code(text: str) -> None:
    check_text_stays_inside_code(text)


@given(st.text(min_size=1, max_size=20))
def test_any_text_stays_inside_code(text: str) -> None:
    check_text_stays_inside_code(text)


def check_text_stays_inside_code(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # A cut comment has other sections.
        patch.setattr("tools.review.comment.COMMENT_LIMIT", 1_000_000)
        result = review(plan_of_text(text), [text])
    assert outside_code(result.markdown) == outside_code_of_plain_text()
    assert "".join(result.messages).isprintable()


@functools.cache
def outside_code_of_plain_text() -> str:
    return outside_code(review(plan_of_text("plain"), ["plain"]).markdown)


def outside_code(markdown: str) -> str:
    lines = re.sub("\u2068([^\u2068\u2069\n]*)\u2069", r"\1", markdown).splitlines()
    assert all(map(str.isprintable, lines))
    without_blocks = re.sub(r"^```diff\n(?:[-+! @…].*\n)+```$", "BLOCK", markdown, flags=re.MULTILINE)
    without_blocks = re.sub(r"^```\n(?:#.*\n--allow=.*\n)+```$", "LINES", without_blocks, flags=re.MULTILINE)
    return re.sub(r"<code>[^<>`\n]*</code>|`[^`\n]+`", "SPAN", without_blocks)
