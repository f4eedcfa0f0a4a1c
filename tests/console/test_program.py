"""A tool ends in a line and with a status."""

import signal

import pytest

from tools.console.program import run_tool, unexpected
from tools.deploy import commands
from tools.local import up
from tools.local.cloud import LocalCloud


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_an_unexpected_error_is_one_line() -> None:
    said = unexpected(raised(ValueError("no\n  XML" + "x" * 1000)))
    assert said.startswith("unexpected ValueError: no XMLxxx")
    assert "\n" not in said
    assert len(said) < 500


def test_it_says_where_in_the_project_it_came_up() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run_tool(lambda: 1 // 0)
    assert " (at tools/console/program.py:" in unexpected(caught.value)


def test_the_status_is_that_of_main() -> None:
    assert run_tool(lambda: 7) == 7


def test_ctrl_c_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> int:
        signal.raise_signal(signal.SIGINT)
        return 0

    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        assert run_tool(main) == 130
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr() == ("", "interrupted\n")


def test_ctrl_c_that_is_ignored_stays_so() -> None:
    def main() -> int:
        signal.raise_signal(signal.SIGINT)
        return 0

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run_tool(main) == 0
    finally:
        signal.signal(signal.SIGINT, before)


def broken(*_: object, **__: object) -> None:
    raise KeyError("Account")


@pytest.mark.parametrize("command", ["deploy", "destroy", "diff", "check", "bootstrap", "deploy-roles"])
def test_an_unexpected_error_of_a_deployment(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [] if command in ("diff", "check") else ["--auto-approve"]
    monkeypatch.setattr("sys.argv", ["deploy", command, *options])
    monkeypatch.setenv("STATE_BUCKET", "team-state")
    monkeypatch.setenv("REPOSITORY_SUBJECT", "repo:acme/orders")
    monkeypatch.setattr(commands, "find_target", broken)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert commands.main() == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: unexpected KeyError: 'Account' (at ")


def test_an_unexpected_error_of_the_local_pipeline(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(LocalCloud, "is_running", lambda _: False)
    monkeypatch.setattr(LocalCloud, "start", broken)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert up.up(LocalCloud()) == 1
    assert capsys.readouterr().err.startswith("error: unexpected KeyError: 'Account' (at ")
