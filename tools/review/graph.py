"""A Mermaid graph of what is replaced or destroyed, and what hangs on it."""

from collections.abc import Collection, Iterator

from tools.review.context import Context
from tools.review.danger import LOSSES
from tools.review.plan import Change, Plan
from tools.review.references import without_keys

_NODES = 16
_EDGES = 24
_STYLES = {
    "loss": "fill:#ffebe9,stroke:#cf222e,color:#82071e",
    "replace": "fill:#fff8c5,stroke:#9a6700,color:#4d2d00",
    "change": "fill:#ddf4ff,stroke:#0969da,color:#0a3069",
}


def graph(plan: Plan, lost: Collection[str], context: Context, signs: dict[str, str]) -> str:
    """The graph as a fenced block, or nothing when nothing that changes hangs on what goes.

    `lost` are the addresses of guarded resources; what does not change is left out.
    """
    changes = {without_keys(change.address): change for change in plan.changes if change.counted}
    edges = list(_edges(plan, changes))[:_EDGES]
    nodes = list(dict.fromkeys(address for source, target, _ in edges for address in (source, target)))[
        :_NODES
    ]
    if not nodes:
        return ""
    ids = {address: f"n{number}" for number, address in enumerate(nodes)}
    lines = ["flowchart LR"]
    for address, id_ in ids.items():
        change = changes[address]
        style = "loss" if change.address in lost else "replace" if change.action in LOSSES else "change"
        label = _label(f"{signs[change.action]} {plan.secrets.address(context.name(address))}")
        lines.append(f'  {id_}["{label}"]:::{style}')
    for source, target, attribute in edges:
        if source in ids and target in ids:
            words = f'|"{_label(plan.secrets.name(attribute))}"|' if attribute else ""
            lines.append(f"  {ids[source]} -->{words} {ids[target]}")
    lines += [f"  classDef {name} {style}" for name, style in _STYLES.items()]
    return "".join(f"{line}\n" for line in ("```mermaid", *lines, "```"))


def _edges(plan: Plan, changes: dict[str, Change]) -> Iterator[tuple[str, str, str]]:
    """From what goes to what hangs on it, and on from there, nearest first."""
    edges = plan.references.edges()
    near = [address for address, change in changes.items() if change.action in LOSSES]
    seen = set(near)
    for source in near:
        for target, attribute in sorted(edges.get(source, {}).items()):
            # Of two that are destroyed, neither hangs on the other.
            if target in changes and changes[target].action != "destroy":
                yield source, target, attribute
                if target not in seen:
                    seen.add(target)
                    near.append(target)


def _label(text: str) -> str:
    """Text that Mermaid shows as it is: between quotes it knows entities, and Markdown between backticks."""
    return "".join(
        char if char.isalnum() or char in " ./-_()[]:," or not char.isascii() else f"#{ord(char)};"
        for char in text
    )
