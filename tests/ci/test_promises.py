"""What docs/ci.md promises of the workflows; each promise is also seen to break by small changes of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tools.ci.stack import ROOT

FOLDER = ROOT / ".github/workflows"
TEXTS = {path.name: path.read_text() for path in sorted(FOLDER.glob("*.yml"))}
Block = dict[Any, Any]
# YAML 1.1 reads the word `on` as true.
ON = True

READ = {"contents": "read"}
# Of every job; one that is not here has no business in a workflow yet.
PERMISSIONS = {
    "apply.deploy": READ
    | {"actions": "read", "deployments": "read", "id-token": "write"}
    | {"pull-requests": "read", "statuses": "write"},
    "apply.environments": READ,
    "deploy.apply": READ | {"actions": "read", "deployments": "read", "id-token": "write"},
    "deploy.check": READ
    | {"actions": "read", "deployments": "read", "id-token": "write"}
    | {"pull-requests": "read", "statuses": "read"},
    "deploy.mark-stale": READ | {"pull-requests": "read", "statuses": "write"},
    "drift.drift": READ | {"id-token": "write"},
    "drift.environments": READ,
    "drift.issue": READ
    | {"actions": "read", "issues": "write", "pull-requests": "read", "statuses": "write"},
    "environments.read": READ,
    "plan.environments": READ,
    "plan.fork": READ,
    "plan.queue": READ | {"pull-requests": "read", "statuses": "write"},
    "plan.review": READ
    | {"actions": "read", "deployments": "read", "id-token": "write"}
    | {"pull-requests": "write", "statuses": "write"},
    "review.plan": READ | {"id-token": "write"},
    "review.publish": READ
    | {"actions": "read", "deployments": "read", "pull-requests": "write", "statuses": "write"},
    "test-lean.test-lean": READ,
    "test.handler": READ,
    "test.test": READ,
}


@cache
def _parsed(text: str) -> Block:
    content: Block = yaml.load(text, Loader=yaml.CSafeLoader)
    return content


class Workflows:
    """The workflows by the names of their files without `.yml`."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._all = {name.removesuffix(".yml"): _parsed(text) for name, text in texts.items()}

    def __getitem__(self, name: str) -> Block:
        return self._all[name]

    def job(self, name: str) -> Block:
        """By the workflow's name and the job's, with a dot between."""
        workflow, _, job = name.partition(".")
        found: Block = self._all[workflow]["jobs"][job]
        return found

    def jobs(self) -> dict[str, Block]:
        return {
            f"{workflow}.{name}": job
            for workflow, content in self._all.items()
            for name, job in content["jobs"].items()
        }

    def uses(self, action: str) -> Iterator[tuple[str, Block]]:
        """The names of jobs, and a step of theirs that uses this action."""
        for name, job in self.jobs().items():
            for step in job.get("steps", []):
                if step.get("uses", "").startswith(f"{action}@"):
                    yield name, step

    def runs(self, name: str) -> list[str]:
        return [step["run"] for step in self.job(name)["steps"] if "run" in step]


def artifact_of(workflows: Workflows, job: str, name: str) -> Block:
    [found] = [
        step
        for owner, step in workflows.uses("actions/upload-artifact")
        if owner == job and step["with"]["name"].startswith(f"{name}-")
    ]
    return found


def the_applied_provider_is_the_reviewed_one(workflows: Workflows) -> None:
    """Its lock file is in every artifact, hidden as it is, and no older one is left there."""
    for owner, name in (("review.plan", "review"), ("deploy.check", "deploy")):
        step = artifact_of(workflows, owner, name)
        assert any(path.endswith("/.terraform.lock.hcl") for path in step["with"]["path"].split())
        assert step["with"]["include-hidden-files"] is True
        assert step["with"]["overwrite"] is True


def what_a_pull_request_planned_is_not_applied(workflows: Workflows) -> None:
    """Its workflow is its own to change; a plan file brings configuration that no review shows."""
    uploaded = {
        name
        for name, step in workflows.uses("actions/upload-artifact")
        if "plan.tfplan" in step["with"]["path"]
    }
    assert uploaded == {"deploy.check"}
    assert artifact_of(workflows, "deploy.check", "deploy")["with"]["retention-days"] == 7


def a_review_is_kept_for_90_days(workflows: Workflows) -> None:
    step = artifact_of(workflows, "review.plan", "review")
    assert step["with"]["retention-days"] == 90
    # What its review stopped is shown, too.
    assert step["if"] == "${{ !cancelled() }}"


def an_attempt_that_fails_leaves_nothing_of_the_one_before(workflows: Workflows) -> None:
    """An artifact is written in its place: it always holds a file of the checkout."""
    for owner, name in (("review.plan", "review"), ("drift.drift", "drift")):
        step = artifact_of(workflows, owner, name)
        assert step["if"] == "${{ !cancelled() }}"
        assert step["with"]["overwrite"] is True
        assert any((ROOT / path).is_file() for path in step["with"]["path"].split())


def packages_are_installed_before_there_are_credentials(workflows: Workflows) -> None:
    for name in ("deploy.check", "deploy.apply"):
        steps = [step.get("run", step.get("uses", "")) for step in workflows.job(name)["steps"]]
        [credentials] = [step for step in steps if step.startswith("aws-actions/")]
        assert "make synth" in steps[: steps.index(credentials)]


def no_deployment_that_runs_is_cancelled(workflows: Workflows) -> None:
    for name in ("apply.deploy", "drift.drift"):
        assert workflows.job(name)["concurrency"]["cancel-in-progress"] is False
    for name in ("apply", "deploy", "drift"):
        assert "concurrency" not in workflows[name]
    for name in ("check", "apply", "mark-stale"):
        assert "concurrency" not in workflows.job(f"deploy.{name}")


def deployments_of_one_environment_wait_for_each_other(workflows: Workflows) -> None:
    assert workflows.job("apply.deploy")["concurrency"]["group"] == "apply-${{ matrix.environment }}"


def environments_do_not_wait_for_each_other(workflows: Workflows) -> None:
    for name, job in workflows.jobs().items():
        if "matrix" in str(job.get("concurrency", "")) or "matrix.environment" in str(job):
            assert job["strategy"]["fail-fast"] is False, name
    for name in ("apply.deploy", "plan.review"):
        assert workflows.job(name)["needs"] == "environments"


def a_merge_that_changes_nothing_asks_nobody(workflows: Workflows) -> None:
    assert workflows.job("deploy.apply")["if"] == "needs.check.outputs.changes == 'true'"
    assert workflows.job("deploy.check")["outputs"]["changes"] == "${{ steps.check.outputs.changes }}"
    assert artifact_of(workflows, "deploy.check", "deploy")["if"] == "steps.check.outputs.changes == 'true'"
    assert "environment" not in workflows.job("deploy.check")


def reviewers_are_asked_by_the_name_of_the_job(workflows: Workflows) -> None:
    job = workflows.job("deploy.apply")
    assert job["environment"] == "${{ inputs.environment }}"
    assert job["name"] == "${{ needs.check.outputs.question || 'apply' }}"
    assert workflows.job("deploy.check")["outputs"]["question"] == "${{ steps.check.outputs.question }}"


def what_is_applied_was_checked(workflows: Workflows) -> None:
    check, apply = workflows.job("deploy.check"), workflows.job("deploy.apply")
    assert apply["needs"] == "check"
    for name, job in {"check": check, "deploy": apply}.items():
        [step] = [step for step in job["steps"] if "tools.ci" in step.get("run", "")]
        assert step["run"] == f'python3 -m tools.ci {name} "$ENVIRONMENT_SUFFIX"'
        assert step["id"] == name
        assert not any(
            "continue-on-error" in step or step.get("if") for step in job["steps"] if "run" in step
        )


def a_deployment_marks_stale_plans(workflows: Workflows) -> None:
    """Also one that failed on its way, which has changed the state."""
    job = workflows.job("deploy.mark-stale")
    assert job["needs"] == "apply"
    assert job["if"] == "${{ !cancelled() && needs.apply.outputs.serial }}"
    [step] = [step for step in job["steps"] if "run" in step]
    assert step["run"] == 'python3 -m tools.ci mark-stale "$ENVIRONMENT"'
    for part in ("lineage", "serial"):
        assert step["env"][f"STATE_{part.upper()}"] == f"${{{{ needs.apply.outputs.{part} }}}}"
        outputs = workflows.job("deploy.apply")["outputs"]
        assert outputs[part] == f"${{{{ steps.deploy.outputs.{part} }}}}"


def only_the_approved_job_has_the_role_that_changes(workflows: Workflows) -> None:
    roles = {
        name: step["with"]["role-to-assume"]
        for name, step in workflows.uses("aws-actions/configure-aws-credentials")
    }
    assert roles == {
        "deploy.apply": "${{ vars.APPLY_ROLE_ARN }}",
        "deploy.check": "${{ vars[inputs.plan_role] }}",
        "drift.drift": "${{ vars[matrix.plan_role] }}",
        "review.plan": "${{ vars[inputs.plan_role] }}",
    }


