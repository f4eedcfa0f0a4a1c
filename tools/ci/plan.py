"""Plan, review and apply the stack that is synthesized, for a person as for a workflow."""

import json
import sys

from tools.ci import github
from tools.ci.stack import PASSED, STOPPED, Stack


def plan() -> int:
    """Plan and review; the status of the review."""
    stack = Stack()
    stack.init()
    stack.plan(stack.state())
    status = stack.review()
    github.summary(stack.text("review.md"))
    return status


def review_plan() -> int:
    """Review the plan that is in the stack's folder, wherever it was made; the status of the review."""
    stack = Stack.with_plan()
    stack.init(backend=False)
    return stack.review()


def apply_plan() -> int:
    """Apply the plan that is in the stack's folder; Terraform refuses one that is stale."""
    stack = Stack.with_plan()
    stack.init()
    stack.apply()
    return 0


def drift() -> int:
    """Whether what is deployed differs from the code: `drift.json` tells, and the review how, if it does.

    It also tells the state's version, so that pull requests learn of a deployment by hand.
    """
    stack = Stack()
    (stack.folder / "drift.json").unlink(missing_ok=True)
    stack.init()
    state = stack.state()
    drifted = stack.plan(state)
    status = stack.review() if drifted else PASSED
    if status not in (PASSED, STOPPED):
        return status
    if not drifted:
        print("No drift.", file=sys.stderr)
    github.summary(stack.text("review.md") if drifted else "No drift.")
    told = {"drift": drifted, **state._asdict()}
    (stack.folder / "drift.json").write_text(json.dumps(told) + "\n")
    return 0
