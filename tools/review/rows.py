"""The lines of a `diff` block for one change, in the colours that GitHub gives them.

Red is what goes or gets weaker (-), green what comes (+), orange what becomes something else (!), purple a
heading (@@); what stays the same is there for what surrounds it.
"""

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.review.differences import MISSING, Difference, differences, is_unset
from tools.review.plan import Change
from tools.review.secrets import HIDDEN_TEXT, UNKNOWN, Item, Secrets, clipped, json_container, printable
from tools.review.shapes import as_dict, as_list, as_text
from tools.review.statements import is_statement, normalised, principals_of

ROWS_LIMIT = 40
# What fits in a line of a comment before GitHub makes the block scroll: a pair of values with their path, and
# the values of a statement beside the name of their field.
_PAIR_WIDTH = 90
_LINE_WIDTH = 80
_KEY_WIDTH = 40
_LONG = 200
_CONTEXT = 30
# Of as many pairs of tokens it is worth to find out which of them stay.
_COMPARED = 40_000
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_NOTHING = (None, MISSING, "")
_PRINCIPALS = ("Principal", "NotPrincipal")
_RESOURCES = ("Resource", "NotResource")
# All of these change with a function's code; one of them is enough.
CODE = "source_code_hash"
_CODE_TOO = (
    *("filename", "code_sha256", "source_code_size", "s3_key", "s3_object_version", "version"),
    *("qualified_arn", "qualified_invoke_arn", "last_modified"),
)


@dataclass(frozen=True)
class _Row:
    """A line with its attribute; a policy's lines are `kept`, however many there are."""

    sign: str
    key: str
    value: str
    comment: str = ""
    kept: bool = False


def diff_block(rows: Sequence[str]) -> str:
    """The lines as a fenced block, or nothing."""
    return "".join(f"{line}\n" for line in ("```diff", *rows, "```")) if rows else ""


def change_rows(
    change: Change,
    secrets: Secrets,
    *,
    weaker: Collection[str] = (),
    drifted: Collection[tuple[object, ...]] = (),
) -> list[str]:
    """What changes, attribute by attribute: `weaker` ones are red, `drifted` paths changed by themselves."""
    before, after = change.shown
    found = list(differences({} if change.action == "create" else before, after, secrets.is_opaque))
    rows: list[_Row] = []
    for difference in _worth_showing(found, change):
        comment = "forces replacement" if _is_forced(difference.path, change) else ""
        if difference.path in drifted:
            comment = "changed outside of Terraform"
        if difference.path == (CODE,):
            comment = "the code"
        is_weaker = any(_overlap(_plain_path(difference.path), attribute.split(".")) for attribute in weaker)
        rows += _rows(difference, secrets, comment=comment, weaker=is_weaker)
    return _laid_out(rows)


def difference_rows(found: Collection[Difference], secrets: Secrets) -> list[str]:
    """Differences of something that is no change of this plan."""
    return _laid_out([row for difference in found for row in _rows(difference, secrets)])


def _worth_showing(found: list[Difference], change: Change) -> Iterator[Difference]:
    told = {difference.path for difference in found}
    code = change.type == "aws_lambda_function" and (CODE,) in told
    is_new = change.action in ("create", "replace")
    telling = [
        difference
        for difference in found
        if not difference.note
        and not (difference.path[:1] == ("tags_all",) and (is_new or ("tags", *difference.path[1:]) in told))
        and not (code and difference.path[0] in _CODE_TOO)
        and not (difference.path == ("last_modified",) and difference.after is UNKNOWN)
    ]
    if change.action == "create":
        for item in telling:
            after = _pruned(item.after)
            if not is_unset(None, after) and after is not UNKNOWN:
                yield replace(item, after=after)
    elif change.action == "replace":
        # What a new object gets from the provider, such as its ARN, is no news.
        yield from (
            item
            for item in telling
            if _is_forced(item.path, change)
            or not (item.after is UNKNOWN or is_unset(item.after, item.before))
        )
    else:
        yield from telling or found


def _pruned(value: object) -> object:
    """What of a new object's value is set; a policy is left as it is."""
    if isinstance(value, list):
        return [item for item in map(_pruned, value) if item not in (None, [], {}, "")]
    if isinstance(value, dict) and "Statement" not in value:
        pruned = {key: _pruned(item) for key, item in value.items()}
        return {key: item for key, item in pruned.items() if item not in (None, [], {}, "", UNKNOWN)}
    return value


