"""Review a Terraform plan: Markdown for a pull request, and a gate on changes that would lose data.

Usage: terraform show -json PLAN > PLAN.json; python -m tools.review PLAN.json > REVIEW.md

The input is https://developer.hashicorp.com/terraform/internals/json-format, major version 1.
"""

import argparse
import json
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tools.review.plan_secrets import UNKNOWN, Hidden, Secrets

# The data of this project: to destroy, replace or forget one of these takes a reviewer's --allow.
GUARDED = {
    "aws_dynamodb_table": "DynamoDB table",
    "aws_s3_bucket": "S3 bucket",
    "aws_kms_key": "KMS key",
}

EXIT_SAFE, EXIT_GUARDED, EXIT_UNUSABLE, EXIT_INTERRUPTED = 0, 3, 4, 130

# A GitHub comment holds 65,536 characters. Counted here in bytes of UTF-8, which are never fewer, with room
# for the line by which the workflow finds its comment again.
COMMENT_LIMIT = 65_000
VALUE_LIMIT = 200
ROWS_LIMIT = 40

ACTIONS = {
    ("no-op",): "no-op",
    ("read",): "read",
    ("create",): "add",
    ("update",): "change",
    ("delete",): "destroy",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("create", "forget"): "replace",
    ("forget",): "forget",
}
# Which of them end the life of an object, as far as this state knows.
LOSSES = {"replace": "replaced", "destroy": "destroyed", "forget": "forgotten"}
COUNTED = ("add", "change", "replace", "destroy", "move", "import", "forget")
REASONS = {
    "replace_because_tainted": "it is tainted",
    "replace_by_request": "requested by -replace",
    "replace_by_triggers": "by replace_triggered_by",
    "delete_because_no_resource_config": "not in the configuration any more",
    "delete_because_no_module": "its module is not in the configuration any more",
    "delete_because_wrong_repetition": "count or for_each was added or removed",
    "delete_because_count_index": "its index is beyond count",
    "delete_because_each_key": "its key is not in for_each any more",
    "delete_because_no_move_target": "it was moved to an address that is not configured",
}


class UnusablePlan(Exception):
    """The input is no plan that could be applied; the message says why, in Markdown."""


@dataclass(frozen=True)
class Review:
    """The Markdown for a pull request and the exit status: 0 safe, 3 guarded, 4 unusable.

    `messages` are lines for a terminal: what is at stake, and allowed addresses at which nothing is.
    """

    markdown: str
    exit_status: int
    messages: tuple[str, ...] = ()


def review(plan: object, allowed: Collection[str] = ()) -> Review:
    """Review the parsed output of `terraform show -json`; `allowed` holds addresses a reviewer let through.

    Never raises: what is no usable plan gives a review that says so, with status 4.
    """
    try:
        return _review(plan, allowed)
    except UnusablePlan as error:
        return _unusable(str(error))
    except RecursionError:
        return _unusable("it is nested too deeply")


