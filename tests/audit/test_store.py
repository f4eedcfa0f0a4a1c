"""The store reads as boto3 does: with its credentials, from its endpoints, through proxies, with retries."""

import hashlib
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tools.audit import store
from tools.audit.store import AuditStore, Unread, Version

pytestmark = pytest.mark.slow

REGION = "ap-southeast-1"
BUCKET = "order-audit"
DAY = timedelta(days=1)


class Request(NamedTuple):
    """What the stand-in got. `access_key` is that of the signature, `token` its session token.

    `by_obstore` tells the reads from those that boto3 makes once obstore has failed.
    """

    url: str
    access_key: str | None
    scope: str | None
    token: str | None
    by_obstore: bool


class StandIn:
    """An HTTP server whose answers are those of `answer`: status, and content."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.requests: list[Request] = []
        self.answer: Callable[[Request], tuple[int, bytes]] = lambda _: (200, b"content")
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = _request(self)
                outer.requests.append(request)
                status, content = outer.answer(request)
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Last-Modified", "Tue, 24 Nov 2026 10:00:00 GMT")
                self.send_header("ETag", '"0"')
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET
            do_PUT = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _request(handler: BaseHTTPRequestHandler) -> Request:
    access_key = scope = None
    if credential := handler.headers.get("Authorization", "").partition("Credential=")[2]:
        access_key, scope = credential.partition(",")[0].split("/", 1)
    token = handler.headers.get("x-amz-security-token")
    by_obstore = handler.headers["User-Agent"].startswith("object_store/")
    return Request(handler.path, access_key, scope, token, by_obstore)


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    server = StandIn()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine's configuration, and no instance to ask for credentials."""
    for name in os.environ:
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture
def audit(keys: None, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> AuditStore:
    monkeypatch.setenv("AWS_ENDPOINT_URL", stand_in.url)
    return AuditStore(BUCKET, region=REGION)


def error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>so it is</Message></Error>".encode()


def test_h4_it_reads_current_versions_and_others_by_id(audit: AuditStore, stand_in: StandIn) -> None:
    assert audit.read("orders/a%20b~0/1.json") == b"content"
    assert audit.read("orders/a/1.json", "3/L4kqtJl.xyz_-") == b"content"
    first, second = stand_in.requests
    assert first.url == f"/{BUCKET}/orders/a%2520b~0/1.json"
    assert parse_qs(urlsplit(second.url).query) == {"versionId": ["3/L4kqtJl.xyz_-"]}
    assert first.scope == f"{datetime.now(UTC):%Y%m%d}/{REGION}/s3/aws4_request"


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (404, "NoSuchKey", Unread.ABSENT),
        (404, "NoSuchVersion", Unread.ABSENT),
        (403, "InvalidObjectState", Unread.ARCHIVED),
    ],
)
def test_what_is_absent_or_archived_takes_one_request(
    audit: AuditStore, stand_in: StandIn, status: int, code: str, meaning: Unread
) -> None:
    stand_in.answer = lambda _: (status, error(code))
    assert audit.read("orders/a/1.json", "v1") is meaning
    assert len(stand_in.requests) == 1


@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (404, "NoSuchBucket")])
def test_what_aws_refuses_is_boto3s_error(
    audit: AuditStore, stand_in: StandIn, status: int, code: str
) -> None:
    stand_in.answer = lambda _: (status, error(code))
    with pytest.raises(
        ClientError, match=rf"^An error occurred \({code}\) when calling the GetObject.*so it is$"
    ):
        audit.read("orders/a/1.json")


@pytest.mark.parametrize("status", [500, 503])
def test_h4_what_s3_cannot_do_at_the_moment_is_asked_again(
    audit: AuditStore, stand_in: StandIn, status: int
) -> None:
    stand_in.answer = lambda _: (status, error("SlowDown")) if len(stand_in.requests) < 3 else (200, b"late")
    assert audit.read("orders/a/1.json") == b"late"
    assert [request.by_obstore for request in stand_in.requests] == [True] * 3


@pytest.mark.parametrize("key", ["orders//1.json", "orders/../1.json"])
def test_keys_that_obstore_does_not_take_are_read_too(audit: AuditStore, stand_in: StandIn, key: str) -> None:
    assert audit.read(key) == b"content"
    assert stand_in.requests[0].url == f"/{BUCKET}/{key}"


