import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lean_cdktf import lean_bindings

import pytest

CHECKOUT = Path(__file__).parents[2]
PACKAGE = "sample_provider"
# Three modules, by their names in Python, jsii and JavaScript; a box knows of a lid.
MODULES = {"box": ("box", "box"), "lid": ("lid", "lid"), "glass_jar": ("glassJar", "glass-jar")}

INIT = """
from . import box
from . import glass_jar
from . import lid
"""

JSII_INIT = """
import jsii
__all__ = ["__jsii_assembly__"]
__jsii_assembly__ = jsii.JSIIAssembly.load("@sample/provider", "{version}", __name__[:-6], "{tarball}")
"""

MODULE = """
import jsii
from .._jsii import *
{imports}

class Thing(metaclass=jsii.JSIIMeta, jsii_type="@sample/provider.{jsii}.Thing"):
    def __init__(self) -> None:
        jsii.create(self.__class__, self, [])

    def name(self) -> str:
        return jsii.invoke(self, "name", [])

    def other(self) -> object:
        return jsii.invoke(self, "other", [])
"""

JAVASCRIPT = """
class Thing {{
    name() {{ return "{jsii}"; }}
    other() {{ return new (require("../lid").Thing)(); }}
}}
Thing[Symbol.for("jsii.rtti")] = {{ fqn: "@sample/provider.{jsii}.Thing", version: "1.0.0" }};
exports.Thing = Thing;
//# sourceMappingURL=data:application/json;base64,e30=
"""


def provider(site: Path, version: str) -> None:
    """Write a prebuilt provider, in the layout of `cdktf_cdktf_provider_aws`, to the folder `site`."""
    tarball = f"provider@{version}.jsii.tgz"
    files = {
        "__init__.py": INIT,
        "_jsii/__init__.py": JSII_INIT.format(version=version, tarball=tarball),
        **{
            f"{name}/__init__.py": MODULE.format(
                jsii=jsii, imports="from ..lid import Thing as _Lid" if name == "box" else ""
            )
            for name, (jsii, _) in MODULES.items()
        },
    }
    for name, text in files.items():
        file = site / PACKAGE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for old in site.glob(f"{PACKAGE}/_jsii/*.tgz"):
        old.unlink()
    manifest = {
        "schema": "jsii/0.10.0",
        "name": "@sample/provider",
        "jsiiVersion": "5.8.22 (build 0000000)",
        "dependencyClosure": {},
        "submodules": {
            f"@sample/provider.{jsii}": {"symbolId": f"src/{folder}/index:"}
            for jsii, folder in MODULES.values()
        },
        "types": {f"@sample/provider.{jsii}.Thing": thing(jsii) for jsii, _ in MODULES.values()},
        "version": version,
        "fingerprint": "genuine",
    }
    members = {
        ".jsii": json.dumps(manifest, indent=2),
        **{f"lib/{folder}/index.js": JAVASCRIPT.format(jsii=jsii) for jsii, folder in MODULES.values()},
        **{f"lib/{folder}/index.d.ts": "export class Thing {}" for _, folder in MODULES.values()},
        "package.json": json.dumps({"name": "@sample/provider", "version": version, "main": "lib/index.js"}),
    }
    with tarfile.open(site / PACKAGE / "_jsii" / tarball, "w:gz") as tar:
        for name, text in members.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))


def thing(submodule: str) -> dict[str, Any]:
    other = "lid" if submodule == "box" else submodule
    return {
        "assembly": "@sample/provider",
        "fqn": f"@sample/provider.{submodule}.Thing",
        "kind": "class",
        "name": "Thing",
        "namespace": submodule,
        "initializer": {},
        "methods": [
            {"name": "name", "returns": {"type": {"primitive": "string"}}},
            {"name": "other", "returns": {"type": {"fqn": f"@sample/provider.{other}.Thing"}}},
        ],
    }


