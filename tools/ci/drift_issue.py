"""What a night's check of the drift has to tell: an issue says how what is deployed differs from the code."""

import json
import tempfile
from pathlib import Path

from names import stack_id
from tools.ci import github
from tools.ci.pull_request import mark_stale
from tools.ci.reviewed import own_run
from tools.ci.stack import StateVersion


def renew(environment: str) -> int:
    """Mark plans that are of another state as stale; open, renew or close the issue of this environment.

    When the run does not tell, since its check failed, all stays as it is. 1 if a plan could not be marked.
    """
    title = f"Drift of {stack_id(environment)}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        github.download_artifact(own_run(), f"drift-{environment}", folder, ("drift.json", "review.md"))
        if not (folder / "drift.json").exists():
            print(f"{title}: not known, as its check failed; the issue stays as it is")
            return 0
        told = json.loads((folder / "drift.json").read_bytes())
        status = mark_stale(environment, StateVersion(told["lineage"], told["serial"]))
        _tell(title, folder / "review.md", drifted=told["drift"])
    return status


def _tell(title: str, review: Path, *, drifted: bool) -> None:
    mine = [
        str(item["number"])
        for item in github.api_items("issues?state=open&per_page=100")
        if (item["user"]["login"], item["title"]) == (github.BOT, title)
    ]
    if drifted and mine:
        github.gh("issue", "edit", mine[0], f"--body-file={review}")
    elif drifted:
        github.gh("issue", "create", f"--title={title}", f"--body-file={review}")
    elif mine:
        github.gh("issue", "close", mine[0], "--comment=No drift any more.")
    print(f"{title}: {'found' if drifted else 'none'}")
