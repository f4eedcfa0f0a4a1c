"""Deploy, change or destroy an environment: what would change is shown and asked for, then done.

  bootstrap     create the bucket that holds the state, once per account
  deploy-roles  create the roles that CI deploys this environment with, or change them
  deploy        create the environment that the settings name, or change it
  diff          show what deploy would change, in Terraform's words
  destroy       destroy the environment
  check         only see that there are an account and a state bucket

It asks in a terminal, and only the whole word is a yes. Without a terminal it does nothing, unless told
--auto-approve; even then a deployment that loses guarded data needs the loss in .github/allowed-losses.
What is applied is exactly the plan that was shown, made by Terraform of what main.py synthesizes; nothing is
locked until then.
"""

import argparse
import os
import signal
import sys
from typing import Any

from settings import Settings
from tools.console.program import unexpected
from tools.console.steps import Step, Steps
from tools.deploy.plan import ShownPlan, UnusablePlanError
from tools.deploy.question import ask, has_terminal
from tools.deploy.target import TargetError, find_target
from tools.deploy.terraform import PLAN, ROOT, Terraform, TerraformError, synthesize

EXIT_DONE, EXIT_NOT_DONE, EXIT_UNUSABLE, EXIT_LOSS, EXIT_INTERRUPTED = 0, 1, 2, 3, 130
LOG = ROOT / os.environ.get("CDKTF_OUTDIR", "cdktf.out") / "deploy.log"
DONE_BY = {
    "bootstrap": "create this",
    "deploy-roles": "apply this",
    "deploy": "apply this",
    "destroy": "destroy this",
}
APPS = {"bootstrap": "bootstrap.py", "deploy-roles": "deploy_roles.py"}
NEEDED = {"deploy-roles": ("STATE_BUCKET", "REPOSITORY_SUBJECT")}


class RefusedError(Exception):
    """Nothing was changed; the message says why."""

    def __init__(self, message: str, exit_status: int) -> None:
        super().__init__(message)
        self.exit_status = exit_status


def change(command: str, steps: Steps, *, auto_approve: bool) -> None:
    """Plan, show the plan, ask, apply that plan."""
    if not auto_approve and not has_terminal():
        raise RefusedError(
            f"{command} asks before it changes anything, and here is no terminal to ask in: "
            "ARGS=--auto-approve does without the question",
            EXIT_UNUSABLE,
        )
    settings = _settings(command)
    if command == "deploy":
        settings.print_warnings()
    steps.say(str(find_target(settings, with_bucket=command != "bootstrap")))
    terraform, plan = make_plan(command, steps)
    try:
        if plan is None:
            steps.say("There is nothing to destroy." if command == "destroy" else "No changes.")
            return
        shown = ShownPlan(plan, destroys_all=command == "destroy")
        steps.say("\n".join(["", *shown.lines, ""]))
        losing = shown.loses_data and command != "destroy"
        word = settings.environment_suffix if losing or command == "destroy" else "yes"
        if not auto_approve and not ask(word, to="lose this data" if losing else DONE_BY[command]):
            raise RefusedError("nothing was changed", EXIT_NOT_DONE)
        if auto_approve and losing:
            raise RefusedError("--auto-approve does not lose guarded data: docs/ci.md says how", EXIT_LOSS)
        with steps.step("Destroy" if command == "destroy" else "Apply") as step:
            apply(terraform, shown, step)
    finally:
        (terraform.folder / PLAN).unlink(missing_ok=True)
    outputs = {} if command == "destroy" else terraform.outputs()
    steps.say("\n".join(_output(name, value) for name, value in outputs.items()) or "Done.")


def _output(name: str, value: str) -> str:
    """An output in a line; one of several lines as it is, ready to paste, below its name."""
    return f"{name} = {value}" if "\n" not in value else f"\n{name.replace('_', ' ')}:\n{value}"


def apply(terraform: Terraform, shown: ShownPlan, step: Step) -> None:
    try:
        terraform.apply_plan(total=shown.total, show=step.show)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("make diff shows what is left to change") from None


def diff(steps: Steps) -> None:
    """Show in Terraform's words what `deploy` would change."""
    steps.say(str(find_target(_settings("diff"), with_bucket=True)))
    terraform, plan = make_plan("diff", steps)
    try:
        color = [] if sys.stdout and sys.stdout.isatty() else ["-no-color"]
        steps.say("No changes." if plan is None else terraform.read("show", *color, PLAN))
    finally:
        (terraform.folder / PLAN).unlink(missing_ok=True)


def _settings(command: str) -> Settings:
    return Settings.load_or_exit(needed=NEEDED.get(command, ["STATE_BUCKET"]))


def make_plan(command: str, steps: Steps) -> tuple[Terraform, dict[str, Any] | None]:
    """Synthesize and plan; the plan is None when there is nothing to do."""

    def on_interrupt() -> None:
        steps.say("interrupted: waiting for Terraform to release the state's lock")

    LOG.unlink(missing_ok=True)
    with steps.step("Synth"):
        folder = synthesize(APPS.get(command, "main.py"), log=LOG)
    terraform = Terraform(folder, log=LOG, on_interrupt=on_interrupt)
    with steps.step("Plan"):
        terraform.init()
        return terraform, terraform.plan(destroy=command == "destroy")


def main() -> int:
    """Exit statuses are those of the help text."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.deploy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"Exit status: {EXIT_DONE} done; {EXIT_NOT_DONE} declined or failed; {EXIT_UNUSABLE} bad "
        f"usage or setting, or no terminal; {EXIT_LOSS} guarded data would be lost; "
        f"{EXIT_INTERRUPTED} interrupted.",
    )
    parser.add_argument("command", choices=[*DONE_BY, "diff", "check"])
    parser.add_argument("--auto-approve", action="store_true", help="do not ask")
    arguments = parser.parse_args()
    command = arguments.command
    # An end by `kill` is to be as orderly as one by Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with Steps() as steps:
            if command == "check":
                find_target(_settings(command), with_bucket=True)
            elif command == "diff":
                diff(steps)
            else:
                change(command, steps, auto_approve=arguments.auto_approve)
    except BrokenPipeError:
        # Whoever read the output has gone.
        return EXIT_NOT_DONE
    except (RefusedError, TargetError, UnusablePlanError, TerraformError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status if isinstance(error, RefusedError) else EXIT_NOT_DONE
    except Exception as error:
        print(f"error: {unexpected(error)}", file=sys.stderr)
        return EXIT_NOT_DONE
    except KeyboardInterrupt as interrupt:
        print(f"\ninterrupted: {str(interrupt) or 'nothing was changed'}", file=sys.stderr)
        return EXIT_INTERRUPTED
    return EXIT_DONE
