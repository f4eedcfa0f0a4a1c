"""Commands that work unseen."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tools.console.child import Command, run, run_all

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

# Notes each Ctrl-C, and takes a moment to end.
STUBBORN = """
trap 'echo interrupted; stopped=yes' INT
echo started
until [ -n "$stopped" ]; do sleep 0.02; done
sleep 0.3
echo ended
"""


def shell(script: str, log: Path) -> Command:
    return Command(arguments=["bash", "-c", script], log=log, cwd=log.parent)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "the.log"


def test_output_goes_to_the_log_and_line_by_line_to_who_asks(log: Path) -> None:
    log.write_text("before\n")
    lines: list[str] = []
    command = Command(
        arguments=["bash", "-c", "echo one; echo two >&2; exit 3"],
        log=log,
        cwd=log.parent,
        on_line=lines.append,
    )
    assert run(command) == 3
    assert lines == ["one", "two"]
    assert log.read_text() == "before\none\ntwo\n"


def test_it_never_reads_a_key(log: Path) -> None:
    program = f"""
from pathlib import Path
from tools.console.child import Command, run
log = Path({str(log)!r})
run(Command(arguments=["bash", "-c", "read -r answer; echo $?"], log=log, cwd=log.parent))
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, input=b"yes\n", check=True)
    assert log.read_text() == "1\n"


def test_when_one_fails_the_others_are_ended(log: Path) -> None:
    ended: list[tuple[int, int]] = []
    commands = [shell("sleep 60", log), shell("exit 1", log)]
    statuses = run_all(commands, on_end=lambda index, status: ended.append((index, status)))
    assert statuses == [-signal.SIGTERM, 1]
    assert ended == [(1, 1), (0, -signal.SIGTERM)]


def test_what_cannot_be_said_leaves_nothing_running(log: Path) -> None:
    def fail(*_: int) -> None:
        raise BrokenPipeError

    started = time.monotonic()
    with pytest.raises(BrokenPipeError):
        run_all([shell("echo $$ > pid; exec sleep 60", log), shell("exit 0", log)], on_end=fail)
    with pytest.raises(ProcessLookupError):
        os.kill(int((log.parent / "pid").read_text()), 0)
    with pytest.raises(FileNotFoundError):
        run_all([shell("exec sleep 60", log), Command(arguments=["nosuch"], log=log, cwd=log.parent)])
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_is_passed_on_once_and_the_end_is_waited_for(number: int, log: Path) -> None:
    def interrupt_twice() -> None:
        while "started" not in log.read_text():
            time.sleep(0.01)
        for _ in range(2):
            os.kill(os.getpid(), number)
            time.sleep(0.1)

    said: list[str] = []

    def say() -> None:
        said.append("waiting")
        # As when the terminal is gone.
        raise OSError

    log.touch()
    threading.Thread(target=interrupt_twice).start()
    with pytest.raises(KeyboardInterrupt):
        run(shell(STUBBORN, log), on_interrupt=say)
    assert log.read_text().split() == ["started", "interrupted", "ended"]
    assert said == ["waiting"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_leads_a_session_of_its_own(log: Path) -> None:
    run(shell("ps -o sid= -p $$", log))
    assert int(log.read_text()) != os.getsid(0)
