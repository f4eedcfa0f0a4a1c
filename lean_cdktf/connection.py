"""Speak with the Node.js that `early_node.py` starts, as jsii does with the one that it starts itself."""

import atexit
import json
import os
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from jsii._kernel.providers.process import _NodeProcess
from jsii._kernel.types import KernelRequest, KernelResponse, LoadRequest
from jsii.errors import JavaScriptError, JSIIError

from . import quicker
from .early_node import Started

# Requests and answers on their way must not fill the buffers of the connection.
_MOST_LOADING = 16


class EarlyNode(_NodeProcess):
    """A Node.js process that runs already. It is not waited for while it loads assemblies."""

    def __init__(self, started: Started) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._pid = started.pid
        self._connection = started.connection
        # What jsii uses of a subprocess.Popen.
        self._process: Any = SimpleNamespace(
            stdin=started.connection.makefile("wb"), stdout=started.connection.makefile("rb")
        )
        self._said_hello = False
        self._loading: deque[str] = deque()
        self._types: dict[str, int] = {}
        self._printer = threading.Thread(target=_print_lines, args=[started.output], daemon=True)
        self._printer.start()
        atexit.register(self.stop)

    def load(self, request: LoadRequest) -> None:
        """Have an assembly loaded. That it cannot be loaded is raised by what comes next."""
        if len(self._loading) == _MOST_LOADING:
            self._catch_up()
        self._loading.append(request.name)
        with suppress(BrokenPipeError):  # no answer will come, which is what to tell
            self._process.stdin.write(json.dumps(self._serializer.unstructure(request)).encode() + b"\n")
            self._process.stdin.flush()

    def types(self, assembly: str) -> int:
        """How many types the loaded assembly has."""
        self._catch_up()
        return self._types[assembly]

    def send(self, request: KernelRequest, response_type: type[KernelResponse]) -> KernelResponse:
        """Send a request and wait for the answer. Raises JSIIError, also if a package could not be loaded."""
        self._catch_up()
        return super().send(request, response_type)

    def _catch_up(self) -> None:
        """Read what Node.js said meanwhile."""
        if not self._said_hello:
            # Node.js may still be loading; all that stays is imported.
            quicker.spare_the_end(self._connection.fileno())
            self.handshake()
            self._said_hello = True
        while self._loading:
            name = self._loading.popleft()
            answer = self._next_message()
            if "error" in answer:
                cause = JavaScriptError(answer["stack"])  # type: ignore[no-untyped-call]
                raise JSIIError(answer["error"]) from cause
            self._types[name] = answer["ok"]["types"]

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
