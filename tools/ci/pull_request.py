"""What an open pull request, and a group of the merge queue, is told of its plan: a comment and a status.

The status fails when there is no plan, when the plan's review stops it, and when what is deployed has changed
since, so that the plan is dead.
"""

import os
import re
import tempfile
from pathlib import Path
from typing import Any

from names import stack_id
from tools.ci import github, status
from tools.ci.deployed import is_behind
from tools.ci.reviewed import Reviewed, of_run, own_run
from tools.ci.stack import StateVersion
from tools.ci.status import Status, state_words

NO_PLAN = "there is no plan: see the run"
STOPPED = "the review of the plan stops it: see the comment"
BEHIND = "stale, more than its main is deployed by now: update the branch"
STALE = "stale, there is {} now: update the branch"


def publish(environment: str) -> int:
    """Tell the pull request of this run's plan: what it would do, and whether it may be merged.

    Nothing is told when the pull request has other commits by now, as when an old run is run again.
    """
    pull_request = github.event("pull_request")
    head = pull_request["head"]["sha"]
    if github.api(f"pulls/{pull_request['number']}")["head"]["sha"] != head:
        print(f"#{pull_request['number']} has newer commits than {head}, which their own run tells of")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        planned = of_run(own_run(), f"review-{environment}", Path(folder) / "planned")
        passed, description = _verdict(environment, head, planned)
        _comment(environment, pull_request, _text(environment, planned, description))
    status.tell(environment, head, Status(passed, description, github.run_url()))
    return 0


def answer_queue(environment: str) -> int:
    """Tell a group of the merge queue what its pull request has been told, which may be stale by now.

    The group's own plan would hold what is before it in the queue and not deployed yet. When that is, what is
    left is held against the review (`deployment.py`).
    """
    group = github.event("merge_group")
    number = re.search(r"/pr-(\d+)-", group["head_ref"])
    if number is None:
        raise github.Stop(f"{group['head_ref']} does not tell a pull request")
    head = github.api(f"pulls/{number[1]}")["head"]["sha"]
    told = github.until(lambda: status.newest(environment, head))
    passed, description = (told.passed, told.description) if told else (False, NO_PLAN)
    status.tell(environment, group["head_sha"], Status(passed, description, github.run_url()))
    return 0


def mark_stale(environment: str, state: StateVersion) -> int:
    """Fail the status of every open pull request whose plan was not made from this state.

    Also of one whose plan is not told of yet: it may be under way, from an older state. 1 if one could not be
    told.
    """
    main = os.environ["GITHUB_REF_NAME"]
    failed = False
    for pull in github.api_items(f"pulls?state=open&base={main}&per_page=100"):
        if _is_of_fork(pull):
            # It has no plan.
            continue
        try:
            _mark(environment, pull, state)
        except github.GitHubError as error:
            github.annotate("error", f"#{pull['number']}: {error}")
            failed = True
    return int(failed)


def _is_of_fork(pull: dict[str, Any]) -> bool:
    # A fork may be gone by now.
    return bool((pull["head"]["repo"] or {}).get("full_name") != pull["base"]["repo"]["full_name"])


def _mark(environment: str, pull: dict[str, Any], state: StateVersion) -> None:
    head = pull["head"]["sha"]
    told = status.newest(environment, head)
    if told and told.state and told.state.lineage == state.lineage and told.state.serial >= state.serial:
        return
    stale = Status(False, STALE.format(state_words(state)), told.url if told else None)
    status.tell(environment, head, stale)
    print(f"#{pull['number']}: its plan of {environment} is stale")


def _verdict(environment: str, head: str, reviewed: Reviewed) -> tuple[bool, str]:
    """Whether a plan may be merged, and the description of that."""
    if reviewed.planned is None:
        return False, NO_PLAN
    origin = reviewed.planned.origin
    if is_behind(environment, origin.main or origin.commit):
        return False, BEHIND
    if not reviewed.planned.passed:
        return False, STOPPED
    # While the plan was made a deployment may have told of its state.
    told = status.newest(environment, head)
    if told and told.state and _is_older(origin.state, told.state):
        return False, STALE.format(state_words(told.state))
    return True, f"passed, made from {state_words(origin.state)}"


def _is_older(version: StateVersion, other: StateVersion) -> bool:
    return version.lineage in ("", other.lineage) and version.serial < other.serial


def _text(environment: str, reviewed: Reviewed, description: str) -> str:
    """The review; not one of a plan that would undo what is deployed by now."""
    stack = stack_id(environment)
    if description == BEHIND:
        return (
            f"### The plan of {stack} is stale\n\nMore than its main is deployed by now: update the branch.\n"
        )
    review = reviewed.folder / "review.md"
    text = review.read_text(encoding="utf-8") if review.exists() else ""
    return text or f"### There is no plan of {stack}\n\nSee [the run]({github.run_url()}) for why.\n"


def _comment(environment: str, pull_request: dict[str, Any], text: str) -> None:
    """Write the comment of this environment's plan, or renew it: it is known by its first line."""
    marker = f"<!-- plan of {stack_id(environment)} -->"
    comments = f"issues/{pull_request['number']}/comments"
    mine = [
        item["id"]
        for item in github.api_items(f"{comments}?per_page=100")
        if item["user"]["login"] == github.BOT and item["body"].startswith(marker)
    ]
    path, method = (f"issues/comments/{mine[0]}", "PATCH") if mine else (comments, "POST")
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".md") as file:
        file.write(f"{marker}\n{text}")
        file.flush()
        github.gh(
            "api",
            "--silent",
            f"--method={method}",
            f"repos/{github.repository()}/{path}",
            f"--field=body=@{file.name}",
        )
