"""List the orders that have a status, each with the command that shows its history, by the table's index."""

import json
import shlex
from collections.abc import Callable
from datetime import UTC, datetime

import boto3

from names import STATUS_INDEX
from tools.audit.deployment import Deployment
from tools.audit.view import Period, item_time

_EPOCH = datetime.fromtimestamp(0, UTC)


def list_orders(
    deployment: Deployment, status: str, *, period: Period, as_json: bool, say: Callable[[str], None]
) -> None:
    """Print the items that have this status now and whose own timestamp is in the period, as they are read.

    The timestamp is part of the item's key: it says when the order was placed, not when it got the status.
    """
    low = "0" if period.since is None else _milliseconds(period.since)
    high = "9" * 38 if period.until is None else _milliseconds(period.until)
    client = boto3.client("dynamodb", region_name=deployment.region)
    pages = client.get_paginator("query").paginate(
        TableName=deployment.table,
        IndexName=STATUS_INDEX,
        KeyConditionExpression="#status = :status AND #timestamp BETWEEN :low AND :high",
        ProjectionExpression="orderId, #timestamp",
        ExpressionAttributeNames={"#status": "status", "#timestamp": "timestamp"},
        ExpressionAttributeValues={":status": {"S": status}, ":low": {"N": low}, ":high": {"N": high}},
    )
    count = 0
    for item in (item for page in pages for item in page["Items"]):
        order_id, timestamp = item["orderId"]["S"], item["timestamp"]["N"]
        command = shell_command(order_id, timestamp)
        if as_json:
            line = {"orderId": order_id, "timestamp": timestamp, "status": status, "command": command}
            print(json.dumps(line), flush=True)
        else:
            print(f"{item_time(timestamp):24}  {command}", flush=True)
        count += 1
    say("1 item has this status" if count == 1 else f"{count:,} items have this status")


def shell_command(order_id: str, timestamp: str) -> str:
    """The command that shows the history of an item, for a shell such as bash in the project folder."""
    word = shlex.quote(order_id) if order_id.isprintable() else f"$'{''.join(map(_escaped, order_id))}'"
    separator = "-- " if order_id.startswith("-") else ""
    return f".venv/bin/python -m tools.audit history --timestamp={timestamp} {separator}{word}"


def _escaped(character: str) -> str:
    if character.isprintable() and character not in "'\\":
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode())


def _milliseconds(time: datetime) -> str:
    return str(round((time - _EPOCH).total_seconds() * 1000))
