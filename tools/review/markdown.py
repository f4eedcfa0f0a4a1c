"""The review of a plan as Markdown for a comment on GitHub: what has to be decided first, all else below."""

import html
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from tools.review.comment import Part, Section, fit, whole
from tools.review.context import Context
from tools.review.danger import GUARDED, LOSSES, Decision, unknown_policies
from tools.review.differences import Difference, differences, is_unset
from tools.review.graph import graph
from tools.review.plan import COUNTED, Change, Check, Invocation, Plan
from tools.review.rows import CODE, change_rows, diff_block, difference_rows
from tools.review.secrets import Secrets, clipped
from tools.review.weakenings import ACCESS, GROUPS, ROWS_OF

SIGNS = {
    "create": "➕",
    "change": "✏️",
    "replace": "♻️",
    "destroy": "🗑️",
    "forget": "📤",
    "read": "📖",
    "no-op": "📦",
}
DONE = {"create": "created", "change": "changed", "read": "read", "no-op": "kept", **LOSSES}
_NAMED = 12
# Up to as many resources are compared, to show those that are weakened alike together.
_COMPARED = 200
_WORDS = {
    "acl": "ACL",
    "cloudwatch": "CloudWatch",
    "db": "DB",
    "dynamodb": "DynamoDB",
    "ecr": "ECR",
    "iam": "IAM",
    "kms": "KMS",
    "lambda": "Lambda",
    "s3": "S3",
    "sns": "SNS",
    "sqs": "SQS",
    "url": "URL",
}


@dataclass(frozen=True)
class Findings:
    """What was found in a plan: all that needs a decision, and what of it is not allowed yet."""

    decisions: tuple[Decision, ...]
    stopped: tuple[Decision, ...]
    unmatched: tuple[str, ...]


