"""The targets of plans, run by make where there is nowhere to deploy to."""

import os
import subprocess
from pathlib import Path

import pytest

from settings import Settings
from tests.ci.stand_ins import Command
from tools.ci.stack import ROOT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "error: STATE_BUCKET is not set: "),
        ({"STATE_BUCKET": "team-state"}, "error: no AWS credentials: "),
    ],
    ids=["no bucket", "no credentials"],
)
@pytest.mark.parametrize("target", ["plan", "apply-plan", "drift"])
def test_without_a_target_it_stops_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, settings: dict[str, str], said: str
) -> None:
    terraform = Command("terraform", tmp_path, monkeypatch)
    terraform.answer("version *", '{"terraform_version": "1.11.4"}')
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and name not in Settings.rules()
    }
    nowhere = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDKTF_OUTDIR": str(tmp_path / "out"),
    }
    answer = subprocess.run(
        ["make", "--no-print-directory", target],
        cwd=ROOT,
        env=inherited | nowhere | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 2
    lines = [line for line in answer.stderr.splitlines() if not line.startswith(("make: ", "warning: "))]
    assert len(lines) == 1, answer.stderr
    assert lines[0].startswith(said)
    assert all(call.startswith("version") for call in terraform.calls())
