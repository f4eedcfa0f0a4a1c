"""The review of a plan as Markdown for a comment on GitHub: what has to be decided first, all else below."""

import html
from collections.abc import Collection, Iterable, Iterator
from functools import partial

from tools.review.comment import Part, Section, fit, whole
from tools.review.context import Context
from tools.review.danger import GUARDED, LOSSES, Decision, Findings, unknown_policies
from tools.review.differences import Difference, differences, is_unset
from tools.review.footer import footer
from tools.review.graph import graph
from tools.review.headline import Headline
from tools.review.naming import (
    DONE,
    NAMED,
    SIGNS,
    Naming,
    allow_shown,
    listed,
    rest_of,
    unmatched_words,
)
from tools.review.plan import Change, Invocation, Plan
from tools.review.rows import CODE, change_rows, diff_block, difference_rows
from tools.review.secrets import clipped
from tools.review.weakenings import ROWS_OF

# Up to as many resources are compared, to show those that are weakened alike together.
_COMPARED = 200


class Comment:
    """The comment for one plan."""

    def __init__(self, plan: Plan, findings: Findings, context: Context) -> None:
        self._plan = plan
        self._findings = findings
        self._context = context
        self._secrets = plan.secrets
        self._naming = Naming(plan.secrets, context)
        self._headline = Headline(plan, findings, context)
        self._stopped = {id(decision) for decision in findings.stopped}
        self._decided = {id(decision.change) for decision in findings.decisions}
        self._drifted = {
            change.address: {difference.path for difference in self._drift_differences(change)}
            for change in plan.drift
        }

    def title(self) -> str:
        """What the plan means in a line of Markdown."""
        return self._headline.title()[1]

    def markdown(self) -> str:
        headline = self._headline
        changes = [change for change in self._plan.changes if id(change) not in self._decided]
        deferred = [change for change in self._plan.deferred if id(change) not in self._decided]
        title = "### " + " ".join(headline.title()) + "\n"
        if headline.is_empty():
            return fit([whole(title), *self._drift()], footer(self._plan, self._context, short=True))
        return fit(
            [
                whole(f"{title}{headline.callout()}{headline.counts()}"),
                Section(list(self._notes())),
                *self._decisions(),
                *self._losses(changes),
                *self._invocations(),
                *self._changes([change for change in changes if change.action == "change"]),
                *self._rest([change for change in changes if change.action in ("create", "no-op")]),
                *self._deferred(deferred),
                *self._drift(),
                *self._outputs(),
                *self._allowances(),
                *self._addresses(),
            ],
            footer(self._plan, self._context),
        )

    def _notes(self) -> Iterator[Part]:
        for allowed in self._findings.unmatched:
            yield _part(f"\n⚠️ {unmatched_words(allowed, self._secrets)}\n")
        for check in self._plan.failed_checks:
            problems = "; ".join(self._secrets.text(problem) for problem in check.problems)
            said = f": `{clipped(problems)}`" if problems else ""
            yield _part(f"\n❌ The check `{self._secrets.address(check.address)}` fails{said}\n")
        for warning in self._context.warnings:
            yield _part(f"\n⚠️ Terraform warns: `{clipped(self._secrets.text(warning))}`\n")
        unknown = [self._naming.code(change) for change in unknown_policies(self._plan)]
        if unknown:
            yield _part(
                f"\n❔ Known only after apply, so not judged: whom {listed(unknown)} "
                f"{'lets' if len(unknown) == 1 else 'let'} do what.\n"
            )

    # --- What has to be decided ----------------------------------------------------------------------------

    def _decisions(self) -> Iterator[Section]:
        number = 0
        for title, wanted in (("Needs a decision", True), ("Allowed", False)):
            parts = []
            for decisions in self._alike():
                if any(id(decision) in self._stopped for decision in decisions) == wanted:
                    number += 1
                    parts.append(self._decision(number, decisions, is_allowed=not wanted))
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

    def _decision(self, number: int, decisions: list[Decision], *, is_allowed: bool) -> Part:
        """One resource or several alike, with all that is to be decided about each or is allowed."""
        change = decisions[0].change
        names = list(dict.fromkeys(self._naming.name(decision.change) for decision in decisions))
        sign = decisions[0].group.sign if decisions[0].group else SIGNS[change.action]
        said = (
            f"**{reason.words}**{self._names(reason.names)}"
            + ("" if is_allowed or id(decision) in self._stopped else " (allowed)")
            for decision in decisions
            for reason in decision.reasons
        )
        words = " – ".join(dict.fromkeys(said))
        fate = {"create": " – new", **{action: f" – {done}" for action, done in LOSSES.items()}}
        kind = self._naming.kind(change) + (" each" if len(names) > 1 else "")
        which = listed([f"`{name}`" for name in names])
        head = f"\n**{number}. {sign} {which}** – {kind}{fate.get(change.action, '')} – {words}"
        head += "".join(f"; {note}" for note in self._naming.notes(change)) + "\n"
        return Part(
            text=lambda: head + self._decision_rows(decisions),
            short=head,
            name="`, `".join(names),
            kind="to be decided",
        )

    def _decision_rows(self, decisions: list[Decision]) -> str:
        return self._rows(decisions[0].change, [item.attribute for item in decisions])

    def _names(self, names: tuple[str, ...]) -> str:
        return "".join(f" `{self._secrets.text(name)}`" for name in names[:NAMED]) + rest_of(names)

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
            if len(gone) <= NAMED:
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
            notes = "; ".join(self._naming.notes(change))
            name, kind = self._naming.code(change), self._naming.kind(change)
            head = f"\n**{SIGNS[change.action]} {name}** – {kind}{words}"
            return head + (f" – {notes}" if notes else "") + "\n" + ("" if is_code else self._rows(change))

        return Part(text, name=self._naming.name(change), kind=DONE[change.action])

    def _rows(self, change: Change, weaker: Collection[str] = ()) -> str:
        if change.action in ("destroy", "forget", "read"):
            return ""
        drifted = self._drifted.get(change.address, set())
        is_set = partial(self._plan.references.is_set, change.address)
        return diff_block(change_rows(change, self._secrets, weaker=weaker, drifted=drifted, is_set=is_set))

    def _is_code_only(self, change: Change) -> bool:
        if change.action != "change" or change.type != "aws_lambda_function":
            return False
        rows = change_rows(change, self._secrets)
        return bool(rows) and all(row[2:].startswith(CODE) for row in rows)

    def _summary(self, change: Change) -> str:
        return self._naming.name(change) + (" (code)" if self._is_code_only(change) else "")

    def _collapsed(self, title: str, changes: list[Change], parts: list[Part]) -> Section:
        names = [f"<code>{html.escape(self._summary(change))}</code>" for change in changes[:NAMED]]
        summary = f"{title}{': ' if names else ''}{', '.join(names)}{rest_of(changes)}"
        opening = f"\n<details><summary>{summary}</summary>\n"
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
        planned = {change.address: change for change in self._plan.changes if not change.deposed}
        parts = []
        for change in self._plan.drift:
            head, plan = f"\n{self._naming.code(change)}", planned.get(change.address)
            if change.action == "destroy":
                recreated = " and would be created again" if plan and plan.action == "create" else ""
                parts.append(_part(f"{head} was deleted{recreated}\n"))
                continue
            told = {item.path for item in differences(*plan.shown, self._secrets.is_opaque)} if plan else ()
            found = [item for item in self._drift_differences(change) if item.path not in told]
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
            f"# {self._naming.name(decision.change)}: "
            f"{'; '.join(reason.words for reason in decision.reasons)}\n"
            f"--allow={allow_shown(decision.allow, self._secrets)}\n"
            for decision in self._findings.stopped
        ]
        opening = "\n<details><summary>To allow it, in <code>.github/allowed-losses</code></summary>\n\n```\n"
        yield Section([_part(line) for line in lines], opening=opening, closing="```\n\n</details>\n")

    def _addresses(self) -> Iterator[Section]:
        """Where each construct is in Terraform."""
        parts = [
            _part(f"| {self._cell(self._context.name(change.address))} | {self._cell(change.address)} |\n")
            for change in self._plan.changes
            if change.counted and self._context.name(change.address) != change.address
        ]
        opening = "\n<details><summary>Terraform addresses</summary>\n\n| construct | address |\n|---|---|\n"
        yield Section(parts, opening=opening, closing="\n</details>\n")

    def _cell(self, address: str) -> str:
        """In a table a bar ends the cell, in code too."""
        return "`" + self._secrets.address(address).replace("|", "\\|") + "`"


def _most_dangerous_first(changes: Collection[Change]) -> list[Change]:
    """Guarded data, then what a weakening is possible of, then all else."""

    def rank(change: Change) -> tuple[bool, bool, bool]:
        policies = any(row.weaker.policy for _, row in ROWS_OF.get(change.type, ()))
        return change.type not in GUARDED, not policies, change.type not in ROWS_OF

    return sorted(changes, key=rank)


def _part(text: str) -> Part:
    return Part(lambda: text)