def version(number: int, *, is_delete_marker: bool = False) -> Version:
    return Version(
        key="orders/a/1.json",
        version_id=f"v{number}",
        written_at=datetime(2026, 1, 1, tzinfo=UTC) + number * DAY,
        is_current=False,
        is_delete_marker=is_delete_marker,
    )


def test_h4_many_are_read_in_order_and_not_too_far_ahead(
    keys: None, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", stand_in.url)
    audit = AuditStore(BUCKET, region=REGION, readers=4)
    stand_in.answer = lambda request: (200, urlsplit(request.url).query.encode())
    listed = 0

    def listing() -> Iterator[Version]:
        nonlocal listed
        for listed in range(100):
            yield version(listed, is_delete_marker=listed == 2)

    reads = audit.read_many(listing())
    contents = [next(reads)[1] for _ in range(4)]
    assert contents == [b"versionId=v0", b"versionId=v1", Unread.ABSENT, b"versionId=v3"]
    assert listed < 10
    reads.close()
    assert len(stand_in.requests) < 10


def test_an_error_while_many_are_read_is_raised(audit: AuditStore, stand_in: StandIn) -> None:
    stand_in.answer = lambda request: (403, error("AccessDenied")) if "v3" in request.url else (200, b"")
    with pytest.raises(ClientError, match="AccessDenied"):
        list(audit.read_many(map(version, range(5))))


def test_versions_and_delete_markers_come_in_s3s_order(audit: AuditStore, stand_in: StandIn) -> None:
    def entry(tag: str, key: str, number: int, is_latest: str = "false") -> str:
        time = f"2026-01-01T00:00:0{number}.000Z"
        return (
            f"<{tag}><Key>{key}</Key><VersionId>v{number}</VersionId><IsLatest>{is_latest}</IsLatest>"
            f"<LastModified>{time}</LastModified><ETag>&quot;e&quot;</ETag><Size>2</Size></{tag}>"
        )

    entries = (
        entry("DeleteMarker", "orders/a/1.json", 4, "true")
        + entry("Version", "orders/a/1.json", 3)
        + entry("DeleteMarker", "orders/a/1.json", 2)
        + entry("Version", "orders/a/1.json", 1)
        + entry("Version", "orders/a/1.json.copy", 1, "true")
    )
    listing = f"<ListVersionsResult><IsTruncated>false</IsTruncated>{entries}</ListVersionsResult>"
    stand_in.answer = lambda _: (200, listing.encode())
    versions = list(audit.versions_of("orders/a/1.json"))
    assert [(found.version_id, found.is_delete_marker) for found in versions] == [
        ("v4", True),
        ("v3", False),
        ("v2", True),
        ("v1", False),
    ]
    assert [found.is_current for found in versions] == [True, False, False, False]
    assert versions[1].etag == '"e"'
    assert versions[1].written_at == datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC)


def write_config(text: str) -> None:
    folder = Path.home() / ".aws"
    folder.mkdir(exist_ok=True)
    (folder / "config").write_text(text)


def in_environment(_: StandIn) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": "found", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "token"}


def in_profile(_: StandIn) -> dict[str, str]:
    write_config(
        "[profile audit]\naws_access_key_id = found\naws_secret_access_key = s\naws_session_token = token\n"
    )
    return {"AWS_PROFILE": "audit"}


def in_profile_of_a_process(_: StandIn) -> dict[str, str]:
    content = {"Version": 1, "AccessKeyId": "found", "SecretAccessKey": "s", "SessionToken": "token"}
    file = Path.home() / "credentials.json"
    file.write_text(json.dumps(content))
    write_config(f"[profile audit]\ncredential_process = cat {file}\n")
    return {"AWS_PROFILE": "audit"}


def in_container(stand_in: StandIn) -> dict[str, str]:
    stand_in.answer = _credentials_as_json
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{stand_in.url}/credentials"}


def of_web_identity(stand_in: StandIn) -> dict[str, str]:
    stand_in.answer = lambda request: _sts_answer(request, "AssumeRoleWithWebIdentity")
    file = Path.home() / "identity"
    file.write_text("identity")
    return {"AWS_WEB_IDENTITY_TOKEN_FILE": str(file), "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/audit"}