def drift_is_looked_for_every_night(workflows: Workflows) -> None:
    [schedule] = workflows["drift"][ON]["schedule"]
    _, hour, *days = schedule["cron"].split()
    assert hour.isdecimal()
    assert days == ["*", "*", "*"]
    assert workflows.runs("drift.drift") == ["make drift"]
    # Of a drift that was found, and of a night that failed.
    issue = workflows.job("drift.issue")
    assert issue["if"] == "${{ !cancelled() && needs.drift.result != 'skipped' }}"
    assert workflows.runs("drift.issue") == ['python3 -m tools.ci drift-issue "$ENVIRONMENT"']


def a_job_has_the_rights_it_needs_and_no_others(workflows: Workflows) -> None:
    assert {name: job["permissions"] for name, job in workflows.jobs().items()} == PERMISSIONS
    for name in {name.partition(".")[0] for name in PERMISSIONS}:
        assert workflows[name]["permissions"] == {}


def no_checkout_leaves_its_token(workflows: Workflows) -> None:
    for name, step in workflows.uses("actions/checkout"):
        assert step["with"]["persist-credentials"] is False, name


def a_pull_request_gets_a_plan_a_comment_and_a_status(workflows: Workflows) -> None:
    assert workflows["plan"][ON].keys() == {"pull_request", "merge_group"}
    # Also one that gets main as its base, and not for an edited title.
    types = workflows["plan"][ON]["pull_request"]["types"]
    assert types == ["opened", "synchronize", "reopened", "edited"]
    edited = "github.event.action != 'edited' || github.event.changes.base"
    assert workflows.job("plan.environments")["if"] == edited
    assert workflows.job("plan.review")["uses"] == "./.github/workflows/review.yml"
    assert workflows.runs("review.plan") == ["make plan"]
    publish = workflows.job("review.publish")
    assert publish["needs"] == "plan"
    # Of a plan that failed, too.
    assert publish["if"] == "${{ !cancelled() }}"
    assert workflows.runs("review.publish") == ['python3 -m tools.ci publish "$ENVIRONMENT"']


def the_merge_queue_gets_the_status_alone(workflows: Workflows) -> None:
    queue = workflows.job("plan.queue")
    assert queue["if"] == "github.event_name == 'merge_group'"
    assert workflows.runs("plan.queue") == ['python3 -m tools.ci answer-queue "$ENVIRONMENT"']


def what_may_write_to_a_pull_request_runs_mains_code(workflows: Workflows) -> None:
    checkouts = dict(workflows.uses("actions/checkout"))
    for name in ("review.publish", "plan.queue"):
        assert checkouts[name]["with"]["ref"] == "main"


def a_fork_gets_no_credentials_and_is_told_so(workflows: Workflows) -> None:
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    assert workflows.job("plan.review")["if"] == own
    other = own.replace("==", "!=")
    assert workflows.job("plan.fork")["if"] == f"github.event_name == 'pull_request' && {other}"
    assert workflows.runs("plan.fork") == ["python3 -m tools.ci refuse-fork"]
    assert not any("pull_request_target" in workflows[name][ON] for name in ("plan", "test"))


def every_change_is_tested(workflows: Workflows) -> None:
    assert workflows["test"][ON].keys() == {"pull_request", "push", "merge_group"}
    assert workflows["test"][ON]["push"] == {"branches": ["main"]}
    assert workflows.runs("test.test") == ["make test"]
    assert workflows.job("test.handler")["strategy"]["matrix"]["node"] == [20, 22, 24]


def main_is_deployed(workflows: Workflows) -> None:
    assert workflows["apply"][ON] == {"push": {"branches": ["main"]}}
    for name in ("apply.deploy", "plan.review"):
        assert workflows.job(name)["with"] == {
            "environment": "${{ matrix.environment }}",
            "settings": "${{ toJSON(matrix.settings) }}",
            "plan_role": "${{ matrix.plan_role }}",
        }


def the_tool_has_what_github_does_not_set(workflows: Workflows) -> None:
    for name, job in workflows.jobs().items():
        for step in job.get("steps", []):
            if '"$ENVIRONMENT' not in step.get("run", ""):
                continue
            assert step["env"]["GH_TOKEN"] == "${{ github.token }}", name
            assert step["env"]["GH_REPO"] == "${{ github.repository }}", name
            if '"$ENVIRONMENT"' in step["run"]:
                matrix = "matrix" if "strategy" in job else "inputs"
                assert step["env"]["ENVIRONMENT"] == f"${{{{ {matrix}.environment }}}}", name


Promise = Callable[[Workflows], None]


