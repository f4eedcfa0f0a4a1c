"""A plan in few lines for a terminal. What is dangerous in it is known to `tools.review` alone."""

from pathlib import Path
from typing import Any

from tools.review.danger import GUARDED
from tools.review.plan import COUNTED
from tools.review.review import EXIT_GUARDED, EXIT_SAFE, review

ALLOWED_LOSSES = Path(__file__).parents[2] / ".github/allowed-losses"
SHOWN = 40
SIGNS = {
    ("update",): "~",
    ("delete",): "-",
    ("delete", "create"): "-/+",
    ("create", "delete"): "+/-",
    ("forget",): "forget",
    ("create", "forget"): "+, forget",
}
UNCHANGED = (["no-op"], ["read"])


class UnusablePlanError(Exception):
    """The plan cannot be applied; the message is one line that says why."""


class ShownPlan:
    """What `terraform show -json` says of a plan, in lines.

    `lines` begin with what the plan means and weakens. What is created is only counted, and so, guarded data
    aside, is what a plan that `destroys_all` destroys. `loses_data`: guarded data would be lost that
    nobody has allowed in `.github/allowed-losses`. Raises UnusablePlanError.
    """

    def __init__(self, plan: dict[str, Any], *, destroys_all: bool) -> None:
        reviewed = review(plan, _allowed())
        if reviewed.exit_status not in (EXIT_SAFE, EXIT_GUARDED):
            raise UnusablePlanError(reviewed.title)
        changes = [
            entry
            for entry in plan.get("resource_changes", [])
            if entry["change"]["actions"] not in UNCHANGED and entry.get("mode") != "data"
        ]
        self.total = len(changes)
        self.loses_data = any(finding.is_loss and not finding.is_allowed for finding in reviewed.findings)
        counted = [["create"], ["delete"]] if destroys_all else [["create"]]
        named = [
            entry for entry in changes if _loses_data(entry) or entry["change"]["actions"] not in counted
        ]
        rows = [_row(entry) for entry in sorted(named, key=_rank)]
        more = [f"  and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
        counts = ", ".join(
            f"{reviewed.counts[verb]} to {verb}" for verb in COUNTED if verb in reviewed.counts
        )
        verdict = reviewed.title + (f". Plan: {counts}." if counts and reviewed.findings else "")
        weaker = [f"  !   {item.name}: {item.words}" for item in reviewed.findings if not item.is_loss]
        self.lines = [verdict, *weaker, *rows[:SHOWN], *more]


def _allowed() -> list[str]:
    try:
        lines = ALLOWED_LOSSES.read_text().splitlines()
    except FileNotFoundError:
        return []
    return [line.removeprefix("--allow=").strip() for line in lines if line.startswith("--allow=")]


def _loses_data(entry: dict[str, Any]) -> bool:
    return entry["type"] in GUARDED and entry["change"]["actions"] not in (["create"], ["update"])


def _rank(entry: dict[str, Any]) -> tuple[bool, bool]:
    """The dangerous first."""
    return not _loses_data(entry), "delete" not in entry["change"]["actions"]


def _row(entry: dict[str, Any]) -> str:
    sign = SIGNS.get(tuple(entry["change"]["actions"]), "?")
    loss = f"  {GUARDED[entry['type']]}, guarded" if _loses_data(entry) else ""
    return f"  {sign:3} {entry['address']}{loss}"
