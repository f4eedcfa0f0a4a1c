"""A local cloud that does not start, or of which is not known any more what runs."""

import io
import os
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from tools.local import __main__ as command_line
from tools.local.cloud import ROOT, LocalCloud, LocalCloudError, Server

ENDS = "import sys; print('listening'); sys.exit('the port is taken\\n')"
HANGS = "import time; print('waiting', flush=True); time.sleep(600)"


class RecordedCloud(LocalCloud):
    """Knows all servers that it ever started."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.started: list[Server] = []

    def _start_server(self, name: str, arguments: list[str], *, port: int, **environment: str) -> Server:
        self.started.append(super()._start_server(name, arguments, port=port, **environment))
        return self.started[-1]


@pytest.fixture
def cloud() -> Iterator[RecordedCloud]:
    cloud = RecordedCloud(ROOT / f".local-test-{os.getpid()}-cloud")
    yield cloud
    cloud.stop()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("server", "program", "said"),
    [
        ("ministack", ENDS, "ministack ended while starting: the port is taken"),
        ("ministack", HANGS, "ministack does not answer: waiting"),
        ("moto", ENDS, "moto ended while starting: the port is taken"),
    ],
)
def test_a_server_that_does_not_start_leaves_its_log(
    server: str, program: str, said: str, cloud: RecordedCloud, tmp_path: Path
) -> None:
    # In the place of the modules that are run.
    (tmp_path / server).mkdir()
    for name in ("__init__.py", "__main__.py", "server.py"):
        (tmp_path / server / name).write_text("" if name == "__init__.py" else program)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(LocalCloudError) as error:
        patch.setenv("PYTHONPATH", str(tmp_path))
        patch.setattr("tools.local.cloud.READY_SECONDS", 1 if program == HANGS else 60)
        cloud.start()
    log = cloud.log(server)
    assert str(error.value) == f"{said}; the log is {log.relative_to(ROOT)}"
    assert said.rpartition(": ")[2] in log.read_text()
    assert [path.name for path in cloud.folder.iterdir()] == ["log"]
    assert [started.name for started in cloud.started] == ["ministack", "moto"]
    for started in cloud.started:
        with pytest.raises(ProcessLookupError):
            os.kill(started.pid, 0)


@pytest.mark.parametrize("content", ["", "{", "5", "[5]", '[{"pid": 7}]', '[{"name": "x", "port": 7}]', "\0"])
@pytest.mark.parametrize("command", ["up", "shell", "down"])
def test_damaged_notes_on_what_runs(
    command: str, content: str, cloud: RecordedCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.folder.mkdir()
    notes = cloud.folder / "servers.json"
    notes.write_text(content)
    monkeypatch.setattr(command_line, "LocalCloud", lambda: cloud)
    monkeypatch.setattr("sys.argv", ["local", command])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    said = io.StringIO()
    with redirect_stderr(said):
        assert command_line.main() == 1
    assert notes.read_text() == content
    notes.unlink()
    assert said.getvalue() == (
        f"error: {notes.relative_to(ROOT)} is damaged, which tells what runs: end the processes of "
        f"ministack and moto.server, if there are any, and remove {cloud.folder.relative_to(ROOT)}\n"
    )
