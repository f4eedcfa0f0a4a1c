"""What `make local` writes fits on two screens, and a person can read it."""

import io
import re
import subprocess
from typing import Any

import pytest

from tests.audit import trails
from tools.audit import text, view
from tools.audit.record import typed_json
from tools.console import steps as steps_module
from tools.console.steps import Steps
from tools.local import summary
from tools.local.cloud import ROOT, LocalCloud
from tools.local.pipeline import Observed
from tools.local.sample_orders import SAMPLE_ORDERS, SHOWN_ORDER, items

MOST_LINES = 60
ALWAYS = view.Period()
# What a first run takes on a slow machine, in seconds, three times that of docs/local-cloud.md.
FIRST_RUN = {
    ("Python",): 15,
    ("Node.js",): 30,
    ("Python packages", "Node.js packages"): 150,
    ("Local cloud",): 10,
    ("State bucket",): 60,
    ("Pipeline",): 200,
    ("Sample orders",): 15,
}


def records(order_id: str) -> list[dict[str, Any]]:
    """The audit records of a sample order, with the key of the trails of tests."""
    states = [state and typed_json(trails.image() | state) for state in items(SAMPLE_ORDERS[order_id])]
    writers = [state["updatedBy"]["S"] if state else None for state in states]
    return [
        record | {"changedBy": writer}
        for record, writer in zip(trails.history(*states), writers, strict=True)
    ]


def history_of(order_id: str, width: int) -> str:
    """What `make history` prints of the sample order."""
    stored = records(order_id)
    trail, found = trails.trail(list(stored), stored[-1]["newImage"])
    changes = view.selected(trail, period=ALWAYS, everything=False)
    rows = view.rows(found, trail, changes)
    lines = text.item_lines(trail, rows, bucket="b", width=width, everything=False, period=ALWAYS)
    return "\n".join([text.title(order_id, [trail]), "", *lines, "", ""])


@pytest.fixture
def observed() -> Observed:
    alarm = {
        "AlarmName": "error-rate",
        "StateValue": "OK",
        "Threshold": 5.0,
        "Metrics": [{"Expression": "(errors / invocations) * 100"}],
    }
    message = """{"oldStatus": "PLACED", "newStatus": "FAILED", "ordersInStatusLastHour": 1,
        "auditObject": {"bucket": "b", "key": "orders/order-1003/1700000000000.json"}}"""
    return Observed(
        histories={f"orders/{order_id}/1700000000000.json": records(order_id) for order_id in SAMPLE_ORDERS},
        alert={"Subject": "Order entered FAILED: order-1003", "Message": message},
        alarms=[alarm],
    )


def summarized(observed: Observed, width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines of the summary with a history of this width."""

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 0, stdout=history_of(SHOWN_ORDER, width), stderr="")

    monkeypatch.setattr("subprocess.run", run)
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    outputs = {"audit_bucket": "bucket", "alerts_topic": "arn:alerts", "error_rate_alarm": "error-rate"}
    summary.print_summary(LocalCloud(ROOT / ".local"), outputs, observed)
    return out.getvalue().splitlines()


def first_run(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What its steps write without a terminal; the clock is the test's."""
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    out = io.StringIO()
    steps = Steps(out)
    for names, seconds in FIRST_RUN.items():
        running = [steps.start(name) for name in names]
        for _ in range(seconds * 5):
            now += steps_module.REFRESH
            steps._show_running()
        for step in running:
            steps.end(step)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 100])
def test_a_first_run_has_at_most_60_lines(
    width: int, observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        progress = first_run(patch)
    with monkeypatch.context() as patch:
        shown = summarized(observed, width, patch)
    assert any("  |  Node.js packages" in line for line in progress)
    assert len(progress) + len(shown) <= MOST_LINES, "\n".join([*progress, *shown])


def test_nothing_in_it_is_for_machines(observed: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = summarized(observed, 100, monkeypatch)
    text_ = "\n".join(shown)
    assert not re.search(r"\d{20}", text_)
    assert "9007199254740993" in text_
    assert not re.search(r"[{\[]['\"]", text_)
    assert "  order-1002  13:58:02Z  5 versions  PLACED -> PAID -> PAID -> PACKED -> SHIPPED" in shown
    assert "  order-1004  13:58:02Z  2 versions  PLACED -> (removed)" in shown
    assert f"In make shell: make history ORDER={SHOWN_ORDER} ARGS='--html .local/{SHOWN_ORDER}.html'" in shown
    assert "\n\n\n" not in text_
