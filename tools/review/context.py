"""What a review knows beside its plan: names of constructs, warnings, and where the plan comes from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.review.references import without_keys
from tools.review.shapes import as_dict, as_text


@dataclass(frozen=True, kw_only=True)
class Context:
    """`names` are construct paths (`orders/table`) by address; what is not known is left out of the review.

    `commit` was merged into `base` to be planned, from a state with `serial`; the plan can be applied until
    `valid_until` at most, and `run_url` has all of it.
    """

    stack: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    commit: str = ""
    base: str = ""
    serial: int | None = None
    valid_until: str = ""
    run_url: str = ""

    def name(self, address: str) -> str:
        """The construct path of a resource, with the key of its instance, or the address."""
        plain = without_keys(address)
        path = self.names.get(plain)
        return (
            address if path is None else path + address[len(plain) :] if address.startswith(plain) else path
        )


def read_names(template: Path) -> tuple[str, dict[str, str]]:
    """The stack's name, and construct paths by address, from the metadata in a `cdk.tf.json` if it is one."""
    try:
        data = json.loads(template.read_bytes())
    except (OSError, ValueError, RecursionError):
        return "", {}
    stack = _text(data, "//", "metadata", "stackName")
    names = {}
    for kind, prefix in (("resource", ""), ("data", "data.")):
        for type_, resources in _object(data, kind).items():
            for name, resource in _object(resources).items():
                if path := _text(resource, "//", "metadata", "path"):
                    names[f"{prefix}{type_}.{name}"] = path.removeprefix(f"{stack}/")
    return stack, names


# What the review tells anyhow: checks that fail, and what is forgotten.
_TOLD = ("Check block assertion failed", "Some objects will no longer be managed by Terraform")


def read_warnings(log: Path) -> tuple[str, ...]:
    """The warnings in the output of `terraform plan -json`, a line each, but for what the plan tells too."""
    warnings = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            diagnostic = _object(json.loads(line), "diagnostic")
        except (ValueError, RecursionError):
            continue
        summary = _text(diagnostic, "summary")
        if diagnostic.get("severity") == "warning" and summary not in _TOLD:
            parts = [summary, _text(diagnostic, "address"), _text(diagnostic, "detail")]
            warnings.append(" ".join(": ".join(filter(None, parts)).split()))
    return tuple(dict.fromkeys(warnings))


def _object(value: object, *keys: str) -> dict[str, Any]:
    for key in keys:
        value = as_dict(value).get(key)
    return as_dict(value)


def _text(value: object, *keys: str) -> str:
    return as_text(_object(value, *keys[:-1]).get(keys[-1]))
