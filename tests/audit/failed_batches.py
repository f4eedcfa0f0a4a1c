"""Failed batches as Lambda writes them to an S3 on-failure destination.

See https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html.
"""

import json
from typing import Any
from uuid import uuid4

SHARD = "shardId-00000001573689847184-864758bb"


def key(second: int = 0) -> str:
    """A new key below the prefix, of a batch that failed in this second."""
    mapping = "0f5bd1bd-ab0e-4c4b-9d0c-8ab3f6b8b1a5"
    return f"aws/lambda/{mapping}/{SHARD}/2026/01/02/2026-01-02T03.04.{second:02}-{uuid4()}"


def content(*records: dict[str, Any], function: str) -> dict[str, Any]:
    """What Lambda writes about a batch of stream records that this function could not process."""
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    return {
        "requestContext": {
            "requestId": str(uuid4()),
            "functionArn": f"arn:aws:lambda:ap-southeast-1:123456789012:function:{function}",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 101,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": "2026-01-02T03:04:05.678Z",
        "DDBStreamBatchInfo": {
            "shardId": SHARD,
            "startSequenceNumber": numbers[0] if numbers else "",
            "endSequenceNumber": numbers[-1] if numbers else "",
            "approximateArrivalOfFirstRecord": "2026-01-02T02:04:05Z",
            "approximateArrivalOfLastRecord": "2026-01-02T02:04:05Z",
            "batchSize": len(records),
            "streamArn": "arn:aws:dynamodb:ap-southeast-1:123456789012:table/t/stream/2026-01-01T00:00:00",
        },
        "payload": json.dumps({"Records": records}),
    }


def message(bucket: str, key: str) -> str:
    """What EventBridge sends to the queue when S3 has created the object of a batch.

    See https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html.
    """
    detail = {"bucket": {"name": bucket}, "object": {"key": key}, "reason": "PutObject"}
    return json.dumps({"detail-type": "Object Created", "source": "aws.s3", "detail": detail})
