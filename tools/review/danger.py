"""What a reviewer has to decide: what a plan would lose, and what it would weaken."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tools.review import judges, policies
from tools.review.conditions import has_unknown_subject
from tools.review.fates import Fates
from tools.review.ownership import BELONGS_TO
from tools.review.paths import values_at
from tools.review.permissions import policy_of
from tools.review.plan import Change, Plan
from tools.review.secrets import HIDDEN_TEXT, UNKNOWN, holds_hidden
from tools.review.statements import principals_of, statements_of
from tools.review.weakenings import GROUPS, NEVER, ROWS_OF, SUBJECT, Group, Row

# The data of this project: to destroy, replace or forget one of these takes a reviewer's --allow.
GUARDED = {
    "aws_dynamodb_table": "DynamoDB table",
    "aws_s3_bucket": "S3 bucket",
    "aws_kms_key": "KMS key",
}
LOST = {
    "aws_dynamodb_table": "every item in it is lost",
    "aws_s3_bucket": "every object in it is lost",
    "aws_kms_key": "what is encrypted with it can no longer be read",
}

# Which of them end the life of an object, as far as this state knows.
LOSSES = {"replace": "replaced", "destroy": "destroyed", "forget": "forgotten"}


@dataclass(frozen=True)
class Decision:
    """What a reviewer has to decide about one resource, or one attribute of it.

    `group` is None for a loss. `allow` is what lets it through: `ADDRESS` for a loss and for a resource that
    goes, `ADDRESS.attribute` for a weakening, `ADDRESS (deposed object KEY)` for what a replacement left.
    `reasons` say what it means.
    """

    change: Change
    group: Group | None
    attribute: str
    reasons: tuple[policies.Widening, ...]
    allow: str

    @property
    def is_loss(self) -> bool:
        return self.group is None


@dataclass(frozen=True)
class Findings:
    """What was found in a plan: all that needs a decision, and what of it is not allowed yet."""

    decisions: tuple[Decision, ...]
    stopped: tuple[Decision, ...]
    unmatched: tuple[str, ...]


def losses(plan: Plan) -> Iterator[Decision]:
    """The guarded resources that would be destroyed, replaced or forgotten."""
    for change in plan.changes + plan.deferred:
        if change.action in LOSSES and change.type in GUARDED and not change.data_source:
            words = LOST[change.type]
            if _is_kept(change):
                words = "Terraform forgets it; it stays in AWS"
            allow = change.address + (f" (deposed object {change.deposed})" if change.deposed else "")
            yield Decision(change, None, "", (policies.Widening(words),), allow)


def _is_kept(change: Change) -> bool:
    """Whether the old object stays in AWS."""
    return change.is_forgotten or values_at(change.before, "skip_destroy") == [True]


def weakenings(plan: Plan) -> list[Decision]:
    """What would be opened, switched off, kept for less long or not be watched, the most dangerous first."""
    order: dict[Group | None, int] = {group: place for place, group in enumerate(GROUPS)}
    return sorted(_weakenings(plan), key=lambda decision: order[decision.group])


def _weakenings(plan: Plan) -> Iterator[Decision]:
    managed = [change for change in plan.changes if not change.data_source and not change.deposed]
    fates = Fates(managed, plan)
    for change in [*managed, *plan.deferred]:
        found: dict[tuple[Group, str], list[policies.Widening]] = {}
        for part, left in fates.parts(change):
            for group, row in ROWS_OF.get(change.type, ()):
                for widening in _judged(row, part, left, fates, plan):
                    names = (HIDDEN_TEXT,) if widening.names and _is_marked(row, change) else widening.names
                    found.setdefault((group, row.attribute), []).append(replace(widening, names=names))
        for (group, attribute), widenings in found.items():
            allow = change.address + (f".{attribute}" if attribute else "")
            yield Decision(change, group, attribute, tuple(dict.fromkeys(widenings)), allow)


def _is_marked(row: Row, change: Change) -> bool:
    """Whether something in the attribute is sensitive, of which a part could be named."""
    name = row.attribute.partition(".")[0]
    return any(holds_hidden(value) for side in change.shown for value in values_at(side, name))


def unknown_policies(plan: Plan) -> Iterator[Change]:
    """The changes with a policy of which nobody can tell before apply whom it lets do what."""
    for change in plan.changes:
        policies_ = [
            value
            for _, row in ROWS_OF.get(change.type, ())
            if row.weaker.policy and plan.references.is_set(change.address, row.attribute)
            for value in values_at(change.after, row.attribute)
        ]
        if any(map(_is_unclear, policies_)):
            yield change


def _is_unclear(policy: object) -> bool:
    if policy is UNKNOWN:
        return True
    return any(
        str(UNKNOWN) in principals_of(statement)
        or UNKNOWN in statement.get("Action", ())
        or has_unknown_subject(statement.get("Condition"))
        for statement in statements_of(policy) or ()
        if statement["Effect"] == "Allow"
    )


def _judged(
    row: Row, change: Change, left: tuple[str, ...], fates: Fates, plan: Plan
) -> Iterator[policies.Widening]:
    if change.action == "destroy" and fates.goes_with_it(change):
        return
    if row.weaker is judges.LOST:
        if change.action in ("destroy", "replace") and not _is_kept(change):
            yield policies.Widening(row.words)
    elif change.action == "destroy" and not fates.lives_on(change):
        yield from _missed(row, change, left, plan)
    elif change.action in ("create", "change", "replace"):
        yield from _compared(row, change, fates, plan)


def _missed(row: Row, change: Change, left: tuple[str, ...], plan: Plan) -> Iterator[policies.Widening]:
    """What is missed of a resource that goes, or leaves what it belongs to."""
    if row.weaker is judges.DESTROYED:
        yield (
            policies.Widening(f"{row.words}, as it moves away from", left)
            if left
            else policies.Widening(row.words)
        )
    elif row.weaker.policy and change.type in BELONGS_TO:
        # Of a policy that goes, only what it denies is missed.
        before = values_at(change.before, row.attribute)
        yield from _policy_widenings(row.weaker.policy, before, [{"Statement": []}], new=False, plan=plan)


def _compared(row: Row, change: Change, fates: Fates, plan: Plan) -> Iterator[policies.Widening]:
    before, after = (values_at(side, row.attribute) for side in (change.before, change.after))
    if row.weaker is judges.PERMISSION:
        before, after = ([policy_of(change.type, block) for block in side] for side in (before, after))
    created = change.action == "create"
    if created and (
        row.created == NEVER
        or (not after and not row.weaker.judges_unset)
        or (row.created == SUBJECT and fates.comes_with_it(change))
    ):
        return
    if row.unless and any(values_at(change.after, row.unless)):
        return
    if row.weaker.policy:
        new = created and not fates.joins(change)
        yield from _policy_widenings(row.weaker.policy, before, after, new=new, plan=plan)
    elif row.weaker is judges.FOREIGN:
        if strangers := policies.owners(after) - policies.owners(before) - plan.accounts:
            yield policies.Widening(row.words, tuple(sorted(strangers)))
    elif row.weaker.is_weaker(list(row.weaker.strong) if created else before, after):
        yield policies.Widening(row.words)


def _policy_widenings(
    kind: policies.Kind, before: list[object], after: list[object], *, new: bool, plan: Plan
) -> Iterator[policies.Widening]:
    olds, news = ([statements_of(policy) for policy in side if policy] for side in (before, after))
    allowed, allowing = (
        [statement for statements in side for statement in statements or ()] for side in (olds, news)
    )
    if None in news:
        # What is not known before apply is said of the plan as a whole, and may deny what is denied today.
        allowed = [statement for statement in allowed if statement["Effect"] == "Allow"]
    yield from policies.widenings(allowed, allowing, kind=kind, new=new, own=plan.accounts)
