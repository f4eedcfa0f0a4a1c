"""What refers to what: the edges between resources in the configuration that a plan carries.

Addresses here are without keys (`aws_x.y` for `aws_x.y["a"]`): the configuration knows no instances.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.review.shapes import as_dict, as_list, as_text

_KEY = re.compile(r'\["(?:[^"\\]|\\.)*"\]|\[[^\]"]*\]')


class References:
    """For each resource and data source, which attributes of which others its attributes refer to."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self._targets: dict[str, list[tuple[str, str, str]]] = {}
        self._attributes: dict[str, frozenset[str]] = {}
        self._read_module(as_dict(as_dict(plan.get("configuration")).get("root_module")), "")

    def _read_module(self, module: Mapping[str, Any], prefix: str) -> None:
        for resource in map(as_dict, as_list(module.get("resources"))):
            address, expressions = prefix + as_text(resource.get("address")), resource.get("expressions")
            if isinstance(expressions, dict):
                self._attributes[address] = frozenset(expressions)
            self._targets[address] = [
                (attribute, prefix + target, name)
                for attribute, value in as_dict(expressions).items()
                for target, name in _referred(value)
            ]
        for name, call in as_dict(module.get("module_calls")).items():
            self._read_module(as_dict(as_dict(call).get("module")), f"{prefix}module.{name}.")

    def of(self, address: str) -> list[tuple[str, str, str]]:
        """Attribute, address and that one's attribute for all that a resource refers to."""
        return self._targets.get(without_keys(address), [])

    def is_set(self, address: str, attribute: str) -> bool:
        """Whether the configuration sets an attribute, or its block; without a configuration all are."""
        known = self._attributes.get(without_keys(address))
        return known is None or attribute.partition(".")[0] in known

    def document_of(self, address: str, attribute: str) -> str:
        """The address of the policy document that an attribute is made of, if it is made of one alone."""
        targets = {target for name, target, _ in self.of(address) if name == attribute}
        document = targets.pop() if len(targets) == 1 else ""
        return document if "data.aws_iam_policy_document." in document else ""

    def edges(self) -> dict[str, dict[str, list[str]]]:
        """For each resource, those that refer to it, also through data sources, and to which attributes."""
        edges: dict[str, dict[str, list[str]]] = {}
        for address in self._targets:
            if not _is_data(address):
                for target, name in dict.fromkeys(self._reached(address, set())):
                    edges.setdefault(target, {}).setdefault(address, []).append(name)
        return edges

    def _reached(self, address: str, seen: set[str]) -> Iterator[tuple[str, str]]:
        seen.add(address)
        for _, target, name in self._targets.get(address, ()):
            if not _is_data(target):
                yield target, name
            elif target not in seen:
                yield from self._reached(target, seen)


def without_keys(address: str) -> str:
    """The address of a resource, not of one of its instances."""
    return _KEY.sub("", address)


def _is_data(address: str) -> bool:
    return address.startswith("data.") or ".data." in address


def _referred(value: object) -> Iterator[tuple[str, str]]:
    """The addresses in an expression, and the attribute of each; Terraform lists both, longest first."""
    if isinstance(value, list):
        for item in value:
            yield from _referred(item)
    elif isinstance(value, dict):
        references = value.get("references")
        if isinstance(references, list):
            seen = set()
            for reference in references:
                if not isinstance(reference, str):
                    continue
                parts = _KEY.sub("", reference).split(".")
                length = 3 if parts[0] == "data" else 2
                if parts[0] in ("var", "local", "module", "each", "count", "path", "self", "terraform"):
                    continue
                address = ".".join(parts[:length])
                if len(parts) >= length and address not in seen:
                    seen.add(address)
                    yield address, parts[length] if len(parts) > length else ""
        else:
            for item in value.values():
                yield from _referred(item)
