"""Start jsii's Node.js before anything else, so that it starts and loads while Python imports.

CDKTF is written in TypeScript; its Python classes pass what is asked of them on to a Node.js process, through
a library called jsii. jsii starts that process at the first import of such a class, and everything waits for
everything: Python for Node.js to start, and to start another Node.js that does the work; then, package by
package, Python for Node.js to load the JavaScript, and Node.js for Python to define the classes. Where there
is a second processor core, this module has both sides work at the same time:

    from pathlib import Path
    from lean_cdktf import early_node
    early_node.start(Path(__file__).parents[1])  # before anything imports jsii or CDKTF

    from cdktf import App  # as ever

How it works. jsii's program speaks on file descriptor 3, a line of JSON for each request and each answer.
jsii gives it that descriptor by a Node.js process in between. `start` does without: it runs the program with
one end of a socket as its descriptor 3, and only then imports jsii, which takes as long as Node.js takes to
start. The other end goes to an `EarlyProvider` (see `early_provider.py`), which sends the requests to load a
package without waiting for their answers.

What Node.js prints goes to stderr, without jsii's warning of an unsupported Node.js. That a package cannot be
loaded is raised by the first use of a class, not by its import. Packages that Python imports from a zip file
cannot be loaded.

Set `NO_LEAN_BINDINGS=1` to have jsii do it in its own way. So it does where this cannot work: on Windows,
with a `JSII_RUNTIME` of your own, where jsii is imported already, where `.gen/` cannot be written, and where
jsii lacks the inner parts that are used here, which are those of 1.142.
"""

import os
import signal
import socket
import sys
from importlib.machinery import PathFinder
from pathlib import Path

# jsii's program, and the worker that it looks for in its own folder, with their names in the installed jsii.
# .cjs, lest the project's own package.json should make a module of it.
_PROGRAM = {"program.cjs": "lib__program.js", "runtime-index-worker.js": "lib__runtime-index-worker.js"}


def start(root: Path) -> None:
    """Start the Node.js that `JSII_NODE` names, or that on the PATH, and have jsii use it.

    Keeps links to jsii's program in `.gen/jsii/` below `root`. Raises FileNotFoundError without Node.js.
    """
    if (
        os.environ.get("NO_LEAN_BINDINGS")
        or "JSII_RUNTIME" in os.environ
        or "jsii" in sys.modules
        or not hasattr(os, "posix_spawnp")
    ):
        return
    try:
        program = _linked_program(root / ".gen" / "jsii")
    except OSError:
        return
    node = os.environ.get("JSII_NODE", "node")
    # A pipe of its own, since Node.js makes what it prints to non-blocking, for all who share it.
    output, output_end = os.pipe()
    connection, program_end = socket.socketpair()
    for end in (connection, program_end):
        end.setblocking(True)  # whatever the project's default is
    with program_end:
        pid = os.posix_spawnp(
            node,
            # jsii's own options, and one because of the links.
            [
                node,
                "--max-old-space-size=4069",
                "--preserve-symlinks",
                "--preserve-symlinks-main",
                str(program),
            ],
            os.environ | {"JSII_AGENT": f"Python/{sys.version.split()[0]}"},
            # In an order in which none overwrites what another one needs, should 0, 1 or 2 be closed here.
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, output_end, 1),
                (os.POSIX_SPAWN_DUP2, output_end, 2),
                (os.POSIX_SPAWN_DUP2, program_end.fileno(), 3),
            ],
            # Ctrl-C ends Python, which ends Node.js, which removes its temporary files.
            setpgroup=0,
        )
    os.close(output_end)
    try:
        from . import early_provider  # noqa: PLC0415 imports jsii, while Node.js starts

        early_provider.connect(pid, connection, output)
    except BaseException as error:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        if not isinstance(error, ImportError):  # but Ctrl-C
            raise


def _linked_program(folder: Path) -> Path:
    """The program of the installed jsii, under its own name in a folder of links."""
    jsii = PathFinder.find_spec("jsii")
    if jsii is None or jsii.origin is None:
        raise FileNotFoundError("jsii is not installed")
    for name, packed in _PROGRAM.items():
        target = Path(jsii.origin).with_name("_embedded") / "jsii" / packed
        link = folder / name
        if not link.is_symlink() or link.readlink() != target:
            folder.mkdir(parents=True, exist_ok=True)
            # Another run may be doing the same.
            temporary = folder / f"{name}.{os.getpid()}"
            temporary.symlink_to(target)
            temporary.replace(link)
        link.stat()
    return folder / "program.cjs"
