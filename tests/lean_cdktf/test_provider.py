"""Providers as programs use them, in processes of their own."""

from pathlib import Path

import pytest

from tests.lean_cdktf.sample import Provider, run, write_library

pytestmark = pytest.mark.slow

BOX = "from sample_provider.box import Thing; print(Thing().name(), type(Thing().other()).__module__)\n"
BOXES = "box sample_provider.lid\n"
# What is loaded of each provider.
LOADED = """
import jsii
for part in jsii.kernel.provider._parts.values():
    print(part.request.name, "whole" if part.whole else sorted(part.lean.modules) if part.lean else "nothing")
"""


def lean(folder: Path, code: str, *path: Path, **environ: str) -> str:
    """What is loaded of providers by a program that prints the same without lean_cdktf."""
    result = run(folder, f"import lean_cdktf\n{code}\nprint('--')\n{LOADED}", *path, **environ)
    printed, _, loaded = result.stdout.partition("--\n")
    stock = run(folder, code, *path, **environ)
    assert printed == stock.stdout, result.stderr
    return loaded


@pytest.mark.parametrize(
    "code",
    [
        BOX,
        "import sample_provider.box; print(sample_provider.box.Thing().name())",
        "from sample_provider import *; print(box.Thing().name(), glass_jar.Thing().name())",
        "import sample_provider.lid; print(sample_provider.box.Thing().name())",
        "import sample_provider; print(getattr(sample_provider, 'b' + 'ox').Thing().name())",
        "import sample_provider as p; print(p.box.Thing().name(), hasattr(p, 'bocks'), 'lid' in dir(p))",
        "import inspect, sample_provider as p; print(dict(inspect.getmembers(p, inspect.ismodule)).keys())",
        "import sample_provider._private as p; print(p.box.Thing().name())",
    ],
)
def test_behaves_as_the_stock_package(tmp_path: Path, code: str) -> None:
    assert "sample/provider" in lean(tmp_path, code, Provider(tmp_path / "site").write().site)


def test_loads_what_is_imported_and_the_next_run_at_once(tmp_path: Path) -> None:
    site = Provider(tmp_path / "site").write().site
    first, second = (run(tmp_path, f"import lean_cdktf\n{BOX}{LOADED}", site) for _ in range(2))
    assert first.stdout == second.stdout == f"{BOXES}@sample/provider ['box', 'lid']\n"
    assert first.stderr == second.stderr == ""
    assert len(list((tmp_path / ".gen").glob("*.tgz"))) == 1


def test_what_is_imported_later_is_loaded_later(tmp_path: Path) -> None:
    code = BOX + "from sample_provider.glass_jar import Thing as Jar; print(Jar().name(), Thing().name())"
    loaded = lean(tmp_path, code, Provider(tmp_path / "site").write().site)
    assert loaded == "@sample/provider ['box', 'glassJar', 'lid']\n"


def test_what_a_source_mentions_is_loaded_before_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import sample_provider as s; s.lid.Thing(); print(s.box.Thing().name())  # bocks, cdktf"
    )
    lean(tmp_path, "import program", Provider(tmp_path / "site").write().site, tmp_path)
    result = run(
        tmp_path,
        f"import lean_cdktf, shutil; shutil.rmtree('.gen')\nimport program\n{LOADED}",
        tmp_path / "site",
        tmp_path,
    )
    assert result.stdout == "box\n@sample/provider ['box', 'lid']\n"
    assert len(list((tmp_path / ".gen").glob("*.tgz"))) == 1


def test_objects_from_before_are_as_they_were(tmp_path: Path) -> None:
    code = f"{BOX}box = Thing()\nfrom sample_provider.glass_jar import Thing as Jar; Jar(); print(box.name())"
    lean(tmp_path, code, Provider(tmp_path / "site").write().site)


def test_after_many_late_imports_all_is_loaded_and_noted(tmp_path: Path) -> None:
    site = Provider(tmp_path / "site").write().site
    code = (
        "import lean_cdktf, jsii\nfrom lean_cdktf import provider\nprovider._MOST_RELOADS = 1\n"
        "import sample_provider.lid; sample_provider.lid.Thing()\n"
        "import sample_provider.box; print(sample_provider.box.Thing().name())\n"
    )
    first, second = (run(tmp_path, code + LOADED, site) for _ in range(2))
    assert first.stdout == "box\n@sample/provider whole\n", first.stderr
    assert second.stdout == "box\n@sample/provider ['box', 'lid']\n", second.stderr


