"""The review of Terraform plans: what it says, in which order, and how it ends."""

import copy
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from tests.review.handmade import (
    GITHUB_COMMENT_LIMIT,
    MALFORMED,
    PLANS,
    TABLE_DESTROYED,
    load,
    markdown_of,
    plan,
    resource,
)
from tools.review.context import Context
from tools.review.danger import GUARDED
from tools.review.plan import ACTIONS, UnusablePlan, read_plan
from tools.review.review import EXIT_GUARDED, EXIT_SAFE, EXIT_UNUSABLE, Finding, review
from tools.review.weakenings import ROWS_OF


@pytest.mark.parametrize("path", sorted(PLANS.glob("*.json")), ids=lambda path: path.stem)
def test_reviews_are_unchanged(path: Path, snapshot: SnapshotAssertion) -> None:
    assert review(read_plan(path)).markdown == snapshot


# --- The gate ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "address", "loss", "fate", "allow"),
    [
        (
            "create_before_destroy",
            "aws_dynamodb_table.orders",
            "replaced",
            "replaced and its data lost",
            "aws_dynamodb_table.orders",
        ),
        ("forget", "aws_s3_bucket.audit", "forgotten", "forgotten", "aws_s3_bucket.audit"),
        ("create_then_forget", "aws_kms_key.alarms", "replaced", "forgotten", "aws_kms_key.alarms"),
        (
            "deposed",
            "aws_dynamodb_table.orders",
            "destroyed",
            "destroyed and its data lost",
            "aws_dynamodb_table.orders (deposed object 1a2b3c4d)",
        ),
        (
            "deferred",
            "aws_s3_bucket.audit",
            "destroyed",
            "destroyed and its data lost",
            "aws_s3_bucket.audit",
        ),
    ],
)
def test_guarded_loss_stops_until_allowed(name: str, address: str, loss: str, fate: str, allow: str) -> None:
    verb = "forget" if fate == "forgotten" else "lose"
    stopped = review(load(name))
    assert stopped.exit_status == EXIT_GUARDED
    assert stopped.markdown.startswith(f"### 🛑 This plan would {verb} `{address}`\n")
    assert f"> **1 guarded resource would be {fate}**.\n> This check fails until" in stopped.markdown
    assert re.search(rf"\*\*1\. \S+ `{re.escape(address)}`\*\* – .* – {loss} – ", stopped.markdown)
    assert stopped.messages[0].startswith(f"{address}: would be {loss}, ")
    assert stopped.messages[0].endswith(f"(once reviewed: --allow={allow})")

    allowed = review(load(name), [allow])
    assert allowed.exit_status == EXIT_SAFE
    assert allowed.markdown.startswith(f"### ⚠️ This plan would, as allowed, {verb} `{address}`\n")
    assert f"> [!WARNING]\n> **1 guarded resource would be {fate}**, as allowed in" in allowed.markdown
    assert "#### Allowed\n" in allowed.markdown
    assert "Needs a decision" not in allowed.markdown
    assert allowed.messages == ()


def test_allowing_a_resource_does_not_allow_its_deposed_object() -> None:
    result = review(load("deposed"), ["aws_dynamodb_table.orders"])
    assert result.exit_status == EXIT_GUARDED


@pytest.mark.parametrize("key", ["forgets it", "the old object stays, but Terraform forgets it"])
def test_what_is_lost_is_lost_whatever_its_address_says(key: str) -> None:
    table = resource("aws_dynamodb_table.t", "delete", "create", before={}, after={})
    moved = {**table, "previous_address": f'aws_dynamodb_table.old["{key}"]'}
    result = review(plan(moved))
    assert result.title == "This plan would lose aws_dynamodb_table.t"
    assert "**every item in it is lost**" in result.markdown


@pytest.mark.parametrize("type_", GUARDED)
@pytest.mark.parametrize(
    "actions", [("delete",), ("delete", "create"), ("create", "delete"), ("forget",), ("create", "forget")]
)
def test_every_guarded_type_is_guarded_against_every_loss(type_: str, actions: tuple[str, ...]) -> None:
    assert review(plan(resource(f"{type_}.it", *actions, before={}))).exit_status == EXIT_GUARDED


@pytest.mark.parametrize("name", ["null_markers", "drift"])
def test_plans_that_lose_nothing_guarded_pass(name: str) -> None:
    assert review(load(name)).exit_status == EXIT_SAFE


