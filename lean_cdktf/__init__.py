"""Start CDKTF in Python in a fraction of the time, with the same result; copy this folder into your project.

    from pathlib import Path
    import lean_cdktf
    lean_cdktf.start(Path(__file__).parent)  # before anything imports CDKTF

    from cdktf import App  # as ever

It does two things, each explained in its file: `early_node.py` has Node.js load while Python imports, and
`lean_bindings.py` loads only those parts of a prebuilt provider that the project imports. What they generate
is in `.gen/`. Set `NO_LEAN_BINDINGS=1` to do without both.
"""

from pathlib import Path

from . import early_node


def start(root: Path) -> None:
    """Prepare the import of CDKTF and of the AWS provider by the project whose folder is `root`."""
    early_node.start(root)

    from . import lean_bindings  # noqa: PLC0415 Node.js starts meanwhile

    lean_bindings.activate(root)