def of_assumed_role(stand_in: StandIn) -> dict[str, str]:
    stand_in.answer = lambda request: _sts_answer(request, "AssumeRole")
    write_config(
        "[profile base]\naws_access_key_id = base\naws_secret_access_key = s\n"
        "[profile audit]\nsource_profile = base\nrole_arn = arn:aws:iam::123456789012:role/audit\n"
    )
    return {"AWS_PROFILE": "audit"}


def of_single_sign_on(stand_in: StandIn) -> dict[str, str]:
    stand_in.answer = _sso_answer
    write_config(
        "[profile audit]\nsso_session = us\nsso_account_id = 123456789012\nsso_role_name = Audit\n"
        f"[sso-session us]\nsso_region = {REGION}\nsso_start_url = https://us.awsapps.test/start\n"
    )
    file = Path.home() / f".aws/sso/cache/{hashlib.sha1(b'us').hexdigest()}.json"
    file.parent.mkdir(parents=True)
    expires = f"{datetime.now(UTC) + DAY:%Y-%m-%dT%H:%M:%SZ}"
    file.write_text(json.dumps({"accessToken": "signed-on", "expiresAt": expires}))
    return {"AWS_PROFILE": "audit"}


def _credentials(name: str = "found") -> dict[str, Any]:
    expiration = f"{datetime.now(UTC) + DAY:%Y-%m-%dT%H:%M:%SZ}"
    return {"AccessKeyId": name, "SecretAccessKey": "s", "Token": "token", "Expiration": expiration}


def _credentials_as_json(request: Request) -> tuple[int, bytes]:
    return 200, json.dumps(_credentials()).encode() if request.url == "/credentials" else b"content"


def _sts_answer(request: Request, action: str) -> tuple[int, bytes]:
    if request.url != "/":
        return 200, b"content"
    values = _credentials()
    values["SessionToken"] = values.pop("Token")
    credentials = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    result = f"<{action}Result><Credentials>{credentials}</Credentials></{action}Result>"
    return 200, f"<{action}Response>{result}</{action}Response>".encode()


def _sso_answer(request: Request) -> tuple[int, bytes]:
    if not request.url.startswith("/federation/credentials"):
        return 200, b"content"
    credentials = {
        "accessKeyId": "found",
        "secretAccessKey": "s",
        "sessionToken": "token",
        "expiration": int((datetime.now(UTC) + DAY).timestamp() * 1000),
    }
    return 200, json.dumps({"roleCredentials": credentials}).encode()


@pytest.mark.parametrize(
    "arrange",
    [
        in_environment,
        in_profile,
        in_profile_of_a_process,
        in_container,
        of_web_identity,
        of_assumed_role,
    ],
)
def test_h4_credentials_of_every_kind_that_boto3_takes_sign_the_reads(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, arrange: Callable[[StandIn], dict[str, str]]
) -> None:
    for name, value in (arrange(stand_in) | {"AWS_ENDPOINT_URL": stand_in.url}).items():
        monkeypatch.setenv(name, value)
    assert AuditStore(BUCKET, region=REGION).read("orders/a/1.json") == b"content"
    last = stand_in.requests[-1]
    assert last == (f"/{BUCKET}/orders/a/1.json", "found", last.scope, "token", True)


