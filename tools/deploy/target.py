"""Where a deployment goes, asked of AWS before anything else is done."""

import os
from dataclasses import dataclass

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
)

from settings import Settings
from tools.account import NO_CREDENTIALS, account_id

QUICK = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})


class TargetError(Exception):
    """There is nowhere to deploy to; the message is one line that says what is missing."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """An account, and the environment in it that the settings name."""

    account: str
    settings: Settings

    def __str__(self) -> str:
        settings = self.settings
        return (
            f"Account {self.account}, region {settings.deploy_region}, "
            f"environment {settings.environment_suffix}, state in {settings.state_bucket}"
        )


def find_target(settings: Settings, *, with_bucket: bool) -> Target:
    """Raises TargetError without credentials or, `with_bucket`, without the bucket that holds the state."""
    try:
        account = account_id(region=settings.deploy_region, config=QUICK)
    except ConnectionError as error:
        raise TargetError(str(error)) from None
    except NoCredentialsError:
        raise TargetError(NO_CREDENTIALS) from None
    except EndpointConnectionError as error:
        raise TargetError(_unreachable(error)) from None
    except (BotoCoreError, ClientError) as error:
        raise TargetError(f"AWS does not take the credentials: {_one_line(error)}") from None
    if with_bucket:
        _check_bucket(settings, account)
    return Target(account=account, settings=settings)


def _check_bucket(settings: Settings, account: str) -> None:
    bucket = settings.state_bucket
    s3 = boto3.client("s3", region_name=settings.state_region, config=QUICK)
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status == 404:
            raise TargetError(f"there is no bucket {bucket}: make bootstrap creates it") from None
        if status == 403:
            raise TargetError(
                f"STATE_BUCKET {bucket} belongs to another account than {account}, "
                "or these credentials may not read it"
            ) from None
        raise TargetError(f"the state bucket {bucket} cannot be read: {_one_line(error)}") from None
    except BotoCoreError as error:
        raise TargetError(f"the state bucket {bucket} cannot be read: {_one_line(error)}") from None


def _unreachable(error: EndpointConnectionError) -> str:
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if "LOCAL_CLOUD" in os.environ:
        return f"the local cloud at {endpoint} has ended: exit this shell, or start it again by make local"
    return f"AWS cannot be reached: {_one_line(error)}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