def test_what_is_lost_is_said_by_what_it_is() -> None:
    losses = {
        "aws_dynamodb_table.t": "every item in it is lost",
        "aws_s3_bucket.b": "every object in it is lost",
        "aws_kms_key.k": "what is encrypted with it can no longer be read",
    }
    markdown = review(plan(*(resource(address, "delete", before={}) for address in losses))).markdown
    assert re.findall(r"destroyed – \*\*(.*)\*\*\n", markdown) == list(losses.values())
    for actions in (["forget"], ["create", "forget"]):
        forgotten = review(plan(resource("aws_s3_bucket.b", *actions, before={}))).markdown
        assert "**Terraform forgets it; it stays in AWS**" in forgotten


def test_allowing_one_of_two_still_stops() -> None:
    bucket = resource('aws_s3_bucket.b["x"]', "delete", before={})
    result = review(plan(TABLE_DESTROYED, bucket), ['aws_s3_bucket.b["x"]'])
    assert result.exit_status == EXIT_GUARDED
    assert result.markdown.startswith("### 🛑 This plan would lose `aws_dynamodb_table.orders`\n")
    assert "> **1 guarded resource would be destroyed and its data lost**.\n" in result.markdown
    needed, allowed = result.markdown.split("#### Allowed")
    assert "**1. 🗑️ `aws_dynamodb_table.orders`**" in needed
    assert '**2. 🗑️ `aws_s3_bucket.b["x"]`**' in allowed
    assert [(finding.address, finding.is_allowed) for finding in result.findings] == [
        ("aws_dynamodb_table.orders", False),
        ('aws_s3_bucket.b["x"]', True),
    ]


def test_allowing_what_is_not_at_stake_is_said() -> None:
    result = review(plan(TABLE_DESTROYED), ["aws_dynamodb_table.order"])
    assert result.exit_status == EXIT_GUARDED
    words = "nothing there would be lost or weakened."
    assert f"⚠️ `--allow=aws_dynamodb_table.order`: {words}" in result.markdown
    assert result.messages[-1] == f"--allow=aws_dynamodb_table.order: {words}"
    # Also when the plan is empty otherwise.
    assert words in review(plan(), ["aws_s3_bucket.b"]).markdown


def test_a_data_source_of_a_guarded_type_is_no_data() -> None:
    source = {**resource("aws_s3_bucket.b", "delete", before={}), "mode": "data"}
    assert review(plan(source)).exit_status == EXIT_SAFE


def test_the_result_tells_counts_and_findings() -> None:
    alarm = resource(
        "aws_cloudwatch_metric_alarm.a",
        "update",
        before={"alarm_actions": ["arn"]},
        after={"alarm_actions": []},
    )
    result = review(
        plan(TABLE_DESTROYED, alarm), context=Context(names={"aws_dynamodb_table.orders": "orders/table"})
    )
    assert result.counts == {"destroy": 1, "change": 1}
    assert result.title == "This plan would lose orders/table and weaken aws_cloudwatch_metric_alarm.a"
    assert review(None).title == "not a usable plan: it is not the output of terraform show -json"
    assert result.findings == (
        Finding(
            name="orders/table",
            address="aws_dynamodb_table.orders",
            words="would be destroyed, every item in it is lost",
            allow="aws_dynamodb_table.orders",
            is_loss=True,
            is_allowed=False,
        ),
        Finding(
            name="aws_cloudwatch_metric_alarm.a",
            address="aws_cloudwatch_metric_alarm.a",
            words="the alarm tells fewer or nobody",
            allow="aws_cloudwatch_metric_alarm.a.alarm_actions",
            is_loss=False,
            is_allowed=False,
        ),
    )


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
    "not applyable": plan(resource("a.b", "create", after={}), applyable=False),
    "not applyable, with an output": plan(
        applyable=False, output_changes={"o": {"actions": ["create"], "after": 1}}
    ),
    "not applyable, with an action": plan(applyable=False, action_invocations=[{"address": "action.a.b"}]),
    "unknown action": plan(resource("a.b", "explode")),
    "unknown pair of actions": plan(resource("a.b", "forget", "create")),
    "no actions": plan({"address": "a.b", "type": "a", "change": {}}),
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
    "checks of another shape": plan(checks={}),
    "action invocation of another shape": plan(action_invocations=[None]),
    "action invocation with an empty address": plan(action_invocations=[{"address": ""}]),
    "action invocation with a number for an address": plan(action_invocations=[{"address": 1}]),
    "incomplete for a target": plan(complete=False, deferred_changes=[]),
    "incomplete for what is deferred": plan(complete=False, deferred_changes=[{}, {}]),
    "deferred action invocation of another shape": plan(deferred_action_invocations=[None]),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_is_no_usable_plan_is_refused(name: str) -> None:
    result = review(UNUSABLE[name], ["a.b"])
    assert result.exit_status == EXIT_UNUSABLE
    assert result.markdown.startswith("### ❌ No review: this is not a usable plan\n\nIt is not, because ")
    assert result.messages[0].startswith("not a usable plan: ")


