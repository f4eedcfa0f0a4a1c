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
from tools.ci.reviewed import Reviewed, of_run, own_run
from tools.ci.stack import StateVersion

NO_PLAN = "there is no plan: see the run"
STOPPED = "the review of the plan stops it: see the comment"
STALE = "stale, the state has changed since: update the branch, or re-run its Plan"
# How a description names the state that a plan was made from.
STATE = "state serial {} of {}"


def publish(environment: str) -> int:
    """Tell the pull request of this run's plan: what it would do, and whether it may be merged."""
    pull_request = github.event("pull_request")
    with tempfile.TemporaryDirectory() as folder:
        planned = of_run(own_run(), [f"review-{environment}"], Path(folder) / "planned")
        _comment(environment, pull_request, planned)
    problem, description = _verdict(planned)
    _set_status(environment, pull_request["head"]["sha"], problem=problem, description=description)
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
    status = github.until(lambda: _newest_status(environment, head))
    problem = status.get("state") != "success"
    _set_status(
        environment, group["head_sha"], problem=problem, description=status.get("description", NO_PLAN)
    )
    return 0


def mark_stale(environment: str, state: StateVersion) -> int:
    """Fail the status of every open pull request whose plan was made from another state than this."""
    main = os.environ["GITHUB_REF_NAME"]
    for pull in github.api_items(f"pulls?state=open&base={main}&per_page=100"):
        head = pull["head"]["sha"]
        status = _newest_status(environment, head)
        if status.get("state") != "success" or _state_in(status["description"]) == state:
            continue
        _set_status(environment, head, problem=True, description=STALE, url=status["target_url"])
        print(f"#{pull['number']}: its plan of {environment} is stale")
    return 0


def _verdict(planned: Reviewed) -> tuple[bool, str]:
    """Whether a plan may not be merged, and the description of that."""
    if planned.planned is None:
        return True, NO_PLAN
    if not planned.planned.passed:
        return True, STOPPED
    state = planned.planned.origin.state
    return False, f"passed, made from {STATE}".format(state.serial, state.lineage)


def _newest_status(environment: str, commit: str) -> dict[str, Any]:
    """GitHub gives the newest first; an empty one when there is none."""
    statuses = github.api(f"commits/{commit}/statuses?per_page=100")
    context = _context(environment)
    return next((status for status in statuses if status["context"] == context), {})


def _set_status(
    environment: str, commit: str, *, problem: bool, description: str, url: str | None = None
) -> None:
    github.set_status(
        commit,
        context=_context(environment),
        state="failure" if problem else "success",
        description=description,
        url=url or github.run_url(),
    )
    print(f"{_context(environment)}: {description}")


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
    body = text or f"### There is no plan of {stack}\n\nSee [the run]({github.run_url()}) for why.\n"
    comments = f"issues/{pull_request['number']}/comments"
    mine = [
        item["id"]
        for item in github.api_items(f"{comments}?per_page=100")
        if item["user"]["login"] == github.BOT and item["body"].startswith(marker)
    ]
    path, method = (f"issues/comments/{mine[0]}", "PATCH") if mine else (comments, "POST")
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".md") as file:
        file.write(f"{marker}\n{body}")
        file.flush()
        github.gh(
            "api",
            "--silent",
            f"--method={method}",
            f"repos/{github.repository()}/{path}",
            f"--field=body=@{file.name}",
        )
