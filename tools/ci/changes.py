"""What a plan would change, in a form that tells whether two plans say the same to a reviewer.

The input is https://developer.hashicorp.com/terraform/internals/json-format, major version 1. No value of the
plan is kept, only a digest of it, so that what this gives may be stored longer and seen by more than a plan.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

Change = dict[str, Any]
# Of a value before and after.
Digests = list[str | None]

# What differs from one plan of the same change to the next: times, ids and hashes, also inside an ARN.
NATURAL = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"), "TIME"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "ID"),
    (re.compile(r"\b[0-9a-f]{32,128}\b", re.IGNORECASE), "HASH"),
    # SHA-256 in Base64, as Terraform gives the hash of a function's code.
    (re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{43}=(?![A-Za-z0-9+/=])"), "HASH"),
]
# In the place of a digest: a value that is known only after the apply.
UNKNOWN = None
NOTHING: tuple[list[str], ...] = (["no-op"], ["read"], [])


def changes(plan: dict[str, Any]) -> list[Change]:
    """What a plan would change, each with its address, its actions and digests of the values that differ.

    `values` maps an attribute's path to the digests before and after; the latter is None for a value that is
    known only after the apply. Values that Terraform marks sensitive look alike to a reviewer, and so here.
    """
    found = [change for entry in plan.get("resource_changes") or [] if (change := _change(entry))]
    for deferred in plan.get("deferred_changes") or []:
        entry = deferred.get("resource_change") or {}
        if change := _change(entry):
            found.append(change | {"deferred": deferred.get("reason")})
    for name, output in sorted((plan.get("output_changes") or {}).items()):
        if change := _change({"address": f"output.{name}", "change": output}):
            found.append(change)
    for key in ("action_invocations", "deferred_action_invocations"):
        found += [
            {"address": str(entry.get("address")), "actions": [key], "values": {"": [None, _digest(entry)]}}
            for entry in plan.get(key) or []
        ]
    found += [
        {"address": str((check.get("address") or {}).get("to_display")), "actions": [f"check {status}"]}
        for check in plan.get("checks") or []
        if (status := check.get("status")) in ("fail", "error")
    ]
    return found


def compare(reviewed: list[Change], current: list[Change]) -> list[str]:
    """Where the current plan is not what was reviewed, one line each; none if a reviewer would see the same.

    A value that was known only after the apply may be anything now: that is what was reviewed.
    """
    old, new = _by_object(reviewed), _by_object(current)
    lines = [f"{_name(new[key])}: not in the reviewed plan" for key in new if key not in old]
    lines += [line for key in old if key in new for line in _differences(old[key], new[key])]
    gone = [key for key, change in old.items() if key not in new and not _is_only_unknown(change)]
    if gone:
        others = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        lines.append(f"{_name(old[gone[0]])}{others}: reviewed, but not planned any more")
    return lines


def _change(entry: dict[str, Any]) -> Change | None:
    change = entry.get("change") or {}
    actions = change.get("actions")
    address, moved_from = entry.get("address"), entry.get("previous_address")
    moved = moved_from is not None and moved_from != address
    importing = change.get("importing")
    if actions in NOTHING and not moved and importing is None:
        return None
    before = _masked(change.get("before"), change.get("before_sensitive"))
    after = _masked(change.get("after"), change.get("after_sensitive"))
    found: Change = {"address": address, "actions": actions, "values": {}}
    if actions not in (["delete"], ["forget"]):
        found["values"] = dict(_rows(before, after, change.get("after_unknown")))
    if entry.get("deposed"):
        found["deposed"] = True
    if moved:
        found["moved_from"] = moved_from
    if importing is not None:
        found["imports"] = _digest(importing)
    if forced := change.get("replace_paths"):
        found["forced_by"] = forced
    return found


def _masked(value: object, marker: object) -> object:
    if marker is True:
        return "(sensitive)"
    if isinstance(value, dict) and isinstance(marker, dict):
        return {key: _masked(item, marker.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(marker, list):
        return [_masked(item, _item(marker, index)) for index, item in enumerate(value)]
    return value


def _rows(before: object, after: object, unknown: object, path: str = "") -> Iterator[tuple[str, Digests]]:
    if unknown is True:
        yield path, [_digest(before), UNKNOWN]
    elif isinstance(after, dict) or (after is None and isinstance(unknown, dict) and unknown):
        maps = [item if isinstance(item, dict) else {} for item in (before, after, unknown)]
        if isinstance(after, dict) and type(before) is not type(after):
            yield path, [type(before).__name__, type(after).__name__]
        for key in sorted(set().union(*maps)):
            old, new, mark = (item.get(key) for item in maps)
            yield from _rows(old, new, mark, f"{path}.{key}" if path else key)
    elif isinstance(after, list):
        lists = [item if isinstance(item, list) else [] for item in (before, after, unknown)]
        if type(before) is not type(after):
            yield path, [type(before).__name__, type(after).__name__]
        for index in range(max(map(len, lists))):
            old, new, mark = (_item(items, index) for items in lists)
            yield from _rows(old, new, mark, f"{path}[{index}]")
    elif before != after or type(before) is not type(after):
        yield path, [_digest(before), _digest(after)]


def _item(items: list[object], index: int) -> object:
    return items[index] if index < len(items) else None


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True)
    for pattern, name in NATURAL:
        text = pattern.sub(name, text)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _by_object(changes: list[Change]) -> dict[tuple[str, bool, int], Change]:
    """By address and whether it is the deposed object; several alike are told apart by their order."""
    found: dict[tuple[str, bool, int], Change] = {}
    for change in changes:
        address, deposed, number = str(change.get("address")), bool(change.get("deposed")), 0
        while (address, deposed, number) in found:
            number += 1
        found[address, deposed, number] = change
    return found


def _name(change: Change) -> str:
    return f"{change.get('address')}{' (deposed)' if change.get('deposed') else ''}"


def _differences(old: Change, new: Change) -> list[str]:
    name = _name(new)
    lines = [
        f"{name}: {key.replace('_', ' ')} differ from the reviewed plan"
        for key in sorted((old.keys() | new.keys()) - {"address", "deposed", "values"})
        if old.get(key) != new.get(key)
    ]
    reviewed, current = old.get("values") or {}, new.get("values") or {}
    unknown = [path for path, (_, after) in reviewed.items() if after is UNKNOWN]
    for path in sorted(reviewed.keys() | current.keys()):
        if reviewed.get(path) == current.get(path) or any(_is_within(path, outer) for outer in unknown):
            continue
        lines.append(f"{name}: {path or 'its value'} differs from the reviewed plan")
    return lines


def _is_within(path: str, outer: str) -> bool:
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))


def _is_only_unknown(change: Change) -> bool:
    """An update that was planned because of values not known yet; they may turn out as they were."""
    rows = change.get("values") or {}
    return (
        change.get("actions") == ["update"]
        and bool(rows)
        and all(after is UNKNOWN for _, after in rows.values())
    )