def test_a_provider_that_is_not_used_is_not_loaded(tmp_path: Path) -> None:
    code = "import sample_provider, constructs; constructs.RootConstruct()"
    assert lean(tmp_path, code, Provider(tmp_path / "site").write().site) == "@sample/provider nothing\n"
    assert not list((tmp_path / ".gen").glob("*provider*"))


@pytest.mark.parametrize(
    "provider",
    [
        Provider(Path("site"), package="imports.random", name="random", sources="", compiled=""),
        Provider(Path("site"), package="cdktn_provider_sample", name="@cdktn/provider-sample"),
    ],
    ids=["cdktf get", "CDK Terrain"],
)
def test_providers_of_any_name_and_place(tmp_path: Path, provider: Provider) -> None:
    site = tmp_path / "site"
    Provider(
        site, provider.package, provider.name, sources=provider.sources, compiled=provider.compiled
    ).write()
    code = f"import {provider.package}.box as b; print(b.Thing().name(), type(b.Thing().other()).__module__)"
    assert lean(tmp_path, code, site) == f"{provider.name} ['box', 'lid']\n"


def test_what_cannot_be_reduced_is_loaded_as_a_whole(tmp_path: Path) -> None:
    site = Provider(tmp_path / "site", before={"box": "__dirname;"}).write().site
    assert lean(tmp_path, BOX, site) == "@sample/provider whole\n"


@pytest.mark.parametrize("before", ["", BOX])
def test_a_provider_that_a_library_builds_on_is_loaded_as_a_whole(tmp_path: Path, before: str) -> None:
    site = Provider(tmp_path / "site").write().site
    write_library(site)
    code = f"{before}from sample_library import Shelf; print(Shelf().jar())"
    assert lean(tmp_path, code, site) == "@sample/provider whole\n"
    # Also by a run that knows what the last one used.
    assert lean(tmp_path, code, site) == "@sample/provider whole\n"


def test_where_nothing_can_be_written_all_is_loaded(tmp_path: Path) -> None:
    (tmp_path / ".gen").write_text("a file, so that no folder can be made")
    assert lean(tmp_path, BOX, Provider(tmp_path / "site").write().site) == "@sample/provider whole\n"


