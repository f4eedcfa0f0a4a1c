"""What is on the screen while work goes on, and what is in a file."""

import io
import re
import threading
import time

import pytest

from tools.console import steps as module
from tools.console.steps import CLEAR_LINE, Steps


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    monkeypatch.setattr(module, "REFRESH", 0.01)
    monkeypatch.setenv("TERM", "xterm")


def wait_for(stream: io.StringIO, text: str) -> None:
    deadline = time.monotonic() + 30
    while text not in stream.getvalue():
        assert time.monotonic() < deadline, stream.getvalue()
        time.sleep(0.01)


def test_a_line_per_step_with_its_time_and_nothing_else_in_a_file() -> None:
    stream = io.StringIO()
    with Steps(stream) as steps:
        with steps.step("Local cloud"):
            time.sleep(0.05)
        with steps.step("Pipeline") as step:
            step.show("1/2")
    first, second = stream.getvalue().splitlines()
    assert first.split() == ["Local", "cloud", "0.1", "s"]
    assert second.split() == ["Pipeline", "0.0", "s"]


def test_what_a_step_is_at_is_alive_in_a_terminal() -> None:
    screen = Screen()
    with Steps(screen) as steps, steps.step("Pipeline") as step:
        step.show("17/28  waiting for s3 bucket")
        wait_for(screen, f"{CLEAR_LINE}Pipeline               0 s    17/28  waiting for s3 bucket")
    # It is wiped out by the line that stays.
    assert re.search(r"\r\x1b\[KPipeline +\d+\.\d s\n\r\x1b\[K$", screen.getvalue())
    assert screen.getvalue().count("\n") == 1


def test_a_long_step_is_told_of_now_and_then_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INTERVAL", 0.05)
    stream = io.StringIO()
    with Steps(stream) as steps, steps.step("Pipeline") as step:
        step.show("17/28")
        wait_for(stream, "17/28\n")
    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()


def test_the_longer_work_takes_the_rarer_it_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    stream = io.StringIO()
    steps = Steps(stream)
    together = [steps.start("Python packages"), steps.start("Node.js packages")]
    for _ in range(1000):
        now += 1
        steps._show_running()
    for step in together:
        steps.end(step)
    later = steps.start("Pipeline")
    now += 20
    steps._show_running()
    steps.end(later)
    lines = [re.sub(r" +", " ", line) for line in stream.getvalue().splitlines()]
    seconds = (20, 60, 140, 300, 620)
    assert lines[:5] == [f"Python packages {n} s | Node.js packages {n} s" for n in seconds]
    assert lines[5:] == [
        "Python packages 1000.0 s",
        "Node.js packages 1000.0 s",
        "Pipeline 20 s",
        "Pipeline 20.0 s",
    ]


def test_a_short_step_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 60.0)
    screen = Screen()
    with Steps(screen) as steps, steps.step("Pipeline") as step:
        step.show("17/28")
        time.sleep(0.1)
    assert "17/28" not in screen.getvalue()


@pytest.mark.parametrize(("error", "verdict"), [(ValueError, "failed"), (KeyboardInterrupt, "interrupted")])
def test_a_step_that_does_not_end_well_says_so(error: type[BaseException], verdict: str) -> None:
    stream = io.StringIO()
    with pytest.raises(error), Steps(stream) as steps, steps.step("Pipeline"):
        raise error
    assert stream.getvalue().rstrip().endswith(verdict)


def test_a_line_of_its_own_stands_above_what_is_alive() -> None:
    screen = Screen()
    with Steps(screen) as steps, steps.step("Plan"):
        wait_for(screen, "Plan")
        steps.say("a warning")
    assert f"{CLEAR_LINE}a warning\n" in screen.getvalue()


def test_a_closed_stdout_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    with Steps() as steps, steps.step("Plan"):
        steps.say("a warning")


def test_a_reader_who_has_left_is_told_of_by_who_works_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Left(Screen):
        tried = threading.Event()

        def write(self, _: str) -> int:
            self.tried.set()
            raise BrokenPipeError

    in_threads: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr("threading.excepthook", in_threads.append)
    with pytest.raises(BrokenPipeError), Steps(Left()) as steps, steps.step("Plan"):
        assert Left.tried.wait(30)
    assert in_threads == []
