"""Record the calls of the AWS API: those of Terraform from its log, those of others by a proxy between."""

import http.client
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, urlsplit

import botocore.session

from tests.iam.calls import Call
from tools.local.cloud import HOST


class TerraformLog:
    """What Terraform and its provider call, in the log that `environment` makes them write."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.environment = {
            "TF_LOG": "JSON",
            "TF_LOG_PATH": str(file),
            # Two thirds of the log, and nothing of calls.
            "TF_LOG_SDK": "off",
            "TF_LOG_SDK_PROTO": "off",
        }

    def calls(self) -> list[Call]:
        """In their order."""
        sent: list[dict[str, Any]] = []
        answers: dict[tuple[str, str], str] = {}
        for entry in self._entries():
            request = (entry.get("tf_req_id", ""), entry.get("rpc.method", ""))
            if entry.get("@message") == "HTTP Request Sent":
                sent.append(entry)
            elif entry.get("@message") == "HTTP Response Received":
                answers.setdefault(request, str(entry.get("http.response.body", "")))
        return [
            Call(
                service=entry["rpc.service"],
                operation=entry["rpc.method"],
                url=entry["http.url"],
                # What the note says of the body is not so.
                body=str(entry.get("http.request.body", "")).removesuffix("[truncated...]"),
                response=answers.get((entry.get("tf_req_id", ""), entry["rpc.method"]), ""),
            )
            for entry in sent
        ]

    def _entries(self) -> Iterator[dict[str, Any]]:
        with self._file.open(encoding="utf-8") as lines:
            for line in lines:
                # Most lines are of something else, and long.
                if '"rpc.method"' in line:
                    yield json.loads(line)


class RecordingProxy:
    """Passes HTTP requests on to `target` and keeps them, each under the `caller` of the moment."""

    def __init__(self) -> None:
        self.target = ""
        self.caller = ""
        self.calls: list[tuple[str, Call]] = []
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def calls_of(self, caller: str) -> list[Call]:
        return [call for name, call in self.calls if name == caller]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body go out apart, and Nagle's algorithm would hold the second back.
            disable_nagle_algorithm = True

            def _pass_on(self) -> None:
                caller = proxy.caller
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                target = http.client.HTTPConnection(urlsplit(proxy.target).netloc, timeout=90)
                target.request(self.command, self.path, body, dict(self.headers))
                answer = target.getresponse()
                content = answer.read()
                target.close()
                called = operation(self.command, self.path, dict(self.headers), body.decode(errors="replace"))
                proxy.calls.append((caller, called))
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                length = answer.getheader("Content-Length", "0") if self.command == "HEAD" else len(content)
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(content)

            do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = _pass_on

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the calls are kept."""

        return Handler


def operation(method: str, path: str, headers: dict[str, str], body: str) -> Call:
    """The call that a signed HTTP request is, by AWS's own description of its services."""
    given = {name.lower(): value for name, value in headers.items()}
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request", given.get("authorization", ""))
    assert scope, f"{method} {path} is not signed"
    service = scope[1]
    if target := given.get("x-amz-target"):
        name = target.rpartition(".")[2]
    elif "x-www-form-urlencoded" in given.get("content-type", ""):
        name = parse_qs(body)["Action"][0]
    else:
        name = _rest_operation(service, method, path, given)
    return Call(service=service, operation=name, url=path, body=body)


@dataclass(frozen=True, kw_only=True)
class _RestOperation:
    """What a request has to have to be this: fixed values in its query, other names in it, headers."""

    name: str
    method: str
    path: re.Pattern[str]
    fixed: dict[str, str]
    query: frozenset[str]
    headers: frozenset[str]

    def fits(self, method: str, path: str, query: dict[str, str], headers: dict[str, str]) -> bool:
        return (
            method == self.method
            and self.path.fullmatch(path) is not None
            and self.fixed.items() <= query.items()
            and self.query <= query.keys()
            and self.headers <= headers.keys()
        )


def _rest_operation(service: str, method: str, url: str, headers: dict[str, str]) -> str:
    """Of all that fit, the one that asks for most."""
    path, query = urlsplit(url).path, dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    fitting = [
        (len(candidate.fixed) + len(candidate.query) + len(candidate.headers), candidate.name)
        for candidate in _rest_operations(service)
        if candidate.fits(method, path, query, headers)
    ]
    assert fitting, f"{method} {url} is no operation of {service}"
    return max(fitting)[1]


@cache
def _rest_operations(service: str) -> list[_RestOperation]:
    model = botocore.session.get_session().get_service_model(service)
    operations = []
    for name in model.operation_names:
        described = model.operation_model(name)
        uri = urlsplit(described.http["requestUri"])
        path = re.sub(r"\\{\w+\\\+\\}", ".+", re.escape(uri.path))
        shape = described.input_shape
        needed = [shape.members[member].serialization for member in shape.required_members] if shape else []
        operations.append(
            _RestOperation(
                name=name,
                method=described.http["method"],
                path=re.compile(re.sub(r"\\{\w+\\}", "[^/]+", path) + "/?"),
                fixed=dict(parse_qsl(uri.query, keep_blank_values=True)),
                query=_named(needed, "querystring"),
                headers=_named(needed, "header"),
            )
        )
    return operations


def _named(serializations: list[dict[str, Any]], location: str) -> frozenset[str]:
    return frozenset(
        serialization["name"].lower() if location == "header" else serialization["name"]
        for serialization in serializations
        if serialization.get("location") == location
    )
