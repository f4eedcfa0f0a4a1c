"""The pipeline on this machine: `python -m tools.local up|shell|down`."""

import argparse
import sys

from tools.console.program import run_tool
from tools.local.cloud import LocalCloud, LocalCloudError
from tools.local.shell import run_shell


def main() -> int:
    """Exit statuses are those of the help text."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.local",
        description="Run the pipeline on this machine.",
        epilog="Exit status: 0 done; 1 failed; 2 bad usage or setting; 130 interrupted (then a local cloud "
        "that it started is gone). A shell without a terminal ends with that of its commands.",
    )
    commands = {
        "up": "deploy to a local cloud, run sample orders through, show what came of them, leave it running",
        "shell": "a shell whose commands talk to the local cloud; they may come from standard input",
        "down": "stop the local cloud and remove what it left",
    }
    parsers = parser.add_subparsers(dest="command", required=True)
    for name, meaning in commands.items():
        parsers.add_parser(name, help=meaning, description=meaning)
    try:
        return _run(parser.parse_args().command, LocalCloud())
    except (LocalCloudError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _run(command: str, cloud: LocalCloud) -> int:
    if command == "down":
        cloud.stop()
        return 0
    if command == "shell":
        if not cloud.is_running():
            print("error: no local cloud runs: make local starts it", file=sys.stderr)
            return 1
        return run_shell(cloud)
    # Not above: what ends the local cloud needs no package.
    from tools.local.up import up  # noqa: PLC0415

    return up(cloud)


if __name__ == "__main__":
    sys.exit(run_tool(main))
