"""What has to be on the machine before anything is deployed, with one clear line for what is missing."""

import argparse
import json
import platform
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

MINIMUM_TERRAFORM = (1, 11, 0)
AWS_PROVIDER = Path("registry.terraform.io/hashicorp/aws")
REGISTRY = "https://registry.terraform.io/.well-known/terraform.json"


class PrerequisiteError(Exception):
    """Something that the project cannot install itself is missing; the message is one line that says what."""


def check_ps() -> None:
    """Raise PrerequisiteError unless there is `ps`, by which the local cloud knows its servers again."""
    if shutil.which("ps") is None:
        raise PrerequisiteError("no ps on the PATH: the local cloud needs it (Debian's package procps)")


def check_terraform() -> None:
    """Raise PrerequisiteError unless a Terraform that this project works with is on the PATH."""
    minimum = ".".join(map(str, MINIMUM_TERRAFORM))
    if shutil.which("terraform") is None:
        raise PrerequisiteError(f"no terraform on the PATH: Terraform {minimum} or later is needed")
    answer = subprocess.run(
        ["terraform", "version", "-json"], capture_output=True, text=True, check=False
    ).stdout
    try:
        version = json.loads(answer[answer.index("{") :])["terraform_version"]
        numbers = tuple(int(number) for number in version.partition("-")[0].split("."))
    except (ValueError, KeyError):
        raise PrerequisiteError("the terraform on the PATH does not tell its version") from None
    if numbers < MINIMUM_TERRAFORM:
        raise PrerequisiteError(f"terraform on the PATH is {version}: {minimum} or later is needed")


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


def check_provider(mirror: Path | None) -> None:
    """Raise PrerequisiteError when neither `mirror` nor the Terraform registry has the AWS provider."""
    if mirror is not None:
        return
    try:
        urllib.request.urlopen(REGISTRY, timeout=10).close()
    except OSError as error:
        raise PrerequisiteError(
            f"no AWS provider: no filesystem mirror holds {AWS_PROVIDER} and the Terraform registry "
            f"does not answer ({error})"
        ) from None


def main() -> int:
    """Exit status 0 when Terraform is there, else 1 and a line on stderr."""
    argparse.ArgumentParser(
        prog="python -m tools.local.prerequisites",
        description="Check that the PATH has a Terraform that this project works with.",
        epilog="Exit status: 0 it has; 1 it has not.",
    ).parse_args()
    try:
        check_terraform()
    except PrerequisiteError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
