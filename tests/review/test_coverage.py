"""What of a statement others leave uncovered, by the requests that each of them is of."""

import fnmatch
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.review import conditions
from tools.review.coverage import Coverage
from tools.review.statements import Statement, statements_of

COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, given: value == given,
    "StringLike": lambda value, given: fnmatch.fnmatchcase(given, value),
    "NumericEquals": lambda value, given: value == given,
    "NumericLessThan": lambda value, given: int(given) < int(value),
    "NumericLessThanEquals": lambda value, given: int(given) <= int(value),
    "NumericGreaterThan": lambda value, given: int(given) > int(value),
    "NumericGreaterThanEquals": lambda value, given: int(given) >= int(value),
}
NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
}
# The values of a key that a request has or lacks.
GIVEN = (None, "0", "1", "2", "12", "13")


def subsets(values: Sequence[str]) -> list[list[str]]:
    return [list(some) for count in (1, 2) for some in itertools.combinations(values, count)]


def meeting(name: str, values: Sequence[str]) -> set[str | None]:
    """With which values of its key a request meets a test."""
    operator = name.removesuffix("IfExists")
    compare = COMPARISONS[NEGATED.get(operator, operator)]
    return {
        value
        for value in GIVEN
        if (
            (operator in NEGATED or operator != name)
            if value is None
            else any(compare(wanted, value) for wanted in values) is not (operator in NEGATED)
        )
    }


def test_a_condition_is_within_another_only_if_whatever_meets_it_meets_that() -> None:
    operators = [f"{name}{suffix}" for name in {**COMPARISONS, **NEGATED} for suffix in ("", "IfExists")]
    tests = [
        (name, values)
        for name in operators
        for values in subsets(["1*", "12", "?"] if "Like" in name else ["1", "2", "12"])
    ]
    known = [(conditions.tests_of({name: {"k": values}}), meeting(name, values)) for name, values in tests]
    within = 0
    for (wide, wide_meeting), (narrow, narrow_meeting) in itertools.product(known, repeat=2):
        if conditions.is_within(wide, narrow):
            within += 1
            assert narrow_meeting <= wide_meeting, (wide, narrow)
    assert within > 2 * len(known)


@pytest.mark.parametrize(("name", "values", "requests"), [
    ("Action", ["s:Get", "S:put", "s:*", "*", "?:G*"], ["s:Get", "s:Put", "t:Get", "t:Put"]),
    ("Resource", ["a", "ab", "a*", "*", "?"], ["a", "ab", "b", "bc"]),
])  # fmt: skip
def test_what_is_not_left_of_a_field_is_covered(name: str, values: list[str], requests: list[str]) -> None:
    given_ = {"Effect": "Allow", "Action": ["s:Get"], "Resource": ["a"]}
    statements: list[Statement] = []
    for prefix, some in itertools.product(["", "Not"], subsets(values)):
        rest = {key: value for key, value in given_.items() if key != name}
        statements += statements_of({"Statement": {**rest, f"{prefix}{name}": some}}) or ()

    def reached(statement: Statement | None) -> set[str]:
        if statement is None:
            return set()
        patterns = statement.get(name, statement.get(f"Not{name}", ()))
        return {
            request
            for request in requests
            if any(fnmatch.fnmatchcase(request.lower(), pattern.lower()) for pattern in patterns)
            is (name in statement)
        }

    for other, statement in itertools.product(statements, repeat=2):
        left = Coverage([other], of_resource=False).uncovered(statement)
        assert reached(statement) <= reached(left) | reached(other), (other, statement)
        assert reached(left) <= reached(statement)


FIELDS = (["arn:aws:iam::1:role/a", "arn:aws:iam::1:role/b"], ["a:B", "c:D"], ["r", "s"], ["1", "2", "3"])


def boxes(*, least: int) -> st.SearchStrategy[tuple[list[str], ...]]:
    return st.tuples(*(st.lists(st.sampled_from(field), min_size=least, unique=True) for field in FIELDS))


def statement_of(box: Sequence[list[str]]) -> Statement:
    principals, actions, resources, values = box
    fields: dict[str, Any] = {"Effect": "Allow", "Action": actions, "Resource": resources}
    fields |= {"Principal": {"AWS": principals}, "Condition": {"StringEquals": {"k": values}}}
    return (statements_of({"Statement": fields}) or [])[0]


@given(st.lists(boxes(least=1), max_size=4), boxes(least=1))
def test_what_is_left_is_of_what_no_other_covers(others: list[Any], box: Any) -> None:  # noqa: ANN401
    covered = {part for other in others for part in itertools.product(*other)}
    missing = [part for part in itertools.product(*box) if part not in covered]
    left = Coverage([statement_of(other) for other in others], of_resource=False).uncovered(statement_of(box))
    assert (left is None) is not bool(missing)
    if left and others:
        # The smallest statement of all that is missing.
        assert left == statement_of([sorted(set(values)) for values in zip(*missing, strict=True)])
