"""The table's reads: what DynamoDB leaves unprocessed, and numbers in several spellings."""

from typing import Any

import pytest

from tools.audit.table import OrdersTable

Request = dict[str, Any]
KEYS = [(f"order-{number}", "1") for number in range(5)]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> OrdersTable:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return OrdersTable("orders", region="ap-southeast-1", connections=1)


def answered(request: Request, *, processed: int) -> dict[str, Any]:
    """What BatchGetItem answers when all items are there, and it processes only so many."""
    keys = request["orders"]["Keys"]
    unprocessed = {"orders": request["orders"] | {"Keys": keys[processed:]}} if keys[processed:] else {}
    return {"Responses": {"orders": keys[:processed]}, "UnprocessedKeys": unprocessed}


def test_what_dynamodb_leaves_unprocessed_is_asked_again_after_a_while(
    table: OrdersTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[Request] = []

    def batch_get_item(*, RequestItems: Request) -> dict[str, Any]:
        requests.append(RequestItems)
        return answered(RequestItems, processed=2 * (len(requests) != 2))

    monkeypatch.setattr(table._client, "batch_get_item", batch_get_item)
    pauses: list[float] = []
    assert table.holds(KEYS, wait=pauses.append) == set(KEYS)
    assert [len(request["orders"]["Keys"]) for request in requests] == [5, 3, 3, 1]
    assert all(request["orders"]["ConsistentRead"] for request in requests)
    assert pauses == [0.05, 0.1, 0.2]


def test_a_number_in_two_spellings_is_asked_for_once_and_found_in_its_own(
    table: OrdersTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def batch_get_item(*, RequestItems: Request) -> dict[str, Any]:
        assert len(RequestItems["orders"]["Keys"]) == 1
        item = {"orderId": {"S": "a"}, "timestamp": {"N": "1"}}
        return {"Responses": {"orders": [item]}, "UnprocessedKeys": {}}

    monkeypatch.setattr(table._client, "batch_get_item", batch_get_item)
    assert table.holds([("a", "1"), ("a", "1.0")], wait=lambda _: None) == {("a", "1")}
    item = {"orderId": {"S": "a"}, "timestamp": {"N": "1"}}
    monkeypatch.setattr(table._client, "get_item", lambda **_: {"Item": item})
    assert table.item("a", "1") == item
    assert table.item("a", "1.0") is None


def test_nothing_is_asked_for_no_keys(table: OrdersTable) -> None:
    assert table.holds([], wait=lambda _: None) == set()
