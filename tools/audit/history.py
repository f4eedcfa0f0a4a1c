"""Show what happened to an order, and whether all of it is there."""

import argparse
import io
import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tools.audit import by_status, json_lines, page, text
from tools.audit.deployment import Deployment, Exit
from tools.audit.difference import json_text, plain, typed_text
from tools.audit.record import NUMBER
from tools.audit.trail import NoSuchOrder, Trail, TrailChanged, TrailReader
from tools.audit.view import Period, at_moment, event, item_time, moment, rows, selected, shortened

_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}

_DESCRIPTION = (
    "Show every change of an order, what it changed, and whether the chain of its records holds: each starts "
    "from the state that the one before it left, and the last leaves what the table holds."
)
_EPILOG = (
    "A TIME is ISO 8601, such as 2026-11-24T14:05 or 2026-11-24T22:05:00+08:00; without a zone it is UTC. "
    "Exit status: 0 the chain holds, 1 it does not, or there is no such order, 2 bad usage or setting, 3 it "
    "failed, 130 interrupted. Environment: ENVIRONMENT_SUFFIX, DEPLOY_REGION, and "
    "what the AWS SDK reads. What each finding means, and the fields of --json, are in docs/trail.md."
)


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `history` to the commands of `python -m tools.audit`."""
    parser = commands.add_parser(
        "history",
        help="what happened to an order, and is it all there",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument(
        "order_ids",
        nargs="*",
        metavar="ORDER_ID",
        help="an order's id; - reads ids from standard input, one a line",
    )
    parser.add_argument(
        "--timestamp",
        type=_timestamp,
        metavar="N",
        help="only the item with this timestamp: its number, or a time",
    )
    parser.add_argument(
        "--at", type=_time, metavar="TIME", help="the state at this moment, instead of the changes"
    )
    parser.add_argument("--since", type=_time, metavar="TIME", help="only changes made at this time or later")
    parser.add_argument(
        "--until", type=_time, metavar="TIME", help="only changes made at this time or earlier"
    )
    parser.add_argument(
        "--all", action="store_true", help="all changes of a long history, not the first and last 20"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line, for each change")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page for a ticket or an auditor as well"
    )
    parser.add_argument(
        "--status",
        metavar="STATUS",
        help="list the orders that have this status now, each with the command that shows its history; "
        "--last, --since and --until then go by the orders' own timestamp",
    )
    parser.add_argument(
        "--last", type=_duration, metavar="TIME", help="with --status: so far back, such as 30min, 2h, 7d"
    )
    parser.set_defaults(run=lambda arguments: run(parser, arguments))


def run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> Exit:
    """Exit.COMPLETE when all chains hold."""
    _check(parser, arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What the terminal's encoding does not have is escaped.
        sys.stdout.reconfigure(errors="backslashreplace")
    deployment = Deployment.of_settings()
    if arguments.status:
        by_status.list_orders(
            deployment,
            arguments.status,
            period=Period(since=_since(arguments), until=arguments.until),
            as_json=arguments.json,
            say=_say,
        )
        return Exit.COMPLETE
    reader = TrailReader(deployment, say=_say)
    period = Period(since=arguments.since, until=arguments.until)
    status = Exit.COMPLETE
    found: list[Trail] = []
    for order_id in _order_ids(parser, arguments.order_ids):
        try:
            trails = reader.trails(order_id, timestamp=arguments.timestamp)
            if arguments.at:
                for trail in trails:
                    _show_state(reader, trail, at=arguments.at, as_json=arguments.json)
            else:
                _show(reader, order_id, trails, deployment=deployment, arguments=arguments, period=period)
        except NoSuchOrder:
            what = "no such order" if arguments.timestamp is None else "no item with this timestamp"
            _say(f"{shortened(order_id)}: {what}, neither in {deployment.table} nor in the trail")
            status = Exit.INCOMPLETE
            continue
        except TrailChanged as error:
            _say(f"error: {error}")
            return Exit.FAILED
        if not all(trail.chain.holds for trail in trails):
            status = Exit.INCOMPLETE
        if arguments.html:
            found += trails
    if arguments.html:
        page.write(arguments.html, reader.records, found, deployment=deployment, period=period)
        _say(f"wrote {arguments.html}")
    return status


def _check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """What argparse cannot say; a bad command line ends with one line and status 2."""
    if arguments.status is not None:
        if arguments.order_ids or arguments.at or arguments.html or arguments.timestamp is not None:
            parser.error("--status lists orders: it goes with --last, --since, --until and --json only")
        if not arguments.status:
            parser.error("--status is empty: allowed is a status such as FAILED")
        if arguments.last and arguments.since:
            parser.error("--last and --since exclude each other")
    elif not arguments.order_ids:
        parser.error("no ORDER_ID: give one or more, - for standard input, or --status STATUS")
    elif arguments.last:
        parser.error("--last goes with --status; for one order there is --since")
    for order_id in arguments.order_ids:
        _check_order_id(parser, order_id)
    if arguments.since and arguments.until and arguments.since > arguments.until:
        parser.error("--since is later than --until")
    if arguments.at and (arguments.since or arguments.until or arguments.html):
        parser.error("--at shows one state: it goes with --timestamp and --json only")
    if arguments.html and not arguments.html.parent.is_dir():
        parser.error(f"--html is {str(arguments.html)!r}: its folder does not exist")
    if arguments.html and arguments.html.is_dir():
        parser.error(f"--html is {str(arguments.html)!r}: allowed is a file, this is a folder")


def _order_ids(parser: argparse.ArgumentParser, given: Iterable[str]) -> Iterator[str]:
    """The ids of the command line; for - the lines of standard input, without the empty ones."""
    for order_id in given:
        if order_id != "-":
            yield order_id
            continue
        is_empty = True
        # A closed standard input is None.
        for line in sys.stdin.buffer if sys.stdin else ():
            if text_ := line.rstrip(b"\r\n").decode(errors="surrogateescape"):
                is_empty = False
                _check_order_id(parser, text_)
                yield text_
        if is_empty:
            parser.error("no ORDER_ID on standard input")


def _check_order_id(parser: argparse.ArgumentParser, order_id: str) -> None:
    """What DynamoDB does not take for an id ends with one line and status 2."""
    if not order_id:
        parser.error("ORDER_ID is empty")
    try:
        size = len(order_id.encode())
    except UnicodeEncodeError:
        parser.error(f"an ORDER_ID is UTF-8 text, and this is not: {shortened(order_id)}")
    if size > 2048:
        parser.error(f"an ORDER_ID has at most 2,048 bytes, this has {size:,}: {shortened(order_id)}")


def _show(
    reader: TrailReader,
    order_id: str,
    trails: list[Trail],
    *,
    deployment: Deployment,
    arguments: argparse.Namespace,
    period: Period,
) -> None:
    """Print the changes of an order's items."""
    if arguments.json:
        for trail in trails:
            changes = selected(trail, period=period, everything=True)
            for content in json_lines.item_lines(trail, rows(reader.records, trail, changes)):
                print(json.dumps(content))
        return
    width = shutil.get_terminal_size((100, 24)).columns
    print(text.title(order_id, trails))
    for trail in trails:
        changes = selected(trail, period=period, everything=arguments.all)
        print()
        for line in text.item_lines(
            trail,
            rows(reader.records, trail, changes),
            period=period,
            bucket=deployment.audit_bucket,
            width=max(80, min(width, 160)),
            everything=arguments.all,
        ):
            print(line)
    print(flush=True)


