"""The sections of a comment, and what is told of each change in them."""

import json
from typing import Any

import pytest

from tests.review.handmade import markdown_of, plan, resource
from tools.review import comment
from tools.review.context import Context
from tools.review.review import review

PUBLIC = json.dumps({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}})


def weaker(address: str, **fields: object) -> Any:  # noqa: ANN401
    actions = {"before": {"actions_enabled": True}, "after": {"actions_enabled": False}}
    return {**resource(f"aws_cloudwatch_metric_alarm.{address}", "update", **actions), **fields}


# --- Decisions ---------------------------------------------------------------------------------------------


def test_what_is_weakened_alike_is_decided_together_unless_something_differs() -> None:
    alike = review(plan(weaker("a"), weaker("b"))).markdown
    kind = "CloudWatch metric alarm"
    assert (
        "\n#### Needs a decision\n"
        "\n**1. 🔕 `aws_cloudwatch_metric_alarm.a` and `aws_cloudwatch_metric_alarm.b`** – "
        f"{kind} each – **the alarm tells nobody**\n```diff\n- actions_enabled: true → false\n```\n"
    ) in alike
    moved = review(plan(weaker("a"), weaker("b", previous_address="a.old"))).markdown
    assert f"**1. 🔕 `aws_cloudwatch_metric_alarm.a`** – {kind} – **the alarm tells nobody**\n" in moved
    assert "**2. 🔕 `aws_cloudwatch_metric_alarm.b`** – " in moved
    assert "**the alarm tells nobody**; move from `a.old`\n" in moved
    allowed = review(
        plan(weaker("a"), weaker("b")), ["aws_cloudwatch_metric_alarm.a.actions_enabled"]
    ).markdown
    needed, rest = allowed.split("\n#### Allowed\n")
    assert "**1. 🔕 `aws_cloudwatch_metric_alarm.b`** – " in needed
    assert f"\n**2. 🔕 `aws_cloudwatch_metric_alarm.a`** – {kind} – **the alarm tells nobody**\n" in rest


def test_what_is_allowed_in_part_still_needs_its_decision() -> None:
    mapping = resource(
        "aws_lambda_event_source_mapping.m",
        "update",
        before={"enabled": True, "maximum_retry_attempts": 9},
        after={"enabled": False, "maximum_retry_attempts": 1},
    )
    result = review(plan(mapping), ["aws_lambda_event_source_mapping.m.enabled"]).markdown
    assert "#### Allowed" not in result
    assert " – **events are not processed** (allowed) – **gives up on a batch sooner**\n" in result


def test_losses_that_weaken_too_are_decided_one_by_one() -> None:
    tables = [
        resource(
            f"aws_dynamodb_table.{name}",
            *("delete", "create"),
            before={"stream_enabled": True},
            after={"stream_enabled": False},
        )
        for name in "ab"
    ]
    result = review(plan(*tables)).markdown
    for number, name in ((1, "a"), (2, "b")):
        assert (
            f"\n**{number}. ♻️ `aws_dynamodb_table.{name}`** – DynamoDB table – replaced – "
            "**every item in it is lost** – **its changes reach nobody**\n"
        ) in result


@pytest.mark.parametrize(("count", "decisions"), [(200, 1), (201, 201)])
def test_so_many_are_compared_to_be_shown_together(count: int, decisions: int) -> None:
    result = review(plan(*(weaker(f"a{number}") for number in range(count)))).markdown
    assert f"\n**{decisions}. " in result
    assert f"\n**{decisions + 1}. " not in result


def test_a_new_resource_that_opens_something_is_new() -> None:
    queue = resource("aws_sqs_queue.q", "create", after={"policy": PUBLIC, "x": 1})
    result = review(plan(queue)).markdown
    assert "**1. 🔓 `aws_sqs_queue.q`** – SQS queue – new – **anyone may use it**\n" in result
    both = resource("aws_sqs_queue.q", "update", before={"policy": ""}, after={"policy": PUBLIC})
    assert (
        "\n```\n# aws_sqs_queue.q: anyone may use it; it may do everything:\n"
        "--allow=aws_sqs_queue.q.policy\n```\n\n</details>\n"
    ) in review(plan(both)).markdown


# --- Changes -----------------------------------------------------------------------------------------------


def test_a_change_of_the_code_alone_is_said_in_a_word() -> None:
    def shown(type_: str, before: object, after: object, **change: object) -> str:
        text = markdown_of(resource(f"{type_}.f", "update", before=before, after=after, **change))
        return text[text.index("**✏️") : text.index("\n</details>")]

    code = {"source_code_hash": "x"}, {"source_code_hash": "y"}
    head = "**✏️ `aws_lambda_function.f`** – Lambda function"
    assert shown("aws_lambda_function", *code) == f"{head} – code only (`source_code_hash`)\n"
    assert shown("aws_lambda_function", {"x": 1}, {"x": 2}) == f"{head}\n```diff\n! x: 1 → 2\n```\n"
    modified = {"after_unknown": {"last_modified": True}}
    assert shown("aws_lambda_function", {}, {}, **modified) == (
        f"{head}\n```diff\n+ last_modified: (known after apply)\n```\n"
    )
    assert shown("aws_lambda_function", {}, {}) == f"{head}\n"
    assert '```diff\n! source_code_hash: "x" → "y"  # the code\n```' in shown("aws_lambda_layer", *code)
    function = resource("aws_lambda_function.f", "update", before=code[0], after=code[1])
    assert "<code>aws_lambda_function.f (code)</code></summary>" in markdown_of(function)


