"""A provider, as jsii calls what requests go through, for the Node.js that `early_node.py` starts."""

import atexit
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import jsii
from jsii._kernel.providers.process import ProcessProvider, _NodeProcess
from jsii._kernel.types import LoadRequest, LoadResponse
from jsii.errors import JavaScriptError, JSIIError

# Requests and answers on their way must not fill the buffers of the connection.
_MOST_LOADING = 16


def connect(pid: int, connection: socket.socket, output: int) -> None:
    """Have jsii use the Node.js process `pid`, which speaks through `connection` and prints to `output`."""
    jsii.kernel.provider = EarlyProvider(EarlyNode(pid, connection, output))


class EarlyProvider(ProcessProvider):
    """Sends requests to load a package without waiting; all others wait for those."""

    def __init__(self, node: "EarlyNode") -> None:
        self._node = node

    def load(self, request: LoadRequest) -> LoadResponse:
        """Have `request.tarball` loaded. The answer's count of types, which nobody reads, is 0."""
        self._node.load(request)
        return LoadResponse(assembly=request.name, types=0)

    @property
    def _process(self) -> "EarlyNode":
        self._node.catch_up()
        return self._node


class EarlyNode(_NodeProcess):
    """A Node.js process that runs already."""

    def __init__(self, pid: int, connection: socket.socket, output: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._pid = pid
        self._connection = connection
        # What jsii uses of a subprocess.Popen.
        self._process: Any = SimpleNamespace(
            stdin=connection.makefile("wb"), stdout=connection.makefile("rb")
        )
        self._said_hello = False
        self._loading = 0
        self._printer = threading.Thread(target=_print_lines, args=[output], daemon=True)
        self._printer.start()
        atexit.register(self.stop)

    def load(self, request: LoadRequest) -> None:
        if self._loading == _MOST_LOADING:
            self.catch_up()
        self._loading += 1
        with suppress(BrokenPipeError):  # no answer will come, which is what to tell
            self._process.stdin.write(json.dumps(self._serializer.unstructure(request)).encode() + b"\n")
            self._process.stdin.flush()

    def catch_up(self) -> None:
        """Read what Node.js said meanwhile. Raises JSIIError if it could not load a package."""
        if not self._said_hello:
            self._said_hello = True
            self.handshake()
        while self._loading:
            self._loading -= 1
            answer = self._next_message()
            if "error" in answer:
                cause = JavaScriptError(answer["stack"])  # type: ignore[no-untyped-call]
                raise JSIIError(answer["error"]) from cause

    def _next_message(self) -> Mapping[str, Any]:
        try:
            return super()._next_message()
        except (ConnectionError, ValueError):
            raise JSIIError("Node.js ended without an answer") from None

    def stop(self) -> None:
        """End Node.js, and wait until it has removed its temporary files."""
        atexit.unregister(self.stop)
        if self._process.stdin.closed:
            return
        try:
            self._connection.settimeout(5)
            self._process.stdin.write(b'{"exit":0}\n')
            self._process.stdin.close()
            self._connection.shutdown(socket.SHUT_WR)
            # An answer that Ctrl-C has left unread would keep it waiting.
            self._process.stdout.read()
        except TimeoutError:
            os.kill(self._pid, signal.SIGKILL)
        except OSError:
            pass  # it has ended
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        self._printer.join(timeout=5)
        self._process.stdout.close()
        self._connection.close()


def _print_lines(output: int) -> None:
    with open(output, errors="replace") as lines:
        for line in lines:
            print(line, end="", file=sys.stderr, flush=True)
