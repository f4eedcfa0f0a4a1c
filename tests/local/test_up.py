"""`make local` that does not come to its end, and `make shell`. Terraform is a stand-in."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal import Terminal
from tools.local.cloud import ROOT, LocalCloud, wait_until

pytestmark = pytest.mark.slow

TERRAFORM = ROOT / "tests/deploy/fake_terraform.sh"


def driver(call: str, folder: Path) -> tuple[str, ...]:
    """What `python -m tools.local` does, in another folder than the one that somebody may be using."""
    imports = "import sys; from pathlib import Path; from tools.local.cloud import LocalCloud"
    cloud = f"LocalCloud(Path({str(folder)!r}))"
    return sys.executable, "-c", f"{imports}; {call}; sys.exit(run({cloud}))"


def up(folder: Path) -> tuple[str, ...]:
    return driver("from tools.local.up import up as run", folder)


def shell(folder: Path) -> tuple[str, ...]:
    return driver("from tools.local.shell import run_shell as run", folder)


def answer_of(*command: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What a command says where there is no terminal."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = ROOT / f".local-test-{os.getpid()}-up"
    yield folder
    LocalCloud(folder).stop()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "terraform").symlink_to(TERRAFORM)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "CALLS": str(tmp_path / "calls")}


def test_interrupted_leaves_nothing(folder: Path, environment: dict[str, str]) -> None:
    terminal = Terminal(*up(folder), cwd=ROOT, env=environment | {"HANG": "apply"})
    calls = Path(environment["CALLS"])
    assert wait_until(lambda: calls.exists() and "apply hangs" in calls.read_text(), seconds=120)
    servers = json.loads((folder / "servers.json").read_text())
    terminal.interrupt()
    assert terminal.wait() == 130
    assert terminal.output.endswith("interrupted: the local cloud is stopped and removed\n")
    assert "Traceback" not in terminal.output
    assert calls.read_text().endswith("apply interrupted\napply released the lock\n")
    assert not folder.exists()
    assert len(servers) == 2
    for server in servers:
        with pytest.raises(ProcessLookupError):
            os.kill(server["pid"], 0)


def test_interrupted_leaves_a_cloud_that_ran_before(folder: Path, environment: dict[str, str]) -> None:
    with LocalCloud(folder) as cloud:
        terminal = Terminal(*up(folder), cwd=ROOT, env=environment | {"HANG": "apply"})
        calls = Path(environment["CALLS"])
        assert wait_until(lambda: calls.exists() and "apply hangs" in calls.read_text(), seconds=120)
        terminal.interrupt()
        assert terminal.wait() == 130
        assert terminal.output.endswith("interrupted: the local cloud still runs: make local-down ends it\n")
        assert cloud.is_running()


def test_a_reader_who_leaves_is_no_error(folder: Path, environment: dict[str, str]) -> None:
    answer = answer_of(
        "bash", "-c", '"$@" | true; exit "${PIPESTATUS[0]}"', "bash", *up(folder), environment=environment
    )
    assert (answer.returncode, answer.stderr) == (
        1,
        "the local cloud still runs: make local-down ends it\n",
    )


def test_a_bad_setting_starts_nothing(folder: Path, environment: dict[str, str]) -> None:
    # Not that of the environment: here it is `local`, whatever the shell has.
    environment |= {"ENVIRONMENT_SUFFIX": "", "PROTECT_DATA": "yes"}
    answer = answer_of(*up(folder), environment=environment)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == "error: PROTECT_DATA is 'yes': allowed is true or false\n"
    assert not folder.exists()


def test_failed_says_why_once_and_where_the_log_is(folder: Path, environment: dict[str, str]) -> None:
    diagnostic = {"severity": "error", "summary": "no bucket for you", "detail": ""}
    message = json.dumps({"type": "diagnostic", "diagnostic": diagnostic})
    answer = answer_of(*up(folder), environment=environment | {"APPLY_MESSAGE": message, "APPLY_STATUS": "1"})
    assert answer.returncode == 1
    log = folder.relative_to(ROOT) / "log/state-bucket.log"
    assert answer.stderr.splitlines() == [
        f"error: no bucket for you; the log is {log}",
        "the local cloud still runs: make local-down ends it",
    ]
    assert [line.split("  ")[0] for line in answer.stdout.splitlines()] == ["Local cloud", "State bucket"]
    assert message in (ROOT / log).read_text()


def test_the_shell_says_where_it_leads(folder: Path, tmp_path: Path) -> None:
    (tmp_path / ".bashrc").write_text("export AWS_PROFILE=mine STATE_BUCKET=mine; PS1='mine> '\n")
    with LocalCloud(folder):
        environment = os.environ | {"HOME": str(tmp_path), "AWS_SESSION_TOKEN": "real"}
        terminal = Terminal(*shell(folder), cwd=ROOT, env=environment)
        terminal.expect("(local cloud) mine> ")
        terminal.type(
            "echo [$AWS_PROFILE$AWS_SESSION_TOKEN] $STATE_BUCKET $AWS_ACCESS_KEY_ID; type -P python\n"
        )
        terminal.expect("[] order-pipeline-local-state 123456789012\n")
        terminal.expect(f"{Path(sys.executable).parent}/python\n")
    terminal.type("true\n")
    terminal.expect("The local cloud of this shell has ended: exit leaves it.\n")
    terminal.expect("(local cloud has ended) mine> ")
    terminal.type("false\nexit\n")
    assert terminal.wait() == 0


def test_the_shell_runs_commands_from_standard_input(folder: Path) -> None:
    with LocalCloud(folder):
        answer = subprocess.run(
            shell(folder),
            cwd=ROOT,
            input="echo $ENVIRONMENT_SUFFIX; exit 7",
            capture_output=True,
            text=True,
            check=False,
        )
        closed = subprocess.run(
            ["bash", "-c", '"$@" <&-', "bash", *shell(folder)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (answer.stdout, answer.returncode) == ("local\n", 7)
    assert (closed.stdout, closed.stderr, closed.returncode) == ("", "", 0)
