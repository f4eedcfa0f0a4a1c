"""The orders table as reconcile reads it: items in DynamoDB's typed JSON, as a stream's records have them."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The most keys that BatchGetItem takes.
BATCH: Final = 100

PAGE_ITEMS: Final = 100

_ATTEMPTS = 8
_BACKOFF = 0.05
_LONGEST_BACKOFF = 5.0

_READS = ("Scan", "GetItem", "BatchGetItem")

Image = dict[str, Any]


class OrdersTable:
    """The table, read consistently.

    Methods may be called from several threads. They raise what boto3 raises.
    """

    def __init__(self, name: str, *, region: str, connections: int) -> None:
        self._name = name
        config = Config(
            max_pool_connections=connections, retries={"mode": "standard", "total_max_attempts": _ATTEMPTS}
        )
        self._client: DynamoDBClient = boto3.client("dynamodb", region_name=region, config=config)
        for operation in _READS:
            self._client.meta.events.register(f"before-parse.dynamodb.{operation}", _take_as_it_came)

    def item_count(self) -> int:
        """About as many items as there are: DynamoDB counts them every six hours or so."""
        return self._client.describe_table(TableName=self._name)["Table"]["ItemCount"]

    def pages(self, segment: int, *, of: int) -> Iterator[list[Image]]:
        """The items of a segment of the table, so many at a time."""
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._name,
            ConsistentRead=True,
            Segment=segment,
            TotalSegments=of,
            PaginationConfig={"PageSize": PAGE_ITEMS},
        )
        for page in pages:
            yield page["Items"]

    def item(self, order_id: str, timestamp: str) -> Image | None:
        """An item as it is now."""
        answer = self._client.get_item(
            TableName=self._name, Key=_key(order_id, timestamp), ConsistentRead=True
        )
        image: Image | None = answer.get("Item")
        # DynamoDB finds 1 for 1.0, which is the timestamp of another object.
        return image if image and image["timestamp"]["N"] == timestamp else None

    def holds(
        self, keys: Collection[tuple[str, str]], *, wait: Callable[[float], None]
    ) -> set[tuple[str, str]]:
        """Those of up to 100 keys, order id and timestamp, that have an item.

        What DynamoDB leaves unprocessed is asked again after a `wait` of some seconds.
        """
        # The same number in two spellings is one key, and DynamoDB takes a key once.
        wanted = {(order_id, Decimal(timestamp)): _key(order_id, timestamp) for order_id, timestamp in keys}
        request: Mapping[str, Any] = {
            self._name: {
                "Keys": list(wanted.values()),
                "ConsistentRead": True,
                "ProjectionExpression": "orderId, #timestamp",
                "ExpressionAttributeNames": {"#timestamp": "timestamp"},
            }
        }
        found: set[tuple[str, str]] = set()
        backoff = _BACKOFF
        while wanted and request:
            answer = self._client.batch_get_item(RequestItems=request)
            for image in answer["Responses"].get(self._name, []):
                found.add((image["orderId"]["S"], image["timestamp"]["N"]))
            if request := answer.get("UnprocessedKeys", {}):
                wait(backoff)
                backoff = min(2 * backoff, _LONGEST_BACKOFF)
        return found.intersection(keys)


def _key(order_id: str, timestamp: str) -> dict[str, dict[str, str]]:
    return {"orderId": {"S": order_id}, "timestamp": {"N": timestamp}}


def _take_as_it_came(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    """Hand out an answer's JSON as it is: through boto3's model of it, reading would take twice the time."""
    if response_dict["status_code"] == 200:
        customized_response_dict.update(json.loads(response_dict["body"]))
        response_dict["body"] = b"{}"
