"""The review of a plan, as a function."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tools.review import danger
from tools.review.context import Context
from tools.review.markdown import Comment
from tools.review.naming import allow_shown, allowed_by, unmatched_words
from tools.review.plan import Plan, UnusablePlan, understand

EXIT_SAFE, EXIT_GUARDED, EXIT_UNUSABLE = 0, 3, 4


@dataclass(frozen=True)
class Finding:
    """A guarded resource that would be lost, or an attribute that would get weaker; all of it may be shown.

    `name` is the construct path, or the address; `words` say what it means; `allow` lets it through.
    """

    name: str
    address: str
    words: str
    allow: str
    is_loss: bool
    is_allowed: bool


@dataclass(frozen=True, kw_only=True)
class Result:
    """The Markdown for a pull request and the exit status: 0 safe, 3 to be decided, 4 unusable.

    For a terminal, the `title` is a line of what the plan means, and `messages` are lines of what has to be
    decided, and of allowances that allow nothing. `counts` are the resources by what would happen to them
    (`plan.COUNTED`).
    """

    title: str
    markdown: str
    exit_status: int
    messages: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def review(data: object, allowed: Collection[str] = (), *, context: Context | None = None) -> Result:
    """Review the parsed output of `terraform show -json`.

    `allowed` holds what a reviewer let through: `ADDRESS` for a loss, `ADDRESS.attribute` for a weakening.
    Never raises: what is no usable plan gives a review that says so, with status 4.
    """
    try:
        return _review(understand(data), allowed, context or Context())
    except UnusablePlan as error:
        return unusable(str(error))
    except RecursionError:
        return unusable("it is nested too deeply")


def unusable(reason: str) -> Result:
    """The result for what is no plan that could be applied; the reason is Markdown."""
    text = f"### ❌ No review: this is not a usable plan\n\nIt is not, because {reason}.\n"
    message = f"not a usable plan: {reason}".replace("`", "")
    return Result(title=message, markdown=text, exit_status=EXIT_UNUSABLE, messages=(message,))


def _review(plan: Plan, allowed: Collection[str], context: Context) -> Result:
    secrets = plan.secrets
    decisions = (*danger.losses(plan), *danger.weakenings(plan))
    matched = allowed_by(allowed, [decision.allow for decision in decisions], secrets)
    is_allowed = frozenset(matched.values())
    stopped = tuple(decision for decision in decisions if decision.allow not in is_allowed)
    unmatched = tuple(sorted(set(allowed) - matched.keys()))
    findings = tuple(
        Finding(
            name=secrets.address(context.name(decision.change.address)),
            address=secrets.address(decision.change.address),
            words=_words(decision, plan),
            allow=allow_shown(decision.allow, secrets),
            is_loss=decision.is_loss,
            is_allowed=decision.allow in is_allowed,
        )
        for decision in decisions
    )
    messages = [
        f"{finding.name}: {finding.words} (once reviewed: --allow={finding.allow})"
        for finding in findings
        if not finding.is_allowed
    ] + [unmatched_words(allowance, secrets).replace("`", "") for allowance in unmatched]
    comment = Comment(plan, danger.Findings(decisions, stopped, unmatched), context)
    return Result(
        title=comment.title().replace("`", ""),
        markdown=comment.markdown(),
        exit_status=EXIT_GUARDED if stopped else EXIT_SAFE,
        messages=tuple(messages),
        counts=Counter(verb for change in plan.changes for verb in change.counted),
        findings=findings,
    )


def _words(decision: danger.Decision, plan: Plan) -> str:
    words = "; ".join(
        " ".join([reason.words, *map(plan.secrets.text, reason.names)]) for reason in decision.reasons
    )
    return f"would be {danger.LOSSES[decision.change.action]}, {words}" if decision.is_loss else words
