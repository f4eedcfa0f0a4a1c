"""Which commit is deployed to an environment, and whether another one holds it.

A commit that does not would undo what was deployed since, as the run of an old one does when it is run again.
"""

from tools.ci import github


def is_behind(environment: str, commit: str) -> bool:
    """Whether a commit lacks what is deployed to the environment by now."""
    deployed = _deployed_commit(environment)
    if deployed in (None, commit):
        return False
    # One commit is asked for, since only how the two stand to each other matters.
    answer = github.api(f"compare/{deployed}...{commit}?per_page=1")
    return answer["status"] not in ("ahead", "identical")


def _deployed_commit(environment: str) -> str | None:
    """The commit of the newest deployment that succeeded, among the newest 100; None if there is none."""
    for deployment in github.api(f"deployments?environment={environment}&per_page=100"):
        statuses = github.api(f"deployments/{deployment['id']}/statuses?per_page=100")
        if any(status["state"] == "success" for status in statuses):
            return str(deployment["sha"])
    return None