def read_plan(path: Path) -> object:
    """Parse a file of JSON; raises UnusablePlan if it cannot be read or is no JSON."""
    try:
        return json.loads(path.read_bytes(), parse_float=Decimal)
    except OSError as error:
        raise UnusablePlan(f"it cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise UnusablePlan("it is not JSON") from None


class _ArgumentParser(argparse.ArgumentParser):
    """Takes arguments from a file too, one a line, with empty lines and lines that start with #."""

    def convert_arg_line_to_args(self, arg_line: str) -> list[str]:
        return [] if not arg_line.strip() or arg_line.startswith("#") else [arg_line]


def main() -> int:
    parser = _ArgumentParser(
        prog="python -m tools.review",
        description="Write a review of a Terraform plan as Markdown to standard output.",
        epilog=f"Exit status: {EXIT_SAFE} no guarded data lost; {EXIT_GUARDED} guarded data would be "
        f"destroyed, replaced or forgotten; {EXIT_UNUSABLE} no usable plan. Guarded: {', '.join(GUARDED)}. "
        "@FILE stands for the arguments in that file, one a line.",
        fromfile_prefix_chars="@",
    )
    parser.add_argument("plan", metavar="PLAN.json", type=Path, help="output of terraform show -json PLAN")
    parser.add_argument(
        "--allow",
        metavar="ADDRESS",
        action="append",
        default=[],
        help="let this guarded resource be destroyed, replaced or forgotten; repeatable",
    )
    arguments = parser.parse_args()
    try:
        result = review(read_plan(arguments.plan), arguments.allow)
    except UnusablePlan as error:
        result = _unusable(str(error))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    # Text of a plan is Unicode whatever the locale of the terminal says.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    print(result.markdown, end="")
    for message in result.messages:
        print(f"plan_review: {arguments.plan}: {message}", file=sys.stderr)
    return result.exit_status


# --- The plan ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One entry of resource_changes, resource_drift or deferred_changes. `before` and `after` are masked."""

    address: str
    type: str
    action: str
    before: object
    after: object
    data_source: bool
    replace_paths: list[list[object]]
    notes: tuple[str, ...]
    moved_from: str
    imported: bool

    @property
    def guarded_loss(self) -> bool:
        return self.action in LOSSES and self.type in GUARDED and not self.data_source

    @property
    def counted(self) -> tuple[str, ...]:
        counted = [self.action] if self.action in COUNTED else []
        return (*counted, *(["move"] if self.moved_from else []), *(["import"] if self.imported else []))


def _plan_changes(plan: dict[str, Any], key: str) -> list[Any]:
    changes = plan.get(key)
    if changes is None:
        return []
    if not isinstance(changes, list):
        raise UnusablePlan(f"its `{key}` is not a list")
    return changes


def _action(change: dict[str, Any], where: str) -> str:
    actions = change.get("actions")
    if isinstance(actions, list) and all(isinstance(action, str) for action in actions):
        action = ACTIONS.get(tuple(actions))
        if action:
            return action
    raise UnusablePlan(f"it has an unknown action at {where}")


def _change(item: object, secrets: Secrets, deferred: str = "") -> Change:
    entry = item if isinstance(item, dict) else {}
    address, type_, change = entry.get("address"), entry.get("type"), entry.get("change")
    if not (
        isinstance(address, str) and address and isinstance(type_, str) and type_ and isinstance(change, dict)
    ):
        raise UnusablePlan("it has a change without address, type or actions")
    action = _action(change, f"`{secrets.address(address)}`")
    notes = []
    if change["actions"] == ["create", "forget"]:
        notes.append("the old object stays, but Terraform forgets it")
    deposed = entry.get("deposed")
    if isinstance(deposed, str) and deposed:
        notes.append(f"deposed object `{secrets.name(deposed)}`, left by an earlier replacement")
    reason = entry.get("action_reason")
    if isinstance(reason, str) and reason in REASONS:
        notes.append(REASONS[reason])
    if deferred:
        notes.append(f"deferred to a later plan: `{secrets.name(deferred)}`")
    moved_from = entry.get("previous_address")
    if not isinstance(moved_from, str) or moved_from == address:
        moved_from = ""
    if moved_from:
        notes.append(f"move from `{secrets.address(moved_from)}`")
    importing = change.get("importing")
    if importing is not None:
        id_ = secrets.masked(importing.get("id") if isinstance(importing, dict) else None, None)
        notes.append("import" + (f" of `{_value(id_, secrets)}`" if id_ is not None else ""))
    paths = change.get("replace_paths")
    return Change(
        address=address,
        type=type_,
        action=action,
        before=secrets.masked(change.get("before"), change.get("before_sensitive")),
        after=secrets.masked(change.get("after"), change.get("after_sensitive"), change.get("after_unknown")),
        data_source=entry.get("mode") == "data",
        replace_paths=[path for path in paths if isinstance(path, list)] if isinstance(paths, list) else [],
        notes=tuple(notes),
        moved_from=moved_from,
        imported=importing is not None,
    )


def _check_usable(plan: object) -> dict[str, Any]:
    if not isinstance(plan, dict):
        raise UnusablePlan("it is not the output of `terraform show -json`")
    version = plan.get("format_version")
    # Terraform leaves resource_changes out when there is no resource; states have neither of the two.
    is_plan = isinstance(plan.get("resource_changes"), list) or isinstance(plan.get("planned_values"), dict)
    if not isinstance(version, str) or not is_plan:
        raise UnusablePlan("it is not the output of `terraform show -json` for a plan")
    if version.split(".")[0] != "1":
        raise UnusablePlan("its format version is not 1.x")
    if plan.get("errored", False) is not False:
        raise UnusablePlan("planning ended with an error")
    if plan.get("complete", True) is not True:
        deferred = plan.get("deferred_changes")
        why = f"{len(deferred)} deferred changes" if isinstance(deferred, list) and deferred else "-target?"
        raise UnusablePlan(f"it is incomplete ({why})")
    return plan


# --- Differences -------------------------------------------------------------------------------------------


class Missing:
    """The element that a list does not have on one side."""


MISSING = Missing()


@dataclass(frozen=True)
class Difference:
    path: tuple[object, ...]
    before: object
    after: object


def _differences(
    before: object, after: object, secrets: Secrets, path: tuple[object, ...] = ()
) -> Iterator[Difference]:
    if isinstance(before, str) and isinstance(after, str) and before != after:
        # Policies are JSON in a string; what changed is inside. One with a secret in it is Hidden by now.
        inside = _container(before), _container(after)
        if None not in inside:
            before, after = (secrets.masked(value, None) for value in inside)
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _differences(before.get(key), after.get(key), secrets, (*path, key))
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) == len(after) and any(isinstance(item, dict | list) for item in before + after):
            for index, (old, new) in enumerate(zip(before, after, strict=True)):
                yield from _differences(old, new, secrets, (*path, index))
        elif before != after:
            removed, added = _without(before, after), _without(after, before)
            if not removed and not added:
                yield Difference(path, before, after)
            yield from (Difference(path, item, MISSING) for item in removed)
            yield from (Difference(path, MISSING, item) for item in added)
    elif type(before) is not type(after) or before != after or after is UNKNOWN:
        yield Difference(path, before, after)


