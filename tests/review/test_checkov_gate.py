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
        def checkov(words: list[str], **how: object) -> subprocess.CompletedProcess[str]:
            assert how == {"stdin": subprocess.DEVNULL, "capture_output": True, "check": False}
            self.asked.append(words)
            self.read.append(Path(words[-1]).read_text())
            return subprocess.CompletedProcess(words, status, report, "")

        self.monkeypatch.setattr(subprocess, "run", checkov)
        rules = self.file.parent / "suppressed.toml"
        rules.write_text(suppressed)
        options = options or ("--suppressed", str(rules))
        words = ["gate", "--python", "a python", *options, str(self.file)]
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
    assert Path(words[11]).name == "main.tf.json"
    assert words[8:11] == ["--framework", "terraform_json", "--file"]
    assert json.loads(run.read[0]) == {"terraform": {}, "resource": {}}


def test_checkov_reads_a_plan_as_it_is(run: Gate) -> None:
    run.file = run.file.rename(run.file.with_name("plan.json"))
    assert run(json.dumps(REPORT)).returncode == 1
    assert run.asked[0][8:] == ["--framework", "terraform_plan", "--file", str(run.file)]
    run.file.write_text("no JSON")
    result = run(json.dumps(REPORT))
    assert (result.returncode, result.stderr.splitlines()[-1]) == (2, f"error: {run.file}: not JSON")


def test_the_suppressions_are_those_of_the_project(run: Gate) -> None:
    run.monkeypatch.setattr(checkov_gate, "ROOT", run.file.parent)
    (run.file.parent / "checkov.toml").write_text(SUPPRESSED)
    assert run(json.dumps(REPORT), "", 1, "--python", "other").returncode == 0
    assert run.asked[0][0] == "other"


def test_it_is_a_process_that_ends_with_its_status() -> None:
    words = [sys.executable, "-m", "tools.review.checkov_gate", "missing"]
    result = subprocess.run(words, capture_output=True, check=False)
    assert (result.returncode, result.stderr.splitlines()[-1]) == (
        2,
        b"error: missing: No such file or directory",
    )


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


@pytest.mark.parametrize("summary", [{"passed": 0, "failed": 1}, {"passed": 1}, {"failed": 1}])
def test_one_check_is_enough_to_have_checked(run: Gate, summary: dict[str, int]) -> None:
    assert run(json.dumps({**REPORT, "summary": summary})).returncode == 1


NOTHING = "checkov checked nothing in it"
NO_REPORT = "checkov ended with status {} and no report"


@pytest.mark.parametrize(
    ("report", "status", "words"),
    [
        (json.dumps({"passed": 0, "failed": 0, "resource_count": 0}), 0, NOTHING),
        (json.dumps({**REPORT, "summary": {"passed": 0, "failed": 0}}), 0, NOTHING),
        (json.dumps({**REPORT, "summary": {"passed": 3, "failed": 0, "parsing_errors": 1}}), 0, NOTHING),
        (json.dumps(REPORT), 2, NO_REPORT),
        ("[]", 0, NO_REPORT),
        ("", 0, NO_REPORT),
        ("Traceback", 1, NO_REPORT),
    ],
)
def test_nothing_checked_is_an_error(run: Gate, report: str, status: int, words: str) -> None:
    result = run(report, status=status)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"checkov: {run.file}\nerror: {run.file}: {words.format(status)}\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file or directory"),
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
    ],
)
def test_an_unreadable_file_is_an_error(run: Gate, content: str | None, words: str) -> None:
    if content is None:
        run.file.unlink()
    else:
        run.file.write_text(content)
    result = run(json.dumps(REPORT), status=0)
    assert (result.returncode, result.stderr.splitlines()[-1]) == (2, f"error: {run.file}: {words}")
