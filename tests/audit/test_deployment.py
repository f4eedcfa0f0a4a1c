"""How a tool ends that cannot begin."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


COMMANDS = [["history", "order-1"], ["history", "--status", "FAILED"], ["redrive"], ["reconcile"]]
HTML = "<html><body>Sign in to the network</body></html>"
IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""


def run_tool(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "tools.audit", *command],
        cwd=ROOT,
        env=inherited | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def answering(*, sts: str, rest: str) -> Iterator[dict[str, str]]:
    """What leads a tool to a server that gives these answers, each with status 200."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write((sts if b"GetCallerIdentity" in asked else rest).encode())

        do_POST = do_HEAD = do_PUT = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_MAX_ATTEMPTS": "1",
    }
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("sts", "rest", "said"),
    [
        (HTML, HTML, "error: STS names no account: what answers in its place is not AWS\n"),
        ("no XML", HTML, "error: STS names no account: what answers in its place is not AWS\n"),
        (IDENTITY, HTML, "error: unexpected "),
    ],
    ids=["html", "neither", "html after STS"],
)
def test_what_answers_is_not_aws(sts: str, rest: str, said: str, command: list[str]) -> None:
    with answering(sts=sts, rest=rest) as environment:
        answer = run_tool(*command, **environment)
    assert (answer.returncode, answer.stdout) == (3, ""), answer.stderr
    assert answer.stderr.startswith(said)
    assert answer.stderr.count("\n") == 1


def test_history_of_an_empty_standard_input() -> None:
    with answering(sts=IDENTITY, rest=HTML) as environment:
        answer = run_tool("history", "-", **environment)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.endswith("error: no ORDER_ID on standard input\n")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_credentials(command: list[str], tmp_path: Path) -> None:
    answer = run_tool(*command, HOME=str(tmp_path), AWS_EC2_METADATA_DISABLED="true")
    assert (answer.returncode, answer.stdout) == (3, "")
    assert answer.stderr == (
        "error: no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\n"
    )


def test_an_environment_that_is_not_there() -> None:
    program = """
from botocore.exceptions import ClientError
from tools.audit.deployment import end_with_status

def tool():
    raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "not found"}}, "Query")

end_with_status(tool)
"""
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"ENVIRONMENT_SUFFIX": "prd", "DEPLOY_REGION": "eu-west-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 3
    assert answer.stderr == (
        "error: An error occurred (ResourceNotFoundException) when calling the Query operation: not found: "
        "is the environment prd deployed, in eu-west-1?\n"
    )
