"""What an open pull request, and a group of the merge queue, is told of its plan."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.ci.stand_ins import FAILS, REPOSITORY, Job, artifact, listing, plan_json, planned
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
STATUS = f"api --silent repos/{REPOSITORY}/statuses"


def review(plan: Mapping[str, Any], *, passed: bool = True, **origin: object) -> dict[str, str]:
    files = planned(plan, passed=passed, **origin)
    files.pop("plan.tfplan")
    return files


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


class TestPublish:
    def pull_request(self, job: Job, files: Mapping[str, str] | None) -> None:
        job.event(PULL_REQUEST)
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
        newest = {"context": "fresh plan of dev", "state": state, "description": description}
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
    def mark(self, job: Job, *given: tuple[str, str], context: str = "fresh plan of dev") -> list[str]:
        """Mark pull requests whose newest statuses are these, when the state is at serial 42."""
        pulls = [{"number": number, "head": {"sha": f"{number}"}} for number in range(len(given))]
        pages = json.dumps([pulls[:1], pulls[1:]])
        listed = f"repos/{REPOSITORY}/pulls?state=open&base=main&per_page=100"
        job.gh.answer(f"api --paginate --slurp {listed}", pages)
        for number, (state, description) in enumerate(given):
            older = {"context": context, "state": "success", "description": "x", "target_url": "u"}
            newest = older | {"state": state, "description": description}
            other = older | {"context": "make test", "state": "success"}
            job.gh.answer(f"{API}/commits/{number}/statuses?*", json.dumps([other, newest, older]))
        job.gh.answer(f"{STATUS}/*", "")
        assert pull_request.mark_stale("dev", StateVersion("abc", 42)) == 0
        return statuses(job)

    def test_a_plan_of_another_state_is_stale(self, job: Job) -> None:
        old, fresh = (
            "passed, made from state serial {} of {}".format(*of) for of in ((41, "abc"), (42, "abc"))
        )
        other = "passed, made from state serial 42 of xyz"
        marked = self.mark(job, ("success", old), ("success", fresh), ("failure", old), ("success", other))
        stale = "state=failure context=fresh plan of dev description=stale, the state has changed since: "
        assert [status.split()[0] for status in marked] == ["0", "3"]
        assert all(stale in status and status.endswith("target_url=u") for status in marked)

    def test_a_plan_of_no_state_is_stale_after_the_first_deployment(self, job: Job) -> None:
        assert self.mark(job, ("success", "passed, made from state serial 0 of "))

    def test_pull_requests_without_this_status_are_left_alone(self, job: Job) -> None:
        assert self.mark(job, ("success", "serial 1"), context="fresh plan of prod") == []
