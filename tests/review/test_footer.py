"""What a review was made from, and how long it is valid."""

import pytest

from tests.review.handmade import plan, resource
from tools.review.context import Context
from tools.review.review import review

CHANGE = resource("a.b", "update", before={"x": 1}, after={"x": 2})
QUIET = "Nothing changed outside of Terraform"
VALID = "Valid until its base or the state changes, at most until 2026-12-01."


@pytest.mark.parametrize(
    ("time", "context", "said"),
    [
        (None, Context(), ""),
        ("yesterday", Context(), ""),
        ("2026-11-24T10:12:13", Context(), ""),
        ("0001-01-01T00:00:00+14:00", Context(), ""),
        ("9999-12-31T23:59:59-14:00", Context(), ""),
        ("2026-11-24T10:12:13+01:00", Context(), "Made 2026-11-24 09:12 UTC. "),
        (None, Context(commit="3f9c2ab4e1"), "Made from `3f9c2ab`. "),
        (None, Context(commit="3f9c2ab4e1", base="c69ba7701"), "Made from `3f9c2ab` merged into `c69ba77`. "),
        (None, Context(base="c69ba7701"), ""),
        (None, Context(serial=0), "state serial 0. "),
        (
            "2026-11-24T10:12:13Z",
            Context(commit="3f9c2ab4e1", serial=41),
            "Made 2026-11-24 10:12 UTC from `3f9c2ab`, state serial 41. ",
        ),
        (None, Context(valid_until="2026-12-01"), f"{VALID} "),
        (None, Context(serial=1, valid_until="2026-12-01"), f"state serial 1. {VALID} "),
        (None, Context(run_url="https://e.com/runs/1"), "[Full plan](https://e.com/runs/1) · "),
    ],
)
def test_what_is_known_of_its_origin_is_said(time: str | None, context: Context, said: str) -> None:
    markdown = review(plan(CHANGE, timestamp=time), context=context).markdown
    assert markdown.endswith(f"\n```\n\n</details>\n\n<sub>{said}{QUIET}</sub>\n")
    empty = review(plan(timestamp=time), context=context).markdown
    short = said.strip(" ·")
    assert empty == "### ✅ No changes\n" + (f"\n<sub>{short}</sub>\n" if short else "")


def test_drift_and_checks_are_counted() -> None:
    checks = [{"status": status} for status in ("pass", "fail", "error")]
    drift = resource("a.b", "delete")
    assert review(plan(checks=checks[:1], resource_changes=[CHANGE])).markdown.endswith(
        f"\n<sub>{QUIET} · 0 of 1 checks fail</sub>\n"
    )
    assert review(plan(checks=checks, resource_drift=[drift])).markdown.endswith(
        "\n<sub>2 of 3 checks fail</sub>\n"
    )


def test_quiet_is_what_has_no_drift_that_counts() -> None:
    noise = resource("a.b", "update", before={"x": None}, after={"x": ""})
    assert review(plan(CHANGE, resource_drift=[noise])).markdown.endswith(f"<sub>{QUIET}</sub>\n")
    drift = resource("a.c", "update", before={"x": 1}, after={"x": 2})
    assert QUIET not in review(plan(CHANGE, resource_drift=[drift])).markdown


def test_nothing_is_said_of_the_drift_before_a_destruction_of_all() -> None:
    destroyed = resource("a.b", "delete", before={"x": 1})
    source = {**resource("data.a.b", "read", after={}), "mode": "data"}
    assert QUIET not in review(plan(destroyed, source)).markdown
    assert QUIET in review(plan(destroyed, CHANGE)).markdown
    assert QUIET in review(plan(source, checks=[{"status": "fail"}])).markdown
