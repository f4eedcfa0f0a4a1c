"""Whether fewer events get through a filter or to who is notified of them."""

# A table reads best with a row a line.
# ruff: noqa: E501

import json
from typing import Any

import pytest

from tools.review.events import are_filtered_out, are_notified_of_less
from tools.review.secrets import UNKNOWN

INSERTS, CHANGES, BOTH = ({"eventName": names} for names in (["INSERT"], ["MODIFY"], ["INSERT", "MODIFY"]))

# The patterns before and after, and whether something no longer gets through.
FILTERS: list[tuple[list[Any], list[Any], bool]] = [
    ([], [INSERTS], True),
    ([], [{}], False),
    ([INSERTS], [], False),
    ([INSERTS], [INSERTS], False),
    ([INSERTS], [INSERTS, CHANGES], False),
    ([INSERTS, CHANGES], [INSERTS], True),
    ([INSERTS, CHANGES], [BOTH], False),
    ([INSERTS], [CHANGES], True),
    ([BOTH], [INSERTS], True),
    ([INSERTS], [BOTH], False),
    ([INSERTS], [UNKNOWN], False),
    ([INSERTS, CHANGES], [INSERTS, UNKNOWN], False),
    # Every field has to match.
    ([INSERTS], [{**INSERTS, "x": ["y"]}], True),
    ([{**INSERTS, "x": ["y"]}], [INSERTS], False),
    ([{"a": INSERTS}], [{"a": BOTH}], False),
    ([{"a": BOTH}], [{"a": INSERTS}], True),
    ([{"a": [{"prefix": "x"}]}], [{"a": [{"prefix": "x"}, {"exists": False}]}], False),
    ([{"a": [{"prefix": "x"}]}], [{"a": [{"prefix": "y"}]}], True),
    ([{"a": ["x"]}], [{"a": {"x": ["x"]}}], True),
    ([{"a": {"x": ["x"]}}], [{"a": ["x"]}], True),
    ([{"a": ["x"]}], [{"a": "x"}], True),
    ([{"a": "x"}], [{"a": ["x"]}], True),
    ([{"a": {"x": ["x"]}}], [{"a": "x"}], True),
]


@pytest.mark.parametrize(("before", "after", "is_less"), FILTERS)
def test_what_matched_a_pattern_has_to_match_one(
    before: list[Any], after: list[Any], *, is_less: bool
) -> None:
    assert are_filtered_out(before, after) == is_less
    texts = ([item if item is UNKNOWN else json.dumps(item) for item in side] for side in (before, after))
    assert are_filtered_out(*texts) == is_less


def test_a_filter_that_is_no_json_is_itself_alone() -> None:
    assert not are_filtered_out(["text"], ["text"])
    assert are_filtered_out(["text"], ["other"])


def block(*events: str, **fields: object) -> dict[str, Any]:
    return {"topic_arn": "t", "events": list(events), "filter_prefix": "", "filter_suffix": "", **fields}


CREATED, REMOVED, PUT = "s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectCreated:Put"

# The blocks before and after, and whether a target hears of less.
NOTIFICATIONS: list[tuple[list[dict[str, Any]], list[dict[str, Any]], bool]] = [
    ([block(CREATED)], [], True),
    ([], [block(CREATED)], False),
    ([block(CREATED), block(REMOVED)], [block(CREATED, REMOVED)], False),
    ([block(CREATED, REMOVED)], [block(REMOVED), block(CREATED)], False),
    ([block(CREATED, REMOVED)], [block(REMOVED)], True),
    ([block(PUT)], [block(CREATED)], False),
    ([block(CREATED)], [block(PUT)], True),
    ([block(CREATED)], [block(CREATED, filter_prefix="never/")], True),
    ([block(CREATED, filter_prefix="a/b/")], [block(CREATED, filter_prefix="a/")], False),
    ([block(CREATED)], [block(CREATED, filter_suffix=".json")], True),
    ([block(CREATED, filter_suffix=".tar.gz")], [block(CREATED, filter_suffix=".gz")], False),
    ([block(CREATED, filter_suffix=".tar.gz")], [block(CREATED, filter_suffix=".tar")], True),
    ([block(CREATED)], [block(CREATED, topic_arn="u")], True),
    ([block(CREATED)], [block(CREATED, id="other", filter_prefix=None)], False),
    ([block(CREATED)], [block(CREATED, topic_arn=UNKNOWN)], False),
    ([block(CREATED)], [block(events=UNKNOWN)], False),
    ([block(CREATED)], [block(CREATED, filter_prefix=UNKNOWN)], False),
    *(([{name: "t", "events": [CREATED]}], [{name: "u", "events": [CREATED]}], True) for name in ("lambda_function_arn", "queue_arn")),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "is_less"), NOTIFICATIONS)
def test_a_target_hears_of_what_it_heard_of(
    before: list[dict[str, Any]], after: list[dict[str, Any]], *, is_less: bool
) -> None:
    assert are_notified_of_less(before, after) == is_less