def _without(items: list[object], others: list[object]) -> list[object]:
    rest = list(others)
    kept = []
    for item in items:
        if item in rest:
            rest.remove(item)
        else:
            kept.append(item)
    return kept


def _container(text: str) -> object:
    try:
        value = json.loads(text, parse_float=Decimal) if text[:1] in "{[" and text else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _is_unset(before: object, after: object) -> bool:
    """Whether a provider's read turned an attribute that is not set into the empty value of its type."""
    before, after = (value.value if isinstance(value, Hidden) else value for value in (before, after))
    return before is None and not isinstance(after, bool) and after in ({}, [], "", 0)


# --- The Markdown ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """A part of the review. Its `short` form stays when its text does not fit, `closing` goes after a cut."""

    text: str
    short: str = ""
    closing: str = ""


def _unusable(reason: str) -> Review:
    markdown = f"**No review: this is not a usable plan**, because {reason}.\n"
    return Review(markdown, EXIT_UNUSABLE, (f"not a usable plan: {reason}",))


def _review(plan_: object, allowed: Collection[str]) -> Review:
    plan = _check_usable(plan_)
    secrets = Secrets(plan)
    planned = [_change(item, secrets) for item in _plan_changes(plan, "resource_changes")]
    deferred = [_deferred(item, secrets) for item in _plan_changes(plan, "deferred_changes")]
    drift = [_change(item, secrets) for item in _plan_changes(plan, "resource_drift")]
    outputs = _output_lines(plan, secrets)

    guarded = [change for change in planned + deferred if change.guarded_loss]
    stopped = [change for change in guarded if change.address not in allowed]
    unmatched = sorted(set(allowed) - {change.address for change in guarded})
    losses = [change for change in planned if change.action in LOSSES and not change.guarded_loss]
    updates = sorted(
        (change for change in planned if change.action == "change"),
        key=lambda change: change.type not in GUARDED,
    )
    others = [change for change in deferred if not change.guarded_loss]
    rest = [change for change in planned if change.action in ("add", "read", "no-op") and _rest_verbs(change)]
    drifted = [line for change in drift for line in _drift_lines(change, secrets)]

    verdict = _verdict(planned, guarded, stopped, bool(outputs), bool(others))
    notes = [
        f"`--allow {secrets.address(address)}`: no guarded data is at stake there." for address in unmatched
    ]
    pieces = [
        Piece(verdict + "\n", short=verdict + "\n"),
        *(Piece(f"\n{note}\n") for note in notes),
        *_section(
            "Guarded data destroyed, replaced or forgotten",
            [_loss(change, secrets, change not in stopped) for change in guarded],
        ),
        *_section(
            "Other resources destroyed, replaced or forgotten", [_loss(change, secrets) for change in losses]
        ),
        *_section("Changes in place", [_update(change, secrets) for change in updates]),
        *_section("Deferred", [_line(change, secrets) for change in others]),
        *_collapsed(f"Changed outside of Terraform: {len(drifted)}", drifted),
        *_section("Outputs", [Piece(line) for line in outputs]),
        *_collapsed(f"The rest: {_rest_counts(rest)}", _rest_lines(rest, secrets)),
    ]
    messages = [
        f"{secrets.address(change.address)} would be {LOSSES[change.action]} (once reviewed: --allow ADDRESS)"
        for change in stopped
    ] + [note.replace("`", "") for note in notes]
    return Review(_fit(pieces), EXIT_GUARDED if stopped else EXIT_SAFE, tuple(messages))


