"""What becomes of resources: which go with what they belong to, and which are the same at another address.

When what a resource belongs to (the bucket of a versioning, what an alarm watches) is destroyed as well,
nothing is left to be weakened. What belongs to nothing is not missed when all that is deployed goes, but for
what is of the account. What is made to belong to something else leaves the old without it.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from tools.review.ownership import BELONGS_TO, DIMENSIONS, OF_ACCOUNT, OWNERS, SAME_AS, STANDALONE
from tools.review.paths import values_at
from tools.review.plan import Change, Plan
from tools.review.secrets import UNKNOWN

# By what others refer to a resource.
_NAMES = (
    *("id", "arn", "arn_suffix", "name", "bucket", "function_name", "url", "stream_arn", "key_id"),
    *("identifier", "cluster_identifier", "cluster_id", "domain_name"),
)
# Type and name of a resource.
Named = tuple[str, str]
Identity = tuple[object, ...]


class Fates:
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
        self._created: set[Named] = set()
        self._created_types = {change.type for change in owners if change.action == "create"}
        self._kept: set[Named] = set()
        # Of what is destroyed, replaced or renamed.
        self._former: set[Named] = set()
        for change in owners:
            names, later = _names(change.type, change.before), _names(change.type, change.after)
            if change.action == "create":
                self._created |= later
            self._kept |= names & later
            if change.action != "forget":
                self._former |= names - later
        gone_names = (_names(change.type, change.before) for change in owners if change.action == "destroy")
        # What is there again, at another address, does not go.
        self._destroyed = {name for names in gone_names if names.isdisjoint(self._created) for name in names}
        self._old: dict[Identity, Change] = {}
        self._successors: set[Identity] = set()
        for change in changes:
            was, will_be = _identity(change.type, change.before), _identity(change.type, change.after)
            if was and was != will_be:
                self._old[was] = change
            if will_be and was != will_be:
                self._successors.add(will_be)

    def lives_on(self, change: Change) -> bool:
        """Whether what is destroyed is there again, at another address."""
        return _identity(change.type, change.before) in self._successors

    def parts(self, change: Change) -> Iterator[tuple[Change, tuple[str, ...]]]:
        """A change as it is judged, with the names of what it leaves behind.

        What is created is compared with the same at another address. What will belong to something else is
        missed by what it belongs to today, and new to the other.
        """
        change = self._compared(change)
        if left := self._left(change):
            yield replace(change, action="destroy", after=None), left
            yield self._compared(replace(change, action="create", before=None)), ()
        else:
            yield change, ()

    def _compared(self, change: Change) -> Change:
        old = self._old.get(_identity(change.type, change.after)) if change.action == "create" else None
        return replace(change, action="change", before=old.before) if old else change

    def goes_with_it(self, change: Change) -> bool:
        """Whether all that a destroyed resource belongs to is destroyed as well."""
        owners = _owners(change.type, change.before)
        if self._is_end and (not owners or change.type in OWNERS) and change.type not in OF_ACCOUNT:
            return True
        return bool(owners) and all(map(self._destroyed.intersection, owners))

    def comes_with_it(self, change: Change) -> bool:
        """Whether what a created resource belongs to is created as well."""
        owners = _owners(change.type, change.after)
        return _is_unknown(change.type, change.after) or any(map(self._created.intersection, owners))

    def joins(self, change: Change) -> bool:
        """Whether a created resource belongs to one that is there already.

        A policy that is attached later does not say to whom: it is for somebody new if anybody is.
        """
        if change.type in STANDALONE:
            return STANDALONE[change.type].isdisjoint(self._created_types)
        return bool(_owners(change.type, change.after)) and not self.comes_with_it(change)

    def _left(self, change: Change) -> tuple[str, ...]:
        """What a changed resource belongs to no longer, of what stays.

        What is not known before apply may be anything but what is there and keeps its name.
        """
        is_unknown = _is_unknown(change.type, change.after)
        olds, news = (_owners(change.type, side) for side in (change.before, change.after))
        texts = {text for names in news for _, text in names}
        left = {
            text
            for names in olds
            for _, text in names
            if (names & self._kept if is_unknown else texts)
            and not any(_name_the_same(text, other) for other in texts)
            and not names & self._former
        }
        return tuple(sorted(left))


def _identity(type_: str, side: object) -> Identity:
    """What a resource is, whatever its address; nothing of one that cannot be told."""
    by = SAME_AS.get(type_) or (*BELONGS_TO.get(type_, ()), "name", "bucket", "function_name")
    values = [(name, str(value)) for name in by for value in values_at(side, name)]
    return (type_, *values) if values else ()


def _references(type_: str, side: object) -> Iterator[list[tuple[tuple[str, ...], object]]]:
    """For each thing that a resource belongs to, the texts that name it, with the types that it may be of.

    The dimensions of a metric name one thing together: a metric ends with any of them.
    """
    for path, owners in BELONGS_TO.get(type_, {}).items():
        for value in values_at(side, path):
            if isinstance(value, dict):
                yield [((DIMENSIONS[name],), value[name]) for name in value if name in DIMENSIONS]
            else:
                yield [(owners, value)]


def _is_unknown(type_: str, side: object) -> bool:
    return any(text is UNKNOWN for named in _references(type_, side) for _, text in named)


def _owners(type_: str, side: object) -> list[frozenset[Named]]:
    """What a resource belongs to, each by all that it may be."""
    found = (
        frozenset((owner, text) for owners, text in named if isinstance(text, str) for owner in owners)
        for named in _references(type_, side)
    )
    return [names for names in found if names]


def _names(type_: str, side: object) -> set[Named]:
    found = {value for name in _NAMES for value in values_at(side, name) if isinstance(value, str) and value}
    # A function's logs are in the group of its name.
    logs = {f"/aws/lambda/{name}" for name in found} if type_ == "aws_lambda_function" else set()
    return {(type_, name) for name in found | logs}


def _name_the_same(one: str, other: str) -> bool:
    """Whether two texts name the same, one maybe by its ARN."""
    if one.startswith("arn:") == other.startswith("arn:"):
        return one == other
    arn, name = (one, other) if one.startswith("arn:") else (other, one)
    return arn.endswith((f":{name}", f"/{name}"))
