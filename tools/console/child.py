"""Commands that work unseen: what they write goes to a log, and they never read a key.

Each leads a session of its own, so that Ctrl-C in a terminal reaches this process alone. It is passed on
once, and the command is waited for: by a second one Terraform would end without releasing its lock.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import BinaryIO

POLL_SECONDS = 0.05
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command; what it writes is added to `log`, and `on_line` gets each line of it."""

    arguments: Sequence[str]
    log: Path
    cwd: Path
    env: Mapping[str, str] | None = None
    on_line: Callable[[str], None] | None = None


class _Child:
    def __init__(self, command: Command) -> None:
        self._on_line = command.on_line
        command.log.parent.mkdir(parents=True, exist_ok=True)
        with command.log.open("ab") as log:
            position = log.tell()
            self.process = subprocess.Popen(
                command.arguments,
                cwd=command.cwd,
                env=command.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._written: BinaryIO = command.log.open("rb")
        self._written.seek(position)
        self._partial = b""
        self._interrupted = False

    def status(self) -> int | None:
        """The exit status, None while it runs; hands on what it has written since."""
        status = self.process.poll()
        *lines, self._partial = (self._partial + self._written.read()).split(b"\n")
        for line in lines:
            if self._on_line:
                self._on_line(line.decode(errors="replace"))
        if status is not None:
            self._written.close()
        return status

    def interrupt(self) -> None:
        """Ctrl-C, once."""
        if not self._interrupted:
            self._interrupted = True
            self._signal(signal.SIGINT)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def wait(self) -> None:
        self.process.wait()
        self._written.close()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def run(command: Command, *, on_interrupt: Callable[[], None] | None = None) -> int:
    """Run a command; returns its exit status.

    Raises KeyboardInterrupt when interrupted, once the command has ended; `on_interrupt` is called before.
    """
    (status,) = run_all([command], on_interrupt=on_interrupt)
    return status


def run_all(
    commands: Sequence[Command],
    *,
    on_end: Callable[[int, int], None] | None = None,
    on_interrupt: Callable[[], None] | None = None,
) -> list[int]:
    """Run commands side by side, and end all when one fails; returns their exit statuses.

    `on_end` is called with a command's index and exit status. Raises KeyboardInterrupt as `run` does.
    """
    statuses: dict[int, int] = {}
    running: dict[int, _Child] = {}

    def pass_on() -> None:
        for child in list(running.values()):
            child.interrupt()
        if on_interrupt:
            # The children are waited for whether or not there is a terminal any more to say so.
            with contextlib.suppress(OSError):
                on_interrupt()

    with interrupts(pass_on) as interrupted:
        try:
            for index, command in enumerate(commands):
                if interrupted:
                    break
                running[index] = _Child(command)
                # It may have come while that started.
                if interrupted:
                    running[index].interrupt()
            while running:
                for index, status in _ended(running):
                    statuses[index] = status
                    if status != 0:
                        for other in running.values():
                            other.terminate()
                    if on_end and not interrupted:
                        on_end(index, status)
                time.sleep(POLL_SECONDS)
        except BaseException:
            # Such as a terminal that `on_end` can no longer write to: nobody else knows of what still runs.
            for child in running.values():
                child.terminate()
            for child in running.values():
                child.wait()
            raise
    if interrupted:
        raise KeyboardInterrupt
    return [statuses[index] for index in range(len(commands))]


def _ended(running: dict[int, _Child]) -> Iterator[tuple[int, int]]:
    """The index and the exit status of each command that has ended, which is then no longer in `running`."""
    for index, child in list(running.items()):
        if (status := child.status()) is not None:
            del running[index]
            yield index, status


@contextlib.contextmanager
def interrupts(pass_on: Callable[[], None]) -> Iterator[list[int]]:
    """The signals that came inside the block, of SIGNALS; `pass_on` is called at the first of them."""
    received: list[int] = []

    def handle(number: int, _: FrameType | None) -> None:
        received.append(number)
        if len(received) == 1:
            pass_on()

    # What is ignored, as in `nohup`, stays so.
    heeded = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    previous = {number: signal.signal(number, handle) for number in heeded}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
