import os
import sys
import time
from pathlib import Path

import pytest
from lean_cdktf.generated import Generated, project_root

from tests.lean_cdktf.sample import Provider


@pytest.fixture
def tarball(tmp_path: Path) -> Path:
    return Provider(tmp_path / "site").write().tarball


@pytest.fixture
def generated(tmp_path: Path) -> Generated:
    return Generated(tmp_path / "a project")


def files(generated: Generated) -> list[Path]:
    return sorted(generated.folder.iterdir())


def test_what_is_generated_is_found_by_the_next_run(generated: Generated, tarball: Path) -> None:
    assert generated.noted(tarball) is None
    made = generated.make(tarball, ["box"])
    assert made
    assert made.modules == {"box", "lid"}
    assert made.tarball.stat().st_size
    assert generated.noted(tarball) == made


def test_git_ignores_it(generated: Generated, tarball: Path) -> None:
    generated.make(tarball, ["box"])
    assert (generated.folder / ".gitignore").read_text() == "*\n"


def test_another_version_of_the_provider_is_another(generated: Generated, tmp_path: Path) -> None:
    generated.make(Provider(tmp_path / "site").write().tarball, ["box"])
    assert generated.noted(Provider(tmp_path / "site 2", version="1.0.1").write().tarball) is None


def test_another_version_of_the_generator_is_another(
    generated: Generated, tarball: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generated.make(tarball, ["box"])
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda file: read(file) + b"# changed")
    assert generated.noted(tarball) is None


def test_what_is_wanted_is_generated_by_the_next_run(generated: Generated, tarball: Path) -> None:
    generated.want(tarball, {"lid"})
    noted = generated.noted(tarball)
    assert noted
    assert noted.modules == {"lid"}
    assert noted.tarball.is_file()


@pytest.mark.parametrize("damage", ["unlink", "truncate"])
def test_a_half_written_result_is_completed(generated: Generated, tarball: Path, damage: str) -> None:
    made = generated.make(tarball, ["box"])
    assert made
    made.tarball.unlink() if damage == "unlink" else os.truncate(made.tarball, 0)
    noted = generated.noted(tarball)
    assert noted
    assert noted.modules == made.modules
    assert noted.tarball.stat().st_size


@pytest.mark.parametrize(
    "note", ["", "[]", "null", "{}", '{"modules": 1}', '{"modules": ["bocks"], "file": "a"}']
)
def test_a_note_of_another_form_is_none(generated: Generated, tarball: Path, note: str) -> None:
    generated.make(tarball, ["box"])
    (file,) = generated.folder.glob("*.json")
    file.write_text(note)
    assert generated.noted(tarball) is None


@pytest.mark.parametrize("index", range(3))
def test_an_interrupted_run_leaves_no_part_of_a_file(
    generated: Generated, tarball: Path, monkeypatch: pytest.MonkeyPatch, index: int
) -> None:
    write, written = Path.write_bytes, []

    def interrupt(file: Path, content: bytes) -> int:
        written.append(file)
        if len(written) <= index:
            return write(file, content)
        write(file, content[:-1])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupt)
    if index < 2:
        with pytest.raises(KeyboardInterrupt):
            generated.make(tarball, ["box"])
    else:
        generated.make(tarball, ["box"])
    assert len(files(generated)) == 1 + index  # with .gitignore
    assert not [file for file in files(generated) if file.name.endswith(f".{os.getpid()}")]


def test_where_nothing_can_be_written_it_says_so(
    generated: Generated, tarball: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generated.folder.parent.mkdir()
    generated.folder.write_text("a file, so that no folder can be made")
    assert generated.make(tarball, ["box"]) is None
    assert "lean_cdktf: provider@1.0.0.jsii.tgz is loaded as a whole: " in capsys.readouterr().err


def test_what_cannot_be_reduced_is_said(
    generated: Generated, tarball: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generated.make(tarball, ["bocks"]) is None
    assert capsys.readouterr().err == (
        "lean_cdktf: provider@1.0.0.jsii.tgz is loaded as a whole: there is no module bocks\n"
    )


def test_assemblies_unused_for_an_hour_are_removed(generated: Generated, tarball: Path) -> None:
    made = [generated.make(tarball, [module]) for module in ("box", "lid")]
    first, second = (lean.tarball for lean in made if lean)
    os.utime(first, (0, time.time() - 2 * 3600))
    last = generated.make(tarball, ["glassJar"])
    assert last
    assert set(generated.folder.glob("*.tgz")) == {second, last.tarball}


def test_use_counts_as_use(generated: Generated, tarball: Path) -> None:
    made = generated.make(tarball, ["box"])
    assert made
    os.utime(made.tarball, (0, 0))
    generated.noted(tarball)
    assert made.tarball.stat().st_mtime > time.time() - 3600


def test_the_root_is_where_cdktf_json_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "project" / "programs" / "main.py"
    program.parent.mkdir(parents=True)
    (tmp_path / "project" / "cdktf.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.modules["__main__"], "__file__", os.path.relpath(program), raising=False)
    assert project_root() == tmp_path / "project"


def test_the_root_of_a_program_in_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__file__", None, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    assert project_root() == tmp_path / "cache" / "lean_cdktf"
    (tmp_path / "cdktf.json").write_text("{}")
    assert project_root() == tmp_path
