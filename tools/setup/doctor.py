"""What has to be on the machine, each thing with its version or with what there is to do.

Standard library only: it runs before any package is installed.
"""

import argparse
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from tools.console.program import run_tool

ROOT = Path(__file__).parents[2]
MINIMUM_PYTHON = (3, 11)
MINIMUM_TERRAFORM = (1, 11, 0)
AWS_PROVIDER = Path("registry.terraform.io/hashicorp/aws")
REGISTRY = "https://registry.terraform.io/.well-known/terraform.json"
# With all packages of make test it is 1.7 GB, a third of that for make local.
NEEDED_BYTES = {"installed": 200_000_000, "new": 2_000_000_000}
INDEX_SECONDS = 20

Checks = Mapping[str, Callable[[], str]]


class PrerequisiteError(Exception):
    """Something that the project cannot install itself is missing; the message is one line that says what."""


def check_python() -> str:
    """The version. Raises PrerequisiteError unless this Python can make a virtual environment."""
    if sys.version_info < MINIMUM_PYTHON:
        minimum = ".".join(map(str, MINIMUM_PYTHON))
        raise PrerequisiteError(f"Python {minimum} or later is needed, this is {platform.python_version()}")
    if not _is_installed() and find_spec("ensurepip") is None:
        raise PrerequisiteError("this Python cannot make environments: install Debian's package python3-venv")
    return f"{platform.python_version()} ({sys.executable})"


def check_command(name: str, *, package: str, purpose: str) -> str:
    """The first line of what the command says of its version. Raises PrerequisiteError when it is missing."""
    if shutil.which(name) is None:
        raise PrerequisiteError(f"no {name} on the PATH: {purpose} (Debian's package {package})")
    return (_answer(name, "--version").splitlines() or ["there"])[0]


def _answer(*command: str) -> str:
    """What a command writes. Raises PrerequisiteError when this machine cannot run it."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "CHECKPOINT_DISABLE": "1"},
        ).stdout
    except OSError as error:
        raise PrerequisiteError(f"{shutil.which(command[0])} cannot be run: {error.strerror}") from None


def check_make() -> str:
    return check_command("make", package="make", purpose="it is the interface of this project")


def check_git() -> str:
    return check_command("git", package="git", purpose="make plan notes the commit that it planned")


def check_ps() -> str:
    return check_command("ps", package="procps", purpose="the local cloud knows its servers again by it")


def check_terraform() -> str:
    """The version. Raises PrerequisiteError unless one that this project works with is on the PATH."""
    minimum = ".".join(map(str, MINIMUM_TERRAFORM))
    if shutil.which("terraform") is None:
        raise PrerequisiteError(f"no terraform on the PATH: Terraform {minimum} or later is needed")
    answer = _answer("terraform", "version", "-json")
    try:
        version: str = json.loads(answer[answer.index("{") :])["terraform_version"]
        numbers = tuple(int(number) for number in version.partition("-")[0].split("."))
    except (ValueError, KeyError, AttributeError):
        raise PrerequisiteError("the terraform on the PATH does not tell its version") from None
    if numbers < MINIMUM_TERRAFORM:
        raise PrerequisiteError(f"terraform on the PATH is {version}: {minimum} or later is needed")
    return version


def mirror_folders() -> list[Path]:
    """Terraform's own plugin directories, and the folders directly below /opt.

    See https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories.
    """
    return [
        Path.home() / ".terraform.d/plugins",
        Path("/usr/local/share/terraform/plugins"),
        Path("/usr/share/terraform/plugins"),
        *sorted(Path("/opt").glob("*/")),
    ]


def find_provider_mirror() -> Path | None:
    """The first filesystem mirror that holds the AWS provider for this machine, if there is one."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    provider = f"{AWS_PROVIDER}/**/*{platform.system().lower()}_{machine}*"
    return next((folder for folder in mirror_folders() if any(folder.glob(provider))), None)


def check_provider(mirror: Path | None) -> str:
    """Where it is. Raises PrerequisiteError when neither `mirror` nor the Terraform registry has it."""
    if mirror is not None:
        return f"in the filesystem mirror {mirror}"
    import urllib.request  # noqa: PLC0415 a third of what starting this takes

    try:
        urllib.request.urlopen(REGISTRY, timeout=10).close()
    except OSError as error:
        raise PrerequisiteError(
            f"no AWS provider: no filesystem mirror holds {AWS_PROVIDER} and the Terraform registry "
            f"does not answer ({error})"
        ) from None
    return "from the Terraform registry"


def check_folder() -> str:
    """Raises PrerequisiteError unless this folder can be written to."""
    try:
        with tempfile.TemporaryFile(dir=ROOT) as file:
            file.write(b"x" * 4096)
    except OSError as error:
        raise PrerequisiteError(f"{ROOT} cannot be written to: {error.strerror}") from None
    return "can be written to"


