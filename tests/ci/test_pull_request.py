"""What an open pull request, and a group of the merge queue, is told of its plan."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.ci.stand_ins import (
    FAILS,
    REPOSITORY,
    Job,
    artifact,
    deployed,
    listing,
    no_deployment,
    plan_json,
    review,
)
from tools.ci import pull_request
from tools.ci.github import GitHubError, Stop
from tools.ci.stack import StateVersion

pytestmark = pytest.mark.slow

API = f"api repos/{REPOSITORY}"
HEAD = "a" * 40
QUEUED = "b" * 40
PULL_REQUEST = {"pull_request": {"number": 12, "head": {"sha": HEAD}}}
MERGE_GROUP = {
    "merge_group": {
        "head_sha": QUEUED,
        "head_ref": f"refs/heads/gh-readonly-queue/main/pr-12-{'c' * 40}",
    }
}
BOT = {"login": "github-actions[bot]"}
MARKER = "<!-- plan of order-pipeline-dev -->"
RUN = "https://github.com/owner/name/actions/runs/77"
STATE = StateVersion("abc", 42)
STATUS = f"api --silent repos/{REPOSITORY}/statuses"


def run(job: Job, number: str, files: Mapping[str, str] | None) -> None:
    """A run that left this review."""
    found = listing() if files is None else listing({"id": f"1{number}"})
    job.gh.answer(f"{API}/actions/runs/{number}/artifacts?name=review-dev&*", found)
    if files is not None:
        job.gh.answer(f"{API}/actions/artifacts/1{number}/zip", artifact(files))


def comments(job: Job, *pages: list[dict[str, Any]]) -> None:
    job.gh.answer(
        f"api --paginate --slurp repos/{REPOSITORY}/issues/12/comments?per_page=100", json.dumps(pages)
    )
    job.gh.answer("api --silent --method=*", "")


def statuses(job: Job) -> list[str]:
    """The states and descriptions that were given to a commit."""
    found = [call for call in job.gh.calls() if call.startswith(STATUS)]
    return [call.removeprefix(f"{STATUS}/").replace("--raw-field=", "") for call in found]


def told(state: str, description: str, **more: str) -> dict[str, str]:
    return {"context": "fresh plan of dev", "state": state, "description": description} | more


class TestPublish:
    def pull_request(
        self, job: Job, files: Mapping[str, str] | None, *, head: str = HEAD, before: object = ()
    ) -> None:
        """One whose newest commit is `head`, and which was told `before` what its statuses say."""
        job.event(PULL_REQUEST)
        job.gh.answer(f"{API}/pulls/12", json.dumps({"head": {"sha": head}}))
        job.gh.answer(f"{API}/commits/{HEAD}/statuses?*", json.dumps(before))
        no_deployment(job)
        run(job, "77", files)
        comments(job, [])
        job.gh.answer(f"{STATUS}/*", "")
        assert pull_request.publish("dev") == 0

    def test_a_plan_that_passed(self, job: Job) -> None:
        self.pull_request(job, review(plan_json("a")))
        assert job.gh.body == f"{MARKER}\nThe review.\n"
        assert statuses(job) == [
            f"{HEAD} state=success context=fresh plan of dev "
            f"description=passed, made from state serial 41 of 1f0b8b1b target_url={RUN}"
        ]

    def test_a_plan_that_its_review_stops(self, job: Job) -> None:
        self.pull_request(job, review(plan_json("a"), passed=False))
        assert "The review." in job.gh.body
        assert "state=failure" in statuses(job)[0]
        assert "the review of the plan stops it" in statuses(job)[0]

    def test_no_plan(self, job: Job) -> None:
        self.pull_request(job, None)
        assert job.gh.body.startswith(f"{MARKER}\n### There is no plan of order-pipeline-dev\n")
        assert f"[the run]({RUN})" in job.gh.body
        assert "state=failure" in statuses(job)[0]
        assert "there is no plan" in statuses(job)[0]

    def test_a_description_fits_whatever_the_state(self, job: Job) -> None:
        self.pull_request(job, review(plan_json("a"), lineage="f" * 36, serial=10**9))
        description = statuses(job)[0].partition("description=")[2].partition(" target_url")[0]
        assert len(description) <= 140

    def test_the_comment_is_a_new_one_the_first_time(self, job: Job) -> None:
        self.pull_request(job, review(plan_json("a")))
        assert next(call for call in job.gh.calls() if "--method" in call).startswith(
            f"api --silent --method=POST repos/{REPOSITORY}/issues/12/comments "
        )

    def test_the_comment_of_this_environment_is_renewed(self, job: Job) -> None:
        comments(
            job,
            [
                {"id": 1, "user": {"login": "somebody"}, "body": f"{MARKER}\nforged"},
                {"id": 2, "user": BOT, "body": "<!-- plan of order-pipeline-prod -->"},
            ],
            [{"id": 3, "user": BOT, "body": f"{MARKER}\nold"}],
        )
        self.pull_request(job, review(plan_json("a")))
        written = [call for call in job.gh.calls() if "--method" in call]
        assert len(written) == 1
        assert written[0].startswith(f"api --silent --method=PATCH repos/{REPOSITORY}/issues/comments/3 ")

    def test_an_old_run_tells_nothing_of_newer_commits(self, job: Job) -> None:
        self.pull_request(job, review(plan_json("a")), head="d" * 40)
        assert statuses(job) == []
        assert not any("--method" in call for call in job.gh.calls())

    @pytest.mark.parametrize("main", ["e" * 40, ""], ids=["merged into main", "as it is"])
    @pytest.mark.parametrize("passed", [True, False])
    def test_a_plan_that_would_undo_what_is_deployed_is_not_shown(
        self, job: Job, passed: bool, main: str
    ) -> None:
        """As of a run that is run again after another pull request was deployed."""
        deployed(job, ("7" * 40, "success"))
        self.pull_request(job, review(plan_json("a"), passed=passed, main=main, commit=HEAD))
        assert any(call.endswith(f"...{main or HEAD}?per_page=1") for call in job.gh.calls())
        assert job.gh.body.startswith(f"{MARKER}\n### The plan of order-pipeline-dev is stale\n")
        [status] = statuses(job)
        assert "state=failure" in status
        assert "description=stale, more than its main is deployed by now: update the branch " in status

    @pytest.mark.parametrize(
        ("lineage", "serial", "state"),
        [
            ("1f0b8b1b", 42, "failure"),
            ("1f0b8b1b", 41, "success"),
            ("1f0b8b1b", 40, "success"),
            ("another", 42, "success"),
        ],
    )
    def test_a_plan_that_was_stale_before_it_was_told_of(
        self, job: Job, lineage: str, serial: int, state: str
    ) -> None:
        """A deployment has told of its state while the plan was made."""
        before = told("failure", f"stale, there is state serial {serial} of {lineage} now: update the branch")
        self.pull_request(job, review(plan_json("a")), before=[before])
        assert f"state={state}" in statuses(job)[0]

    def test_a_first_plan_is_stale_once_there_is_a_state(self, job: Job) -> None:
        before = told("failure", "stale, there is state serial 1 of 1f0b8b1b now: update the branch")
        self.pull_request(job, review(plan_json("a"), lineage="", serial=0), before=[before])
        assert "state=failure" in statuses(job)[0]

    def test_a_comment_that_cannot_be_written_is_an_error(self, job: Job) -> None:
        job.gh.answer("api --silent --method=*", FAILS)
        with pytest.raises(GitHubError, match="HTTP 502"):
            self.pull_request(job, review(plan_json("a")))


class TestMergeQueue:
    def queued(self, job: Job, *answers: str) -> str:
        """What the group is told when its pull request's statuses are these."""
        job.event(MERGE_GROUP)
        job.gh.answer(f"{API}/pulls/12", json.dumps({"head": {"sha": HEAD}}))
        job.gh.answer(f"{API}/commits/{HEAD}/statuses?*", *answers)
        job.gh.answer(f"{STATUS}/*", "")
        assert pull_request.answer_queue("dev") == 0
        [status] = statuses(job)
        return status

    def status(self, state: str, description: str) -> str:
        newest = told(state, description)
        other = {"context": "fresh plan of prod", "state": "pending", "description": "x"}
        older = newest | {"state": "pending", "description": "old"}
        return json.dumps([other, newest, older])

    @pytest.mark.parametrize("state", ["success", "failure"])
    def test_a_group_is_told_what_its_pull_request_was_told(self, job: Job, state: str) -> None:
        status = self.queued(job, self.status(state, "what it is"))
        assert status.startswith(
            f"{QUEUED} state={state} context=fresh plan of dev description=what it is target_url={RUN}"
        )

    def test_a_status_that_comes_late_is_waited_for(self, job: Job) -> None:
        assert "state=success" in self.queued(job, "[]", self.status("success", "passed"))

    @pytest.mark.parametrize("state", ["pending", "error"])
    def test_a_pull_request_that_has_not_passed_fails(self, job: Job, state: str) -> None:
        assert "state=failure" in self.queued(job, self.status(state, "x"))

    def test_a_pull_request_without_a_plan_fails(self, job: Job) -> None:
        status = self.queued(job, "[]")
        assert "state=failure" in status
        assert "there is no plan" in status

    def test_a_group_of_no_pull_request_is_an_error(self, job: Job) -> None:
        job.event({"merge_group": {"head_sha": QUEUED, "head_ref": "refs/heads/other"}})
        with pytest.raises(Stop, match="refs/heads/other does not tell a pull request"):
            pull_request.answer_queue("dev")


