"""Terraform in the folder of the synthesized stack: what is planned there, from what, and what it changes.

Beside `cdk.tf.json` that folder then holds
- `plan.tfplan` and `plan.json`: the plan, with every secret value in the clear
- `.terraform.lock.hcl`: the provider that made it, and that alone may apply it
- `plan.log`: the warnings of `terraform plan`, as its `-json` output gives them, without values
- `origin.json`: what the plan was made from (`Origin`)
- `review.md`: what the review of the plan says
- `changes.json`: whether the plan passed its review, and what it changes, without values (`changes.py`)
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self

from tools.ci import github
from tools.ci.changes import Change, changes
from tools.console.child import interrupts

ROOT = Path(__file__).parents[2]
ALLOWED = ROOT / ".github/allowed-losses"
REVIEW = (sys.executable, "-m", "tools.review")
LOCK_FILE = ".terraform.lock.hcl"
# What later runs read. Only the plan itself holds secret values.
PLAN_FILES = ("plan.tfplan", LOCK_FILE, "plan.log", "origin.json", "review.md", "changes.json")
# As long as the workflows keep the review of a pull request, and the plan of a deployment.
REVIEW_DAYS, PLAN_DAYS = 90, 7
PASSED, STOPPED, UNUSABLE = 0, 3, 4
DIFFERENT = 2


class StackError(Exception):
    """Terraform, or what the stack's folder holds, is of no use; the message is one line that says why."""


