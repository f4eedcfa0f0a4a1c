"""This project, and a small program in several styles of imports, against the stock bindings of AWS.

`make test-lean` has the other providers and styles.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lean_cdktf.programs import NODE, STYLES, Project
from tests.lean_cdktf.providers import PROGRAMS

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]

# Both in one process, as loading all of AWS takes long.
BOTH = """
import os, runpy, sys
runpy.run_path("main.py", run_name="__main__")
del os.environ["CDKTF_OUTDIR"]
os.chdir(sys.argv[1])
runpy.run_path("main.py", run_name="__main__")
"""


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """What the stock bindings make of this project and of the small program."""
    folder = tmp_path_factory.mktemp("stock")
    small = Project(folder / "small", STYLES["from module"])
    small.write(PROGRAMS["aws"])
    environment = {
        "NO_LEAN_BINDINGS": "1",
        "CDKTF_OUTDIR": str(folder / "out"),
        "JSII_NODE": str(NODE),
        "PYTHONPATH": str(CHECKOUT),
    }
    command = [sys.executable, "-c", BOTH, str(small.root)]
    subprocess.run(command, cwd=CHECKOUT, env=os.environ | environment, check=True, stdout=subprocess.DEVNULL)
    return {"project": files(folder / "out"), "small": files(small.root / "out")}


def test_this_project_synthesizes_the_same_bytes(stock: dict[str, dict[str, bytes]], tmp_path: Path) -> None:
    environment = os.environ | {"NO_LEAN_BINDINGS": "", "CDKTF_OUTDIR": str(tmp_path)}
    subprocess.run([sys.executable, "main.py"], cwd=CHECKOUT, env=environment, check=True)
    assert "cdk.tf.json" in {Path(name).name for name in stock["project"]}
    assert files(tmp_path) == stock["project"]


@pytest.mark.parametrize("style", ["from module", "package", "library outside", "standard input"])
def test_a_small_program_synthesizes_the_same_bytes(
    stock: dict[str, dict[str, bytes]], tmp_path: Path, style: str
) -> None:
    project = Project(tmp_path / "a project", STYLES[style])
    project.write(PROGRAMS["aws"])
    result = project.run()
    assert "stacks/stack/cdk.tf.json" in stock["small"]
    assert (result.status, result.files) == (0, stock["small"]), result.stderr