def test_what_is_moved_and_imported_is_said_as_such() -> None:
    both = {**resource("a.b", "no-op", importing={"id": "i"}), "previous_address": "a.old"}
    assert (
        "<details><summary><b>1 moved and imported</b>: <code>a.b</code></summary>\n"
        '\n**📦 `a.b`** – a – move from `a.old`; import of `"i"`\n\n</details>\n'
    ) in markdown_of(both)


def test_what_is_read_later_is_shown_without_what_it_would_be() -> None:
    source = {**resource("data.a.b", "read", after={"x": 1}), "mode": "data"}
    text = markdown_of(deferred_changes=[{"reason": "r", "resource_change": source}])
    assert "\n#### Deferred\n\n**📖 `data.a.b`** – data – deferred to a later plan: `r`\n\n<sub>" in text


def test_only_what_changes_has_a_line_with_its_address() -> None:
    changes = [
        resource("a.changed", "update", before={"x": 1}, after={"x": 2}),
        resource("a.same", "no-op"),
        resource("a.plain", "create", after={}),
    ]
    names = {"a.changed": "one", "a.same": "other"}
    text = review(plan(*changes), context=Context(names=names)).markdown
    assert "\n|---|---|\n| `one` | `a.changed` |\n\n</details>\n\n<sub>" in text


def test_what_drifted_and_comes_back_is_said() -> None:
    drift = resource("a.b", "delete")
    deposed = {**resource("a.b", "delete", before={}), "deposed": "1a2b3c4d"}
    created = resource("a.b", "create", after={})
    for changes in ([created, deposed], [deposed, created]):
        assert "`a.b` was deleted and would be created again\n" in markdown_of(
            *changes, resource_drift=[drift]
        )
    updated = resource("a.b", "update", before={"x": 1}, after={"x": 2})
    assert "\n`a.b` was deleted\n" in markdown_of(updated, resource_drift=[drift])


def test_what_is_not_known_yet_of_a_drift_is_noise() -> None:
    hidden = {"before_sensitive": {"x": True}, "after_sensitive": {"x": True}}
    drift = resource("a.b", "update", before={"x": None}, after={"x": ""}, **hidden)
    assert markdown_of(resource_drift=[drift]) == "### ✅ No changes\n"


def test_each_note_is_a_paragraph() -> None:
    checks = [
        {"status": "fail", "address": {"to_display": name}, "instances": [{"problems": problems}]}
        for name, problems in (("check.a", [{"message": "why"}]), ("check.b", []))
    ]
    text = review(plan(checks=checks), ["a.b"], context=Context(warnings=("one", "two"))).markdown
    assert text == (
        "### ✏️ This plan: no changes to resources\n"
        "\n⚠️ `--allow=a.b`: nothing there would be lost or weakened.\n"
        "\n❌ The check `check.a` fails: `why`\n"
        "\n❌ The check `check.b` fails\n"
        "\n⚠️ Terraform warns: `one`\n"
        "\n⚠️ Terraform warns: `two`\n"
        "\n<sub>Nothing changed outside of Terraform · 2 of 2 checks fail</sub>\n"
    )


def test_what_does_not_fit_is_named_by_what_would_happen_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comment, "COMMENT_LIMIT", 3_000)
    monkeypatch.setattr(comment, "_NAMES_LIMIT", 2_000)
    # No part of a comment fits any more.
    monkeypatch.setattr(comment, "_MISFITS", 0)
    sides: dict[str, Any] = {"before": {"x": 1}, "after": {"x": 2}}
    source = {**resource("data.a.read", "read", after={}), "mode": "data"}
    text = review(
        plan(
            resource("a.created", "create", after={}),
            resource("a.changed", "update", **sides),
            resource("a.replaced", "delete", "create", **sides),
            resource("a.destroyed", "delete", **sides),
            resource("a.forgotten", "forget", **sides),
            {**resource("a.moved", "no-op", **sides), "previous_address": "a.old"},
            weaker("a"),
            weaker("b"),
            deferred_changes=[{"resource_change": source}],
            action_invocations=[{"address": "action.a.b"}],
        )
    ).markdown
    # What has to be decided is named in its short form.
    assert "**1. 🔕 `aws_cloudwatch_metric_alarm.a` and `aws_cloudwatch_metric_alarm.b`** – " in text
    names = text[text.index("\n- replaced") : text.index("\n\n<sub>")]
    assert names.split("\n- ")[1:] == [
        "replaced: `a.replaced`",
        "destroyed: `a.destroyed`",
        "forgotten: `a.forgotten`",
        "run: `action.a.b`",
        "changed: `a.changed`",
        "created: `a.created`",
        "kept: `a.moved`",
        "read: `data.a.read`",
    ]
