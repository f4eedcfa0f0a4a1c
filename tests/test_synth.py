"""The entry points as a user runs them."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENTRY_POINTS = sorted(path.name for path in ROOT.glob("*.py") if "App()" in path.read_text(encoding="utf-8"))
PROJECT = (
    *ENTRY_POINTS,
    "interrupt.py",
    "names.py",
    "settings.py",
    "cdktf.json",
    "stacks",
    "lean_cdktf",
    "tools",
    "lambda",
)


def run(*command: str, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | {"CHECKPOINT_DISABLE": "1", "CI": "1"} | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture(scope="module")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What `python main.py` writes."""
    output = tmp_path_factory.mktemp("main")
    answer = run(sys.executable, "main.py", CDKTF_OUTDIR=str(output))
    assert answer.returncode == 0, answer.stderr
    assert any(name.endswith("order-pipeline-dev/cdk.tf.json") for name in files(output))
    return files(output)


@pytest.mark.slow
def test_same_bytes_in_any_folder_whatever_the_file_times(
    synthesized: dict[str, bytes], tmp_path: Path
) -> None:
    checkout = tmp_path / "a folder with spaces"
    checkout.mkdir()
    for name in PROJECT:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, checkout / name)
    os.utime(checkout / "lambda" / "order-processor" / "index.mjs", (0, 0))
    answer = run(sys.executable, "main.py", cwd=checkout)
    assert answer.returncode == 0, answer.stderr
    assert files(checkout / "cdktf.out") == synthesized


@pytest.mark.slow
def test_same_bytes_from_the_cdktf_cli(synthesized: dict[str, bytes], tmp_path: Path) -> None:
    output = os.path.relpath(tmp_path / "cli", ROOT)
    answer = run("cdktf", "synth", "--output", output)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert files(tmp_path / "cli") == synthesized


def test_importing_stacks_starts_nothing() -> None:
    code = "import sys, gc, os; before = dict(os.environ), gc.get_threshold(); import stacks; " + (
        "print(before == (dict(os.environ), gc.get_threshold()), {'jsii', 'lean_cdktf'} & sys.modules.keys())"
    )
    assert run(sys.executable, "-c", code).stdout == "True set()\n"


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_every_app_has_cdktf_start_quickly(entry_point: str) -> None:
    """Without the import an app works as well, and takes fifteen seconds of it."""
    module = ast.parse((ROOT / entry_point).read_text(encoding="utf-8"))
    imports = [ast.unparse(node) for node in module.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports.index("import lean_cdktf") < imports.index("from cdktf import App")


@pytest.mark.parametrize(
    "entry_point",
    [pytest.param(name, marks=[pytest.mark.slow] if name != "main.py" else []) for name in ENTRY_POINTS],
)
def test_bad_setting_is_one_line_and_status_2(entry_point: str, tmp_path: Path) -> None:
    answer = run(sys.executable, entry_point, CDKTF_OUTDIR=str(tmp_path), ENVIRONMENT_SUFFIX="Prod")
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr == (
        "error: ENVIRONMENT_SUFFIX is 'Prod': "
        "allowed is 1 to 20 of a-z, 0-9 and -, not starting or ending with -\n"
    )
    assert not files(tmp_path)


@pytest.mark.slow
def test_L1_deprecated_runtime_is_one_warning_line(tmp_path: Path) -> None:
    answer = run(sys.executable, "main.py", CDKTF_OUTDIR=str(tmp_path), LAMBDA_RUNTIME="nodejs20.x")
    assert answer.returncode == 0
    assert [line for line in answer.stderr.splitlines() if "warning" in line] == answer.stderr.splitlines()
    assert len(answer.stderr.splitlines()) == 1


def test_make_synth_looks_at_the_machine_before_it_writes() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    answer = subprocess.run(
        ["make", "--dry-run", "synth"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert 0 < answer.stdout.index("tools.setup.doctor --for install") < answer.stdout.index("main.py")
