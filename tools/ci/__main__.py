"""Plan, review and deploy as CI does it: `python -m tools.ci COMMAND`. Python alone is enough to run it."""

import argparse
import json
import os
import sys
from collections.abc import Callable

from tools.ci import deployment, drift_issue, environments, github, plan, pull_request
from tools.ci.stack import StackError, StateVersion
from tools.console.program import run_tool

# What its workflow sets for one job alone.
# STATE_LINEAGE is empty after a first deployment that failed before it had a state.
MORE_VARIABLES = {"mark-stale": ["STATE_SERIAL"]}
# A pull request that adds an environment is told of its plan by main's code, whose file does not name it yet.
BEFORE_MERGE = {"publish", "answer-queue"}


def _environments() -> int:
    matrix = json.dumps(environments.matrix())
    print(matrix)
    github.output("matrix", matrix)
    return 0


def _refuse_fork() -> int:
    raise github.Stop(
        "There is no plan of a pull request from a fork, which gets no credentials: whoever may write to "
        "this repository reads its code, pushes its branch here and opens a pull request of that (docs/ci.md)"
    )


def _mark_stale(environment: str) -> int:
    serial = os.environ["STATE_SERIAL"]
    if not serial.isdecimal():
        raise github.Stop(f"STATE_SERIAL is {serial!r}: allowed is the serial of a state, a number")
    return pull_request.mark_stale(
        environment, StateVersion(os.environ.get("STATE_LINEAGE", ""), int(serial))
    )


COMMANDS: dict[str, tuple[str, Callable[[], int]]] = {
    "plan": ("plan the synthesized stack and review it", plan.plan),
    "review-plan": ("review the plan in the stack's folder", plan.review_plan),
    "apply-plan": ("apply the plan in the stack's folder", plan.apply_plan),
    "drift": ("tell whether what is deployed differs from the code", plan.drift),
    "refuse-fork": ("fail, and say how a pull request from a fork gets a plan", _refuse_fork),
    "environments": ("the step's output matrix: what .github/environments.json holds", _environments),
}
JOBS: dict[str, tuple[str, Callable[[str], int]]] = {
    "publish": ("tell the pull request of this run's plan: its comment and its status", pull_request.publish),
    "answer-queue": ("tell the merge queue what the pull request was told", pull_request.answer_queue),
    "check": (
        "plan, and make sure that what would be deployed was reviewed",
        deployment.check,
    ),
    "deploy": ("apply the plan that was approved", deployment.deploy),
    "mark-stale": ("fail the status of pull requests whose plan is of another state", _mark_stale),
    "drift-issue": (
        "open, renew or close the issue of this run's drift; mark stale plans",
        drift_issue.renew,
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.ci",
        description="Plan, review and deploy as CI does it.",
        epilog="Exit status: 0 done; 1 it failed, or nothing may be applied; that of python -m tools.review "
        "when a review stops it.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (words, _) in COMMANDS.items():
        commands.add_parser(name, help=words, description=words)
    for name, (words, _) in JOBS.items():
        job = commands.add_parser(name, help=f"{words} (in a workflow)", description=words)
        job.add_argument("environment", metavar="ENVIRONMENT", help="a name in .github/environments.json")
    arguments = parser.parse_args()
    try:
        if arguments.command in COMMANDS:
            return COMMANDS[arguments.command][1]()
        if not (arguments.command in BEFORE_MERGE and github.is_here()):
            environments.check_name(arguments.environment)
        github.check_variables(
            arguments.command, *github.VARIABLES, *MORE_VARIABLES.get(arguments.command, [])
        )
        return JOBS[arguments.command][1](arguments.environment)
    except (github.Stop, github.GitHubError, StackError) as error:
        github.annotate("error", str(error))
        return 1


if __name__ == "__main__":
    sys.exit(run_tool(main))
