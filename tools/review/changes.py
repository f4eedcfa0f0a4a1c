"""The changes of a plan that need no decision, as sections of its comment."""

from collections.abc import Collection, Iterable, Iterator
from functools import partial

from tools.review.comment import Part, Section, collapsed
from tools.review.context import Context
from tools.review.danger import GUARDED, Findings
from tools.review.drift import Drift
from tools.review.graph import graph
from tools.review.naming import DONE, NAMED, SIGNS, Naming, named_and_others
from tools.review.plan import Change, Plan
from tools.review.rows import CODE, change_rows, diff_block
from tools.review.weakenings import ROWS_OF

# Up to as many resources are compared, to show those that change alike together.
COMPARED = 200


class Changes:
    """The sections of one plan, and the rows of any change in it."""

    def __init__(self, plan: Plan, findings: Findings, context: Context, drift: Drift) -> None:
        self._plan = plan
        self._findings = findings
        self._context = context
        self._drift = drift
        self._naming = Naming(plan.secrets, context)
        decided = {id(decision.change) for decision in findings.decisions}
        self._changes = [change for change in plan.changes if id(change) not in decided]
        self._deferred = [change for change in plan.deferred if id(change) not in decided]
        self._decided_actions = {decision.change.action for decision in findings.decisions}

    def rows(self, change: Change, weaker: Collection[str] = ()) -> str:
        """The block with what changes of a resource."""
        if change.action in ("destroy", "forget", "read"):
            return ""
        is_set = partial(self._plan.references.is_set, change.address)
        return diff_block(
            change_rows(
                change,
                self._plan.secrets,
                weaker=weaker,
                drift=self._drift.of(change.address),
                is_set=is_set,
            )
        )

    def what_goes(self) -> Iterator[Section]:
        """What is replaced, destroyed or forgotten, and what changes because of it."""
        lost = {decision.change.address for decision in self._findings.decisions if decision.is_loss}
        picture = graph(self._plan, lost, self._context)
        parts = [Part(lambda: f"\n{picture}")] if picture else []
        parts += [self._part(*changes) for changes in self._alike(self._by_action("replace"))]
        yield Section(parts, opening="\n#### What follows from it\n" if picture else "\n#### Replaced\n")
        for fate in ("destroy", "forget"):
            gone = self._by_action(fate)
            if len(gone) <= NAMED:
                done = DONE[fate].capitalize()
                yield Section([self._part(change) for change in gone], opening=f"\n#### {done}\n")
            else:
                yield self._collapsed(DONE[fate], gone)

    def in_place(self) -> Section:
        """What is changed in place."""
        return self._collapsed("changed in place", self._by_action("change"))

    def rest(self) -> Iterator[Section]:
        """What is created, moved or imported."""
        groups: dict[str, list[Change]] = {}
        for change in self._by_action("create", "no-op"):
            done = [DONE["create"]] if change.action == "create" else []
            done += _also(change)
            if done:
                groups.setdefault(" and ".join(done), []).append(change)
        for words, found in groups.items():
            yield self._collapsed(words, found)

    def deferred(self) -> Section:
        """What is left to a later plan."""
        return Section([self._part(change) for change in self._deferred], opening="\n#### Deferred\n")

    def _by_action(self, *actions: str) -> list[Change]:
        """Guarded data first, then what has policies, then what could be weakened, then all else."""

        def rank(change: Change) -> tuple[bool, bool, bool]:
            policies = any(row.weaker.policy for _, row in ROWS_OF.get(change.type, ()))
            return change.type not in GUARDED, not policies, change.type not in ROWS_OF

        return sorted((change for change in self._changes if change.action in actions), key=rank)

    def _alike(self, changes: list[Change]) -> Iterable[list[Change]]:
        """The changes, those together that say the same."""
        if len(changes) > COMPARED:
            return [[change] for change in changes]
        found: dict[object, list[Change]] = {}
        for change in changes:
            said = self.rows(change)
            found.setdefault((said, *self._naming.notes(change, said)), []).append(change)
        return found.values()

    def _part(self, *changes: Change) -> Part:
        """One change or several that say the same."""
        change = changes[0]
        names = [self._naming.name(change) for change in changes]

        def text() -> str:
            if len(changes) == 1:
                name, kind = self._naming.names(change)
                others = ""
            else:
                name, others = named_and_others(names)
                kinds = {self._naming.kind(change) for change in changes}
                kind = f"{kinds.pop()} each" if len(kinds) == 1 else ""
            is_code, rows = self._is_code_only(change), self.rows(change)
            said = [
                kind,
                f"code only (`{CODE}`)" if is_code else "",
                "replaced" if change.action == "replace" else "",
                "; ".join(self._naming.notes(change, rows)),
            ]
            head = " – ".join(filter(None, (f"**{SIGNS[change.action]} {name}**", *said)))
            return f"\n{head}\n{'' if is_code else rows}{others}"

        return Part(text, name="`, `".join(names), kind=DONE[change.action], type=self._naming.kind(change))

    def _is_code_only(self, change: Change) -> bool:
        if change.action != "change" or change.type != "aws_lambda_function":
            return False
        rows = [] if self._drift.of(change.address) else change_rows(change, self._plan.secrets)
        return bool(rows) and all(row[2:].startswith(CODE) for row in rows)

    def _collapsed(self, done: str, changes: list[Change]) -> Section:
        more = " more" if any(change.action in self._decided_actions for change in changes) else ""
        title, names = f"{len(changes)}{more} {done}", [self._summary(change) for change in changes]
        return collapsed(title, names, [self._part(change) for change in changes])

    def _summary(self, change: Change) -> str:
        also = ["code"] if self._is_code_only(change) else []
        also += _also(change) if change.action == "change" else []
        return self._naming.name(change) + (f" ({' and '.join(also)})" if also else "")


def _also(change: Change) -> list[str]:
    """What happens to a resource beside its change."""
    return (["moved"] if change.moved_from else []) + (["imported"] if change.imported else [])
