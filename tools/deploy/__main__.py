"""`python -m tools.deploy`."""

import sys

from tools.console.program import run_tool
from tools.deploy.commands import main

if __name__ == "__main__":
    sys.exit(run_tool(main))
