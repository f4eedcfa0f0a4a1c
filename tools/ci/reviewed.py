"""The plan that was reviewed with a pull request, found again by a later run."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.ci import github
from tools.ci.stack import PLAN_FILES, Planned, StackError


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """What there is of a reviewed plan in `folder`. `planned` is None when nothing is; `missing` says why."""

    folder: Path
    planned: Planned | None
    missing: str = ""

    @property
    def has_plan_file(self) -> bool:
        return (self.folder / "plan.tfplan").exists()

    def copy_to(self, folder: Path) -> None:
        """Put its files into another folder: the stack's, for Terraform to read them."""
        for name in PLAN_FILES:
            if (self.folder / name).exists():
                shutil.copyfile(self.folder / name, folder / name)


def merged_pull_request(commit: str) -> dict[str, Any] | None:
    """The pull request that a commit of main is the merge of."""

    def found() -> list[dict[str, Any]]:
        pulls = github.api(f"commits/{commit}/pulls")
        return [pull for pull in pulls if pull["merge_commit_sha"] == commit]

    return next(iter(github.until(found)), None)


def of_pull_request(head: str, environment: str, folder: Path) -> Reviewed:
    """The newest plan of a pull request's newest commit, or at least its review, which is kept longer."""
    command = ["run", "list", "--workflow=plan.yml", "--event=pull_request", f"--commit={head}", "--limit=1"]
    runs = github.until(lambda: json.loads(github.gh(*command, "--json=databaseId")))
    if not runs:
        return Reviewed(folder=folder, planned=None, missing="the pull request has no plan")
    return of_run(str(runs[0]["databaseId"]), [f"plan-{environment}", f"review-{environment}"], folder)


def of_run(run: str, artifacts: list[str], folder: Path) -> Reviewed:
    """What the first of a run's artifacts holds that is there and has not expired."""
    shutil.rmtree(folder, ignore_errors=True)
    if not any(github.download_artifact(run, name, folder, PLAN_FILES) for name in artifacts):
        return Reviewed(folder=folder, planned=None, missing="its plan was not made, or has expired")
    try:
        return Reviewed(folder=folder, planned=Planned.read(folder))
    except StackError as error:
        return Reviewed(folder=folder, planned=None, missing=str(error))


def own_run() -> str:
    """The id of the run that this is part of."""
    return os.environ["GITHUB_RUN_ID"]