class Comment:
    """The comment for one plan."""

    def __init__(self, plan: Plan, findings: Findings, context: Context) -> None:
        self._plan = plan
        self._findings = findings
        self._context = context
        self._secrets = plan.secrets
        self._stopped = {id(decision) for decision in findings.stopped}
        self._decided = {id(decision.change) for decision in findings.decisions}
        self._drifted = {
            change.address: {difference.path for difference in self._drift_differences(change)}
            for change in plan.drift
        }

    def markdown(self) -> str:
        changes = [change for change in self._plan.changes if id(change) not in self._decided]
        deferred = [change for change in self._plan.deferred if id(change) not in self._decided]
        title = "### " + " ".join(self.title()) + "\n"
        if self._is_empty():
            return fit([whole(title), *self._drift()], self._footer(short=True))
        return fit(
            [
                whole(f"{title}{self._callout()}{self._counts()}"),
                Section(list(self._notes())),
                *self._decisions(),
                *self._losses([change for change in changes if change.action in LOSSES]),
                *self._invocations(),
                *self._changes([change for change in changes if change.action == "change"]),
                *self._rest([change for change in changes if change.action in ("create", "no-op")]),
                *self._deferred(deferred),
                *self._drift(),
                *self._outputs(),
                *self._allowances(),
                *self._addresses(),
            ],
            self._footer(),
        )

    # --- What it means -------------------------------------------------------------------------------------

    def _is_empty(self) -> bool:
        plan = self._plan
        return not (
            any(change.counted for change in plan.changes)
            or plan.deferred
            or plan.outputs
            or plan.invocations
            or self._findings.unmatched
            or self._context.warnings
            or self._failed_checks()
        )

    def title(self) -> tuple[str, str]:
        """A sign, and what the plan means in a few words of Markdown."""
        stack = f"`{self._secrets.text(self._context.stack)}`" if self._context.stack else "This plan"
        counts = Counter(verb for change in self._plan.changes for verb in change.counted)
        if self._findings.stopped:
            return "🛑", f"{stack} would {self._verdict(self._findings.stopped)}"
        if self._findings.decisions:
            return "⚠️", f"{stack} would, as allowed, {self._verdict(self._findings.decisions)}"
        if self._is_empty():
            return "✅", f"{stack}: no changes" if self._context.stack else "No changes"
        if counts:
            counted = ", ".join(f"{counts[verb]} to {verb}" for verb in COUNTED if counts[verb])
            return "✏️", f"{stack}: {counted}"
        if self._plan.deferred:
            return "⏭️", f"{stack}: all changes are deferred to a later plan"
        number = len(self._plan.invocations)
        only = "only outputs change" if self._plan.outputs else "no changes to resources"
        return (
            ("⚡", f"{stack}: only runs {_number(number, 'action')}") if number else ("✏️", f"{stack}: {only}")
        )

    def _verdict(self, decisions: Collection[Decision]) -> str:
        """Such as "lose `orders/table`, open 2 resources and weaken 3 resources"."""
        by_verb: dict[str, list[Decision]] = {"lose": [], "open": [], "weaken": []}
        for decision in decisions:
            verb = "lose" if decision.is_loss else "open" if decision.group is ACCESS else "weaken"
            by_verb[verb].append(decision)
        words = _and(f"{verb} {self._named(found)}" for verb, found in by_verb.items() if found)
        alone = next(iter(decisions)) if len(decisions) == 1 else None
        if not alone or alone.is_loss or len(alone.reasons) > 1 or alone.reasons[0].names:
            return words
        return f"{words}: {alone.reasons[0].words}"

    def _named(self, decisions: list[Decision]) -> str:
        names = list(dict.fromkeys(self._code(decision.change) for decision in decisions))
        if len(names) == 1:
            return names[0]
        return _number(len(names), "guarded resource" if decisions[0].is_loss else "resource")

    def _callout(self) -> str:
        stopped = self._findings.stopped
        decisions = stopped or self._findings.decisions
        if not decisions:
            return ""
        lost = Counter(LOSSES[item.change.action] for item in decisions if item.is_loss)
        weaker = Counter(item.group for item in decisions if item.group)
        parts = []
        if lost:
            fates = next(iter(lost)) if len(lost) == 1 else _and(f"{n} {fate}" for fate, n in lost.items())
            parts.append(f"**{_number(lost.total(), 'guarded resource')} would be {fates}**")
        if weaker:
            subjects = _and(group.subject for group in GROUPS if weaker[group])
            parts.append(f"**{_number(weaker.total(), 'change')} would weaken {subjects}**")
        if stopped:
            rest = "This check fails until each is undone or allowed in `.github/allowed-losses`."
            return f"\n> [!CAUTION]\n> {_and(parts)}.\n> {rest}\n"
        return f"\n> [!WARNING]\n> {_and(parts)}, as allowed in `.github/allowed-losses`.\n"

    def _counts(self) -> str:
        """A table of how many resources of which kind see what."""
        columns = ("create", "change", "replace", "destroy", "move / import / forget")
        counted: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
        for change in self._plan.changes:
            for verb in change.counted:
                column = verb if verb in columns else columns[-1]
                counted[change.type in GUARDED and not change.data_source][column] += 1
        if not counted[True] and not counted[False]:
            return ""
        heads = "".join(f" {SIGNS.get(column, '📦')} {column} |" for column in columns)
        lines = [f"| |{heads}", f"|---|{':-:|' * len(columns)}"]
        for guarded, label in ((True, "**guarded data**"), (False, "everything else")):
            numbers = [counted[guarded][column] for column in columns]
            bold = "**" if guarded else ""
            cells = "".join(f" {f'{bold}{number}{bold}' if number else '–'} |" for number in numbers)
            lines.append(f"| {label} |{cells}")
        return "".join(f"{line}\n" for line in ["", *lines])

    def _notes(self) -> Iterator[Part]:
        for allowed in self._findings.unmatched:
            yield _part(f"\n⚠️ {unmatched_words(allowed, self._secrets)}\n")
        for check in self._failed_checks():
            problems = "; ".join(self._secrets.text(problem) for problem in check.problems)
            said = f": `{clipped(problems)}`" if problems else ""
            yield _part(f"\n❌ The check `{self._secrets.address(check.address)}` fails{said}\n")
        for warning in self._context.warnings:
            yield _part(f"\n⚠️ Terraform warns: `{clipped(self._secrets.text(warning))}`\n")
        unknown = [self._code(change) for change in unknown_policies(self._plan)]
        if unknown:
            yield _part(
                f"\n❔ Known only after apply, so not judged: whom {_listed(unknown)} "
                f"{'lets' if len(unknown) == 1 else 'let'} do what.\n"
            )

    def _failed_checks(self) -> list[Check]:
        return [check for check in self._plan.checks if check.status in ("fail", "error")]

    # --- What has to be decided ----------------------------------------------------------------------------

    def _decisions(self) -> Iterator[Section]:
        number = 0
        for title, wanted in (("Needs a decision", True), ("Allowed", False)):
            parts = []
            for decisions in self._alike():
                if any(id(decision) in self._stopped for decision in decisions) == wanted:
                    number += 1
                    parts.append(self._decision(number, decisions))
            yield Section(parts, opening=f"\n#### {title}\n")

    def _alike(self) -> Iterable[list[Decision]]:
        """The decisions by resource, and resources that are weakened alike together."""
        found: dict[object, list[Decision]] = {}
        by_change: dict[int, list[Decision]] = {}
        for decision in self._findings.decisions:
            by_change.setdefault(id(decision.change), []).append(decision)
        for decisions in by_change.values():
            change = decisions[0].change
            key: object = id(change)
            if not any(decision.is_loss for decision in decisions) and len(by_change) <= _COMPARED:
                said = [(item.reasons, item.attribute, id(item) in self._stopped) for item in decisions]
                key = (change.type, change.action, *said, self._decision_rows(decisions), *change.notes)
            found.setdefault(key, []).extend(decisions)
        return found.values()

    def _decision(self, number: int, decisions: list[Decision]) -> Part:
        """One resource or several alike, with all that is to be decided about each."""
        change = decisions[0].change
        names = list(dict.fromkeys(self._code(decision.change) for decision in decisions))
        sign = decisions[0].group.sign if decisions[0].group else SIGNS[change.action]
        is_mixed = len({id(decision) in self._stopped for decision in decisions}) == 2
        said = (
            f"**{reason.words}**{self._names(reason.names)}"
            + (" (allowed)" if is_mixed and id(decision) not in self._stopped else "")
            for decision in decisions
            for reason in decision.reasons
        )
        words = " – ".join(dict.fromkeys(said))
        fate = {"create": " – new"}.get(change.action, "")
        fate = f" – {LOSSES[change.action]}" if change.action in LOSSES else fate
        kind = self._kind(change) + (" each" if len(names) > 1 else "")
        head = f"\n**{number}. {sign} {_listed(names)}** – {kind}{fate} – {words}"
        head += "".join(f"; {note}" for note in self._change_notes(change)) + "\n"
        return Part(
            text=lambda: head + self._decision_rows(decisions),
            short=head,
            name="`, `".join(name.strip("`") for name in names),
            kind="to be decided",
        )

    def _decision_rows(self, decisions: list[Decision]) -> str:
        return self._rows(decisions[0].change, [item.attribute for item in decisions if item.attribute])

    def _names(self, names: Collection[str]) -> str:
        return "".join(f" `{self._secrets.text(name)}`" for name in list(names)[:_NAMED]) + (
            f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        )

    # --- The changes ---------------------------------------------------------------------------------------

    def _losses(self, changes: list[Change]) -> Iterator[Section]:
        lost = {decision.change.address for decision in self._findings.decisions if decision.is_loss}
        picture = graph(self._plan, lost, self._context, SIGNS)
        replaced = [change for change in changes if change.action == "replace"]
        parts = [_part(f"\n{picture}")] if picture else []
        parts += [self._change_part(change) for change in _most_dangerous_first(replaced)]
        yield Section(parts, opening="\n#### What follows from it\n" if picture else "\n#### Replaced\n")
        for fate in ("destroy", "forget"):
            gone = _most_dangerous_first([change for change in changes if change.action == fate])
            parts = [self._change_part(change) for change in gone]
            if len(gone) <= _NAMED:
                yield Section(parts, opening=f"\n#### {DONE[fate].capitalize()}\n")
            else:
                yield self._collapsed(f"<b>{len(gone)} {DONE[fate]}</b>", gone, parts)

    def _changes(self, changes: list[Change]) -> Iterator[Section]:
        changes = _most_dangerous_first(changes)
        yield self._collapsed(
            f"<b>{len(changes)} changed in place</b>",
            changes,
            [self._change_part(change) for change in changes],
        )

    def _rest(self, changes: list[Change]) -> Iterator[Section]:
        groups: dict[str, list[Change]] = {}
        for change in changes:
            verbs = [DONE[change.action]] if change.action == "create" else []
            verbs += (["moved"] if change.moved_from else []) + (["imported"] if change.imported else [])
            if verbs:
                groups.setdefault(" and ".join(verbs), []).append(change)
        for done, found in groups.items():
            ordered = _most_dangerous_first(found)
            yield self._collapsed(
                f"<b>{len(found)} {done}</b>", ordered, [self._change_part(change) for change in ordered]
            )

    def _deferred(self, changes: list[Change]) -> Iterator[Section]:
        yield Section([self._change_part(change) for change in changes], opening="\n#### Deferred\n")

    def _change_part(self, change: Change) -> Part:
        def text() -> str:
            is_code = self._is_code_only(change)
            words = " – code only (`source_code_hash`)" if is_code else ""
            words += " – replaced" if change.action == "replace" else ""
            notes = "; ".join(self._change_notes(change))
            head = f"\n**{SIGNS[change.action]} {self._code(change)}** – {self._kind(change)}{words}"
            return head + (f" – {notes}" if notes else "") + "\n" + ("" if is_code else self._rows(change))

        return Part(text, name=self._name(change), kind=DONE[change.action])

    def _change_notes(self, change: Change) -> list[str]:
        forced = [f"`{self._secrets.path(path)}`" for path in change.replace_paths[:_NAMED]]
        reason = [f"forced by {', '.join(forced)}"] if forced and change.action == "replace" else []
        return [*reason, *change.notes]

    def _rows(self, change: Change, weaker: Collection[str] = ()) -> str:
        if change.action in ("destroy", "forget", "no-op", "read"):
            return ""
        drifted = self._drifted.get(change.address, set())
        return diff_block(change_rows(change, self._secrets, weaker=weaker, drifted=drifted))

    def _is_code_only(self, change: Change) -> bool:
        rows = change_rows(change, self._secrets) if change.type == "aws_lambda_function" else []
        return (
            change.action == "change"
            and len(rows) <= 2
            and bool(rows)
            and all(row[2:].startswith(CODE) for row in rows)
        )

    def _summary(self, change: Change) -> str:
        return self._name(change) + (" (code)" if self._is_code_only(change) else "")

    def _collapsed(self, title: str, changes: list[Change], parts: list[Part]) -> Section:
        names = [f"<code>{html.escape(self._summary(change))}</code>" for change in changes[:_NAMED]]
        more = f" and {len(changes) - _NAMED} more" if len(changes) > _NAMED else ""
        opening = f"\n<details><summary>{title}{': ' if names else ''}{', '.join(names)}{more}</summary>\n"
        return Section(parts, opening=opening, closing="\n</details>\n")

    # --- All else ------------------------------------------------------------------------------------------

    def _invocations(self) -> Iterator[Section]:
        yield Section(
            [
                Part(partial(self._invocation, item), name=self._secrets.address(item.address), kind="run")
                for item in self._plan.invocations
            ],
            opening="\n#### Actions that run\n",
        )

    def _invocation(self, item: Invocation) -> str:
        notes = "".join(f" – {note}" for note in item.notes)
        found = [
            difference
            for difference in differences({}, item.config or {}, self._secrets.is_opaque)
            if not is_unset(None, difference.after)
        ]
        rows = diff_block(difference_rows(found, self._secrets))
        return f"\n**⚡ `{self._secrets.address(item.address)}`**{notes}\n{rows}"

    def _drift_differences(self, change: Change) -> list[Difference]:
        found = differences(*change.shown, self._secrets.is_opaque)
        return [item for item in found if not item.note and not is_unset(item.before, item.after)]

    def _drift(self) -> Iterator[Section]:
        """What changed outside of Terraform, but for what the plan changes back and so has rows already."""
        changed = {
            change.address: {
                difference.path for difference in differences(*change.shown, self._secrets.is_opaque)
            }
            for change in self._plan.changes
            if change.address in self._drifted and change.action != "no-op"
        }
        parts = []
        for change in self._plan.drift:
            head = f"\n{self._code(change)}"
            if change.action == "destroy":
                recreated = any(
                    other.address == change.address and other.action == "create"
                    for other in self._plan.changes
                )
                words = "was deleted" + (" and would be created again" if recreated else "")
                parts.append(_part(f"{head} {words}\n"))
                continue
            found = [
                item
                for item in self._drift_differences(change)
                if item.path not in changed.get(change.address, ())
            ]
            if found:
                parts.append(_part(f"{head}\n{diff_block(difference_rows(found, self._secrets))}"))
        yield self._collapsed(f"Changed outside of Terraform: {len(parts)}", [], parts)

    def _outputs(self) -> Iterator[Section]:
        yield Section(
            [
                _part(
                    f"- `{self._secrets.path((output.name,))}`: "
                    f"`{clipped(self._secrets.value(output.before))}` → "
                    f"`{clipped(self._secrets.value(output.after))}`\n"
                )
                for output in self._plan.outputs
            ],
            opening="\n#### Outputs\n\n",
        )

    def _allowances(self) -> Iterator[Section]:
        """What to write down to let through what stopped the review, to be copied as it is."""
        lines = [
            f"# {self._name(decision.change)}: {'; '.join(reason.words for reason in decision.reasons)}\n"
            f"--allow={allow_shown(decision.allow, self._secrets)}\n"
            for decision in self._findings.stopped
        ]
        opening = "\n<details><summary>To allow it, in <code>.github/allowed-losses</code></summary>\n\n```\n"
        yield Section([_part(line) for line in lines], opening=opening, closing="```\n\n</details>\n")

    def _addresses(self) -> Iterator[Section]:
        """Where each construct is in Terraform."""
        parts = [
            _part(f"| `{_cell(self._name(change))}` | `{_cell(self._secrets.address(change.address))}` |\n")
            for change in self._plan.changes
            if change.counted and self._context.name(change.address) != change.address
        ]
        opening = "\n<details><summary>Terraform addresses</summary>\n\n| construct | address |\n|---|---|\n"
        yield Section(parts, opening=opening, closing="\n</details>\n")

    def _footer(self, *, short: bool = False) -> str:
        context, plan = self._context, self._plan
        made = _time(plan.made)
        parts = [f"Made {made}" if made else "Made"] if made or context.commit else []
        if context.commit:
            parts[0] += f" from `{context.commit[:7]}`" + (
                f" merged into `{context.base[:7]}`" if context.base else ""
            )
        if context.serial is not None:
            parts.append(f"state serial {context.serial}")
        sentence = ", ".join(parts) + "." if parts else ""
        if context.valid_until:
            sentence += (
                f" Valid until what it merges into or the state changes, at most until {context.valid_until}."
            )
        facts = [f"[Full plan]({context.run_url})"] if context.run_url else []
        if not short:
            if not plan.drift:
                facts.append("Nothing changed outside of Terraform")
            if plan.checks:
                facts.append(f"{len(self._failed_checks())} of {len(plan.checks)} checks fail")
        text = " ".join(part for part in (sentence, " · ".join(facts)) if part)
        return f"\n<sub>{text}</sub>\n" if text else ""

    # --- Names ---------------------------------------------------------------------------------------------

    def _name(self, change: Change) -> str:
        return self._secrets.address(self._context.name(change.address))

    def _code(self, change: Change) -> str:
        return f"`{self._name(change)}`"

    def _kind(self, change: Change) -> str:
        """What it is and, of guarded data that is there, which one."""
        words = " ".join(_WORDS.get(word, word) for word in change.type.removeprefix("aws_").split("_"))
        if change.type not in GUARDED:
            return words if words.replace(" ", "").isalnum() else "resource"
        before = change.shown[0]
        id_ = before.get("id") if isinstance(before, dict) else None
        which = f" `{clipped(self._secrets.text(id_))}`" if isinstance(id_, str) and id_ else ""
        return GUARDED[change.type] + which


