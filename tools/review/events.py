"""Whether fewer events get through a filter or to who is notified of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from tools.review.patterns import includes
from tools.review.secrets import UNKNOWN, json_container
from tools.review.shapes import as_list, as_text

_TARGETS = ("lambda_function_arn", "queue_arn", "topic_arn")


def are_filtered_out(before: Iterable[object], after: Iterable[object]) -> bool:
    """Whether a pattern of today is in none of the patterns that events have to match one of.

    Without a pattern all match; what is known only after apply may be the one of today.
    """
    olds, news = ([_parsed(pattern) for pattern in side if pattern] for side in (before, after))
    return bool(news) and any(not any(_admits(new, old) for new in news) for old in olds or [{}])


def _parsed(pattern: object) -> object:
    parsed = json_container(pattern) if isinstance(pattern, str) else None
    return pattern if parsed is None else parsed


def _admits(wide: object, narrow: object) -> bool:
    """Whether what matches one pattern matches another: all of its fields, each by one of its values."""
    if wide is UNKNOWN:
        return True
    if isinstance(wide, dict) and isinstance(narrow, dict):
        return all(name in narrow and _admits(value, narrow[name]) for name, value in wide.items())
    if isinstance(wide, list) and isinstance(narrow, list):
        return all(item in wide for item in narrow)
    return wide == narrow


def are_notified_of_less(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a block for events of a bucket tells a target of what no single block will."""
    news = list(after)
    return any(
        not any(_tells(new, event, block) for new in news)
        for block in before
        for event in as_list(block.get("events"))
    )


def _tells(new: Mapping[str, Any], event: object, old: Mapping[str, Any]) -> bool:
    events = new.get("events")
    return (
        all(new.get(name) in (UNKNOWN, old.get(name)) for name in _TARGETS)
        and (events is UNKNOWN or any(includes(str(pattern), str(event)) for pattern in as_list(events)))
        and as_text(old.get("filter_prefix")).startswith(as_text(new.get("filter_prefix")))
        and as_text(old.get("filter_suffix")).endswith(as_text(new.get("filter_suffix")))
    )
