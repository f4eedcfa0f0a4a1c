"""Terraform and the project's commands at work on a local cloud of one test module's own."""

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from tests.iam.recorders import TerraformLog
from tools.local.cloud import ROOT, LocalCloud

Plan = dict[str, Any]

# Terraform and its provider end before it pays to look for garbage: a quarter of their CPU time.
WITHOUT_GARBAGE_COLLECTION = {"GOGC": "off", "GOMEMLIMIT": "1GiB"}


@contextlib.contextmanager
def running_cloud(
    name: str, *, function: dict[str, str] | None = None, **settings: str
) -> Iterator[LocalCloud]:
    """A local cloud whose environment, with these settings, is this process's until the end.

    Of its own, so that what is left in it in the end is the pipeline's. `function`: further variables for the
    pipeline's function, which starts with those of the cloud.
    """
    cloud = LocalCloud(ROOT / f".local-test-{os.getpid()}-{name}")
    try:
        with mock.patch.dict(os.environ, function or {}):
            cloud.start()
        environment = cloud.environment() | WITHOUT_GARBAGE_COLLECTION | settings
        with mock.patch.dict(os.environ, environment, clear=True):
            yield cloud
    finally:
        cloud.stop()


class Terraform:
    """Terraform in one folder; a failing command fails the test with what it said.

    With `logs`, by the names of roles, what a role does is recorded in its log.
    """

    def __init__(self, folder: Path, logs: dict[str, TerraformLog] | None = None) -> None:
        self.folder = folder
        self._logs = logs or {}

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command that `finish` waits for."""
        role = {"plan": "plan", "apply": "apply"}.get(arguments[0], "")
        recording = self._logs[role].environment if role in self._logs else {}
        # As CI plans: its role may not write the lock.
        unlocked = ["-lock=false"] if role == "plan" else []
        return subprocess.Popen(
            ["terraform", f"-chdir={self.folder}", *arguments, *unlocked],
            env=os.environ | recording,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process: subprocess.Popen[str], *, allowed: tuple[int, ...] = (0,)) -> str:
        """What the command said."""
        stdout, stderr = process.communicate()
        assert process.returncode in allowed, stdout + stderr
        return stdout + stderr

    def __call__(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
        return self.finish(self.begin(*arguments), allowed=allowed)

    def plan(self, *arguments: str) -> Plan:
        """The JSON of a plan, which stays in the folder as `plan.tfplan`; there has to be no warning."""
        said = self("plan", "-out=plan.tfplan", "-no-color", *arguments)
        assert "Warning" not in said, said
        return self.shown("plan.tfplan")

    def shown(self, *arguments: str) -> Plan:
        """The JSON of a plan, or of the state."""
        shown: Plan = json.loads(self("show", "-json", *arguments))
        return shown


def deployed(
    entry_point: str, folder: Path, logs: dict[str, TerraformLog] | None = None, **settings: str
) -> Terraform:
    """What an app of this project synthesizes, applied."""
    terraform = initialized(entry_point, folder, logs, **settings)
    terraform("apply", "-auto-approve", "-no-color")
    return terraform


def initialized(
    entry_point: str, folder: Path, logs: dict[str, TerraformLog] | None = None, **settings: str
) -> Terraform:
    synth(entry_point, **settings)
    terraform = Terraform(folder, logs)
    terraform("init", "-no-color")
    return terraform


def synth(entry_point: str, **settings: str) -> None:
    subprocess.run([sys.executable, entry_point], cwd=ROOT, env=os.environ | settings, check=True)


@contextlib.contextmanager
def changed(cloud: LocalCloud, **settings: str) -> Iterator[Path]:
    """The pipeline's JSON, synthesized with other settings, and as it was again in the end."""
    synth("main.py", **settings)
    try:
        yield cloud.stack_folder() / "cdk.tf.json"
    finally:
        synth("main.py")


def make(target: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--silent", target],
        cwd=ROOT,
        env=os.environ | settings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def status_when_allowed(stopped: subprocess.CompletedProcess[str], cloud: LocalCloud) -> int:
    """The status of the review when all is allowed that stopped it."""
    allowances = re.findall(r"\(once reviewed: (--allow=.*)\)", stopped.stderr)
    command = [sys.executable, "-m", "tools.review", cloud.stack_folder() / "plan.json", *allowances]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode
