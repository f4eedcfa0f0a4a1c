"""The AWS account that the credentials are of, which whatever speaks with AWS asks for first."""

import boto3
from botocore.config import Config
from botocore.parsers import ResponseParserError

NO_CREDENTIALS = "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


def account_id(*, region: str, config: Config | None = None) -> str:
    """Twelve digits. Raises what boto3 raises, and ConnectionError when what answers is not AWS."""
    try:
        sts = boto3.client("sts", region_name=region, config=config)
        account: str = sts.get_caller_identity()["Account"]
    except (KeyError, ResponseParserError):
        raise ConnectionError("STS names no account: what answers in its place is not AWS") from None
    return account