def test_a_refusal_says_why(snapshot: SnapshotAssertion, tmp_path: Path) -> None:
    assert {name: review(data).markdown for name, data in UNUSABLE.items()} == snapshot
    for text in (b"no JSON", b"\xff", b"[1e99999999999999999999999]", b"[NaN]", b"[" * 5_000):
        (tmp_path / "plan.json").write_bytes(text)
        with pytest.raises(UnusablePlan, match=r"^it is not JSON$"):
            read_plan(tmp_path / "plan.json")
    with pytest.raises(UnusablePlan, match=r"^it cannot be read \(No such file or directory\)$"):
        read_plan(tmp_path / "missing.json")


def test_the_statuses_are_what_the_workflows_know() -> None:
    assert (EXIT_SAFE, EXIT_GUARDED, EXIT_UNUSABLE) == (0, 3, 4)


def test_an_incomplete_plan_that_loses_guarded_data_is_refused() -> None:
    incomplete = plan(TABLE_DESTROYED, complete=False)
    assert review(incomplete, ["aws_dynamodb_table.orders"]).exit_status == EXIT_UNUSABLE


def test_an_empty_plan_is_not_applyable_and_fine() -> None:
    unchanged = resource("a.b", "no-op", before={}, after={})
    assert markdown_of(unchanged, applyable=False) == "### ✅ No changes\n"


def test_deep_nesting_is_refused() -> None:
    value: object = {}
    for _ in range(5_000):
        value = [value]
    result = review(plan(resource("a.b", "update", before=value, after=1)))
    assert (result.exit_status, result.title) == (
        EXIT_UNUSABLE,
        "not a usable plan: it is nested too deeply",
    )


@pytest.mark.parametrize(
    ("before", "after", "action"),
    [
        ({"x": 1}, None, "destroyed"),
        (None, {"x": 1}, "created"),
        ({"x": 1}, {"x": 2}, "changed"),
        ({"x": [1]}, {"x": [True]}, "changed"),
        ({"x": [1, 2]}, {"x": [1, 3]}, "changed"),
        ({}, {}, ""),
        (None, None, ""),
    ],
)
def test_an_entry_without_actions_is_what_its_values_say(before: object, after: object, action: str) -> None:
    markdown = markdown_of(resource("a.b", before=before, after=after))
    assert (action.capitalize() if action == "destroyed" else action) in markdown
    assert (markdown == "### ✅ No changes\n") == (action == "")
    assert review(plan(resource("aws_s3_bucket.b", before={}))).exit_status == EXIT_GUARDED
    for value in (before, None) if before == after else ():
        imported = resource("a.b", before=value, after=value, importing={"id": "i-1"})
        assert "<b>1 imported</b>: <code>a.b</code></summary>\n\n**📦 `a.b`**" in markdown_of(imported)


# --- The text ----------------------------------------------------------------------------------------------


def test_no_changes_is_one_quiet_line() -> None:
    unchanged = resource("aws_dynamodb_table.orders", "no-op", before={"a": 1}, after={"a": 1})
    assert markdown_of(unchanged) == "### ✅ No changes\n"
    assert review({"format_version": "1.2", "planned_values": {}}).markdown == "### ✅ No changes\n"
    named = review(plan(unchanged), context=Context(stack="order-pipeline-dev"))
    assert named.markdown == "### ✅ `order-pipeline-dev`: no changes\n"


EVERY_KIND = (
    resource("a.add", "create", after={}),
    resource("a.change", "update", before={}, after={}),
    resource("a.replace", "delete", "create", before={}, after={}),
    resource("a.replace2", "create", "delete", before={}, after={}),
    resource("a.destroy", "delete", before={}),
    {**resource("a.new", "no-op", before={}, after={}), "previous_address": "a.old"},
    resource("a.import", "update", before={}, after={}, importing={"id": "x"}),
    resource("a.forget", "forget", before={}),
)


