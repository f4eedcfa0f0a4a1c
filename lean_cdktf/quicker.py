"""Spare Python work that jsii has it do in vain: a fifth of a synth's."""

import gc
import importlib.metadata
import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType

# Of as many new objects it takes for Python to look for garbage among them. By itself, it does so after 700.
_OBJECTS = 100_000


def prepare() -> None:
    """Have Python look for garbage seldom: imports make many objects that stay.

    Also look up the version of typeguard once: each module that jsii has generated asks for it.
    """
    if gc.isenabled() and 0 < gc.get_threshold()[0] < _OBJECTS:
        gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])
    look_up, versions = importlib.metadata.version, dict[str, str]()

    def version(distribution_name: str) -> str:
        if distribution_name != "typeguard":
            return look_up(distribution_name)
        if not versions:
            versions[distribution_name] = look_up(distribution_name)
        return versions[distribution_name]

    importlib.metadata.version = version


class TypeguardLoader(SourceFileLoader):
    """Imports typeguard without unittest and asyncio, of which it asks if an argument is a mock."""

    def exec_module(self, module: ModuleType) -> None:
        name = "unittest.mock"
        if name in sys.modules:
            super().exec_module(module)
            return
        sys.modules[name] = stand_in = ModuleType(name)
        stand_in.__dict__["Mock"] = _Mock
        try:
            super().exec_module(module)
        finally:
            del sys.modules[name]


class _MockMeta(type):
    def __instancecheck__(cls, instance: object) -> bool:
        mock = sys.modules.get("unittest.mock")
        return mock is not None and isinstance(instance, mock.Mock)


class _Mock(metaclass=_MockMeta):
    """Whose instances are those of `unittest.mock.Mock`."""