def check_disk() -> str:
    """The space that is free. Raises PrerequisiteError when it is less than the packages take."""
    free = shutil.disk_usage(ROOT).free
    needed = NEEDED_BYTES["installed" if _is_installed() else "new"]
    if free < needed:
        raise PrerequisiteError(
            f"{free / 1e9:.1f} GB of disk space are free: {needed / 1e9:.1f} GB are needed in {ROOT}"
        )
    return f"{free / 1e9:.0f} GB free, {needed / 1e9:.1f} GB needed"


def check_ports() -> str:
    """Raises PrerequisiteError unless a server can listen on this machine's own address."""
    try:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
    except OSError as error:
        raise PrerequisiteError(f"no server can listen on 127.0.0.1: {error.strerror}") from None
    return "whichever are free on 127.0.0.1"


def check_python_index() -> str:
    """Raises PrerequisiteError when packages are to be installed and pip, as it is configured, gets none."""
    if _is_installed():
        return "not needed: the packages are installed"
    pip = next((Path(folder) for folder in _pip_folders() if Path(folder).exists()), None)
    if pip is None:
        return "not tried: pip comes with the environment"
    lock_file = (ROOT / "requirements.txt").read_text()
    requirement = next(line.split()[0] for line in lock_file.splitlines() if line.startswith("constructs=="))
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["download", "--quiet", "--no-deps", "--retries=0", "--dest", folder, requirement]
        try:
            answer = subprocess.run(
                [sys.executable, "-m", "pip", *arguments],
                env={**os.environ, "PYTHONPATH": str(pip)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=INDEX_SECONDS,
                check=False,
            )
            reached = answer.returncode == 0
        except subprocess.TimeoutExpired:
            reached = False
    if not reached:
        raise PrerequisiteError(
            "pip gets no package from its index: is there a network? pip config list says where it looks"
        )
    return "pip gets packages from its index"


def _pip_folders() -> list[str]:
    """Where Python brings pip along, from which it makes environments."""
    import ensurepip  # noqa: PLC0415 Debian may lack it

    bundled = Path(ensurepip.__file__).with_name("_bundled").glob("pip-*.whl")
    return [str(wheel) for wheel in [*bundled, *Path("/usr/share/python-wheels").glob("pip-*.whl")]]


def check_node_index() -> str:
    """Raises PrerequisiteError when packages are to be installed and npm, as it is configured, gets none."""
    npm = ROOT / ".venv/bin/npm"
    if any((ROOT / "node_modules").glob(".*l*")):
        return "not needed: the packages are installed"
    if not npm.exists():
        return "not tried: npm comes with the Python packages"
    try:
        answer = subprocess.run(
            [npm, "ping", "--fetch-retries=0"],
            cwd=ROOT,
            env={**os.environ, "PATH": f"{npm.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=INDEX_SECONDS,
            check=False,
        )
        reached = answer.returncode == 0
    except subprocess.TimeoutExpired:
        reached = False
    if not reached:
        raise PrerequisiteError(
            "npm does not reach its registry: is there a network? npm config get registry says where it is"
        )
    return "npm reaches its registry"


def _is_installed() -> bool:
    """Whether packages are there already, for whichever target."""
    return any((ROOT / ".venv" / marker).exists() for marker in (".runtime", ".local", ".installed"))


INSTALLING: Checks = {"Python": check_python, "folder": check_folder, "disk": check_disk}
DEPLOYING: Checks = {"Terraform": check_terraform}
LOCAL: Checks = {
    "ps": check_ps,
    "AWS provider": lambda: check_provider(find_provider_mirror()),
    "ports": check_ports,
}
REST: Checks = {
    "make": check_make,
    "git": check_git,
    "Python packages": check_python_index,
    "Node.js packages": check_node_index,
}
PURPOSES: Mapping[str, Checks] = {
    "install": INSTALLING,
    "deploy": {**INSTALLING, **DEPLOYING},
    "local": {**INSTALLING, **DEPLOYING, **LOCAL},
}


def main() -> int:
    """Exit status 0 when nothing is missing, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.setup.doctor",
        description="Check what this machine has; with --for say only what is missing for one purpose.",
        epilog="Exit status: 0 nothing is missing; 1 something is; 130 interrupted.",
    )
    parser.add_argument("--for", dest="purpose", choices=PURPOSES, help="what it is wanted for")
    purpose = parser.parse_args().purpose
    try:
        return 0 if _all_found(purpose) else 1
    except OSError as error:
        # Python would try to write once more, and complain, when it ends.
        sys.stdout = None
        if not isinstance(error, BrokenPipeError):
            print(f"error: the output cannot be written: {error.strerror}", file=sys.stderr)
        return 1


def _all_found(purpose: str | None) -> bool:
    """Say what is there and what is missing, for a purpose only the latter; whether nothing is."""
    missing = False
    for name, check in (PURPOSES[purpose] if purpose else {**PURPOSES["local"], **REST}).items():
        try:
            found = check()
        except PrerequisiteError as error:
            missing = True
            if purpose:
                print(f"error: {error}", file=sys.stderr)
            else:
                print(f"missing  {name:18}{error}", flush=True)
        else:
            if not purpose:
                print(f"ok       {name:18}{found}", flush=True)
    return not missing


if __name__ == "__main__":
    sys.exit(run_tool(main))
