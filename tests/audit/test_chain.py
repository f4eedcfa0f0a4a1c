"""The proof names what is wrong with a trail, and finds nothing where nothing is wrong."""

import copy
import json
import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.audit.trails import (
    START,
    Image,
    Record,
    Stored,
    history,
    image,
    iso,
    prove,
    repair,
    stored,
)
from tools.audit import chain
from tools.audit.chain import Chain, Kind, Severity, differing
from tools.audit.record import canonical
from tools.audit.store import Unread, Version

PLACED, PAID, PACKED, SHIPPED = (image(status) for status in ("PLACED", "PAID", "PACKED", "SHIPPED"))
STATES = (PLACED, PAID, PACKED, SHIPPED)


def found(proof: Chain) -> list[tuple[Kind, int | None]]:
    return [(finding.kind, finding.number) for finding in proof.findings]


def statuses(proof: Chain) -> list[str]:
    return [change.link.event_id or "repair" for change in proof.changes]


def test_H2_an_undisturbed_trail_holds() -> None:
    proof = prove(history(*STATES), SHIPPED)
    assert (proof.holds, found(proof), len(proof.changes)) == (True, [], 4)


def test_H2_a_removed_and_created_again_item_has_one_chain() -> None:
    assert found(prove(history(PLACED, None, PAID, None), None)) == []


def test_section_6_changes_are_in_the_order_of_numbers() -> None:
    """9 comes before 10, which it does not as text."""
    first, *others = history(*STATES)
    assert first["sequenceNumber"] == "9"
    proof = prove([*others, first], SHIPPED)
    assert statuses(proof) == ["event-0", "event-1", "event-2", "event-3"]
    assert (proof.holds, found(proof)) == (True, [(Kind.LATE, 1)])


def test_H2_a_lost_change_is_a_gap_that_names_what_it_did() -> None:
    records = history(
        PLACED, PAID, image("PAID", carrier={"S": "DHL"}), image("SHIPPED", carrier={"S": "DHL"})
    )
    del records[1:3]
    proof = prove(records, records[-1]["newImage"])
    assert found(proof) == [(Kind.GAP, 2)]
    assert proof.findings[0].attributes == ("carrier", "status")
    assert not proof.holds


def test_H2_a_lost_first_change_is_a_missing_insert() -> None:
    assert found(prove(history(*STATES)[1:], SHIPPED)) == [(Kind.NO_INSERT, 1)]


def test_H2_a_lost_last_change_is_stale() -> None:
    proof = prove(history(*STATES)[:-1], SHIPPED)
    assert found(proof) == [(Kind.STALE, 4)]
    assert proof.findings[0].attributes == ("status",)


def test_H2_an_item_that_is_back_is_stale() -> None:
    assert found(prove(history(PLACED, None), PLACED)) == [(Kind.STALE, 3)]


def test_H2_a_lost_removal_is_named() -> None:
    assert found(prove(history(*STATES), None)) == [(Kind.NO_REMOVE, 5)]


def test_H2_an_item_without_any_record_is_missing() -> None:
    assert found(prove([], PLACED)) == [(Kind.MISSING, 1)]


def test_the_end_is_not_judged_when_the_table_was_not_read() -> None:
    assert prove(history(*STATES)).holds


@pytest.mark.parametrize("position", range(4))
def test_H2_a_retry_is_a_harmless_duplicate(position: int) -> None:
    records = history(*STATES)
    retried = records[position] | {"recordedAt": iso(START + timedelta(hours=3))}
    proof = prove([*records, retried], SHIPPED)
    assert (proof.holds, found(proof)) == (True, [(Kind.DUPLICATE, position + 1)])
    assert len(proof.changes[position].copies) == 1


