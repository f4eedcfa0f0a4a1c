"""The lines of one statement of an IAM policy: a line for each thing that it says."""

import re
from collections.abc import Iterator

from tools.review.secrets import Secrets, clipped
from tools.review.shapes import as_dict, as_many, as_text
from tools.review.statements import principals_of

# What fits beside the name of a field before GitHub makes the block scroll.
_LINE_WIDTH = 80
# What separates values, and a key from its values.
_SEVERAL = re.compile(r"[,=\"]")
_PRINCIPALS = ("Principal", "NotPrincipal")
_KINDS = ("Service", "Federated", "CanonicalUser")
_RESOURCES = ("Resource", "NotResource")

# A sign as in a diff, a field's name, and some of its values.
Line = tuple[str, str, str]


def statement_lines(before: object, after: object, secrets: Secrets) -> tuple[str, str, list[Line]]:
    """Which statement it is, what becomes of it, and its lines, with what stays the same."""
    olds, news = (dict(_fields(side, secrets)) for side in (before, after))
    sids = [as_text(as_dict(side).get("Sid")) for side in (before, after)]
    label = ""
    if not (olds and news):
        label = f"[{secrets.text(sids[0] or sids[1])}]" if any(sids) else ""
    elif sids[0] != sids[1]:
        olds, news = (
            {"Sid": [secrets.text(sid)], **side} for sid, side in zip(sids, (olds, news), strict=True)
        )
    lines = [
        (sign, "" if number else name, line)
        for name in dict.fromkeys([*news, *olds])
        for sign, values in _compared(olds.get(name, []), news.get(name, []))
        for number, line in enumerate(_wrapped(values))
    ]
    fate = "added" if not olds else "removed" if not news else ""
    if all(sign == " " for sign, _, _ in lines):
        fate = "the same as far as it may be shown"
    return label, fate, lines


def _compared(olds: list[str], news: list[str]) -> Iterator[tuple[str, list[str]]]:
    yield " ", [value for value in news if value in olds]
    yield "-", [value for value in olds if value not in news]
    yield "+", [value for value in news if value not in olds]


def _fields(statement: object, secrets: Secrets) -> Iterator[tuple[str, list[str]]]:
    """What a statement says, each thing as a list of texts that may be shown."""

    def named(text: str) -> str:
        # The kind of a principal is not from the plan.
        kind, _, name = text.rpartition(" ")
        return f"{kind} {secrets.text(name)}" if kind in _KINDS else secrets.text(text)

    def shown(values: object) -> list[str]:
        texts = (named(item) if isinstance(item, str) else secrets.value(item) for item in as_many(values))
        return list(dict.fromkeys(texts))

    def quoted(values: object) -> list[str]:
        """With quotes where a value could look like several."""
        items = as_many(values)
        texts = (
            secrets.value(item) if not isinstance(item, str) or _SEVERAL.search(item) else secrets.text(item)
            for item in items
        )
        return list(dict.fromkeys(texts))

    if not isinstance(statement, dict):
        return
    effect = secrets.text(statement["Effect"])
    for name, words in (("Action", effect), ("NotAction", f"{effect} all but")):
        if name in statement:
            yield words, shown(statement[name])
    for name in _PRINCIPALS:
        if name in statement:
            value = statement[name]
            yield name, shown(principals_of({"Principal": value}) if isinstance(value, dict) else value)
    for name in _RESOURCES:
        if name in statement:
            yield name, shown(statement[name])
    conditions = statement.get("Condition")
    if isinstance(conditions, dict):
        yield (
            "Condition",
            [
                f"{secrets.text(operator)} {secrets.text(key)} = {', '.join(quoted(values))}"
                for operator, tests in conditions.items()
                for key, values in (tests.items() if isinstance(tests, dict) else [("", tests)])
            ],
        )
    known = {"Sid", "Effect", "Action", "NotAction", *_PRINCIPALS, *_RESOURCES, "Condition"}
    for name in sorted(statement.keys() - known):
        yield clipped(secrets.text(name)), shown(statement[name])


def _wrapped(values: list[str]) -> Iterator[str]:
    """The values in lines that can be read without scrolling, as far as each of them fits."""
    line = ""
    for value in values:
        if line and len(line) + len(value) > _LINE_WIDTH:
            yield f"{line},"
            line = ""
        line += (", " if line else "") + value
    if line:
        yield line
