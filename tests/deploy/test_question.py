"""Every answer to the question, at a real terminal."""

import os
import sys
from pathlib import Path

import pytest

from tests.terminal import Terminal

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ASK = "import sys; from tools.deploy.question import ask; sys.exit(not ask('dev', to='destroy this'))"


def question(before: str = "") -> Terminal:
    return Terminal(sys.executable, "-S", "-c", before + ASK, cwd=ROOT, env=os.environ)


@pytest.mark.parametrize("answer", ["dev\n", " dev \n", "Dev\b\b\bdev\n"])
def test_the_whole_word_is_a_yes(answer: str) -> None:
    terminal = question()
    terminal.expect("Type dev to destroy this, anything else to leave all as it is: ")
    # What a terminal sends for a backspace.
    terminal.type(answer.replace("\b", "\x7f"))
    assert terminal.wait() == 0


@pytest.mark.parametrize(
    "answer",
    ["\n", "no\n", "y\n", "yes\n", "DEV\n", "de\n", "dev dev\n", "devv\n", "\x1b[A\n", "\x04", "\t\n"],
)
def test_anything_else_is_a_no(answer: str) -> None:
    terminal = question()
    terminal.expect("as it is: ")
    terminal.type(answer)
    assert terminal.wait() == 1


def test_keys_pressed_before_are_no_answer() -> None:
    terminal = question("print('wait', flush=True); import time; time.sleep(0.3);")
    terminal.expect("wait")
    terminal.type("dev\n")
    terminal.expect("as it is: ")
    terminal.type("no\n")
    assert terminal.wait() == 1


def test_interrupted() -> None:
    terminal = question()
    terminal.expect("as it is: ")
    terminal.interrupt()
    assert terminal.wait() != 0
    assert "KeyboardInterrupt" in terminal.output