def test_the_title_counts_every_kind_of_change_and_promises_nothing() -> None:
    result = review(plan(*EVERY_KIND), context=Context(stack="dev"))
    assert result.markdown.splitlines()[0] == (
        "### ✏️ `dev`: 1 to create, 2 to change, 2 to replace, 1 to destroy, 1 to move, 1 to import, "
        "1 to forget"
    )
    bucket = resource("aws_s3_bucket.b", "update", before={"x": 1}, after={"x": 2})
    table = review(plan(*EVERY_KIND, bucket)).markdown
    assert "| | ➕ create | ✏️ change | ♻️ replace | 🗑️ destroy | 📦 move / import / forget |\n" in table
    assert "| **guarded data** | – | **1** | – | – | – |\n| everything else | 1 | 2 | 2 | 1 | 3 |\n" in table


def test_the_title_says_what_would_be_lost_opened_and_weakened() -> None:
    policy = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}]})
    opened = resource("aws_s3_bucket_policy.p", "create", after={"policy": policy})
    alarms = [
        resource(
            f"aws_cloudwatch_metric_alarm.a{number}",
            "update",
            before={"actions_enabled": True},
            after={"actions_enabled": False},
        )
        for number in range(2)
    ]
    result = review(plan(*alarms, opened, TABLE_DESTROYED), context=Context(stack="dev"))
    title, _, caution, words, rest, *_ = result.markdown.splitlines()
    assert title == (
        "### 🛑 `dev` would lose `aws_dynamodb_table.orders`, open `aws_s3_bucket_policy.p` "
        "and weaken 2 resources"
    )
    assert caution == "> [!CAUTION]"
    assert words == (
        "> **1 guarded resource would be destroyed and its data lost**, **1 resource would be opened** and "
        "**2 resources would be weakened in watching**."
    )
    assert rest == "> This check fails until each is undone or allowed in `.github/allowed-losses`."
    assert review(plan(alarms[0])).markdown.startswith(
        "### 🛑 This plan would weaken `aws_cloudwatch_metric_alarm.a0`: the alarm tells nobody\n"
    )
    assert review(plan(*alarms)).title == "This plan would weaken 2 resources"
    drifted = review(plan(opened, resource_drift=[resource("a.b", "delete")])).markdown
    assert "Nothing changed outside" not in drifted
    assert "Nothing changed outside of Terraform</sub>" in result.markdown
    # Alike, they are one decision.
    assert (
        "**3. 🔕 `aws_cloudwatch_metric_alarm.a0` and `aws_cloudwatch_metric_alarm.a1`** – "
        in result.markdown
    )
    assert "**4." not in result.markdown


def test_every_loss_is_decided_by_itself() -> None:
    replaced = resource("aws_dynamodb_table.r", "delete", "create", before={"id": ""}, after={"id": ""})
    gone = [resource(f"aws_s3_bucket.b{number}", "delete", before={"id": number}) for number in range(2)]
    markdown = review(plan(replaced, *gone)).markdown
    assert "> **3 guarded resources would be replaced or destroyed and their data lost**.\n" in markdown
    assert "\n**1. ♻️ `aws_dynamodb_table.r`** – DynamoDB table – replaced – " in markdown
    assert "\n**2. 🗑️ `aws_s3_bucket.b0`** – S3 bucket – destroyed – " in markdown
    assert "\n**3. 🗑️ `aws_s3_bucket.b1`** – S3 bucket – destroyed – " in markdown


def test_many_that_are_destroyed_are_collapsed() -> None:
    def markdown(count: int) -> str:
        return markdown_of(*(resource(f"a.r{number}", "delete", before={}) for number in range(count)))

    assert "\n#### Destroyed\n\n**🗑️ `a.r0`**" in markdown(12)
    assert "<details><summary><b>13 destroyed</b>: <code>a.r0</code>" in markdown(13)


def test_many_that_are_alike_are_counted() -> None:
    alarms = [resource(f"aws_cloudwatch_metric_alarm.a{number}", "delete", before={}) for number in range(14)]
    markdown = review(plan(*alarms, resource("a.b", "create", after={}))).markdown
    assert (
        "`aws_cloudwatch_metric_alarm.a11` and 2 more** – CloudWatch metric alarm each – destroyed"
        in markdown
    )


