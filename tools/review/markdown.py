"""The review of a plan as Markdown for a comment on GitHub: what has to be decided first, all else below."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from tools.review.changes import COMPARED, Changes
from tools.review.comment import Part, Section, collapsed, fit, whole
from tools.review.context import Context
from tools.review.danger import LOSSES, Decision, Findings, unknown_policies
from tools.review.differences import Difference, differences, is_unset
from tools.review.drift import Drift
from tools.review.footer import footer
from tools.review.headline import Headline
from tools.review.naming import (
    NAMED,
    SIGNS,
    Naming,
    allow_shown,
    listed,
    named_and_others,
    number,
    rest_of,
    unmatched_words,
)
from tools.review.plan import Change, Invocation, Output, Plan
from tools.review.rows import CHANGED_OUTSIDE, diff_block, difference_rows
from tools.review.secrets import clipped


class Comment:
    """The comment for one plan."""

    def __init__(self, plan: Plan, findings: Findings, context: Context) -> None:
        self._plan = plan
        self._findings = findings
        self._context = context
        self._secrets = plan.secrets
        self._naming = Naming(plan.secrets, context)
        self._headline = Headline(plan, findings, context)
        self._drift = Drift(plan)
        self._changes = Changes(plan, findings, context, self._drift)
        self._stopped = {id(decision) for decision in findings.stopped}

    def title(self) -> str:
        """What the plan means in a line of Markdown."""
        return self._headline.title()[1]

    def markdown(self) -> str:
        headline, has_drift = self._headline, bool(self._drift.changes)
        title = "### " + " ".join(headline.title()) + "\n"
        if headline.is_empty():
            ending = footer(self._plan, self._context, has_drift=has_drift, short=True)
            return fit([whole(f"{title}{self._dangerous_drift()}"), self._drifted()], ending)
        return fit(
            [
                whole(f"{title}{headline.callout()}{headline.counts()}{self._dangerous_drift()}"),
                self._failed_checks(),
                *self._decisions(),
                self._notes(),
                *self._changes.what_goes(),
                self._invocations(),
                self._changes.in_place(),
                *self._changes.rest(),
                self._changes.deferred(),
                self._drifted(),
                self._outputs(),
                self._allowances(),
                self._addresses(),
            ],
            footer(self._plan, self._context, has_drift=has_drift),
        )

    # --- What to know first --------------------------------------------------------------------------------

    def _dangerous_drift(self) -> str:
        """What was lost or weakened outside of Terraform, whatever this plan does about it."""
        said = []
        for decisions in self._drift.dangers().values():
            change = decisions[0].change
            if change.action == "destroy":
                again = " (this plan creates it again)" if self._drift.is_recreated(change) else ""
                said.append(f"{self._naming.code(change)} was deleted{again}")
                continue
            words = dict.fromkeys(reason.words for item in decisions for reason in item.reasons)
            undone = " (this plan undoes it)" if all(map(self._drift.is_undone, decisions)) else ""
            said.append(f"{self._naming.code(change)}: {', '.join(words)}{undone}")
        return f"\n⚠️ Outside of Terraform: {'; '.join(said[:NAMED])}{rest_of(said)}\n" if said else ""

    def _failed_checks(self) -> Section:
        parts = []
        for check in self._plan.failed_checks:
            problems = "; ".join(self._secrets.text(problem) for problem in check.problems)
            said = f": `{clipped(problems)}`" if problems else ""
            address = self._secrets.address(check.address)
            parts.append(
                Part(
                    partial(str, f"\n❌ The check `{address}` fails{said}\n"),
                    name=address,
                    kind="checks that fail",
                )
            )
        return Section(parts)

    def _notes(self) -> Section:
        notes = [f"⚠️ {unmatched_words(allowed, self._secrets)}" for allowed in self._findings.unmatched]
        for warning in self._context.warnings:
            notes.append(f"⚠️ Terraform warns: `{clipped(self._secrets.text(warning))}`")
        unknown = [self._naming.code(change) for change in unknown_policies(self._plan)]
        if unknown:
            notes.append(
                f"❔ Known only after apply, so not judged: whom {listed(unknown)} "
                f"{'lets' if len(unknown) == 1 else 'let'} do what."
            )
        return Section([_part(f"\n{note}\n") for note in notes])

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
            if not any(decision.is_loss for decision in decisions) and len(by_change) <= COMPARED:
                said = [(item.reasons, item.attribute, id(item) in self._stopped) for item in decisions]
                key = (change.type, change.action, *said, self._decision_rows(decisions), *change.notes)
            found.setdefault(key, []).extend(decisions)
        return found.values()

    def _decision(self, number: int, decisions: list[Decision], *, is_allowed: bool) -> Part:
        """One resource or several alike, with all that is to be decided about each or is allowed."""
        change = decisions[0].change
        names = list(dict.fromkeys(self._naming.name(decision.change) for decision in decisions))
        name, kind = self._naming.names(change)
        others = ""
        if len(names) > 1:
            name, others = named_and_others(names)
            kind = f"{self._naming.kind(change)} each"
        sign = decisions[0].group.sign if decisions[0].group else SIGNS[change.action]
        said = (
            f"**{reason.words}**{self._names(reason.names)}"
            + ("" if is_allowed or id(decision) in self._stopped else " (allowed)")
            for decision in decisions
            for reason in decision.reasons
        )
        fate = {"create": "new", **LOSSES}.get(change.action, "")
        parts = filter(None, (f"**{number}. {sign} {name}**", kind, fate, *dict.fromkeys(said)))
        head = f"\n{' – '.join(parts)}"

        def text(rows: str, others: str = "") -> str:
            notes = "".join(f"; {note}" for note in self._naming.notes(change, rows))
            return f"{head}{notes}\n{rows}{others}"

        return Part(
            text=lambda: text(self._decision_rows(decisions), others),
            short=text(""),
            name="`, `".join(names),
            kind="to be decided",
            type=self._naming.kind(change),
        )

    def _decision_rows(self, decisions: list[Decision]) -> str:
        return self._changes.rows(decisions[0].change, [item.attribute for item in decisions])

    def _names(self, names: tuple[str, ...]) -> str:
        return "".join(f" `{self._secrets.text(name)}`" for name in names[:NAMED]) + rest_of(names)

    # --- All else ------------------------------------------------------------------------------------------

    def _invocations(self) -> Section:
        return Section(
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

    def _drifted(self) -> Section:
        """What changed outside of Terraform, but for what the plan changes back and so has rows already."""
        parts = []
        for change, found in self._drift.untold():
            if change.action == "destroy":
                recreated = " and would be created again" if self._drift.is_recreated(change) else ""
                text = f"\n{self._naming.code(change)} was deleted{recreated}\n"
                parts.append(self._drift_part(change, partial(str, text)))
            else:
                parts.append(self._drift_part(change, partial(self._drift_rows, change, found)))
        return collapsed(f"{len(parts)} {CHANGED_OUTSIDE}", [part.name for part in parts], parts)

    def _drift_part(self, change: Change, text: Callable[[], str]) -> Part:
        name, type_ = self._naming.name(change), self._naming.kind(change)
        return Part(text, name=name, kind=CHANGED_OUTSIDE, type=type_)

    def _drift_rows(self, change: Change, found: list[Difference]) -> str:
        return f"\n{self._naming.code(change)}\n{diff_block(difference_rows(found, self._secrets))}"

    def _outputs(self) -> Section:
        parts = [
            Part(partial(self._output, output), name=self._secrets.path((output.name,)), kind="output")
            for output in self._plan.outputs
        ]
        title = f"{number(len(parts), 'output')} change{'s' if len(parts) == 1 else ''}"
        return collapsed(title, [part.name for part in parts], parts, "\n```diff\n", "```\n")

    def _output(self, output: Output) -> str:
        found = differences(output.before, output.after, self._secrets.is_opaque, (output.name,))
        rows = difference_rows(list(found), self._secrets)
        return "".join(f"{row}\n" for row in rows or [f"  {self._secrets.path((output.name,))}"])

    def _allowances(self) -> Section:
        """What to write down to let through what stopped the review, to be copied as it is."""
        lines: dict[str, list[str]] = {}
        for decision in self._findings.stopped:
            words = "; ".join(reason.words for reason in decision.reasons)
            allow = f"--allow={allow_shown(decision.allow, self._secrets)}\n"
            lines.setdefault(f"# {self._naming.name(decision.change)}: {words}\n", []).append(allow)
        kind = "to be allowed, by lines that `make review-plan` prints"
        return Section(
            [_part(comment + "".join(allows), kind) for comment, allows in lines.items()],
            "\n<details><summary>To allow it, in <code>.github/allowed-losses</code></summary>\n\n```\n",
            "```\n\n</details>\n",
            is_needed=True,
            rest="# Not all fit in here; make review-plan prints the others.\n",
        )

    def _addresses(self) -> Section:
        """Where each construct is in Terraform."""
        parts = [
            _part(f"| {self._cell(self._context.name(change.address))} | {self._cell(change.address)} |\n")
            for change in self._plan.changes
            if change.counted and self._context.name(change.address) != change.address
        ]
        opening = "\n<details><summary>Terraform addresses</summary>\n\n| construct | address |\n|---|---|\n"
        return Section(parts, opening, "\n</details>\n")

    def _cell(self, address: str) -> str:
        """In a table a bar ends the cell, in code too."""
        return "`" + self._secrets.address(address).replace("|", "\\|") + "`"


def _part(text: str, kind: str = "") -> Part:
    return Part(lambda: text, kind=kind)
