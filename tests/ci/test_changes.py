"""Whether two plans say the same to a reviewer: what may differ by nature, and what may not."""

import json
from typing import Any

import pytest

from tools.ci.changes import changes, compare

ADDRESS = "aws_x.a"


def plan(before: object, after: object, unknown: object = None, **more: object) -> dict[str, Any]:
    """A plan with one change."""
    actions = ["create"] if before is None else ["delete"] if after is None else ["update"]
    change: dict[str, object] = {
        "actions": actions,
        "before": before,
        "after": after,
        "after_unknown": unknown or {},
    }
    entry: dict[str, object] = {"address": ADDRESS, "type": "aws_x", "change": change}
    for name, value in more.items():
        (entry if name in ("deposed", "previous_address", "address") else change)[name] = value
    return {"resource_changes": [entry]}


def stored(plan_: dict[str, Any]) -> list[dict[str, Any]]:
    """The changes as another run reads them."""
    read: list[dict[str, Any]] = json.loads(json.dumps(changes(plan_)))
    return read


def lines(reviewed: dict[str, Any], current: dict[str, Any]) -> list[str]:
    return compare(stored(reviewed), changes(current))


STREAM = "arn:aws:dynamodb:ap-southeast-1:123456789012:table/orders/stream/2026-11-{}T16:05:30.562"
KEY = "arn:aws:kms:ap-southeast-1:123456789012:key/{}0b8b1bd-1b4e-4e5e-ba5c-3986efb0ee0f"
HASH = "{}wuiYMxNHDqF0GTVbNgdQYgcz2Qa8yVwZ3zcHIDdA0s="


@pytest.mark.parametrize("value", [STREAM, KEY, HASH, "assets/{}" + "0" * 31 + "/archive.zip"])
def test_times_ids_and_hashes_may_differ(value: str) -> None:
    first, second = plan({"x": "old"}, {"x": value.format(1)}), plan({"x": "old"}, {"x": value.format(2)})
    if value is STREAM:
        first, second = (plan({"x": "old"}, {"x": value.format(day)}) for day in (23, 24))
    assert first != second
    assert lines(first, second) == []


@pytest.mark.parametrize(
    ("reviewed", "current"),
    [
        ("arn:aws:s3:::orders", "arn:aws:s3:::others"),
        ("arn:aws:iam::123456789012:role/a", "arn:aws:iam::210987654321:role/a"),
        ('{"Principal":{"AWS":"123456789012"}}', '{"Principal":"*"}'),
        (True, False),
        (1, True),
        (128, 256),
        ("a", None),
        (["a", "b"], ["a"]),
        ({"a": "1"}, {"a": "1", "b": "2"}),
        (None, []),
        ({}, []),
    ],
)
def test_any_other_value_makes_a_difference(reviewed: object, current: object) -> None:
    assert lines(plan({"x": "old"}, {"x": reviewed}), plan({"x": "old"}, {"x": current}))
    assert lines(plan({"x": reviewed}, {"x": "new"}), plan({"x": current}, {"x": "new"}))
    assert lines(plan(None, {"x": reviewed}), plan(None, {"x": current}))


def test_a_difference_names_the_resource_and_the_attribute() -> None:
    reviewed, current = plan({"x": {"y": 1}}, {"x": {"y": 2}}), plan({"x": {"y": 1}}, {"x": {"y": 3}})
    assert lines(reviewed, current) == ["aws_x.a: x.y differs from the reviewed plan"]


@pytest.mark.parametrize(
    "known", [{"x": "anything"}, {"x": {"deep": ["anything"]}}, {"x": "old"}, {}], ids=str
)
def test_what_was_unknown_when_reviewed_may_be_anything(known: dict[str, Any]) -> None:
    reviewed = plan({"x": "old", "y": 1}, {"y": 2}, {"x": True})
    assert lines(reviewed, plan({"x": "old", "y": 1}, known | {"y": 2})) == []
    assert lines(reviewed, plan({"x": "old", "y": 1}, known | {"y": 3})) != []


def test_what_was_known_when_reviewed_may_not_be_unknown() -> None:
    assert lines(plan({"x": 1}, {"x": 2}), plan({"x": 1}, {}, {"x": True}))


def test_an_unknown_item_of_a_list_leaves_the_others_to_compare() -> None:
    before: dict[str, Any] = {"x": []}
    reviewed = plan(before, {"x": ["a", None]}, {"x": [False, True]})
    assert lines(reviewed, plan(before, {"x": ["a", "anything"]}, {"x": [False, False]})) == []
    assert lines(reviewed, plan(before, {"x": ["b", None]}, {"x": [False, True]}))