@dataclass
class Project:
    root: Path
    site: Path

    def write(self, text: str, name: str = "stack.py") -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def folders(self) -> set[Path]:
        return {path for path in (self.root / ".gen").glob("*") if path.is_dir()}

    def files(self) -> list[Path]:
        files = (file for file in (self.root / ".gen").rglob("*") if file.is_file())
        return sorted(file for file in files if file.suffix != ".pyc")

    def assembly(self) -> tuple[set[str], dict[str, Any]]:
        """The names of the files in the generated assembly, and its manifest."""
        (tarball,) = (self.root / ".gen").rglob("*.tgz")
        with tarfile.open(tarball) as tar:
            manifest = tar.extractfile("package/.jsii")
            assert manifest
            return set(tar.getnames()), json.load(manifest)

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run `code` after `activate` in a new process."""
        activate = f"from lean_cdktf.lean_bindings import *; activate(Path.cwd(), {PACKAGE!r})"
        return subprocess.run(
            [sys.executable, "-c", f"{activate}\n{code}"],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(self.site), str(CHECKOUT)))},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project that imports `box`; what `activate` does to `sys.path` is undone after the test."""
    project = Project(root=tmp_path / "a project", site=tmp_path / "site")
    provider(project.site, "1.0.0")
    project.write(f"from {PACKAGE}.box import Thing")
    monkeypatch.setattr(sys, "path", [str(project.site), *sys.path])
    return project


def activate(project: Project) -> None:
    lean_bindings.activate(project.root, PACKAGE)


@pytest.mark.parametrize(
    "source",
    [
        "from sample_provider.lid import Thing",
        "from sample_provider.lid import Thing as Lid",
        "from sample_provider import lid",
        "import sample_provider.lid",
        "import os, sample_provider.lid as lid",
        "import sample_provider as provider\nprovider.lid.Thing()",
        "def late():\n    from sample_provider.lid import Thing",
    ],
)
def test_finds_every_form_of_import(project: Project, source: str) -> None:
    project.write(source)
    assert "lid" in lean_bindings.imported_modules(project.root, PACKAGE)


def test_finds_no_other_imports(project: Project) -> None:
    project.write('from .sample_provider import a\nimport sample_provider_b.b\n"sample_provider.c"')
    assert lean_bindings.imported_modules(project.root, PACKAGE) == set()


@pytest.mark.parametrize("folder", [".hidden", "node_modules", "environment/lib"])
def test_reads_the_sources_of_the_project_alone(project: Project, folder: str) -> None:
    project.write("from sample_provider.lid import Thing", f"{folder}/dependency.py")
    project.write("", "environment/pyvenv.cfg")
    assert "lid" not in lean_bindings.imported_modules(project.root, PACKAGE)


def test_a_source_that_does_not_parse_stops_nothing(project: Project) -> None:
    project.write("from sample_provider.lid import", "broken.py")
    assert "box" in lean_bindings.imported_modules(project.root, PACKAGE)


def test_the_assembly_holds_the_imported_modules_and_those_they_refer_to(project: Project) -> None:
    activate(project)
    names, manifest = project.assembly()
    assert names == {
        "package/.jsii",
        "package/package.json",
        *(f"package/lib/{name}index.js" for name in ("", "box/", "lid/")),
    }
    assert set(manifest["types"]) == {"@sample/provider.box.Thing", "@sample/provider.lid.Thing"}
    assert manifest["fingerprint"] != "genuine"


def test_javascript_is_the_installed_one_without_source_maps(project: Project) -> None:
    activate(project)
    (tarball,) = (project.root / ".gen").rglob("*.tgz")
    with tarfile.open(tarball) as tar:
        javascript = tar.extractfile("package/lib/box/index.js")
        assert javascript
        original, _, _ = JAVASCRIPT.format(jsii="box").partition("\n//# sourceMappingURL")
        assert javascript.read().decode().rstrip() == original


