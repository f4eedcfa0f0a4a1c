"""What the workflows rely on in the project: settings, files, commands."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

import names
from settings import Settings
from tools.ci.__main__ import COMMANDS, JOBS
from tools.ci.stack import PLAN_DAYS, PLAN_FILES, REVIEW_DAYS, ROOT

Job = dict[str, Any]

FOLDER = ROOT / ".github/workflows"
TEXTS = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.yml"))}
WORKFLOWS: dict[str, dict[Any, Any]] = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
ALL_JOBS = {
    f"{workflow}.{name}": job
    for workflow, content in WORKFLOWS.items()
    for name, job in content["jobs"].items()
}
# YAML 1.1 reads the word `on` as true.
ON = True
STACK = f"cdktf.out/stacks/{names.stack_id('ENVIRONMENT')}/"


def scripts(job: Job) -> str:
    return "\n".join(step.get("run", "") for step in job.get("steps", []))


def steps(job: Job, action: str) -> list[dict[str, Any]]:
    return [step["with"] for step in job.get("steps", []) if step.get("uses", "").startswith(f"{action}@")]


def uploads(job: Job) -> dict[str, set[str]]:
    """The files of each artifact, below the stack's folder."""
    found = {}
    for step in steps(job, "actions/upload-artifact"):
        name, paths = (
            re.sub(r"\$\{\{ (matrix|inputs)\.environment \}\}", "ENVIRONMENT", step[key])
            for key in ("name", "path")
        )
        inside = [path for path in paths.splitlines() if path != "cdktf.json"]
        assert all(path.startswith(STACK) for path in inside)
        found[name] = {path.removeprefix(STACK) for path in inside}
    return found


@pytest.mark.parametrize("setting", Settings.rules())
def test_settings_stand_in_the_one_file_and_not_in_the_workflows(setting: str) -> None:
    """But for the region, which the credentials' action wants, and the name, which the tool takes."""
    for text in TEXTS.values():
        for line in text.splitlines():
            if re.search(rf"\b{setting}\b", line):
                assert re.search(r"aws-region: .*DEPLOY_REGION|run: .*\"\$ENVIRONMENT_SUFFIX\"$", line), line


@pytest.mark.parametrize("name", ALL_JOBS)
def test_what_synthesizes_has_all_settings(name: str) -> None:
    job = ALL_JOBS[name]
    if re.search(r"make (synth|plan|drift)\b", scripts(job)):
        assert job["env"] in ("${{ matrix.settings }}", "${{ fromJSON(inputs.settings) }}")
    if "matrix.settings" in str(job) or "matrix.environment" in str(job):
        assert job["strategy"]["matrix"] == {"include": "${{ fromJSON(needs.environments.outputs.matrix) }}"}
        assert job["strategy"]["fail-fast"] is False


@pytest.mark.parametrize("name", ALL_JOBS)
def test_commands_of_the_tool_exist(name: str) -> None:
    script = scripts(ALL_JOBS[name])
    assert script.count("tools.") == len(re.findall(r"python3 -m tools\.ci [a-z]", script))
    for command, argument in re.findall(r"python3 -m tools\.ci ([a-z-]+)(.*)", script):
        assert command in (JOBS if argument.strip() else COMMANDS)


@pytest.mark.parametrize("name", ALL_JOBS)
def test_a_script_is_one_call(name: str) -> None:
    """What is more than that has tests of its own in tools/."""
    for step in ALL_JOBS[name].get("steps", []):
        if "run" in step:
            assert re.fullmatch(r"(make|python3 -m) [^|;&\n]+", step["run"])


def test_terraform_is_the_same_everywhere() -> None:
    versions = {
        step["terraform_version"]
        for job in ALL_JOBS.values()
        for step in steps(job, "hashicorp/setup-terraform")
    }
    assert versions == {"1.11.4"}


def test_what_a_later_run_reads_is_uploaded() -> None:
    review, check = uploads(ALL_JOBS["review.plan"]), uploads(ALL_JOBS["deploy.check"])
    assert check["deploy-ENVIRONMENT"] == set(PLAN_FILES)
    assert review["review-ENVIRONMENT"] == set(PLAN_FILES) - {"plan.tfplan"}
    assert uploads(ALL_JOBS["drift.drift"]) == {"drift-ENVIRONMENT": {"drift.json", "review.md"}}


def test_a_run_can_be_run_again() -> None:
    """A second attempt may not upload an artifact of the same name but in the place of the first."""
    for job in ALL_JOBS.values():
        assert all(step["overwrite"] for step in steps(job, "actions/upload-artifact"))


@pytest.mark.parametrize(("name", "days"), [("review.plan", REVIEW_DAYS), ("deploy.check", PLAN_DAYS)])
def test_an_artifact_is_kept_as_long_as_its_review_says(name: str, days: int) -> None:
    [artifact] = steps(ALL_JOBS[name], "actions/upload-artifact")
    assert artifact["retention-days"] == days


@pytest.mark.parametrize("name", ALL_JOBS)
def test_a_job_with_more_rights_than_reading_runs_mains_code(name: str) -> None:
    """On a pull request or in the merge queue; credentials of AWS there are of a role that reads."""
    job = ALL_JOBS[name]
    workflow = name.partition(".")[0]
    started_by = WORKFLOWS["plan" if workflow == "review" else workflow][ON]
    rights = {right for right, level in job["permissions"].items() if level == "write"}
    if "pull_request" in started_by and rights - {"id-token"} and "uses" not in job:
        [checkout] = steps(job, "actions/checkout")
        assert checkout["ref"] == "main"
        assert "make" not in scripts(job)
    if "APPLY_ROLE" in str(job):
        assert started_by.keys() == {"workflow_call"}
        assert job["environment"] == "${{ inputs.environment }}"


def test_each_environment_stands_alone() -> None:
    """A matrix that waits for a matrix would wait for all of it; a called workflow has one of its own."""
    for name, called in (("apply.deploy", "deploy"), ("plan.review", "review")):
        assert ALL_JOBS[name]["needs"] == "environments"
        assert ALL_JOBS[name]["uses"] == f"./.github/workflows/{called}.yml"
        assert not any("strategy" in job for job in WORKFLOWS[called]["jobs"].values())
    for name in ("review.publish", "drift.issue"):
        assert "!cancelled()" in ALL_JOBS[name]["if"]


def test_the_files_are_where_the_workflows_say() -> None:
    for used in re.findall(r"uses: (\./\S+)", "\n".join(TEXTS.values())):
        assert (ROOT / used).is_file()
    assert Path(ROOT / ".github/environments.json").is_file()