def test_the_most_dangerous_comes_first() -> None:
    markdown = review(
        plan(
            resource("a.created", "create", after={"x": 1}),
            resource("a.changed", "update", before={"x": 1}, after={"x": 2}),
            resource("aws_instance.i", "update", before={"x": 1}, after={"x": 2}),
            resource("aws_sns_topic.t", "update", before={"x": 1}, after={"x": 2}),
            resource("aws_s3_bucket.changed", "update", before={"x": 1}, after={"x": 2}),
            resource("a.destroyed", "delete", before={"x": 1}),
            resource(
                "a.replaced", "delete", "create", before={"x": 1}, after={"x": 2}, replace_paths=[["x"]]
            ),
            TABLE_DESTROYED,
            output_changes={"out": {"actions": ["create"], "before": None, "after": 1}},
            resource_drift=[resource("a.drifted", "update", before={"x": 1}, after={"x": 2})],
            action_invocations=[{"address": "action.aws_lambda_invoke.run"}],
        )
    ).markdown
    names = [
        "1. 🗑️ `aws_dynamodb_table.orders`",
        "♻️ `a.replaced`",
        "🗑️ `a.destroyed`",
        "action.aws_lambda_invoke.run",
        "✏️ `aws_s3_bucket.changed`",
        "✏️ `aws_sns_topic.t`",
        "✏️ `aws_instance.i`",
        "✏️ `a.changed`",
        "➕ `a.created`",
        "`a.drifted`",
        "+ out: 1",
    ]
    positions = [markdown.index(name) for name in names]
    assert positions == sorted(positions)


def test_a_replacement_names_what_forces_it() -> None:
    markdown = review(load("create_before_destroy")).markdown
    assert "– DynamoDB table `orders-table-dev` – replaced – **every item in it is lost**\n" in markdown
    assert '! hash_key: "orderId" → "id"  # forces replacement\n' in markdown
    assert "known after apply" not in markdown
    assert "**♻️ `aws_lambda_function.processor`** – Lambda function – replaced – it is tainted\n" in markdown


def test_created_resources_show_what_is_set() -> None:
    after = {
        "name": "a",
        "none": None,
        "empty": [],
        "unknown": None,
        "block": [{"days": 3, "gone": None}],
        "tags": {"a": "b"},
        "tags_all": {"a": "b"},
    }
    markdown = markdown_of(
        resource("aws_sqs_queue.q", "create", after=after, after_unknown={"unknown": True})
    )
    assert "<summary><b>1 created</b>: <code>aws_sqs_queue.q</code></summary>\n" in markdown
    assert '```diff\n+ block: [{"days": 3}]\n+ name:  "a"\n+ tags:  {"a": "b"}\n```\n' in markdown


def test_import_tells_of_what() -> None:
    imports = [
        resource("a.by_id", "no-op", before={}, after={}, importing={"id": "i-1"}),
        resource(
            "a.by_identity", "no-op", before={}, after={}, importing={"identity": {"arn": "arn:x", "n": 1}}
        ),
        resource("a.unknown", "no-op", before={}, after={}, importing={"unknown": True}),
    ]
    markdown = markdown_of(*imports)
    assert "<b>3 imported</b>" in markdown
    assert '`a.by_id`** – a – import of `"i-1"`\n' in markdown
    assert '`a.by_identity`** – a – import of `{"arn": "arn:x", "n": 1}`\n' in markdown
    assert "`a.unknown`** – a – import\n" in markdown


def test_actions_that_run_are_shown() -> None:
    action = {
        "address": "action.aws_lambda_invoke.warm",
        "type": "aws_lambda_invoke",
        "config_values": {"function_name": "f", "payload": "pay-load", "region": None, "later": None},
        "config_sensitive": {"payload": True},
        "config_unknown": {"later": True},
        "lifecycle_action_trigger": {
            "triggering_resource_address": "aws_lambda_function.f",
            "action_trigger_event": "AfterUpdate",
        },
    }
    markdown = markdown_of(
        action_invocations=[action],
        deferred_action_invocations=[{"reason": "unknown_x", "action_invocation": {"address": "action.a.b"}}],
    )
    assert markdown.startswith("### ⚡ This plan: only runs 2 actions\n")
    assert "**⚡ `action.aws_lambda_invoke.warm`** – after update of `aws_lambda_function.f`\n" in markdown
    assert (
        '+ function_name: "f"\n+ later:         (known after apply)\n+ payload:       (sensitive)\n'
        in markdown
    )
    assert "**⚡ `action.a.b`** – deferred to a later plan: `unknown_x`\n" in markdown


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("BeforeCreate", "before create"),
        ("after_update", "after update"),
        ("AfterDestroy", "after destroy"),
        ("<b>", "a change"),
    ],
)
def test_when_an_action_runs_is_said(event: str, words: str) -> None:
    trigger = {"triggering_resource_address": "a.b", "action_trigger_event": event}
    action = {"address": "action.a.b", "lifecycle_action_trigger": trigger}
    assert f"**⚡ `action.a.b`** – {words} of `a.b`\n" in markdown_of(action_invocations=[action])


