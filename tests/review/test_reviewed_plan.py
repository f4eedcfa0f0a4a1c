"""The script that finds the reviewed plan of a merge, with a GitHub CLI that answers from files."""

import json
import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".github/scripts/download-reviewed-plan.sh"
GH = """#!/usr/bin/env bash
case "$1 $2" in
  "api "*) cat "$ANSWERS/head" ;;
  "run list") [[ "$*" == *"--commit abc"*"--status completed"* ]] && cat "$ANSWERS/run" ;;
  "run view") [[ "$*" == *"view 7 "*'"plan " + env.ENVIRONMENT_SUFFIX'* ]] && cat "$ANSWERS/conclusion" ;;
  "run download") [ -e "$ANSWERS/tree" ] && cp "$ANSWERS/tree" "${@: -1}/tree" ;;
esac
"""


def tree_of_head() -> str:
    command = ["git", "rev-parse", "HEAD^{tree}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"head": "abc", "run": "7", "conclusion": "success", "tree": ""}, None),
        ({"head": "", "run": "7", "conclusion": "success", "tree": ""}, "not the merge of a pull request"),
        ({"head": "abc", "run": "", "conclusion": "success", "tree": ""}, "no plan of the pull request"),
        ({"head": "abc", "run": "7", "conclusion": "failure", "tree": ""}, "did not pass its review"),
        ({"head": "abc", "run": "7", "conclusion": "success"}, "cannot be downloaded"),
        ({"head": "abc", "run": "7", "conclusion": "success", "tree": "0123"}, "is stale"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_only_the_reviewed_plan_of_this_tree_is_taken(
    tmp_path: Path, answers: dict[str, str], reason: str | None
) -> None:
    if answers.get("tree") == "":
        answers = {**answers, "tree": tree_of_head()}
    for name, content in answers.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    (tmp_path / "stacks/order-pipeline-dev").mkdir(parents=True)
    stack = {"workingDirectory": "stacks/order-pipeline-dev"}
    (tmp_path / "manifest.json").write_text(json.dumps({"stacks": {"order-pipeline-dev": stack}}))
    result = subprocess.run(
        [SCRIPT],
        env=os.environ
        | {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "ANSWERS": str(tmp_path),
            "CDKTF_OUTDIR": str(tmp_path),
            "GH_REPO": "owner/name",
            "GITHUB_SHA": "0" * 40,
            "ENVIRONMENT_SUFFIX": "dev",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == (1 if reason else 0), result.stderr
    assert ("::error::Not applied: " in result.stdout) == bool(reason)
    assert (reason or "") in result.stdout