def test_a_redrive_by_a_function_that_records_more_is_a_duplicate() -> None:
    records = history(*STATES)
    older = {name: value for name, value in records[1].items() if name not in ("changedAt", "changedBy")}
    assert found(prove([records[0], older, *records[1:]], SHIPPED)) == [(Kind.DUPLICATE, 2)]


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        ({"newImage": image("STOLEN")}, "status"),
        ({"changedBy": "nobody"}, "changedBy"),
        ({"changedAt": iso(START - timedelta(days=1))}, "changedAt"),
        ({"eventId": "other"}, "eventId"),
    ],
)
def test_H2_an_edited_copy_beside_the_original_is_a_fork(edit: Record, named: str) -> None:
    records = [record | {"changedBy": "web"} for record in history(*STATES)]
    proof = prove([*records, records[1] | edit], SHIPPED)
    fork = next(finding for finding in proof.findings if finding.kind is Kind.FORK)
    assert (fork.number, fork.attributes, fork.versions) == (2, (named,), ("v4",))
    assert not proof.holds
    assert proof.changes[1].link.version.version_id == "v1"


@pytest.mark.parametrize("first", [True, False])
def test_of_two_records_of_one_number_the_one_that_fits_is_the_change(first: bool) -> None:
    records = history(*STATES)
    forged = records[1] | {"eventId": "forged", "newImage": image("STOLEN")}
    both = [forged, records[1]] if first else [records[1], forged]
    proof = prove([records[0], *both, *records[2:]], SHIPPED)
    assert statuses(proof)[1] == "event-1"
    assert found(proof) == [(Kind.FORK, 2)]


def test_H2_an_edited_record_in_place_of_the_original_breaks_the_chain() -> None:
    records = history(*STATES)
    records[1]["newImage"] = image("STOLEN")
    assert found(prove(records, SHIPPED)) == [(Kind.GAP, 3)]


def test_H2_a_forged_record_in_between_breaks_the_chain() -> None:
    records = history(*STATES, first_number=10)
    for record in records[2:]:
        record["sequenceNumber"] = str(int(record["sequenceNumber"]) + 1)
    forged = records[1] | {
        "sequenceNumber": "12",
        "eventId": "forged",
        "oldImage": PAID,
        "newImage": image("STOLEN"),
    }
    assert found(prove([*records[:2], forged, *records[2:]], SHIPPED)) == [(Kind.GAP, 4)]


def test_H2_exchanged_numbers_break_the_chain() -> None:
    records = history(*STATES)
    for name in ("sequenceNumber",):
        records[1][name], records[2][name] = records[2][name], records[1][name]
    kinds = {finding.kind for finding in prove(records, SHIPPED).findings}
    assert {Kind.GAP, Kind.DOUBTFUL} <= kinds


@pytest.mark.parametrize(
    "edit",
    [
        {"eventName": "REMOVE"},
        {"eventName": "INSERT"},
        {"newImage": image("PAID") | {"orderId": {"S": "order-2"}}},
        {"newImage": image("PAID") | {"timestamp": {"N": "1"}}},
    ],
)
def test_H2_a_record_that_contradicts_itself_is_inconsistent(edit: Record) -> None:
    records = history(*STATES)
    records[1] |= edit
    assert (Kind.INCONSISTENT, 2) in found(prove(records, SHIPPED))


def test_H2_a_record_without_any_image_is_inconsistent() -> None:
    nothing = history(PLACED)[0] | {"newImage": None}
    assert found(prove([nothing], None)) == [(Kind.INCONSISTENT, 1)]


def test_H2_a_record_of_another_item_is_misplaced_and_no_link() -> None:
    records = history(*STATES)
    other = records[1] | {"orderId": "order-2"}
    proof = prove([*records[:2], other, *records[2:]], SHIPPED)
    assert found(proof) == [(Kind.MISPLACED, None)]
    assert len(proof.changes) == 4


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"newImage": null}', b"[" * 100_000])
def test_H2_what_is_no_record_is_named(body: bytes) -> None:
    proof = prove([*history(*STATES), body], SHIPPED)
    assert found(proof) == [(Kind.UNREADABLE, None)]
    assert not proof.holds


def test_a_record_that_is_gone_since_it_was_listed_is_as_if_it_had_not_been_listed() -> None:
    assert found(prove([*history(*STATES), Unread.ABSENT], SHIPPED)) == []


