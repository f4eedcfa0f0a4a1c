"""The review of Terraform plans: hand-made ones that no provider produces on request, and generated ones."""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.review.plan_review import (
    ACTIONS,
    EXIT_GUARDED,
    EXIT_SAFE,
    EXIT_UNUSABLE,
    GUARDED,
    read_plan,
    review,
)

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

PLANS = Path(__file__).parent / "plans"
GITHUB_COMMENT_LIMIT = 65_536


def load(name: str) -> Any:  # noqa: ANN401
    return read_plan(PLANS / f"{name}.json")


def resource(
    address: str, *actions: str, before: object = None, after: object = None, **change: object
) -> Any:  # noqa: ANN401
    return {
        "address": address,
        "mode": "managed",
        "type": address.partition(".")[0],
        "change": {"actions": list(actions), "before": before, "after": after, **change},
    }


def plan(*changes: object, **fields: object) -> dict[str, Any]:
    return {"format_version": "1.2", "resource_changes": list(changes), **fields}


TABLE_DESTROYED = resource("aws_dynamodb_table.orders", "delete", before={"id": "orders-table-dev"})


def markdown_of(*changes: object, **fields: object) -> str:
    result = review(plan(*changes, **fields))
    assert result.exit_status == EXIT_SAFE
    return result.markdown


@pytest.mark.parametrize("path", sorted(PLANS.glob("*.json")), ids=lambda path: path.stem)
def test_reviews_are_unchanged(path: Path, snapshot: SnapshotAssertion) -> None:
    assert review(read_plan(path)).markdown == snapshot


# --- The gate ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "address", "loss"),
    [
        ("create_before_destroy", "aws_dynamodb_table.orders", "replaced"),
        ("forget", "aws_s3_bucket.audit", "forgotten"),
        ("create_then_forget", "aws_kms_key.alarms", "replaced"),
        ("deposed", "aws_dynamodb_table.orders", "destroyed"),
        ("deferred", "aws_s3_bucket.audit", "destroyed"),
    ],
)
def test_guarded_loss_stops_until_allowed(name: str, address: str, loss: str) -> None:
    stopped = review(load(name))
    assert stopped.exit_status == EXIT_GUARDED
    assert stopped.markdown.startswith(
        "**Stop: 1 guarded resource would be destroyed, replaced or forgotten.**"
    )
    assert re.search(rf"- \*\*{loss}\*\*: .* `{re.escape(address)}`", stopped.markdown)
    assert stopped.messages[0].startswith(f"{address} would be {loss}")

    allowed = review(load(name), [address])
    assert allowed.exit_status == EXIT_SAFE
    assert allowed.markdown.startswith("**Allowed: 1 guarded resource")
    assert f"**{loss}** (allowed):" in allowed.markdown


@pytest.mark.parametrize("type_", GUARDED)
@pytest.mark.parametrize(
    "actions", [("delete",), ("delete", "create"), ("create", "delete"), ("forget",), ("create", "forget")]
)
def test_every_guarded_type_is_guarded_against_every_loss(type_: str, actions: tuple[str, ...]) -> None:
    assert review(plan(resource(f"{type_}.it", *actions, before={}))).exit_status == EXIT_GUARDED


@pytest.mark.parametrize("name", ["changes_in_place", "moved_and_imported", "null_markers", "drift"])
def test_plans_that_lose_nothing_guarded_pass(name: str) -> None:
    assert review(load(name)).exit_status == EXIT_SAFE


def test_allowing_one_of_two_still_stops() -> None:
    bucket = resource('aws_s3_bucket.b["x"]', "delete", before={})
    result = review(plan(TABLE_DESTROYED, bucket), ['aws_s3_bucket.b["x"]'])
    assert result.exit_status == EXIT_GUARDED
    assert "Stop: 1 guarded resource " in result.markdown


def test_allowing_what_is_not_at_stake_is_said() -> None:
    result = review(plan(TABLE_DESTROYED), ["aws_dynamodb_table.order"])
    assert result.exit_status == EXIT_GUARDED
    assert "`--allow aws_dynamodb_table.order`: no guarded data is at stake there." in result.markdown
    assert result.messages[-1] == "--allow aws_dynamodb_table.order: no guarded data is at stake there."


def test_a_data_source_of_a_guarded_type_is_no_data() -> None:
    source = {**resource("aws_s3_bucket.b", "delete", before={}), "mode": "data"}
    assert review(plan(source)).exit_status == EXIT_SAFE


