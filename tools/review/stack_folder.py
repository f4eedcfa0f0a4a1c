"""Print the folder of the stack that was synthesized last, where Terraform works on it."""

import argparse
import json
import os
import sys
from pathlib import Path


def stack_folder() -> Path:
    """Raises LookupError when nothing, or more than one stack, was synthesized."""
    manifest = Path(os.environ.get("CDKTF_OUTDIR", "cdktf.out")) / "manifest.json"
    try:
        [stack] = json.loads(manifest.read_text())["stacks"].values()
    except (OSError, ValueError, KeyError):
        raise LookupError(f"{manifest} does not name one stack: run make synth first") from None
    return manifest.parent / str(stack["workingDirectory"])


def main() -> int:
    argparse.ArgumentParser(
        prog="python -m tools.review.stack_folder",
        description=__doc__,
        epilog="Exit status: 0 printed; 2 nothing, or more than one stack, was synthesized.",
    ).parse_args()
    try:
        print(stack_folder())
    except LookupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