def check(status: str, *messages: str) -> dict[str, object]:
    return {
        "address": {"kind": "check", "to_display": "check.health"},
        "status": status,
        "instances": [{"problems": [{"message": message} for message in messages]}],
    }


@pytest.mark.parametrize("status", ["fail", "error"])
def test_failing_checks_are_said(status: str) -> None:
    markdown = markdown_of(checks=[check(status, "no `answer`", "twice"), check("pass"), check("unknown")])
    assert "✅" not in markdown.splitlines()[0]
    assert "\n❌ The check `check.health` fails: `no \\u0060answer\\u0060; twice`\n" in markdown
    assert "1 of 3 checks fail" in markdown
    unnamed = {"address": {"to_display": ""}, "status": status}
    assert "\n❌ The check `unnamed` fails\n" in markdown_of(checks=[unnamed, 1, {"status": 1}])
    assert markdown_of(checks=[check("pass")]).startswith("### ✅ No changes\n")


def test_warnings_are_said() -> None:
    result = review(plan(), context=Context(warnings=("Deprecated: `x`",)))
    assert result.markdown.startswith("### ✏️ This plan: no changes to resources\n")
    assert "\n⚠️ Terraform warns: `Deprecated: \\u0060x\\u0060`\n" in result.markdown


@pytest.mark.parametrize("empty", [{}, [], "", 0, 0.0, False])
def test_drift_from_null_to_empty_is_noise(empty: object) -> None:
    drift = resource(
        "a.b", "update", before={"x": None, "nested": [{}]}, after={"x": empty, "nested": [{"y": empty}]}
    )
    assert markdown_of(resource_drift=[drift]) == "### ✅ No changes\n"


@pytest.mark.parametrize(
    ("before", "after"), [(None, True), (True, False), (None, 1), ("x", ""), (0, None), ({}, {"a": 1})]
)
def test_other_drift_is_shown(before: object, after: object) -> None:
    drift = resource("a.b", "update", before={"x": before}, after={"x": after})
    markdown = markdown_of(resource_drift=[drift])
    summary = "<b>1 changed outside of Terraform</b>: <code>a.b</code>"
    assert f"<details><summary>{summary}</summary>\n\n`a.b`\n```diff\n" in markdown
    assert markdown.endswith("</details>\n")


def test_drift_is_no_change_to_the_gate() -> None:
    deleted = resource("aws_s3_bucket.b", "delete")
    assert "`aws_s3_bucket.b` was deleted\n" in markdown_of(resource_drift=[deleted])
    created = resource("aws_s3_bucket.b", "create", after={})
    markdown = markdown_of(created, resource_drift=[deleted])
    assert "`aws_s3_bucket.b` was deleted and would be created again\n" in markdown
    deposed = {**resource("a.b", "delete", before={}), "deposed": "1a2b3c4d"}
    markdown = markdown_of(deposed, resource_drift=[resource("a.b", "delete")])
    assert "`a.b` was deleted\n" in markdown


def test_drift_that_the_plan_changes_back_is_shown_once() -> None:
    drift = resource("a.b", "update", before={"x": 1, "y": 1}, after={"x": 2, "y": 2})
    back = resource("a.b", "update", before={"x": 2, "y": 2}, after={"x": 1, "y": 2})
    markdown = markdown_of(back, resource_drift=[drift])
    assert "! x: 2 → 1  # changed outside of Terraform\n" in markdown
    assert markdown.count(" x:") == 1
    assert "<code>a.b</code></summary>\n\n`a.b`\n```diff\n! y: 1 → 2\n```\n" in markdown


def test_outputs_are_shown_but_not_the_sensitive_ones() -> None:
    output: dict[str, object] = {"actions": ["update"], "before": "old-token", "after": "new-token"}
    output |= {"before_sensitive": True, "after_sensitive": True}
    markdown = markdown_of(output_changes={"token": output, "b": {"actions": ["no-op"]}})
    assert markdown.startswith("### ✏️ This plan: only outputs change\n")
    assert "! token: (sensitive) → (sensitive)\n" in markdown
    assert "<b>1 output changes</b>: <code>token</code></summary>" in markdown
    # Also what is too short to be looked for, and what is not known yet.
    short = {"actions": ["update"], "before": False, "after": None}
    short |= {"before_sensitive": True, "after_unknown": True}
    assert "! o: (sensitive) → (known after apply)\n" in markdown_of(output_changes={"o": short})
    short = {"actions": ["update"], "before": 1, "after": 2, "after_sensitive": True}
    assert "! o: 1 → (sensitive)\n" in markdown_of(output_changes={"o": short})