def test_H2_a_delete_marker_that_hides_the_object_breaks_the_proof() -> None:
    proof = prove([*history(*STATES), None], SHIPPED)
    assert (found(proof), proof.holds) == ([(Kind.DELETE_MARKER, None)], False)


def test_H2_a_delete_marker_below_other_versions_is_noted() -> None:
    records = history(*STATES)
    proof = prove([*records[:2], None, *records[2:]], SHIPPED)
    assert (found(proof), proof.holds) == ([(Kind.DELETE_MARKER, None)], True)


class TestRepairs:
    """Records that reconcile wrote from the table."""

    def test_H2_a_repair_is_named_and_holds(self) -> None:
        records = history(*STATES)
        proof = prove([*records[:2], repair(records[1], SHIPPED)], SHIPPED)
        assert (found(proof), proof.holds) == ([(Kind.REPAIR, 3)], True)
        assert "not recorded" in proof.findings[0].detail

    def test_H2_a_change_after_a_repair_links_up_with_it(self) -> None:
        records = history(*STATES)
        written = repair(records[1], PACKED)
        assert found(prove([*records[:2], written, records[3]], SHIPPED)) == [(Kind.REPAIR, 3)]

    def test_H2_what_a_repair_stood_for_may_arrive_later(self) -> None:
        records = history(*STATES)
        proof = prove([*records[:2], repair(records[1], SHIPPED), *records[2:]], SHIPPED)
        assert (found(proof), proof.holds) == ([(Kind.REPAIR, 3)], True)
        assert "arrived since" in proof.findings[0].detail

    def test_H2_a_part_of_what_a_repair_stood_for_leaves_a_gap(self) -> None:
        records = history(*STATES)
        proof = prove([records[0], repair(records[0], SHIPPED), records[1], records[3]], SHIPPED)
        assert found(proof) == [(Kind.REPAIR, 2), (Kind.GAP, 4)]

    def test_H2_what_arrives_after_a_repair_must_come_to_the_state_that_it_found(self) -> None:
        """PAID and the way back to PLACED are lost; what follows starts where the trail was before."""
        records = history(PLACED, PAID, PLACED, SHIPPED)
        proof = prove([records[0], repair(records[0], PAID), records[3]], SHIPPED)
        assert (found(proof), proof.holds) == ([(Kind.REPAIR, 2), (Kind.GAP, 3)], False)

    def test_H2_repairs_of_one_number_follow_each_other(self) -> None:
        records = history(*STATES)
        first = repair(records[0], PAID)
        second = repair(first, SHIPPED)
        assert found(prove([records[0], first, second], SHIPPED)) == [(Kind.REPAIR, 2), (Kind.REPAIR, 3)]

    def test_H2_a_repair_of_a_trail_without_records(self) -> None:
        assert found(prove([repair(None, SHIPPED)], SHIPPED)) == [(Kind.REPAIR, 1)]
        records = history(*STATES)
        proof = prove([repair(None, SHIPPED), *records], SHIPPED)
        assert (found(proof), proof.holds) == ([(Kind.REPAIR, 1)], True)

    def test_H2_a_repaired_removal(self) -> None:
        records = history(*STATES)
        assert found(prove([*records, repair(records[-1], None)], None)) == [(Kind.REPAIR, 5)]

    def test_H2_a_repair_that_does_not_start_where_the_trail_ended(self) -> None:
        records = history(*STATES)
        forged = repair(records[1], SHIPPED) | {"oldImage": PLACED}
        assert found(prove([*records[:2], forged], SHIPPED)) == [(Kind.GAP, 3), (Kind.REPAIR, 3)]


