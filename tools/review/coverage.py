"""What of a statement the statements of another policy speak of too, however they are split or merged."""

import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, reduce
from operator import and_, or_

from tools.review import conditions
from tools.review.patterns import includes, is_wild, meet
from tools.review.secrets import UNKNOWN
from tools.review.shapes import as_list
from tools.review.statements import Statement, account_of, principals_of, with_short_root

# A text, what is not known before apply, all but some texts, or None of a field that is not there.
_Item = object
_FIELDS = ("Principal", "Action", "Resource")
_PARTS = 5_000
_KEY = re.compile(r"arn:[^:]*:kms:[^:]*:\d*:key/[^*?]*")
_ROLE_OR_USER = re.compile(r"arn:[^:]*:iam::\d{12}:(?:role|user)/.*")


class Coverage:
    """What statements of one effect speak of together.

    What is known only after apply may be anything: a denial of it is taken for the one of today. Which of the
    statements speak of something are the bits of a number.
    """

    def __init__(self, statements: Sequence[Statement], *, of_resource: bool) -> None:
        self._statements = statements
        self._of_resource = of_resource
        self._tests = [conditions.tests_of(statement.get("Condition")) for statement in statements]
        self._fields = (
            # A principal may be part of one that is excluded, as a role is of its account.
            _Field("Principal", statements, fold=with_short_root, are_apart=lambda one, other: False),
            _Field("Action", statements, fold=str.lower),
            # In the policy of a key, "*" is the key.
            _Field("Resource", statements, fold=_own_key if of_resource else str),
        )

    def uncovered(self, statement: Statement) -> Statement | None:
        """What of a statement none of these covers: a part of it, or nothing.

        A statement speaks of each of its actions on each resource for each principal and each value of a
        condition.
        """
        if not self._statements:
            return statement
        tests = conditions.tests_of(statement.get("Condition"))
        values = self._values(statement)
        if self._any_is_met(_all_bits(values), tests):
            return None
        if math.prod(map(len, values)) > _PARTS:
            return statement
        alternatives = conditions.alternatives(tests)

        @cache
        def missing(bits: int, who: _Item) -> list[int]:
            return [
                number
                for number, alternative in enumerate(alternatives)
                if not self._any_is_met(bits, [*alternative, *_tests_of(who)])
            ]

        left: list[set[_Item]] = [set() for _ in _FIELDS]
        left_alternatives: set[int] = set()
        for part in itertools.product(*values):
            items, bits = zip(*part, strict=True)
            if numbers := missing(reduce(and_, bits), items[0]):
                left_alternatives.update(numbers)
                for found, item in zip(left, items, strict=True):
                    found.add(item)
        if not left_alternatives:
            return None
        result = dict(statement)
        for name, items_of_field, found in zip(_FIELDS, values, left, strict=True):
            if name in statement and f"Not{name}" not in statement:
                items_left = [item for item, _ in items_of_field if item in found]
                result[name] = {"AWS": items_left} if name == "Principal" else items_left
        if len(left_alternatives) < len(alternatives):
            result["Condition"] = conditions.merged(
                alternatives[number] for number in sorted(left_alternatives)
            )
        return result

    def alike(self, statement: Statement) -> list[Statement]:
        """Those that speak of a part of a statement, on whatever conditions: the first for each part.

        And those with conditions of which it speaks in part, without being a part of them.
        """
        values = self._values(statement)
        if math.prod(map(len, values)) > _PARTS:
            found = {_all_bits(values)}
        else:
            found = {reduce(and_, (bits for _, bits in part)) for part in itertools.product(*values)}
        places = {next(_places(bits)) for bits in found if bits}
        wider = reduce(or_, found)
        itself = Coverage([statement], of_resource=self._of_resource)
        places |= {
            place
            for place, other in enumerate(self._statements)
            if self._tests[place] and not wider >> place & 1 and itself.speak_of_some(other)
        }
        return [self._statements[place] for place in sorted(places)]

    def speak_of_some(self, statement: Statement) -> bool:
        """Whether these speak of some of what a statement does; of a role when they do of its account."""
        accounts = [account for name in principals_of(statement) if (account := account_of(name))]
        sides = [statement, *([{**statement, "Principal": {"AWS": accounts}}] if accounts else [])]
        return any(all(any(bits for _, bits in items) for items in self._values(side)) for side in sides)

    def _values(self, statement: Statement) -> list[list[tuple[_Item, int]]]:
        """For each field, its items with the statements that speak of them."""
        return [
            [(item, field.speaking_of(item)) for item in _items(statement, name)]
            for name, field in zip(_FIELDS, self._fields, strict=True)
        ]

    def _any_is_met(self, bits: int, tests: Sequence[conditions.Test]) -> bool:
        """Whether what meets some tests meets those of one of these statements."""
        told = conditions.told(tests) if bits else []
        return any(conditions.is_within(self._tests[place], told) for place in _places(bits))


