"""Planning, reviewing and the drift, with a Terraform that answers from files."""

import json
import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.ci.stand_ins import FAILS, STATE, Job, plan_json
from tools.ci import plan, stack
from tools.ci.__main__ import main
from tools.ci.stack import Origin, Planned, StackError, StateVersion
from tools.local.cloud import wait_until

pytestmark = pytest.mark.slow

SNIPPET = {"snippet": {"values": [{"traversal": "local.x", "statement": 'is "hunter2"'}]}}
WARNING: dict[str, Any] = {
    "severity": "warning",
    "summary": "Deprecated",
    "address": "aws_x.a",
    "detail": "Use\nanother.",
}
ERROR = {"severity": "error", "summary": "No such bucket", "detail": ""}


def terraform(job: Job, *diagnostics: dict[str, Any], status: int = 2, found: object = None) -> None:
    """A Terraform whose plan ends with this status and tells this."""
    job.terraform.answer("init *", "")
    job.terraform.answer("state pull", json.dumps(STATE))
    messages = [{"type": "version"}, *({"type": "diagnostic", "diagnostic": item} for item in diagnostics)]
    told = job.folder / "told"
    told.write_text("".join(json.dumps(message) + "\n" for message in messages) + "not JSON\n")
    job.terraform.answer("plan *", "", then=f"echo plan > plan.tfplan; cat '{told}'; exit {status}")
    job.terraform.answer("show -json plan.tfplan", json.dumps(plan_json("a") if found is None else found))
    job.review.answer("plan.json @*", "The review.\n")


def written(job: Job, name: str) -> Any:  # noqa: ANN401 (whatever the file holds)
    return json.loads((job.stack / name).read_text())


def test_a_plan_leaves_its_review_and_what_it_was_made_from(job: Job) -> None:
    terraform(job)
    assert plan.plan() == 0
    assert (job.stack / "review.md").read_text() == "The review.\n"
    assert job.summary == "The review.\n\n"
    planned = Planned.read(job.stack)
    assert planned.passed
    assert planned.origin.state == StateVersion("1f0b8b1b", 41)
    assert planned.origin.tree == stack.tree()
    assert planned.origin.run == "https://github.com/owner/name/actions/runs/77"
    assert [change["address"] for change in planned.changes] == ["aws_x.a"]


@pytest.mark.parametrize("status", [3, 4])
def test_the_review_decides_the_status(job: Job, status: int) -> None:
    job.review.answer("*", "", then=f"echo The review.; exit {status}")
    terraform(job)
    assert plan.plan() == status
    assert not Planned.read(job.stack).passed


def test_what_its_review_cannot_read_is_kept_as_not_passed(job: Job) -> None:
    job.review.answer("*", "", then="exit 4")
    terraform(job, found={"resource_changes": [7]})
    assert plan.plan() == 4
    assert written(job, "changes.json") == {"passed": False, "changes": []}


def test_the_state_is_read_before_the_plan_is_made(job: Job) -> None:
    """What changes in between makes the plan stale rather than fresh."""
    terraform(job)
    plan.plan()
    calls = [call.split()[0] for call in job.terraform.calls()]
    assert calls == ["init", "state", "plan", "show"]


def test_a_stack_that_was_never_deployed_has_a_state_of_its_own(job: Job) -> None:
    job.terraform.answer("state pull", "")
    terraform(job)
    plan.plan()
    assert Planned.read(job.stack).origin.state == StateVersion("", 0)


@pytest.mark.parametrize(("main", "days"), [("a" * 40, 90), ("", 7)], ids=["pull request", "main"])
def test_the_review_is_told_where_the_plan_comes_from(
    job: Job, monkeypatch: pytest.MonkeyPatch, main: str, days: int
) -> None:
    monkeypatch.setattr(stack, "_commits", lambda: ("b" * 40, main))
    terraform(job)
    plan.plan()
    last = datetime.fromisoformat(Origin.read(job.stack).made).date() + timedelta(days=days)
    [call] = job.review.calls()
    assert call.endswith(
        f" --log=plan.log --commit={'b' * 40} --base={main} --serial=41 "
        f"--run-url=https://github.com/owner/name/actions/runs/77 --valid-until={last}"
    )


