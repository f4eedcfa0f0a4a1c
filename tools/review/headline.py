"""What a plan means, said before all its details: the title, the callout and the counts."""

from collections import Counter
from collections.abc import Collection, Iterator

from tools.review.context import Context
from tools.review.danger import GUARDED, LOSSES, Decision, Findings
from tools.review.naming import SIGNS, Naming, joined, number
from tools.review.plan import COUNTED, Plan
from tools.review.weakenings import ACCESS, GROUPS


class Headline:
    """The first lines of the comment for one plan."""

    def __init__(self, plan: Plan, findings: Findings, context: Context) -> None:
        self._plan = plan
        self._findings = findings
        self._context = context
        self._naming = Naming(plan.secrets, context)

    def is_empty(self) -> bool:
        """Whether there is nothing to tell but "No changes"."""
        plan = self._plan
        return not (
            any(change.counted for change in plan.changes)
            or plan.deferred
            or plan.outputs
            or plan.invocations
            or plan.failed_checks
            or self._findings.unmatched
            or self._context.warnings
        )

    def title(self) -> tuple[str, str]:
        """A sign, and what the plan means in a few words of Markdown."""
        sign, words = self._title()
        failed = len(self._plan.failed_checks)
        return sign, words + (
            f", {number(failed, 'check')} fail{'s' if failed == 1 else ''}" if failed else ""
        )

    def _title(self) -> tuple[str, str]:
        stack = f"`{self._plan.secrets.text(self._context.stack)}`" if self._context.stack else "This plan"
        counts = Counter(verb for change in self._plan.changes for verb in change.counted)
        if self._findings.stopped:
            return "🛑", f"{stack} would {self._verdict(self._findings.stopped)}"
        if self._findings.decisions:
            return "⚠️", f"{stack} would, as allowed, {self._verdict(self._findings.decisions)}"
        if self.is_empty():
            return "✅", f"{stack}: no changes" if self._context.stack else "No changes"
        if counts:
            counted = ", ".join(f"{counts[verb]} to {verb}" for verb in COUNTED if counts[verb])
            return "✏️", f"{stack}: {counted}"
        sign, words = self._without_changes()
        return sign, f"{stack}: {words}"

    def _without_changes(self) -> tuple[str, str]:
        if self._plan.deferred:
            return "⏭️", "all changes are deferred to a later plan"
        if self._plan.invocations:
            return "⚡", f"only runs {number(len(self._plan.invocations), 'action')}"
        return "✏️", "only outputs change" if self._plan.outputs else "no changes to resources"

    def _verdict(self, decisions: Collection[Decision]) -> str:
        """Such as "lose `orders/table`, open 2 resources and weaken 3 resources"."""
        by_verb: dict[str, list[Decision]] = {verb: [] for verb in ("lose", "forget", "open", "weaken")}
        for decision in decisions:
            loss = "forget" if decision.change.is_forgotten else "lose"
            verb = loss if decision.is_loss else "open" if decision.group is ACCESS else "weaken"
            by_verb[verb].append(decision)
        words = joined(f"{verb} {self._named(found)}" for verb, found in by_verb.items() if found)
        alone = next(iter(decisions)) if len(decisions) == 1 else None
        if not alone or alone.is_loss or len(alone.reasons) > 1 or alone.reasons[0].names:
            return words
        return f"{words}: {alone.reasons[0].words}"

    def _named(self, decisions: list[Decision]) -> str:
        names = list(dict.fromkeys(self._naming.names(decision.change)[0] for decision in decisions))
        if len(names) == 1:
            return names[0]
        return number(len(names), "guarded resource" if decisions[0].is_loss else "resource")

    def callout(self) -> str:
        """What needs a decision, in a block that GitHub colours."""
        stopped = self._findings.stopped
        decisions = stopped or self._findings.decisions
        if not decisions:
            return ""
        parts = [*_lost(decisions), *_weaker(decisions)]
        if stopped:
            rest = "This check fails until each is undone or allowed in `.github/allowed-losses`."
            return f"\n> [!CAUTION]\n> {joined(parts)}.\n> {rest}\n"
        return f"\n> [!WARNING]\n> {joined(parts)}, as allowed in `.github/allowed-losses`.\n"

    def counts(self) -> str:
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
            cells = "".join(f" {f'{bold}{n}{bold}' if n else '–'} |" for n in numbers)
            lines.append(f"| {label} |{cells}")
        return "".join(f"{line}\n" for line in ["", *lines])


def _lost(decisions: Collection[Decision]) -> Iterator[str]:
    """How many guarded resources are lost and how, and how many stay in AWS."""
    losses = [decision.change for decision in decisions if decision.is_loss]
    lost = [change for change in losses if not change.is_forgotten]
    if lost:
        how = joined(dict.fromkeys(LOSSES[change.action] for change in lost), "or")
        whose = "its" if len(lost) == 1 else "their"
        yield f"**{number(len(lost), 'guarded resource')} would be {how} and {whose} data lost**"
    if kept := len(losses) - len(lost):
        yield f"**{number(kept, 'guarded resource')} would be {LOSSES['forget']}**"


def _weaker(decisions: Collection[Decision]) -> Iterator[str]:
    """How many resources are opened, and how many are weakened in what."""
    by_group = {group: {id(item.change) for item in decisions if item.group is group} for group in GROUPS}
    if opened := by_group.pop(ACCESS):
        yield f"**{number(len(opened), 'resource')} would be opened**"
    if weaker := set().union(*by_group.values()):
        subjects = joined(group.subject for group, found in by_group.items() if found)
        yield f"**{number(len(weaker), 'resource')} would be weakened in {subjects}**"