class _Field:
    """Which statements speak of what in one field."""

    def __init__(
        self,
        name: str,
        statements: Sequence[Statement],
        *,
        fold: Callable[[str], str],
        are_apart: Callable[[str, str], bool] = lambda one, other: not meet(one, other),
    ) -> None:
        self._fold, self._are_apart = fold, are_apart
        self._every = (1 << len(statements)) - 1
        self._plain: dict[str, int] = {}
        # By what their texts begin with.
        self._patterns: dict[str, dict[str, int]] = {}
        self._all_but: list[tuple[int, set[str]]] = []
        # Statements that speak of all there is, or of what is not known.
        self._anything = 0
        self._found: dict[_Item, int] = {}
        for place, statement in enumerate(statements):
            for item in _items(statement, name):
                self._add(item, 1 << place)
        self._lengths = sorted(map(len, self._patterns))

    def _add(self, item: _Item, bit: int) -> None:
        if isinstance(item, frozenset):
            self._all_but.append((bit, {self._fold(text) for text in item if isinstance(text, str)}))
        elif item is UNKNOWN or item == str(UNKNOWN):
            self._anything |= bit
        elif isinstance(item, str):
            text = self._fold(item)
            if not text.strip("*"):
                self._anything |= bit
            known = self._patterns.setdefault(_beginning(text), {}) if is_wild(text) else self._plain
            known[text] = known.get(text, 0) | bit

    def speaking_of(self, item: _Item) -> int:
        if item not in self._found:
            self._found[item] = self._every if item is None else self._anything | self._speaking_of(item)
        return self._found[item]

    def _speaking_of(self, item: _Item) -> int:
        found = 0
        if isinstance(item, frozenset):
            fewer = {self._fold(text) for text in item if isinstance(text, str)}
            for bit, excluded in self._all_but:
                if UNKNOWN in item or all(any(includes(wide, text) for wide in fewer) for text in excluded):
                    found |= bit
        elif isinstance(item, str):
            text = self._fold(item)
            found = self._plain.get(text, 0)
            beginning = _beginning(text)
            for length in self._lengths:
                for pattern, bits in self._patterns.get(beginning[:length], {}).items():
                    if len(beginning) >= length and includes(pattern, text):
                        found |= bits
            for bit, excluded in self._all_but:
                if all(self._are_apart(text, other) for other in excluded):
                    found |= bit
        return found


def _items(statement: Statement, name: str) -> list[_Item]:
    """What a statement speaks of in one field, one by one; all but some is one."""
    if f"Not{name}" in statement:
        return [frozenset(_texts(statement, f"Not{name}"))]
    return _texts(statement, name) or [None]


def _texts(statement: Statement, name: str) -> list[_Item]:
    if name.endswith("Principal"):
        return list(principals_of(statement, name))
    return [value for value in as_list(statement.get(name)) if isinstance(value, str) or value is UNKNOWN]


def _all_bits(values: Sequence[Sequence[tuple[_Item, int]]]) -> int:
    return reduce(and_, (bits for items in values for _, bits in items))


def _places(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _beginning(text: str) -> str:
    """What comes before the first wildcard."""
    return re.split("[*?]", text, maxsplit=1)[0]


def _own_key(resource: str) -> str:
    return "*" if _KEY.fullmatch(resource) else resource


def _tests_of(principal: _Item) -> list[conditions.Test]:
    """The conditions that whoever is a principal meets."""
    if not isinstance(principal, str) or not (account := account_of(principal)):
        return []
    tests: list[conditions.Test] = [("StringEquals", "aws:PrincipalAccount", [account])]
    if _ROLE_OR_USER.fullmatch(principal):
        tests.append(("ArnEquals", "aws:PrincipalArn", [principal]))
    return tests
