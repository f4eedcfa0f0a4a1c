"""`python -m tools.audit COMMAND`."""

from tools.audit.commands import main
from tools.audit.deployment import end_with_status

if __name__ == "__main__":
    end_with_status(main)
