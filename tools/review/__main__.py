"""Review a Terraform plan: `python -m tools.review PLAN.json`."""

import sys

from tools.review.plan_review import main

if __name__ == "__main__":
    sys.exit(main())
