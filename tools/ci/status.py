"""The status `fresh plan of ENVIRONMENT` of a commit, which a rule for main is to require.

Its description names the state that the plan was made from, its link the run that made it.
"""

import re
from typing import Any, NamedTuple

from tools.ci import github
from tools.ci.stack import StateVersion


class Status(NamedTuple):
    """`url` is the page of the run that set it."""

    passed: bool
    description: str
    url: str | None

    @property
    def state(self) -> StateVersion | None:
        """The version of the state that the description names."""
        found = re.search(r"state serial (\d+)(?: of (\S+))?", self.description)
        return StateVersion(found[2] or "", int(found[1])) if found else None

    @property
    def run(self) -> str | None:
        """The id of the run."""
        found = re.search(r"/actions/runs/(\d+)", self.url or "")
        return found[1] if found else None


def state_words(state: StateVersion) -> str:
    """How a description names a state. A stack that was never deployed has no lineage."""
    return f"state serial {state.serial}" + (f" of {state.lineage}" if state.lineage else "")


def newest(environment: str, commit: str) -> Status | None:
    """What a commit was told last, or None."""
    # GitHub gives the newest first.
    found: list[dict[str, Any]] = github.api(f"commits/{commit}/statuses?per_page=100")
    context = _context(environment)
    return next(
        (
            Status(item["state"] == "success", item.get("description") or "", item.get("target_url"))
            for item in found
            if item["context"] == context
        ),
        None,
    )


def tell(environment: str, commit: str, status: Status) -> None:
    """Set the status of a commit."""
    github.set_status(
        commit,
        context=_context(environment),
        state="success" if status.passed else "failure",
        description=status.description,
        url=status.url,
    )
    print(f"{_context(environment)}: {status.description}")


def _context(environment: str) -> str:
    return f"fresh plan of {environment}"
