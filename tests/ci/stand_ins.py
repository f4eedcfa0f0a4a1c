"""A job of a workflow whose `gh`, `terraform` and review answer from files and write down their calls."""

import io
import json
import shlex
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tools.ci import changes, github, stack

FAILS = None
REPOSITORY = "owner/name"


class Command:
    """A command on the PATH: for each pattern of its arguments (a shell's), answers in their order.

    The last answer is given again and again; FAILS exits with 1, and so does a call that no pattern fits.
    """

    def __init__(self, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / name
        self.name = name
        self.cases: list[str] = []
        self.folder.mkdir()
        monkeypatch.setenv("PATH", str(self.folder), prepend=":")
        self._write()

    def answer(self, pattern: str, *answers: bytes | str | None, then: str = "") -> None:
        """Answer arguments that fit `pattern`, and run `then` in the shell before. Earlier patterns win."""
        number = len(self.cases)
        pattern = "*".join(shlex.quote(part) if part else "" for part in pattern.split("*"))
        for index, answer in enumerate(answers):
            path = self.folder / f"{number}.{index}"
            if answer is FAILS:
                path.with_suffix(f".{index}.fails").touch()
            path.write_bytes(
                b"" if answer is FAILS else answer.encode() if isinstance(answer, str) else answer
            )
        self.cases.append(f"  {pattern})\n    {then or ':'}\n    answer {number} {len(answers) - 1} ;;")
        self._write()

    def calls(self) -> list[str]:
        """The arguments of every call, in their order."""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def _write(self) -> None:
        here = shlex.quote(str(self.folder))
        script = self.folder / self.name
        cases = "\n".join(self.cases)
        script.write_text(f"""#!/usr/bin/env bash
answer() {{
  count=0; [ -e {here}/$1.count ] && read -r count < {here}/$1.count
  [ "$count" -gt "$2" ] && count=$2
  echo $((count + 1)) > {here}/$1.count
  if [ -e {here}/$1.$count.fails ]; then echo "{self.name}: no (HTTP 502)" >&2; exit 1; fi
  cat {here}/$1.$count
  exit 0
}}
echo "$*" >> {here}/calls
for argument; do
  case $argument in
    *=@*) cp "${{argument##*=@}}" {here}/body ;;
    --body-file=*) cp "${{argument#*=}}" {here}/body ;;
  esac
done
case "$*" in
{cases}
esac
echo "{self.name}: no answer to $*" >&2
exit 1
""")
        script.chmod(0o755)

    @property
    def body(self) -> str:
        """What the file held that was given last, as the body of a comment or an issue."""
        return (self.folder / "body").read_text()


class Job:
    """The surroundings of a job: its commands, the files by which it tells GitHub, its stack's folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.gh = Command("gh", folder, monkeypatch)
        self.terraform = Command("terraform", folder, monkeypatch)
        self.review = Command("review", folder, monkeypatch)
        self.stack = folder / "cdktf out/stacks/order-pipeline-dev"
        self.stack.mkdir(parents=True)
        manifest = {"stacks": {"order-pipeline-dev": {"workingDirectory": "stacks/order-pipeline-dev"}}}
        (folder / "cdktf out/manifest.json").write_text(json.dumps(manifest))
        variables = {
            "CDKTF_OUTDIR": str(folder / "cdktf out"),
            "GH_REPO": REPOSITORY,
            "GH_TOKEN": "token",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_PATH": str(folder / "event.json"),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_REF_NAME": "main",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": "77",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": "5" * 40,
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(github, "WAITS", (0, 0))
        monkeypatch.setattr(stack, "REVIEW", ("review",))

    def event(self, payload: object) -> None:
        (self.folder / "event.json").write_text(json.dumps(payload))

    @property
    def outputs(self) -> dict[str, str]:
        path = self.folder / "output"
        lines = path.read_text().splitlines() if path.exists() else []
        return dict(line.split("=", 1) for line in lines)

    @property
    def summary(self) -> str:
        path = self.folder / "summary"
        return path.read_text() if path.exists() else ""


def artifact(files: Mapping[str, str]) -> bytes:
    """What GitHub serves for an artifact of these files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def listing(*artifacts: Mapping[str, Any]) -> str:
    """What GitHub answers to a search for artifacts."""
    defaults = {"expired": False, "created_at": "2026-11-24T10:00:00Z"}
    return json.dumps({"artifacts": [{**defaults, **item} for item in artifacts]})


STATE = {"lineage": "1f0b8b1b", "serial": 41}


def no_deployment(job: Job, environment: str = "dev") -> None:
    """Nothing was deployed yet, as far as GitHub knows."""
    job.gh.answer(f"api repos/{REPOSITORY}/deployments?environment={environment}&*", "[]")


def deployed(job: Job, *deployments: tuple[str, str], stand: str = "behind") -> None:
    """Deployments of commits, the newest first, each with a state; how another commit stands to the last."""
    listed = [{"id": number, "sha": sha} for number, (sha, _) in enumerate(deployments)]
    job.gh.answer(f"api repos/{REPOSITORY}/deployments?environment=dev&*", json.dumps(listed))
    for number, (sha, state) in enumerate(deployments):
        given = json.dumps([{"state": "inactive"}, {"state": state}])
        job.gh.answer(f"api repos/{REPOSITORY}/deployments/{number}/statuses?*", given)
        job.gh.answer(f"api repos/{REPOSITORY}/compare/{sha}...*", json.dumps({"status": stand}))


def plan_json(*names: str, after: object = 2) -> dict[str, Any]:
    """The JSON of a plan that updates these resources."""
    changed = {"actions": ["update"], "before": {"x": 1}, "after": {"x": after}}
    return {
        "applyable": bool(names),
        "resource_changes": [{"address": f"aws_x.{name}", "change": changed} for name in names],
    }


def planned(plan: Mapping[str, Any], *, passed: bool = True, **origin: object) -> dict[str, str]:
    """The files of a plan's artifact; its plan file is the JSON that `terraform show` gives of it."""
    of = {
        "tree": stack.tree(),
        "commit": "abcdef0",
        "main": "",
        "made": "2026-11-24T10:00:00Z",
        "run": None,
        **STATE,
        **origin,
    }
    found = {"passed": passed, "changes": changes.changes(dict(plan))}
    return {
        "origin.json": json.dumps(of),
        "changes.json": json.dumps(found),
        "review.md": "The review.\n",
        ".terraform.lock.hcl": "# the provider\n",
        "plan.log": "",
        "plan.tfplan": json.dumps(plan),
    }


def review(plan: Mapping[str, Any], *, passed: bool = True, **origin: object) -> dict[str, str]:
    """The files of a review's artifact, which holds no plan."""
    return {
        name: text for name, text in planned(plan, passed=passed, **origin).items() if name != "plan.tfplan"
    }
