"""GitHub's answers: those that come late, those that fail, and what becomes of an artifact."""

from pathlib import Path

import pytest

from tests.ci.stand_ins import FAILS, REPOSITORY, Job, artifact, listing
from tools.ci import github

LISTED = f"api repos/{REPOSITORY}/actions/runs/7/artifacts?name=plan&per_page=100"


def test_a_call_that_fails_is_tried_again(job: Job) -> None:
    job.gh.answer("api x", FAILS, FAILS, "yes")
    assert github.gh("api", "x") == b"yes"


def test_a_call_that_always_fails_is_an_error_in_the_end(job: Job) -> None:
    job.gh.answer("api x", FAILS)
    with pytest.raises(github.GitHubError, match=r"gh api x: gh: no \(HTTP 502\)"):
        github.gh("api", "x")
    assert len(job.gh.calls()) == 1 + len(github.WAITS)


def test_an_answer_that_comes_late_is_waited_for_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("tools.ci.github.time.sleep", waited.append)
    answers: list[list[int]] = [[], [], [1]]
    assert github.until(lambda: answers.pop(0)) == [1]
    assert waited == list(github.WAITS[:2])
    waited.clear()
    assert github.until(list) == []
    assert waited == list(github.WAITS)


def test_the_newest_artifact_is_taken_of_several_attempts(job: Job, tmp_path: Path) -> None:
    old, new = ({"id": number, "created_at": f"2026-11-24T1{number}:00:00Z"} for number in (1, 2))
    expired = {"id": 3, "created_at": "2026-11-24T13:00:00Z", "expired": True}
    job.gh.answer(LISTED, listing(old, new, expired))
    job.gh.answer(f"api repos/{REPOSITORY}/actions/artifacts/2/zip", artifact({"a": "new"}))
    assert github.download_artifact("7", "plan", tmp_path / "to", ["a"])
    assert (tmp_path / "to/a").read_text() == "new"


@pytest.mark.parametrize("found", [listing(), listing({"id": 1, "expired": True})], ids=["none", "expired"])
def test_no_artifact_and_an_expired_one_are_none(job: Job, tmp_path: Path, found: str) -> None:
    job.gh.answer(LISTED, found)
    assert not github.download_artifact("7", "plan", tmp_path / "to", ["a"])
    assert not (tmp_path / "to").exists()


def test_only_files_with_an_expected_name_are_written(job: Job, tmp_path: Path) -> None:
    job.gh.answer(LISTED, listing({"id": 1}))
    files = {"../../a": "up", "/etc/b": "absolute", "cdk.tf.json": "code", "deep/c": "c"}
    job.gh.answer(f"api repos/{REPOSITORY}/actions/artifacts/1/zip", artifact(files))
    assert github.download_artifact("7", "plan", tmp_path / "x/y/to", ["a", "b", "c"])
    written = {path.relative_to(tmp_path / "x") for path in (tmp_path / "x").rglob("*") if path.is_file()}
    assert written == {Path("y/to/a"), Path("y/to/b"), Path("y/to/c")}


def test_an_annotation_is_one_line_there_and_plain_elsewhere(
    job: Job, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    github.annotate("error", "50%\nlost")
    assert capsys.readouterr().out == "::error::50%25%0Alost\n"
    monkeypatch.delenv("GITHUB_ACTIONS")
    github.annotate("error", "50%\nlost")
    assert capsys.readouterr().err == "error: 50%\nlost\n"


def test_an_output_cannot_bring_another(job: Job) -> None:
    github.output("name", "value\nother=forged")
    assert job.outputs == {"name": "value other=forged"}
