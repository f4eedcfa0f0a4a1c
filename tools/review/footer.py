"""The last line of a review: what it was made from, and how long it is valid."""

from datetime import UTC, datetime

from tools.review.context import Context
from tools.review.plan import Plan


def footer(plan: Plan, context: Context, *, has_drift: bool, short: bool = False) -> str:
    """The line, or nothing when nothing of it is known; `short` is for a plan without changes."""
    sentences = [f"{', '.join(origin)}." if (origin := _origin(plan, context)) else ""]
    if context.valid_until:
        until = f"at most until {context.valid_until}"
        sentences.append(f"Valid until its base or the state changes, {until}.")
    facts = [f"[Full plan]({context.run_url})"] if context.run_url else []
    if not short:
        # Of a plan to destroy all, Terraform does not say what has changed before.
        is_end = {change.action for change in plan.changes if not change.data_source} == {"destroy"}
        if not has_drift and not is_end:
            facts.append("Nothing changed outside of Terraform")
        if plan.checks:
            facts.append(f"{len(plan.failed_checks)} of {len(plan.checks)} checks fail")
    text = " ".join(filter(None, (*sentences, " · ".join(facts))))
    return f"\n<sub>{text}</sub>\n" if text else ""


def _origin(plan: Plan, context: Context) -> list[str]:
    """When it was made, of which commit, on which state."""
    made = [_time(plan.made)]
    if context.commit:
        made.append(f"from `{context.commit[:7]}`")
        made += [f"merged into `{context.base[:7]}`"] if context.base else []
    words = " ".join(filter(None, made))
    serial = [f"state serial {context.serial}"] if context.serial is not None else []
    return [*([f"Made {words}"] if words else []), *serial]


def _time(text: str) -> str:
    """A time of the plan's such as "2026-11-24 09:12 UTC", or nothing."""
    try:
        time = datetime.fromisoformat(text)
        return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if time.tzinfo else ""
    except (ValueError, OverflowError):
        return ""
