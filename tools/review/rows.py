"""The lines of a `diff` block for one change, in the colours that GitHub gives them.

Red is what goes or gets weaker (-), green what comes (+), orange what becomes something else (!), purple a
heading (@@); what stays the same is there for what surrounds it.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.review.differences import MISSING, Difference, differences
from tools.review.plan import Change
from tools.review.secrets import (
    HIDDEN_TEXT,
    UNKNOWN,
    Hidden,
    Item,
    Secrets,
    clipped,
    json_container,
    printable,
)
from tools.review.shapes import as_dict, as_list
from tools.review.statement_lines import statement_lines
from tools.review.statements import is_statement, normalised
from tools.review.text_edits import LONG, apart, is_long, shortened, size, text_edits

# So many attributes are shown, and of those that get weaker or force a replacement.
ROWS_LIMIT = 40
_DECISIVE_LIMIT = 100
# What fits in a line of a comment before GitHub makes the block scroll: a pair of values with their path.
_PAIR_WIDTH = 90
_KEY_WIDTH = 40
# What of a value that comes or goes fills more lines is shown in one, clipped.
_PARTS_LIMIT = 20
# How much is shown of what becomes something that is not known yet.
_GIST = 60
# All of these change with a function's code; one of them is enough.
CODE = "source_code_hash"
CHANGED_OUTSIDE = "changed outside of Terraform"
_CODE_TOO = (
    *("filename", "code_sha256", "source_code_size", "s3_key", "s3_object_version", "version"),
    *("qualified_arn", "qualified_invoke_arn", "last_modified"),
)


# What no code can set.
_OF_PROVIDER = ("arn", "id")


@dataclass(frozen=True)
class _Row:
    """A line with its attribute, or with the field of a policy's statement."""

    sign: str
    key: str
    value: str
    comment: str = ""
    of_policy: bool = False


@dataclass(frozen=True)
class _Attribute:
    """The lines of one attribute. Decisive ones come first; policies stay, however many there are."""

    rows: list[_Row]
    is_decisive: bool

    @property
    def is_policy(self) -> bool:
        return self.rows[0].of_policy


@dataclass(frozen=True, kw_only=True)
class _View:
    """What else is known of the attributes: which get weaker, force a replacement, have drifted, are set."""

    secrets: Secrets
    weaker: Collection[str] = ()
    forced: Sequence[Sequence[object]] = ()
    drift: Collection[Difference] = ()
    is_set: Callable[[str], bool] = lambda _: True

    def is_default(self, path: tuple[object, ...]) -> bool:
        """Whether it has its value from the provider, and is no weakness."""
        return not self.is_weaker(path) and not all(self.is_set(str(name)) for name in path[:1])

    def is_weaker(self, path: tuple[object, ...]) -> bool:
        return any(_overlap(_plain_path(path), attribute.split(".")) for attribute in self.weaker)

    def is_forced(self, path: tuple[object, ...]) -> bool:
        return any(_overlap(_plain_path(path), _plain_path(forced)) for forced in self.forced)

    def comment(self, difference: Difference) -> str:
        words = "the code" if difference.path == (CODE,) else ""
        if any(item.is_undone_by(difference) for item in self.drift):
            return f"{words}, {CHANGED_OUTSIDE}" if words else CHANGED_OUTSIDE
        return words or ("forces replacement" if self.is_forced(difference.path) else "")


def diff_block(rows: Sequence[str]) -> str:
    """The lines as a fenced block, or nothing."""
    return "".join(f"{line}\n" for line in ("```diff", *rows, "```")) if rows else ""


def change_rows(
    change: Change,
    secrets: Secrets,
    *,
    weaker: Collection[str] = (),
    drift: Collection[Difference] = (),
    is_set: Callable[[str], bool] = lambda _: True,
) -> list[str]:
    """What changes, attribute by attribute: `weaker` ones are red, what undoes the `drift` says so.

    `is_set` tells whether the code sets an attribute.
    """
    before, after = change.shown
    view = _View(secrets=secrets, weaker=weaker, forced=change.replace_paths, drift=drift, is_set=is_set)
    found = list(differences({} if change.action == "create" else before, after, secrets.is_opaque))
    return _laid_out(
        [
            attribute
            for difference in _worth_showing(found, change, view)
            for attribute in _attributes(difference, view)
        ]
    )


def difference_rows(found: Collection[Difference], secrets: Secrets) -> list[str]:
    """Differences of something that is no change of this plan."""
    view = _View(secrets=secrets)
    return _laid_out([attribute for difference in found for attribute in _attributes(difference, view)])


