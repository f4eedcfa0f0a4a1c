"""JSON whose shape nobody promised: reading it, and its parts, empty when they are something else."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn


def read_json(text: str | bytes, *, keys_once: bool = False) -> Any:  # noqa: ANN401
    """What a text is as JSON, its numbers exact; raises ValueError if it is none that can be read.

    `keys_once` refuses an object with a key twice, which means something else to each who reads it.
    """
    pairs = _with_keys_once if keys_once else None
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=pairs)
    except (InvalidOperation, RecursionError) as error:
        raise ValueError("a number is too large, or a value nested too deeply") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _with_keys_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("an object has a key twice")
    return result


def is_nested(value: object, depth: int) -> bool:
    """Whether lists and objects are nested deeper than that."""
    level = [value]
    for _ in range(depth):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return any(isinstance(item, dict | list) for item in level)


def is_same(one: object, other: object) -> bool:
    """Whether two values are the same as JSON, where true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(item, other[key]) for key, item in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def as_dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def as_many(value: Any) -> list[Any]:  # noqa: ANN401
    """The items of a list, or what is in its place as the only one."""
    return value if isinstance(value, list) else [value]


def as_text(value: object) -> str:
    return value if isinstance(value, str) else ""
