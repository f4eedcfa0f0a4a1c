"""Terraform at work on a synthesized stack: its output goes to a log, its progress and its errors come here.

Its messages are those of https://developer.hashicorp.com/terraform/internals/machine-readable-ui.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.ci.stack import stack_folder
from tools.console.child import Command, run

ROOT = Path(__file__).parents[2]
PLAN = "deploy.tfplan"
# What `terraform plan -detailed-exitcode` ends with when there is something to apply.
CHANGES = 2

Show = Callable[[str], None]


class TerraformError(Exception):
    """Synth or Terraform failed; the message is its cause in one line, and where the log is."""


def synthesize(entry_point: str, *, log: Path) -> Path:
    """Synthesize an app of this project; returns its stack's folder. Raises TerraformError."""
    status = run(Command(arguments=[sys.executable, entry_point], log=log, cwd=ROOT))
    if status != 0:
        said = log.read_text(errors="replace").splitlines()
        reason = next((line.removeprefix("error: ") for line in said if line.startswith("error: ")), None)
        raise TerraformError(reason or _with_log((said or ["synth failed"])[-1], log))
    return ROOT / stack_folder()


class Terraform:
    """Terraform in one stack's folder. Each method raises TerraformError, or KeyboardInterrupt."""

    def __init__(self, folder: Path, *, log: Path, on_interrupt: Callable[[], None] | None = None) -> None:
        self.folder = folder
        self._log = log
        self._on_interrupt = on_interrupt

    def init(self) -> None:
        lines: list[str] = []
        if self._run(["init", "-input=false", "-no-color"], lines.append) != 0:
            raise self._error(_error_of_text(lines))

    def plan(self, *, destroy: bool = False) -> dict[str, Any] | None:
        """Plan into the folder, without locking the state; returns the plan as JSON, None when it is empty.

        What it holds may be secret: it is in no log.
        """
        errors: list[str] = []
        options = ["-destroy"] if destroy else []
        status = self._run(
            ["plan", "-json", "-input=false", "-lock=false", "-detailed-exitcode", f"-out={PLAN}", *options],
            _Errors(errors),
        )
        if status == 0:
            return None
        if status != CHANGES:
            raise self._error(errors)
        plan: dict[str, Any] = json.loads(self.read("show", "-json", PLAN))
        return plan

    def apply_plan(self, *, total: int, show: Show) -> None:
        """Apply exactly what `plan` planned, `total` changes. Terraform refuses if the state has changed."""
        self._apply([PLAN], total, show)

    def apply(self, *, show: Show) -> None:
        """Plan and apply in one, without a question: where there is nothing that could be lost."""
        self._apply(["-auto-approve"], 0, show)

    def outputs(self) -> dict[str, str]:
        return {name: output["value"] for name, output in json.loads(self.read("output", "-json")).items()}

    def read(self, *arguments: str) -> str:
        """What a command says, which is not logged."""
        answer = subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            raise self._error(_error_of_text(answer.stderr.splitlines()))
        return answer.stdout

    def _apply(self, options: list[str], total: int, show: Show) -> None:
        errors: list[str] = []
        progress = _Progress(total, show)
        failed = _Errors(errors)

        def on_line(line: str) -> None:
            failed(line)
            progress(line)

        if self._run(["apply", "-json", "-input=false", *options], on_line) != 0:
            raise self._error(errors)

    def _run(self, arguments: list[str], on_line: Callable[[str], None]) -> int:
        command = Command(
            arguments=["terraform", *arguments],
            log=self._log,
            cwd=self.folder,
            env={**os.environ, "TF_IN_AUTOMATION": "1"},
            on_line=on_line,
        )
        return run(command, on_interrupt=self._on_interrupt)

    def _error(self, errors: list[str]) -> TerraformError:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return TerraformError(_with_log((errors or ["Terraform failed"])[0] + more, self._log))


def _with_log(text: str, log: Path) -> str:
    shown = log.relative_to(ROOT) if log.is_relative_to(ROOT) else log
    return f"{text}; the log is {shown}"


def _message(line: str) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


class _Errors:
    """Collects the errors among Terraform's messages, each in one line."""

    def __init__(self, errors: list[str]) -> None:
        self._errors = errors

    def __call__(self, line: str) -> None:
        diagnostic = _message(line).get("diagnostic") or {}
        if diagnostic.get("severity") == "error":
            summary, detail = diagnostic.get("summary", ""), diagnostic.get("detail", "")
            self._errors.append(_locked(detail) or _one_line(summary, detail))


class _Progress:
    """Says how far an apply is, and what it has waited for longest."""

    def __init__(self, total: int, show: Show) -> None:
        self._total = total
        self._show = show
        self._done = 0
        # In the order in which they were begun.
        self._running: dict[str, str] = {}

    def __call__(self, line: str) -> None:
        message = _message(line)
        kind = message.get("type")
        if kind == "change_summary" and not self._total:
            changes = message.get("changes") or {}
            self._total = sum(changes.get(verb, 0) for verb in ("add", "change", "remove"))
        hook = message.get("hook") or {}
        resource = hook.get("resource") or {}
        address = resource.get("addr", "")
        if hook.get("action") == "read":
            return
        if kind == "apply_start":
            self._running[address] = resource.get("resource_type", "").removeprefix("aws_").replace("_", " ")
        elif kind in ("apply_complete", "apply_errored"):
            self._running.pop(address, None)
            self._done += kind == "apply_complete"
        elif kind != "apply_progress":
            return
        waited_for = next(iter(self._running.values()), None)
        self._show(f"{self._done}/{self._total}" + (f"  waiting for {waited_for}" if waited_for else ""))


def _error_of_text(lines: list[str]) -> list[str]:
    """The first error in what Terraform writes for people: `Error: summary`, an empty line, the detail."""
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip("│╷╵ ") for line in lines]
    starts = [index for index, line in enumerate(plain) if line.startswith("Error: ")]
    if not starts:
        return [line for line in plain if line][-1:]
    summary, *rest = plain[starts[0] :]
    detail = "\n".join(rest).strip()
    return [_locked(detail) or _one_line(summary.removeprefix("Error: "), detail)]


def _one_line(summary: str, detail: str) -> str:
    """The summary, with the first paragraph of the detail where that says more."""
    first = " ".join(detail.strip().split("\n\n")[0].split())
    return " ".join(summary.split()) + (f": {first[:300]}" if first and first not in summary else "")


def _locked(detail: str) -> str | None:
    """What a locked state's error says in many lines."""
    fields = dict(re.findall(r"^\s*(ID|Who|Created):\s*(\S.*?)\s*$", detail, re.MULTILINE))
    if not fields.keys() >= {"ID", "Who", "Created"}:
        return None
    return (
        f"the state is locked since {fields['Created']} by {fields['Who']} (lock {fields['ID']}); "
        "docs/operations.md says how a lock is lifted"
    )
