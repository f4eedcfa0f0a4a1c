"""The issue of a drift: opened, renewed, closed, and left alone when nothing is known."""

import json
from typing import Any

from tests.ci.stand_ins import REPOSITORY, Job, artifact, listing
from tools.ci import drift_issue

import pytest

pytestmark = pytest.mark.slow

TITLE = "Drift of order-pipeline-dev"
OPEN = {"number": 5, "title": TITLE, "user": {"login": "github-actions[bot]"}}


def renew(job: Job, drift: bool | None, *issues: dict[str, Any]) -> list[str]:
    """What is done with these open issues: the calls of `gh issue`."""
    found = f"api repos/{REPOSITORY}/actions/runs/77/artifacts?name=drift-dev&*"
    job.gh.answer(found, listing() if drift is None else listing({"id": 1}))
    files = {"drift.json": json.dumps({"drift": drift}), "review.md": "The drift.\n"}
    job.gh.answer(f"api repos/{REPOSITORY}/actions/artifacts/1/zip", artifact(files))
    listed = f"repos/{REPOSITORY}/issues?state=open&per_page=100"
    job.gh.answer(f"api --paginate --slurp {listed}", json.dumps([[], issues]))
    job.gh.answer("issue *", "")
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
