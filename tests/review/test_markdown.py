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
    assert "**the alarm tells nobody**; moved from `a.old`\n" in moved
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


@pytest.mark.parametrize("allowed", [False, True])
def test_all_that_are_decided_together_are_named(allowed: bool) -> None:
    names = [f"n{number:02}" for number in range(15)]
    given = [f"aws_cloudwatch_metric_alarm.{name}.actions_enabled" for name in names] if allowed else []
    text = review(plan(*map(weaker, names)), given).markdown.partition("<details>")[0]
    assert "`aws_cloudwatch_metric_alarm.n11` and 3 more** – " in text
    others = [f"`aws_cloudwatch_metric_alarm.{name}`" for name in names[12:]]
    assert f"\n```\n\nThe others: {others[0]}, {others[1]} and {others[2]}\n" in text


def test_those_decided_together_have_no_id_of_one_of_them() -> None:
    buckets = [
        resource(
            f"aws_s3_bucket.{name}",
            "update",
            before={"id": name, "force_destroy": False},
            after={"id": name, "force_destroy": True},
        )
        for name in "ab"
    ]
    assert "**1. 🛡️ `aws_s3_bucket.a` and `aws_s3_bucket.b`** – S3 bucket each – **" in (
        review(plan(*buckets)).markdown
    )
    assert "**1. 🛡️ `aws_s3_bucket.a`** – S3 bucket `a` – **" in review(plan(buckets[0])).markdown


def test_what_allows_one_resource_for_one_reason_has_one_comment() -> None:
    flags = ("block_public_policy", "restrict_public_buckets")
    block = resource(
        "aws_s3_bucket_public_access_block.b",
        "update",
        before=dict.fromkeys(flags, True),
        after=dict.fromkeys(flags, False),
    )
    assert (
        "\n```\n# aws_s3_bucket_public_access_block.b: public access is not blocked\n"
        "--allow=aws_s3_bucket_public_access_block.b.block_public_policy\n"
        "--allow=aws_s3_bucket_public_access_block.b.restrict_public_buckets\n```\n"
    ) in review(plan(block)).markdown


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
        '\n**📦 `a.b`** – a – moved from `a.old`; import of `"i"`\n\n</details>\n'
    ) in markdown_of(both)


def test_what_is_moved_or_imported_and_changes_too_is_said_before_it_is_opened() -> None:
    sides: dict[str, Any] = {"before": {"x": 1}, "after": {"x": 2}}
    text = markdown_of(
        {**resource("a.moved", "update", **sides), "previous_address": "a.old"},
        resource("a.imported", "update", **sides, importing={"id": "i"}),
        {**resource("a.both", "update", **sides, importing={"id": "i"}), "previous_address": "a.old2"},
        resource("a.changed", "update", **sides),
    )
    assert (
        "<b>4 changed in place</b>: <code>a.moved (moved)</code>, <code>a.imported (imported)</code>, "
        "<code>a.both (moved and imported)</code>, <code>a.changed</code></summary>"
    ) in text


def test_those_that_need_no_decision_are_counted_beside_those_that_do() -> None:
    changed = resource("a.b", "update", before={"x": 1}, after={"x": 2})
    created = resource("a.c", "create", after={})
    text = review(plan(weaker("a"), changed, created)).markdown
    assert "<b>1 more changed in place</b>: " in text
    assert "<b>1 created</b>: " in text
    assert "<b>1 changed in place</b>: " in markdown_of(changed)


def replaced(name: str, *, type_: str = "a", forced: str = "x", **change: object) -> Any:  # noqa: ANN401
    sides = {"before": {"x": 1}, "after": {"x": 2}}
    return resource(f"{type_}.{name}", "delete", "create", **sides, replace_paths=[[forced]], **change)


def test_what_is_replaced_alike_is_shown_together() -> None:
    rows = "```diff\n! x: 1 → 2  # forces replacement\n```\n"
    assert f"\n#### Replaced\n\n**♻️ `a.b` and `a.c`** – a each – replaced\n{rows}" in markdown_of(
        replaced("b"), replaced("c")
    )
    text = markdown_of(replaced("b"), replaced("c", type_="d"), replaced("e", forced="y"))
    assert f"\n**♻️ `a.b` and `d.c`** – replaced\n{rows}" in text
    # What no row tells is said.
    assert "\n**♻️ `a.e`** – a – replaced – forced by `y`\n```diff\n! x: 1 → 2\n```\n" in text
    many = markdown_of(*(replaced(f"r{number:02}") for number in range(13)))
    assert f"`a.r11` and 1 more** – a each – replaced\n{rows}\nThe others: `a.r12`\n" in many
    kept = [resource("aws_s3_bucket." + name, "create", "forget", before={}, after={}) for name in "ab"]
    allowed = review(plan(*kept), ["aws_s3_bucket.a", "aws_s3_bucket.b"]).markdown
    assert "\n**2. ♻️ `aws_s3_bucket.b`** – " in allowed


@pytest.mark.parametrize(("count", "together"), [(200, True), (201, False)])
def test_so_many_replacements_are_compared(count: int, together: bool) -> None:
    text = markdown_of(*(replaced(f"r{number}") for number in range(count)))
    assert ("a each" in text) == together


