"""Deployments from a person's machine: what would change is shown and asked for, then that is applied."""
