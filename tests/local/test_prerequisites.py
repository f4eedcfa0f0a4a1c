"""What is missing on a machine is said in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.local import prerequisites
from tools.local.prerequisites import (
    PrerequisiteError,
    check_provider,
    check_ps,
    check_terraform,
    find_provider_mirror,
)

ROOT = Path(__file__).parents[2]


def put_terraform(folder: Path, answer: str) -> None:
    terraform = folder / "terraform"
    terraform.write_text(f"#!/bin/sh\necho '{answer}'\n")
    terraform.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("path")
def test_no_terraform() -> None:
    with pytest.raises(PrerequisiteError, match=r"no terraform on the PATH: Terraform 1\.11\.0 or later"):
        check_terraform()


@pytest.mark.usefixtures("path")
def test_no_ps() -> None:
    with pytest.raises(PrerequisiteError, match="no ps on the PATH"):
        check_ps()


@pytest.mark.parametrize("version", ["1.10.5", "0.15.0", "1.9.99"])
def test_old_terraform(version: str, path: Path) -> None:
    put_terraform(path, f'{{"terraform_version": "{version}"}}')
    with pytest.raises(PrerequisiteError, match=rf"is {version}: 1\.11\.0 or later is needed"):
        check_terraform()


@pytest.mark.parametrize("version", ["1.11.0", "1.14.0-beta1", "2.0.0"])
def test_new_terraform(version: str, path: Path) -> None:
    put_terraform(path, f'{{"terraform_version": "{version}"}}')
    check_terraform()


@pytest.mark.parametrize("answer", ["", "no json", '{"version": "1.11.0"}', '{"terraform_version": "new"}'])
def test_terraform_that_does_not_tell_its_version(answer: str, path: Path) -> None:
    put_terraform(path, answer)
    with pytest.raises(PrerequisiteError, match="does not tell its version"):
        check_terraform()


def test_the_command_says_it_in_one_line(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "tools.local.prerequisites"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stderr == "error: no terraform on the PATH: Terraform 1.11.0 or later is needed\n"


def test_mirror_in_the_plugin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "mirror_folders", lambda: [tmp_path / "empty", tmp_path / "plugins"])
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    folder = tmp_path / "plugins" / prerequisites.AWS_PROVIDER / "5.100.0"
    (folder / "darwin_arm64").mkdir(parents=True)
    assert find_provider_mirror() is None
    (folder / "linux_amd64").mkdir()
    assert find_provider_mirror() == tmp_path / "plugins"


def test_neither_mirror_nor_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    # A port of this machine that nobody listens on.
    monkeypatch.setattr(prerequisites, "REGISTRY", "http://127.0.0.1:9/")
    with pytest.raises(PrerequisiteError) as error:
        check_provider(None)
    assert "no AWS provider" in str(error.value)
    assert "\n" not in str(error.value)
