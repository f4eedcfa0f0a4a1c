"""Work shown in steps: one line each with its time, and what is going on in those that take long.

In a terminal the last line is alive. Elsewhere there are whole lines only: one when a step is done, and one
for what still runs after INTERVAL seconds, then after twice as many, and so on: long work fills no log.
"""

import contextlib
import io
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from typing import Self, TextIO

# In seconds.
PATIENCE = 2.0
INTERVAL = 20.0
REFRESH = 0.2

NAME_WIDTH = 18
CLEAR_LINE = "\r\x1b[K"


class Step:
    """One step; `show` says what it is at, `detail` what its last line says besides the time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.detail = ""
        self.started = time.monotonic()
        self._activity = ""

    def show(self, activity: str) -> None:
        self._activity = activity

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def running(self) -> str:
        return f"{self.name:{NAME_WIDTH}}{self.seconds:6.0f} s    {self._activity}".rstrip()

    def done(self, verdict: str = "") -> str:
        return f"{self.name:{NAME_WIDTH}}{self.seconds:8.1f} s  {verdict or self.detail}".rstrip()


class Steps:
    """Shows steps on a stream; several may run at a time. As a context manager it is alive until the end."""

    def __init__(self, stream: TextIO | None = None) -> None:
        # A closed stdout is None.
        self._stream = stream or sys.stdout or io.StringIO()
        self._alive = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._running: list[Step] = []
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._said = 0.0
        self._interval = INTERVAL

    def __enter__(self) -> Self:
        threading.Thread(target=self._keep_alive, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with self._lock:
            self._running.clear()
            self._clear()

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """A step that ends with the block; one that raises is shown as failed or interrupted."""
        step = self.start(name)
        try:
            yield step
        except KeyboardInterrupt:
            self.end(step, "interrupted")
            raise
        except BaseException:
            self.end(step, "failed")
            raise
        self.end(step)

    def start(self, name: str) -> Step:
        step = Step(name)
        with self._lock:
            self._begin_to_wait()
            self._running.append(step)
        return step

    def end(self, step: Step, verdict: str = "") -> None:
        with self._lock:
            self._running.remove(step)
            self._begin_to_wait()
            self.say(step.done(verdict))

    def say(self, line: str) -> None:
        """A line of its own, above what is alive."""
        with self._lock:
            self._clear()
            print(line, file=self._stream, flush=True)

    def _keep_alive(self) -> None:
        # Who does the work learns of a reader who has left; the work itself is not shown then.
        with contextlib.suppress(OSError):
            self._refresh()

    def _refresh(self) -> None:
        while not self._ended.wait(REFRESH):
            with self._lock:
                if not self._ended.is_set():
                    self._show_running()

    def _show_running(self) -> None:
        line = "  |  ".join(step.running() for step in self._running if step.seconds >= PATIENCE)
        if line and self._alive:
            self._stream.write(CLEAR_LINE + line[: shutil.get_terminal_size().columns - 1])
            self._stream.flush()
        elif line and time.monotonic() - self._said >= self._interval:
            self._said = time.monotonic()
            self._interval *= 2
            print(line, file=self._stream, flush=True)

    def _begin_to_wait(self) -> None:
        self._said = time.monotonic()
        self._interval = INTERVAL

    def _clear(self) -> None:
        if self._alive:
            self._stream.write(CLEAR_LINE)
            self._stream.flush()