def test_a_plan_of_unknown_origin_is_reviewed_too(job: Job) -> None:
    terraform(job)
    (job.stack / "plan.tfplan").touch()
    assert plan.review_plan() == 0
    [call] = job.review.calls()
    assert call == f"plan.json @{stack.ALLOWED}"


def test_warnings_are_shown_and_kept_for_the_review(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    terraform(job, WARNING | SNIPPET)
    plan.plan()
    assert written(job, "plan.log") == {"type": "diagnostic", "diagnostic": WARNING}
    assert "--log=plan.log" in job.review.calls()[0]
    assert "Warning: Deprecated (aws_x.a)\n  Use\n  another.\n" in capsys.readouterr().err


def test_a_plan_that_fails_says_why_and_leaves_no_older_plan(
    job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("plan.tfplan", "review.md", "changes.json", "origin.json", "plan.json", "plan.log"):
        (job.stack / name).write_text("old")
    terraform(job, WARNING, ERROR, status=1)
    with pytest.raises(StackError, match="terraform plan failed"):
        plan.plan()
    assert "Error: No such bucket\n" in capsys.readouterr().err
    assert list(job.stack.iterdir()) == []


def test_without_a_lock_file_the_provider_is_free_and_with_one_it_is_not(job: Job) -> None:
    terraform(job)
    plan.plan()
    (job.stack / ".terraform.lock.hcl").touch()
    plan.plan()
    inits = [call for call in job.terraform.calls() if call.startswith("init")]
    assert inits == [
        "init -input=false -backend=true",
        "init -input=false -backend=true -lockfile=readonly",
    ]


def test_a_review_of_a_plan_that_was_brought_needs_no_state(job: Job) -> None:
    terraform(job)
    (job.stack / "plan.tfplan").touch()
    assert plan.review_plan() == 0
    assert [call.split()[0] for call in job.terraform.calls()] == ["init", "show"]
    assert "-backend=false" in job.terraform.calls()[0]


def test_a_plan_that_terraform_refuses_to_apply_is_an_error(job: Job) -> None:
    terraform(job)
    (job.stack / "plan.tfplan").touch()
    job.terraform.answer("apply *", "", FAILS)
    assert plan.apply_plan() == 0
    with pytest.raises(StackError, match="terraform apply failed"):
        plan.apply_plan()


@pytest.mark.parametrize("given", ["", "-parallelism=3"])
@pytest.mark.parametrize("terminals", [(), ("stdout",), ("stderr",), ("stdout", "stderr")], ids=str)
def test_terraform_writes_no_color_but_to_a_terminal(
    job: Job, monkeypatch: pytest.MonkeyPatch, terminals: tuple[str, ...], given: str
) -> None:
    told = job.folder / "arguments"
    job.terraform.answer("*", FAILS, then=f"echo $TF_CLI_ARGS > '{told}'")
    monkeypatch.setenv("TF_CLI_ARGS", given)
    for name in terminals:
        monkeypatch.setattr(getattr(sys, name), "isatty", lambda: True, raising=False)
    with pytest.raises(StackError):
        plan.plan()
    assert told.read_text().split() == given.split() + ["-no-color"] * (len(terminals) < 2)


class TestDrift:
    def test_no_drift(self, job: Job) -> None:
        terraform(job, status=0)
        assert plan.drift() == 0
        assert written(job, "drift.json") == {"drift": False, **STATE}
        assert not (job.stack / "review.md").exists()

    @pytest.mark.parametrize("status", [0, 3])
    def test_a_drift_is_reviewed_and_no_failure(self, job: Job, status: int) -> None:
        job.review.answer("*", "", then=f"echo The drift.; exit {status}")
        terraform(job)
        assert plan.drift() == 0
        assert written(job, "drift.json") == {"drift": True, **STATE}
        assert (job.stack / "review.md").read_text() == "The drift.\n"

    @pytest.mark.parametrize("of", ["plan", "review"])
    def test_what_fails_tells_of_no_drift(self, job: Job, of: str) -> None:
        (job.stack / "drift.json").write_text("old")
        if of == "review":
            job.review.answer("*", "", then="exit 4")
        terraform(job, status=1 if of == "plan" else 2)
        if of == "plan":
            with pytest.raises(StackError):
                plan.drift()
        else:
            assert plan.drift() == 4
        assert not (job.stack / "drift.json").exists()


def test_the_tree_is_known_of_a_plan_of_a_pull_request(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.strip()

    git("init", "--initial-branch=main")
    git("commit", "--allow-empty", "--message=main")
    git("checkout", "-b", "topic")
    git("commit", "--allow-empty", "--message=topic")
    main_commit, head = git("rev-parse", "main"), git("rev-parse", "topic")
    git("checkout", "--detach", "main")
    git("merge", "--no-ff", "--message=merge", "topic")
    monkeypatch.setattr(stack, "ROOT", tmp_path)
    monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request")
    origin = Origin.now(StateVersion("a", 1))
    assert (origin.commit, origin.main) == (head, main_commit)
    monkeypatch.setenv("GITHUB_EVENT_NAME", "push")
    origin = Origin.now(StateVersion("a", 1))
    assert (origin.commit, origin.main) == (git("rev-parse", "HEAD"), "")


class TestCommand:
    def run(self, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["tools.ci", *arguments])
        return main()

    def test_a_failure_is_one_line_and_status_1(
        self, job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        job.terraform.answer("init *", FAILS)
        assert self.run(monkeypatch, "plan") == 1
        assert "::error::terraform init failed\n" in capsys.readouterr().out

    def test_without_a_synthesized_stack_it_says_what_to_do(
        self, job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (job.folder / "cdktf out/manifest.json").unlink()
        assert self.run(monkeypatch, "plan") == 1
        assert "does not name one stack: run make synth first" in capsys.readouterr().out

    def test_mark_stale_reads_the_state_that_the_apply_left(
        self, job: Job, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("STATE_LINEAGE", "abc")
        monkeypatch.setenv("STATE_SERIAL", "42")
        job.gh.answer("api --paginate *", "[[]]")
        assert self.run(monkeypatch, "mark-stale", "dev") == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_terraform_is_asked_once_and_waited_for(job: Job, number: int) -> None:
    """It would leave its lock otherwise, and forget what it has done."""
    told = job.folder / "told"
    job.terraform.answer("init *", "")
    job.terraform.answer(
        "apply *",
        "",
        then=f"trap \"echo asked >> '{told}'; sleep 1; echo released >> '{told}'; exit 1\" INT; "
        f"echo began >> '{told}'; while true; do sleep 0.05; done",
    )
    (job.stack / "plan.tfplan").touch()
    command = [sys.executable, "-m", "tools.ci", "apply-plan"]
    process = subprocess.Popen(
        command, cwd=stack.ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert wait_until(told.exists, seconds=60)
    # To all of a job, as a terminal does.
    os.killpg(process.pid, number)
    assert wait_until(lambda: "asked" in told.read_text(), seconds=60)
    os.killpg(process.pid, number)
    assert process.communicate()[1] == "interrupted\n"
    assert process.returncode == 130
    assert told.read_text().split() == ["began", "asked", "released"]


def test_python_alone_is_enough() -> None:
    """The jobs that install nothing run it with the runner's own Python."""
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        "import sys; sys.path.insert(0, '.'); import tools.ci.__main__",
    ]
    answer = subprocess.run(command, cwd=stack.ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
