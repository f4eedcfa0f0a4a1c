"""The issue of a drift: opened, renewed, closed, and left alone when nothing is known."""

import json
from typing import Any

import pytest

from tests.ci.stand_ins import REPOSITORY, STATE, Job, artifact, listing
from tools.ci import drift_issue

pytestmark = pytest.mark.slow

TITLE = "Drift of order-pipeline-dev"
OWN = {"full_name": REPOSITORY}
OPEN = {"number": 5, "title": TITLE, "user": {"login": "github-actions[bot]"}}


def renew(job: Job, drift: bool | None, *issues: dict[str, Any]) -> list[str]:
    """What is done with these open issues: the calls of `gh issue`."""
    found = f"api repos/{REPOSITORY}/actions/runs/77/artifacts?name=drift-dev&*"
    job.gh.answer(found, listing() if drift is None else listing({"id": 1}))
    files = {"drift.json": json.dumps({"drift": drift, **STATE}), "review.md": "The drift.\n"}
    job.gh.answer(f"api repos/{REPOSITORY}/actions/artifacts/1/zip", artifact(files))
    listed = f"repos/{REPOSITORY}/issues?state=open&per_page=100"
    job.gh.answer(f"api --paginate --slurp {listed}", json.dumps([[], issues]))
    job.gh.answer("issue *", "")
    pulls = f"api --paginate --slurp repos/{REPOSITORY}/pulls?state=open&base=main&per_page=100"
    job.gh.answer(
        pulls, json.dumps([[{"number": 12, "head": {"sha": "abc", "repo": OWN}, "base": {"repo": OWN}}]])
    )
    given = {"context": "fresh plan of dev", "state": "success", "target_url": "u"}
    given["description"] = "passed, made from state serial 40 of 1f0b8b1b"
    job.gh.answer(f"api repos/{REPOSITORY}/commits/abc/statuses?*", json.dumps([given]))
    job.gh.answer(f"api --silent repos/{REPOSITORY}/statuses/abc *", "")
    assert drift_issue.renew("dev") == 0
    return [call.partition("--body-file")[0].strip() for call in job.gh.calls() if call.startswith("issue")]


def test_a_drift_opens_an_issue(job: Job) -> None:
    assert renew(job, True) == [f"issue create --title={TITLE}"]
    assert job.gh.body == "The drift.\n"


def test_a_drift_renews_the_open_issue(job: Job) -> None:
    assert renew(job, True, OPEN) == ["issue edit 5"]
    assert job.gh.body == "The drift.\n"


def test_no_drift_closes_the_open_issue(job: Job) -> None:
    assert renew(job, False, OPEN) == ["issue close 5 --comment=No drift any more."]


def test_no_drift_and_no_issue_is_nothing_to_do(job: Job) -> None:
    assert renew(job, False) == []


@pytest.mark.parametrize(
    "other", [OPEN | {"title": "Drift of order-pipeline-prod"}, OPEN | {"user": {"login": "somebody"}}]
)
def test_other_issues_are_left_alone(job: Job, other: dict[str, Any]) -> None:
    assert renew(job, False, other) == []


def test_a_check_that_failed_leaves_the_issue_alone(job: Job) -> None:
    assert renew(job, None, OPEN) == []


@pytest.mark.parametrize("drift", [True, False, None])
def test_plans_of_another_state_are_marked_as_stale(job: Job, drift: bool | None) -> None:
    """As after a deployment by hand."""
    renew(job, drift)
    marked = [call for call in job.gh.calls() if "statuses/abc" in call and "state=failure" in call]
    assert len(marked) == (0 if drift is None else 1)
