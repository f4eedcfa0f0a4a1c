"""What a reviewer has to decide: what a plan would lose, and what it would weaken."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from tools.review import judges, policies
from tools.review.conditions import has_unknown_subject
from tools.review.plan import Change, Plan
from tools.review.secrets import UNKNOWN
from tools.review.statements import principals_of, statements_of
from tools.review.weakenings import (
    GROUPS,
    NEVER,
    OF_ACCOUNT,
    OWNERS,
    ROWS_OF,
    SAME_AS,
    SUBJECT,
    Group,
    Row,
)

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
            if change.action == "forget" or _is_kept(change):
                words = "Terraform forgets it; it stays in AWS"
            allow = change.address + (f" (deposed object {change.deposed})" if change.deposed else "")
            yield Decision(change, None, "", (policies.Widening(words),), allow)


def _is_kept(change: Change) -> bool:
    """Whether the old object of a replacement stays in AWS."""
    return any("forgets it" in note for note in change.notes)


def weakenings(plan: Plan) -> list[Decision]:
    """What would be opened, switched off, kept for less long or not be watched, the most dangerous first."""
    order: dict[Group | None, int] = {group: place for place, group in enumerate(GROUPS)}
    return sorted(_weakenings(plan), key=lambda decision: order[decision.group])


def _weakenings(plan: Plan) -> Iterator[Decision]:
    managed = [change for change in plan.changes if not change.data_source and not change.deposed]
    fates = _Fates(managed, plan)
    for change in [*managed, *plan.deferred]:
        judged = fates.as_update(change)
        if judged is None:
            continue
        found: dict[tuple[Group, str], list[policies.Widening]] = {}
        for group, row in ROWS_OF.get(change.type, ()):
            for widening in _judged(row, judged, fates, plan):
                found.setdefault((group, row.attribute), []).append(widening)
        for (group, attribute), widenings in found.items():
            allow = change.address + (f".{attribute}" if attribute else "")
            yield Decision(change, group, attribute, tuple(dict.fromkeys(widenings)), allow)


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


def values_at(value: object, path: str) -> list[object]:
    """All that a path through blocks leads to; nothing when a block is not there."""
    values = [value]
    for step in filter(None, path.split(".")):
        blocks = [block for item in values for block in (item if isinstance(item, list) else [item])]
        values = [
            block[step] if isinstance(block, dict) else UNKNOWN
            for block in blocks
            if block is UNKNOWN or (isinstance(block, dict) and block.get(step) is not None)
        ]
    return values


class _Fates:
    """What becomes of the resources that others belong to."""

    def __init__(self, changes: Collection[Change], plan: Plan) -> None:
        owners = [change for change in changes if change.type in OWNERS]
        gone = {change.address for change in changes if change.action in ("destroy", "forget")}
        # The whole environment goes, with what others belong to: nothing is left that could be weaker.
        self._is_end = (
            any(change.action == "destroy" for change in owners)
            and gone.issuperset(change.address for change in changes)
            and gone.issuperset(plan.deployed)
        )
        self._destroyed: dict[str, set[str]] = {}
        for change in owners:
            if change.action == "destroy":
                for text in _names(change):
                    self._destroyed.setdefault(text, set()).add(change.address)
        self._created = {
            text for change in owners if change.action == "create" for text in _names(change, after=True)
        }
        self._moved: dict[tuple[object, ...], Change] = {}
        self._successors: dict[tuple[object, ...], Change] = {}
        for change in changes:
            if change.action == "destroy":
                self._moved[_identity(change, change.before)] = change
            elif change.action == "create":
                self._successors[_identity(change, change.after)] = change

    def as_update(self, change: Change) -> Change | None:
        """The change, as an update when it is half of a move to another address; None for the other half."""
        if change.action == "destroy" and self._successors.get(_identity(change, change.before)):
            return None
        if change.action == "create" and (old := self._moved.get(_identity(change, change.after))):
            return replace(change, action="change", before=old.before)
        return change

    def goes_with_it(self, change: Change, row: Row) -> bool:
        """Whether what a destroyed resource belongs to is destroyed as well."""
        owners = _texts_at(change.before, row.subject)
        if self._is_end and (not owners or change.type in OWNERS) and change.type not in OF_ACCOUNT:
            return True
        return any(self._destroyed.get(text, set()) - {change.address} for text in owners)

    def comes_with_it(self, change: Change, row: Row) -> bool:
        """Whether what a created resource belongs to is created as well."""
        values = [value for path in row.subject for value in values_at(change.after, path)]
        return UNKNOWN in values or not self._created.isdisjoint(_texts_at(change.after, row.subject))

    def joins(self, change: Change, row: Row) -> bool:
        """Whether a created resource belongs to one that is there already."""
        return bool(_texts_at(change.after, row.subject)) and not self.comes_with_it(change, row)


def _identity(change: Change, side: object) -> tuple[object, ...]:
    """What a resource is, whatever its address; one that cannot be told is only itself."""
    names = SAME_AS.get(change.type, ("bucket", "name", "role", "function_name"))
    values = [(name, str(value)) for name in names for value in values_at(side, name)]
    is_told = len(values) == len(names) if change.type in SAME_AS else bool(values)
    return (change.type, *values) if is_told else (change.address,)


def _names(change: Change, *, after: bool = False) -> set[str]:
    """By what others refer to a resource."""
    names = ("id", "arn", "arn_suffix", "name", "bucket", "function_name", "url", "stream_arn", "key_id")
    side = change.after if after else change.before
    found = {value for name in names for value in values_at(side, name) if isinstance(value, str) and value}
    # A function's logs are in the group of its name.
    is_function = change.type == "aws_lambda_function"
    return found | ({f"/aws/lambda/{name}" for name in found} if is_function else set())


def _texts_at(side: object, paths: tuple[str, ...]) -> set[str]:
    found = [value for path in paths for value in values_at(side, path)]
    found += [inner for value in found if isinstance(value, Mapping) for inner in value.values()]
    return {value for value in found if isinstance(value, str)}


def _judged(row: Row, change: Change, fates: _Fates, plan: Plan) -> Iterator[policies.Widening]:
    before, after = values_at(change.before, row.attribute), values_at(change.after, row.attribute)
    if change.action == "destroy":
        if fates.goes_with_it(change, row):
            return
        if row.weaker is judges.DESTROYED or row.weaker is judges.LOST:
            yield policies.Widening(row.words)
        elif row.weaker.policy and row.subject:
            # Of a policy that goes, only what it denies is missed.
            yield from _policy_widenings(row.weaker.policy, before, [{"Statement": []}], new=False, plan=plan)
        return
    if change.action not in ("create", "change", "replace"):
        return
    created = change.action == "create"
    if created and (
        row.created == NEVER
        or (not after and not row.weaker.judges_unset)
        or (row.created == SUBJECT and fates.comes_with_it(change, row))
    ):
        return
    if row.weaker.policy:
        new = created and not fates.joins(change, row)
        yield from _policy_widenings(row.weaker.policy, before, after, new=new, plan=plan)
    elif row.weaker is judges.FOREIGN:
        if strangers := policies.owners(after) - policies.owners(before) - plan.accounts:
            yield policies.Widening(row.words, tuple(sorted(strangers)))
    elif row.weaker is judges.LOST:
        if change.action == "replace" and not _is_kept(change):
            yield policies.Widening(row.words)
    elif row.weaker.is_weaker(list(row.weaker.strong) if created else before, after):
        yield policies.Widening(row.words)


def _policy_widenings(
    kind: policies.Kind, before: list[object], after: list[object], *, new: bool, plan: Plan
) -> Iterator[policies.Widening]:
    olds, news = ([statements_of(policy) for policy in side] for side in (before, after))
    if None in news:
        # Not known before apply: said of the plan as a whole.
        return
    allowed, allowing = (
        [statement for statements in side for statement in statements or ()] for side in (olds, news)
    )
    yield from policies.widenings(allowed, allowing, kind=kind, new=new, own=plan.accounts)
