"""The wrapper of checkov: what it reports, and that nothing checked is never a pass."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FAILED = {"check_id": "CKV_AWS_1", "resource": "aws_s3_bucket.b_1", "check_name": "Ensure it"}
REPORT = {"summary": {"passed": 3, "failed": 1, "parsing_errors": 0}, "results": {"failed_checks": [FAILED]}}
SUPPRESSED = '[CKV_AWS_1]\nresource = "*.b_*"\nreason = "why"\n'


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    path = tmp_path / "cdk.tf.json"
    path.write_text(json.dumps({"terraform": {"required_version": ">= 1.11.0"}, "resource": {}}))
    return path


def run(stack: Path, report: str, suppressed: str = "", status: int = 1) -> subprocess.CompletedProcess[str]:
    """Run the wrapper over a checkov that answers `report`, and with status 9 to a file it could not read."""
    checkov = stack.parent / "checkov"
    checkov.write_text(
        f"""#!/usr/bin/env python3
import json, sys
from pathlib import Path
file = Path(sys.argv[sys.argv.index("--file") + 1])
assert "--skip-download" in sys.argv
if file.name.endswith(".tf.json") and "required_version" in json.loads(file.read_text())["terraform"]:
    sys.exit(9)
print({report!r})
sys.exit({status})
"""
    )
    checkov.chmod(0o755)
    (stack.parent / "suppressed.toml").write_text(suppressed)
    command = [sys.executable, "-m", "tools.review.checkov_gate", "--python", str(checkov)]
    command += ["--suppressed", str(stack.parent / "suppressed.toml"), str(stack)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_finding_fails(stack: Path) -> None:
    result = run(stack, json.dumps(REPORT))
    assert result.returncode == 1
    assert result.stdout == f"{stack}: aws_s3_bucket.b_1: CKV_AWS_1 Ensure it\n"


def test_a_suppressed_finding_passes(stack: Path) -> None:
    result = run(stack, json.dumps(REPORT), SUPPRESSED)
    assert (result.returncode, result.stdout) == (0, "")


def test_a_suppression_covers_its_resource_only(stack: Path) -> None:
    assert run(stack, json.dumps(REPORT), SUPPRESSED.replace("*.b_*", "*.c_*")).returncode == 1


def test_a_suppression_of_nothing_fails(stack: Path) -> None:
    clean = {"summary": {"passed": 3, "failed": 0}, "results": {"failed_checks": []}}
    result = run(stack, json.dumps(clean), SUPPRESSED, status=0)
    assert result.returncode == 1
    assert result.stdout == "checkov.toml: CKV_AWS_1 suppresses nothing\n"


@pytest.mark.parametrize(
    ("report", "status"),
    [
        (json.dumps({"passed": 0, "failed": 0, "resource_count": 0}), 0),
        (json.dumps({**REPORT, "summary": {"passed": 0, "failed": 0}}), 0),
        (json.dumps({**REPORT, "summary": {"passed": 3, "failed": 0, "parsing_errors": 1}}), 0),
        (json.dumps(REPORT), 2),
        ("[]", 0),
        ("", 0),
        ("Traceback", 1),
    ],
)
def test_nothing_checked_is_an_error(stack: Path, report: str, status: int) -> None:
    result = run(stack, report, status=status)
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("content", [None, "", "{", "[]"])
def test_an_unreadable_file_is_an_error(stack: Path, content: str | None) -> None:
    if content is None:
        stack.unlink()
    else:
        stack.write_text(content)
    assert run(stack, json.dumps(REPORT), status=0).returncode == 2