def _is_forced(path: tuple[object, ...], change: Change) -> bool:
    return any(_overlap(_plain_path(path), _plain_path(forced)) for forced in change.replace_paths)


def _plain_path(path: Sequence[object]) -> list[object]:
    """The path without which item of a list it is."""
    return [step for step in path if isinstance(step, str) and not isinstance(step, Item)]


def _overlap(one: Sequence[object], other: Sequence[object]) -> bool:
    """Whether one path leads to what is in the other's value, or is it."""
    return all(some == others for some, others in zip(one, other, strict=False))


def _rows(
    difference: Difference, secrets: Secrets, *, comment: str = "", weaker: bool = False
) -> Iterator[_Row]:
    path, before, after = secrets.path(difference.path), difference.before, difference.after
    if difference.note:
        yield _Row(" ", path, difference.note)
    elif is_statement(before) or is_statement(after):
        yield from _statement_rows(path, before, after, secrets)
    elif statements := _statements_alone(before, after, secrets):
        for statement in statements:
            comes = before in _NOTHING
            old, new = (MISSING, statement) if comes else (statement, MISSING)
            yield from _statement_rows(f"{path}.Statement", old, new, secrets)
    elif isinstance(before, str) and isinstance(after, str) and _is_long(before, after):
        yield from _text_rows(path, before, after, secrets, comment)
    elif weaker and before is not MISSING and after is not MISSING:
        yield from _pair(path, "-", secrets.value(before), secrets.value(after), comment)
    elif before is MISSING or before is None:
        yield _Row("+", path, clipped(secrets.value(after)), comment)
    elif after is MISSING or after is None:
        yield _Row("-", path, clipped(secrets.value(before)), comment)
    else:
        yield from _pair(path, "!", secrets.value(before), secrets.value(after), comment)


def _pair(path: str, sign: str, before: str, after: str, comment: str) -> Iterator[_Row]:
    """Before and after in one line, or below each other where the second would be out of sight."""
    before, after = clipped(before), clipped(after)
    if len(path) + len(before) + len(after) <= _PAIR_WIDTH:
        yield _Row(sign, path, f"{before} → {after}", comment)
    else:
        yield _Row("-", path, before)
        yield _Row("+", path, after, comment)


def _statements_alone(before: object, after: object, secrets: Secrets) -> list[dict[str, Any]]:
    """The statements of a policy that comes where none was, or goes with none in its place."""
    if (before in _NOTHING) == (after in _NOTHING):
        return []
    policy = after if before in _NOTHING else before
    if isinstance(policy, str) and not secrets.is_opaque(policy):
        policy = normalised(json_container(policy))
    statements = as_list(as_dict(policy).get("Statement"))
    return statements if all(map(is_statement, statements)) else []


def _statement_rows(path: str, before: object, after: object, secrets: Secrets) -> Iterator[_Row]:
    """A statement with a line for each field, and what stays the same for what surrounds it."""
    olds, news = (dict(_fields(side, secrets)) for side in (before, after))
    fate = "added" if not olds else "removed" if not news else ""
    if olds == news:
        fate = "the same as far as it may be shown"
    sid = as_text((as_dict(after) or as_dict(before)).get("Sid"))
    label = f"[{secrets.text(sid)}]" if sid and not (olds and news) else ""
    yield _Row("@", path + label, fate, kept=True)
    for name in dict.fromkeys([*news, *olds]):
        old, new = olds.get(name, []), news.get(name, [])
        for sign, values in (
            (" ", [value for value in new if value in old]),
            ("-", [value for value in old if value not in new]),
            ("+", [value for value in new if value not in old]),
        ):
            for number, line in enumerate(_wrapped(values)):
                yield _Row(sign, "" if number else name, line, kept=True)


def _fields(statement: object, secrets: Secrets) -> Iterator[tuple[str, list[str]]]:
    """What a statement says, each thing as a list of texts that may be shown."""

    def shown(values: object) -> list[str]:
        items = values if isinstance(values, list) else [values]
        texts = (secrets.text(item) if isinstance(item, str) else secrets.value(item) for item in items)
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
                f"{secrets.text(operator)} {secrets.text(key)} = {', '.join(shown(values))}"
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


