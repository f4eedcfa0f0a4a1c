"""`history` as its users run it: on a trail that was damaged by script, and on one that was not."""

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.audit.aws import Orders
from tests.audit.trails import ORDER_ID, START, TIMESTAMP, history, image, iso, repair
from tools.audit import by_status
from tools.audit import history as command
from tools.audit.deployment import Deployment
from tools.audit.history import _duration, _time, _timestamp
from tools.audit.trail import TrailReader

PLACED, PAID, PACKED, SHIPPED = (image(status) for status in ("PLACED", "PAID", "PACKED", "SHIPPED"))


@pytest.fixture
def orders(cloud: None, monkeypatch: pytest.MonkeyPatch) -> Orders:
    # Set, so that what `create` sets is taken back in the end.
    monkeypatch.setenv("ENVIRONMENT_SUFFIX", "")
    monkeypatch.setenv("DEPLOY_REGION", "")
    return Orders.create()


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    answer = subprocess.run(
        [sys.executable, "-m", "tools.audit", "history", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        env=os.environ | {"COLUMNS": "120"},
    )
    return subprocess.CompletedProcess(
        answer.args, answer.returncode, answer.stdout.decode(), answer.stderr.decode()
    )


def kinds(orders: Orders, order_id: str = ORDER_ID) -> tuple[list[str], bool]:
    """The findings in an order's one trail, without waiting, and whether the chain holds."""
    reader = TrailReader(orders.deployment, say=lambda _: None, pauses=())
    (trail,) = reader.trails(order_id)
    return [finding.kind.value for finding in trail.chain.findings], trail.chain.holds


class Damage:
    """Ways in which a trail of four changes may be damaged; each has what is to be found."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.records = history(PLACED, PAID, PACKED, SHIPPED)
        orders.put_item(SHIPPED)
        self.ids = orders.put_records(self.records)

    def version_deleted(self) -> list[str]:
        self.orders.delete(ORDER_ID, TIMESTAMP, self.ids[1])
        return ["gap"]

    def last_version_deleted(self) -> list[str]:
        self.orders.delete(ORDER_ID, TIMESTAMP, self.ids[3])
        return ["stale"]

    def object_deleted(self) -> list[str]:
        self.orders.delete(ORDER_ID, TIMESTAMP)
        return ["delete-marker"]

    def all_versions_deleted(self) -> list[str]:
        for version_id in self.ids:
            self.orders.delete(ORDER_ID, TIMESTAMP, version_id)
        return ["missing"]

    def record_edited(self) -> list[str]:
        self.orders.put_records([self.records[1] | {"newImage": image("STOLEN")}])
        return ["fork"]

    def record_edited_in_place_of_the_original(self) -> list[str]:
        self.orders.delete(ORDER_ID, TIMESTAMP, self.ids[1])
        self.orders.put_records([self.records[1] | {"newImage": image("STOLEN")}])
        return ["gap"]

    def record_forged(self) -> list[str]:
        number = str(int(self.records[3]["sequenceNumber"]) + 1)
        forged = {"sequenceNumber": number, "eventId": "forged", "newImage": image("STOLEN")}
        self.orders.put_records([self.records[3] | forged | {"oldImage": SHIPPED}])
        return ["stale"]

    def versions_swapped(self) -> list[str]:
        """Only S3's order changes: the numbers still tell the true one."""
        for version_id in self.ids[1:3]:
            self.orders.delete(ORDER_ID, TIMESTAMP, version_id)
        self.orders.put_records([self.records[2], self.records[1]])
        return []

    def numbers_swapped(self) -> list[str]:
        for version_id in self.ids[1:3]:
            self.orders.delete(ORDER_ID, TIMESTAMP, version_id)
        second, third = self.records[1:3]
        self.orders.put_records(
            [
                second | {"sequenceNumber": third["sequenceNumber"]},
                third | {"sequenceNumber": second["sequenceNumber"]},
            ]
        )
        return ["gap", "gap", "gap"]

    def written_late(self) -> list[str]:
        self.orders.delete(ORDER_ID, TIMESTAMP, self.ids[0])
        self.orders.put_records([self.records[0]])
        return []

    def written_twice(self) -> list[str]:
        self.orders.put_records([self.records[1]])
        return []

    def removal_lost(self) -> list[str]:
        self.orders.dynamodb.delete_item(
            TableName=self.orders.deployment.table,
            Key={"orderId": {"S": ORDER_ID}, "timestamp": {"N": TIMESTAMP}},
        )
        return ["no-remove"]

    def repaired(self) -> list[str]:
        self.orders.delete(ORDER_ID, TIMESTAMP, self.ids[3])
        self.orders.put_records([repair(self.records[2], SHIPPED)])
        return []

    def overwritten(self) -> list[str]:
        self.orders.put_body(ORDER_ID, TIMESTAMP, b"<html>")
        return ["unreadable"]

    def misplaced(self) -> list[str]:
        self.orders.put_body(
            ORDER_ID, TIMESTAMP, json.dumps(self.records[3] | {"orderId": "order-2"}).encode()
        )
        return ["misplaced"]


DAMAGES = [name for name in vars(Damage) if not name.startswith("_")]


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGES)
def test_H2_each_damage_is_found_and_named(orders: Orders, name: str) -> None:
    damage = Damage(orders)
    do_damage: Callable[[], list[str]] = getattr(damage, name)
    expected = do_damage()
    found, holds = kinds(orders)
    breaks = [kind for kind in found if kind not in ("late", "duplicate", "repair", "doubtful")]
    assert (breaks, holds) == (expected, not expected)
    notes = {
        "written_late": "late",
        "versions_swapped": "late",
        "written_twice": "duplicate",
        "repaired": "repair",
    }
    assert notes.get(name, "doubtful") in [*found, "doubtful"]


