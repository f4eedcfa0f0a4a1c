"""The wrapper of checkov: what it reports, and that nothing checked is never a pass."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.review.handmade import PLANS
from tools.review import checkov_gate

FAILED = {"check_id": "CKV_AWS_1", "resource": "aws_s3_bucket.b_1", "check_name": "Ensure it"}
REPORT = {"summary": {"passed": 3, "failed": 1, "parsing_errors": 0}, "results": {"failed_checks": [FAILED]}}
SUPPRESSED = '[CKV_AWS_1]\nresource = "*.b_*"\nreason = "why"\n'


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    path = tmp_path / "cdk.tf.json"
    path.write_text(json.dumps({"terraform": {"required_version": ">= 1.11.0"}, "resource": {}}))
    return path


@dataclass
class Gate:
    """Runs the wrapper over a checkov that answers `report`, and keeps what that was asked."""

    file: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    asked: list[list[str]] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

    def __call__(
        self, report: str, suppressed: str = "", status: int = 1, *options: str
    ) -> subprocess.CompletedProcess[str]:
        def checkov(words: list[str], **_: object) -> subprocess.CompletedProcess[str]:
            self.asked.append(words)
            self.read.append(Path(words[-1]).read_text())
            return subprocess.CompletedProcess(words, status, report, "")

        self.monkeypatch.setattr(subprocess, "run", checkov)
        rules = self.file.parent / "suppressed.toml"
        rules.write_text(suppressed)
        words = ["gate", "--python", "a python", "--suppressed", str(rules), *options, str(self.file)]
        self.monkeypatch.setattr(sys, "argv", words)
        returned = checkov_gate.main()
        return subprocess.CompletedProcess(words, returned, *self.capsys.readouterr())


@pytest.fixture
def run(stack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Gate:
    return Gate(stack, monkeypatch, capsys)


def test_checkov_reads_what_was_synthesized_without_what_it_cannot_read(run: Gate) -> None:
    result = run(json.dumps(REPORT))
    assert result.stderr == f"checkov: {run.file}\n"
    (words,) = run.asked
    assert words[:8] == ["a python", "-m", "checkov.main", "--skip-download", "--quiet", "--compact", "--output", "json"]  # fmt: skip  # noqa: E501
    assert words[8:11] == ["--framework", "terraform_json", "--file"]
    assert json.loads(run.read[0]) == {"terraform": {}, "resource": {}}


def test_checkov_reads_a_plan_as_it_is(run: Gate) -> None:
    run.file = run.file.rename(run.file.with_name("plan.json"))
    assert run(json.dumps(REPORT)).returncode == 1
    assert run.asked[0][8:] == ["--framework", "terraform_plan", "--file", str(run.file)]
    run.file.write_text("no JSON")
    result = run(json.dumps(REPORT))
    assert (result.returncode, result.stderr.splitlines()[-1]) == (2, f"error: {run.file}: not JSON")


def test_the_python_of_checkov_is_installed_beside_the_project(tmp_path: Path) -> None:
    assert Path(__file__).parents[2] / ".venv-checkov/bin/python" == checkov_gate.PYTHON
    with pytest.raises(checkov_gate.GateError, match=f"^{tmp_path}/missing: No such file or directory$"):
        checkov_gate.findings(PLANS / "drift.json", tmp_path / "missing")


def test_help_says_what_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys, "argv", ["gate", "--help"])
    with pytest.raises(SystemExit):
        checkov_gate.main()
    assert capsys.readouterr().out.replace(str(checkov_gate.ROOT), "") == snapshot


def test_an_interrupt_is_status_130(run: Gate) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    run.monkeypatch.setattr(checkov_gate, "findings", interrupted)
    assert run(json.dumps(REPORT)).returncode == 130


def test_a_finding_fails(run: Gate) -> None:
    result = run(json.dumps(REPORT))
    assert result.returncode == 1
    assert result.stdout == f"{run.file}: aws_s3_bucket.b_1: CKV_AWS_1 Ensure it\n"


def test_a_suppressed_finding_passes(run: Gate) -> None:
    result = run(json.dumps(REPORT), SUPPRESSED)
    assert (result.returncode, result.stdout) == (0, "")


def test_a_suppression_covers_its_resource_only(run: Gate) -> None:
    assert run(json.dumps(REPORT), SUPPRESSED.replace("*.b_*", "*.c_*")).returncode == 1


def test_a_suppression_of_nothing_fails(run: Gate) -> None:
    clean = {"summary": {"passed": 3, "failed": 0}, "results": {"failed_checks": []}}
    result = run(json.dumps(clean), SUPPRESSED, status=0)
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
def test_nothing_checked_is_an_error(run: Gate, report: str, status: int) -> None:
    result = run(report, status=status)
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("content", [None, "", "{", "[]"])
def test_an_unreadable_file_is_an_error(run: Gate, content: str | None) -> None:
    if content is None:
        run.file.unlink()
    else:
        run.file.write_text(content)
    assert run(json.dumps(REPORT), status=0).returncode == 2