def _worth_showing(found: list[Difference], change: Change, view: _View) -> Iterator[Difference]:
    told = {difference.path for difference in found}
    code = change.type == "aws_lambda_function" and (CODE,) in told
    is_new = change.action in ("create", "replace")
    telling = [
        difference
        for difference in found
        if not (difference.path[:1] == ("tags_all",) and (is_new or ("tags", *difference.path[1:]) in told))
        and not (code and difference.path[0] in _CODE_TOO)
        and not (difference.path == ("last_modified",) and difference.after is UNKNOWN)
    ]
    if change.action == "create":
        for item in telling:
            after = _pruned(item.after)
            is_off = after in (0, False, Hidden(0), Hidden(False)) and view.is_default(item.path)
            if not (_is_empty(after) or after is UNKNOWN or is_off):
                yield replace(item, after=after)
        return
    # What a new object gets from the provider, such as its ARN, is no news; nor is, beside all else, that
    # what was empty is not set any more.
    news = [
        item
        for item in telling
        if view.is_forced(item.path)
        or not (item.is_unset or (change.action == "replace" and _is_of_provider(item, view)))
    ]
    is_told = change.action == "replace" or any(not item.note for item in news)
    yield from news if is_told else telling or found


def _is_of_provider(item: Difference, view: _View) -> bool:
    """Whether it is something that a new object gets, such as its ARN."""
    return item.after is UNKNOWN and (
        len(item.path) != 1 or item.path[0] in _OF_PROVIDER or not view.is_set(str(item.path[0]))
    )


def _pruned(value: object) -> object:
    """What of a new object's value is set; a policy is left as it is, and a list that has no blocks."""
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return [item for item in map(_pruned, value) if item not in (None, [], {}, "")]
    if isinstance(value, dict) and "Statement" not in value:
        pruned = {key: _pruned(item) for key, item in value.items()}
        return {key: item for key, item in pruned.items() if item not in (None, [], {}, "", UNKNOWN)}
    return value


def _plain_path(path: Sequence[object]) -> list[object]:
    """The path without which item of a list it is."""
    return [step for step in path if isinstance(step, str) and not isinstance(step, Item)]


def _overlap(one: Sequence[object], other: Sequence[object]) -> bool:
    """Whether one path leads to what is in the other's value, or is it."""
    return all(some == others for some, others in zip(one, other, strict=False))


def _attributes(difference: Difference, view: _View, comment: str = "") -> Iterator[_Attribute]:
    """The lines of a difference; blocks that come or go and fill more than a line have some for each part."""
    is_decisive = view.is_weaker(difference.path) or view.is_forced(difference.path)
    comment = comment or view.comment(difference)
    parts = [
        attribute
        for part in _parts(difference, view.secrets)
        for attribute in _attributes(part, view, comment)
    ]
    if parts and (len(parts) <= _PARTS_LIMIT or is_decisive or any(part.is_policy for part in parts)):
        yield from parts
    else:
        yield _Attribute(list(_rows(difference, view, comment)), is_decisive=is_decisive)


def _parts(difference: Difference, secrets: Secrets) -> Iterator[Difference]:
    """What is in a value that comes or goes, and of a policy in whose place something else comes."""
    path, before, after = (*difference.path, *difference.item), difference.before, difference.after
    if difference.note or is_statement(before) or is_statement(after) or after is UNKNOWN:
        return
    olds, news = map(_statements, (before, after))
    if bool(olds) != bool(news):
        if any(isinstance(side, str) and secrets.is_opaque(side) for side in (before, after)):
            return
        yield from (Difference((*path, "Statement"), statement, MISSING) for statement in olds)
        yield from (Difference((*path, "Statement"), MISSING, statement) for statement in news)
        rest = replace(difference, before=MISSING) if olds else replace(difference, after=MISSING)
        if not _is_empty(rest.before if news else rest.after):
            yield rest
    elif difference.comes or difference.goes:
        value = after if difference.comes else before
        if not _holds_blocks(value):
            return
        shown = secrets.value(value)
        if shown == HIDDEN_TEXT or (len(shown) <= LONG and not _holds_policy(value)):
            return
        nothing: object = {} if isinstance(value, dict) else []
        sides = (nothing, value) if difference.comes else (value, nothing)
        for part in differences(*sides, secrets.is_opaque, path, in_json=difference.in_json):
            is_name = any(isinstance(step, Item) and step in (part.before, part.after) for step in path[-1:])
            if not is_name and (difference.in_json or not (_is_empty(part.before) and _is_empty(part.after))):
                yield part


def _is_empty(value: object) -> bool:
    value = value.value if isinstance(value, Hidden) else value
    return value is MISSING or value in (None, {}, [], "")