class TestArchived:
    """Versions in Glacier can hold what is missing, so nothing is called lost before they are read."""

    def test_H2_all_archived(self) -> None:
        proof = prove([Unread.ARCHIVED] * 4, SHIPPED)
        assert (found(proof), proof.holds) == ([(Kind.ARCHIVED, 1)], False)

    def test_H2_the_beginning_archived(self) -> None:
        proof = prove([Unread.ARCHIVED, Unread.ARCHIVED, *history(*STATES)[2:]], SHIPPED)
        assert found(proof) == [(Kind.ARCHIVED, 1)]

    def test_H2_one_in_the_middle_archived(self) -> None:
        records: list[Stored] = list(history(*STATES))
        records[1] = Unread.ARCHIVED
        proof = prove(records, SHIPPED)
        assert found(proof) == [(Kind.ARCHIVED, 2)]
        assert proof.findings[0].attributes == ("status",)

    def test_H2_a_gap_before_all_archived_versions_is_a_gap(self) -> None:
        records = history(*STATES)
        proof = prove([records[0], records[2], Unread.ARCHIVED], SHIPPED)
        assert found(proof) == [(Kind.GAP, 2), (Kind.ARCHIVED, 3)]

    def test_H2_a_gap_after_all_archived_versions_is_a_gap(self) -> None:
        records = history(*STATES, image("DELIVERED"))
        proof = prove([Unread.ARCHIVED, *records[1:3], records[4]], image("DELIVERED"))
        assert found(proof) == [(Kind.ARCHIVED, 1), (Kind.GAP, 3)]

    def test_H2_an_end_that_differs_without_an_archived_version_after_it_is_stale(self) -> None:
        proof = prove([Unread.ARCHIVED, *history(*STATES)[1:3]], SHIPPED)
        assert found(proof) == [(Kind.ARCHIVED, 1), (Kind.STALE, 3)]

    def test_H2_an_archived_duplicate_leaves_the_readable_chain_linked(self) -> None:
        proof = prove([Unread.ARCHIVED, *history(*STATES)], SHIPPED)
        assert found(proof) == [(Kind.ARCHIVED, None)]
        assert "link up" in proof.findings[0].detail


@pytest.mark.parametrize(
    ("edit", "doubt"),
    [
        ({"changedAt": iso(START - timedelta(hours=1))}, "made before the change"),
        ({"recordedAt": iso(START - timedelta(hours=1))}, "recorded before"),
    ],
)
def test_times_that_do_not_fit_are_noted(edit: Record, doubt: str) -> None:
    records = history(*STATES)
    records[1] |= edit
    proof = prove(records, SHIPPED)
    assert proof.holds
    assert any(doubt in finding.detail for finding in proof.findings if finding.kind is Kind.DOUBTFUL)


def test_a_record_that_s3_got_long_after_it_says_is_noted() -> None:
    (version, content), *_ = stored(history(PLACED)[0])
    assert isinstance(content, bytes)
    late = chain.read(
        Version(
            key=version.key,
            version_id="v",
            written_at=version.written_at + timedelta(hours=1),
            is_current=True,
        ),
        content,
    )
    assert isinstance(late, chain.Link)
    (finding,) = chain.prove([late]).findings
    assert (finding.kind, finding.severity) == (Kind.DOUBTFUL, Severity.NOTE)
    assert "long after" in finding.detail


def test_a_modification_that_changes_nothing_is_noted() -> None:
    assert found(prove(history(PLACED, PLACED), PLACED)) == [(Kind.DOUBTFUL, 2)]


numbers = st.decimals(allow_nan=False, allow_infinity=False, places=5).map(str)
leaves = st.one_of(
    st.text(max_size=5).map(lambda text: {"S": text}),
    numbers.map(lambda number: {"N": number}),
    st.booleans().map(lambda flag: {"BOOL": flag}),
    st.just({"NULL": True}),
    st.lists(st.text(max_size=3), min_size=1, unique=True).map(lambda members: {"SS": members}),
    st.lists(st.integers(), min_size=1, unique=True).map(lambda members: {"NS": list(map(str, members))}),
)
attributes: st.SearchStrategy[dict[str, Any]] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda members: {"L": members}),
        st.dictionaries(st.text(max_size=3), inner, max_size=3).map(lambda members: {"M": members}),
    ),
    max_leaves=6,
)
images = st.dictionaries(st.text(max_size=4), attributes, max_size=4)


