"""Load only those parts of a prebuilt CDKTF provider that a project imports.

Importing anything from `cdktf_cdktf_provider_aws` takes some twenty seconds and half a gigabyte of memory:
the package imports each of its 2,200 modules, one per Terraform resource. This module brings that down to
well under a second, without a change to the project's own imports:

    from pathlib import Path
    from lean_cdktf import lean_bindings
    lean_bindings.activate(Path(__file__).parents[1])  # before anything imports the provider

    from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket  # as ever

How it works. CDKTF is written in TypeScript; its Python packages are thin wrappers around it, made by a tool
called jsii. Each wrapper class sends its calls to a Node.js process, where the real object lives. A jsii
package therefore has two halves:

- Python modules, such as `cdktf_cdktf_provider_aws/s3_bucket/__init__.py`;
- an "assembly", which its `_jsii` module loads into the Node.js process: a tarball of JavaScript, with a
  manifest `.jsii` that describes every class. For AWS it unpacks to 400 MB.

`activate` reads the project's sources for imports of the provider and generates, below `.gen/`, a package of
the same name that goes first on `sys.path`. It holds just this:

- `__init__.py`, which imports nothing. It extends its `__path__` (the folders in which Python looks for the
  package's modules) to the installed package, so all modules are found there, each imported when asked for;
- `_jsii/`, which Python finds here first: it loads an assembly cut down to the modules that are imported.

The classes, their JavaScript and so the synthesized Terraform are the same. Type checkers and editors do not
see `.gen/`; they read the installed package. Each result has a folder named after what it was made from
(the modules, the provider, this file), so a change of those makes another one; a folder that has not been
used for an hour is removed then. What the sources import is noted beside the folders, with size and times of
each source, and so found out again only when one of them has changed.

A module that no source names in an import (`importlib.import_module(name)`) is not in the assembly, and jsii
answers "Type ... not found". Set `NO_LEAN_BINDINGS=1` to use the installed package as it is.
"""

import ast
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import sys
import tarfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

_UNUSED_AFTER = 3600  # seconds

_PACKAGE_INIT = """\
from importlib import import_module
from pkgutil import extend_path
from types import ModuleType

__path__ = extend_path(__path__, __name__)


def __getattr__(name: str) -> ModuleType:
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from error
"""

_JSII_INIT = """\
{dependencies}
import jsii

__all__ = ["__jsii_assembly__"]

__jsii_assembly__ = jsii.JSIIAssembly.load(
    "{name}", "{version}", __name__.removesuffix("._jsii"), "{tarball}"
)
"""


def activate(root: Path, package: str = "cdktf_cdktf_provider_aws") -> None:
    """Put lean bindings for the imports found below `root` first on `sys.path`, generating them if need be.

    Does nothing if `package` is imported already or not installed, or if `NO_LEAN_BINDINGS` is set. If
    `.gen/` cannot be written it says so on stderr, and the installed package is used.
    """
    gen = root / ".gen"
    installed = _installed(package, besides=gen)
    if os.environ.get("NO_LEAN_BINDINGS") or package in sys.modules or installed is None:
        return
    imports = _noted_imports(root, package, gen / f"{package}.json")
    modules = [name for name in imports if (installed / name).is_dir()]
    (tarball,) = installed.glob("_jsii/*.jsii.tgz")
    made_from = [Path(__file__).read_text("utf-8"), tarball.name, tarball.stat().st_size, modules]
    digest = hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16]
    folder = gen / f"{package}-{digest}"
    files = [
        folder / package / name for name in (f"_jsii/{tarball.name}", "_jsii/__init__.py", "__init__.py")
    ]
    try:
        if not all(file.exists() and file.stat().st_size for file in files):
            print(f"Generating bindings for {len(modules)} modules of {package} in .gen/", file=sys.stderr)
            for file, content in zip(files, _bindings(installed, tarball, modules), strict=True):
                _write(file, content)
            _remove_unused(gen, package)
    except OSError as error:
        print(f"Cannot generate lean bindings, {package} will load slowly: {error}", file=sys.stderr)
        return
    with suppress(OSError):
        os.utime(folder)
    sys.path.insert(0, str(folder))


def imported_modules(root: Path, package: str) -> set[str]:
    """The names of the modules of `package` that the Python files below `root` import.

    Hidden folders, `node_modules`, virtual environments and files that Python cannot parse are left out. Some
    names may be no modules: of `from package.module import Class` and of `package.attribute`, both are taken.
    """
    names: set[str] = set()
    for file in _sources(root):
        source = file.read_bytes()
        # Parsing takes a millisecond a file, and few files mention the provider.
        if package.encode() not in source:
            continue
        try:
            nodes = list(ast.walk(ast.parse(source)))
        except (SyntaxError, ValueError):
            continue
        imports = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        imports |= {
            f"{node.module}.{alias.name}"
            for node in nodes
            if isinstance(node, ast.ImportFrom) and node.level == 0
            for alias in node.names
        }
        if package in imports:
            imports |= {f"{package}.{node.attr}" for node in nodes if isinstance(node, ast.Attribute)}
        names |= {name.split(".")[1] for name in imports if name.startswith(f"{package}.")}
    return names


