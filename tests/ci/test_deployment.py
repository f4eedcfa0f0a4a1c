"""What is applied is what was reviewed: the plan of the pull request, or a new one that says the same."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.ci.stand_ins import (
    FAILS,
    REPOSITORY,
    STATE,
    Job,
    artifact,
    deployed,
    listing,
    no_deployment,
    plan_json,
    planned,
    review,
)
from tools.ci import deployment
from tools.ci.github import Stop
from tools.ci.stack import StackError

pytestmark = pytest.mark.slow

API = f"api repos/{REPOSITORY}"
COMMIT = "5" * 40
PULL_REQUEST = {
    "merge_commit_sha": COMMIT,
    "merged_at": "2026-11-24T10:00:00Z",
    "base": {"ref": "main"},
    "head": {"sha": "abc"},
}
MERGED = json.dumps([PULL_REQUEST])
TOLD = json.dumps(
    [
        {"context": "fresh plan of prod", "state": "success", "target_url": "https://e.com/actions/runs/6"},
        {"context": "fresh plan of dev", "state": "failure", "target_url": "https://e.com/actions/runs/7"},
        {"context": "fresh plan of dev", "state": "success", "target_url": "https://e.com/actions/runs/5"},
    ]
)
REVIEWED = plan_json("a")
OTHER = plan_json("a", "b")
PROTECTED = '{"protection_rules": [{"type": "branch_policy"}, {"type": "required_reviewers"}]}'
UNPROTECTED = '{"protection_rules": [{"type": "branch_policy"}]}'
LATER = STATE | {"serial": 42}


def pull_request(job: Job, review: Mapping[str, str] | None) -> None:
    """A merged pull request whose run left this review, where nothing is deployed yet."""
    no_deployment(job)
    job.gh.answer(f"{API}/commits/{COMMIT}/pulls", MERGED)
    job.gh.answer(f"{API}/commits/abc/statuses?*", TOLD)
    artifacts(job, "7", {"review-dev": review})


def artifacts(job: Job, run: str, given: Mapping[str, Mapping[str, str] | None]) -> None:
    for name, files in given.items():
        found = listing() if files is None else listing({"id": run})
        job.gh.answer(f"{API}/actions/runs/{run}/artifacts?name={name}&*", found)
        if files is not None:
            job.gh.answer(f"{API}/actions/artifacts/{run}/zip", artifact(files))


def terraform(job: Job, state: Mapping[str, Any], new_plan: Mapping[str, Any], *, review: int = 0) -> None:
    """Terraform on a stack with this state, for which it now plans this."""
    job.terraform.answer("init *", "")
    job.terraform.answer("state pull", json.dumps(state))
    new = job.folder / "new.tfplan"
    new.write_text(json.dumps(new_plan))
    status = 2 if new_plan["applyable"] else 0
    job.terraform.answer("plan *", "", then=f"cp '{new}' plan.tfplan; exit {status}")
    job.terraform.answer("show -json plan.tfplan", "", then="cat plan.tfplan; exit 0")
    job.terraform.answer("apply -input=false plan.tfplan", "")
    job.review.answer("plan.json @*", "", then=f"echo The new review.; exit {review}")


def has_planned(job: Job) -> bool:
    return any(call.startswith("plan ") for call in job.terraform.calls())


def protection(job: Job, answer: str | None) -> None:
    job.gh.answer(f"{API}/environments/dev", answer)


class TestCheck:
    @pytest.mark.parametrize(
        "state",
        [STATE, LATER, STATE | {"lineage": "another"}, {"lineage": "", "serial": 0}],
        ids=["the same", "serial", "lineage", "gone"],
    )
    def test_a_plan_of_mains_code_is_held_against_the_review(self, job: Job, state: dict[str, Any]) -> None:
        pull_request(job, review(REVIEWED))
        terraform(job, state, REVIEWED)
        assert deployment.check("dev") == 0
        assert has_planned(job)
        assert job.outputs == {"changes": "true", "question": "apply the reviewed plan of dev"}
        assert "The new review." in job.summary
        origin = json.loads((job.stack / "origin.json").read_text())
        assert (origin["lineage"], origin["serial"]) == (state["lineage"], state["serial"])

    def test_a_plan_file_of_the_pull_request_is_not_taken(self, job: Job) -> None:
        pull_request(job, planned(REVIEWED) | {"plan.tfplan": json.dumps(OTHER)})
        terraform(job, STATE, REVIEWED)
        assert deployment.check("dev") == 0
        assert json.loads((job.stack / "plan.tfplan").read_text()) == REVIEWED
        assert job.outputs["question"] == "apply the reviewed plan of dev"

    def test_the_provider_is_the_reviewed_one(self, job: Job) -> None:
        pull_request(job, review(REVIEWED))
        terraform(job, STATE, REVIEWED)
        deployment.check("dev")
        assert job.terraform.calls()[0] == "init -input=false -backend=true -lockfile=readonly"
        assert (job.stack / ".terraform.lock.hcl").read_text() == "# the provider\n"

    def test_a_reviewed_provider_that_the_code_refuses_is_asked_about(self, job: Job) -> None:
        pull_request(job, review(REVIEWED))
        job.terraform.answer("init * -lockfile=readonly", FAILS)
        terraform(job, STATE, REVIEWED)
        protection(job, PROTECTED)
        assert deployment.check("dev") == 0
        assert job.outputs["question"] == "apply NOT the reviewed plan of dev"
        assert "- the provider: not the version of the reviewed plan" in job.summary

    def test_another_plan_is_asked_about(self, job: Job, capsys: pytest.CaptureFixture[str]) -> None:
        pull_request(job, review(REVIEWED))
        terraform(job, LATER, OTHER)
        protection(job, PROTECTED)
        assert deployment.check("dev") == 0
        assert job.outputs == {"changes": "true", "question": "apply NOT the reviewed plan of dev"}
        assert "- aws_x.b: not in the reviewed plan" in job.summary
        assert job.summary.index("aws_x.b") < job.summary.index("The new review.")
        assert "::warning::Not the reviewed plan of dev: aws_x.b" in capsys.readouterr().out

    @pytest.mark.parametrize(
        "rules", [UNPROTECTED, "{}", FAILS], ids=["no reviewers", "no rules", "no answer"]
    )
    def test_another_plan_is_refused_where_nobody_is_asked(self, job: Job, rules: str | None) -> None:
        pull_request(job, review(REVIEWED))
        terraform(job, LATER, OTHER)
        protection(job, rules)
        with pytest.raises(Stop, match=r"not what was reviewed \(aws_x.b.*required reviewers.*pull request"):
            deployment.check("dev")
        assert "changes" not in job.outputs

    @pytest.mark.parametrize("reviewed", [plan_json(), REVIEWED], ids=["as reviewed", "not as reviewed"])
    def test_nobody_is_asked_when_there_is_nothing_to_apply(self, job: Job, reviewed: dict[str, Any]) -> None:
        pull_request(job, review(reviewed))
        terraform(job, STATE, plan_json())
        assert deployment.check("dev") == 0
        assert job.outputs == {"changes": "false"}
        assert "Nothing to apply to dev." in job.summary

    @pytest.mark.parametrize(
        ("status", "words"), [(3, "the review of the plan stops it"), (4, "the plan is of no use")]
    )
    def test_the_review_of_what_would_be_applied_stops_it(self, job: Job, status: int, words: str) -> None:
        pull_request(job, review(REVIEWED))
        terraform(job, STATE, REVIEWED, review=status)
        protection(job, PROTECTED)
        with pytest.raises(Stop, match=words):
            deployment.check("dev")
        assert "changes" not in job.outputs

    @pytest.mark.parametrize(
        "other",
        [
            {"merge_commit_sha": "6" * 40},
            {"merged_at": None},
            {"base": {"ref": "release"}},
        ],
        ids=["another merge", "not merged", "merged elsewhere"],
    )
    def test_a_commit_without_pull_request_is_refused(self, job: Job, other: dict[str, Any]) -> None:
        no_deployment(job)
        job.gh.answer(f"{API}/commits/{COMMIT}/pulls", "[]", json.dumps([PULL_REQUEST | other]))
        with pytest.raises(Stop, match="not the merge of a pull request"):
            deployment.check("dev")
        assert job.terraform.calls() == []

    @pytest.mark.parametrize("rules", [PROTECTED, UNPROTECTED], ids=["reviewers", "no reviewers"])
    @pytest.mark.parametrize(
        ("missing", "words"),
        [
            ("run", "the pull request has no plan"),
            ("artifacts", "its plan was not made, or has expired"),
            ("passed", "did not pass its review"),
            ("changes.json", "does not tell of a plan"),
        ],
    )
    def test_what_nobody_reviewed_is_asked_about(
        self, job: Job, missing: str, words: str, rules: str
    ) -> None:
        files = review(REVIEWED, passed=missing != "passed")
        files.pop(missing, None)
        if missing == "run":
            job.gh.answer(f"{API}/commits/abc/statuses?*", "[]")
        pull_request(job, None if missing == "artifacts" else files)
        terraform(job, LATER, REVIEWED)
        protection(job, rules)
        if rules is UNPROTECTED:
            with pytest.raises(Stop, match=words):
                deployment.check("dev")
        else:
            deployment.check("dev")
            assert job.outputs == {"changes": "true", "question": "apply NOT the reviewed plan of dev"}
            assert words in job.summary

    def test_answers_that_come_late_are_waited_for(self, job: Job) -> None:
        job.gh.answer(f"{API}/deployments?*", FAILS, "[]")
        job.gh.answer(f"{API}/commits/{COMMIT}/pulls", FAILS, "[]", MERGED)
        job.gh.answer(f"{API}/commits/abc/statuses?*", "[]", TOLD)
        found = f"{API}/actions/runs/7/artifacts?name=review-dev&*"
        job.gh.answer(found, listing(), FAILS, listing({"id": 1}))
        job.gh.answer(f"{API}/actions/artifacts/1/zip", FAILS, artifact(review(REVIEWED)))
        terraform(job, STATE, REVIEWED)
        deployment.check("dev")
        assert job.outputs["question"] == "apply the reviewed plan of dev"

    def test_terraform_gets_no_token(self, job: Job) -> None:
        pull_request(job, review(REVIEWED))
        seen = job.folder / "seen"
        job.terraform.answer("init *", "", then=f"echo \"${{GH_TOKEN-none}}\" > '{seen}'")
        terraform(job, STATE, REVIEWED)
        deployment.check("dev")
        assert seen.read_text() == "none\n"


class TestDeploy:
    def approved(self, job: Job, files: Mapping[str, str] | None) -> None:
        no_deployment(job)
        artifacts(job, "77", {"deploy-dev": files})

    def test_the_approved_plan_is_applied(self, job: Job) -> None:
        self.approved(job, planned(REVIEWED))
        terraform(job, STATE, OTHER)
        assert deployment.deploy("dev") == 0
        assert "apply -input=false plan.tfplan" in job.terraform.calls()
        assert json.loads((job.stack / "plan.tfplan").read_text()) == REVIEWED
        assert not has_planned(job)
        assert job.outputs == {"lineage": "1f0b8b1b", "serial": "41"}

    def test_a_stale_plan_that_says_the_same_is_made_again_and_applied(self, job: Job) -> None:
        self.approved(job, planned(REVIEWED))
        terraform(job, LATER, REVIEWED)
        assert deployment.deploy("dev") == 0
        assert job.terraform.calls()[-2:] == ["apply -input=false plan.tfplan", "state pull"]
        assert has_planned(job)
        assert job.outputs == {"lineage": "1f0b8b1b", "serial": "42"}

    def test_a_stale_plan_that_says_something_else_is_not_applied(self, job: Job) -> None:
        self.approved(job, planned(REVIEWED))
        terraform(job, LATER, OTHER)
        with pytest.raises(Stop, match=r"re-run all jobs of this run: .*aws_x\.b: not in the reviewed plan"):
            deployment.deploy("dev")
        assert not any(call.startswith("apply") for call in job.terraform.calls())
        assert job.outputs == {}

    def test_a_stale_plan_is_held_against_its_review_again(self, job: Job) -> None:
        self.approved(job, planned(REVIEWED))
        terraform(job, LATER, REVIEWED, review=3)
        with pytest.raises(Stop, match="the review of the plan stops it"):
            deployment.deploy("dev")

    def test_nothing_is_applied_when_there_is_nothing_left_to_apply(self, job: Job) -> None:
        self.approved(job, planned(REVIEWED))
        terraform(job, LATER, plan_json())
        assert deployment.deploy("dev") == 0
        assert not any(call.startswith("apply") for call in job.terraform.calls())

    def test_an_approval_that_came_too_late_is_asked_for_again(self, job: Job) -> None:
        self.approved(job, None)
        with pytest.raises(Stop, match="the approved plan has expired; re-run all jobs"):
            deployment.deploy("dev")

    @pytest.mark.parametrize("state_after", ["", "fails"], ids=["known", "unknown"])
    def test_an_apply_that_fails_still_tells_the_state_it_left(
        self, job: Job, state_after: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.approved(job, planned(REVIEWED))
        job.terraform.answer("apply *", FAILS)
        job.terraform.answer("state pull", json.dumps(STATE), FAILS if state_after else json.dumps(LATER))
        terraform(job, STATE, REVIEWED)
        with pytest.raises(Stop, match="terraform apply failed; when its cause is mended, re-run all jobs"):
            deployment.deploy("dev")
        if state_after:
            assert "the state's version is not known" in capsys.readouterr().out.lower()
        else:
            assert job.outputs == {"lineage": "1f0b8b1b", "serial": "42"}


class TestGoingBack:
    """What is deployed is not undone by the run of an older commit."""

    DEPLOYED = "7" * 40

    def ready(self, job: Job) -> None:
        pull_request(job, review(REVIEWED))
        artifacts(job, "77", {"deploy-dev": planned(REVIEWED)})
        terraform(job, STATE, REVIEWED)

    @pytest.mark.parametrize("step", [deployment.check, deployment.deploy])
    @pytest.mark.parametrize("stand", ["behind", "diverged"])
    def test_a_commit_without_what_is_deployed_is_refused(
        self, job: Job, step: Callable[[str], int], stand: str
    ) -> None:
        deployed(job, (self.DEPLOYED, "success"), stand=stand)
        self.ready(job)
        with pytest.raises(Stop, match="dev has a newer commit than this one"):
            step("dev")
        assert job.terraform.calls() == []

    @pytest.mark.parametrize("step", [deployment.check, deployment.deploy])
    @pytest.mark.parametrize(
        ("commit", "state", "stand"),
        [
            (DEPLOYED, "success", "ahead"),
            (DEPLOYED, "success", "identical"),
            (COMMIT, "success", "no answer"),
            (DEPLOYED, "failure", "behind"),
        ],
        ids=["newer", "the same", "itself", "never deployed"],
    )
    def test_another_is_not(
        self, job: Job, step: Callable[[str], int], commit: str, state: str, stand: str
    ) -> None:
        deployed(job, (commit, state), stand=stand)
        self.ready(job)
        assert step("dev") == 0

    def test_deployments_that_failed_are_passed_over(self, job: Job) -> None:
        """Such as those that nobody approved."""
        deployed(job, (COMMIT, "failure"), ("6" * 40, "in_progress"), (self.DEPLOYED, "success"))
        self.ready(job)
        with pytest.raises(Stop, match="newer commit"):
            deployment.check("dev")


def test_a_failing_terraform_is_an_error(job: Job) -> None:
    no_deployment(job)
    artifacts(job, "77", {"deploy-dev": planned(REVIEWED)})
    job.terraform.answer("init *", FAILS)
    with pytest.raises(StackError, match="terraform init failed"):
        deployment.deploy("dev")
