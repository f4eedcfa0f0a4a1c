"""Review a Terraform plan: Markdown for a pull request, and a gate on what would be lost or weakened.

Usage: terraform show -json PLAN > PLAN.json; python -m tools.review PLAN.json > REVIEW.md

Construct paths and the stack's name come from the `cdk.tf.json` beside the plan. What the plan does not know
is given by options, and left out of the review without them or when they are empty: --commit and --base
(what was planned, merged into what), --serial (of the state), --valid-until, --run-url (where all of it is),
--log (what `terraform plan -json` printed, for its warnings).
"""

import argparse
import re
import sys
from pathlib import Path

from tools.console.program import run_tool
from tools.review.context import Context, read_names, read_warnings
from tools.review.danger import GUARDED
from tools.review.plan import UnusablePlan, read_plan
from tools.review.review import EXIT_GUARDED, EXIT_SAFE, EXIT_UNUSABLE, review, unusable


class _ArgumentParser(argparse.ArgumentParser):
    """Takes arguments from a file too, one a line, with empty lines and lines that start with #."""

    def convert_arg_line_to_args(self, arg_line: str) -> list[str]:
        line = arg_line.strip()
        return [] if not line or line.startswith("#") else [line]


def main() -> int:
    """Write the review to standard output and what has to be decided to standard error."""
    return _run(_parser().parse_args())


def _parser() -> argparse.ArgumentParser:
    parser = _ArgumentParser(
        prog="python -m tools.review",
        description="Write a review of a Terraform plan as Markdown to standard output.",
        epilog=f"Exit status: {EXIT_SAFE} nothing to decide; {EXIT_GUARDED} guarded data would be "
        "destroyed, replaced or forgotten, or something weakened (tools/review/weakenings.py); "
        f"{EXIT_UNUSABLE} no usable plan. Guarded: {', '.join(GUARDED)}. "
        "@FILE stands for the arguments in that file, one a line.",
        fromfile_prefix_chars="@",
    )
    parser.add_argument("plan", metavar="PLAN.json", type=Path, help="output of terraform show -json PLAN")
    parser.add_argument(
        "--allow",
        metavar="WHAT",
        action="append",
        default=[],
        help="let a guarded resource be lost (ADDRESS) or an attribute be weakened (ADDRESS.attribute), as "
        "the review names it; repeatable",
    )
    parser.add_argument("--commit", type=_commit, default="", help="the commit that was planned")
    parser.add_argument("--base", type=_commit, default="", help="the commit that it was merged into")
    parser.add_argument("--serial", type=int, help="the serial of the state that was planned on")
    parser.add_argument("--valid-until", metavar="DATE", type=_date, default="", help="such as 2026-12-01")
    parser.add_argument("--run-url", metavar="URL", type=_url, default="", help="where the whole plan is")
    parser.add_argument("--log", metavar="FILE", type=Path, help="output of terraform plan -json")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    stack, names = read_names(arguments.plan.parent / "cdk.tf.json")
    try:
        context = Context(
            stack=stack,
            names=names,
            warnings=read_warnings(arguments.log) if arguments.log else (),
            commit=arguments.commit,
            base=arguments.base,
            serial=arguments.serial,
            valid_until=arguments.valid_until,
            run_url=arguments.run_url,
        )
        result = review(read_plan(arguments.plan), arguments.allow, context=context)
    except UnusablePlan as error:
        result = unusable(str(error))
    except OSError as error:
        print(f"error: {arguments.log} cannot be read: {error.strerror}", file=sys.stderr)
        return 2
    # Text of a plan is Unicode whatever the locale of the terminal says.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    print(result.markdown, end="")
    for message in result.messages:
        print(f"review: {arguments.plan}: {message}", file=sys.stderr)
    return result.exit_status


def _commit(text: str) -> str:
    return _matching(r"[0-9a-f]{7,64}", text, "a commit is 7 to 64 hexadecimal digits")


def _date(text: str) -> str:
    return _matching(r"\d{4}-\d{2}-\d{2}", text, "a date is YYYY-MM-DD")


def _url(text: str) -> str:
    return _matching(r"https?://[\w.~:/?#@!$&'*+,;=%-]+", text, "a URL begins with https://")


def _matching(pattern: str, text: str, allowed: str) -> str:
    if text and not re.fullmatch(pattern, text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r}: {allowed}")
    return text


if __name__ == "__main__":
    sys.exit(run_tool(main))