def _noted_imports(root: Path, package: str, note: Path) -> list[str]:
    """The imported modules in order; as noted, if no source has changed since."""
    stats = {str(file): file.stat() for file in (Path(__file__), *_sources(root))}
    sources: dict[str, Any] = {
        name: [stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size] for name, stat in stats.items()
    }
    sources["Python"] = sys.version  # another one may parse more, or less
    with suppress(OSError, ValueError, TypeError):
        noted_sources, noted = json.loads(note.read_text("utf-8"))
        if noted_sources == sources:
            return list(noted)
    modules = sorted(imported_modules(root, package))
    with suppress(OSError):
        _write(note, json.dumps([sources, modules]).encode())
    return modules


def _installed(package: str, besides: Path) -> Path | None:
    path = [entry for entry in sys.path if not Path(entry).is_relative_to(besides)]
    spec = PathFinder.find_spec(package, path)
    return Path(spec.origin).parent if spec and spec.origin else None


def _sources(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file() and entry.name.endswith(".py"):
                yield Path(entry.path)
            elif entry.is_dir(follow_symlinks=False) and not (
                entry.name.startswith(".")
                or entry.name in ("node_modules", "__pycache__")
                or Path(entry.path, "pyvenv.cfg").exists()
            ):
                yield from _sources(Path(entry.path))


def _bindings(installed: Path, tarball: Path, modules: Iterable[str]) -> tuple[bytes, bytes, bytes]:
    """The contents of the assembly, of `_jsii/__init__.py` and of `__init__.py`."""
    # Each Python class names its part of the manifest, as in "@cdktf/provider-aws.s3Bucket.S3Bucket".
    sources = [(installed / module / "__init__.py").read_text("utf-8") for module in modules]
    submodules = {name for source in sources for name in re.findall(r'jsii_type="([^"]+)\.\w+"', source)}
    manifest = _files(tarball, "package/.jsii")["package/.jsii"]
    assembly = _reduced(manifest, submodules)
    # The symbolId of a submodule reads "src/s3-bucket/index:"; its JavaScript is in lib/s3-bucket/.
    folders = {name: entry["symbolId"].split("/")[1] for name, entry in assembly["submodules"].items()}
    exports = [
        f'exports.{name.split(".")[-1]} = require("./{folder}");\n' for name, folder in folders.items()
    ]
    javascript = _files(
        tarball, "package/package.json", *(f"package/lib/{folder}/" for folder in folders.values())
    )
    archive = _tgz(
        javascript
        | {
            "package/.jsii": json.dumps(assembly, sort_keys=True).encode(),
            "package/lib/index.js": "".join(exports).encode(),
        }
    )
    jsii_init = _JSII_INIT.format(
        dependencies="\n".join(
            f"import {dependency['targets']['python']['module']}._jsii"
            for dependency in assembly["dependencyClosure"].values()
        ),
        name=assembly["name"],
        version=assembly["version"],
        tarball=tarball.name,
    )
    return archive, jsii_init.encode(), _PACKAGE_INIT.encode()


def _files(tarball: Path, *prefixes: str) -> dict[str, bytes]:
    files = {}
    with tarfile.open(tarball, "r|gz") as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content and member.name.startswith(prefixes) and not member.name.endswith(".d.ts"):
                # Source maps, for JavaScript debuggers, are two thirds of what Node.js would have to read.
                files[member.name] = re.sub(rb"\n//# sourceMappingURL=.*", b"", content.read())
    return files


def _reduced(manifest: bytes, submodules: set[str]) -> dict[str, Any]:
    """The manifest with only those types that are in `submodules`, or in submodules they refer to."""
    # Parsing the whole manifest would take three seconds and a gigabyte. jsii writes it indented, and so its
    # parts can be told apart by their indentation.
    start = manifest.index(b'\n  "types": {')
    end = manifest.index(b"\n  }", start)
    assembly: dict[str, Any] = json.loads(manifest[:start] + b'"types": {}' + manifest[end + 4 :])
    positions: dict[str, list[tuple[str, int]]] = {}
    for match in re.compile(rb'\n    "(([^"]+)\.\w+)": ').finditer(manifest, start, end):
        positions.setdefault(match[2].decode(), []).append((match[1].decode(), match.end()))

    kept: set[str] = set()
    pending = set(submodules)
    while pending:
        submodule = pending.pop()
        kept.add(submodule)
        for name, position in positions[submodule]:
            definition = manifest[position : manifest.index(b"\n    }", position) + 6]
            assembly["types"][name] = json.loads(definition)
            referred = re.findall(rb'"fqn": "([^"]+)\.\w+"', definition)
            pending |= {name.decode() for name in referred if name.decode() in positions} - kept
    assembly["submodules"] = {name: assembly["submodules"][name] for name in sorted(kept)}
    assembly["fingerprint"] = "*" * 10  # jsii's own mark of a changed assembly
    return assembly


def _tgz(files: dict[str, bytes]) -> bytes:
    # The same files give the same bytes, because jsii unpacks an assembly once and keeps it by its digest.
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _write(file: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, whoever else writes it, whenever this stops."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _remove_unused(gen: Path, package: str) -> None:
    for folder in gen.glob(f"{package}-*"):
        with suppress(FileNotFoundError):  # another run may be doing the same
            if folder.stat().st_mtime < time.time() - _UNUSED_AFTER:
                shutil.rmtree(folder)