def _holds_blocks(value: object) -> bool:
    return isinstance(value, dict) or any(isinstance(item, dict | list) for item in as_list(value))


def _holds_policy(value: object) -> bool:
    items = value.values() if isinstance(value, dict) else as_list(value)
    return bool(_statements(value)) or any(map(_holds_policy, items))


def _statements(value: object) -> list[dict[str, Any]]:
    """The statements of a policy; nothing of what is none."""
    policy = normalised(json_container(value)) if isinstance(value, str) else value
    statements = as_list(as_dict(policy).get("Statement"))
    return statements if all(map(is_statement, statements)) else []


def _rows(difference: Difference, view: _View, comment: str) -> Iterator[_Row]:
    secrets, before, after = view.secrets, difference.before, difference.after
    path = secrets.path((*difference.path, *difference.item))
    if difference.note:
        yield _Row(" ", path, difference.note)
    elif is_statement(before) or is_statement(after):
        yield from _statement_rows(path, before, after, secrets)
    elif isinstance(before, str) and isinstance(after, str) and (is_long(before) or is_long(after)):
        yield from _text_rows(path, before, after, secrets, comment)
    elif view.is_weaker(difference.path) and before is not MISSING and after is not MISSING:
        yield from _pair(path, "-", secrets.value(before), secrets.value(after), comment)
    elif difference.comes:
        yield _Row("+", path, clipped(secrets.value(after)), comment)
    elif difference.goes:
        yield _Row("-", path, clipped(secrets.value(before)), comment)
    else:
        old = secrets.value(before)
        if after is UNKNOWN and len(old) > LONG:
            old = shortened(old, _GIST)
        yield from _pair(path, "!", old, secrets.value(after), comment)


def _pair(path: str, sign: str, before: str, after: str, comment: str) -> Iterator[_Row]:
    """Before and after in one line, or below each other where the second would be out of sight."""
    before, after = apart(before, after, clipped)
    if len(path) + len(before) + len(after) <= _PAIR_WIDTH:
        yield _Row(sign, path, f"{before} → {after}", comment)
    else:
        yield _Row("-", path, before)
        yield _Row("+", path, after, comment)


def _statement_rows(path: str, before: object, after: object, secrets: Secrets) -> Iterator[_Row]:
    label, fate, lines = statement_lines(before, after, secrets)
    yield _Row("@", path + label, fate, of_policy=True)
    yield from (_Row(*line, of_policy=True) for line in lines)


def _text_rows(path: str, before: str, after: str, secrets: Secrets, comment: str) -> Iterator[_Row]:
    """All edits of a long text with a little of what surrounds them."""
    if HIDDEN_TEXT in (secrets.text(before), secrets.text(after)):
        yield from _pair(path, "!", secrets.value(before), secrets.value(after), comment)
        return
    yield _Row("@", path, f"{size(before, after)}{', ' if comment else ''}{comment}")
    edits = text_edits(before, after)
    texts = {text for _, text in edits}
    # A tab is shown as \t; where the same two characters are in the text too, its backslashes are doubled.
    is_ambiguous = len({*map(printable, texts)}) < len(texts)
    for sign, text in edits:
        yield _Row(sign, "", printable(text.replace("\\", "\\\\") if is_ambiguous else text))


def _laid_out(attributes: Sequence[_Attribute]) -> list[str]:
    """The lines of the attributes, decisive ones first, then so many of the rest."""
    room = {True: _DECISIVE_LIMIT, False: ROWS_LIMIT}
    shown: list[_Row] = []
    left_out = 0
    for attribute in sorted(attributes, key=lambda attribute: not attribute.is_decisive):
        room[attribute.is_decisive] -= not attribute.is_policy
        if attribute.is_policy or room[attribute.is_decisive] >= 0:
            shown += attribute.rows
        else:
            left_out += 1
    widths = {
        of_policy: max(
            (
                len(row.key)
                for row in shown
                if row.of_policy == of_policy and len(row.key) <= _KEY_WIDTH and row.sign != "@"
            ),
            default=0,
        )
        for of_policy in (True, False)
    }
    lines = [_line(row, widths[row.of_policy]) for row in shown]
    return lines + ([f"… and {left_out} more attributes"] if left_out else [])


def _line(row: _Row, width: int) -> str:
    if row.sign == "@":
        return f"@@ {row.key}{': ' if row.value else ''}{row.value} @@"
    if not row.key and not row.of_policy:
        return f"{row.sign} {row.value}"
    separator = " " if row.of_policy else ":"
    text = f"{row.sign} {row.key + separator:<{width + 1}} {row.value}"
    return f"{text}  # {row.comment}" if row.comment else text
