"""GitHub as a workflow's job sees it: the `gh` command, the event, outputs, annotations and artifacts."""

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

# What GitHub has just been told shows up in its answers a little later. Seconds before each further attempt.
WAITS = (1, 2, 4, 8, 15)
BOT = "github-actions[bot]"
# What GitHub sets for every job, and the workflows for those that call `gh`.
VARIABLES = (
    "GH_REPO",
    "GH_TOKEN",
    "GITHUB_EVENT_PATH",
    "GITHUB_REF_NAME",
    "GITHUB_REPOSITORY",
    "GITHUB_RUN_ID",
    "GITHUB_SERVER_URL",
    "GITHUB_SHA",
)

Answer = TypeVar("Answer")


class GitHubError(Exception):
    """`gh` failed at every attempt; the message is what it said last."""


class Stop(Exception):
    """A job cannot go on; the message is one line that says why and what the way out is."""


def is_here() -> bool:
    """Whether this runs in a workflow."""
    return "GITHUB_ACTIONS" in os.environ


def check_variables(job: str, *names: str) -> None:
    """Raises Stop with the names of all that are not set, before the job has begun."""
    if missing := [name for name in names if not os.environ.get(name)]:
        verb = "is" if len(missing) == 1 else "are"
        raise Stop(f"{job} is a job of a workflow, and {', '.join(missing)} {verb} not set")


def gh(*arguments: str) -> bytes:
    """What `gh` prints. A call that fails is tried again, after growing waits; then GitHubError is raised."""
    for wait in (*WAITS, None):
        try:
            answer = subprocess.run(["gh", *arguments], capture_output=True, check=False)
        except FileNotFoundError:
            raise GitHubError("gh, the command of GitHub, is not on the PATH") from None
        if answer.returncode == 0:
            return answer.stdout
        if wait is not None:
            time.sleep(wait)
    words = answer.stderr.decode(errors="replace").strip().splitlines()
    raise GitHubError(f"gh {' '.join(arguments[:2])}: {words[-1] if words else f'exit {answer.returncode}'}")


def api(path: str, *arguments: str) -> Any:  # noqa: ANN401
    """The JSON that GitHub's REST API answers for a path below `repos/OWNER/NAME/`."""
    return json.loads(gh("api", f"repos/{repository()}/{path}", *arguments) or b"null")


def api_items(path: str) -> list[dict[str, Any]]:
    """All pages of a list below `repos/OWNER/NAME/`."""
    pages = json.loads(gh("api", "--paginate", "--slurp", f"repos/{repository()}/{path}"))
    return [item for page in pages for item in page]


def until(found: Callable[[], Answer]) -> Answer:
    """The first answer that holds anything; the last one, empty, when none has come after all the waits."""
    for wait in WAITS:
        if answer := found():
            return answer
        time.sleep(wait)
    return found()


def repository() -> str:
    """`OWNER/NAME`, from GH_REPO as `gh` itself reads it."""
    return os.environ["GH_REPO"]


def run_url() -> str | None:
    """The page of the run that this is part of, or None on a machine that is not GitHub's."""
    given = [os.environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    return "{}/{}/actions/runs/{}".format(*given) if all(given) else None


def event(kind: str) -> dict[str, Any]:
    """The `pull_request` or `merge_group` that started the workflow; raises Stop when it was neither."""
    path = Path(os.environ["GITHUB_EVENT_PATH"])
    try:
        payload: dict[str, Any] = json.loads(path.read_bytes())[kind]
    except (OSError, ValueError, KeyError, TypeError):
        raise Stop(f"GITHUB_EVENT_PATH is {str(path)!r}, which tells of no {kind}") from None
    return payload


def output(name: str, value: str) -> None:
    """Set an output of the workflow's step; nothing on a machine that is not GitHub's."""
    _append("GITHUB_OUTPUT", f"{name}={' '.join(value.split())}\n")


def summary(markdown: str) -> None:
    """Add to the summary of the job; nothing on a machine that is not GitHub's."""
    _append("GITHUB_STEP_SUMMARY", markdown + "\n")


def annotate(level: str, message: str) -> None:
    """Print an `error`, a `warning` or a `notice`: as an annotation of the run there, plainly elsewhere."""
    if is_here():
        escaped = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        print(f"::{level}::{escaped}", flush=True)
    else:
        print(f"{level}: {message}", file=sys.stderr)


def download_artifact(run: str, name: str, folder: Path, files: Collection[str]) -> bool:
    """Put those `files` that a run's newest artifact of that name holds into `folder`.

    False when there is no such artifact, or it has expired. Of what else it holds nothing is written.
    """
    path = f"actions/runs/{run}/artifacts?name={name}&per_page=100"
    artifacts = until(lambda: api(path)["artifacts"])
    usable = [artifact for artifact in artifacts if not artifact["expired"]]
    if not usable:
        return False
    newest = max(usable, key=lambda artifact: artifact["created_at"])
    content = gh("api", f"repos/{repository()}/actions/artifacts/{newest['id']}/zip")
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.namelist():
            if (file := Path(member).name) in files:
                (folder / file).write_bytes(archive.read(member))
    return True


def set_status(commit: str, *, context: str, state: str, description: str, url: str | None) -> None:
    """Set a commit's status: `success` or `failure`, with a description of at most 140 characters."""
    fields = {"state": state, "context": context, "description": description, "target_url": url}
    given = [f"--raw-field={name}={value}" for name, value in fields.items() if value]
    gh("api", "--silent", f"repos/{repository()}/statuses/{commit}", *given)


def _append(variable: str, text: str) -> None:
    if path := os.environ.get(variable):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
