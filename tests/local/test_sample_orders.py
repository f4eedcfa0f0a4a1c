"""The sample orders have what there is to see in a history."""

from settings import Settings
from tools.local.cloud import SETTINGS
from tools.local.sample_orders import SAMPLE_ORDERS, SHOWN_ORDER, items


def test_H1_the_shown_order_has_every_kind_of_change() -> None:
    states = [state for state in items(SAMPLE_ORDERS[SHOWN_ORDER]) if state]
    first, last = states[0], states[-1]
    assert first["address"] != last["address"]
    assert "note" in first and "note" not in last
    assert first["tags"]["SS"] != last["tags"]["SS"]
    numbers = [attribute["N"] for attribute in last.values() if "N" in attribute]
    assert any(f"{float(number):.0f}" != number for number in numbers if number.isdecimal())
    assert len({state["updatedBy"]["S"] for state in states}) > 2


def test_a_removed_order_is_nothing_and_what_is_taken_away_is_gone() -> None:
    assert items([{"a": {"N": "1"}, "b": {"N": "2"}}, {"a": None}, None]) == [
        {"a": {"N": "1"}, "b": {"N": "2"}},
        {"b": {"N": "2"}},
        None,
    ]


def test_an_order_enters_a_failure_status_whatever_the_settings_say() -> None:
    settings = Settings.load(environ={"FAILURE_STATUSES": "LOST"} | SETTINGS)
    states = [state for order in SAMPLE_ORDERS.values() for state in items(order) if state]
    assert {state["status"]["S"] for state in states} & set(settings.failure_statuses)
