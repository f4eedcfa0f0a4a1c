"""The first lines of a comment: what a plan means."""

from typing import Any

import pytest

from tests.review.handmade import TABLE_DESTROYED, plan, resource
from tools.review.context import Context
from tools.review.review import review

BUCKET = resource("aws_s3_bucket.b", "delete", "create", before={}, after={})


def alarm(name: str, **after: object) -> Any:  # noqa: ANN401
    before = {"alarm_actions": ["arn"], "actions_enabled": True}
    address = f"aws_cloudwatch_metric_alarm.{name}"
    return resource(address, "update", before=before, after={**before, **after})


QUIET = alarm("a", alarm_actions=[])


@pytest.mark.parametrize(
    ("changes", "allowed", "title", "callout"),
    [
        (
            [TABLE_DESTROYED, BUCKET],
            [],
            "lose 2 guarded resources",
            "**2 guarded resources would be destroyed or replaced and their data lost**",
        ),
        (
            [BUCKET],
            [],
            "lose `aws_s3_bucket.b`",
            "**1 guarded resource would be replaced and its data lost**",
        ),
        (
            [QUIET],
            [],
            "weaken `aws_cloudwatch_metric_alarm.a`: the alarm tells fewer or nobody",
            "**1 resource would be weakened in watching**",
        ),
        (
            [QUIET, alarm("b", alarm_actions=[])],
            [],
            "weaken 2 resources",
            "**2 resources would be weakened in watching**",
        ),
        # Two weakenings of one resource are those of one.
        (
            [alarm("a", alarm_actions=[], actions_enabled=False)],
            [],
            "weaken `aws_cloudwatch_metric_alarm.a`",
            "**1 resource would be weakened in watching**",
        ),
        (
            [TABLE_DESTROYED, QUIET],
            ["aws_dynamodb_table.orders"],
            "weaken `aws_cloudwatch_metric_alarm.a`: the alarm tells fewer or nobody",
            "**1 resource would be weakened in watching**",
        ),
    ],
)
def test_what_needs_a_decision_is_said_first(
    changes: list[Any], allowed: list[str], title: str, callout: str
) -> None:
    lines = review(plan(*changes), allowed).markdown.split("\n")
    assert lines[:6] == [
        f"### 🛑 This plan would {title}",
        "",
        "> [!CAUTION]",
        f"> {callout}.",
        "> This check fails until each is undone or allowed in `.github/allowed-losses`.",
        "",
    ]


FORGOTTEN = resource("aws_s3_bucket.gone", "forget", before={"id": "orders-dev"})


@pytest.mark.parametrize(
    ("changes", "title", "callout"),
    [
        ([FORGOTTEN], "forget S3 bucket `orders-dev`", "**1 guarded resource would be forgotten**"),
        (
            [FORGOTTEN, TABLE_DESTROYED],
            "lose `orders/table` and forget S3 bucket `orders-dev`",
            "**1 guarded resource would be destroyed and its data lost** and "
            "**1 guarded resource would be forgotten**",
        ),
        (
            [resource("aws_kms_key.k", "forget", before={})],
            "forget `aws_kms_key.k`",
            "**1 guarded resource would be forgotten**",
        ),
    ],
)
def test_what_stays_in_aws_is_forgotten_and_called_by_its_id_without_a_construct(
    changes: list[Any], title: str, callout: str
) -> None:
    context = Context(names={"aws_dynamodb_table.orders": "orders/table"})
    text = review(plan(*changes), context=context).markdown
    assert text.startswith(f"### 🛑 This plan would {title}\n\n> [!CAUTION]\n> {callout}.\n")


def test_what_has_left_the_code_has_its_address_beside_its_id() -> None:
    text = review(plan(FORGOTTEN), context=Context(names={"a.b": "other"})).markdown
    assert "**1. 📤 S3 bucket `orders-dev`** – `aws_s3_bucket.gone` – forgotten – " in text


def test_a_failed_check_is_told_beside_what_is_lost() -> None:
    title = review(plan(TABLE_DESTROYED, checks=[{"status": "fail"}])).title
    assert title == "This plan would lose aws_dynamodb_table.orders, 1 check fails"


def test_what_is_allowed_is_a_warning() -> None:
    allowed = ["aws_dynamodb_table.orders", "aws_cloudwatch_metric_alarm.a.alarm_actions"]
    result = review(plan(TABLE_DESTROYED, QUIET), allowed, context=Context(stack="dev"))
    assert result.markdown.split("\n")[:5] == [
        "### ⚠️ `dev` would, as allowed, lose `aws_dynamodb_table.orders` "
        "and weaken `aws_cloudwatch_metric_alarm.a`",
        "",
        "> [!WARNING]",
        "> **1 guarded resource would be destroyed and its data lost** and "
        "**1 resource would be weakened in watching**, as allowed in `.github/allowed-losses`.",
        "",
    ]


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({"output_changes": {"o": {"actions": ["create"], "after": 1}}}, "✏️ This plan: only outputs change"),
        ({"action_invocations": [{"address": "a.b.c"}]}, "⚡ This plan: only runs 1 action"),
        ({"action_invocations": [{"address": "a.b.c"}] * 2}, "⚡ This plan: only runs 2 actions"),
        (
            {"deferred_changes": [{"resource_change": resource("a.b", "create", after={})}]},
            "⏭️ This plan: all changes are deferred to a later plan",
        ),
        ({"checks": [{"status": "fail"}]}, "✏️ This plan: no changes to resources, 1 check fails"),
        ({"checks": [{"status": "fail"}] * 2}, "✏️ This plan: no changes to resources, 2 checks fail"),
        ({"checks": [{"status": "pass"}]}, "✅ No changes"),
        ({"resource_drift": [resource("a.b", "delete")]}, "✅ No changes"),
    ],
)
def test_a_plan_without_changes_says_what_there_is(fields: dict[str, Any], title: str) -> None:
    result = review(plan(**fields))
    assert result.markdown.split("\n")[0] == f"### {title}"
    assert result.title == title.partition(" ")[2]


def test_changes_are_counted_by_what_they_are_to() -> None:
    source = {**resource("aws_s3_bucket.data", "delete", before={}), "mode": "data"}
    changes = [BUCKET, source, resource("aws_kms_key.k", "create", after={}), resource("a.b", "forget")]
    allowed = ["aws_s3_bucket.b"]
    assert (
        "\n| | ➕ create | ✏️ change | ♻️ replace | 🗑️ destroy | 📦 move / import / forget |\n"
        "|---|:-:|:-:|:-:|:-:|:-:|\n"
        "| **guarded data** | **1** | – | **1** | – | – |\n"
        "| everything else | – | – | – | 1 | 1 |\n"
    ) in review(plan(*changes), allowed).markdown
    assert "| create" not in review(plan(resource("a.b", "no-op"), checks=[{"status": "fail"}])).markdown
