"""Copy the project to a folder, moved from CDKTF to CDK Terrain: see docs/cdk-terrain.md.

    python -m tools.cdk_terrain ../order-pipeline-cdktn

Copies what git tracks, as it is now. Names of CDKTF's files, folders and variables stay: CDK Terrain uses the
same. The lock files are renewed from PyPI and npm.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

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

# It knows both, as do its tests.
_UNCHANGED = (
    "CHANGELOG.md",
    "docs/cdk-terrain.md",
    "lean_cdktf/",
    "tests/lean_cdktf/",
    "tests/test_cdk_terrain.py",
    "tools/cdk_terrain.py",
)
_RENEWED = ("requirements.txt", "package-lock.json")


class MoveError(Exception):
    """The copy could not be made."""


def moved(name: str, text: str) -> str:
    """The text of a file of the project, for CDK Terrain."""
    if name.startswith(_UNCHANGED):
        return text
    for one, other in (_VERSIONS | _NAMES | _PROVIDER).items():
        text = re.sub(one, other, text)
    return text


def copy(folder: Path) -> None:
    """Write the moved copy, without its lock files. Raises MoveError if there is something in `folder`."""
    if folder.exists() and any(folder.iterdir()):
        raise MoveError(f"{folder} is not empty")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in listed.stdout.rstrip("\0").split("\0"):
        source, target = ROOT / name, folder / name
        if name in _RENEWED or not source.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
        try:
            text = source.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        target.write_text(moved(name, text), "utf-8")


def install(folder: Path, packages: Path) -> None:
    """Install what a moved copy needs besides this project's packages. Raises CalledProcessError."""
    project = (folder / "pyproject.toml").read_text("utf-8")
    needed = re.findall(r'"((?:cdktn|cdktn-provider-aws|constructs)==[\d.]+)"', project)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--no-compile", "--target", str(packages), *needed], check=True)


def renew_locks(folder: Path) -> None:
    """Write `requirements.txt` and `package-lock.json`. Raises MoveError."""
    lock = subprocess.run(["make", "lock"], cwd=folder, check=False, capture_output=True, text=True)
    if lock.returncode:
        raise MoveError(f"make lock: {lock.stderr.strip()}")


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
        print(f"Copying to {folder}", file=sys.stderr)
        copy(folder)
        print("Renewing the lock files", file=sys.stderr)
        renew_locks(folder)
    except KeyboardInterrupt:
        return 130
    except (MoveError, OSError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{folder} is the project on CDK Terrain: make test there, then docs/cdk-terrain.md")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
