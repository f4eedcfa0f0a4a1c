"""Cut the assembly of a provider down to some of its modules.

An assembly holds a module for each Terraform resource: for AWS 2,200, 400 MB and 34,000 types. Its manifest
names a type "@cdktf/provider-aws.s3Bucket.S3Bucket"; here a module goes by its name in there, "s3Bucket".
"""

import gzip
import io
import json
import os
import posixpath
import re
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .generated import FORGETTER

# `forget` removes the link to this package in jsii's temporary folder, lest jsii should take it as loaded.
# The modules stay loaded, and so keep their classes: the other assembly is in the same place. Nothing else
# is removed, should this run from elsewhere.
_INDEX = """\
"use strict";
// Made by lean_cdktf.
const { rmSync } = require("fs");
const { resolve } = require("path");
exports.%(forgetter)s = class {
  static forget() {
    const folder = resolve(__dirname, "%(root)s");
    if (!/[\\\\/]jsii-kernel-[^\\\\/]+[\\\\/]node_modules[\\\\/]/.test(folder)) throw new Error(folder);
    delete require.cache[__filename];
    rmSync(folder, { recursive: true });
  }
};
%(modules)s"""


class CannotReduceError(Exception):
    """The assembly is built in a way that this module does not know."""


@dataclass(frozen=True)
class Reduced:
    """A reduced assembly: the tarball, the modules that it holds, the number of types in its manifest."""

    tarball: bytes
    modules: frozenset[str]
    types: int


def reduce_assembly(tarball: Path, modules: Iterable[str]) -> Reduced:
    """An assembly of `modules`, and of those that they refer to. Raises CannotReduceError."""
    manifest = _Manifest(_read(tarball, "package/.jsii")["package/.jsii"])
    kept = manifest.closure(set(modules))
    while True:
        places = {place: name for name in kept for place in manifest.places(name)}
        files = _read(tarball, "package/package.json", *(f"package/{place}/" for place in places))
        required = _required(files, set(places))
        by_place = {place: name for name in manifest.modules for place in manifest.places(name)}
        if not required <= by_place.keys():
            raise CannotReduceError(f"a module requires {min(required - by_place.keys())}")
        if not required:
            break
        kept = manifest.closure(kept | {by_place[place] for place in required})
    folders = {name: place for place, name in places.items() if f"package/{place}/index.js" in files}
    if folders.keys() != kept:
        raise CannotReduceError(f"there is no index.js of {min(kept - folders.keys())}")
    main = json.loads(files["package/package.json"]).get("main", "index.js")
    reduced = manifest.reduced(kept)
    files |= {
        "package/.jsii": json.dumps(reduced).encode(),
        posixpath.normpath(f"package/{main}"): _index(main, folders).encode(),
        # jsii keeps what it unpacks by its digest, and what it notes there must never be of another assembly.
        "package/made": os.urandom(16).hex().encode(),
    }
    return Reduced(_tgz(files), frozenset(kept), len(reduced["types"]))


