"""A command at a terminal, as a person has it."""

import os
import pty
import select
import signal
import time
from collections.abc import Mapping
from pathlib import Path

SECONDS = 120


class Terminal:
    """Runs a command whose controlling terminal this is; `output` is all that was on the screen."""

    def __init__(self, *command: str, cwd: Path, env: Mapping[str, str]) -> None:
        self.output = ""
        self._pid, self._master = pty.fork()
        if self._pid == 0:
            try:
                os.chdir(cwd)
                os.execvpe(command[0], command, env)
            finally:
                os._exit(127)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.type("\x03")

    def expect(self, text: str) -> None:
        """Wait until `text` is on the screen."""
        deadline = time.monotonic() + SECONDS
        while text not in self.output:
            assert self._read() and time.monotonic() < deadline, f"no {text!r} in {self.output!r}"

    def wait(self) -> int:
        """The exit status of the command, once it has ended."""
        deadline = time.monotonic() + SECONDS
        while self._read():
            if time.monotonic() > deadline:
                os.kill(self._pid, signal.SIGKILL)
                raise AssertionError(f"it does not end: {self.output!r}")
        os.close(self._master)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _read(self) -> bool:
        """Take what is written; whether more may come."""
        if select.select([self._master], [], [], 1)[0]:
            try:
                read = os.read(self._master, 65536)
            except OSError:
                # Linux says so when the last process has closed the terminal.
                return False
            self.output += read.decode(errors="replace").replace("\r\n", "\n")
            return bool(read)
        return True