def test_an_update_for_unknown_values_alone_may_turn_out_to_be_none() -> None:
    nothing: dict[str, Any] = {"resource_changes": []}
    assert lines(plan({"x": 1}, {}, {"x": True}), nothing) == []
    assert lines(plan({"x": 1, "y": 1}, {"y": 2}, {"x": True}), nothing)
    assert lines(plan(None, {}, {"x": True}), nothing)
    assert lines(plan({"x": 1}, {}, {"x": True}, actions=["delete", "create"]), nothing)


@pytest.mark.parametrize(
    ("before", "after"), [(1, True), (0, False), (True, 1), (None, []), ([], {})], ids=str
)
def test_values_that_python_takes_for_alike_are_not(before: object, after: object) -> None:
    assert lines(
        plan({"x": 1, "y": before}, {"x": 2, "y": before}), plan({"x": 1, "y": before}, {"x": 2, "y": after})
    )


def test_a_change_that_is_deferred_is_another_one() -> None:
    entry = plan({"x": 1}, {"x": 2})["resource_changes"][0]
    deferred, other = (
        {"deferred_changes": [{"reason": reason, "resource_change": entry}]} for reason in ("a", "b")
    )
    assert lines({"resource_changes": [entry]}, deferred)
    assert lines(deferred, other)


def test_resources_that_come_or_go_make_a_difference() -> None:
    one, other = plan(None, {"x": 1}), plan(None, {"x": 1}, address="aws_x.b")
    third = plan(None, {"x": 1}, address="aws_x.c")
    new, gone = "not in the reviewed plan", "reviewed, but not planned any more"
    assert lines(one, other) == [f"aws_x.b: {new}", f"aws_x.a: {gone}"]
    several = {"resource_changes": one["resource_changes"] + third["resource_changes"]}
    assert lines(several, other) == [f"aws_x.b: {new}", f"aws_x.a and 1 more: {gone}"]


@pytest.mark.parametrize(
    "more",
    [
        {"actions": ["delete", "create"]},
        {"deposed": "0a1b2c3d"},
        {"previous_address": "aws_x.old"},
        {"importing": {"id": "name"}},
        {"replace_paths": [["x"]]},
    ],
    ids=str,
)
def test_what_happens_to_a_resource_makes_a_difference(more: dict[str, Any]) -> None:
    assert lines(plan({"x": 1}, {"x": 2}), plan({"x": 1}, {"x": 2}, **more))
    assert lines(plan({"x": 1}, {"x": 2}, **more), plan({"x": 1}, {"x": 2}))
    assert lines(plan({"x": 1}, {"x": 2}, **more), plan({"x": 1}, {"x": 2}, **more)) == []


def test_the_key_of_a_deposed_object_may_differ() -> None:
    assert lines(plan({"x": 1}, None, deposed="0a1b2c3d"), plan({"x": 1}, None, deposed="11111111")) == []


def test_secret_values_are_alike_and_are_not_kept() -> None:
    secret = plan(
        {"x": ["public", "hunter2"]}, {"x": ["open", "hunter3"]}, after_sensitive={"x": [False, True]}
    )
    other = plan(
        {"x": ["public", "hunter2"]}, {"x": ["open", "hunter4"]}, after_sensitive={"x": [False, True]}
    )
    assert lines(secret, other) == []
    assert not any(word in json.dumps(changes(secret)) for word in ("public", "open", "hunter"))
    assert lines(secret, plan({"x": ["public", "hunter2"]}, {"x": ["open", "hunter3"]}))


@pytest.mark.parametrize("actions", [["no-op"], ["read"], []], ids=str)
def test_what_changes_nothing_is_no_change(actions: list[str]) -> None:
    assert changes(plan({"x": 1}, {"x": 1}, actions=actions)) == []
    assert changes(plan({"x": 1}, {"x": 1}, actions=actions, previous_address="aws_x.old"))
    assert changes({"resource_changes": None}) == []


@pytest.mark.parametrize(
    "more",
    [
        {"output_changes": {"x": {"actions": ["update"], "before": 1, "after": 2}}},
        {
            "deferred_changes": [
                {"reason": "x", "resource_change": plan({"x": 1}, None)["resource_changes"][0]}
            ]
        },
        {"action_invocations": [{"address": "action.aws_lambda_invoke.x", "config_values": {"x": 1}}]},
        {"deferred_action_invocations": [{"address": "action.x.y"}]},
        {"checks": [{"address": {"to_display": "check.x"}, "status": "fail"}]},
    ],
    ids=lambda more: next(iter(more)),
)
def test_everything_else_that_a_plan_tells_makes_a_difference(more: dict[str, Any]) -> None:
    assert lines({}, more)
    assert lines(more, {})
    assert lines(more, more) == []


def test_several_changes_of_one_address_are_told_apart() -> None:
    invocation = {"address": "action.x.y", "config_values": 1}
    twice = {"action_invocations": [invocation, invocation]}
    assert lines({"action_invocations": [invocation]}, twice)
    assert lines(twice, twice) == []
