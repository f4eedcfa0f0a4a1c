"""What `history` prints: every change, what it changed, and whether the chain holds, within the terminal."""

import unicodedata
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.audit.trails import (
    START,
    TIMESTAMP,
    Image,
    Record,
    Stored,
    history,
    image,
    iso,
    repair,
    trail,
)
from tools.audit import json_lines, text, view
from tools.audit.chain import Kind
from tools.audit.store import Unread
from tools.audit.view import Period

PLACED, PAID, PACKED, SHIPPED = (image(status) for status in ("PLACED", "PAID", "PACKED", "SHIPPED"))

ALWAYS = Period()


def printed(
    contents: list[Stored],
    item: Image | None,
    *,
    width: int = 100,
    everything: bool = False,
    period: Period = ALWAYS,
) -> list[str]:
    trail_, records = trail(contents, item)
    changes = view.selected(trail_, period=period, everything=everything)
    rows = view.rows(records, trail_, changes)
    return list(text.item_lines(trail_, rows, period=period, bucket="b", width=width, everything=everything))


def test_H1_every_change_with_its_time_kind_status_writer_and_delay() -> None:
    records = history(PLACED, PAID, None)
    records[1] |= {"changedBy": "payments"}
    records[2]["recordedAt"] = iso(START + timedelta(hours=3, minutes=14))
    header, titles, first, second, third, verdict = printed(list(records), None)
    assert header == f"item 2023-11-14 22:13:20.000Z ({TIMESTAMP})   3 changes on 2026-11-24"
    assert " ".join(titles.split()) == "# CHANGED (UTC) EVENT WHAT CHANGED BY RECORDED"
    assert " ".join(first.split()) == "1 13:58:02 INSERT status PLACED not known +0.3 s"
    assert " ".join(second.split()) == "2 13:59:02 MODIFY status PLACED → PAID payments +0.3 s"
    assert " ".join(third.split()) == "3 14:00:02 REMOVE status removed (was PAID) not known +3 h 12 min"
    assert verdict == "The chain holds: 3 changes without a gap, from the first to its removal."


def test_H2_a_gap_stands_where_it_is_and_says_what_the_missing_change_did() -> None:
    records = history(PLACED, PAID, image("LABELLED", carrier={"S": "DHL"}), SHIPPED)
    del records[2]
    lines = printed(list(records), SHIPPED)
    assert lines[4].strip() == (
        "!  gap: at least one change is missing between 2 and 3: status PAID → LABELLED, carrier DHL"
    )
    assert lines[-1] == "The chain does not hold: 1 gap in 3 changes."


def test_H2_the_end_that_differs_says_how() -> None:
    lines = printed(list(history(PLACED, PAID)), PACKED)
    assert lines[-2].strip().startswith("!  stale: ")
    assert lines[-2].endswith(": status PAID → PACKED")


def test_H2_retries_repairs_late_records_and_foreign_versions_are_told() -> None:
    records = history(PLACED, PAID, PACKED)
    contents: list[Stored] = [records[1], records[0], records[0], b"{", repair(records[1], PACKED)]
    lines = "\n".join(printed(contents, PACKED, width=160))
    assert "(2 times: retried)" in lines
    assert "(stored late)" in lines
    assert "  repair  " in lines
    assert "·  repair: written by reconcile" in lines
    assert "!  unreadable: " in lines
    assert "1 unreadable version in 3 changes. Noted: 1 duplicate, 1 late record, 1 repair." in lines


def test_H2_what_is_archived_is_named_with_the_command_that_restores_it() -> None:
    contents: list[Stored] = [Unread.ARCHIVED] * 5
    lines = printed(contents, PLACED, width=160)
    commands = [line for line in lines if line.startswith("aws s3api restore-object ")]
    assert len(commands) == 3
    assert "--version-id v0" in commands[0]
    assert "… and 2 more (--all shows them)" in lines
    assert len([line for line in printed(contents, PLACED, everything=True) if "restore-object" in line]) == 5
    assert lines[-1].startswith("The chain is not proven")


