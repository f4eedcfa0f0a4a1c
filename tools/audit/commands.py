"""The command line of the tools that work on a deployed audit trail."""

import argparse

from tools.audit import history, reconcile, redrive
from tools.audit.deployment import Exit


def main() -> Exit:
    """Run the command that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.audit", description="Work on a deployed audit trail."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in (history, reconcile, redrive):
        command.add_command(commands)
    arguments = parser.parse_args()
    status: Exit = arguments.run(arguments)
    return status
