"""Start CDKTF in Python in a fraction of the time, with the same result: import this first in `main.py`.

    import lean_cdktf
    from cdktf import App  # as ever

Nothing starts until CDKTF is imported. Then Node.js loads while Python imports (`early_node.py`), and each
loads those parts of a provider's package that the program uses (`import_hook.py`, `provider.py`). What is
generated to that end is in `.gen/`, beside `cdktf.json`. Set `NO_LEAN_BINDINGS=1` to do without all of it.
"""

import os

if not os.environ.get("NO_LEAN_BINDINGS"):
    from . import generated, import_hook

    import_hook.install(generated.Generated(generated.project_root()))