def unmatched_words(allowed: str, secrets: Secrets) -> str:
    """What to say of an allowance that allows nothing here."""
    return f"`--allow={allow_shown(allowed, secrets)}`: nothing there would be lost or weakened."


def allow_shown(allow: str, secrets: Secrets) -> str:
    """What allows a change, as it may be shown."""
    return secrets.address(allow)


def _most_dangerous_first(changes: Collection[Change]) -> list[Change]:
    """Guarded data, then what a weakening is possible of, then all else."""

    def rank(change: Change) -> tuple[bool, bool, bool]:
        policies = any(row.weaker.policy for _, row in ROWS_OF.get(change.type, ()))
        return change.type not in GUARDED, not policies, change.type not in ROWS_OF

    return sorted(changes, key=rank)


def _part(text: str) -> Part:
    return Part(lambda: text)


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _and(parts: Iterable[str]) -> str:
    *first, last = list(parts)
    return f"{', '.join(first)} and {last}" if first else last


def _listed(names: list[str]) -> str:
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return _and([*names[:_NAMED], *more])


def _cell(text: str) -> str:
    """In a table a bar ends the cell, in code too."""
    return text.replace("|", "\\|")


def _time(text: str) -> str:
    """A time of the plan's such as "2026-11-24 09:12 UTC", or nothing."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if time.tzinfo else ""
