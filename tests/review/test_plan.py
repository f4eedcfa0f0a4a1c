"""What a plan says, read from its JSON."""

from typing import Any

import pytest

from tests.review.handmade import diff_rows, markdown_of, plan, resource
from tools.review.plan import UnusablePlan, understand
from tools.review.review import EXIT_UNUSABLE, review


@pytest.mark.parametrize(("reason", "words"), [
    ("replace_because_tainted", "it is tainted"),
    ("replace_by_request", "requested by -replace"),
    ("replace_by_triggers", "by replace_triggered_by"),
    ("delete_because_no_resource_config", "not in the configuration any more"),
    ("delete_because_no_module", "its module is not in the configuration any more"),
    ("delete_because_wrong_repetition", "count or for_each was added or removed"),
    ("delete_because_count_index", "its index is beyond count"),
    ("delete_because_each_key", "its key is not in for_each any more"),
    ("delete_because_no_move_target", "it was moved to an address that is not configured"),
])  # fmt: skip
def test_why_is_said(reason: str, words: str) -> None:
    change = {**resource("a.b", "delete", before={}), "action_reason": reason}
    assert f"**🗑️ `a.b`** – a – {words}\n" in markdown_of(change)
    for other in ("replace_because_cannot_update", 1, None):
        assert "**🗑️ `a.b`** – a\n" in markdown_of({**change, "action_reason": other})


ACCOUNT = {"type": "aws_caller_identity", "values": {"account_id": "1"}}


@pytest.mark.parametrize(
    ("fields", "accounts"),
    [
        ({"prior_state": {"values": {"root_module": {"resources": [ACCOUNT]}}}}, {"1"}),
        ({"planned_values": {"root_module": {"resources": [ACCOUNT]}}}, {"1"}),
        (
            {
                "planned_values": {
                    "root_module": {"child_modules": [{"child_modules": [{"resources": [ACCOUNT]}]}]}
                }
            },
            {"1"},
        ),
        ({"planned_values": {"root_module": {"resources": [{**ACCOUNT, "type": "other"}]}}}, set()),
        ({"planned_values": {"root_module": {"resources": [{**ACCOUNT, "values": {}}, 1]}}}, set()),
        ({"planned_values": {"root_module": 1}, "prior_state": 1}, set()),
    ],
)
def test_the_accounts_are_those_of_the_credentials(fields: dict[str, Any], accounts: set[str]) -> None:
    assert understand(plan(**fields)).accounts == accounts


def test_the_accounts_are_those_of_what_is_deployed_too() -> None:
    changes = [
        resource(f"a.b{number}", "no-op", before={"arn": arn})
        for number, arn in enumerate(
            ["arn:aws:s:r:222222222222:x\ny", "arn:aws:s3:::b", "arn:aws:s:r:2:x", 1]
        )
    ]
    assert understand(plan(*changes)).accounts == {"222222222222"}


@pytest.mark.parametrize("applyable", [False, None])
@pytest.mark.parametrize("first", [True, False])
def test_one_change_of_several_makes_a_plan_that_cannot_be_applied_unusable(
    applyable: object, *, first: bool
) -> None:
    changes = [resource("a.b", "no-op", before={}, after={}), resource("a.c", "create", after={})]
    result = review(plan(*(changes if first else changes[::-1]), applyable=applyable))
    assert result.exit_status == EXIT_UNUSABLE


@pytest.mark.parametrize("field", ["address", "type", "change"])
@pytest.mark.parametrize("value", ["", 1, None, []])
def test_a_change_has_an_address_a_type_and_actions(field: str, value: object) -> None:
    change = {**resource("a.b", "no-op"), field: value}
    with pytest.raises(UnusablePlan, match=r"^it has a change without address, type or actions$"):
        understand(plan(change))


def test_deferred_changes_make_a_plan_incomplete() -> None:
    for deferred, why in (([{}, {}], "2 deferred changes"), ([], "-target?"), ({"a": 1}, "-target?")):
        with pytest.raises(UnusablePlan, match=rf"^it is incomplete \({why.replace('?', '.')}\)$"):
            understand(plan(complete=False, deferred_changes=deferred))


@pytest.mark.parametrize("importing", ["i-1", [], {}, {"id": ""}, {"unknown": True}])
def test_an_import_of_something_unknown_is_an_import(importing: object) -> None:
    change = resource("a.b", "no-op", before={}, after={}, importing=importing)
    assert "**📦 `a.b`** – a – import\n" in markdown_of(change)


def test_what_an_action_is_given_is_shown() -> None:
    action = {
        "address": "action.a.b",
        "config_values": {"secret": False, "nested": {"secret": "1"}, "set": "x", "empty": [], "none": None},
        "config_sensitive": {"secret": True, "nested": {"secret": True}},
        "config_unknown": {"later": True},
        "lifecycle_action_trigger": {
            "triggering_resource_address": "a.b",
            "action_trigger_event": "AfterCreate",
        },
    }
    assert diff_rows_of(action) == [
        "+ later:  (known after apply)",
        '+ nested: {"secret": (sensitive)}',
        "+ secret: (sensitive)",
        '+ set:    "x"',
    ]
    deferred = {"reason": "why", "action_invocation": action}
    markdown = markdown_of(deferred_action_invocations=[deferred])
    assert (
        "\n#### Actions that run\n"
        "\n**⚡ `action.a.b`** – after create of `a.b` – deferred to a later plan: `why`\n```diff\n"
    ) in markdown
    assert "\n**⚡ `action.a.b`**\n\n<sub>" in markdown_of(action_invocations=[{"address": "action.a.b"}])


def diff_rows_of(action: object) -> list[str]:
    return diff_rows(resource("a.b", "no-op"), action_invocations=[action])


@pytest.mark.parametrize(
    "trigger",
    [None, 1, {}, {"triggering_resource_address": ""}, {"triggering_resource_address": 1}],
)
def test_an_action_that_nothing_triggers_is_named_alone(trigger: object) -> None:
    action = {"address": "action.a.b", "lifecycle_action_trigger": trigger}
    assert "\n**⚡ `action.a.b`**\n" in markdown_of(action_invocations=[action])


def test_an_event_of_another_shape_is_a_change() -> None:
    for event in (None, 1, "", "x"):
        trigger = {"triggering_resource_address": "a.b", "action_trigger_event": event}
        action = {"address": "action.a.b", "lifecycle_action_trigger": trigger}
        assert "**⚡ `action.a.b`** – a change of `a.b`\n" in markdown_of(action_invocations=[action])


def test_checks_of_any_shape_are_read() -> None:
    checks = [
        1,
        {"status": 1},
        {"address": 1, "status": "fail", "instances": 1},
        {"address": {"to_display": 1}, "status": "error", "instances": [1, {"problems": 1}]},
        {
            "status": "fail",
            "instances": [{"problems": [1, {"message": 1}, {"message": "why"}, {"message": ""}]}],
        },
    ]
    markdown = markdown_of(checks=checks)
    assert markdown.count("\n❌ The check `unnamed` fails\n") == 2
    assert markdown.count("\n❌ The check `unnamed` fails: `why`\n") == 1
    assert "3 of 5 checks fail" in markdown