class _Manifest:
    """The manifest of an assembly, of which only what is asked for is parsed.

    Parsing all of AWS's 130 MB would take three seconds and a gigabyte. jsii writes it indented, and so its
    parts can be told apart by their indentation.
    """

    def __init__(self, manifest: bytes) -> None:
        self._manifest = manifest
        try:
            start = manifest.index(b'\n  "types": {')
            end = manifest.index(b"\n  }", start)
            self.head: dict[str, Any] = json.loads(manifest[:start] + b'"types": {}' + manifest[end + 4 :])
            self.prefix: str = self.head["name"] + "."
            names = [name.removeprefix(self.prefix) for name in self.head["submodules"]]
        except (ValueError, KeyError) as error:
            raise CannotReduceError("the manifest has another form") from error
        self.modules = {name for name in names if "." not in name}
        # Where in the manifest the types of each module begin.
        self._positions: dict[str, list[tuple[str, int]]] = {name: [] for name in self.modules}
        for match in re.compile(rb'\n    "([^"\n]+)": \{').finditer(manifest, start, end):
            name = match[1].decode()
            module = name.removeprefix(self.prefix).split(".")[0]
            if module not in self.modules:
                raise CannotReduceError(f"{name} is in no module")
            self._positions[module].append((name, match.end() - 1))

    def _definition(self, position: int) -> bytes:
        return self._manifest[position : self._manifest.index(b"\n    }", position) + 6]

    def places(self, module: str) -> tuple[str, ...]:
        """The folders in which the JavaScript of `module` may be: as its TypeScript, or in lib/ for src/."""
        # A symbolId reads "src/s3-bucket/index:".
        symbol = self.head["submodules"][self.prefix + module].get("symbolId", "")
        source, separator, _ = symbol.partition("/index:")
        if not separator:
            raise CannotReduceError(f"{module} has no folder of its own")
        _, _, below = source.partition("/")
        return (source, f"lib/{below}") if below else (source,)

    def closure(self, modules: set[str]) -> set[str]:
        """`modules`, and all that their types refer to."""
        if unknown := modules - self.modules:
            raise CannotReduceError(f"there is no module {sorted(unknown)[0]}")
        reference = re.compile(rb'"' + re.escape(self.prefix.encode()) + rb'([^".]+)\.[^"]+"')
        kept: set[str] = set()
        pending = set(modules)
        while pending:
            module = pending.pop()
            kept.add(module)
            for _, position in self._positions[module]:
                referred = {name.decode() for name in reference.findall(self._definition(position))}
                pending |= (referred & self.modules) - kept
        return kept

    def reduced(self, modules: set[str]) -> dict[str, Any]:
        """The manifest of `modules` alone."""
        forgetter = self.prefix + FORGETTER
        types: dict[str, Any] = {
            forgetter: {
                "assembly": self.head["name"],
                "fqn": forgetter,
                "kind": "class",
                "name": FORGETTER,
                "methods": [{"name": "forget", "static": True}],
            }
        }
        for module in sorted(modules):
            for name, position in self._positions[module]:
                types[name] = json.loads(self._definition(position))
        submodules = {
            name: entry
            for name, entry in self.head["submodules"].items()
            if name.removeprefix(self.prefix).split(".")[0] in modules
        }
        # Ten asterisks are jsii's own mark of a changed assembly.
        return self.head | {"types": types, "submodules": submodules, "fingerprint": "*" * 10}


def _required(files: dict[str, bytes], folders: set[str]) -> set[str]:
    """The folders besides `folders` from which one of `files` requires another."""
    others = set()
    for name, content in files.items():
        if not name.endswith(".js"):
            continue
        if re.search(rb"\b(__dirname|__filename|import\(|createRequire)\b", content):
            raise CannotReduceError(f"{name} looks for files")
        literal = re.findall(rb"""\brequire\((?:"([^"]+)"|'([^']+)')\)""", content)
        if len(literal) != len(re.findall(rb"\brequire\(", content)):
            raise CannotReduceError(f"{name} requires what is known at run time only")
        for required in (double or single for double, single in literal):
            if not required.startswith(b"."):
                continue
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), required.decode()))
            path = path.removeprefix("package/")
            if not any(path == folder or path.startswith(f"{folder}/") for folder in folders):
                others.add(path.removesuffix(".js").removesuffix("/index"))
    return others


def _index(main: str, folders: dict[str, str]) -> str:
    here = posixpath.dirname(main) or "."
    modules = (
        f"exports.{name} = require({json.dumps('./' + posixpath.relpath(folder, here))});\n"
        for name, folder in sorted(folders.items())
    )
    return _INDEX % {
        "forgetter": FORGETTER,
        "root": posixpath.relpath(".", here),
        "modules": "".join(modules),
    }


def _read(tarball: Path, *prefixes: str) -> dict[str, bytes]:
    """The files that begin with one of `prefixes`, without type declarations and source maps."""
    files = {}
    with tarfile.open(tarball, "r|gz") as tar:
        for member in tar:
            if not member.name.startswith(prefixes) or member.name.endswith((".d.ts", ".map")):
                continue
            content = tar.extractfile(member)
            if content:
                # Maps for JavaScript debuggers are two thirds of what Node.js would have to read.
                files[member.name] = re.sub(rb"\n//# sourceMappingURL=.*", b"", content.read())
            if prefixes == (member.name,):
                break
    return files


def _tgz(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, compresslevel=1) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
