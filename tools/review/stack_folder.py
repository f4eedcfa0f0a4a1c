"""Print the folder of the stack that was synthesized last, where Terraform works on it."""

import argparse
import json
import os
import sys
from pathlib import Path

MANIFEST = Path(os.environ.get("CDKTF_OUTDIR", "cdktf.out")) / "manifest.json"


def main() -> int:
    argparse.ArgumentParser(
        prog="python -m tools.review.stack_folder",
        description=__doc__,
        epilog="Exit status: 0 printed; 2 nothing, or more than one stack, was synthesized.",
    ).parse_args()
    try:
        [stack] = json.loads(MANIFEST.read_text())["stacks"].values()
    except (OSError, ValueError):
        print(f"error: {MANIFEST} does not name one stack: run make synth first", file=sys.stderr)
        return 2
    print(MANIFEST.parent / stack["workingDirectory"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
