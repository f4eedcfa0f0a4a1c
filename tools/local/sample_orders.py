"""The sample orders of the local pipeline: what happens to each, with something to see in its history."""

import time
from collections.abc import Sequence
from typing import Any, Final

import boto3

Attributes = dict[str, Any]

_PLACED: Final[Attributes] = {
    "status": {"S": "PLACED"},
    "total": {"N": "49.90"},
    "updatedBy": {"S": "web-api"},
}


def _address(city: str, street: str) -> Attributes:
    return {"address": {"M": {"city": {"S": city}, "street": {"S": street}}}}


_SHIPPED: Final[Sequence[Attributes]] = [
    _PLACED
    | _address("Bonn", "Hauptstr. 1")
    | {"tags": {"SS": ["gift", "new-customer"]}, "note": {"S": "Ring twice"}},
    # The first whole number that is none of JSON's doubles: they would make it one less.
    {
        "status": {"S": "PAID"},
        "payment": {"N": "9007199254740993"},
        "updatedBy": {"S": "payments"},
    },
    {**_address("Ulm", "Hauptstr. 1"), "updatedBy": {"S": "support"}},
    {
        "status": {"S": "PACKED"},
        "tags": {"SS": ["fragile", "gift"]},
        "note": None,
        "updatedBy": {"S": "warehouse"},
    },
    {"status": {"S": "SHIPPED"}, "parcel": {"B": b"\x00\xffparcel"}},
]

# Each change of an order: the attributes that it sets, or takes away (None); None itself removes the order.
SAMPLE_ORDERS: Final[dict[str, Sequence[Attributes | None]]] = {
    "order-1001": [_PLACED],
    "order-1002": _SHIPPED,
    "order-1003": [_PLACED, {"status": {"S": "FAILED"}, "updatedBy": {"S": "payments"}}],
    "order-1004": [_PLACED, None],
}

# The order whose history `make local` shows.
SHOWN_ORDER: Final = "order-1002"


def items(changes: Sequence[Attributes | None]) -> list[Attributes | None]:
    """The order's attributes after each of the changes, without its key; None once it is removed."""
    states: list[Attributes | None] = []
    state: Attributes = {}
    for change in changes:
        merged = {} if change is None else state | change
        state = {name: value for name, value in merged.items() if value is not None}
        states.append(None if change is None else state)
    return states


def write(table: str) -> int:
    """Write the sample orders, all with the timestamp that is returned, in milliseconds."""
    timestamp = int(time.time() * 1000)
    dynamodb = boto3.client("dynamodb")
    for order_id, changes in SAMPLE_ORDERS.items():
        key = {"orderId": {"S": order_id}, "timestamp": {"N": str(timestamp)}}
        for item in items(changes):
            if item is None:
                dynamodb.delete_item(TableName=table, Key=key)
            else:
                dynamodb.put_item(TableName=table, Item=key | item)
    return timestamp