def test_H1_of_a_long_history_the_first_and_last_20_are_shown_and_every_break() -> None:
    states: list[Image | None] = [image(f"S{n}") for n in range(300)]
    records = history(*states)
    del records[150]
    lines = printed(list(records), states[-1])
    numbers = [int(line[:4]) for line in lines if line[:4].strip().isdigit()]
    assert numbers == [*range(1, 21), 150, 151, *range(280, 300)]
    assert [line.strip() for line in lines if "…" in line] == [
        "…  129 changes that are not shown (--all shows all)",
        "…  128 changes that are not shown (--all shows all)",
    ]
    assert any("gap: " in line for line in lines)
    # What is outside of a period is not shown with --all either.
    of_a_period = printed(list(records), states[-1], period=Period(until=START - timedelta(days=1)))
    assert [line.strip() for line in of_a_period if "…" in line] == ["…  299 changes that are not shown"]
    everything = printed(list(records), states[-1], everything=True)
    assert len([line for line in everything if line[:4].strip().isdigit()]) == 299


def test_H1_since_and_until_choose_changes_by_the_time_they_were_made() -> None:
    period = Period(since=START + timedelta(minutes=1), until=START + timedelta(minutes=2))
    lines = printed(list(history(PLACED, PAID, PACKED, SHIPPED)), SHIPPED, period=period)
    assert [line[:4].strip() for line in lines[2:-1]] == ["…", "2", "3", "…"]
    assert lines[-1].startswith("The chain holds: 4 changes")


def test_H1_a_record_from_before_changedAt_says_by_when() -> None:
    records = history(PLACED, PAID)
    del records[1]["changedAt"]
    assert "≤13:59:02" in printed(list(records), PAID)[3]


def test_H1_a_removal_by_time_to_live_says_so() -> None:
    records = history(PLACED, None)
    by = "dynamodb.amazonaws.com"
    records[1] |= {"changedBy": by, "userIdentity": {"type": "Service", "principalId": by}}
    assert " time to live " in printed(list(records), None)[3]


def test_the_date_is_said_once_or_for_each_change() -> None:
    records = history(PLACED, PAID)
    records[1] |= {name: iso(START + timedelta(days=1)) for name in ("changedAt", "recordedAt")}
    lines = printed(list(records), PAID)
    assert lines[0].endswith("2 changes")
    assert "2026-11-25 13:58:02" in lines[3]


@given(
    width=st.integers(80, 160),
    value=st.text(max_size=300),
    name=st.text(min_size=1, max_size=80),
    by=st.text(min_size=1, max_size=40),
    event=st.text(max_size=20),
)
def test_no_order_can_steer_the_terminal_or_leave_its_columns(
    width: int, value: str, name: str, by: str, event: str
) -> None:
    order = image(value) | {name: {"M": {value[:40]: {"S": value}}}}
    record = history(order)[0] | {"changedBy": by, "eventName": event}
    forged: Record = history(PLACED)[0] | {"timestamp": value}
    for line in printed([record, forged, value.encode(errors="ignore")], PLACED, width=width):
        assert line.isprintable()
        columns = sum(not unicodedata.combining(character) for character in line)
        assert columns <= width or line.startswith("aws s3api")


def test_the_title_sums_up_all_items_of_the_order() -> None:
    records = history(PLACED, PAID, SHIPPED)
    whole, _ = trail(records, SHIPPED)
    broken, _ = trail(records[:1] + records[2:], None)
    assert text.title("order-1", [whole]) == "order-1   1 item   table: SHIPPED   trail: holds"
    assert text.title("order-1", [whole, broken]) == (
        "order-1   2 items   table: SHIPPED, gone   trail: 1 gap, 1 missing removal"
    )