def _show_state(reader: TrailReader, trail: Trail, *, at: datetime, as_json: bool) -> None:
    """Print the item as it was at a moment."""
    state = at_moment(trail, at)
    records = reader.records(trail, [state.change] if state.change else trail.chain.changes[:1])
    record = next((record for _, record in records), None)
    image: dict[str, Any] | None = None
    if record is None:
        what = "no record is readable"
    elif state.change is None:
        image = record.old_image
        what = "before the first change that is recorded"
    else:
        when, is_known = moment(state.change)
        name = f"{shortened(event(record), 6)} {'of' if is_known else 'recorded at'}"
        image = record.new_image
        what = f"after change {state.change.number}, {name} {when:%Y-%m-%d %H:%M:%S}"
    if as_json:
        number = state.change.number if state.change else 0
        print(json.dumps(json_lines.state_line(trail, at=at, number=number, image=image, doubt=state.doubt)))
        return
    print(f"{shortened(trail.order_id)}  item {item_time(trail.timestamp)} ({trail.timestamp})")
    print(f"at {at:%Y-%m-%d %H:%M:%S} UTC: {what}")
    if state.doubt:
        print(f"! not proven: {shortened(state.doubt, 500)}")
    if image is None:
        print("there was no such item")
    else:
        print(f"as DynamoDB has it:\n{typed_text(image)}")
        print(f"as plain JSON:\n{json_text(plain(image), indent=2)}")
    print(flush=True)


def _since(arguments: argparse.Namespace) -> datetime | None:
    since: datetime | None = arguments.since
    return datetime.now(UTC) - arguments.last if arguments.last else since


def _time(given: str) -> datetime:
    try:
        time = datetime.fromisoformat(given.strip())
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{given!r} is no time: allowed is ISO 8601, such as 2026-11-24T14:05 or 2026-11-24T22:05+08:00"
        ) from None


def _timestamp(given: str) -> Decimal:
    """An item's timestamp: the number, or the time that it stands for."""
    if NUMBER.fullmatch(given):
        return Decimal(given)
    try:
        return Decimal(round((_time(given) - datetime.fromtimestamp(0, UTC)).total_seconds() * 1000))
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"{given!r} is no timestamp: allowed is a number of milliseconds, or a time in ISO 8601"
        ) from None


def _duration(given: str) -> timedelta:
    if match := re.fullmatch(r"([0-9]{1,5})(s|min|h|d)", given):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    raise argparse.ArgumentTypeError(
        f"{given!r} is no duration: allowed is a number of up to 5 digits with s, min, h or d, such as 2h"
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr)
