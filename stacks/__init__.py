"""The infrastructure: settings, one construct per capability, and the stacks that wire them."""

from pathlib import Path

from tools import lean_bindings

# Before any module of this package imports the AWS provider.
lean_bindings.activate(Path(__file__).parents[1])
