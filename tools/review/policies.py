"""Where one IAM policy allows more than another, or denies less, in a way to be asked about."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from tools.review import conditions
from tools.review.actions import Reach, creates, destroys, only_reads, reach, takes_no_resource, widens
from tools.review.coverage import Coverage
from tools.review.patterns import is_wild, reaches_any_name
from tools.review.secrets import UNKNOWN
from tools.review.statements import Statement, account_of, principals_of, values_of, with_short_root

_TO_OTHERS = "it is trusted to someone else:"


class Kind(Enum):
    """Where a policy stands: with what it protects, with a role that may be assumed, or with who acts."""

    RESOURCE = auto()
    TRUST = auto()
    IDENTITY = auto()


@dataclass(frozen=True)
class Widening:
    """What a policy would allow that it does not today; `names` are from the policy, and not yet masked."""

    words: str
    names: tuple[str, ...] = ()


def widenings(
    before: Collection[Statement],
    after: Collection[Statement],
    *,
    kind: Kind,
    new: bool,
    own: Collection[str],
) -> Iterator[Widening]:
    """Where `after` allows more than `before` in a way to be asked about.

    `own` are the accounts that are no strangers. `new` says that what the policy is of is created with it: a
    whole service's actions on a named resource are then no surprise, nor are deletions.
    """
    allowed, denied = (
        [statement for statement in statements if statement["Effect"] == effect]
        for statements, effect in ((before, "Allow"), (after, "Deny"))
    )
    of_resource = kind is Kind.RESOURCE
    today, later = (Coverage(statements, of_resource=of_resource) for statements in (allowed, denied))
    judge = _Judge(kind=kind, new=new, own=frozenset(own), allowed=allowed, today=today)
    for statement in after:
        if statement["Effect"] == "Allow" and (more := today.uncovered(statement)):
            yield from judge.reasons(more)
    for statement in before:
        if statement["Effect"] == "Deny" and (less := later.uncovered(statement)):
            yield _no_longer_denied(less)


def _no_longer_denied(less: Statement) -> Widening:
    if less.get("Sid"):
        return Widening("it no longer denies", (str(less["Sid"]),))
    if actions := values_of(less, "Action"):
        return Widening("it no longer denies", actions)
    return Widening("it no longer denies all but", values_of(less, "NotAction"))


@dataclass(kw_only=True)
class _Judge:
    """Why what a statement allows beyond those of today is to be asked about."""

    kind: Kind
    new: bool
    own: frozenset[str]
    allowed: list[Statement]
    today: Coverage

    def reasons(self, more: Statement) -> Iterator[Widening]:
        who = list(self._who(more))
        yield from who
        gone, other = self._conditions(more)
        if gone:
            yield Widening("without its condition on", gone)
        if other and not who:
            is_trust = self.kind is Kind.TRUST
            yield Widening(_TO_OTHERS if is_trust else "under another condition:", other)
        if not (who or gone or other) and self.kind is Kind.RESOURCE and self.own:
            # What all of an account may do, each role of it may do too.
            foreign = sorted(_accounts(principals_of(more)) - self.own)
            if foreign and self.today.uncovered({**more, "Principal": {"AWS": foreign}}):
                yield Widening("another account may do more:", (*foreign, *values_of(more, "Action")))
        yield from self._what(more)

    def _who(self, more: Statement) -> Iterator[Widening]:
        names, tests = principals_of(more), more.get("Condition")
        if "NotPrincipal" in more:
            yield Widening("it allows all but a few")
        if any(map(_is_anyone, names)) and not conditions.name_who(tests):
            yield Widening(_anyone(values_of(more, "Action")))
        else:
            yield from self._strangers(names, tests)
        federated = tuple(
            name
            for name in names
            if name.startswith("Federated ") and not conditions.name_subject(tests, name)
        )
        if self.kind is Kind.TRUST and federated:
            yield Widening("anyone of an identity provider may assume the role:", federated)
        if self.kind is Kind.TRUST:
            yield from self._trusted([name for name in names if name not in federated], tests)

    @cached_property
    def _known(self) -> frozenset[str]:
        """The accounts that are no strangers: the own ones, and who has access today."""
        return self.own.union(*map(_accounts_of, self.allowed))

    @cached_property
    def _today(self) -> set[str]:
        """The principals of today."""
        return {with_short_root(name) for statement in self.allowed for name in principals_of(statement)}

    @cached_property
    def _on_no_condition(self) -> set[str]:
        """The principals of today that are admitted on no condition."""
        free = (old for old in self.allowed if not old.get("Condition"))
        return {with_short_root(name) for old in free for name in principals_of(old)}

    def _strangers(self, names: Sequence[str], tests: object) -> Iterator[Widening]:
        known = self._known
        strangers = _accounts(names) - known
        told = conditions.accounts(tests) if any(map(_is_of_any_account, names)) else []
        if not any(accounts <= known for accounts in told):
            strangers |= set().union(*told) - known
        users = {name for name in names if name.startswith("CanonicalUser ")} - self._today
        if strangers or users:
            whose = "another account gets access:"
            if not known:
                whose = "an account gets access, maybe another one:"
            yield Widening(whose, (*sorted(strangers), *sorted(users)))
        whole = {*map(with_short_root, names)} & known - self.own - self._today
        if whole and self.kind is Kind.RESOURCE and self.own:
            yield Widening("all of another account gets access:", tuple(sorted(whole)))
        if any(map(_is_anyone, names)) and not told:
            before = (conditions.organisations(statement.get("Condition")) for statement in self.allowed)
            if organisations := conditions.organisations(tests).difference(*before):
                is_part = all("/ou-" in organisation for organisation in organisations)
                whose = "a part of an organisation" if is_part else "a whole organisation"
                yield Widening(f"{whose} gets access:", tuple(sorted(organisations)))

    def _trusted(self, names: Sequence[str], tests: object) -> Iterator[Widening]:
        roots = {name: account for name in names if (account := with_short_root(name)) in self._known}
        if roots and not conditions.name_principals(tests):
            whose = (
                "the account" if not self.own or self.own.issuperset(roots.values()) else "another account"
            )
            yield Widening(f"whoever in {whose} may assume roles may assume it:", tuple(roots))
        others = tuple(
            name
            for name in names
            if with_short_root(name) not in self._today
            and account_of(name) not in self._on_no_condition
            and name not in roots
            and not _is_anyone(name)
            and not _accounts([name]) - self._known
            and str(UNKNOWN) not in name
        )
        if others and not self.new:
            yield Widening(_TO_OTHERS, others)

    def _conditions(self, more: Statement) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The keys on which only a like statement of today has conditions, and this one's other values."""
        gone: dict[str, None] = {}
        other: dict[str, None] = {}
        for old in self.today.alike(more):
            fewer, others = conditions.lost(old.get("Condition"), more.get("Condition"))
            gone |= dict.fromkeys(fewer)
            other |= dict.fromkeys(others)
        return tuple(gone), tuple(other)

    def _what(self, more: Statement) -> Iterator[Widening]:
        is_identity = self.kind is Kind.IDENTITY
        named = values_of(more, "Action")
        reaches = {action: reach(action) for action in named}
        if ("NotAction" in more or "NotResource" in more) and (is_identity or not self.new):
            yield Widening("it allows everything but a few", values_of(more, "NotAction"))
        everywhere = any(map(reaches_any_name, values_of(more, "Resource")))
        everywhere = everywhere and not conditions.narrow_resources(more.get("Condition"))
        wide = tuple(name for name, far in reaches.items() if far in (Reach.SERVICE, Reach.SERVICES))
        is_surprise = Reach.SERVICES in reaches.values() or everywhere
        if wide and (not self.new or (is_identity and is_surprise)):
            yield Widening("it may do everything:", wide)
        elif is_identity and everywhere:
            is_tagged = conditions.require_tags(more.get("Condition"))
            asked = tuple(
                name for name in named if not takes_no_resource(name) and not (is_tagged and creates(name))
            )
            yield from [Widening("on every resource:", asked)] if asked else []
        if self.new or self.kind is Kind.TRUST:
            return
        if kinds := tuple(name for name, far in reaches.items() if far is Reach.KIND):
            yield Widening("it may do all of a kind:", kinds)
        rest = [name for name, far in reaches.items() if far is Reach.NAMED]
        destroying = tuple(filter(destroys, rest))
        if destroying:
            yield Widening("it may destroy:", destroying)
        # One action is one of the two, a pattern may be of both.
        if widening := tuple(
            name for name in rest if widens(name) and (is_wild(name) or name not in destroying)
        ):
            yield Widening("it may give itself or others rights:", widening)


def _anyone(actions: Collection[str]) -> str:
    if not actions:
        # All but some, or what is not known yet.
        return "anyone may use it"
    if all(map(only_reads, actions)):
        return "anyone may read"
    if all(action.startswith("sts:AssumeRole") for action in actions):
        return "anyone may assume the role"
    if all(action.lower() in ("sns:publish", "sqs:sendmessage") for action in actions):
        return "anyone may send to it"
    return "anyone may use it"


def _is_anyone(principal: str) -> bool:
    return is_wild(principal)


def _is_of_any_account(principal: str) -> bool:
    return _is_anyone(principal) or principal.startswith("Service ")


def _accounts(principals: Iterable[str]) -> set[str]:
    return {account for name in principals if (account := account_of(name))}


def owners(values: Iterable[object]) -> set[str]:
    """The accounts of principals and ARNs of whatever service."""
    texts = [value for value in values if isinstance(value, str)]
    return _accounts(texts) | _accounts(arn.split(":")[4] for arn in texts if arn.count(":") > 4)


def _accounts_of(statement: Statement) -> set[str]:
    """The accounts that a statement admits, by its principals or its conditions."""
    return _accounts(principals_of(statement)).union(*conditions.accounts(statement.get("Condition")))
