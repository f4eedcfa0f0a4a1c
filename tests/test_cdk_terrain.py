import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools import cdk_terrain

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The moved copy of this project."""
    folder = tmp_path_factory.mktemp("cdktn") / "a moved project"
    cdk_terrain.copy(folder)
    return folder


@pytest.fixture(scope="module")
def environment(moved: Path) -> dict[str, str]:
    """Where `moved` finds its packages: CDK Terrain's before those of this project."""
    folder = moved.with_name("packages")
    cdk_terrain.install(moved, folder)
    return os.environ | {"PYTHONPATH": str(folder)}


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


def test_unit_tests_pass(moved: Path, environment: dict[str, str]) -> None:
    # The CLI is not installed there, and there are no lock files, which make looks at.
    tests = ["tests/stacks", "tests/test_settings.py", "tests/test_synth.py", "-k", "not bytes and not make_"]
    command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", *tests]
    result = subprocess.run(command, cwd=moved, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_nothing_of_cdktf_is_left(moved: Path) -> None:
    for file in (*moved.glob("*.py"), *moved.glob("stacks/*.py"), *moved.glob("tests/*.py")):
        imports = re.findall(r"^\s*(?:from|import) cdktf\b.*", file.read_text(), re.MULTILINE)
        assert not imports, file
    assert "cdktf deploy" not in (moved / "Makefile").read_text()
    assert "cdktf.out/" in (moved / ".gitignore").read_text()


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    command = [sys.executable, "-m", "tools.cdk_terrain", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == f"error: {tmp_path} is not empty"
    assert (tmp_path / "file").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1
