"""What an open pull request, and a group of the merge queue, is told of its plan: a comment and a status.

The status `fresh plan of ENVIRONMENT` is what a rule for main is to require. It fails when there is no plan,
when the plan's review stops it, and later when the state has changed, so that the plan is dead.
"""

import os
import re
import tempfile
from pathlib import Path
from typing import Any

from names import stack_id
from tools.ci import github
from tools.ci.changes import compare
from tools.ci.reviewed import Reviewed, of_pull_request, of_run, own_run
from tools.ci.stack import StateVersion

NO_PLAN = "there is no plan: see the run"
STOPPED = "the review of the plan stops it: see the comment"
STALE = "stale, the state has changed since: update the branch, or re-run its Plan"
# How a description names the state that a plan was made from.
STATE = "state serial {} of {}"


def publish(environment: str) -> int:
    """Tell the pull request, or the group of the merge queue, whether this run's plan may be merged."""
    event = github.event()
    with tempfile.TemporaryDirectory() as folder:
        planned = of_run(own_run(), [f"review-{environment}"], Path(folder) / "planned")
        if "merge_group" in event:
            group = event["merge_group"]
            problem = _problem(planned) or _problem_in_queue(environment, planned, group, Path(folder))
            _set_status(environment, group["head_sha"], problem, planned)
        else:
            pull_request = event["pull_request"]
            _comment(environment, pull_request, planned)
            _set_status(environment, pull_request["head"]["sha"], _problem(planned), planned)
    return 0


def mark_stale(environment: str, state: StateVersion) -> int:
    """Fail the status of every open pull request whose plan was made from another state than this."""
    context = _context(environment)
    main = os.environ["GITHUB_REF_NAME"]
    for pull in github.api_items(f"pulls?state=open&base={main}&per_page=100"):
        head = pull["head"]["sha"]
        statuses = github.api(f"commits/{head}/statuses?per_page=100")
        newest = next((status for status in statuses if status["context"] == context), None)
        if newest is None or newest["state"] != "success" or _state_in(newest["description"]) == state:
            continue
        github.set_status(head, context=context, state="failure", description=STALE, url=newest["target_url"])
        print(f"#{pull['number']}: its plan of {environment} is stale")
    return 0


def _problem(planned: Reviewed) -> str:
    if planned.planned is None:
        return NO_PLAN
    return "" if planned.planned.passed else STOPPED


def _problem_in_queue(environment: str, group: Reviewed, event: dict[str, Any], folder: Path) -> str:
    """Why a group may not be merged: its pull request was reviewed with another state, and another plan.

    While the state is the same, the group's plan may hold more than was reviewed: what is before it in the
    queue and not deployed yet. It will be when this is, or `tools/ci/deployment.py` asks again.
    """
    number = re.search(r"/pr-(\d+)-", event["head_ref"])
    if number is None:
        return "the merge queue does not tell the pull request"
    head = github.api(f"pulls/{number[1]}")["head"]["sha"]
    reviewed = of_pull_request(head, environment, folder / "reviewed", plan_file=False)
    if reviewed.planned is None or group.planned is None:
        return "the pull request has no plan: re-run its Plan"
    same_state = reviewed.planned.origin.state == group.planned.origin.state
    return "" if same_state or not compare(reviewed.planned.changes, group.planned.changes) else STALE


def _set_status(environment: str, commit: str, problem: str, planned: Reviewed) -> None:
    passed = f"passed, made from {STATE}".format(*_serial_and_lineage(planned))
    github.set_status(
        commit,
        context=_context(environment),
        state="failure" if problem else "success",
        description=problem or passed,
        url=github.run_url(),
    )
    print(f"{_context(environment)}: {problem or passed}")


def _serial_and_lineage(planned: Reviewed) -> tuple[int, str]:
    state = planned.planned.origin.state if planned.planned else StateVersion("", 0)
    return state.serial, state.lineage


def _state_in(description: str) -> StateVersion | None:
    found = re.search(STATE.format(r"(\d+)", r"(\S*)"), description or "")
    return StateVersion(found[2], int(found[1])) if found else None


def _context(environment: str) -> str:
    return f"fresh plan of {environment}"


def _comment(environment: str, pull_request: dict[str, Any], planned: Reviewed) -> None:
    """Write the comment of this environment's plan, or renew it: it is known by its first line."""
    stack = stack_id(environment)
    marker = f"<!-- plan of {stack} -->"
    review = planned.folder / "review.md"
    text = review.read_text(encoding="utf-8") if review.exists() else ""
    body = text or f"There is no plan: see [the run]({github.run_url()})."
    heading = f"### Plan of {stack} at {pull_request['head']['sha'][:7]}"
    comments = f"issues/{pull_request['number']}/comments"
    mine = [
        item["id"]
        for item in github.api_items(f"{comments}?per_page=100")
        if item["user"]["login"] == github.BOT and item["body"].startswith(marker)
    ]
    path, method = (f"issues/comments/{mine[0]}", "PATCH") if mine else (comments, "POST")
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".md") as file:
        file.write(f"{marker}\n{heading}\n\n{body}")
        file.flush()
        github.gh(
            "api",
            "--silent",
            f"--method={method}",
            f"repos/{github.repository()}/{path}",
            f"--field=body=@{file.name}",
        )
