import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.template import Template, order_pipeline, state_bucket

ACCOUNT_ID = "123456789012"


@pytest.fixture(scope="session")
def pipeline() -> Template:
    return order_pipeline()


@pytest.fixture(scope="session")
def protected_pipeline() -> Template:
    return order_pipeline(PROTECT_DATA="true")


@pytest.fixture(scope="session")
def bootstrap() -> Template:
    return state_bucket()


@pytest.fixture(scope="session")
def cloud_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a ministack that serves DynamoDB, Lambda, S3 and STS."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    folder = tmp_path_factory.mktemp("ministack")
    environment = os.environ | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": "dynamodb,iam,lambda,s3,sts",
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_REGION": "ap-southeast-1",
        "AWS_ACCESS_KEY_ID": ACCOUNT_ID,
        "TMPDIR": str(folder),
    }
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env=environment, stdout=log, stderr=log
        )
    try:
        _wait_for(f"{endpoint}/_ministack/health", server)
        yield endpoint
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def cloud(cloud_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Leads boto3 to the cloud, in this process and in those that get its environment."""
    variables = {
        "AWS_ENDPOINT_URL": cloud_endpoint,
        "AWS_ACCESS_KEY_ID": ACCOUNT_ID,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            assert server.poll() is None, "ministack ended; is it installed?"
            time.sleep(0.1)
        else:
            return
    raise AssertionError("ministack does not answer")