def test_the_folder_may_change_meanwhile(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    lean(
        tmp_path, f"import os; os.chdir({str(elsewhere)!r})\n{BOX}", Provider(tmp_path / "site").write().site
    )
    assert list((tmp_path / ".gen").glob("*.tgz"))
    assert not list(elsewhere.iterdir())


def test_a_mixed_up_assembly_is_found_out(tmp_path: Path) -> None:
    # As jsii would have it, had it noted the types of another assembly.
    site = Provider(tmp_path / "site").write().site
    run(tmp_path, f"import lean_cdktf\n{BOX}", site)
    (note,) = (tmp_path / ".gen").glob("*.json")
    note.write_text(note.read_text().replace('"types": 3', '"types": 4'))
    assert lean(tmp_path, BOX, site) == "@sample/provider whole\n"
    assert run(tmp_path, f"import lean_cdktf\n{BOX}{LOADED}", site).stdout.endswith("['box', 'lid']\n")


def test_a_type_that_is_missing_is_explained(tmp_path: Path) -> None:
    code = f"import lean_cdktf\n{BOX}Thing.__jsii_type__ = '@sample/provider.glassJar.Thing'; Thing()"
    error = run(tmp_path, code, Provider(tmp_path / "site").write().site).stderr.splitlines()[-1]
    assert error.startswith(
        "jsii.errors.JSIIError: Type '@sample/provider.glassJar.Thing' not found: lean_cdktf"
    )
    assert error.endswith("NO_LEAN_BINDINGS=1 has all of it loaded")


def test_a_module_that_does_not_exist_is_named(tmp_path: Path) -> None:
    site = Provider(tmp_path / "site").write().site
    result = run(tmp_path, "import lean_cdktf\nfrom sample_provider.bocks import Thing", site)
    assert result.stderr.endswith("ModuleNotFoundError: No module named 'sample_provider.bocks'\n")


@pytest.mark.parametrize("first", ["import jsii", "import constructs; constructs.RootConstruct()"])
def test_works_where_jsii_is_imported_before(tmp_path: Path, first: str) -> None:
    site = Provider(tmp_path / "site").write().site
    result = run(tmp_path, f"{first}\nimport lean_cdktf\n{BOX}{LOADED}", site)
    assert result.stdout == f"{BOXES}@sample/provider ['box', 'lid']\n", result.stderr


def test_mocks_pass_type_checks_as_ever(tmp_path: Path) -> None:
    code = (
        "import lean_cdktf, cdktf, sys\nfrom cdktf._jsii import check_type\n"
        "print('unittest.mock' in sys.modules)\nfrom unittest.mock import Mock\n"
        "check_type('a', Mock(), int)\n"
        "try: check_type('a', 'b', int)\nexcept TypeError: print('wrong')"
    )
    result = run(tmp_path, code.replace("from cdktf._jsii import", "from cdktf._private import"))
    assert result.stdout == "False\nwrong\n", result.stderr


def test_versions_are_those_that_are_installed(tmp_path: Path) -> None:
    code = (
        "import jsii\nfrom importlib.metadata import PackageNotFoundError, version\n"
        "print(version('typeguard'), version('typeguard'), version('jsii'))\n"
        "try: version('no such thing')\nexcept PackageNotFoundError: print('none')"
    )
    result = run(tmp_path, f"import lean_cdktf\n{code}")
    assert result.stdout == run(tmp_path, code).stdout != ""


WRITER = """
class Writer:
    def __init__(self) -> None:
        self.file = open("written", "w")
        self.myself = self.write

    def write(self) -> None:
        self.file.write("text")
"""


@pytest.mark.parametrize("before", [True, False])
def test_a_file_that_is_left_open_is_written_as_ever(tmp_path: Path, before: bool) -> None:
    # Python looks for garbage at its end, and so finds what refers to itself.
    use = ["import constructs; constructs.RootConstruct()", "writer = Writer(); writer.write()"]
    code = "\n".join(["import lean_cdktf", WRITER, *(reversed(use) if before else use)])
    assert run(tmp_path, code).returncode == 0
    assert (tmp_path / "written").read_text() == "text"


def test_a_file_that_jsii_refers_to_is_written_as_ever(tmp_path: Path) -> None:
    code = (
        "import lean_cdktf, constructs, jsii\nconstructs.RootConstruct()\nfile = open('written', 'w')\n"
        "provider = jsii.kernel.provider\nprovider.written = lambda: file\nfile.write('text')"
    )
    assert run(tmp_path, code).returncode == 0
    assert (tmp_path / "written").read_text() == "text"


@pytest.mark.parametrize(
    "opened",
    [
        "io.StringIO('text')",
        "io.BytesIO(b'text')",
        "io.BufferedWriter(io.BytesIO())",
        "io.TextIOWrapper(io.BytesIO())",
        "detached()",
        "Broken()",
    ],
)
def test_a_file_that_is_none_may_be_open(tmp_path: Path, opened: str) -> None:
    code = f"""
import lean_cdktf, io
def detached():
    text = io.TextIOWrapper(io.BytesIO())
    text.detach()
    return text
class Broken(io.RawIOBase):
    def writable(self):
        raise RuntimeError("broken")
file = {opened}
import constructs
constructs.RootConstruct()
print("done")
"""
    assert run(tmp_path, code).stdout == "done\n"


def test_python_looks_for_garbage_less_where_nothing_is_left_open(tmp_path: Path) -> None:
    code = "import constructs, gc; constructs.RootConstruct(); print(gc.get_freeze_count() > 0)"
    assert run(tmp_path, f"import lean_cdktf\n{code}").stdout == "True\n"
    assert run(tmp_path, f"import lean_cdktf\nfile = open('file', 'w')\n{code}").stdout == "False\n"
    assert run(tmp_path, code).stdout == "False\n"
