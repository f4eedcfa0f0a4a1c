"""A cloud on this machine: ministack, with moto in its place for CloudWatch, which has metric-math alarms.

Both are real servers on free ports of 127.0.0.1. Nothing in the stack knows of them: what leads Terraform,
the CDKTF CLI, the AWS CLI and the SDKs there is `environment()`.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from names import stack_id
from tools.setup.doctor import (
    AWS_PROVIDER,
    check_provider,
    check_ps,
    check_terraform,
    find_provider_mirror,
)

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
REGION = "ap-southeast-1"
# ministack takes an access key of twelve digits for the account's id.
ACCOUNT_ID = "123456789012"
SUFFIX = "local"
STATE_BUCKET = "order-pipeline-local-state"
# What the pipeline is deployed with here, whatever it is deployed with elsewhere.
SETTINGS = {
    "ENVIRONMENT_SUFFIX": SUFFIX,
    "DEPLOY_REGION": REGION,
    "STATE_BUCKET": STATE_BUCKET,
    "STATE_REGION": REGION,
    # A sample order enters it.
    "FAILURE_STATUSES": "FAILED",
}
# Where Node.js, the CDKTF CLI and this Python are.
COMMANDS = os.pathsep.join([str(Path(sys.executable).parent), str(ROOT / "node_modules" / ".bin")])
UNSET = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN")
SERVICES = "dynamodb,events,iam,kms,lambda,logs,s3,sns,sqs,sts"
READY_SECONDS = 60
STOP_SECONDS = 10


class LocalCloudError(Exception):
    """The local cloud did not start, or is not known any more. The message is one line on where to look."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server process that leads its own process group; `started` tells it from a later one with its id."""

    name: str
    pid: int
    started: str | None
    url: str

    def is_running(self) -> bool:
        return self.started is not None and _start_time(self.pid) == self.started

    def stop(self) -> None:
        """End the server and what it started, in the end by force."""
        for signal_ in (signal.SIGTERM, signal.SIGKILL):
            if self.is_running():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal_)
                wait_until(lambda: not self.is_running(), seconds=STOP_SECONDS)


