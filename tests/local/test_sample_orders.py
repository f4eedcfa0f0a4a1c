"""The sample orders have what there is to see in a history."""

from tools.local.sample_orders import SAMPLE_ORDERS, SHOWN_ORDER, items


def test_H1_the_shown_order_has_every_kind_of_change() -> None:
    states = [state for state in items(SAMPLE_ORDERS[SHOWN_ORDER]) if state]
    first, last = states[0], states[-1]
    assert first["address"] != last["address"]
    assert "note" in first and "note" not in last
    assert first["tags"]["SS"] != last["tags"]["SS"]
    assert any(len(attribute.get("N", "")) == 38 for attribute in last.values())
    assert len({state["updatedBy"]["S"] for state in states}) > 2


def test_a_removed_order_is_nothing_and_what_is_taken_away_is_gone() -> None:
    assert items([{"a": {"N": "1"}, "b": {"N": "2"}}, {"a": None}, None]) == [
        {"a": {"N": "1"}, "b": {"N": "2"}},
        {"b": {"N": "2"}},
        None,
    ]
