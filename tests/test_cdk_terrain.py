import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tools import cdk_terrain
from tools.local.shell import OF_MAKE

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy that `make cdktn` makes."""
    folder = tmp_path_factory.mktemp("cdktn") / "a moved project"
    # Prerequisites are left out: the tests run in what they install.
    answer = run("make", "cdktn", "dev=", f"FOLDER={folder}")
    assert answer.returncode == 0, answer.stderr
    assert [line.split("  ")[0] for line in answer.stdout.splitlines()[:-1]] == ["Copy", "Lock files"]
    assert list(folder.parent.iterdir()) == [folder]
    return folder


@pytest.fixture(scope="module")
def environment(moved: Path) -> dict[str, str]:
    """Where `moved` finds its packages: CDK Terrain's, as it locks them, before those of this project."""
    packages = moved.with_name("packages")
    locked = (moved / "requirements.txt").read_text()
    blocks = re.findall(r"^(?:cdktn|constructs)\S*==.*\n(?: .*\n)*", locked, re.MULTILINE)
    assert len(blocks) == 3
    requirements = moved.with_name("requirements.txt")
    requirements.write_text("".join(blocks))
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--require-hashes")
    answer = run(*pip, "--target", str(packages), "--requirement", str(requirements))
    assert answer.returncode == 0, answer.stderr
    return os.environ | {"PYTHONPATH": str(packages)}


def run(
    *command: str, cwd: Path = ROOT, env: Mapping[str, str] = os.environ
) -> subprocess.CompletedProcess[str]:
    # Not as a part of the make that runs the tests.
    env = {name: value for name, value in env.items() if name not in OF_MAKE}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def synthesized(folder: Path, environment: dict[str, str], out: Path) -> dict[str, Any]:
    """The Terraform JSON of `main.py`, without the versions that the bindings write into it."""
    variables = environment | {"CDKTF_OUTDIR": str(out)}
    subprocess.run([sys.executable, "main.py"], cwd=folder, env=variables, check=True)
    (file,) = out.rglob("cdk.tf.json")
    result: dict[str, Any] = json.loads(file.read_text())
    del result["//"]["metadata"]["version"]
    del result["terraform"]["required_providers"]["aws"]
    return result


def test_synthesizes_the_same_json(moved: Path, environment: dict[str, str], tmp_path: Path) -> None:
    there = synthesized(moved, environment, tmp_path / "there")
    assert there == synthesized(ROOT, dict(os.environ), tmp_path / "here")
    assert there["resource"]["aws_s3_bucket"]


def test_quick_tests_pass(moved: Path, environment: dict[str, str]) -> None:
    options = ("--quiet", "-p", "no:cacheprovider", "-m", "not slow")
    # Those of the rest know nothing of CDKTF.
    tests = [
        "tests/stacks",
        "tests/iam",
        *(str(path.relative_to(moved)) for path in moved.glob("tests/test_*.py")),
    ]
    answer = run(sys.executable, "-m", "pytest", *options, *tests, cwd=moved, env=environment)
    assert answer.returncode == 0, answer.stdout


def test_lock_files_are_of_cdk_terrain_and_else_the_same(moved: Path) -> None:
    for name in cdk_terrain.LOCK_FILES:
        text = (moved / name).read_text()
        assert "cdktn" in text
        assert not re.search(r'^cdktf|"cdktf', text, re.MULTILINE), name
    for name in cdk_terrain.LOCK_FILES[:-1]:
        ours, theirs = (pins((folder / name).read_text()) for folder in (ROOT, moved))
        other = {name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]}
        assert other == {"constructs"}


def pins(lock_file: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", lock_file, re.MULTILINE))


def test_its_targets_are_those_of_make_help(moved: Path) -> None:
    answer = run("make", "--dry-run", "dev=", "cdktn", "ARGS=diff", cwd=moved)
    assert answer.stdout.splitlines()[-1].endswith("cdktn diff")
    assert answer.stderr == ""


def test_nothing_of_cdktf_is_left(moved: Path) -> None:
    for file in (*moved.glob("*.py"), *moved.glob("stacks/*.py"), *moved.glob("tests/*.py")):
        imports = re.findall(r"^\s*(?:from|import) cdktf\b.*", file.read_text(), re.MULTILINE)
        assert not imports, file
    assert "cdktf deploy" not in (moved / "Makefile").read_text()
    assert "cdktf.out/" in (moved / ".gitignore").read_text()


def test_the_style_is_kept(moved: Path) -> None:
    for command in (["check"], ["format", "--check"]):
        answer = run(sys.executable, "-m", "ruff", *command, "--quiet", "--no-cache", cwd=moved)
        assert (answer.returncode, answer.stdout) == (0, "")


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path, tmp_path / "file"):
        answer = run(sys.executable, "-m", "tools.cdk_terrain", str(folder))
        assert (answer.returncode, answer.stdout) == (1, "")
        assert answer.stderr == f"error: {folder} is not an empty folder\n"
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("file", "mine")]


def test_without_lock_files_there_is_no_copy(tmp_path: Path) -> None:
    unreachable = {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/", "UV_HTTP_RETRIES": "0"}
    command = (sys.executable, "-m", "tools.cdk_terrain", str(tmp_path / "copy"))
    answer = run(*command, env=os.environ | unreachable)
    assert answer.returncode == 1
    assert answer.stderr == (
        "error: the lock files cannot be renewed: the package index cannot be reached; "
        "the log is .local/log/cdktn.log\n"
    )
    assert list(tmp_path.iterdir()) == []