class TestAt:
    """The state at a moment."""

    @pytest.mark.parametrize(("minutes", "number"), [(-1, 0), (0, 1), (0.9, 1), (1, 2), (900, 3)])
    def test_H1_the_last_change_made_by_then_counts(self, minutes: float, number: int) -> None:
        trail_, _ = trail(history(PLACED, PAID, PACKED), PACKED)
        state = view.at_moment(trail_, START + timedelta(minutes=minutes))
        assert ((state.change.number if state.change else 0), state.doubt) == (number, None)

    def test_H1_a_gap_after_it_makes_it_uncertain(self) -> None:
        records = history(PLACED, PAID, PACKED)
        trail_, _ = trail(records[:1] + records[2:], PACKED)
        assert "missing between 1 and 2" in str(view.at_moment(trail_, START).doubt)
        assert view.at_moment(trail_, START + timedelta(days=1)).doubt is None

    def test_H1_a_change_without_its_time_makes_what_is_before_it_uncertain(self) -> None:
        records = history(PLACED, PAID, PACKED)
        records[1] |= {"changedAt": None, "recordedAt": iso(START + timedelta(hours=3))}
        records[2] |= {"changedAt": iso(START + timedelta(hours=4))}
        trail_, _ = trail(records, PACKED)
        before, after = (view.at_moment(trail_, START + timedelta(hours=hours)) for hours in (1, 3.5))
        assert (before.change.number if before.change else 0) == 1
        assert "change 2 does not say when it was made; it may have been before" in str(before.doubt)
        assert (after.change.number if after.change else 0) == 2
        assert after.doubt is None

    def test_H1_before_a_missing_beginning_nothing_is_certain(self) -> None:
        trail_, _ = trail(history(PLACED, PAID)[1:], PAID)
        state = view.at_moment(trail_, START)
        assert state.change is None
        assert state.doubt is not None

    def test_H1_after_a_stale_end_nothing_is_certain(self) -> None:
        trail_, _ = trail(history(PLACED), PAID)
        assert view.at_moment(trail_, START + timedelta(days=1)).doubt is not None


def lines(contents: list[Stored], item: Image | None) -> list[dict[str, Any]]:
    trail_, records = trail(contents, item)
    return list(json_lines.item_lines(trail_, view.rows(records, trail_, trail_.chain.changes)))


def test_H1_json_has_a_line_for_each_change_and_one_for_the_verdict() -> None:
    records = history(PLACED, image("PAID", note={"S": "hi"}), SHIPPED)
    records[1] |= {"changedBy": "payments"}
    first, second, _, verdict = lines([records[0], records[1], records[1], records[2]], SHIPPED)
    assert first["statusBefore"] is None
    assert len(second.pop("sha256")) == 64
    assert second == {
        "orderId": "order-1",
        "timestamp": TIMESTAMP,
        "number": 2,
        "eventName": "MODIFY",
        "changedAt": "2026-11-24T13:59:02.000Z",
        "recordedAt": "2026-11-24T13:59:02.300Z",
        "changedBy": "payments",
        "userIdentity": None,
        "statusBefore": "PLACED",
        "statusAfter": "PAID",
        "changes": [
            {"path": "status", "before": {"S": "PLACED"}, "after": {"S": "PAID"}},
            {"path": "note", "after": {"S": "hi"}},
        ],
        "reconciled": False,
        "eventId": "event-1",
        "sequenceNumber": "10",
        "versionId": "v1",
        "storedAt": "2026-11-24T13:59:02.350Z",
        "etag": f'"{1:032x}"',
        "copies": ["v2"],
        "findings": [
            {
                "kind": "duplicate",
                "severity": "note",
                "detail": "stored 2 times: a retry, or a redrive",
                "attributes": [],
                "versions": ["v1", "v2"],
            }
        ],
    }
    findings = verdict["chain"].pop("findings")
    assert verdict == {
        "orderId": "order-1",
        "timestamp": TIMESTAMP,
        "chain": {
            "holds": True,
            "changes": 3,
            "versions": 4,
            "key": f"orders/order-1/{TIMESTAMP}.json",
            "inTable": True,
        },
    }
    assert [(finding["kind"], finding["number"]) for finding in findings] == [("duplicate", 2)]


def test_every_kind_of_finding_has_a_word_for_people() -> None:
    assert view._LABELS.keys() == set(Kind)
