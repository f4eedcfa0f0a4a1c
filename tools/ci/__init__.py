"""What the workflows call, and make plan, review-plan, apply-plan and drift. Standard library only."""
