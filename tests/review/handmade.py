"""Plans made by hand, for what no provider produces on request."""

import re
from pathlib import Path
from typing import Any

from tools.review.plan import read_plan
from tools.review.review import EXIT_SAFE, review

PLANS = Path(__file__).parent / "plans"
GITHUB_COMMENT_LIMIT = 65_536
# What looks like something that is parsed, and is too large, too deep or wrong for what parses it.
MALFORMED = (
    *("[1e99999999999999999999999]", f"[{'1' * 5_000}]", f"[{'1' * 5_000}e0]", "[NaN]", "[-Infinity]"),
    *("[" * 400 + "]" * 400, '{"a":' * 400 + "1" + "}" * 400, '{"a":' * 1_000, "{"),
    '{"Statement": [1], "Statement": {"Effect": NaN}}',
    *(f"&#{'1' * 5_000};", f"&#x{'f' * 5_000};", "\\ud800\\u", "%", "%ff%f", "\\u"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01", "2026-13-01"),
    *("1" * 5_000, f"10.0.0.0/{'9' * 5_000}", "::/129", "fe80::1%eth0/64", "arn:" * 100),
)


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
    assert result.exit_status == EXIT_SAFE, result.messages
    return result.markdown


def diff_rows(change: object, **fields: object) -> list[str]:
    """The lines of the block for one change."""
    block = re.search(r"```diff\n(.*?)\n```", review(plan(change, **fields)).markdown, re.DOTALL)
    return block[1].split("\n") if block else []


def updated(before: object, after: object, *, type_: str = "a", **change: object) -> list[str]:
    """The lines of the block for an update."""
    return diff_rows(resource(f"{type_}.b", "update", before=before, after=after, **change))