UNUSABLE: dict[str, object] = {
    "empty": {},
    "list": [],
    "string": "plan",
    "null": None,
    "cdk.tf.json": {"//": {}, "resource": {"aws_s3_bucket": {}}, "terraform": {}},
    "state": {"format_version": "1.0", "terraform_version": "1.11.4", "values": {}},
    "no changes at all": {"format_version": "1.2"},
    "null changes": {"format_version": "1.2", "resource_changes": None},
    "changes of another shape": {"format_version": "1.2", "planned_values": {}, "resource_changes": {}},
    "no version": {"resource_changes": []},
    "next version": plan(format_version="2.0"),
    "version as a number": plan(format_version=1.2),
    "errored": plan(errored=True),
    "errored is null": plan(errored=None),
    "incomplete": plan(complete=False),
    "incomplete is null": plan(complete=None),
    "unknown action": plan(resource("a.b", "explode")),
    "unknown pair of actions": plan(resource("a.b", "forget", "create")),
    "no action": plan(resource("a.b")),
    "action is no list": plan({"address": "a.b", "type": "a", "change": {"actions": "delete"}}),
    "action is no string": plan({"address": "a.b", "type": "a", "change": {"actions": [["delete"]]}}),
    "no type": plan({"address": "a.b", "change": {"actions": ["delete"]}}),
    "no address": plan({"type": "a", "change": {"actions": ["no-op"]}}),
    "no change": plan({"address": "a.b", "type": "a"}),
    "null entry": plan(None),
    "unknown action of an output": plan(output_changes={"o": {"actions": ["explode"]}}),
    "output of another shape": plan(output_changes={"o": None}),
    "outputs of another shape": plan(output_changes=[]),
    "deferred of another shape": plan(deferred_changes=[None]),
    "deferred without a change": plan(deferred_changes=[{"reason": "unknown"}]),
    "unknown action of drift": plan(resource_drift=[resource("a.b", "explode")]),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_is_no_usable_plan_is_refused(name: str) -> None:
    result = review(UNUSABLE[name], ["a.b"])
    assert result.exit_status == EXIT_UNUSABLE
    assert result.markdown.startswith("**No review: this is not a usable plan**, because ")
    assert result.messages[0].startswith("not a usable plan: ")


def test_an_incomplete_plan_that_loses_guarded_data_is_refused() -> None:
    assert (
        review(plan(TABLE_DESTROYED, complete=False), ["aws_dynamodb_table.orders"]).exit_status
        == EXIT_UNUSABLE
    )


def test_deep_nesting_is_refused() -> None:
    value: object = {}
    for _ in range(5_000):
        value = [value]
    assert review(plan(resource("a.b", "update", before=value, after=1))).exit_status == EXIT_UNUSABLE


# --- The text ----------------------------------------------------------------------------------------------


def test_no_changes_is_one_quiet_line() -> None:
    unchanged = resource("aws_dynamodb_table.orders", "no-op", before={"a": 1}, after={"a": 1})
    assert markdown_of(unchanged) == "No changes.\n"
    assert review({"format_version": "1.2", "planned_values": {}}).markdown == "No changes.\n"


def test_the_first_line_counts_every_kind_of_change() -> None:
    result = review(
        plan(
            resource("a.add", "create", after={}),
            resource("a.change", "update", before={}, after={}),
            resource("a.replace", "delete", "create", before={}, after={}),
            resource("a.replace2", "create", "delete", before={}, after={}),
            resource("a.destroy", "delete", before={}),
            {**resource("a.new", "no-op", before={}, after={}), "previous_address": "a.old"},
            resource("a.import", "update", before={}, after={}, importing={"id": "x"}),
            resource("a.forget", "forget", before={}),
        )
    )
    assert result.markdown.splitlines()[0] == (
        "**No guarded data would be destroyed, replaced or forgotten.** Plan: "
        "1 to add, 2 to change, 2 to replace, 1 to destroy, 1 to move, 1 to import, 1 to forget."
    )


def test_the_most_dangerous_comes_first() -> None:
    markdown = review(
        plan(
            resource("a.created", "create", after={"x": 1}),
            resource("a.changed", "update", before={"x": 1}, after={"x": 2}),
            resource("aws_s3_bucket.changed", "update", before={"x": 1}, after={"x": 2}),
            resource(
                "a.replaced", "delete", "create", before={"x": 1}, after={"x": 2}, replace_paths=[["x"]]
            ),
            TABLE_DESTROYED,
            output_changes={"out": {"actions": ["create"], "before": None, "after": 1}},
            resource_drift=[resource("a.drifted", "update", before={"x": 1}, after={"x": 2})],
        )
    ).markdown
    names = [
        "table.orders",
        "a.replaced",
        "bucket.changed",
        "a.changed",
        "a.drifted",
        "`out`",
        "The rest",
        "a.created",
    ]
    positions = [markdown.index(name) for name in names]
    assert positions == sorted(positions)


def test_a_replacement_names_what_forces_it() -> None:
    markdown = review(load("create_before_destroy")).markdown
    assert '`aws_dynamodb_table.orders`, `"orders-table-dev"`, forced by `hash_key`\n' in markdown
    assert '~ hash_key: "orderId" → "id" (forces replacement)' in markdown
    assert "known after apply" not in markdown
    assert '`aws_lambda_function.processor`, `"f"`; it is tainted' in markdown


def test_changes_are_shown_per_attribute() -> None:
    change = resource(
        "a.b",
        "update",
        before={
            "same": 1,
            "number": 5,
            "tags": {"a": "x"},
            "rule": [{"days": 90, "id": "r"}],
            "set": ["p", "q"],
        },
        after={
            "same": 1,
            "number": 2.5,
            "tags": {"a": "y"},
            "rule": [{"days": 30, "id": "r"}],
            "set": ["q", "s"],
        },
        after_unknown={"arn": True},
    )
    rows = re.findall(r"^  ([-+~] .*)$", markdown_of(change), re.MULTILINE)
    assert rows == [
        "~ arn: null → (known after apply)",
        "~ number: 5 → 2.5",
        "~ rule[0].days: 90 → 30",
        '- set: "p"',
        '+ set: "s"',
        '~ tags.a: "x" → "y"',
    ]


def test_json_in_a_string_is_compared_inside() -> None:
    before, after = (
        {"Statement": [{"Action": [action], "Effect": "Allow"}]} for action in ("s3:Get", "s3:*")
    )
    change = resource(
        "a.b", "update", before={"policy": json.dumps(before)}, after={"policy": json.dumps(after)}
    )
    assert (
        '  - policy.Statement[0].Action: "s3:Get"\n  + policy.Statement[0].Action: "s3:*"\n'
        in markdown_of(change)
    )


def test_long_values_are_shortened_to_where_they_part() -> None:
    change = resource("a.b", "update", before={"x": "a" * 900 + "before"}, after={"x": "a" * 900 + "after"})
    row = next(line for line in markdown_of(change).splitlines() if "~ x" in line)
    assert 'aaabefore" → …' in row
    assert row.endswith('aaaafter"')
    assert len(row) < 200


@pytest.mark.parametrize("empty", [{}, [], "", 0, 0.0])
def test_drift_from_null_to_empty_is_noise(empty: object) -> None:
    drift = resource(
        "a.b", "update", before={"x": None, "nested": [{}]}, after={"x": empty, "nested": [{"y": empty}]}
    )
    assert markdown_of(resource_drift=[drift]) == "No changes.\n"


@pytest.mark.parametrize(
    ("before", "after"), [(None, False), (None, 1), ("x", ""), (0, None), ({}, {"a": 1})]
)
def test_other_drift_is_shown(before: object, after: object) -> None:
    drift = resource("a.b", "update", before={"x": before}, after={"x": after})
    markdown = markdown_of(resource_drift=[drift])
    assert "<details><summary>Changed outside of Terraform: 1</summary>\n\n- `a.b`\n" in markdown
    assert markdown.endswith("</details>\n")


def test_drift_is_no_change_to_the_gate() -> None:
    assert "`aws_s3_bucket.b` was deleted" in markdown_of(
        resource_drift=[resource("aws_s3_bucket.b", "delete")]
    )


def test_sensitive_outputs_are_hidden() -> None:
    output: dict[str, object] = {"actions": ["update"], "before": "old-token", "after": "new-token"}
    output |= {"before_sensitive": True, "after_sensitive": True}
    assert "`token`: `(sensitive)` → `(sensitive)`" in markdown_of(output_changes={"token": output})


# --- The size ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("character", ["a", "語", "😀", "`", "\n"])
def test_a_long_review_is_cut_from_the_least_dangerous_end(character: str) -> None:
    updates = [
        resource(f"a.updated{number}", "update", before={"x": 1}, after={"x": character * 150})
        for number in range(600)
    ]
    created = [resource(f"a.created{number}", "create", after={}) for number in range(600)]
    result = review(plan(*created, *updates, TABLE_DESTROYED))
    assert len(result.markdown.encode("utf-16-le")) // 2 <= GITHUB_COMMENT_LIMIT
    assert len(result.markdown.encode()) > GITHUB_COMMENT_LIMIT * 0.9
    assert result.markdown.startswith("**Stop: 1 guarded")
    assert "Plan: 600 to add, 600 to change, 1 to destroy." in result.markdown.splitlines()[0]
    assert "`aws_dynamodb_table.orders`" in result.markdown
    assert "a.updated0`" in result.markdown
    assert "a.created" not in result.markdown
    shown = result.markdown.count("`a.updated")
    assert f"**Cut to fit a comment:** {600 - shown + 600} of its parts" in result.markdown


def test_every_guarded_loss_stays_when_their_details_do_not_fit() -> None:
    tables = [
        resource(
            f"aws_dynamodb_table.t{number}",
            "delete",
            "create",
            before={"x": "b" * 190},
            after={"x": "a" * 190},
        )
        for number in range(300)
    ]
    markdown = review(plan(*tables)).markdown
    assert len(markdown) <= GITHUB_COMMENT_LIMIT
    assert all(f"`aws_dynamodb_table.t{number}`" in markdown for number in range(300))
    assert "Cut to fit" in markdown


def test_a_cut_inside_the_collapsed_part_closes_it() -> None:
    markdown = markdown_of(*(resource(f"a.created{number}", "create", after={}) for number in range(5_000)))
    assert len(markdown) <= GITHUB_COMMENT_LIMIT
    assert markdown.count("<details>") == markdown.count("</details>") == 1
    assert markdown.index("</details>") < markdown.index("Cut to fit")


# --- Secrets and Markdown, generated -----------------------------------------------------------------------

# Not in the words of a review, so that finding one of them is finding a leak.
SECRET_TEXT = st.text(alphabet='ЖЩ語😀\\"`\n\x00\u202e<&/|~é', min_size=1, max_size=8).filter(
    lambda text: set(text) != {'"'}
)
NUMBERS = st.integers(-(10**12), 10**12)
SECRETS = st.one_of(SECRET_TEXT, NUMBERS, st.booleans(), NUMBERS.map(lambda number: number / 4))


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
        "json": inner,
        "escaped": f"export PW={inner}",
        "map": {f"k-{text}": "v"},
        "list": [secret, "z"],
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
    output = {"actions": ["update"], "before": secret, "after": f"-{text}-"}
    return plan(
        {**moved, "previous_address": address.replace("a.b", "a.old")},
        created,
        whole,
        lost,
        resource("a.e", "no-op", before=before, after=before, importing={"id": text}),
        output_changes={"out": output, f"-{text}": output},
        resource_drift=[resource(address, "update", before=after, after=before)],
        deferred_changes=[{"reason": text, "resource_change": moved}],
    )


@given(SECRETS, SECRETS)
def test_the_review_is_the_same_whatever_the_secret(secret: object, other: object) -> None:
    assert review(plan_with(secret)) == review(plan_with(other))


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
    result = review(plan(item, unmarked, output_changes={"o": change}, resource_drift=[unmarked]))
    # A secret made of the review's own punctuation, or of the escapes it prints, is not a leak.
    secrets = {
        text
        for text in marked_texts(*before) | marked_texts(*after)
        if not set(text) <= set('\\"`\n\x00\u202e<&/|~')
    }
    assert not [text for text in secrets if text in result.markdown or text in "".join(result.messages)]


def test_sensitive_variables_and_data_sources_are_secrets_too() -> None:
    change = resource("a.b", "update", before={"x": 1}, after={"x": "from-variable", "y": "from-data-source"})
    markdown = markdown_of(
        change,
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
    assert "~ x: 1 → (sensitive)" in markdown
    assert "~ y: null → (sensitive)" in markdown


def hidden_with(secret: object, value: object, address: str = "a.b") -> str:
    """The review of a change to `value` in a plan that marks `secret` sensitive elsewhere."""
    marked = resource("a.marked", "no-op", after={"x": secret}, after_sensitive={"x": True})
    return markdown_of(marked, resource(address, "update", before={"x": value}, after={"x": "gone"}))


@pytest.mark.parametrize(
    ("secret", "value"),
    [
        ('a"b', json.dumps(json.dumps({"key": 'a"b'}))),
        ("é/<", '{"key": "\\u00e9\\/\\u003c"}'),
        ("😀", "export KEY='\\ud83d\\ude00'"),
        ("u0060", "`"),
        ({"user": "name"}, {"user": "name"}),
        (["first", "second"], "first, then"),
        ({"user": "name"}, "of user"),
        ('{"key": 1}', {"key": 1}),
        (5432, "host:5432"),
        (5432.0, 5432),
        (True, "it is true"),
    ],
    ids=ascii,
)
def test_a_secret_is_found_in_other_forms(secret: object, value: object) -> None:
    assert '~ x: (sensitive) → "gone"\n' in hidden_with(secret, value)


@pytest.mark.parametrize(
    ("secret", "address", "shown"),
    [
        ("xy", 'a.b["k-xy"]', "a.b[(sensitive)]"),
        (7, "a.b[7]", "a.b[(sensitive)]"),
        ("orders", "module.m.a.orders", "module.m.a.(sensitive)"),
        ("der", "a.orders", "a.orders"),
        ("rder", "a.orders", "a.(sensitive)"),
        ("m.a.b", "module.m.a.b", "(sensitive)"),
    ],
)
def test_a_secret_in_an_address_is_hidden(secret: object, address: str, shown: str) -> None:
    assert f"- `{shown}`\n" in hidden_with(secret, "value", address)


def test_a_short_secret_leaves_the_review_readable() -> None:
    marked = resource(
        "aws_s3_bucket.b3", "delete", before={"n": 3, "t": True}, before_sensitive={"n": True, "t": True}
    )
    change = resource("aws_sns_topic.a", "update", before={"x": 13, "y": True}, after={"x": 4, "y": False})
    markdown = review(plan(marked, change)).markdown
    assert "S3 bucket `aws_s3_bucket.b3`" in markdown
    assert "~ x: (sensitive) → 4\n" in markdown
    assert "~ y: (sensitive) → false\n" in markdown


def plan_of_text(text: str) -> dict[str, Any]:
    before = {"x": text, text: text, "id": text, "list": [text], "same": {text: [text]}}
    item = resource(
        f'a.b["{text}"]', "delete", "create", before=before, after={"x": 1}, importing={"id": text}
    )
    item |= {"deposed": text or "x", "previous_address": f"a.{text}", "action_reason": f"by {text}"}
    item["change"]["replace_paths"] = [["x"], [text, 0]]
    output = {"actions": ["update"], "before": text, "after": [text]}
    return plan(
        item,
        {**item, "type": "aws_s3_bucket"},
        resource("a.c", "update", before=before, after={}),
        output_changes={"o": output, f"p{text}": output},
        resource_drift=[resource(f"a.{text}", "update", before=before, after={})],
        deferred_changes=[{"reason": text, "resource_change": item}],
    )


HOSTILE = [
    "`",
    "``",
    "```\n# x",
    "|",
    "\n",
    "\r\n- x",
    "<!--",
    "</details>",
    "@everyone",
    "[x](http://y)",
    "\x1b[31m",
]
HOSTILE += [
    "\u202e",
    "\u200b",
    "\u2028",
    "\ud800",
    "\\`",
    "~~~",
    "${{ x }}",
    "$x$",
    "&lt;",
    "  ",
    "\x00",
    "x" * 2_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_text_stays_inside_code(text: str) -> None:
    check_text_stays_inside_code(text)


@given(st.text(max_size=20))
def test_any_text_stays_inside_code(text: str) -> None:
    check_text_stays_inside_code(text)


def check_text_stays_inside_code(text: str) -> None:
    def outside_code(markdown: str) -> str:
        assert all(char.isprintable() for line in markdown.split("\n") for char in line)
        without_blocks = re.sub(
            r"^  ```diff\n(?:  [-+~…] .*\n)+  ```$", "BLOCK", markdown, flags=re.MULTILINE
        )
        return re.sub(r"`[^`\n]+`", "SPAN", without_blocks)

    result = review(plan_of_text(text), [text])
    assert outside_code(result.markdown) == outside_code(review(plan_of_text("plain"), ["plain"]).markdown)
    assert all(char.isprintable() for message in result.messages for char in message)


# --- Any input ---------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=10,
)
ACTION_LISTS = st.sampled_from([list(actions) for actions in ACTIONS])
CHANGES = st.fixed_dictionaries(
    {"actions": ACTION_LISTS},
    optional=dict.fromkeys(
        (
            "before",
            "after",
            "after_unknown",
            "before_sensitive",
            "after_sensitive",
            "replace_paths",
            "importing",
        ),
        JSON,
    ),
)
RESOURCES = st.fixed_dictionaries(
    {
        "address": st.text(min_size=1),
        "type": st.sampled_from([*GUARDED, "aws_sns_topic"]),
        "change": CHANGES,
    },
    optional=dict.fromkeys(("previous_address", "deposed", "action_reason", "index", "name"), JSON),
)
PLAN_SHAPED = st.fixed_dictionaries(
    {"format_version": st.just("1.2"), "resource_changes": st.lists(RESOURCES, max_size=4)},
    optional={
        "output_changes": st.dictionaries(st.text(), CHANGES, max_size=2),
        "resource_drift": st.lists(RESOURCES, max_size=2),
        "variables": JSON,
        "configuration": JSON,
        "prior_state": JSON,
        "complete": st.just(True),
        "errored": st.just(False),
    },
)


@given(JSON)
def test_any_json_is_refused(data: object) -> None:
    assert review(data).exit_status == EXIT_UNUSABLE


@given(PLAN_SHAPED, st.data())
def test_a_plan_with_anything_in_it_is_gated_rightly(data: dict[str, Any], draw: st.DataObject) -> None:
    at_stake = {
        item["address"]
        for item in data["resource_changes"]
        if item["type"] in GUARDED and {"delete", "forget"} & set(item["change"]["actions"])
    }
    allowed = draw.draw(st.sets(st.sampled_from(sorted(at_stake)))) if at_stake else set()
    result = review(data, allowed)
    assert result.exit_status == (EXIT_GUARDED if at_stake - allowed else EXIT_SAFE)
    assert len(result.markdown) <= GITHUB_COMMENT_LIMIT
    result.markdown.encode()


@given(PLAN_SHAPED, JSON, st.data())
def test_a_damaged_plan_is_never_passed_by_mistake(
    data: dict[str, Any], junk: object, draw: st.DataObject
) -> None:
    data["resource_changes"].append(copy.deepcopy(TABLE_DESTROYED))
    last = data["resource_changes"][-1]
    node, key = draw.draw(
        st.sampled_from(
            [
                (data, "format_version"),
                (data, "output_changes"),
                (data, "deferred_changes"),
                (data, "complete"),
                (data, "errored"),
                (last, "change"),
                (last, "address"),
                (last["change"], "actions"),
                (last["change"], "before"),
            ]
        )
    )
    node[key] = junk
    assert review(data).exit_status in (EXIT_GUARDED, EXIT_UNUSABLE)


# --- The command -------------------------------------------------------------------------------------------


def run(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tools.review", *map(str, arguments)], capture_output=True, check=False
    )


def test_the_command_writes_the_review_and_exits_with_its_status() -> None:
    path = PLANS / "create_before_destroy.json"
    stopped = run(path)
    assert stopped.returncode == EXIT_GUARDED
    assert stopped.stdout.decode() == review(read_plan(path)).markdown
    assert b"aws_dynamodb_table.orders would be replaced" in stopped.stderr
    allowed = run(path, "--allow", "aws_dynamodb_table.orders", "--allow", "a.b")
    assert allowed.returncode == EXIT_SAFE
    assert allowed.stderr.splitlines() == [
        f"plan_review: {path}: --allow a.b: no guarded data is at stake there.".encode()
    ]


def test_allowances_come_from_a_file_too(tmp_path: Path) -> None:
    path = PLANS / "create_before_destroy.json"
    allowed = tmp_path / "allowed"
    allowed.write_text("# reviewed\n\n--allow=aws_dynamodb_table.orders\n")
    assert run(path, f"@{allowed}").returncode == EXIT_SAFE
    allowed.write_text("# aws_dynamodb_table.orders\n")
    assert run(path, f"@{allowed}").returncode == EXIT_GUARDED
    assert run(path, f"@{tmp_path}/missing").returncode == 2


@pytest.mark.parametrize("content", [None, b"", b"{", b"{} {}", b"\xff", b"[" * 100_000, b"1" * 5_000, b"{}"])
def test_the_command_refuses_files_that_are_no_plan(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "plan.json"
    if content is not None:
        path.write_bytes(content)
    result = run(path)
    assert result.returncode == EXIT_UNUSABLE
    assert result.stdout.startswith(b"**No review: this is not a usable plan**")
    assert len(result.stderr.splitlines()) == 1


def test_wrong_usage_is_status_2() -> None:
    assert run().returncode == run("x", "--allow").returncode == 2
