"""What reconcile knows of the audit trail is what the function writes."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.audit.record import AuditRecord, audit_key, canonical, item_of_key, typed_json

KEYS = json.loads((Path(__file__).parents[1] / "audit_keys.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", KEYS, ids=lambda case: case["key"][:40])
def test_R7_the_key_is_the_one_the_function_writes(case: dict[str, str]) -> None:
    assert audit_key(case["orderId"], case["timestamp"]) == case["key"]


@settings(max_examples=100)
@given(first=st.text(min_size=1), second=st.text(min_size=1))
def test_R7_different_orders_have_different_keys_that_s3_accepts(first: str, second: str) -> None:
    keys = audit_key(first, "1"), audit_key(second, "1")
    assert (keys[0] == keys[1]) == (first == second)
    assert all(key.isascii() and key.count("/") == 2 for key in keys)


@pytest.mark.parametrize("timestamp", ["1700000000000", "-1.5", "0"])
@pytest.mark.parametrize("order_id", ["a", "../a b", "ä\n~%", "x" * 800, "\U0001f600"])
def test_an_audit_key_tells_the_item_that_it_was_made_of(order_id: str, timestamp: str) -> None:
    assert item_of_key(audit_key(order_id, timestamp)) == (order_id, timestamp)


def test_an_audit_key_with_a_hash_tells_only_the_timestamp() -> None:
    assert item_of_key(audit_key("x" * 801, "1")) == (None, "1")


@pytest.mark.parametrize(
    "key",
    [
        "orders/a/1.json.copy",
        "orders/a/.json",
        "orders/a/1e5.json",
        f"orders/a/{'1' * 39}.json",
        "orders/a/1E126.json",
        "orders/a/1E-131.json",
        "orders/a/-.json",
        "orders//1.json",
        "orders/a/b/1.json",
        "orders/%61/1.json",
        "orders/%2f/1.json",
        "orders/%FF/1.json",
        "orders/%/1.json",
        f"orders/{'x' * 801}/1.json",
        "other/a/1.json",
    ],
)
def test_what_is_no_audit_key_tells_no_item(key: str) -> None:
    assert item_of_key(key) is None


def test_R1_binary_is_compared_as_the_base64_text_of_the_record() -> None:
    item = {"m": {"M": {"l": {"L": [{"B": b"\x00\xff"}, {"BS": [b"b", b"a"]}]}}}}
    recorded = {"m": {"M": {"l": {"L": [{"B": "AP8="}, {"BS": ["YQ==", "Yg=="]}]}}}}
    assert canonical(typed_json(item)) == canonical(recorded)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"N": "1.0"}, {"N": "1"}),
        ({"N": "1E2"}, {"N": "100"}),
        ({"NS": ["1", "2.0"]}, {"NS": ["2", "1"]}),
        ({"SS": ["a", "b"]}, {"SS": ["b", "a"]}),
    ],
)
def test_R1_what_dynamodb_takes_for_equal_is_equal(one: dict[str, object], other: dict[str, object]) -> None:
    assert canonical({"a": one}) == canonical({"a": other})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"N": "1" * 37 + "1"}, {"N": "1" * 37 + "2"}),
        ({"N": "1"}, {"S": "1"}),
        ({"L": [{"S": "a"}, {"S": "b"}]}, {"L": [{"S": "b"}, {"S": "a"}]}),
        ({"BOOL": True}, {"NULL": True}),
        ({"S": ""}, {"NULL": True}),
    ],
)
def test_R1_what_differs_for_dynamodb_differs(one: dict[str, object], other: dict[str, object]) -> None:
    assert canonical({"a": one}) != canonical({"a": other})


def nested(levels: int) -> dict[str, object]:
    return {"M": {"m": nested(levels - 1)}} if levels else {"S": "deep"}


def test_R1_what_dynamodb_can_nest_is_readable() -> None:
    assert AuditRecord.parse(record(newImage={"a": nested(31)})).state is not None


@pytest.mark.parametrize(
    "text", ["0", "-0.5", "1E+125", "-9.9999999999999999999999999999999999999E+125", "1E-130"]
)
def test_R1_every_number_of_dynamodb_is_readable(text: str) -> None:
    assert AuditRecord.parse(record(newImage={"a": {"N": text}})).state is not None


def test_an_old_image_that_is_no_item_is_refused_once_it_is_looked_at() -> None:
    parsed = AuditRecord.parse(record(oldImage={"a": {"N": "x"}}))
    with pytest.raises(ValueError):
        _ = parsed.old_state


def record(**changes: object) -> bytes:
    content = {"sequenceNumber": "1", "newImage": {"a": {"S": "b"}}} | changes
    return json.dumps({name: value for name, value in content.items() if value != "absent"}).encode()


def test_section_6_history_is_in_the_order_of_numbers_and_reconciled_records_come_after_their_equals() -> (
    None
):
    ranks = [
        AuditRecord.parse(record(sequenceNumber=number, reconciled=reconciled)).rank
        for number, reconciled in [
            ("0", True),
            ("9", False),
            ("9", True),
            ("10", False),
            ("9" * 39, False),
            ("1" + "0" * 39, False),
        ]
    ]
    assert sorted(ranks) == ranks
    assert len(set(ranks)) == len(ranks)


def test_R1_a_record_says_when_and_by_whom_the_change_was_made() -> None:
    parsed = AuditRecord.parse(record(changedAt="2026-01-02T03:04:05.678Z", changedBy="anna"))
    assert parsed.changed_at == datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
    assert parsed.changed_by == "anna"


@pytest.mark.parametrize("value", [None, "absent"])
def test_R1_records_from_before_these_fields_are_readable(value: object) -> None:
    parsed = AuditRecord.parse(record(changedAt=value, changedBy=value))
    assert (parsed.changed_at, parsed.changed_by) == (None, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"7",
        record(newImage="absent"),
        record(sequenceNumber="absent"),
        record(sequenceNumber="x"),
        record(sequenceNumber=None),
        record(newImage=[]),
        record(newImage={"a": "b"}),
        record(newImage={"a": {}}),
        record(newImage={"a": {"N": "x"}}),
        record(newImage={"a": {"N": None}}),
        record(newImage={"a": {"SS": [[]]}}),
        record(newImage={"a": {"N": "NaN"}}),
        record(newImage={"a": {"N": " 1"}}),
        record(newImage={"a": {"N": "1_000"}}),
        record(newImage={"a": {"N": "1" * 46}}),
        record(newImage={"a": {"N": 1}}),
        record(newImage={"a": {"S": 1}}),
        record(newImage={"a": {"SS": "text"}}),
        record(newImage={"a": {"BOOL": "true"}}),
        record(newImage={"a": {"X": "y"}}),
        record(newImage={"a": nested(34)}),
        record(sequenceNumber="1_000"),
        record(sequenceNumber="-1"),
        record(sequenceNumber="1" * 41),
        record(sequenceNumber=7),
        record(reconciled="yes"),
        record(eventName=1),
        record(oldImage=[]),
        record(recordedAt="0001-01-01T00:00:00+23:00"),
        b"[" * 100_000,
        record(changedAt="yesterday"),
        record(changedAt="2026-01-02T03:04:05"),
        record(changedAt=1700000000),
        record(changedBy={"S": "anna"}),
    ],
)
def test_what_is_no_audit_record_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        AuditRecord.parse(body)