class StateVersion(NamedTuple):
    """Which state it is, and how often it was written. A stack that was never deployed has ("", 0)."""

    lineage: str
    serial: int


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a plan was made from.

    `tree` is the git tree of the code, `commit` the newest commit of the pull request or what is checked out,
    `main` the commit that it was merged into for the plan, or "". `made` is in ISO 8601, UTC; `run` is the
    page of the workflow's run or None.
    """

    tree: str
    commit: str
    main: str
    lineage: str
    serial: int
    made: str
    run: str | None

    @property
    def state(self) -> StateVersion:
        return StateVersion(self.lineage, self.serial)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """From `origin.json`; raises StackError when it does not tell."""
        try:
            given = json.loads((folder / "origin.json").read_bytes())
            return cls(**{field.name: given[field.name] for field in fields(cls)})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StackError(f"{folder.name} does not tell what its plan was made from ({error!r})") from None

    @classmethod
    def now(cls, state: StateVersion) -> Self:
        """Of a plan that is made now, from what is checked out and from this state."""
        commit, main = _commits()
        return cls(
            tree=tree(),
            commit=commit,
            main=main,
            lineage=state.lineage,
            serial=state.serial,
            made=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            run=github.run_url(),
        )


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan as its folder tells of it; `passed` says whether its review let it through."""

    origin: Origin
    passed: bool
    changes: list[Change]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """From `origin.json` and `changes.json`; raises StackError when they do not tell."""
        origin = Origin.read(folder)
        try:
            found = json.loads((folder / "changes.json").read_bytes())
            return cls(origin=origin, passed=found["passed"] is True, changes=list(found["changes"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StackError(f"{folder.name} does not tell of a plan ({error!r})") from None


class Stack:
    """The stack that was synthesized last."""

    def __init__(self) -> None:
        self.folder = stack_folder()

    @classmethod
    def with_plan(cls) -> Self:
        """The stack with a plan in its folder; raises StackError when there is none."""
        with contextlib.suppress(StackError):
            stack = cls()
            if (stack.folder / "plan.tfplan").exists():
                return stack
        raise StackError("there is no plan: make plan makes one")

    def init(self, *, backend: bool = True) -> None:
        """Install the provider: the one that the lock file names, when the folder holds one, and no other."""
        pinned = ["-lockfile=readonly"] if (self.folder / LOCK_FILE).exists() else []
        self._terraform("init", "-input=false", f"-backend={str(backend).lower()}", *pinned)

    def state(self) -> StateVersion:
        """The version of the state as it is now."""
        text = self._terraform("state", "pull")
        if not text.strip():
            return StateVersion("", 0)
        state = json.loads(text)
        return StateVersion(str(state["lineage"]), int(state["serial"]))

    def plan(self, state: StateVersion) -> bool:
        """Plan, and write down from what; whether anything differs. Warnings go to stderr and to a file."""
        self._remove_plan()
        began = time.monotonic()
        print("Planning", file=sys.stderr, flush=True)
        options = ("-json", "-input=false", "-lock=false", "-out=plan.tfplan", "-detailed-exitcode")
        answer = self._run(["terraform", "plan", *options], stdout=subprocess.PIPE)
        found = list(_diagnostics(answer.stdout))
        for diagnostic in found:
            print(_readable(diagnostic), file=sys.stderr)
        if answer.returncode not in (0, DIFFERENT):
            self._remove_plan()
            raise StackError("terraform plan failed" + ("" if found else f":\n{answer.stdout.strip()}"))
        (self.folder / "plan.log").write_text("".join(_logged(item) for item in found), encoding="utf-8")
        self._write("origin.json", asdict(Origin.now(state)))
        print(f"Planned in {time.monotonic() - began:.0f} s", file=sys.stderr)
        return answer.returncode == DIFFERENT

    def review(self) -> int:
        """Review the plan in the folder: Markdown to standard output and `review.md`; gives its status."""
        text = self._terraform("show", "-json", "plan.tfplan")
        (self.folder / "plan.json").write_text(text, encoding="utf-8")
        command = [*REVIEW, "plan.json", f"@{ALLOWED}", *self._known_of_the_plan()]
        answer = self._run(command, stdout=subprocess.PIPE)
        (self.folder / "review.md").write_text(answer.stdout, encoding="utf-8")
        print(answer.stdout, end="", flush=True)
        passed = answer.returncode == PASSED
        self._write(
            "changes.json", {"passed": passed, "changes": changes(json.loads(text)) if passed else []}
        )
        return answer.returncode

    def is_applyable(self) -> bool:
        """Whether there is anything to apply, as Terraform says of the reviewed plan."""
        return json.loads((self.folder / "plan.json").read_bytes()).get("applyable") is not False

    def apply(self) -> None:
        """Apply the plan in the folder; raises StackError when Terraform refuses or fails."""
        if self._run(["terraform", "apply", "-input=false", "plan.tfplan"]).returncode:
            raise StackError("terraform apply failed")

    def text(self, name: str) -> str:
        """What a file of the folder holds; nothing when it is not there."""
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def _known_of_the_plan(self) -> list[str]:
        """What the plan itself does not tell its review."""
        log = ["--log=plan.log"] if (self.folder / "plan.log").exists() else []
        try:
            origin = Origin.read(self.folder)
        except StackError:
            return log
        days = REVIEW_DAYS if origin.main else PLAN_DAYS
        last = (datetime.fromisoformat(origin.made) + timedelta(days=days)).date()
        kept = [f"--run-url={origin.run}", f"--valid-until={last}"] if origin.run else []
        commits = [f"--commit={origin.commit}", f"--base={origin.main}"]
        return [*log, *commits, f"--serial={origin.serial}", *kept]

    def _remove_plan(self) -> None:
        for name in (*PLAN_FILES, "plan.json"):
            if name != LOCK_FILE:
                (self.folder / name).unlink(missing_ok=True)

    def _write(self, name: str, content: object) -> None:
        (self.folder / name).write_text(json.dumps(content) + "\n", encoding="utf-8")

    def _terraform(self, *arguments: str) -> str:
        answer = self._run(["terraform", *arguments], stdout=subprocess.PIPE)
        if answer.returncode:
            print(answer.stdout, file=sys.stderr, end="")
            raise StackError(f"terraform {arguments[0]} failed")
        return answer.stdout

    def _run(self, command: list[str], *, stdout: int | None = None) -> subprocess.CompletedProcess[str]:
        # Terraform and its providers have no use for the token that the job has for GitHub.
        environment = {name: value for name, value in os.environ.items() if name != "GH_TOKEN"}
        if not (sys.stdout.isatty() and sys.stderr.isatty()):
            # By itself Terraform writes its errors in color to whatever reads them.
            environment["TF_CLI_ARGS"] = f"{environment.get('TF_CLI_ARGS', '')} -no-color".strip()
        try:
            return _run_to_its_end(command, self.folder, environment | {"PYTHONPATH": str(ROOT)}, stdout)
        except FileNotFoundError:
            raise StackError(f"{command[0]} is not on the PATH") from None


def _run_to_its_end(
    command: list[str], folder: Path, environment: dict[str, str], stdout: int | None
) -> subprocess.CompletedProcess[str]:
    """Run a command. Raises KeyboardInterrupt when interrupted, once the command has ended.

    It is asked to end, once: asked again Terraform leaves its lock, and killed it forgets what it has done.
    """
    process: subprocess.Popen[str] | None = None
    is_asked = False

    def ask_to_end() -> None:
        nonlocal is_asked
        if process and not is_asked:
            is_asked = True
            process.send_signal(signal.SIGINT)

    with interrupts(ask_to_end) as received:
        # In a session of its own a Ctrl-C at the terminal reaches it through this process alone.
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=stdout, encoding="utf-8", start_new_session=True
        )
        # It may have come while that started.
        if received:
            ask_to_end()
        output = process.communicate()[0]
    if received:
        raise KeyboardInterrupt
    return subprocess.CompletedProcess(command, process.returncode, output)


def stack_folder() -> Path:
    """Where Terraform works on the stack that was synthesized last."""
    manifest = Path(os.environ.get("CDKTF_OUTDIR", ROOT / "cdktf.out")).resolve() / "manifest.json"
    try:
        [stack] = json.loads(manifest.read_bytes())["stacks"].values()
        return manifest.parent / str(stack["workingDirectory"])
    except (OSError, ValueError, KeyError):
        raise StackError(f"{manifest} does not name one stack: run make synth first") from None


def tree() -> str:
    """The git tree of what is checked out."""
    return _git("rev-parse", "HEAD^{tree}")


def _commits() -> tuple[str, str]:
    """What the plan is of and what that was merged into: GitHub checks out the merge of the two."""
    head = _git("rev-parse", "HEAD")
    # Of a shallow clone, only the commit itself still tells its parents.
    header = _git("cat-file", "commit", "HEAD").partition("\n\n")[0]
    parents = [line.split()[1] for line in header.splitlines() if line.startswith("parent ")]
    if os.environ.get("GITHUB_EVENT_NAME") == "pull_request" and len(parents) == 2:
        return parents[1], parents[0]
    return head, ""


def _git(*arguments: str) -> str:
    answer = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise StackError(f"git {arguments[0]}: {answer.stderr.strip()}")
    return answer.stdout.strip()


def _diagnostics(output: str) -> list[dict[str, Any]]:
    """The warnings and errors among Terraform's lines of JSON."""
    found = []
    for line in output.splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict) and message.get("type") == "diagnostic":
            found.append(message["diagnostic"])
    return found


def _logged(diagnostic: dict[str, Any]) -> str:
    told = {key: diagnostic.get(key) for key in ("severity", "summary", "address", "detail")}
    return json.dumps({"type": "diagnostic", "diagnostic": told}) + "\n"


def _readable(diagnostic: dict[str, Any]) -> str:
    where = f" ({diagnostic['address']})" if diagnostic.get("address") else ""
    detail = "".join(f"\n  {line}" for line in str(diagnostic.get("detail") or "").splitlines())
    return f"{str(diagnostic.get('severity')).capitalize()}: {diagnostic.get('summary')}{where}{detail}"
