"""Copy the project to a folder, moved from CDKTF to CDK Terrain: see docs/cdk-terrain.md.

    python -m tools.cdk_terrain ../order-pipeline-cdktn

Copies what git tracks, as it is now. Names of CDKTF's files, folders and variables stay: CDK Terrain uses the
same. The lock files are renewed from PyPI and npm; of all other packages they keep the versions. There is a
copy only when all of it is made.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools.console.child import Command, run
from tools.console.program import run_tool
from tools.console.steps import Steps
from tools.setup.install import LOGS, cause

ROOT = Path(__file__).parents[1]
LOG = LOGS / "cdktn.log"

# Which versions belong together is in the dependencies of the provider.
_VERSIONS = {
    r'"cdktf==[\d.]+"': '"cdktn==0.24.0"',
    r'"cdktf-cdktf-provider-aws==[\d.]+"': '"cdktn-provider-aws==25.8.1"',
    r'"constructs==[\d.]+"': '"constructs==10.7.2"',
    r'"cdktf-cli": "[\d.]+"': '"cdktn-cli": "0.24.0"',
}
_NAMES = {
    "cdktf_cdktf_provider_aws": "cdktn_provider_aws",
    r"cdktf-cdktf-provider-aws\b": "cdktn-provider-aws",
    r"cdktf-cli\b": "cdktn-cli",
    # The package and the command, but neither cdktf.json, cdktf.out nor lean_cdktf.
    r"(?<![\w./-])cdktf(?!\\?\.(?:json|out)\b)(?![\w/-])": "cdktn",
}
# Terraform's provider as the bindings name it, in tests and snapshots.
_PROVIDER = {r'"source": "aws"': '"source": "hashicorp/aws"'}
# The target that makes the copy, whose name is there that of the CLI's.
_MAKEFILE = {r"\.PHONY: cdktn\n(?:.+\n)+\n": ""}

# It knows both, as do its tests.
_UNCHANGED = (
    "CHANGELOG.md",
    "docs/cdk-terrain.md",
    "lean_cdktf/",
    "tests/lean_cdktf/",
    "tests/test_cdk_terrain.py",
    "tools/cdk_terrain.py",
)
# As they are, they tell uv and npm which versions to keep.
LOCK_FILES = ("requirements.txt", "requirements-local.txt", "requirements-dev.txt", "package-lock.json")


class MoveError(Exception):
    """The copy could not be made."""


def moved(name: str, text: str) -> str:
    """The text of a file of the project, for CDK Terrain."""
    if name.startswith(_UNCHANGED) or name in LOCK_FILES:
        return text
    if name == "Makefile":
        text = _replaced(_MAKEFILE, text)
    return _replaced(_VERSIONS | _NAMES | _PROVIDER, text)


def _replaced(replacements: Mapping[str, str], text: str) -> str:
    for one, other in replacements.items():
        text = re.sub(one, other, text)
    return text


def make_copy(folder: Path, steps: Steps) -> None:
    """Write the moved copy with its lock files. Raises MoveError, also if there is something in `folder`."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise MoveError(f"{folder} is not an empty folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside it, whence it comes to its place in one step.
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as scratch:
        unfinished = Path(scratch) / "copy"
        with steps.step("Copy"):
            copy(unfinished)
            arrange(unfinished)
        with steps.step("Lock files"):
            renew_locks(unfinished)
        unfinished.rename(folder)


def copy(folder: Path) -> None:
    """Write the moved copy to a new folder, with lock files that are still those of CDKTF."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in listed.stdout.rstrip("\0").split("\0"):
        source, target = ROOT / name, folder / name
        if not source.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
        try:
            text = source.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        target.write_text(moved(name, text), "utf-8")


def arrange(folder: Path) -> None:
    """Break lines anew, and sort imports, where names are longer now. Raises CalledProcessError."""
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "--quiet", "--no-cache", "--select=I", "--fix"], cwd=folder, check=True)
    subprocess.run([*ruff, "format", "--quiet", "--no-cache"], cwd=folder, check=True)


def renew_locks(folder: Path) -> None:
    """Have the lock files of a copy be those of CDK Terrain. Raises MoveError."""
    # By this project's uv and npm: for `make lock` alone the copy would first install what is not locked yet.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    LOG.unlink(missing_ok=True)
    command = Command(
        arguments=["make", "--no-print-directory", "lock", "dev="],
        log=LOG,
        cwd=folder,
        env=os.environ | {"PATH": path},
    )
    if run(command) != 0:
        raise MoveError(f"the lock files cannot be renewed: {cause(LOG)}")


def install(folder: Path, packages: Path) -> None:
    """Install what a moved copy needs besides this project's packages. Raises CalledProcessError."""
    project = (folder / "pyproject.toml").read_text("utf-8")
    needed = re.findall(r'"((?:cdktn|cdktn-provider-aws|constructs)==[\d.]+)"', project)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--no-compile", "--target", str(packages), *needed], check=True)


def main() -> int:
    """Exit status 0 when done, 1 with the reason when there can be no copy, 130 when interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.cdk_terrain",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="where the copy goes: a new folder, or an empty one")
    folder = parser.parse_args().folder
    try:
        with Steps() as steps:
            make_copy(folder, steps)
    except KeyboardInterrupt:
        print("interrupted: there is no copy", file=sys.stderr)
        return 130
    except (MoveError, OSError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{folder} is the project on CDK Terrain: make test there, then docs/cdk-terrain.md")
    return 0


if __name__ == "__main__":
    sys.exit(run_tool(main))
