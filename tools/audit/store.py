"""The objects of the audit bucket: list them, list their versions, read many of them at a time.

Reads go through obstore, which takes a tenth of boto3's CPU time for one. Everything else is boto3's:
credentials, region, endpoint, lists of versions, and the word on whatever obstore does not hand out.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3
import botocore.session
import obstore
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.utils import parse_timestamp
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.exceptions import BaseError
from obstore.store import S3Store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from obstore.store import ClientConfig

# Reads under way at a time. S3 takes some 20 ms for one, and gives a prefix 5,500 a second before it scales.
READERS: Final = 64

# boto3 hands out credentials that are good for 10 more minutes at least; obstore asks anew 5 minutes before.
_CREDENTIALS_LIFETIME = timedelta(minutes=10)

_ATTEMPTS = 8


class Unread(Enum):
    """Why there is no content: there is no such object or version, or it has to be restored from Glacier."""

    ABSENT = "absent"
    ARCHIVED = "archived"


Content = bytes | Unread

_UNREAD = {
    "NoSuchKey": Unread.ABSENT,
    "NoSuchVersion": Unread.ABSENT,
    "InvalidObjectState": Unread.ARCHIVED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """One version of an object, or a delete marker, as ListObjectVersions has it.

    `written_at` is S3's time, in UTC; `etag` has its quotes. A delete marker has none, and a size of 0.
    """

    key: str
    version_id: str
    written_at: datetime
    is_current: bool
    is_delete_marker: bool = False
    etag: str | None = None
    size: int = 0
    storage_class: str | None = None


class AuditStore:
    """The audit bucket; `s3` is boto3's client for what is not here.

    Methods may be called from several threads. They raise what boto3 raises when AWS refuses or cannot be
    reached.
    """

    def __init__(self, bucket: str, *, region: str, readers: int = READERS) -> None:
        core = botocore.session.get_session()
        # Half of the time of a list of versions would go into guessing how their times are written.
        core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_time)
        session = boto3.Session(botocore_session=core, region_name=region)
        config = Config(
            max_pool_connections=readers,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            # Not the global endpoint, of which there is no FIPS variant.
            s3={"us_east_1_regional_endpoint": "regional"},
        )
        self.bucket = bucket
        self.s3: S3Client = session.client("s3", config=config)
        if session.get_credentials() is None:
            raise NoCredentialsError
        client_options: ClientConfig = {"allow_http": True}
        if certificates := core.get_config_variable("ca_bundle"):
            client_options["root_certificate"] = Path(certificates).read_bytes()
        self._objects = S3Store(
            bucket,
            region=region,
            # Named in full, since obstore would take the rest from variables of its own.
            aws_endpoint_url_s3=self.s3.meta.endpoint_url,
            virtual_hosted_style_request=False,
            skip_signature=False,
            client_options=client_options,
            credential_provider=Boto3CredentialProvider(session, ttl=_CREDENTIALS_LIFETIME),
        )
        self._readers = readers

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys of all objects whose current version is no delete marker, in S3's order (by UTF-8)."""
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                yield entry["Key"]

    def versions(self, prefix: str) -> Iterator[Version]:
        """All versions and delete markers below a prefix, by key; of one key the last written comes first."""
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix)
        for page in pages:
            yield from _merged(
                [
                    Version(
                        key=entry["Key"],
                        version_id=entry["VersionId"],
                        written_at=entry["LastModified"].astimezone(UTC),
                        is_current=entry["IsLatest"],
                        etag=entry["ETag"],
                        size=entry["Size"],
                        storage_class=entry.get("StorageClass"),
                    )
                    for entry in page.get("Versions", [])
                ],
                [
                    Version(
                        key=marker["Key"],
                        version_id=marker["VersionId"],
                        written_at=marker["LastModified"].astimezone(UTC),
                        is_current=marker["IsLatest"],
                        is_delete_marker=True,
                    )
                    for marker in page.get("DeleteMarkers", [])
                ],
            )

    def versions_of(self, key: str) -> Iterator[Version]:
        """All versions and delete markers of one object, the one written last first."""
        return (version for version in self.versions(key) if version.key == key)

    def read(self, key: str, version_id: str | None = None) -> Content:
        """The content of an object's current version, or of the version with this id."""
        try:
            result = obstore.get(self._objects, key, options={"version": version_id} if version_id else None)
            return result.bytes().to_bytes()
        except (BaseError, OSError, ValueError) as error:
            # A 404 may be of the bucket, and a 403 of the rights.
            for reason, meaning in _UNREAD.items():
                if f"<Code>{reason}</Code>" in str(error):
                    return meaning
        return self._read_with_boto3(key, version_id)

    def read_many(self, versions: Iterable[Version]) -> Generator[tuple[Version, Content], None, None]:
        """Each of the versions, in their order, with its content; that of a delete marker is ABSENT.

        As many are read ahead as there are readers, so memory does not grow with the number of versions.
        """
        pending: deque[tuple[Version, Future[Content]]] = deque()
        with ThreadPoolExecutor(self._readers) as readers:
            try:
                for version in versions:
                    pending.append((version, readers.submit(self._read_version, version)))
                    if len(pending) >= self._readers:
                        first, content = pending.popleft()
                        yield first, content.result()
                for first, content in pending:
                    yield first, content.result()
            finally:
                readers.shutdown(wait=False, cancel_futures=True)

    def _read_version(self, version: Version) -> Content:
        return Unread.ABSENT if version.is_delete_marker else self.read(version.key, version.version_id)

    def _read_with_boto3(self, key: str, version_id: str | None) -> Content:
        """What obstore did not hand out, with errors that name the operation and AWS's reason."""
        try:
            if version_id:
                answer = self.s3.get_object(Bucket=self.bucket, Key=key, VersionId=version_id)
            else:
                answer = self.s3.get_object(Bucket=self.bucket, Key=key)
            return answer["Body"].read()
        except ClientError as error:
            if meaning := _UNREAD.get(error.response["Error"]["Code"]):
                return meaning
            raise


def _time(text: str) -> datetime:
    """A time as S3's lists have it, or in any other form that AWS uses."""
    try:
        return datetime.fromisoformat(text)
    except (ValueError, TypeError):
        parsed: datetime = parse_timestamp(text)
        return parsed


def _merged(versions: list[Version], markers: list[Version]) -> Iterator[Version]:
    """A page's versions and delete markers in S3's order; boto3 has torn them apart."""
    if not markers:
        return iter(versions)
    return iter(
        sorted(
            versions + markers,
            key=lambda version: (
                version.key.encode(),
                -version.written_at.timestamp(),
                not version.is_current,
            ),
        )
    )