@pytest.mark.slow
def test_H1_the_history_of_an_order_as_people_see_it(orders: Orders, tmp_path: Path) -> None:
    """One run shows all that is promised: the changes, the gap, the exit status, the page."""
    order_id = "a b/\"'$(x)\n\x1b[31mß"
    # S3 dates what it gets by now, and long before that no record can be.
    records = history(PLACED, PAID, PACKED, SHIPPED, start=datetime.now(UTC))
    text = json.dumps([records[0], records[2], records[3]]).replace(f'"{ORDER_ID}"', json.dumps(order_id))
    orders.put_records(json.loads(text))
    orders.put_item(SHIPPED | {"orderId": {"S": order_id}})

    page = tmp_path / "page.html"
    shown = run("--html", str(page), "--", order_id)
    title, _, item, _, *rows, verdict, last = shown.stdout.split("\n")[:-1]
    assert title == "a b/\"'$(x)\\n\\x1b[31mß   1 item   table: SHIPPED   trail: 1 gap"
    assert "   3 changes " in item
    assert [row.split()[0] for row in rows] == ["1", "!", "2", "3"]
    assert (verdict, last) == ("The chain does not hold: 1 gap in 3 changes.", "")
    assert (shown.returncode, shown.stderr) == (1, f"wrote {page}\n")
    assert "1 gap in 3 changes" in page.read_text()

    listed = run("--status", "SHIPPED")
    (line,) = listed.stdout.splitlines()
    assert listed.returncode == 0
    again = subprocess.run(
        ["bash", "-c", line.split(maxsplit=2)[2].replace(".venv/bin/python", shlex.quote(sys.executable), 1)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.stdout.startswith(title)

    lines = [
        json.loads(line) for line in run("--json", "-", stdin=b"order-1\n\norder-2\r\n").stdout.splitlines()
    ]
    assert lines == []
    by_json = run("--json", "--timestamp", "2023-11-14T22:13:20Z", "--", order_id)
    assert [json.loads(line).get("number") for line in by_json.stdout.splitlines()] == [1, 2, 3, None]


@pytest.mark.slow
def test_H1_all_items_of_an_order_are_shown_and_one_can_be_chosen(orders: Orders) -> None:
    later = "1700000000001.5"
    orders.put_records(history(PLACED, PAID))
    orders.put_item(PAID)
    orders.put_records(json.loads(json.dumps(history(PLACED, None)).replace(TIMESTAMP, later)))
    orders.put_item(PAID | {"timestamp": {"N": "7"}})
    reader = TrailReader(orders.deployment, say=lambda _: None, pauses=())
    trails = reader.trails(ORDER_ID)
    assert [(trail.timestamp, trail.chain.holds) for trail in trails] == [
        ("7", False),
        (TIMESTAMP, True),
        (later, True),
    ]
    assert len(reader.trails(ORDER_ID, timestamp=Decimal(TIMESTAMP))) == 1
    assert run(ORDER_ID).returncode == 1
    assert run(ORDER_ID, "--timestamp", later).returncode == 0


@pytest.mark.slow
def test_H1_the_state_at_a_moment(orders: Orders) -> None:
    orders.put_records(history(PLACED, PAID, SHIPPED))
    orders.put_item(SHIPPED)
    at = iso(START + timedelta(minutes=1, seconds=30))
    shown = run("--at", at, ORDER_ID)
    assert "after change 2, MODIFY of 2026-11-24 13:59:02" in shown.stdout
    typed, plain_ = shown.stdout.split("as DynamoDB has it:\n")[1].split("as plain JSON:\n")
    assert json.loads(typed) == PAID
    assert json.loads(plain_)["timestamp"] == int(TIMESTAMP)
    line = json.loads(run("--json", "--at", at, ORDER_ID).stdout)
    assert (line["number"], line["item"], line["doubt"]) == (2, PAID, None)
    before = json.loads(run("--json", "--at", "2020-01-01", ORDER_ID).stdout)
    assert (before["number"], before["item"], before["plain"]) == (0, None, None)


@pytest.mark.slow
def test_what_a_terminal_cannot_show_is_escaped(orders: Orders, monkeypatch: pytest.MonkeyPatch) -> None:
    orders.put_records(history(PLACED, PAID))
    orders.put_item(PAID)
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    shown = run(ORDER_ID)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "status PLACED \\u2192 PAID" in shown.stdout


@pytest.mark.slow
def test_an_order_that_nobody_knows_is_one_line_and_status_1(orders: Orders) -> None:
    answer = run("nope")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == f"nope: no such order, neither in {orders.deployment.table} nor in the trail\n"


@pytest.mark.slow
def test_the_orders_of_a_status_go_by_their_own_timestamp(
    orders: Orders, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    for order_id, hours in [("new", 1), ("old", 30)]:
        timestamp = str(int((now - timedelta(hours=hours)).timestamp() * 1000))
        orders.put_item(image("FAILED") | {"orderId": {"S": order_id}, "timestamp": {"N": timestamp}})
    assert [line.split()[-1] for line in run("--status", "FAILED", "--last", "2h").stdout.splitlines()] == [
        "new"
    ]
    answer = run("--status", "FAILED", "--json")
    assert [json.loads(line)["orderId"] for line in answer.stdout.splitlines()] == ["old", "new"]
    assert answer.stderr == "2 items have this status\n"
    assert run("--status", "NONE").stderr == "0 items have this status\n"


@pytest.mark.slow
def test_a_record_on_its_way_is_waited_for(orders: Orders) -> None:
    records = history(PLACED, PAID)
    orders.put_records(records[:1])
    orders.put_item(PAID)
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        orders.put_records(records[1:])

    (trail,) = TrailReader(orders.deployment, say=say, pauses=(0,)).trails(ORDER_ID)
    assert trail.chain.holds
    assert "not (yet) what the table holds" in said[0]


@pytest.mark.slow
def test_an_item_that_keeps_changing_is_no_finding(orders: Orders) -> None:
    records = history(PLACED, PAID, PACKED)
    orders.put_records(records[:1])
    orders.put_item(PAID)

    def change(_: str) -> None:
        orders.put_records(records[1:2])
        orders.put_item(PACKED)

    (trail,) = TrailReader(orders.deployment, say=change, pauses=(0,)).trails(ORDER_ID)
    assert trail.chain.holds


@pytest.mark.slow
def test_what_aws_refuses_is_one_line_and_status_3(orders: Orders) -> None:
    orders.put_item(PAID)
    orders.s3.delete_bucket(Bucket=orders.deployment.audit_bucket)
    answer = run(ORDER_ID)
    assert (answer.returncode, answer.stdout) == (3, "")
    assert answer.stderr.startswith("error: ")
    assert answer.stderr.count("\n") == 1


@pytest.mark.slow
def test_records_that_are_not_kept_are_read_again(orders: Orders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.audit.trail._KEPT_BYTES", 0)
    orders.put_records(history(PLACED, PAID, SHIPPED))
    orders.put_item(SHIPPED)
    reader = TrailReader(orders.deployment, say=lambda _: None, pauses=())
    (trail,) = reader.trails(ORDER_ID)
    numbers = [record.sequence_number for _, record in reader.records(trail, trail.chain.changes)]
    assert numbers == ["9", "10", "11"]


@pytest.mark.slow
def test_interrupted_it_says_so_and_leaves_no_page(orders: Orders, tmp_path: Path) -> None:
    orders.put_records(history(PLACED))
    orders.put_item(PAID)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    command = subprocess.Popen(
        [sys.executable, "-m", "tools.audit", "history", ORDER_ID, "--html", str(tmp_path / "page.html")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stderr is not None
    # It waits for the record of PAID, which never comes.
    assert "looking again" in command.stderr.readline()
    command.send_signal(signal.SIGINT)
    _, errors = command.communicate()
    assert command.returncode == 130
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no ORDER_ID"),
        ([""], "ORDER_ID is empty"),
        (["a", "--last", "2h"], "--last goes with --status"),
        (["--status", ""], "--status is empty"),
        (["a", "--status", "FAILED"], "--status lists orders"),
        (["--status", "FAILED", "--last", "2h", "--since", "2026-01-01"], "exclude each other"),
        (["a", "--at", "14:05"], "'14:05' is no time: allowed is ISO 8601"),
        (["a", "--since", "2026-01-02", "--until", "2026-01-01"], "--since is later than --until"),
        (["a", "--at", "2026-01-01", "--until", "2026-01-01"], "--at shows one state"),
        (["a", "--html", "/no/such/folder/page.html"], "its folder does not exist"),
        (["a", "--html", "/"], "this is a folder"),
        (["a", "--timestamp", "soon"], "'soon' is no timestamp"),
        (["--status", "FAILED", "--last", "2 weeks"], "'2 weeks' is no duration"),
        (["--status", "FAILED", "--last", "999999d"], "up to 5 digits"),
        (["x" * 2049], "at most 2,048 bytes, this has 2,049: xxx"),
        (["a", "\udcff"], "UTF-8 text, and this is not: \\udcff"),
    ],
)
def test_bad_usage_is_said_in_a_line_before_anything_is_asked_of_aws(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parser = argparse.ArgumentParser()
    command.add_command(parser.add_subparsers())
    monkeypatch.setattr(Deployment, "of_settings", lambda: pytest.fail("AWS was asked"))
    with pytest.raises(SystemExit) as ended:
        parsed = parser.parse_args(["history", *arguments])
        parsed.run(parsed)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-11-24T14:05", datetime(2026, 11, 24, 14, 5, tzinfo=UTC)),
        ("2026-11-24 14:05:01.5Z", datetime(2026, 11, 24, 14, 5, 1, 500_000, tzinfo=UTC)),
        ("2026-11-24T22:05+08:00", datetime(2026, 11, 24, 14, 5, tzinfo=UTC)),
    ],
)
def test_times_are_iso_8601_and_utc_without_a_zone(text: str, expected: datetime) -> None:
    assert _time(text) == expected


@pytest.mark.parametrize("text", ["", "now", "14:05", "2026-13-01", "24.11.2026", "0001-01-01T00:00+23:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="ISO 8601"):
        _time(text)


def test_a_timestamp_is_a_number_or_the_time_that_it_stands_for() -> None:
    assert _timestamp("1700000000000") == _timestamp("1.7e12") == _timestamp("2023-11-14T22:13:20Z")
    assert _timestamp("-1.5") == Decimal("-1.5")


def test_durations() -> None:
    assert _duration("90s") == timedelta(seconds=90)
    assert _duration("30min") == timedelta(minutes=30)
    assert _duration("7d") == timedelta(days=7)


@pytest.mark.parametrize(
    "order_id", ["order-1", "a b", "-x", "it's", "\n", "\x1b[31m", "ü\u202e'\\", "$(touch x)"]
)
def test_the_command_for_an_order_survives_the_shell(order_id: str) -> None:
    command = by_status.shell_command(order_id, "7")
    assert command.isprintable()
    words = subprocess.run(
        ["bash", "-c", f'printf "%s\\0" {command}'], capture_output=True, check=True
    ).stdout.decode()
    *_, last = words.rstrip("\0").split("\0")
    assert last == order_id
