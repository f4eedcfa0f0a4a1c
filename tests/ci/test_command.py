"""What the command says, in one line, when it is run where it cannot work."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ci.stand_ins import Job
from tools.ci import environments, github
from tools.ci.__main__ import JOBS, MORE_VARIABLES, main
from tools.ci.stack import ROOT

SOURCE = Path(github.__file__).parent
NOTHING = "GH_REPO, GH_TOKEN, GITHUB_EVENT_PATH, GITHUB_REF_NAME, GITHUB_REPOSITORY, GITHUB_RUN_ID, "


@pytest.fixture
def job(job: Job, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job with every variable, on a machine that is not GitHub's."""
    monkeypatch.delenv("GITHUB_ACTIONS")
    monkeypatch.setenv("STATE_SERIAL", "42")
    return job


Said = Callable[..., str]


@pytest.fixture
def said(job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """What a command that fails says: its one line on stderr."""

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["tools.ci", *arguments])
        assert main() == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        [line] = captured.err.splitlines()
        return line

    return run


NEEDED = [
    (name, variable) for name in JOBS for variable in (*github.VARIABLES, *MORE_VARIABLES.get(name, ()))
]


@pytest.mark.parametrize(("name", "variable"), NEEDED)
def test_a_variable_of_github_that_is_missing_is_named(
    job: Job, said: Said, monkeypatch: pytest.MonkeyPatch, name: str, variable: str
) -> None:
    expected = f"error: {name} is a job of a workflow, and {variable} is not set"
    monkeypatch.setenv(variable, "")
    assert said(name, "dev") == expected
    monkeypatch.delenv(variable)
    assert said(name, "dev") == expected
    # Before anything is done.
    assert job.gh.calls() == job.terraform.calls() == []


def test_all_that_are_missing_are_named_at_once(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*github.VARIABLES, *MORE_VARIABLES["mark-stale"]):
        monkeypatch.delenv(variable)
    assert said("mark-stale", "dev") == (
        f"error: mark-stale is a job of a workflow, and {NOTHING}GITHUB_SERVER_URL, GITHUB_SHA, "
        "STATE_SERIAL are not set"
    )


def test_no_other_variable_is_needed() -> None:
    text = "\n".join(path.read_text() for path in SOURCE.glob("*.py"))
    needed = set(re.findall(r"environ\[\"(\w+)\"\]", text)) - {"TF_CLI_ARGS"}
    assert needed <= {variable for _, variable in NEEDED}
    assert len(needed) > 5


@pytest.mark.parametrize("name", JOBS)
def test_an_environment_that_is_not_in_the_file_is_told_which_are(job: Job, said: Said, name: str) -> None:
    names = ", ".join(json.loads(environments.FILE.read_bytes()))
    assert said(name, "nope") == (
        f"error: ENVIRONMENT is 'nope': allowed is what .github/environments.json names: {names}"
    )
    assert job.gh.calls() == []


@pytest.mark.parametrize("name", ["publish", "answer-queue"])
def test_in_a_workflow_a_pull_request_may_bring_a_new_environment(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """It is told by main's code, which does not know of it."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setattr(sys, "argv", ["tools.ci", name, "new"])
    assert main() == 1
    assert "which tells of no" in capsys.readouterr().out


def test_in_a_workflow_a_deployment_knows_its_environment(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setattr(sys, "argv", ["tools.ci", "deploy", "nope"])
    assert main() == 1
    assert capsys.readouterr().out.startswith("::error::ENVIRONMENT is 'nope': allowed is ")


@pytest.mark.parametrize("payload", [None, {}, [], {"push": {}}], ids=str)
@pytest.mark.parametrize(("name", "kind"), [("publish", "pull_request"), ("answer-queue", "merge_group")])
def test_an_event_of_another_kind(job: Job, said: Said, name: str, kind: str, payload: object) -> None:
    if payload is not None:
        job.event(payload)
    path = str(job.folder / "event.json")
    assert said(name, "dev") == f"error: GITHUB_EVENT_PATH is {path!r}, which tells of no {kind}"


def test_a_serial_that_is_no_number(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_SERIAL", "x")
    assert said("mark-stale", "dev") == (
        "error: STATE_SERIAL is 'x': allowed is the serial of a state, a number"
    )


@pytest.mark.parametrize("missing", ["a plan", "a stack"])
@pytest.mark.parametrize("name", ["review-plan", "apply-plan"])
def test_without_a_plan_it_says_what_makes_one(job: Job, said: Said, name: str, missing: str) -> None:
    if missing == "a stack":
        (job.folder / "cdktf out/manifest.json").unlink()
    assert said(name) == "error: there is no plan: make plan makes one"
    assert job.terraform.calls() == []


@pytest.mark.parametrize(
    ("name", "program"),
    [("plan", "terraform is not on the PATH"), ("deploy", "gh, the command of GitHub, is not")],
)
def test_a_program_that_is_missing(
    said: Said, monkeypatch: pytest.MonkeyPatch, name: str, program: str
) -> None:
    monkeypatch.setenv("PATH", "")
    assert program in said(*((name, "dev") if name in JOBS else (name,)))


def test_a_pull_request_from_a_fork_is_told_how_it_gets_a_plan(said: Said) -> None:
    assert said("refuse-fork").startswith(
        "error: There is no plan of a pull request from a fork, which gets no "
    )
    assert "(docs/ci.md)" in said("refuse-fork")
    assert "\n## Pull requests from forks\n" in (ROOT / "docs/ci.md").read_text()