def test_h4_credentials_of_single_sign_on_sign_the_reads(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (of_single_sign_on(stand_in) | {"AWS_ENDPOINT_URL": stand_in.url}).items():
        monkeypatch.setenv(name, value)
    # A process of its own: botocore looks up the home folder of the cached sign-on when it is imported.
    read = f"AuditStore({BUCKET!r}, region={REGION!r}).read('orders/a')"
    subprocess.run([sys.executable, "-c", f"from tools.audit.store import AuditStore; {read}"], check=True)
    last = stand_in.requests[-1]
    assert last == (f"/{BUCKET}/orders/a", "found", last.scope, "token", True)


def test_without_credentials_it_says_so(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", stand_in.url)
    with pytest.raises(NoCredentialsError, match="Unable to locate credentials"):
        AuditStore(BUCKET, region=REGION)


def test_h4_credentials_that_end_are_renewed(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["first", "second", "third"])
    # boto3 renews what ends within 10 minutes. obstore asks 5 minutes before what it was told.
    ending = f"{datetime.now(UTC) + timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}"
    monkeypatch.setattr(store, "_CREDENTIALS_LIFETIME", timedelta(minutes=5))

    def answer(request: Request) -> tuple[int, bytes]:
        if request.url != "/credentials":
            return 200, b"content"
        return 200, json.dumps(_credentials(next(names)) | {"Expiration": ending}).encode()

    stand_in.answer = answer
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{stand_in.url}/credentials")
    monkeypatch.setenv("AWS_ENDPOINT_URL", stand_in.url)
    audit = AuditStore(BUCKET, region=REGION)
    audit.read("orders/a/1.json")
    # What it has just got obstore takes for a tenth of a second, even if it is about to end.
    time.sleep(0.2)
    audit.read("orders/a/1.json")
    used = [request.access_key for request in stand_in.requests if request.url != "/credentials"]
    assert used == ["second", "third"]


def test_credentials_that_cannot_be_had_are_boto3s_error(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config("[profile audit]\ncredential_process = false\n")
    monkeypatch.setenv("AWS_PROFILE", "audit")
    monkeypatch.setenv("AWS_ENDPOINT_URL", stand_in.url)
    with pytest.raises(BotoCoreError, match="Error when retrieving credentials from custom-process"):
        AuditStore(BUCKET, region=REGION).read("orders/a/1.json")


def test_the_endpoint_of_s3_comes_before_that_of_all_services(
    keys: None, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nowhere.test")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"{stand_in.url}/gate")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    AuditStore(BUCKET, region=REGION).read("orders/a/1.json")
    (request,) = stand_in.requests
    assert request.url == f"/gate/{BUCKET}/orders/a/1.json"
    assert f"/{REGION}/" in (request.scope or "")


def test_a_profile_may_name_the_endpoint(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    write_config(
        "[profile audit]\naws_access_key_id = key\naws_secret_access_key = secret\nservices = local\n"
        f"[services local]\ns3 =\n  endpoint_url = {stand_in.url}\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "audit")
    assert AuditStore(BUCKET, region=REGION).read("orders/a/1.json") == b"content"
    assert [request.by_obstore for request in stand_in.requests] == [True]


@pytest.mark.parametrize(
    ("variables", "endpoint"),
    [
        ({}, "https://s3.ap-southeast-1.amazonaws.com"),
        ({"AWS_USE_FIPS_ENDPOINT": "true"}, "https://s3-fips.ap-southeast-1.amazonaws.com"),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://s3.dualstack.ap-southeast-1.amazonaws.com"),
        (
            {"AWS_ENDPOINT_URL": "http://nowhere.test", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "https://s3.ap-southeast-1.amazonaws.com",
        ),
    ],
)
def test_aws_own_endpoints_are_those_that_boto3_takes(
    keys: None, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], endpoint: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    config: dict[str, Any] = dict(AuditStore(BUCKET, region=REGION)._objects.config)
    assert config["endpoint_url_s3"] == endpoint


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
def test_reads_go_through_the_proxy(
    keys: None, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, stand_in.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://s3.nowhere.test")
    assert AuditStore(BUCKET, region=REGION).read("orders/a/1.json") == b"content"
    (request,) = stand_in.requests
    assert request.url == f"http://s3.nowhere.test/{BUCKET}/orders/a/1.json"
    assert request.by_obstore


def test_what_is_excepted_from_the_proxy_does_not_go_through_it(
    keys: None, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", stand_in.url)
    assert AuditStore(BUCKET, region=REGION).read("orders/a/1.json") == b"content"
    assert stand_in.requests[0].by_obstore


def test_the_environments_certificates_are_trusted(
    keys: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority, own = _certificates(tmp_path)
    stand_in = StandIn(certificate=own)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority))
    monkeypatch.setenv("AWS_ENDPOINT_URL", stand_in.url)
    content = AuditStore(BUCKET, region=REGION).read("orders/a/1.json")
    stand_in.stop()
    assert content == b"content"
    assert [request.by_obstore for request in stand_in.requests] == [True]


def _certificates(folder: Path) -> tuple[Path, Path]:
    """The certificate of an authority, and one that it gave 127.0.0.1, with the key."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("authority", "server")]
    now = datetime.now(UTC)
    certificates = []
    for key, name, is_authority in zip(keys, names, (True, False), strict=True):
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(names[0])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
            )
        )
        certificates.append(builder.sign(keys[0], hashes.SHA256()))
    authority, server = (certificate.public_bytes(Encoding.PEM) for certificate in certificates)
    private = keys[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "authority.pem").write_bytes(authority)
    (folder / "server.pem").write_bytes(private + server)
    return folder / "authority.pem", folder / "server.pem"
