"""Where one IAM policy allows more than another, or denies less, in a way to be asked about."""

import itertools
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import Any

from tools.review import conditions
from tools.review.actions import Reach, destroys, only_reads, reach, takes_no_resource, widens
from tools.review.patterns import includes, is_wild, reaches_any_name
from tools.review.secrets import UNKNOWN
from tools.review.shapes import as_list
from tools.review.statements import ACTION_FIELDS, Statement, principals_of, values_of

_INVERSE = ("NotPrincipal", "NotAction", "NotResource")
_ANYONE = "*"
_ACCOUNT = re.compile(r"(?:arn:[^:]*:(?:iam|sts)::)?(\d{12})(?::.*)?")
_ROOT = re.compile(r"(?:arn:[^:]*:iam::)?(\d{12})(?::root)?")
_ATOMS = 5_000
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
    allowed = [statement for statement in before if statement["Effect"] == "Allow"]
    judge = _Judge(kind=kind, new=new, own=frozenset(own), allowed=allowed)
    for statement in after:
        if statement["Effect"] == "Allow":
            more = _uncovered(statement, allowed)
            if more is not None:
                yield from judge.reasons(more)
    denied = [statement for statement in after if statement["Effect"] == "Deny"]
    for statement in before:
        if statement["Effect"] == "Deny" and not any(_covers(other, statement) for other in denied):
            sid = statement.get("Sid")
            yield Widening("it no longer denies", (str(sid),) if sid else values_of(statement, "Action"))


@dataclass(kw_only=True)
class _Judge:
    """Why what a statement allows beyond those of today is to be asked about."""

    kind: Kind
    new: bool
    own: frozenset[str]
    allowed: list[Statement]

    def reasons(self, more: Statement) -> Iterator[Widening]:
        who = list(self._who(more))
        yield from who
        gone, other = self._conditions(more)
        if gone:
            yield Widening("without its condition on", gone)
        if other and not who:
            is_trust = self.kind is Kind.TRUST
            yield Widening(_TO_OTHERS if is_trust else "under another condition:", other)
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
        return {name for statement in self.allowed for name in principals_of(statement)}

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
        if any(map(_is_anyone, names)) and not told:
            before = (conditions.organisations(statement.get("Condition")) for statement in self.allowed)
            if organisations := conditions.organisations(tests).difference(*before):
                yield Widening("a whole organisation gets access:", tuple(sorted(organisations)))

    def _trusted(self, names: Sequence[str], tests: object) -> Iterator[Widening]:
        roots = tuple(name for name in names if (match := _ROOT.fullmatch(name)) and match[1] in self._known)
        if roots and not conditions.name_principals(tests):
            yield Widening("whoever in the account may assume roles may assume it:", roots)
        others = tuple(
            name
            for name in names
            if name not in {*self._today, *roots}
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
        for part in _parts(more, self.allowed) or [more]:
            for old in self.allowed:
                if _covers(old, part, but_conditions=True):
                    fewer, others = conditions.lost(old.get("Condition"), more.get("Condition"))
                    gone |= dict.fromkeys(fewer)
                    other |= dict.fromkeys(others)
                    break
        return tuple(gone), tuple(other)

    def _what(self, more: Statement) -> Iterator[Widening]:
        is_identity = self.kind is Kind.IDENTITY
        named = values_of(more, "Action")
        reaches = {action: reach(action) for action in named}
        if is_identity and ("NotAction" in more or "NotResource" in more):
            yield Widening("it allows everything but a few", values_of(more, "NotAction"))
        everywhere = any(map(reaches_any_name, values_of(more, "Resource")))
        everywhere = everywhere and not conditions.narrow_resources(more.get("Condition"))
        wide = tuple(name for name, far in reaches.items() if far in (Reach.SERVICE, Reach.SERVICES))
        is_surprise = Reach.SERVICES in reaches.values() or everywhere
        if wide and (not self.new or (is_identity and is_surprise)):
            yield Widening("it may do everything:", wide)
        elif is_identity and everywhere:
            asked = tuple(name for name in named if not takes_no_resource(name))
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
    return {match[1] for name in principals if (match := _ACCOUNT.fullmatch(name))}


def owners(values: Iterable[object]) -> set[str]:
    """The accounts of principals and ARNs of whatever service."""
    texts = [value for value in values if isinstance(value, str)]
    return _accounts(texts) | _accounts(arn.split(":")[4] for arn in texts if arn.count(":") > 4)


def _accounts_of(statement: Statement) -> set[str]:
    """The accounts that a statement admits, by its principals or its conditions."""
    return _accounts(principals_of(statement)).union(*conditions.accounts(statement.get("Condition")))


def _uncovered(statement: Statement, allowed: list[Statement]) -> Statement | None:
    """What of a statement none of the others allows: a part of it, or nothing.

    A statement allows each of its actions on each resource to each principal; statements that were split or
    merged allow the same.
    """
    if any(_covers(other, statement) for other in allowed):
        return None
    parts = _parts(statement, allowed)
    if parts is None:
        return statement
    left = [part for part in parts if not any(_covers(other, part) for other in allowed)]
    if not left:
        return None
    return {
        **statement,
        "Principal": {"AWS": sorted({name for part in left for name in principals_of(part)})},
        "Action": sorted({name for part in left for name in part["Action"]}),
        "Resource": sorted({name for part in left for name in part["Resource"]}),
    }


def _parts(statement: Statement, allowed: list[Statement]) -> list[Statement] | None:
    """A statement for each of its principals, actions and resources; None if it cannot be taken apart."""
    dimensions: list[Sequence[str | None]] = [
        principals_of(statement) or [None],
        values_of(statement, "Action"),
        values_of(statement, "Resource") or [None],
    ]
    if not allowed or math.prod(map(len, dimensions)) * len(allowed) > _ATOMS:
        return None
    if any(name in statement for name in _INVERSE) or any(
        value is UNKNOWN for name in ACTION_FIELDS for value in statement.get(name, ())
    ):
        return None
    return [_single(statement, *atom) for atom in itertools.product(*dimensions)]


def _single(statement: Statement, who: str | None, action: str | None, resource: str | None) -> Statement:
    return {
        **statement,
        "Principal": {"AWS": [who] if who else []},
        "Action": [action],
        "Resource": [resource] if resource else [],
    }


def _covers(wide: Statement, narrow: Statement, *, but_conditions: bool = False) -> bool:
    """Whether everything that one statement speaks of is in what another of the same effect speaks of.

    What is known only after apply may be anything: a denial of it is taken for the one of today.
    """
    who = principals_of(wide)
    return (
        all(wide.get(name) == narrow.get(name) for name in _INVERSE)
        and (_ANYONE in who or str(UNKNOWN) in who or set(principals_of(narrow)) <= set(who))
        and _match(as_list(wide.get("Action")), as_list(narrow.get("Action")), str.lower)
        and _match(as_list(wide.get("Resource")), as_list(narrow.get("Resource")), str)
        and (but_conditions or conditions.is_within(wide.get("Condition"), narrow.get("Condition")))
    )


def _match(patterns: list[Any], values: list[Any], fold: Callable[[str], str]) -> bool:
    plain = {fold(pattern) for pattern in patterns if isinstance(pattern, str)}
    wild = [pattern for pattern in plain if is_wild(pattern)]
    return UNKNOWN in patterns or all(
        fold(value) in plain or any(includes(pattern, fold(value)) for pattern in wild)
        if isinstance(value, str)
        else "*" in plain
        for value in values
    )
