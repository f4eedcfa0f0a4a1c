"""Spare Python work that jsii has it do in vain: a fifth of a synth's."""

import atexit
import gc
import io
import socket
import sys
import typing
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any

from . import late

# Of as many new objects it takes for Python to look for garbage among them. By itself, it does so after 700.
_OBJECTS = 100_000


def prepare() -> None:
    """Have Python look for garbage seldom while it imports what stays.

    Also look up once what each generated module and each new construct looks up: the version of typeguard,
    and the type hints of an initializer.
    """
    if gc.isenabled() and 0 < gc.get_threshold()[0] < _OBJECTS:
        gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])
    late.give_version(sys.modules.get("importlib.metadata"))
    find_hints, hints = typing.get_type_hints, dict[object, dict[str, Any]]()

    def get_type_hints(obj: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401 as typing has it
        if args or kwargs or not getattr(obj, "__name__", "").startswith("_typecheckingstub__"):
            return find_hints(obj, *args, **kwargs)
        if obj not in hints:
            hints[obj] = find_hints(obj)
        return hints[obj]

    typing.get_type_hints = get_type_hints


def spare_the_end(own: int) -> None:
    """Have Python not look for garbage, at its end, among the objects that there are now.

    It would find what is of no consequence, unless an object has something to do when it goes: a file that
    is open has to write. If there is such an object, now or at the end, all is as ever. The file descriptor
    `own` is the connection to Node.js, which is closed in any case.
    """
    if not _something_to_do(own):
        gc.freeze()
        atexit.register(lambda: gc.unfreeze() if _something_to_do(own) else None)


def _something_to_do(own: int) -> bool:
    objects = gc.get_objects()
    # There are few types of so many objects.
    kinds = {kind for kind in set(map(type, objects)) if hasattr(kind, "__del__")}
    return any([_has_something_to_do(instance, own) for instance in objects if type(instance) in kinds])


def _has_something_to_do(instance: object, own: int) -> bool:
    if type(instance) in (io.BytesIO, io.StringIO):
        return False
    try:
        if isinstance(instance, io.IOBase):
            # Python itself writes what is printed.
            return not instance.closed and instance.writable() and instance.fileno() not in (0, 1, 2, own)
        if isinstance(instance, socket.socket):
            return instance.fileno() != own
        return not type(instance).__module__.startswith(f"{__package__}.")
    except Exception:  # somebody's own kind of file
        return True


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
