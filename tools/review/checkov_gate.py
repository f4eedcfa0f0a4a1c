"""Check synthesized Terraform JSON and plans with checkov, and fail on a finding without a reason.

Usage: python -m tools.review.checkov_gate cdktf.out/stacks/*/cdk.tf.json PLAN.json

checkov itself passes when it reads nothing: a file it cannot parse, an empty one, none at all. Here each file
must have been checked. Suppressed checks and the reason for each are in checkov.toml; one that suppresses
nothing in the given files is an error too.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tools.console.program import run_tool

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-checkov/bin/python"
EXIT_CLEAN, EXIT_FINDINGS, EXIT_UNUSABLE = 0, 1, 2
CHECKOV_STATUSES = (0, 1)


class GateError(Exception):
    """Something was not checked at all; the message is one line that says what."""


@dataclass(frozen=True)
class Finding:
    file: Path
    check: str
    resource: str
    title: str


def findings(file: Path, python: Path) -> list[Finding]:
    """What checkov, installed for `python`, finds in a `*.tf.json` or in the JSON of a plan.

    Raises GateError if it checked nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        if file.name.endswith(".tf.json"):
            framework, target = "terraform_json", Path(folder, "main.tf.json")
            # checkov cannot read CDKTF's `terraform` block, in which there is nothing to check.
            target.write_text(json.dumps(_parsed(file) | {"terraform": {}}))
        else:
            framework, target = "terraform_plan", file
            _parsed(file)
        report = _report(file, python, ["--framework", framework, "--file", str(target)])
    summary = report.get("summary", {})
    if not summary.get("passed", 0) + summary.get("failed", 0) or summary.get("parsing_errors"):
        raise GateError(f"{file}: checkov checked nothing in it")
    return [
        Finding(file, check["check_id"], check["resource"], check["check_name"])
        for check in report["results"]["failed_checks"]
    ]


def _parsed(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except OSError as error:
        raise GateError(f"{file}: {error.strerror}") from None
    except ValueError:
        raise GateError(f"{file}: not JSON") from None
    if not isinstance(content, dict):
        raise GateError(f"{file}: not a JSON object")
    return content


def _report(file: Path, python: Path, arguments: Sequence[str]) -> dict[str, Any]:
    # Not its own command, which does not start in a folder with a space in its name.
    command = [
        str(python),
        "-m",
        "checkov.main",
        "--skip-download",
        "--quiet",
        "--compact",
        "--output",
        "json",
        *arguments,
    ]
    try:
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise GateError(f"{python}: {error.strerror}") from None
    try:
        report = json.loads(answer.stdout)
    except ValueError:
        report = None
    if answer.returncode not in CHECKOV_STATUSES or not isinstance(report, dict):
        raise GateError(f"{file}: checkov ended with status {answer.returncode} and no report")
    return report


def unexplained(found: Sequence[Finding], suppressed: dict[str, dict[str, str]]) -> list[str]:
    """A line for each finding that is not suppressed and each suppression that has no finding."""
    used = set()
    lines = []
    for finding in found:
        rule = suppressed.get(finding.check)
        if rule and fnmatchcase(finding.resource, rule["resource"]):
            used.add(finding.check)
        else:
            lines.append(f"{finding.file}: {finding.resource}: {finding.check} {finding.title}")
    return lines + [f"checkov.toml: {check} suppresses nothing" for check in sorted(suppressed.keys() - used)]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.review.checkov_gate",
        description="Run checkov and fail on a finding that checkov.toml gives no reason for.",
        epilog="Exit status: 0 clean; 1 findings; 2 something was not checked.",
    )
    parser.add_argument(
        "files", metavar="FILE", type=Path, nargs="+", help="*.tf.json, or the JSON of a plan"
    )
    parser.add_argument(
        "--python", type=Path, default=PYTHON, help="the Python that checkov is installed for"
    )
    parser.add_argument(
        "--suppressed", type=Path, default=ROOT / "checkov.toml", help="suppressions and reasons"
    )
    arguments = parser.parse_args()
    try:
        suppressed = tomllib.loads(arguments.suppressed.read_text())
        found = []
        for file in arguments.files:
            print(f"checkov: {file}", file=sys.stderr)
            found += findings(file, arguments.python)
    except (GateError, OSError, tomllib.TOMLDecodeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    lines = unexplained(found, suppressed)
    for line in lines:
        print(line)
    return EXIT_FINDINGS if lines else EXIT_CLEAN


if __name__ == "__main__":
    sys.exit(run_tool(main))
