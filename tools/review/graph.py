"""A Mermaid graph of what is replaced or destroyed, and what changes because of it."""

from collections import Counter
from collections.abc import Collection, Iterator

from tools.review.context import Context
from tools.review.danger import LOSSES
from tools.review.naming import NAMED, SIGNS
from tools.review.plan import Change, Plan
from tools.review.references import without_keys
from tools.review.secrets import UNKNOWN
from tools.review.shapes import as_dict

_NODES = 16
_EDGES = 24
_STYLES = {
    "loss": "fill:#ffebe9,stroke:#cf222e,color:#82071e",
    "replace": "fill:#fff8c5,stroke:#9a6700,color:#4d2d00",
    "change": "fill:#ddf4ff,stroke:#0969da,color:#0a3069",
}

# From the address of one resource to that of another, by the attributes that are referred to.
Edge = tuple[str, str, tuple[str, ...]]


def graph(plan: Plan, lost: Collection[str], context: Context) -> str:
    """The graph as a fenced block, or nothing when nothing changes because of what goes.

    `lost` are the addresses of guarded resources; what does not change is left out.
    """
    changes = _most_dangerous(plan, lost)
    edges, leaves = _merged(list(_edges(plan, changes)), changes, lost)
    nodes = list(dict.fromkeys(address for source, target, _ in edges for address in (source, target)))
    ids = {address: f"n{number}" for number, address in enumerate(nodes[:_NODES])}
    if not ids:
        return ""
    lines = ["flowchart LR"]
    for address, id_ in ids.items():
        change = changes[address]
        names = [
            _label(f"{SIGNS[changes[one].action]} {plan.secrets.address(context.name(changes[one].address))}")
            for one in leaves.get(address, [address])
        ]
        more = [f"and {len(names) - NAMED} more"] if len(names) > NAMED else []
        lines.append(f'  {id_}["{"<br>".join(names[:NAMED] + more)}"]:::{_style(change, lost)}')
    for source, target, attributes in edges[:_EDGES]:
        if source in ids and target in ids:
            label = _label(", ".join(map(plan.secrets.name, filter(None, attributes))))
            words = f'|"{label}"|' if label else ""
            lines.append(f"  {ids[source]} -->{words} {ids[target]}")
    styles = {_style(changes[address], lost) for address in ids}
    lines += [f"  classDef {name} {style}" for name, style in _STYLES.items() if name in styles]
    return "".join(f"{line}\n" for line in ("```mermaid", *lines, "```"))


def _style(change: Change, lost: Collection[str]) -> str:
    return "loss" if change.address in lost else "replace" if change.action in LOSSES else "change"


def _most_dangerous(plan: Plan, lost: Collection[str]) -> dict[str, Change]:
    """What changes, by address without keys: of several instances the one that fares worst."""

    def danger(change: Change) -> tuple[bool, bool, bool]:
        return change.address in lost, change.action in LOSSES, change.action != "create"

    changes: dict[str, Change] = {}
    for change in plan.changes:
        address = without_keys(change.address)
        if change.counted and not change.deposed:
            changes[address] = max(changes.get(address, change), change, key=danger)
    return changes


def _edges(plan: Plan, changes: dict[str, Change]) -> Iterator[Edge]:
    """From what goes to what changes because of it, and on from there, nearest first."""
    edges = plan.references.edges()
    near = [address for address, change in changes.items() if change.action in LOSSES]
    seen = set(near)
    for source in near:
        for target, attributes in sorted(edges.get(source, {}).items()):
            # What is new would be so anyhow, and of two that are destroyed neither hangs on the other.
            if target not in changes or changes[target].action in ("create", "destroy", "forget", "no-op"):
                continue
            changed = tuple(name for name in attributes if _becomes_another(changes[source], name))
            if changed:
                yield source, target, changed
                if target not in seen:
                    seen.add(target)
                    near.append(target)


def _becomes_another(change: Change, attribute: str) -> bool:
    """Whether who refers to an attribute, or to the resource as a whole, gets another value."""
    before, after = as_dict(change.before), as_dict(change.after)
    if attribute not in before and attribute not in after:
        return change.action in LOSSES
    return after.get(attribute) is UNKNOWN or before.get(attribute) != after.get(attribute)


def _merged(
    edges: list[Edge], changes: dict[str, Change], lost: Collection[str]
) -> tuple[list[Edge], dict[str, list[str]]]:
    """The edges with one target in place of several alike from which none goes on, and those several."""
    sources = {source for source, _, _ in edges}
    targets = Counter(target for _, target, _ in edges)
    alike: dict[tuple[str, str], list[str]] = {}
    merged: dict[tuple[str, str], set[str]] = {}
    for source, target, attributes in edges:
        first = target
        if target not in sources and targets[target] == 1:
            found = alike.setdefault((source, _style(changes[target], lost)), [])
            found.append(target)
            first = found[0]
        merged.setdefault((source, first), set()).update(attributes)
    return [(*ends, tuple(sorted(names))) for ends, names in merged.items()], {
        found[0]: found for found in alike.values()
    }


def _label(text: str) -> str:
    """Text that Mermaid shows as it is: between quotes it knows entities, and Markdown between backticks."""
    return "".join(
        char if char.isalnum() or char in " ./-_()[]:," or not char.isascii() else f"#{ord(char)};"
        for char in text
    )
