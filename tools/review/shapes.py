"""JSON whose shape nobody promised: reading it, and its parts, empty when they are something else."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn


def read_json(text: str | bytes) -> Any:  # noqa: ANN401
    """What a text is as JSON, its numbers exact; raises ValueError if it is none that can be read."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except (InvalidOperation, RecursionError) as error:
        raise ValueError("a number is too large, or a value nested too deeply") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


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


def as_dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def as_text(value: object) -> str:
    return value if isinstance(value, str) else ""