def test_a_replacement_of_all_is_forced_by_nothing_with_a_name() -> None:
    change = resource("a.b", "delete", "create", before={"x": 1}, after={"x": 1}, replace_paths=[[]])
    assert "**♻️ `a.b`** – a – replaced\n" in markdown_of(change)


def test_outputs_show_what_of_them_changes() -> None:
    keys = {f"key{number:02}": "v" for number in range(60)}
    outputs = {
        "map": {"actions": ["update"], "before": keys, "after": {**keys, "key59": "w"}},
        "gone": {"actions": ["delete"], "before": "x", "after": None},
        "<same>": {"actions": ["update"], "before": None, "after": None},
    }
    assert markdown_of(output_changes=outputs).startswith(
        "### ✏️ This plan: only outputs change\n\n"
        "<details><summary><b>3 outputs change</b>: "
        "<code>[&quot;&lt;same&gt;&quot;]</code>, <code>gone</code>, <code>map</code></summary>\n\n"
        '```diff\n  ["<same>"]\n- gone: "x"\n! map.key59: "v" → "w"\n```\n\n</details>\n'
    )
    one = markdown_of(output_changes={"gone": outputs["gone"]})
    assert "<b>1 output changes</b>: <code>gone</code></summary>" in one


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


def test_each_note_is_a_paragraph_and_all_but_checks_come_after_what_is_decided() -> None:
    checks = [
        {"status": "fail", "address": {"to_display": name}, "instances": [{"problems": problems}]}
        for name, problems in (("check.a", [{"message": "why"}]), ("check.b", []))
    ]
    text = review(plan(checks=checks), ["a.b"], context=Context(warnings=("one", "two"))).markdown
    assert text == (
        "### ✏️ This plan: no changes to resources, 2 checks fail\n"
        "\n❌ The check `check.a` fails: `why`\n"
        "\n❌ The check `check.b` fails\n"
        "\n⚠️ `--allow=a.b`: nothing there would be lost or weakened.\n"
        "\n⚠️ Terraform warns: `one`\n"
        "\n⚠️ Terraform warns: `two`\n"
        "\n<sub>Nothing changed outside of Terraform · 2 of 2 checks fail</sub>\n"
    )


def test_what_does_not_fit_is_named_by_what_would_happen_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comment, "COMMENT_LIMIT", 2_500)
    # No part of a comment fits any more.
    monkeypatch.setattr(comment, "_MISFITS", 0)
    sides: dict[str, Any] = {"before": {"x": 1}, "after": {"x": "x" * 190}}
    source = {**resource("data.a.read", "read", after={}), "mode": "data"}
    text = review(
        plan(
            resource("a.created", "create", after={}),
            resource("a.changed", "update", **sides),
            resource("a.replaced", "delete", "create", **sides),
            resource("a.too", "delete", "create", **sides),
            resource("a.destroyed", "delete", **sides),
            resource("a.forgotten", "forget", **sides),
            {**resource("a.moved", "no-op", **sides), "previous_address": "a.old"},
            weaker("a"),
            weaker("b"),
            deferred_changes=[{"resource_change": source}],
            action_invocations=[{"address": "action.a.b"}],
            resource_drift=[resource("a.drifted", "delete", before={})],
            output_changes={"o": {"actions": ["create"], "after": 1}},
        )
    ).markdown
    # What has to be decided is named in its short form, with the lines that would allow it counted.
    assert "**1. 🔕 `aws_cloudwatch_metric_alarm.a` and `aws_cloudwatch_metric_alarm.b`** – " in text
    assert "– **the alarm tells nobody**\n\n" in text
    names = text[text.index("\n- replaced") :].rstrip()
    assert names.split("\n- ")[1:] == [
        "replaced: `a.replaced`, `a.too`",
        "destroyed: `a.destroyed`",
        "forgotten: `a.forgotten`",
        "run: `action.a.b`",
        "changed: `a.changed`",
        "created: `a.created`",
        "kept: `a.moved`",
        "read: `data.a.read`",
        "changed outside of Terraform: `a.drifted`",
        "output: `o`",
        "to be allowed, by lines that `make review-plan` prints: 2",
    ]


def test_what_is_to_be_decided_is_short_then_named_and_all_lines_that_allow_it_are_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    losses = [resource(f"aws_dynamodb_table.t{number}", "delete", before={}) for number in range(40)]
    monkeypatch.setattr(comment, "COMMENT_LIMIT", 6_000)
    text = review(plan(*losses)).markdown
    assert (
        "\n**1. 🗑️ `aws_dynamodb_table.t0`** – DynamoDB table – destroyed – **every item in it is lost**\n\n"
        in text
    )
    assert "# Not all fit in here; make review-plan prints the others.\n```\n\n</details>\n" in text
    monkeypatch.setattr(comment, "COMMENT_LIMIT", 1_650)
    weak = review(plan(weaker("a" * 400), weaker("b" * 400))).markdown
    assert f"\n- to be decided: `aws_cloudwatch_metric_alarm.{'a' * 400}`, `aws_cloudwatch" in weak
    checks = [{"status": "fail", "address": {"to_display": f"check.{number}"}} for number in range(60)]
    assert "\n- checks that fail: `check." in review(plan(checks=checks)).markdown