@pytest.mark.parametrize("seed", range(3))
def test_equal_imports_give_equal_bytes(project: Project, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    project.write("from sample_provider import box, glass_jar, lid")
    activate(project)
    before = {file: file.read_bytes() for file in project.files()}
    for file in before:
        file.unlink()
    monkeypatch.setenv("PYTHONHASHSEED", str(seed))
    project.run("")
    assert {file: file.read_bytes() for file in project.files()} == before


def test_the_time_leaves_no_trace_in_the_bytes(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    activate(project)
    before = {file: file.read_bytes() for file in project.files()}
    for file in before:
        file.unlink()
    monkeypatch.setattr(time, "time", lambda: 1.0)
    activate(project)
    assert {file: file.read_bytes() for file in project.files()} == before


def test_up_to_date_bindings_are_used_as_they_are(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    activate(project)
    (folder,) = project.folders()
    assert sys.path[0] == str(folder)
    assert "1 modules of sample_provider" in capsys.readouterr().err

    for work in ("imported_modules", "_bindings"):
        monkeypatch.delattr(lean_bindings, work)
    activate(project)
    assert sys.path[0] == str(folder)
    assert capsys.readouterr().err == ""


def test_another_import_is_picked_up(project: Project) -> None:
    activate(project)
    before = project.folders()
    project.write("import sample_provider.glass_jar", "new.py")
    activate(project)
    (added,) = project.folders() - before
    assert sys.path[0] == str(added)


def test_an_edit_that_keeps_size_and_modification_time_is_picked_up(project: Project) -> None:
    source = project.root / "stack.py"
    before = source.stat()
    activate(project)
    project.write(source.read_text().replace("box", "lid"))
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert source.stat().st_size == before.st_size
    activate(project)
    assert len(project.folders()) == 2


@pytest.mark.parametrize("note", [b"", b"[]", b"null", b"[{}, null, 1]", b'{"a": 1}'])
def test_a_note_of_another_form_is_written_anew(project: Project, note: bytes) -> None:
    activate(project)
    before = {file: file.read_bytes() for file in project.files()}
    (project.root / ".gen" / f"{PACKAGE}.json").write_bytes(note)
    activate(project)
    assert {file: file.read_bytes() for file in project.files()} == before


def test_another_version_of_the_provider_is_picked_up(project: Project) -> None:
    activate(project)
    before = project.folders()
    provider(project.site, "1.0.1")
    activate(project)
    (added,) = project.folders() - before
    assert [file.name for file in added.rglob("*.tgz")] == ["provider@1.0.1.jsii.tgz"]


def test_another_version_of_the_generator_is_picked_up(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    activate(project)
    before = project.folders()
    (tmp_path / "changed.py").write_text("# changed")
    monkeypatch.setattr(lean_bindings, "__file__", str(tmp_path / "changed.py"))
    activate(project)
    assert len(project.folders() - before) == 1


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("damage", [Path.unlink, lambda file: os.truncate(file, 0)])
def test_a_half_written_result_is_completed(
    project: Project, index: int, damage: Callable[[Path], None]
) -> None:
    activate(project)
    before = {file: file.read_bytes() for file in project.files()}
    damage(project.files()[index])
    activate(project)
    assert {file: file.read_bytes() for file in project.files()} == before


@pytest.mark.parametrize("index", range(4))
def test_an_interrupted_run_leaves_no_part_of_a_file(
    project: Project, monkeypatch: pytest.MonkeyPatch, index: int
) -> None:
    activate(project)
    whole = {file: file.read_bytes() for file in project.files()}
    for file in whole:
        file.unlink()
    write, written = Path.write_bytes, []

    def interrupt(file: Path, content: bytes) -> int:
        written.append(file)
        if len(written) <= index:
            return write(file, content)
        write(file, content[:-1])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupt)
    with pytest.raises(KeyboardInterrupt):
        activate(project)
    left = {file: file.read_bytes() for file in project.files()}
    assert left.items() <= whole.items()
    assert len(left) == index


def test_a_run_in_the_middle_of_another_gets_whole_bindings(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes
    outputs: list[str] = []

    def write_in_two_parts(file: Path, content: bytes) -> int:
        write(file, content[:1])
        if not outputs:
            outputs.append(project.run(f"from {PACKAGE}.box import Thing\nprint(Thing().name())").stdout)
        return write(file, content)

    monkeypatch.setattr(Path, "write_bytes", write_in_two_parts)
    activate(project)
    assert outputs == ["box\n"]
    assert len(project.files()) == 4


def test_bindings_unused_for_an_hour_are_removed(project: Project) -> None:
    activate(project)
    (first,) = project.folders()
    project.write("import sample_provider.lid", "second.py")
    activate(project)
    (second,) = project.folders() - {first}
    os.utime(first, (0, time.time() - 2 * 3600))

    project.write("import sample_provider.glass_jar", "third.py")
    activate(project)
    assert first not in project.folders()
    assert second in project.folders()
    assert len(project.folders()) == 2


def test_unused_bindings_may_be_removed_by_two_runs_at_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    activate(project)
    (first,) = project.folders()
    os.utime(first, (0, 0))
    remove = shutil.rmtree

    def remove_twice(folder: Path) -> None:
        remove(folder)
        remove(folder)

    monkeypatch.setattr(shutil, "rmtree", remove_twice)
    project.write("import sample_provider.lid", "second.py")
    activate(project)
    assert project.folders() == {Path(sys.path[0])}


def test_use_counts_as_use(project: Project) -> None:
    activate(project)
    (folder,) = project.folders()
    os.utime(folder, (0, 0))
    activate(project)
    assert folder.stat().st_mtime > time.time() - 3600


def test_the_switch_turns_it_off(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_LEAN_BINDINGS", "1")
    before = list(sys.path)
    activate(project)
    assert sys.path == before
    assert project.folders() == set()


def test_a_provider_that_is_imported_already_stays(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, sys)
    activate(project)
    assert project.folders() == set()


def test_without_the_provider_nothing_happens(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    activate(project)
    assert project.folders() == set()


def test_where_nothing_can_be_written_the_installed_package_is_used(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.root / ".gen").write_text("a file, so that no folder can be made")
    before = list(sys.path)
    activate(project)
    assert sys.path == before
    assert f"Cannot generate lean bindings, {PACKAGE} will load slowly: " in capsys.readouterr().err


def test_lean_modules_work_through_jsii(project: Project) -> None:
    project.write("import sample_provider\nsample_provider.glass_jar", "other.py")
    code = """
import sample_provider
from sample_provider.box import Thing
print(Thing().name(), type(Thing().other()).__module__, sample_provider.glass_jar.Thing().name())
print(hasattr(sample_provider, "bocks"))
"""
    result = project.run(code)
    assert result.stdout == "box sample_provider.lid glassJar\nFalse\n", result.stderr


def test_a_module_that_does_not_exist_is_named(project: Project) -> None:
    project.write("from sample_provider.bocks import Thing")
    result = project.run("from sample_provider.bocks import Thing")
    assert result.stderr.endswith("ModuleNotFoundError: No module named 'sample_provider.bocks'\n")


@pytest.mark.slow
def test_lean_and_installed_bindings_synthesize_the_same_bytes(tmp_path: Path) -> None:
    results = []
    for switch in ("", "1"):
        environment = {
            **os.environ,
            "NO_LEAN_BINDINGS": switch,
            "CDKTF_OUTDIR": str(tmp_path / f"out{switch}"),
        }
        subprocess.run([sys.executable, "main.py"], cwd=CHECKOUT, env=environment, check=True)
        out = Path(environment["CDKTF_OUTDIR"])
        results.append(
            {file.relative_to(out): file.read_bytes() for file in out.rglob("*") if file.is_file()}
        )
    lean, stock = results
    assert "cdk.tf.json" in {file.name for file in stock}
    assert lean == stock