@dataclass(frozen=True, kw_only=True)
class Change:
    """Of every place of a text in a file, and which promise that breaks."""

    file: str
    old: str
    new: str
    breaks: Promise

    def __str__(self) -> str:
        return f"{self.file}: {self.old!r} -> {self.new!r}"


def changes(file: str, breaks: Promise, *pairs: tuple[str, str]) -> list[Change]:
    return [Change(file=file, old=old, new=new, breaks=breaks) for old, new in pairs]


LOCK_FILE = ".environment }}/.terraform.lock.hcl"
CHANGES = [
    *changes(
        "review.yml",
        the_applied_provider_is_the_reviewed_one,
        ("include-hidden-files: true", "include-hidden-files: false"),
        ("          include-hidden-files: true\n", ""),
        (LOCK_FILE, ".environment }}/other"),
        ("overwrite: true", "overwrite: false"),
    ),
    *changes(
        "deploy.yml",
        the_applied_provider_is_the_reviewed_one,
        ("include-hidden-files: true", "include-hidden-files: false"),
        (LOCK_FILE, ".environment }}/other"),
    ),
    *changes(
        "review.yml",
        what_a_pull_request_planned_is_not_applied,
        ("/plan.log\n", "/plan.tfplan\n"),
    ),
    *changes(
        "deploy.yml",
        what_a_pull_request_planned_is_not_applied,
        ("retention-days: 7\n", "retention-days: 90\n"),
    ),
    *changes(
        "review.yml",
        a_review_is_kept_for_90_days,
        ("retention-days: 90\n", "retention-days: 7\n"),
        (
            "        if: ${{ !cancelled() }}\n        with:\n          name: review",
            "        with:\n          name: review",
        ),
    ),
    *changes(
        "review.yml",
        an_attempt_that_fails_leaves_nothing_of_the_one_before,
        ("            cdktf.json\n", ""),
        ("overwrite: true", "overwrite: false"),
    ),
    *changes(
        "drift.yml",
        an_attempt_that_fails_leaves_nothing_of_the_one_before,
        ("            cdktf.json\n", ""),
        (
            "        if: ${{ !cancelled() }}\n        with:\n          name: drift",
            "        with:\n          name: drift",
        ),
    ),
    *changes(
        "deploy.yml",
        packages_are_installed_before_there_are_credentials,
        ("      - run: make synth\n", ""),
    ),
    *changes(
        "apply.yml",
        no_deployment_that_runs_is_cancelled,
        ("cancel-in-progress: false", "cancel-in-progress: true"),
        ("permissions: {}\n", "permissions: {}\nconcurrency: {group: apply, cancel-in-progress: true}\n"),
    ),
    *changes(
        "deploy.yml",
        no_deployment_that_runs_is_cancelled,
        ("    needs: check\n", "    needs: check\n    concurrency: {group: x, cancel-in-progress: true}\n"),
    ),
    *changes(
        "apply.yml",
        deployments_of_one_environment_wait_for_each_other,
        ("group: apply-", "group: ${{ github.sha }}-"),
    ),
    *changes("apply.yml", environments_do_not_wait_for_each_other, ("fail-fast: false", "fail-fast: true")),
    *changes("plan.yml", environments_do_not_wait_for_each_other, ("fail-fast: false", "fail-fast: true")),
    *changes("drift.yml", environments_do_not_wait_for_each_other, ("      fail-fast: false\n", "")),
    *changes(
        "deploy.yml",
        a_merge_that_changes_nothing_asks_nobody,
        ("    if: needs.check.outputs.changes == 'true'\n", ""),
        ("        if: steps.check.outputs.changes == 'true'\n", ""),
        ("changes: ${{ steps.check.outputs.changes }}", "changes: 'true'"),
        ("    name: check\n", "    name: check\n    environment: ${{ inputs.environment }}\n"),
    ),
    *changes(
        "deploy.yml",
        reviewers_are_asked_by_the_name_of_the_job,
        ("name: ${{ needs.check.outputs.question || 'apply' }}", "name: apply"),
        ("    environment: ${{ inputs.environment }}\n", ""),
        ("question: ${{ steps.check.outputs.question }}", "question: apply"),
    ),
    *changes(
        "deploy.yml",
        what_is_applied_was_checked,
        ("    needs: check\n", ""),
        ("tools.ci check", "tools.ci deploy"),
        ("      - id: check\n", "      - id: check\n        continue-on-error: true\n"),
        ("      - id: deploy\n", "      - id: deploy\n        if: always()\n"),
    ),
    *changes(
        "deploy.yml",
        a_deployment_marks_stale_plans,
        ("if: ${{ !cancelled() && needs.apply.outputs.serial }}", "if: false"),
        ("!cancelled() && needs.apply.outputs.serial", "needs.apply.outputs.serial"),
        ("serial: ${{ steps.deploy.outputs.serial }}", "serial: 1"),
        ("STATE_LINEAGE: ${{ needs.apply.outputs.lineage }}", "STATE_LINEAGE: abc"),
    ),
    *changes(
        "deploy.yml",
        only_the_approved_job_has_the_role_that_changes,
        ("vars.APPLY_ROLE_ARN", "vars[inputs.plan_role]"),
        ("vars[inputs.plan_role]", "vars.APPLY_ROLE_ARN"),
    ),
    *changes(
        "review.yml",
        only_the_approved_job_has_the_role_that_changes,
        ("vars[inputs.plan_role]", "vars.APPLY_ROLE_ARN"),
    ),
    *changes(
        "drift.yml",
        drift_is_looked_for_every_night,
        ('"17 18 * * *"', '"17 18 1 1 *"'),
        ('"17 18 * * *"', '"17 18 * * 1"'),
        ("make drift", "make diff"),
        ("if: ${{ !cancelled() && needs.drift.result != 'skipped' }}", "if: false"),
    ),
    *changes(
        "review.yml",
        a_job_has_the_rights_it_needs_and_no_others,
        ("statuses: write", "statuses: read"),
        ("      contents: read\n      id-token: write", "      contents: write\n      id-token: write"),
        ("permissions: {}\n", "permissions: {contents: write}\n"),
    ),
    *changes("drift.yml", a_job_has_the_rights_it_needs_and_no_others, ("issues: write", "issues: read")),
    *changes(
        "deploy.yml",
        no_checkout_leaves_its_token,
        ("persist-credentials: false", "persist-credentials: true"),
    ),
    *changes(
        "plan.yml",
        a_pull_request_gets_a_plan_a_comment_and_a_status,
        ("  merge_group:\n    branches: [main]\n", ""),
        ("  pull_request:\n", "  pull_request_target:\n"),
        (", edited]", "]"),
        ("    if: github.event.action != 'edited' || github.event.changes.base\n", ""),
        ("workflows/review.yml", "workflows/deploy.yml"),
    ),
    *changes(
        "review.yml",
        a_pull_request_gets_a_plan_a_comment_and_a_status,
        ("    if: ${{ !cancelled() }}\n    runs-on", "    runs-on"),
        ("    needs: plan\n", ""),
        ("run: make plan", "run: make diff"),
    ),
    *changes(
        "plan.yml",
        the_merge_queue_gets_the_status_alone,
        ("if: github.event_name == 'merge_group'", "if: false"),
        ("answer-queue", "publish"),
    ),
    *changes(
        "review.yml",
        what_may_write_to_a_pull_request_runs_mains_code,
        ("          ref: main\n", ""),
        ("ref: main", "ref: ${{ github.head_ref }}"),
    ),
    *changes(
        "plan.yml",
        a_fork_gets_no_credentials_and_is_told_so,
        ("    if: github.event.pull_request.head.repo.full_name == github.repository\n", ""),
        ("full_name != github.repository", "full_name == github.repository"),
        ("tools.ci refuse-fork", "tools.ci environments"),
    ),
    *changes(
        "test.yml",
        every_change_is_tested,
        ("  pull_request:\n", ""),
        ("make test\n", "make check\n"),
        ("[20, 22, 24]", "[20]"),
    ),
    *changes(
        "apply.yml",
        main_is_deployed,
        ("branches: [main]", "branches: ['**']"),
        ("plan_role: ${{ matrix.plan_role }}", "plan_role: APPLY_ROLE_ARN"),
    ),
    *changes(
        "plan.yml",
        the_tool_has_what_github_does_not_set,
        ("          GH_TOKEN: ${{ github.token }}\n", ""),
        ("          GH_REPO: ${{ github.repository }}\n", ""),
        ("ENVIRONMENT: ${{ matrix.environment }}", "ENVIRONMENT: dev"),
    ),
    *changes(
        "deploy.yml",
        the_tool_has_what_github_does_not_set,
        ("ENVIRONMENT: ${{ inputs.environment }}", "X: y"),
    ),
]
PROMISES = list(dict.fromkeys(change.breaks for change in CHANGES))


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_kept(promise: Promise) -> None:
    promise(Workflows(TEXTS))


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_seen_to_be_broken(change: Change) -> None:
    changed = TEXTS[change.file].replace(change.old, change.new)
    assert changed != TEXTS[change.file]
    with pytest.raises((AssertionError, KeyError)):
        change.breaks(Workflows(TEXTS | {change.file: changed}))
