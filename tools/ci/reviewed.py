"""The plan that was reviewed with a pull request, found again by a later run."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.ci import github, status
from tools.ci.stack import PLAN_FILES, Planned, StackError


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """What there is of a reviewed plan in `folder`. `planned` is None when nothing is; `missing` says why."""

    folder: Path
    planned: Planned | None
    missing: str = ""

    def copy_to(self, folder: Path, *names: str) -> None:
        """Put these of its files into another folder: the stack's, for Terraform to read them."""
        for name in names:
            if (self.folder / name).exists():
                shutil.copyfile(self.folder / name, folder / name)


def merged_pull_request(commit: str) -> dict[str, Any] | None:
    """The pull request that a commit of main is the merge of."""
    main = os.environ["GITHUB_REF_NAME"]

    def found() -> list[dict[str, Any]]:
        pulls = github.api(f"commits/{commit}/pulls")
        return [
            pull
            for pull in pulls
            if pull["merge_commit_sha"] == commit and pull["merged_at"] and pull["base"]["ref"] == main
        ]

    return next(iter(github.until(found)), None)


def of_pull_request(head: str, environment: str, folder: Path) -> Reviewed:
    """The review that a pull request's newest commit was told of by its status."""
    told = github.until(lambda: status.newest(environment, head))
    if told is None or told.run is None:
        return Reviewed(folder=folder, planned=None, missing="the pull request has no plan")
    return of_run(told.run, f"review-{environment}", folder)


def of_run(run: str, artifact: str, folder: Path) -> Reviewed:
    """What a run's artifact holds, if it is there and has not expired."""
    shutil.rmtree(folder, ignore_errors=True)
    if not github.download_artifact(run, artifact, folder, PLAN_FILES):
        return Reviewed(folder=folder, planned=None, missing="its plan was not made, or has expired")
    try:
        return Reviewed(folder=folder, planned=Planned.read(folder))
    except StackError as error:
        return Reviewed(folder=folder, planned=None, missing=str(error))


def own_run() -> str:
    """The id of the run that this is part of."""
    return os.environ["GITHUB_RUN_ID"]
