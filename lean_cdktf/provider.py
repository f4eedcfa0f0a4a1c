"""A provider, as jsii calls what requests to Node.js go through, that loads assemblies in part.

A request to load the assembly of a Terraform provider is held back until the first request that may need it.
By then Python has imported what it uses, and jsii has every imported class in its tables: those classes tell
which modules to load. Modules that are imported later are loaded then, with those before. What a run has
loaded is noted, and the next run has it loaded at once, while Python imports.

An assembly on which another jsii library builds is loaded as a whole.
"""

import atexit
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from jsii import _reference_map
from jsii._kernel.providers.process import ProcessProvider
from jsii._kernel.types import (
    InvokeResponse,
    KernelRequest,
    KernelResponse,
    LoadRequest,
    LoadResponse,
    StaticInvokeRequest,
)
from jsii.errors import JSIIError

from .generated import FORGETTER, Generated, Lean
from .packages import is_provider, mentioned

# To load an assembly of AWS once more takes as long as to load all of it after some times.
_MOST_RELOADS = 3

# jsii's tables of the classes that Python has imported, by their names in the manifests. They only grow.
_TABLES: tuple[Mapping[str, Any], ...] = (
    _reference_map._types,
    _reference_map._data_types,
    _reference_map._enums,
    _reference_map._interfaces,
)


class Node(Protocol):
    """A Node.js process that runs jsii's program."""

    def load(self, request: LoadRequest) -> None:
        """Have an assembly loaded, at the latest when `send` is called."""

    def types(self, assembly: str) -> int:
        """How many types the loaded assembly has."""

    def send(self, request: KernelRequest, response_type: type[KernelResponse]) -> KernelResponse:
        """Send a request and wait for the answer."""


class StockNode:
    """The Node.js process of jsii's own provider, which starts it when it is first used."""

    def __init__(self, provider: ProcessProvider) -> None:
        self._provider = provider
        self._types: dict[str, int] = {}

    def load(self, request: LoadRequest) -> None:
        self._types[request.name] = self._provider.load(request).types

    def types(self, assembly: str) -> int:
        return self._types[assembly]

    def send(self, request: KernelRequest, response_type: type[KernelResponse]) -> KernelResponse:
        answer: KernelResponse = self._provider._process.send(request, response_type)
        return answer


@dataclass
class _Part:
    """What is loaded of an assembly: nothing yet, some modules, or the whole."""

    request: LoadRequest
    lean: Lean | None = None
    whole: bool = False
    reloads: int = 0

    @property
    def tarball(self) -> Path:
        return Path(self.request.tarball)

    def needed(self) -> set[str]:
        """The modules of which Python has imported a class."""
        prefix = self.request.name + "."
        return {
            name[len(prefix) :].split(".")[0]
            for table in _TABLES
            for name in table
            if name.startswith(prefix)
        }


class LeanProvider(ProcessProvider):
    """Loads those modules of Terraform providers that Python imports, and passes all else on to `node`."""

    def __init__(self, node: Node, generated: Generated) -> None:
        self._node = node
        self._generated = generated
        self._parts: dict[str, _Part] = {}
        self._imported = 0

    def load(self, request: LoadRequest) -> LoadResponse:
        """Have an assembly loaded before the next request. The answer's count of types is 0."""
        tarball = Path(request.tarball)
        if request.name in self._parts:
            pass
        elif is_provider(tarball.parent.parent):
            part = self._parts[request.name] = _Part(request)
            if noted := self._generated.noted(tarball):
                self._load(part, noted)
        else:
            for name in self._parts and _dependencies(tarball) & self._parts.keys():
                self._load(self._parts[name], None)
            self._node.load(request)
            if tarball.parent.name != "_jsii":
                # The package is in a zip file, and the tarball a temporary file that is gone after this.
                self._node.types(request.name)
        return LoadResponse(assembly=request.name, types=0)

    @property
    def _process(self) -> "LeanProvider":
        return self

    def send(self, request: KernelRequest, response_type: type[KernelResponse]) -> KernelResponse:
        """What all other methods call."""
        imported = sum(map(len, _TABLES))
        if imported != self._imported:
            self._imported = imported
            for part in self._parts.values():
                self._load_needed(part)
        try:
            return self._node.send(request, response_type)
        except JSIIError as error:
            raise self._explained(error) from error.__cause__

    def _load_needed(self, part: _Part) -> None:
        needed = part.needed()
        if part.whole or not needed:
            return
        loaded = part.lean.modules if part.lean else frozenset()
        if not needed <= loaded:
            part.reloads += bool(part.lean)
            if part.reloads < _MOST_RELOADS:
                foreseen = mentioned(part.tarball.parents[1], part.request.name)
                self._load(part, self._generated.make(part.tarball, needed | loaded | foreseen))
            else:
                self._load(part, None)
                atexit.register(lambda: self._generated.want(part.tarball, part.needed()))
        if part.lean and self._node.types(part.request.name) != part.lean.types:
            # What jsii noted of another assembly: see assembly.py.
            self._generated.want(part.tarball, needed | loaded)
            self._load(part, None)

    def _load(self, part: _Part, lean: Lean | None) -> None:
        """Load `lean` or the whole, in place of what is loaded."""
        if part.whole:
            return
        request = part.request
        if part.lean:
            forget = StaticInvokeRequest(fqn=f"{request.name}.{FORGETTER}", method="forget", args=[])
            self._node.send(forget, InvokeResponse)
        part.lean, part.whole = lean, lean is None
        tarball = str(lean.tarball) if lean else request.tarball
        self._node.load(LoadRequest(name=request.name, version=request.version, tarball=tarball))

    def _explained(self, error: JSIIError) -> JSIIError:
        for name, part in self._parts.items():
            if part.lean and re.search(rf"'{re.escape(name)}\..*' not found", str(error)):
                explanation = (
                    f"{error}: lean_cdktf has loaded only a part of {part.tarball.name}, "
                    "NO_LEAN_BINDINGS=1 has all of it loaded"
                )
                return JSIIError(explanation)
        return error


def _dependencies(tarball: Path) -> set[str]:
    """The assemblies on which another one builds."""
    import tarfile  # noqa: PLC0415 seldom needed

    with tarfile.open(tarball, "r|gz") as tar:
        for member in tar:
            if member.name == "package/.jsii" and (content := tar.extractfile(member)):
                # Its dependencies are sorted before the types, which may be many.
                head, _, _ = content.read().partition(b'"types":')
                return {name.decode() for name in re.findall(rb'"([^"]+)": ?[{"]', head)}
    return set()
