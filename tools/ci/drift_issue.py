"""The issue that says how what is deployed differs from the code: opened, renewed or closed every night."""

import json
import tempfile
from pathlib import Path

from names import stack_id
from tools.ci import github
from tools.ci.reviewed import own_run


def renew(environment: str) -> int:
    """Bring the issue of this environment up to date with the drift that this run has found.

    When the run does not tell, since its check failed, the issue stays as it is.
    """
    title = f"Drift of {stack_id(environment)}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = github.download_artifact(
            own_run(), f"drift-{environment}", folder, ("drift.json", "review.md")
        )
        if not found:
            print(f"{title}: not known, as its check failed; the issue stays as it is")
            return 0
        drifted = json.loads((folder / "drift.json").read_bytes())["drift"]
        mine = [
            str(item["number"])
            for item in github.api_items("issues?state=open&per_page=100")
            if (item["user"]["login"], item["title"]) == (github.BOT, title)
        ]
        review = f"--body-file={folder / 'review.md'}"
        if drifted and mine:
            github.gh("issue", "edit", mine[0], review)
        elif drifted:
            github.gh("issue", "create", f"--title={title}", review)
        elif mine:
            github.gh("issue", "close", mine[0], "--comment=No drift any more.")
        print(f"{title}: {'found' if drifted else 'none'}")
    return 0
