"""A plan in few lines."""

from pathlib import Path
from typing import Any

import pytest

from tools.deploy import plan as module
from tools.deploy.plan import ShownPlan, UnusablePlanError

TABLE = "aws_dynamodb_table.orders"


def resource(address: str, *actions: str, mode: str = "managed") -> dict[str, Any]:
    change = {"actions": list(actions), "before": {}, "after": {}}
    return {"address": address, "mode": mode, "type": address.partition(".")[0], "change": change}


def shown(*changes: dict[str, Any], destroys_all: bool = False) -> ShownPlan:
    return ShownPlan({"format_version": "1.2", "resource_changes": list(changes)}, destroys_all=destroys_all)


def test_what_is_created_is_counted() -> None:
    plan = shown(resource(TABLE, "create"), resource("aws_cloudwatch_dashboard.a", "create"))
    assert plan.lines == ["This plan: 2 to create"]
    assert (plan.total, plan.loses_data) == (2, False)


def test_the_dangerous_comes_first() -> None:
    plan = shown(
        resource("aws_cloudwatch_dashboard.changed", "update"),
        resource("aws_cloudwatch_dashboard.same", "no-op"),
        resource("aws_s3_bucket.read", "read", mode="data"),
        resource("aws_cloudwatch_dashboard.gone", "delete"),
        resource(TABLE, "delete", "create"),
        resource("aws_kms_key.key", "forget"),
    )
    assert plan.lines[1:] == [
        "  -/+ aws_dynamodb_table.orders  DynamoDB table, guarded",
        "  forget aws_kms_key.key  KMS key, guarded",
        "  -   aws_cloudwatch_dashboard.gone",
        "  ~   aws_cloudwatch_dashboard.changed",
    ]
    assert (plan.total, plan.loses_data) == (4, True)


def test_all_that_is_destroyed_is_counted_but_for_guarded_data() -> None:
    plan = shown(
        resource("aws_cloudwatch_dashboard.gone", "delete"), resource(TABLE, "delete"), destroys_all=True
    )
    assert plan.lines[1:] == ["  -   aws_dynamodb_table.orders  DynamoDB table, guarded"]
    assert plan.lines[0].endswith("Plan: 2 to destroy.")


def test_a_loss_that_a_reviewer_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = tmp_path / "allowed-losses"
    monkeypatch.setattr(module, "ALLOWED_LOSSES", allowed)
    assert shown(resource(TABLE, "delete")).loses_data
    allowed.write_text(f"# why\n\n--allow={TABLE}\n")
    assert not shown(resource(TABLE, "delete")).loses_data


def test_a_long_plan_is_cut() -> None:
    plan = shown(*(resource(f"aws_cloudwatch_dashboard.t{number}", "update") for number in range(50)))
    assert len(plan.lines) == 42
    assert plan.lines[-1] == "  and 10 more"


def test_a_plan_that_cannot_be_read() -> None:
    with pytest.raises(UnusablePlanError):
        ShownPlan({"resource_changes": [{}]}, destroys_all=False)