def _verdict(
    planned: list[Change], guarded: list[Change], stopped: list[Change], outputs: bool, deferred: bool
) -> str:
    counted = [verb for change in planned for verb in change.counted]
    counts = ", ".join(f"{counted.count(verb)} to {verb}" for verb in COUNTED if verb in counted)
    if guarded:
        first, at_stake = ("Stop", stopped) if stopped else ("Allowed", guarded)
        number = f"{len(at_stake)} guarded resource{'' if len(at_stake) == 1 else 's'}"
        words = f"**{first}: {number} would be destroyed, replaced or forgotten.**"
    elif counted:
        words = "**No guarded data would be destroyed, replaced or forgotten.**"
    elif deferred:
        words = "**All changes are deferred to a later plan.**"
    elif outputs:
        words = "**Only outputs change.**"
    else:
        words = "No changes."
    return f"{words} Plan: {counts}." if counts else words


def _section(title: str, pieces: list[Piece]) -> Iterator[Piece]:
    """The title goes with the first piece, so that none is left without content."""
    heading = f"\n### {title}\n\n"
    for piece in pieces:
        yield Piece(heading + piece.text, short=heading + piece.short if piece.short else "")
        heading = ""


def _collapsed(title: str, lines: list[str]) -> Iterator[Piece]:
    opening, closing = f"\n<details><summary>{title}</summary>\n\n", "\n</details>\n"
    for line in lines[:-1]:
        yield Piece(opening + line, closing=closing)
        opening = ""
    for line in lines[-1:]:
        yield Piece(opening + line + closing)


def _deferred(item: object, secrets: Secrets) -> Change:
    if not isinstance(item, dict):
        raise UnusablePlan("a deferred change without an address")
    reason = item.get("reason")
    return _change(
        item.get("resource_change"), secrets, reason if isinstance(reason, str) and reason else "unknown"
    )


def _loss(change: Change, secrets: Secrets, allowed: bool = False) -> Piece:
    words = f"**{LOSSES[change.action]}**{' (allowed)' if allowed else ''}:"
    if change.guarded_loss:
        words += f" {GUARDED[change.type]}"
    words += f" `{secrets.address(change.address)}`"
    if isinstance(change.before, dict) and isinstance(change.before.get("id"), str):
        words += f", `{_value(change.before['id'], secrets)}`"
    if change.replace_paths:
        forced = (f"`{secrets.path(path)}`" for path in change.replace_paths[:ROWS_LIMIT])
        words += f", forced by {', '.join(forced)}"
    head = f"- {'; '.join((words, *change.notes))}\n"
    rows = list(_rows(change, secrets)) if change.action == "replace" else []
    return Piece(head + _fenced(rows), short=head if change.guarded_loss else "")


def _update(change: Change, secrets: Secrets) -> Piece:
    return Piece(_line(change, secrets).text + _fenced(list(_rows(change, secrets))))


def _line(change: Change, secrets: Secrets) -> Piece:
    return Piece(f"- {'; '.join((f'`{secrets.address(change.address)}`', *change.notes))}\n")


def _rows(change: Change, secrets: Secrets) -> Iterator[str]:
    for difference in _differences(change.before, change.after, secrets):
        forced = any(
            path[: len(difference.path)] == list(difference.path[: len(path)])
            for path in change.replace_paths
        )
        # What a new object gets from the provider, such as its ARN, is no news.
        usual = difference.after is UNKNOWN or _is_unset(difference.after, difference.before)
        if forced or change.action != "replace" or not usual:
            yield _row(difference, secrets) + (" (forces replacement)" if forced else "")


