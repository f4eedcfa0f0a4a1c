"""What the Makefile does itself; commands are stand-ins."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.terminal import Terminal
from tools.local.shell import OF_MAKE

ROOT = Path(__file__).parents[1]


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """The folder of the stand-ins, which goes before all others. They write what they are told to a file."""
    for name in ("cdktf", "npx", "python"):
        command = tmp_path / name
        command.write_text(f'#!/bin/sh\necho "{name} $*; CI=$CI" >> "{tmp_path}/calls"\n')
        command.chmod(0o755)
    (tmp_path / "calls").touch()
    return tmp_path


def make(commands: Path, *arguments: str) -> tuple[str, ...]:
    # Nothing is installed for it.
    return ("make", f"PATH={commands}{os.pathsep}{os.environ['PATH']}", "dev=", *arguments)


def environment(**variables: str) -> dict[str, str]:
    """Without what would make a part of it of the make that runs the tests, and without a NODE of its own."""
    return {name: value for name, value in os.environ.items() if name not in (*OF_MAKE, "NODE")} | variables


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("arguments", ["deploy", "destroy", "apply", "watch", "destroy --auto-approve=false"])
def test_the_cdktf_cli_does_not_ask_where_nobody_answers(arguments: str, commands: Path) -> None:
    answer = run(*make(commands, "cdktf", f"ARGS={arguments}"))
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: the CDKTF CLI would ask, and here is no terminal to ask in: ")
    assert answer.stderr.count("\n") == 2
    assert (commands / "calls").read_text() == ""


@pytest.mark.parametrize("arguments", ["diff", "", "destroy --auto-approve", "--auto-approve=true deploy"])
def test_the_cdktf_cli_works_without_terminal_where_it_does_not_ask(arguments: str, commands: Path) -> None:
    assert run(*make(commands, "cdktf", f"ARGS={arguments}")).returncode == 0
    assert (commands / "calls").read_text() == f"cdktf {arguments}; CI=\n"


def test_the_cdktf_cli_shows_its_menu_whatever_the_environment_says(commands: Path) -> None:
    terminal = Terminal(*make(commands, "cdktf", "ARGS=destroy"), cwd=ROOT, env=environment(CI="1"))
    assert terminal.wait() == 0
    assert (commands / "calls").read_text() == "cdktf destroy; CI=\n"


@pytest.mark.parametrize("node", [None, "", "latest", "-v", "20 && x"])
def test_the_function_is_tested_on_a_node_that_is_named(
    node: str | None, commands: Path, tmp_path: Path
) -> None:
    checkout = tmp_path / "a checkout"
    checkout.mkdir()
    shutil.copy(ROOT / "Makefile", checkout)
    given = [] if node is None else [f"NODE={node}"]
    answer = run("make", "-C", str(checkout), "test-handler", f"PYTHON={commands}/python", *given)
    assert answer.returncode == 2
    said = f"error: NODE is '{node or ''}': allowed is a version such as 20, 22 or 24"
    # Before anything is installed, or looked for.
    assert answer.stderr.splitlines()[0] == said
    assert (commands / "calls").read_text() == ""
