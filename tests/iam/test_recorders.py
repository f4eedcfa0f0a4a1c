"""That calls are recorded as what they are: by clients that are AWS's own."""

import json
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import botocore.session
import pytest
from botocore.config import Config

from tests.iam.calls import Requests
from tests.iam.recorders import RecordingProxy, TerraformLog
from tools.local.cloud import ACCOUNT_ID, REGION

pytestmark = pytest.mark.slow

TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/t"


class Echo(BaseHTTPRequestHandler):
    """Takes everything and says nothing."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = _answer

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def proxy() -> Iterator[RecordingProxy]:
    target = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = Thread(target=target.serve_forever, args=(0.05,))
    thread.start()
    with RecordingProxy() as proxy:
        proxy.target = f"http://127.0.0.1:{target.server_port}"
        yield proxy
    target.shutdown()
    target.server_close()
    thread.join()


def requests(proxy: RecordingProxy, service: str, operation: str, **parameters: Any) -> list[tuple[str, str]]:  # noqa: ANN401 (of any operation)
    client = botocore.session.get_session().create_client(
        service,
        endpoint_url=proxy.url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT_ID,
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )
    proxy.caller = operation
    getattr(client, operation)(**parameters)
    (call,) = proxy.calls_of(operation)
    proxy.calls.clear()
    return [(request.action, request.resource) for request in Requests().of(call)]


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "expected"),
    [
        ("s3", "get_object", {"Bucket": "b", "Key": "a/k"}, [("s3:GetObject", "arn:aws:s3:::b/a/k")]),
        (
            "s3",
            "get_object",
            {"Bucket": "b", "Key": "k%", "VersionId": "1"},
            [("s3:GetObjectVersion", "arn:aws:s3:::b/k%")],
        ),
        ("s3", "head_object", {"Bucket": "b", "Key": "k"}, [("s3:GetObject", "arn:aws:s3:::b/k")]),
        ("s3", "put_object", {"Bucket": "b", "Key": "k"}, [("s3:PutObject", "arn:aws:s3:::b/k")]),
        ("s3", "delete_object", {"Bucket": "b", "Key": "k"}, [("s3:DeleteObject", "arn:aws:s3:::b/k")]),
        ("s3", "list_objects_v2", {"Bucket": "b"}, [("s3:ListBucket", "arn:aws:s3:::b")]),
        ("s3", "list_object_versions", {"Bucket": "b"}, [("s3:ListBucketVersions", "arn:aws:s3:::b")]),
        (
            "s3",
            "delete_objects",
            {"Bucket": "b", "Delete": {"Objects": [{"Key": "k", "VersionId": "1"}, {"Key": "l"}]}},
            [("s3:DeleteObjectVersion", "arn:aws:s3:::b/k"), ("s3:DeleteObject", "arn:aws:s3:::b/l")],
        ),
        ("dynamodb", "scan", {"TableName": "t"}, [("dynamodb:Scan", TABLE)]),
        (
            "dynamodb",
            "batch_get_item",
            {"RequestItems": {"t-1": {"Keys": [{"k": {"S": "1"}}]}}},
            [("dynamodb:BatchGetItem", f"{TABLE}-1")],
        ),
        (
            "dynamodb",
            "query",
            {"TableName": "t", "IndexName": "by-status"},
            [("dynamodb:Query", f"{TABLE}/index/by-status")],
        ),
        (
            "sqs",
            "delete_message",
            {"QueueUrl": "http://127.0.0.1/1/q", "ReceiptHandle": "r"},
            [("sqs:DeleteMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:q")],
        ),
        (
            "lambda",
            "invoke",
            {"FunctionName": "f"},
            [("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:f")],
        ),
    ],
)
def test_calls_through_the_proxy(
    proxy: RecordingProxy,
    service: str,
    operation: str,
    parameters: dict[str, Any],
    expected: list[tuple[str, str]],
) -> None:
    assert requests(proxy, service, operation, **parameters) == expected


def test_a_request_that_is_not_signed_is_no_call(proxy: RecordingProxy) -> None:
    with pytest.raises(OSError, match=r"closed|reset|Remote"):
        urllib.request.urlopen(f"{proxy.url}/b/k", timeout=5)
    assert proxy.calls == []


def test_calls_in_terraforms_log(tmp_path: Path) -> None:
    def entry(message: str, operation: str, **more: str) -> str:
        return json.dumps({"@message": message, "rpc.service": "Lambda", "rpc.method": operation, **more})

    url = "http://127.0.0.1/2015-03-31/event-source-mappings"
    body = json.dumps({"FunctionName": "arn:of-f", "Tags": {"a": "b"}})
    answer = json.dumps({"UUID": "id"})
    lines = [
        json.dumps({"@message": "of something else"}),
        entry("setting endpoint", "CreateEventSourceMapping"),
        entry(
            "HTTP Request Sent",
            "CreateEventSourceMapping",
            tf_req_id="1",
            **{"http.url": url, "http.request.body": f"{body}\n[truncated...]"},
        ),
        entry("HTTP Request Sent", "GetEventSourceMapping", tf_req_id="2", **{"http.url": f"{url}/id"}),
        entry(
            "HTTP Response Received",
            "CreateEventSourceMapping",
            tf_req_id="1",
            **{"http.response.body": answer},
        ),
    ]
    log = TerraformLog(tmp_path / "log")
    (tmp_path / "log").write_text("\n".join(lines))
    requests = Requests()
    found = [(request.action, request.context) for call in log.calls() for request in requests.of(call)]
    of_f = {"lambda:FunctionArn": ("arn:of-f",)}
    assert found == [
        ("lambda:CreateEventSourceMapping", of_f),
        ("lambda:TagResource", of_f),
        ("lambda:GetEventSourceMapping", of_f),
    ]