def _row(difference: Difference, secrets: Secrets) -> str:
    path = secrets.path(difference.path)
    if difference.before is MISSING:
        return f"+ {path}: {_value(difference.after, secrets)}"
    if difference.after is MISSING:
        return f"- {path}: {_value(difference.before, secrets)}"
    before, after = secrets.value(difference.before), secrets.value(difference.after)
    # Long texts often begin alike: show where they part.
    alike = next((at for at, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
    start = max(0, alike - VALUE_LIMIT // 4) if max(len(before), len(after)) > VALUE_LIMIT else 0
    return f"~ {path}: {_clipped(before, start)} → {_clipped(after, start)}"


def _value(masked: object, secrets: Secrets) -> str:
    return _clipped(secrets.value(masked))


def _clipped(text: str, start: int = 0) -> str:
    end = start + VALUE_LIMIT
    return (
        ("…" if start else "") + text[start:end] + (f"… ({len(text)} characters)" if len(text) > end else "")
    )


def _fenced(rows: list[str]) -> str:
    if not rows:
        return ""
    shown = rows[:ROWS_LIMIT]
    if len(rows) > ROWS_LIMIT:
        shown.append(f"… and {len(rows) - ROWS_LIMIT} more attributes")
    return "".join(f"  {line}\n" for line in ("```diff", *shown, "```"))


def _drift_lines(change: Change, secrets: Secrets) -> Iterator[str]:
    head = f"- `{secrets.address(change.address)}`"
    if change.action == "destroy":
        yield f"{head} was deleted\n"
        return
    differences = _differences(change.before, change.after, secrets)
    rows = [_row(item, secrets) for item in differences if not _is_unset(item.before, item.after)]
    if rows:
        yield f"{head}\n{_fenced(rows)}"


def _output_lines(plan: dict[str, Any], secrets: Secrets) -> list[str]:
    changes = plan.get("output_changes")
    if changes is None:
        return []
    if not isinstance(changes, dict):
        raise UnusablePlan("its `output_changes` is not an object")
    lines = []
    for name, change in sorted(changes.items()):
        shown = f"`{secrets.path((name,))}`"
        if not isinstance(change, dict):
            raise UnusablePlan(f"output {shown} is not an object")
        if _action(change, f"output {shown}") != "no-op":
            before = secrets.masked(change.get("before"), change.get("before_sensitive"))
            after = secrets.masked(
                change.get("after"), change.get("after_sensitive"), change.get("after_unknown")
            )
            lines.append(f"- {shown}: `{_value(before, secrets)}` → `{_value(after, secrets)}`\n")
    return lines


def _rest_verbs(change: Change) -> list[str]:
    verbs = {"add": ["created"], "read": ["read"]}.get(change.action, [])
    return verbs + (["moved"] if change.moved_from else []) + (["imported"] if change.imported else [])


def _rest_counts(changes: list[Change]) -> str:
    verbs = [" and ".join(_rest_verbs(change)) for change in changes]
    return ", ".join(f"{verbs.count(verb)} {verb}" for verb in dict.fromkeys(verbs))


def _rest_lines(changes: list[Change], secrets: Secrets) -> list[str]:
    lines = ((" and ".join(_rest_verbs(change)), _line(change, secrets).text[2:]) for change in changes)
    return [f"- {verbs} {line}" for verbs, line in sorted(lines, key=lambda pair: pair[0])]


def _fit(pieces: list[Piece]) -> str:
    """Join the pieces in order; from the first that does not fit on, only the short forms."""

    def size(text: str) -> int:
        return len(text.encode())

    def cut_note(count: int) -> str:
        return (
            f"\n**Cut to fit a comment:** {count} of its parts, from the least "
            "dangerous end, not shown in full. `terraform show` of the plan has them.\n"
        )

    room = COMMENT_LIMIT - size(cut_note(len(pieces)))
    shorts = []
    for piece in pieces:
        shorts.append(piece.short if size(piece.short) <= room else "")
        room -= size(shorts[-1])
    shown = []
    closing = ""
    cut = 0
    for piece, short in zip(pieces, shorts, strict=True):
        extra = size(piece.text) - size(short)
        if cut or extra + size(piece.closing) > room:
            cut += 1
            shown.append(short)
        else:
            room -= extra
            closing = piece.closing
            shown.append(piece.text)
    return "".join(shown) + (closing + cut_note(cut) if cut else "")
