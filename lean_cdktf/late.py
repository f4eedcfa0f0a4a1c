"""Run modules that jsii imports and hardly ever uses when something of them is used."""

import os
import threading
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

# For dates, for the version of typeguard, and for starting a Node.js that runs already.
LATE = {"dateutil.parser", "importlib.metadata", "subprocess", "tempfile"}

_LOADER = "__lean_cdktf_loader__"
_loading = threading.RLock()


class LateLoader(SourceFileLoader):
    """Runs a module when something of it is used for the first time."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Late(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        if isinstance(module, _Late):
            module.__dict__[_LOADER] = self
            give_version(module)
        else:  # it is reloaded
            self.run(module)

    def run(self, module: ModuleType) -> None:
        super().exec_module(module)
        give_version(module)


class _Late(ModuleType):
    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 any attribute of a module
        with _loading:
            loader = self.__dict__.pop(_LOADER, None)
            if loader:
                try:
                    loader.run(self)
                except BaseException:
                    self.__dict__[_LOADER] = loader
                    raise
                self.__class__ = ModuleType  # type: ignore[assignment] # as if it had been run at once
        return ModuleType.__getattribute__(self, name)

    def __dir__(self) -> list[str]:
        self.__getattr__("__name__")
        return sorted(self.__dict__)


def give_version(module: ModuleType | None) -> None:
    if module and module.__name__ == "importlib.metadata":
        module.__dict__["version"] = version


def version(distribution_name: str) -> str:
    """`importlib.metadata.version`, which reads the text of a distribution, without reading typeguard's."""
    if distribution_name == "typeguard" and (known := _version_by_folder(distribution_name)):
        return known
    import importlib.metadata  # noqa: PLC0415 seldom needed

    return importlib.metadata.distribution(distribution_name).version


@cache
def _version_by_folder(distribution: str) -> str | None:
    """The version of a distribution with a package of its name, if the folder beside the package tells it."""
    package = PathFinder.find_spec(distribution)
    if package is None or not package.submodule_search_locations:
        return None
    (folder, *_) = package.submodule_search_locations
    with os.scandir(Path(folder).parent) as entries:
        names = [entry.name for entry in entries if entry.name.endswith(".dist-info")]
    # {name}-{version}.dist-info, in which neither has a hyphen.
    parts = [name.removesuffix(".dist-info").split("-") for name in names]
    versions = [version for name, version, *_ in parts if name.lower() == distribution]
    return versions[0] if len(versions) == 1 else None