@given(one=images, other=images)
def test_states_differ_in_what_the_images_differ_in(one: Image, other: Image) -> None:
    left, right = canonical(one), canonical(other)
    expected = {
        name for name in left.keys() | right.keys() if left.get(name, "absent") != right.get(name, "absent")
    }
    assert set(differing(chain.State.of(left), chain.State.of(right))) == expected
    assert (chain.State.of(left) == chain.State.of(right)) == (not expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"N": "1.0"}, {"N": "1"}),
        ({"N": "-0"}, {"N": "0"}),
        ({"N": "1E2"}, {"N": "100"}),
        ({"NS": ["1", "2.0"]}, {"NS": ["2", "1"]}),
        ({"SS": ["a", "b"]}, {"SS": ["b", "a"]}),
        ({"M": {"a": {"N": "1"}, "b": {"N": "2"}}}, {"M": {"b": {"N": "2.0"}, "a": {"N": "1"}}}),
    ],
)
def test_what_dynamodb_takes_for_equal_links_up(one: Image, other: Image) -> None:
    records = history(image(a=one), image("PAID"))
    records[1]["oldImage"] = image(a=other)
    assert found(prove(records)) == []


def test_numbers_are_compared_to_their_38th_digit() -> None:
    records = history(image(a={"N": "1" * 38}), image("PAID"))
    records[1]["oldImage"] = image(a={"N": "1" * 37 + "2"})
    assert found(prove(records)) == [(Kind.GAP, 2)]


def lived_through(chance: random.Random, count: int) -> tuple[list[Stored], Image | None]:
    """What S3 got of an item that changed so often, through outages, retries, redrives and repairs."""
    choices = [image(f"S{index % 4}", total={"N": str(index // 3)}) for index in range(count)]
    states: list[Image | None] = [None if chance.random() < 0.1 else state for state in choices]
    states = [state for index, state in enumerate(states) if index == 0 or state != states[index - 1]]
    if states[0] is None:
        del states[0]
    made = history(*states)
    waiting: list[Record] = []
    arrived: list[Record] = []
    table: Image | None = None
    while made or waiting:
        step = chance.random()
        if made and step < 0.4:
            waiting.append(made.pop(0))
            table = waiting[-1]["newImage"]
        elif waiting and step < 0.9:
            record = waiting.pop(chance.randrange(len(waiting)))
            arrived += [record] * chance.choice([1, 1, 1, 2])
        else:
            newest = max(arrived, key=lambda r: (int(r["sequenceNumber"]), "reconciled" in r), default=None)
            if (newest or {"newImage": None})["newImage"] != table:
                arrived.append(repair(newest, table))
    return list(arrived), table


@settings(max_examples=60)
@given(seed=st.integers(), count=st.integers(1, 14))
def test_H2_no_outage_retry_redrive_or_repair_breaks_a_chain(seed: int, count: int) -> None:
    """Whatever is delivered again, late, in any order: as long as all is there, the chain holds."""
    deliveries, table = lived_through(random.Random(seed), count)
    proof = prove(deliveries, table)
    assert [finding for finding in proof.findings if finding.severity is Severity.BREAKS] == []
    assert proof.last_state == (None if table is None else chain.State.of(canonical(table)))


@given(count=st.integers(2, 12), lost=st.sets(st.integers(0, 11), min_size=1))
def test_every_loss_is_found(count: int, lost: Iterable[int]) -> None:
    states: list[Image | None] = [image(f"S{index}") for index in range(count)]
    missing = {index % count for index in lost}
    kept = [record for index, record in enumerate(history(*states)) if index not in missing]
    proof = prove(copy.deepcopy(kept), states[-1])
    runs = sum(1 for index in missing if index - 1 not in missing)
    assert not proof.holds
    assert len(proof.findings) == runs
    json.dumps([finding.kind for finding in proof.findings])
