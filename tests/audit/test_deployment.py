"""How a tool ends that cannot begin."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", [["history", "order-1"], ["redrive"], ["reconcile"]])
def test_no_credentials(command: list[str], tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    answer = subprocess.run(
        [sys.executable, "-m", "tools.audit", *command],
        cwd=ROOT,
        env=environment | {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 3
    assert answer.stderr == (
        "error: no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\n"
    )


def test_an_environment_that_is_not_there() -> None:
    program = """
from botocore.exceptions import ClientError
from tools.audit.deployment import end_with_status

def tool():
    raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "not found"}}, "Query")

end_with_status(tool)
"""
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"ENVIRONMENT_SUFFIX": "prd", "DEPLOY_REGION": "eu-west-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 3
    assert answer.stderr == (
        "error: An error occurred (ResourceNotFoundException) when calling the Query operation: not found: "
        "is the environment prd deployed, in eu-west-1?\n"
    )