def _is_long(before: str, after: str) -> bool:
    return "\n" in before or "\n" in after or len(before) > _LONG or len(after) > _LONG


def _text_rows(path: str, before: str, after: str, secrets: Secrets, comment: str) -> Iterator[_Row]:
    """All edits of a long text with a little of what surrounds them."""
    if HIDDEN_TEXT in (secrets.text(before), secrets.text(after)):
        yield from _pair(path, "!", secrets.value(before), secrets.value(after), comment)
        return
    if "\n" in before or "\n" in after:
        edits = list(_line_edits(before, after))
        size = f"{len(before.splitlines())} lines"
    else:
        edits = list(_token_edits(before, after))
        size = f"{len(before)} characters"
    yield _Row("@", path, f"{size}{', ' if comment else ''}{comment}")
    for sign, text in edits:
        yield _Row(sign, "", printable(text))


def _line_edits(before: str, after: str) -> Iterator[tuple[str, str]]:
    olds, news = before.splitlines(), after.splitlines()
    if olds == news:
        yield " ", "the same but for its line ends"
    for line in list(difflib.unified_diff(olds, news, n=1))[2:]:
        if not line.startswith("@@"):
            yield line[0], clipped(line[1:])
        else:
            yield " ", "…"


def _token_edits(before: str, after: str) -> Iterator[tuple[str, str]]:
    olds, news = _TOKEN.findall(before), _TOKEN.findall(after)
    start = _alike(olds, news)
    end = _alike(olds[start:][::-1], news[start:][::-1])
    old_end, new_end = len(olds) - end, len(news) - end
    if (old_end - start) * (new_end - start) > _COMPARED:
        edits = [(start, old_end, start, new_end)]
    else:
        matcher = difflib.SequenceMatcher(a=olds[start:old_end], b=news[start:new_end], autojunk=False)
        edits = [
            (a + start, b + start, c + start, d + start)
            for tag, a, b, c, d in matcher.get_opcodes()
            if tag != "equal"
        ]
    for old_start, old_end, new_start, new_end in _joined(edits):
        lead, trail = "".join(olds[:old_start])[-_CONTEXT:], "".join(olds[old_end:])[:_CONTEXT]
        for sign, tokens in (("-", olds[old_start:old_end]), ("+", news[new_start:new_end])):
            if tokens:
                yield sign, f"…{lead}{clipped(''.join(tokens))}{trail}…"


def _alike(some: list[str], others: list[str]) -> int:
    """How many of the first tokens are the same."""
    pairs = zip(some, others, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(some), len(others)))


# Where an edit starts and ends, before and after.
Edit = tuple[int, int, int, int]


def _joined(edits: Sequence[Edit]) -> list[Edit]:
    """The edits, with those that lie a word apart as one."""
    joined: list[Edit] = []
    for edit in edits:
        if joined and edit[0] - joined[-1][1] <= 3:
            joined[-1] = (joined[-1][0], edit[1], joined[-1][2], edit[3])
        else:
            joined.append(edit)
    return joined


def _laid_out(rows: list[_Row]) -> list[str]:
    """The rows as lines, their values below each other; beyond a limit they are counted."""
    shown: list[_Row] = []
    left_out = 0
    for row in rows:
        if row.kept or len(shown) < ROWS_LIMIT:
            shown.append(row)
        else:
            left_out += 1
    widths = {
        kept: max(
            (
                len(row.key)
                for row in shown
                if row.kept == kept and len(row.key) <= _KEY_WIDTH and row.sign != "@"
            ),
            default=0,
        )
        for kept in (True, False)
    }
    lines = [_line(row, widths[row.kept]) for row in shown]
    return lines + ([f"… and {left_out} more attributes"] if left_out else [])


def _line(row: _Row, width: int) -> str:
    if row.sign == "@":
        return f"@@ {row.key}{': ' if row.value else ''}{row.value} @@"
    if not row.key and not row.kept:
        return f"{row.sign} {row.value}"
    separator = " " if row.kept else ":"
    text = f"{row.sign} {row.key + separator:<{width + 1}} {row.value}"
    return f"{text}  # {row.comment}" if row.comment else text