def test_deferred_changes_are_shown() -> None:
    deferred = [{"reason": "absent_prereq", "resource_change": resource("a.b", "create", after={"x": 1})}]
    markdown = markdown_of(deferred_changes=deferred)
    assert markdown.startswith("### ⏭️ This plan: all changes are deferred to a later plan\n")
    assert "**➕ `a.b`** – a – deferred to a later plan: `absent_prereq`\n" in markdown
    for reason in ("", 1, None):
        deferred[0]["reason"] = reason
        assert " – deferred to a later plan: `unknown`\n" in markdown_of(deferred_changes=deferred)


@pytest.mark.parametrize("deposed", ["", 1, None])
def test_a_deposed_object_has_a_key(deposed: object) -> None:
    change = {**resource("a.b", "delete", before={}), "deposed": deposed}
    assert "**🗑️ `a.b`** – a\n" in markdown_of(change)


@pytest.mark.parametrize(("type_", "kind"), [
    ("aws_s3_bucket_acl", "S3 bucket ACL"),
    ("aws_cloudwatch_log_group", "CloudWatch log group"),
    ("aws_db_instance", "DB instance"),
    ("aws_dynamodb_tag", "DynamoDB tag"),
    ("aws_ecr_repository", "ECR repository"),
    ("aws_iam_role", "IAM role"),
    ("aws_kms_alias", "KMS alias"),
    ("aws_lambda_function_url", "Lambda function URL"),
    ("aws_sns_topic", "SNS topic"),
    ("aws_sqs_queue", "SQS queue"),
    ("aws_`x`", "resource"),
])  # fmt: skip
def test_a_resource_is_called_what_aws_calls_it(type_: str, kind: str) -> None:
    change = {**resource("a.b", "update", before={"x": 1}, after={"x": 2}), "type": type_}
    assert f"**✏️ `a.b`** – {kind}\n" in markdown_of(change)


@pytest.mark.parametrize(("count", "more"), [(12, "</summary>"), (13, " and 1 more</summary>")])
def test_a_dozen_are_named(count: int, more: str) -> None:
    markdown = markdown_of(*(resource(f"a.r{number:02}", "create", after={}) for number in range(count)))
    assert f"<code>a.r11</code>{more}\n" in markdown


# --- Names ----------------------------------------------------------------------------------


def test_resources_have_the_names_of_their_constructs() -> None:
    change = resource('aws_sqs_queue.q["k"]', "update", before={"x": 1}, after={"x": 2})
    markdown = review(plan(change), context=Context(names={"aws_sqs_queue.q": "orders/queue"})).markdown
    assert '✏️ `orders/queue["k"]`** – SQS queue\n' in markdown
    assert (
        "\n<details><summary>Terraform addresses</summary>\n\n| construct | address |\n|---|---|\n"
        '| `orders/queue["k"]` | `aws_sqs_queue.q["k"]` |\n\n</details>\n'
    ) in markdown


# --- The size ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("character", ["a", "語", "😀", "`", "\n"])
def test_a_long_review_is_cut_from_the_least_dangerous_end(character: str) -> None:
    updates = [
        resource(f"a.updated{number}", "update", before={"x": 1}, after={"x": character * 150})
        for number in range(600)
    ]
    created = [resource(f"a.created{number}", "create", after={"x": 1}) for number in range(600)]
    result = review(plan(*created, *updates, TABLE_DESTROYED))
    markdown = result.markdown
    assert len(markdown.encode("utf-16-le")) // 2 <= GITHUB_COMMENT_LIMIT
    assert len(markdown.encode()) > GITHUB_COMMENT_LIMIT * 0.9
    assert markdown.startswith("### 🛑 This plan would lose `aws_dynamodb_table.orders`\n")
    assert "| everything else | 600 | 600 | – | – | – |" in markdown
    shown = markdown.count("**✏️ `a.updated")
    assert shown > 50
    assert "➕ `a.created" not in markdown
    assert f"**Cut to fit a comment:** {600 - shown + 600} of its parts" in markdown
    # What allows the change stays, and all that are cut are named.
    assert "--allow=aws_dynamodb_table.orders\n```\n" in markdown
    names = re.search(r"^- changed: (.*)\n- created: (.*)$", markdown, re.MULTILINE)
    assert names
    assert names[1].split(", ") == [f"`a.updated{number}`" for number in range(shown, 600)]
    assert names[2].split(", ") == [f"`a.created{number}`" for number in range(600)]


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


