"""Deploy what was reviewed.

`check` runs before anybody is asked: it plans main's code and holds that against the review of the pull
request. The plan that the pull request made is not applied: its workflow was the pull request's to change.
`deploy` runs once the deployment may go on, and applies the plan of `check`, or one that says the same when
the state has changed since.
"""

import os
import tempfile
from pathlib import Path

from tools.ci import github
from tools.ci.changes import compare
from tools.ci.deployed import is_behind
from tools.ci.github import GitHubError, Stop
from tools.ci.reviewed import Reviewed, merged_pull_request, of_pull_request, of_run, own_run
from tools.ci.stack import LOCK_FILE, PASSED, PLAN_FILES, STOPPED, Planned, Stack, StackError, tree

# So many differences are listed; the review has them all.
LISTED = 20
AGAIN = "re-run all jobs of this run: it plans again and asks again"


def check(environment: str) -> int:
    """Leave in the stack's folder the plan that may be applied, and say whether anybody is to be asked.

    Outputs: `changes`, whether there is anything to apply, and `question`, what the deployment would do.
    Raises Stop when there is something to apply that nobody has reviewed and nobody would be asked about.
    """
    _refuse_to_go_back(environment)
    with tempfile.TemporaryDirectory() as folder:
        reviewed = _reviewed_with_pull_request(environment, Path(folder))
        stack = Stack()
        reviewed.copy_to(stack.folder, LOCK_FILE)
        differences = _init(stack)
        stack.plan(stack.state())
        differences += _review(stack, reviewed)
    if not stack.is_applyable():
        github.output("changes", "false")
        github.summary(f"Nothing to apply to {environment}.")
        return 0
    if differences:
        _ask_again(environment, differences)
    kind = "NOT the reviewed plan" if differences else "the reviewed plan"
    github.output("changes", "true")
    github.output("question", f"apply {kind} of {environment}")
    github.summary(stack.text("review.md"))
    return 0


def deploy(environment: str) -> int:
    """Apply the plan that `check` left, which is the one that was approved; outputs `lineage` and `serial`.

    Raises Stop when the state has changed since, and what is to be applied with it.
    """
    _refuse_to_go_back(environment)
    with tempfile.TemporaryDirectory() as folder:
        approved = of_run(own_run(), f"deploy-{environment}", Path(folder))
        if approved.planned is None:
            raise Stop(f"Not applied: the approved plan has expired; {AGAIN}")
        stack = Stack()
        approved.copy_to(stack.folder, *PLAN_FILES)
        stack.init()
        state, origin = stack.state(), approved.planned.origin
        if (origin.tree, origin.state) == (tree(), state):
            print("The plan is fresh: made from this code and this state.")
        else:
            print("The plan is stale: planning again.")
            stack.plan(state)
        differences = _review(stack, approved)
    if not stack.is_applyable():
        print("Nothing to apply any more.")
        return 0
    if differences:
        raise Stop(
            f"Not applied: what was approved is not what would be applied now; {AGAIN}. {differences[0]}"
        )
    try:
        stack.apply()
    except StackError as error:
        raise Stop(f"{error}; when its cause is mended, {AGAIN}") from None
    finally:
        _output_state(stack)
    return 0


def _refuse_to_go_back(environment: str) -> None:
    if is_behind(environment, os.environ["GITHUB_SHA"]):
        raise Stop(
            f"Not applied: {environment} has a newer commit than this one, which would undo it. To undo it, "
            "merge a pull request that does"
        )


def _reviewed_with_pull_request(environment: str, folder: Path) -> Reviewed:
    pull_request = merged_pull_request(os.environ["GITHUB_SHA"])
    if pull_request is None:
        raise Stop(
            "Not applied: this commit is not the merge of a pull request, so nobody has reviewed its plan; "
            "the next pull request's plan holds its changes too"
        )
    return of_pull_request(pull_request["head"]["sha"], environment, folder)


def _init(stack: Stack) -> list[str]:
    """Install the provider of the review; a difference if there is none that the code allows any more."""
    lock = stack.folder / LOCK_FILE
    try:
        stack.init()
    except StackError:
        if not lock.exists():
            raise
        lock.unlink()
        stack.init()
        return ["the provider: not the version of the reviewed plan, which cannot be installed"]
    return []


def _review(stack: Stack, shown: Reviewed) -> list[str]:
    """Review the plan in the stack's folder; where it is not what was shown."""
    status = stack.review()
    if status == STOPPED:
        raise Stop("Not applied: the review of the plan stops it; a pull request may allow what it says")
    if status != PASSED:
        raise Stop("Not applied: the plan is of no use, as its review says")
    if shown.planned is None:
        return [f"not reviewed: {shown.missing}"]
    if not shown.planned.passed:
        return ["not reviewed: the plan of the pull request did not pass its review"]
    return compare(shown.planned.changes, Planned.read(stack.folder).changes)


def _output_state(stack: Stack) -> None:
    try:
        state = stack.state()
    except StackError as error:
        github.annotate("warning", f"The state's version is not known: {error}")
    else:
        github.output("lineage", state.lineage)
        github.output("serial", str(state.serial))


def _ask_again(environment: str, differences: list[str]) -> None:
    """Warn that this is not what was reviewed; raises Stop unless somebody is asked before it is applied."""
    listed = [f"- {line}" for line in differences[:LISTED]]
    if len(differences) > LISTED:
        listed.append(f"- … and {len(differences) - LISTED} more")
    github.summary(
        "\n".join(["**This is not the plan that was reviewed with the pull request.**", "", *listed])
    )
    if not _has_reviewers(environment):
        raise Stop(
            f"Not applied: not what was reviewed ({differences[0]}). Give the environment {environment} "
            "required reviewers and re-run all jobs, so that they are asked, or open a new pull request"
        )
    github.annotate("warning", f"Not the reviewed plan of {environment}: {differences[0]}")


def _has_reviewers(environment: str) -> bool:
    try:
        rules = github.api(f"environments/{environment}").get("protection_rules") or []
    except GitHubError:
        return False
    return any(rule["type"] == "required_reviewers" for rule in rules)
