"""Take part in two imports: that of jsii, and that of a provider's package.

- Before jsii is imported, Node.js is started; after it, jsii is given the provider of `provider.py`.
- A provider's package imports all of its modules, 2,200 for AWS. Here each is imported when it is asked for.
"""

import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from . import early_node, late
from .generated import Generated
from .packages import is_provider


class Finder:
    """What `PathFinder` finds, with another loader for jsii and for providers."""

    def __init__(self, generated: Generated) -> None:
        self._generated = generated

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target)
        if not spec or type(spec.loader) is not SourceFileLoader:
            return spec
        if name in late.LATE and "jsii" in sys.modules:
            spec.loader = late.LateLoader(name, spec.loader.path)
        elif spec.submodule_search_locations:
            if name == "jsii":
                spec.loader = _JsiiLoader(name, spec.loader.path, self._generated)
            elif name == "typeguard":
                from . import quicker  # noqa: PLC0415 Node.js runs by now

                spec.loader = quicker.TypeguardLoader(name, spec.loader.path)
            elif is_provider(Path(spec.loader.path).parent):
                spec.loader = _ProviderLoader(name, spec.loader.path)
        return spec

    def invalidate_caches(self) -> None:
        """`PathFinder` does that itself."""


def install(generated: Generated) -> None:
    """Take part in imports from now on, in the place of `PathFinder`."""
    finder = Finder(generated)
    places = [number for number, other in enumerate(sys.meta_path) if other is PathFinder]
    sys.meta_path.insert(places[0] if places else len(sys.meta_path), finder)
    if "jsii" in sys.modules:
        connect(None, generated)


def connect(started: early_node.Started | None, generated: Generated) -> None:
    """Have jsii, which is imported, use the provider of `provider.py`, with the Node.js that is started.

    Says so on stderr if this jsii is of another kind, and leaves it to itself.
    """
    try:
        import jsii  # noqa: PLC0415 no sooner
        from jsii._kernel.providers import ProcessProvider  # noqa: PLC0415

        from . import connection, provider  # noqa: PLC0415

        stock = jsii.kernel.provider
        if type(stock) is not ProcessProvider:
            raise ImportError(f"its provider is a {type(stock).__name__}")
        node = connection.EarlyNode(started) if started else provider.StockNode(stock)
        jsii.kernel.provider = provider.LeanProvider(node, generated)
    except BaseException as error:
        if started:
            started.kill()
        if not isinstance(error, (ImportError, AttributeError)):  # but Ctrl-C
            raise
        print(f"lean_cdktf: this jsii is unknown, and left to itself: {error}", file=sys.stderr)


class _JsiiLoader(SourceFileLoader):
    """Starts Node.js, so that it loads while Python does."""

    def __init__(self, name: str, path: str, generated: Generated) -> None:
        super().__init__(name, path)
        self._generated = generated

    def exec_module(self, module: ModuleType) -> None:
        early_node.require_node()
        started = early_node.start(self._generated)
        from . import quicker  # noqa: PLC0415 while Node.js starts

        quicker.prepare()
        try:
            super().exec_module(module)
        except BaseException:
            if started:
                started.kill()
            raise
        connect(started, self._generated)


class _ProviderLoader(SourceFileLoader):
    """Imports the package without its modules."""

    # "from . import s3_bucket", at the end of what jsii generates.
    _IMPORT = re.compile(r"^from \. import (\w+)$", re.MULTILINE)

    def get_code(self, fullname: str) -> CodeType | None:
        source = self.get_source(fullname)
        if source is None:
            return None
        if not self._IMPORT.search(source):
            return super().get_code(fullname)
        return compile(self._IMPORT.sub("", source), self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        modules = frozenset(self._IMPORT.findall(self.get_source(module.__name__) or ""))
        if not modules:
            return

        def get(name: str) -> ModuleType:
            if name in modules:
                return import_module(f"{module.__name__}.{name}")
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        # jsii has put a module with the public names in the place of this one.
        for part in (module, sys.modules[module.__name__]):
            part.__dict__["__getattr__"] = get
            part.__dict__["__dir__"] = lambda part=part: sorted(modules | part.__dict__.keys())
