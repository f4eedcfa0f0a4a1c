"""What is missing on a machine is said in one line."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from tools.setup import doctor
from tools.setup.doctor import (
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
        [sys.executable, "-m", "tools.setup.doctor", "--for", "deploy"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stderr == "error: no terraform on the PATH: Terraform 1.11.0 or later is needed\n"


def test_mirror_in_the_plugin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "mirror_folders", lambda: [tmp_path / "empty", tmp_path / "plugins"])
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    folder = tmp_path / "plugins" / doctor.AWS_PROVIDER / "5.100.0"
    (folder / "darwin_arm64").mkdir(parents=True)
    assert find_provider_mirror() is None
    (folder / "linux_amd64").mkdir()
    assert find_provider_mirror() == tmp_path / "plugins"


def test_neither_mirror_nor_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    # A port of this machine that nobody listens on.
    monkeypatch.setattr(doctor, "REGISTRY", "http://127.0.0.1:9/")
    with pytest.raises(PrerequisiteError) as error:
        check_provider(None)
    assert "no AWS provider" in str(error.value)
    assert "\n" not in str(error.value)


def run_doctor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.setup.doctor", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_everything_has_a_line_with_its_version_or_what_to_do(path: Path) -> None:
    put_terraform(path, '{"terraform_version": "1.10.0"}')
    answer = run_doctor(PATH=str(path))
    lines = answer.stdout.splitlines()
    found = {line[9:27].strip(): (line.split()[0], line[27:]) for line in lines}
    assert found["Python"] == ("ok", f"{platform.python_version()} ({sys.executable})")
    assert found["Terraform"] == ("missing", "terraform on the PATH is 1.10.0: 1.11.0 or later is needed")
    assert found["git"][0] == "missing"
    assert "Debian's package git" in found["git"][1]
    assert found.keys() >= {"folder", "disk", "ps", "AWS provider", "ports", "make", "Node.js packages"}
    assert (answer.returncode, answer.stderr) == (1, "")


def test_for_a_purpose_only_what_is_missing_is_said(path: Path) -> None:
    put_terraform(path, '{"terraform_version": "1.11.0"}')
    assert run_doctor("--for", "deploy", PATH=str(path)).stdout == ""
    answer = run_doctor("--for", "local", PATH=str(path))
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("error: no ps on the PATH: ")
    assert answer.stderr.count("\n") == 1


def test_a_terraform_that_is_not_for_this_machine(path: Path) -> None:
    (path / "terraform").write_bytes(b"\x7fELF of another machine")
    (path / "terraform").chmod(0o755)
    with pytest.raises(PrerequisiteError, match="/terraform cannot be run: Exec format error"):
        check_terraform()


@pytest.mark.parametrize(
    ("reader", "said"),
    [
        ("| true", ""),
        ("> /dev/full", "error: the output cannot be written: No space left on device\n"),
    ],
)
def test_an_output_that_cannot_be_written_is_no_traceback(reader: str, said: str) -> None:
    # The wait lets `true` end first.
    command = f'(sleep 0.1; exec "$0" -m tools.setup.doctor) {reader}; exit "${{PIPESTATUS[0]}}"'
    answer = subprocess.run(
        ["bash", "-c", command, sys.executable], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (1, "", said)


def test_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MINIMUM_PYTHON", (99, 0))
    with pytest.raises(
        PrerequisiteError, match=rf"Python 99.0 or later is needed, this is {sys.version_info[0]}"
    ):
        doctor.check_python()


@pytest.mark.parametrize(
    ("is_installed", "free", "needed"), [(True, 150_000_000, "0.2"), (False, 1_900_000_000, "2.0")]
)
def test_full_disk(monkeypatch: pytest.MonkeyPatch, is_installed: bool, free: int, needed: str) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: mock.Mock(free=free))
    monkeypatch.setattr(doctor, "_is_installed", lambda: is_installed)
    said = f"{free / 1e9:.1f} GB of disk space are free: {needed} GB are needed in /"
    with pytest.raises(PrerequisiteError, match=re.escape(said)):
        doctor.check_disk()
    monkeypatch.setattr("shutil.disk_usage", lambda _: mock.Mock(free=free + 200_000_000))
    assert doctor.check_disk().endswith(f" GB free, {needed} GB needed")


def test_folder_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "ROOT", tmp_path / "gone")
    with pytest.raises(PrerequisiteError, match="gone cannot be written to: No such file"):
        doctor.check_folder()


@pytest.mark.slow
def test_package_index_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_is_installed", lambda: False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(PrerequisiteError, match="pip gets no package from its index: is there a network"):
        doctor.check_python_index()