class LocalCloud:
    """The servers whose state, logs and environment are in `folder`.

    The folder lies inside the project: the function's code is unpacked in it and finds the AWS SDK in the
    `node_modules` above, as it finds it in the runtime on AWS. As a context manager it runs until the end.
    """

    def __init__(self, folder: Path = ROOT / ".local") -> None:
        self.folder = folder
        self._servers_file = folder / "servers.json"

    def start(self) -> None:
        """Start the servers, unless they run, and wait until they answer.

        Raises PrerequisiteError when the machine lacks something, LocalCloudError when a server fails.
        """
        check_ps()
        if self.is_running():
            return
        check_terraform()
        mirror = find_provider_mirror()
        check_provider(mirror)
        self.stop()
        for folder in ("tmp", "log"):
            (self.folder / folder).mkdir(parents=True)
        (self.folder / "terraform.rc").write_text(_cli_configuration(mirror))
        try:
            self._start_servers()
        except LocalCloudError:
            self._stop_servers()
            # All but the logs, of which the error tells.
            for path in self.folder.iterdir():
                if path.is_file():
                    path.unlink()
                elif path.name != "log":
                    shutil.rmtree(path, ignore_errors=True)
            raise
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the servers and remove the folder. Raises LocalCloudError when they are not known."""
        self._stop_servers()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stop_servers(self) -> None:
        for server in self._servers():
            server.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def is_running(self) -> bool:
        servers = self._servers()
        return bool(servers) and all(server.is_running() for server in servers)

    def environment(self) -> dict[str, str]:
        """This process's environment, changed so that every tool talks to this cloud."""
        inherited = {name: value for name, value in os.environ.items() if name not in UNSET}
        return _with_commands(inherited) | self.variables()

    def variables(self) -> dict[str, str]:
        """What leads a tool to this cloud and to nothing else, but for its commands on the PATH."""
        endpoints = {server.name: server.url for server in self._servers()}
        return {
            "AWS_ENDPOINT_URL": endpoints["ministack"],
            "AWS_ENDPOINT_URL_CLOUDWATCH": endpoints["moto"],
            "AWS_ACCESS_KEY_ID": ACCOUNT_ID,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
            # Nothing of a real account's configuration mixes in.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "TF_CLI_CONFIG_FILE": str(self.folder / "terraform.rc"),
            "CHECKPOINT_DISABLE": "1",
            **SETTINGS,
            "LOCAL_CLOUD": str(self.folder),
            # The CDKTF CLI: no look-up of the provider for other platforms, files in here.
            "CDKTF_SKIP_PROVIDER_LOCK": "true",
            "CDKTF_OUTPUT": str(self._output.relative_to(ROOT)),
            "CDKTF_OUTDIR": str(self._output),
        }

    def stack_folder(self) -> Path:
        """Where Terraform works on the pipeline's stack."""
        return self._output / "stacks" / stack_id(SUFFIX)

    def state_bucket_folder(self) -> Path:
        """Where Terraform works on the state bucket's stack."""
        return self._output / "stacks" / STATE_BUCKET

    @property
    def _output(self) -> Path:
        return self.folder / "cdktf.out"

    def _servers(self) -> list[Server]:
        try:
            return [Server(**server) for server in json.loads(self._servers_file.read_text())]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError):
            raise LocalCloudError(
                f"{_from_root(self._servers_file)} is damaged, which tells what runs: end the processes of "
                f"ministack and moto.server, if there are any, and remove {_from_root(self.folder)}"
            ) from None

    def _start_servers(self) -> None:
        port = _free_port()
        ministack = self._start_server(
            "ministack",
            ["-m", "ministack"],
            port=port,
            GATEWAY_PORT=str(port),
            BIND_HOST=HOST,
            SERVICES=SERVICES,
            IOT_MTLS_ENABLED="0",
            MINISTACK_REGION=REGION,
            TMPDIR=str(self.folder / "tmp"),
        )
        port = _free_port()
        moto = self._start_server("moto", ["-m", "moto.server", "-H", HOST, "-p", str(port)], port=port)
        self._wait_until_ready(ministack, "/_ministack/health")
        self._wait_until_ready(moto, "/moto-api/data.json")

    def _start_server(self, name: str, arguments: list[str], *, port: int, **environment: str) -> Server:
        without_aws = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        with self.log(name).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                env=_with_commands(without_aws) | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in a terminal reaches the tool only, which then stops its servers in order.
                start_new_session=True,
            )
        try:
            server = Server(
                name=name, pid=process.pid, started=_start_time(process.pid), url=f"http://{HOST}:{port}"
            )
            partial = self._servers_file.with_suffix(".partial")
            partial.write_text(json.dumps([asdict(server) for server in [*self._servers(), server]]))
            partial.replace(self._servers_file)
        except BaseException:
            # Nobody else knows of it yet.
            process.kill()
            raise
        return server

    def _wait_until_ready(self, server: Server, path: str) -> None:
        def answers() -> bool:
            if not server.is_running():
                raise LocalCloudError(f"{server.name} ended while starting: {self._last_words(server)}")
            try:
                urllib.request.urlopen(server.url + path, timeout=5).close()
            except OSError:
                return False
            return True

        if not wait_until(answers, seconds=READY_SECONDS):
            raise LocalCloudError(f"{server.name} does not answer: {self._last_words(server)}")

    def log(self, name: str) -> Path:
        """Where the log of a server or of a step is."""
        return self.folder / "log" / f"{name}.log"

    def _last_words(self, server: Server) -> str:
        lines = self.log(server.name).read_text(errors="replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
        return f"{said}; the log is {_from_root(self.log(server.name))}"


def _from_root(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _cli_configuration(mirror: Path | None) -> str:
    if mirror is None:
        return ""
    return f"""provider_installation {{
  filesystem_mirror {{
    path    = {json.dumps(str(mirror))}
    include = ["{AWS_PROVIDER.as_posix()}"]
  }}
  direct {{
    exclude = ["{AWS_PROVIDER.as_posix()}"]
  }}
}}
"""


def _with_commands(environment: Mapping[str, str]) -> dict[str, str]:
    return {**environment, "PATH": os.pathsep.join([COMMANDS, environment.get("PATH", os.defpath)])}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def _start_time(pid: int) -> str | None:
    """When the process with this id started, as `ps` tells it; None when there is none."""
    # A child of this process stays in the process table until it is waited for.
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    answer = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Whether `condition` becomes true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return met
