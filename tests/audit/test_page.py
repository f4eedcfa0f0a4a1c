"""The page of a history shows what a terminal shows, stands alone, and takes only text from an order."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.audit.trails import Image, Stored, history, image, repair, trail
from tools.audit import page
from tools.audit.deployment import Deployment
from tools.audit.store import Unread
from tools.audit.trail import Trail
from tools.audit.view import Period

DEPLOYMENT = Deployment(
    region="ap-southeast-1",
    table="orders-table-test",
    function="order-processor-test",
    audit_bucket="order-audit-bucket-test-123456789012",
    failed_batches_bucket="",
    failed_batches_queue="",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Structure(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def html(contents: list[Stored], item: Image | None, caller: str = "arn:aws:iam::1:user/anna") -> str:
    trail_, records = trail(contents, item)
    now = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
    return "".join(
        page.page(records, [trail_], deployment=DEPLOYMENT, period=Period(), caller=caller, now=now)
    )


def order(text: str) -> Image:
    return image(text, updatedBy={"S": text}, address={"M": {text: {"S": text}}}, tags={"SS": [text, "b"]})


def damaged(text: str) -> list[Stored]:
    """A trail with something of everything, and this text wherever a text can be."""
    first, second, third = history(order(text), order(f"{text} 2"), order(f"{text} 3"))
    second |= {"changedBy": text, "eventId": text}
    third |= {"eventName": text}
    forged = second | {"eventId": f"{text} again"}
    elsewhere = first | {"timestamp": text}
    return [first, Unread.ARCHIVED, second, forged, None, elsewhere, third, repair(third, order(text))]


def test_H1_the_page_shows_the_changes_the_verdict_the_origin_and_the_versions() -> None:
    records = history(image("PLACED"), image("PAID"), image("SHIPPED"))
    text = " ".join(" ".join(Structure(html([records[0], records[2]], image("SHIPPED"))).text).split())
    for shown in [
        "History of order-1",
        "The chain does not hold: 1 gap in 2 changes.",
        "2026-11-24 16:00:00 UTC",
        "arn:aws:iam::1:user/anna",
        "order-audit-bucket-test-123456789012 (ap-southeast-1)",
        "orders-table-test",
        "s3://order-audit-bucket-test-123456789012/orders/order-1/1700000000000.json",
        "1 2026-11-24 13:58:02 INSERT status PLACED not known +0.3 s",
        "gap: at least one change is missing between 1 and 2: status PLACED → PAID",
        "2 2026-11-24 14:00:02 MODIFY status PAID → SHIPPED",
    ]:
        assert shown in text
    trail_, _ = trail([records[0], records[2]], image("SHIPPED"))
    for digest in trail_.sha256.values():
        assert digest in text


def test_H1_the_page_runs_nothing_and_loads_nothing() -> None:
    elements = Structure(html(damaged("x"), None)).elements
    assert not {tag for tag, _ in elements} & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "form",
        "base",
        "a",
    }
    policy = next(dict(attributes) for tag, attributes in elements if tag == "meta" and len(attributes) == 2)
    assert str(policy["content"]).startswith("default-src 'none'; style-src 'sha256-")
    assert not [name for _, attributes in elements for name, _ in attributes if name.startswith("on")]
    assert not [
        name for _, attributes in elements for name, _ in attributes if name in ("href", "src", "style")
    ]


@given(
    text=st.text(min_size=1, max_size=30)
    | st.sampled_from(["</td><script>", "'\"><b>", "&lt;b&gt;", "{{ 7*7 }}"])
)
def test_H1_nothing_in_an_order_can_become_markup(text: str) -> None:
    """Whatever an order says, the page has the elements and attributes that it has for a harmless order."""
    harmless, hostile = (Structure(html(damaged(name), order(name))) for name in ("x", text + "y"))
    assert hostile.elements == harmless.elements


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\x1b[31m\u202eevil", "{{ 7*7 }}{% raw %}"])
def test_H1_what_an_order_says_is_shown_as_it_is(text: str) -> None:
    shown = "".join(Structure(html(list(history(image(text))), image(text))).text)
    escaped = text.encode("unicode_escape").decode() if not text.isprintable() else text
    assert escaped in shown


def test_a_page_of_several_items_says_how_many_chains_hold() -> None:
    whole, records = trail(list(history(image("PLACED"))), image("PLACED"))
    broken, _ = trail(list(history(image("PLACED"))), None)
    html_ = "".join(
        page.page(
            records,
            [whole, broken],
            deployment=DEPLOYMENT,
            period=Period(since=datetime(2026, 1, 1, tzinfo=UTC)),
            caller="",
            now=datetime.now(UTC),
        )
    )
    assert "1 of 2 chains do not hold" in html_
    assert "from 2026-01-01 00:00:00 UTC to the last" in html_


def test_a_page_that_cannot_be_finished_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "page.html"
    file.write_text("as it was")
    whole, _ = trail(list(history(image("PLACED"))), image("PLACED"))

    def interrupted(trail: Trail, changes: object) -> Iterator[object]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(page, "_caller", lambda region: "me")
    with pytest.raises(KeyboardInterrupt):
        page.write(file, interrupted, [whole], deployment=DEPLOYMENT, period=Period())  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert file.read_text() == "as it was"


def test_a_page_has_the_rights_of_any_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_caller", lambda region: "me")
    whole, records = trail(list(history(image("PLACED"))), image("PLACED"))
    page.write(tmp_path / "page.html", records, [whole], deployment=DEPLOYMENT, period=Period())
    (tmp_path / "other").touch()
    assert (tmp_path / "page.html").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.slow
def test_H1_a_browser_shows_the_page_and_runs_nothing(tmp_path: Path) -> None:
    """For Chromium's parser too, the elements of the page are those that were written."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser here ({', '.join(BROWSERS)}): the page was not looked at in one")
    attack = '</td></table><script>document.title = "run"</script><img src=x onerror=alert()>'
    written = html(damaged(attack), order(attack))
    file = tmp_path / "page.html"
    file.write_text(written, encoding="utf-8")
    options = [
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
        *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=2000"),
    ]

    def run(*arguments: str) -> str:
        answer = subprocess.run(
            [browser, *options, *arguments, file.as_uri()],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"HOME": str(tmp_path)},
        )
        return answer.stdout

    dumped = run("--dump-dom")
    assert "<title>History of order-1</title>" in dumped
    seen = Structure(dumped)
    assert [tag for tag, _ in seen.elements] == [tag for tag, _ in Structure(written).elements]
    assert attack[:40] in "".join(seen.text)
    run(f"--print-to-pdf={tmp_path / 'page.pdf'}")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