def test_a_cut_inside_a_collapsed_part_closes_it() -> None:
    markdown = markdown_of(*(resource(f"a.created{number}", "create", after={}) for number in range(2_500)))
    assert len(markdown) <= GITHUB_COMMENT_LIMIT
    assert markdown.count("<details>") == markdown.count("</details>") == 1
    assert markdown.index("</details>") < markdown.index("Cut to fit")
    assert "<code>a.created11</code> and 2488 more</summary>" in markdown


def test_one_part_that_is_too_long_keeps_no_other_out() -> None:
    statements = [
        {"Sid": f"S{number}", "Effect": "Allow", "Action": "a:" + "b" * 90} for number in range(900)
    ]
    policy = resource("aws_iam_policy.p", "create", after={"policy": json.dumps({"Statement": statements})})
    markdown = markdown_of(policy, resource("a.b", "create", after={"x": 1}))
    assert "- created: `aws_iam_policy.p`\n" in markdown
    assert "**➕ `a.b`** – a\n" in markdown


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
        "type": st.sampled_from([*GUARDED, "aws_sns_topic_delivery"]),
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
        "checks": st.lists(JSON, max_size=2),
        "timestamp": JSON,
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
        + (
            f" (deposed object {item['deposed']})"
            if isinstance(item.get("deposed"), str) and item["deposed"]
            else ""
        )
        for item in data["resource_changes"]
        if item["type"] in GUARDED and {"delete", "forget"} & set(item["change"]["actions"])
    }
    allowed = draw.draw(st.sets(st.sampled_from(sorted(at_stake)))) if at_stake else set()
    result = review(data, allowed)
    assert result.exit_status == (EXIT_GUARDED if at_stake - allowed else EXIT_SAFE)
    assert len(result.markdown) <= GITHUB_COMMENT_LIMIT
    result.markdown.encode()


STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.one_of(st.sampled_from(["Allow", "Deny"]), JSON)},
    optional=dict.fromkeys(
        (
            "Sid",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Principal",
            "NotPrincipal",
            "Condition",
            "x",
        ),
        st.one_of(
            st.sampled_from(["*", ["*"], {"AWS": "*"}, {"Bool": {"a": [True]}}, "s3:*", {"Federated": "x"}]),
            JSON,
        ),
    ),
)
POLICIES = st.fixed_dictionaries({"Statement": st.one_of(st.lists(STATEMENTS, max_size=3), STATEMENTS, JSON)})
NUMBERS = st.sampled_from([Decimal("1e999999"), Decimal("-1e-999999"), Decimal("0e9999"), 10**400, 1.5])
VALUES = st.one_of(JSON, POLICIES.map(json.dumps), STATEMENTS, POLICIES, st.sampled_from(MALFORMED), NUMBERS)


def judged_resource(type_: str) -> st.SearchStrategy[Any]:
    """A change of all that the table of weakenings judges of a type, whatever the values are."""
    names = {row.attribute.partition(".")[0] for _, row in ROWS_OF[type_]} | {"bucket", "dimensions", "name"}
    sides = st.fixed_dictionaries({}, optional=dict.fromkeys(sorted(names - {""}), VALUES))
    change = st.fixed_dictionaries(
        {"actions": ACTION_LISTS, "before": st.one_of(sides, JSON), "after": st.one_of(sides, JSON)},
        optional={"after_unknown": JSON, "after_sensitive": JSON},
    )
    return st.fixed_dictionaries(
        {"address": st.just(f"{type_}.it"), "type": st.just(type_), "change": change}
    )


@given(st.lists(st.sampled_from(sorted(ROWS_OF)).flatmap(judged_resource), min_size=1, max_size=3))
def test_anything_is_judged_without_a_traceback(changes: list[Any]) -> None:
    result = review(plan(*changes))
    assert result.exit_status in (EXIT_SAFE, EXIT_GUARDED)
    allowed = review(plan(*changes), [finding.allow for finding in result.findings])
    assert allowed.exit_status == EXIT_SAFE


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
                (data, "action_invocations"),
                (data, "checks"),
                (data, "complete"),
                (data, "errored"),
                (data, "applyable"),
                (last, "change"),
                (last, "address"),
                (last["change"], "actions"),
                (last["change"], "before"),
            ]
        )
    )
    node[key] = junk
    assert review(data).exit_status in (EXIT_GUARDED, EXIT_UNUSABLE)