class TestMarkStale:
    def mark(
        self,
        job: Job,
        *given: list[dict[str, str]] | None,
        state: StateVersion = STATE,
        status: int = 0,
        repository: str | None = REPOSITORY,
    ) -> list[str]:
        """Mark pull requests with these statuses, the newest first; None when GitHub does not tell."""
        head = {"repo": {"full_name": repository} if repository else None}
        pulls = [
            {
                "number": number,
                "head": head | {"sha": f"{number}"},
                "base": {"repo": {"full_name": REPOSITORY}},
            }
            for number in range(len(given))
        ]
        pages = json.dumps([pulls[:1], pulls[1:]])
        listed = f"repos/{REPOSITORY}/pulls?state=open&base=main&per_page=100"
        job.gh.answer(f"api --paginate --slurp {listed}", pages)
        for number, found in enumerate(given):
            answer = FAILS if found is None else json.dumps(found)
            job.gh.answer(f"{API}/commits/{number}/statuses?*", answer)
        job.gh.answer(f"{STATUS}/*", "")
        assert pull_request.mark_stale("dev", state) == status
        return statuses(job)

    @pytest.mark.parametrize(
        ("state", "description", "is_stale"),
        [
            ("success", "passed, made from state serial 41 of abc", True),
            ("success", "passed, made from state serial 42 of abc", False),
            ("success", "passed, made from state serial 43 of abc", False),
            ("success", "passed, made from state serial 42 of xyz", True),
            ("success", "passed, made from state serial 0", True),
            ("failure", "stale, there is state serial 41 of abc now: update the branch", True),
            ("failure", "stale, there is state serial 42 of abc now: update the branch", False),
            ("failure", "the review of the plan stops it: see the comment", True),
        ],
    )
    def test_a_plan_of_an_older_state_is_stale(
        self, job: Job, state: str, description: str, is_stale: bool
    ) -> None:
        older = told("success", "passed, made from state serial 42 of abc", target_url="u")
        newest = told(state, description, target_url="https://e.com/actions/runs/7")
        marked = self.mark(job, [newest | {"context": "make test"}, newest, older])
        expected = (
            "0 state=failure context=fresh plan of dev "
            "description=stale, there is state serial 42 of abc now: update the branch "
            "target_url=https://e.com/actions/runs/7"
        )
        assert marked == [expected] * is_stale

    def test_a_plan_that_is_under_way_is_stale_when_it_comes(self, job: Job) -> None:
        assert len(self.mark(job, [], [told("success", "x") | {"context": "fresh plan of prod"}])) == 2

    @pytest.mark.parametrize("repository", ["somebody/name", None], ids=["fork", "deleted fork"])
    def test_a_fork_has_no_plan(self, job: Job, repository: str | None) -> None:
        assert self.mark(job, [], repository=repository) == []

    def test_before_there_is_a_state_its_first_plans_are_fresh(self, job: Job) -> None:
        fresh = told("success", "passed, made from state serial 0")
        assert self.mark(job, [fresh], state=StateVersion("", 0)) == []

    def test_one_that_cannot_be_told_does_not_keep_it_from_the_others(
        self, job: Job, capsys: pytest.CaptureFixture[str]
    ) -> None:
        marked = self.mark(job, [], None, [], status=1)
        assert [status.split()[0] for status in marked] == ["0", "2"]
        assert "::error::#1: gh api" in capsys.readouterr().out
