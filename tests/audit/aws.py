"""A table and an audit bucket of their own for one test, without the function between them."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self
from uuid import uuid4

import boto3
from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_s3 import S3Client
from mypy_boto3_s3.literals import StorageClassType

from tests.audit.trails import Image, Record
from tools.audit.deployment import Deployment
from tools.audit.record import audit_key

REGION: Final = "ap-southeast-1"


@dataclass(frozen=True)
class Orders:
    """What a trail is made of, to be damaged at will."""

    deployment: Deployment
    dynamodb: DynamoDBClient
    s3: S3Client

    @classmethod
    def create(cls) -> Self:
        """In the cloud that the environment leads to, which gets a suffix of its own."""
        os.environ["ENVIRONMENT_SUFFIX"] = uuid4().hex[:12]
        os.environ["DEPLOY_REGION"] = REGION
        orders = cls(
            Deployment.of_settings(),
            boto3.client("dynamodb", region_name=REGION),
            boto3.client("s3", region_name=REGION),
        )
        orders.dynamodb.create_table(
            TableName=orders.deployment.table,
            KeySchema=[
                {"AttributeName": "orderId", "KeyType": "HASH"},
                {"AttributeName": "timestamp", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "orderId", "AttributeType": "S"},
                {"AttributeName": "timestamp", "AttributeType": "N"},
                {"AttributeName": "status", "AttributeType": "S"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "status-timestamp-index",
                    "KeySchema": [
                        {"AttributeName": "status", "KeyType": "HASH"},
                        {"AttributeName": "timestamp", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        orders.s3.create_bucket(
            Bucket=orders.deployment.audit_bucket,
            CreateBucketConfiguration={"LocationConstraint": REGION},
        )
        orders.s3.put_bucket_versioning(
            Bucket=orders.deployment.audit_bucket, VersioningConfiguration={"Status": "Enabled"}
        )
        return orders

    def put_item(self, image: Image) -> None:
        """Write an item; binary attributes are bytes."""
        self.dynamodb.put_item(TableName=self.deployment.table, Item=image)

    def put_records(
        self, records: Iterable[Record], *, storage_class: StorageClassType = "STANDARD"
    ) -> list[str]:
        """Store records as the function does; returns their version ids."""
        return [
            self.put_body(record["orderId"], record["timestamp"], json.dumps(record).encode(), storage_class)
            for record in records
        ]

    def put_body(
        self, order_id: str, timestamp: str, body: bytes, storage_class: StorageClassType = "STANDARD"
    ) -> str:
        answer = self.s3.put_object(
            Bucket=self.deployment.audit_bucket,
            Key=audit_key(order_id, timestamp),
            Body=body,
            StorageClass=storage_class,
        )
        return answer["VersionId"]

    def delete(self, order_id: str, timestamp: str, version_id: str | None = None) -> None:
        """Delete one version of an audit object for good, or hide the object behind a delete marker."""
        bucket, key = self.deployment.audit_bucket, audit_key(order_id, timestamp)
        if version_id:
            self.s3.delete_object(Bucket=bucket, Key=key, VersionId=version_id)
        else:
            self.s3.delete_object(Bucket=bucket, Key=key)
