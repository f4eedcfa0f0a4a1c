"""What of a review fits in a comment, and what is said of the rest."""

import re

import pytest

from tools.review import comment
from tools.review.comment import Part, Section, fit, whole

LIMIT = 10_000
ENDING = "the end\n"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comment, "COMMENT_LIMIT", LIMIT)


def part(size: int, name: str, short: str = "", kind: str = "kind", type_: str = "") -> Part:
    text = f"{name} ".ljust(size - 1, "x") + "\n"
    return Part(lambda: text, short=short, name=name, kind=kind, type=type_)


def parts(kind: str, count: int, short: str = "", size: int = 20_000) -> list[Part]:
    return [part(size, f"{kind}{number:05}", short, kind, f"type {number % 2}") for number in range(count)]


def fitted(*sections: Section) -> tuple[str, str]:
    """What is shown, and what is said of the rest."""
    text = fit(list(sections), ENDING)
    assert len(text.encode()) <= LIMIT
    shown, cut, note = text.removesuffix(ENDING).partition("\n**Cut to fit")
    return shown, cut + note


def test_a_comment_has_65000_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    whole_, too_long = (fit([Section([part(size, "a")])]) for size in (65_000, 65_001))
    assert "Cut to fit" not in whole_
    assert "**Cut to fit a comment:** 1 of its parts" in too_long


def test_what_fits_to_the_byte_is_not_cut() -> None:
    frame = "opening\n", "closing é\n"
    room = LIMIT - len(ENDING) - len("title\n") - len("".join(frame).encode())

    def text_of(size: int) -> str:
        return fit([whole("title\n"), Section([part(size - 100, "a"), part(100, "b")], *frame)], ENDING)

    text = text_of(room)
    assert len(text.encode()) == LIMIT
    assert text.startswith("title\nopening\na xxx")
    assert text.endswith("x\nclosing é\nthe end\n")
    assert "Cut to fit" not in text
    assert "**Cut to fit a comment:** 1 of its parts" in text_of(room + 1)


def test_what_does_not_fit_is_short_or_gone_with_the_frame_around_it() -> None:
    sections = [
        Section([part(20_000, "a", short="short a\n"), part(30, "b")], opening="first\n", closing="end\n"),
        Section([part(20_000, "c")], opening="second\n", closing="end of second\n"),
        Section([part(30, "d")]),
    ]
    assert fitted(*sections) == (
        f"first\nshort a\n{part(30, 'b').text()}end\n{part(30, 'd').text()}",
        "\n**Cut to fit a comment:** 2 of its parts, the least dangerous, are not shown in full; "
        "`terraform show` of the plan has them.\n\n- kind: `c`\n",
    )


def test_all_names_stay_before_details() -> None:
    shown, note = fitted(Section(parts("a", 300, size=90)), Section(parts("b", 100, size=90)))
    count = shown.count("xx\n")
    assert count > 20
    # The name of what is shown is not kept for, so there is no room for one more.
    assert len(shown + note + ENDING) > LIMIT - 200
    names = [f"`a{number:05}`" for number in range(count, 300)]
    assert f"\n- a: {', '.join(names)}\n- b: `b00000`, " in note
    assert note.endswith("`b00099`\n")
    assert "more" not in note


def test_names_that_just_fit_are_all_there() -> None:
    def note_of(count: int) -> str:
        return fitted(Section([part(20_000, f"{n:05}", type_=f"type {n % 9}") for n in range(count)]))[1]

    last = next(count for count in range(1_200, 900, -1) if " more" not in note_of(count))
    assert LIMIT - 100 < len(note_of(last)) <= LIMIT - len(ENDING)
    assert " more (" in note_of(last + 1)


def test_what_has_to_be_decided_and_what_allows_it_come_before_names_and_details() -> None:
    harmless = Section(parts("harmless", 2_000, size=30))
    decided = Section(parts("decided", 20, short="in short\n", size=60))
    allow = Section(parts("allow", 20, size=60), "```\n", "```\n", is_needed=True, rest="# rest\n")
    shown, note = fitted(whole("title\n"), harmless, decided, allow)
    assert shown == "title\n" + "".join(item.text() for item in decided.parts) + (
        "```\n" + "".join(item.text() for item in allow.parts) + "```\n"
    )
    assert note.count("`harmless0") > 300
    assert "decided" not in note


@pytest.mark.parametrize(("count", "is_all"), [(20, True), (400, False)])
def test_needed_lines_that_are_left_out_are_said_where_they_would_be(count: int, is_all: bool) -> None:
    allow = Section(parts("allow", count, size=60), "```\n", "```\n", is_needed=True, rest="# rest\n")
    shown, note = fitted(Section(parts("decided", 3, short="in short\n")), allow)
    assert shown.startswith("in short\n" * 3 + "```\nallow00000 x")
    assert shown.endswith("xx\n```\n" if is_all else "xx\n# rest\n```\n")
    assert ("\n- allow: `allow00" in note) == (not is_all)


def test_each_step_leaves_half_of_the_room() -> None:
    short = "s" * 99 + "\n"
    decided = Section(parts("decided", 200, short, size=150))
    allow = Section(parts("allow", 200, size=100), is_needed=True)
    shown, note = fitted(decided, allow)
    assert 45 <= shown.count(short) + shown.count("decided0") <= 50
    assert 20 <= shown.count("allow00") <= 25
    # In the room that is left for them.
    assert 20 <= shown.count("decided0") <= 25
    assert "\n- decided: `decided000" in note


def test_what_has_to_be_decided_is_named_before_all_else() -> None:
    decided = Section(parts("decided", 400, short="s" * 99 + "\n"))
    shown, note = fitted(Section(parts("harmless", 400)), decided)
    assert shown == ("s" * 99 + "\n") * 49
    assert "\n- harmless: 400 (200 type 0, 200 type 1)\n- decided: `decided00049`, " in note
    assert re.search(
        r"`, \d+ more \(\d+ type 1, \d+ type 0\)\n$|`, \d+ more \(\d+ type 0, \d+ type 1\)\n$", note
    )


def test_names_that_do_not_fit_are_counted_by_type() -> None:
    _, note = fitted(Section([*parts("a", 2_000), part(20_000, "b", kind="b", type_="t")]))
    assert LIMIT * 0.97 < len(note) <= LIMIT
    found = re.search(
        r"\n- a: `a00000`, .*`a(\d+)`, (\d+) more \((\d+) type \d, (\d+) type \d\)\n- b: `b`\n$", note
    )
    assert found
    last, more, *by_type = map(int, found.groups())
    assert more == 2_000 - last - 1 == sum(by_type)


def test_so_many_types_are_told() -> None:
    named = [part(20_000, "n" * 20_000, type_=f"t{number:02}") for number in range(13)]
    _, note = fitted(Section(named))
    assert note.endswith(f"\n- kind: 13 ({', '.join(f'1 t{number:02}' for number in range(12))})\n")


def test_all_of_one_type_are_not_counted_twice() -> None:
    _, note = fitted(Section([part(20_000, "n" * 900, type_="SQS queue") for _ in range(26)]))
    assert re.search(r"`, \d+ more \(SQS queue\)\n$", note)


def test_each_kind_has_its_share_of_the_names_and_what_others_leave() -> None:
    _, note = fitted(Section([item for kind in "abcd" for item in parts(kind, 1_000)]))
    shares = [line.count("`, ") for line in note.split("\n- ")[1:]]
    assert len(shares) == 4
    assert max(shares) - min(shares) <= 2
    _, note = fitted(Section([*parts("a", 3), *parts("b", 1_000)]))
    assert "\n- a: `a00000`, `a00001`, `a00002`\n- b: `b00000`, " in note
    assert len(note) > LIMIT * 0.97


def test_what_is_left_out_without_a_name_is_counted() -> None:
    nameless = [Part(lambda: "x" * 20_000, kind="lines") for _ in range(3)]
    assert fitted(Section([*nameless, Part(lambda: "x" * 20_000)]))[1].endswith(
        "**Cut to fit a comment:** 4 of its parts, the least dangerous, are not shown in full; "
        "`terraform show` of the plan has them.\n\n- lines: 3\n"
    )
    assert fitted(Section([Part(lambda: "x" * 20_000)]))[1].endswith("of the plan has them.\n")


@pytest.mark.parametrize(("misfits", "is_shown"), [(19, True), (20, False)])
def test_after_many_that_do_not_fit_no_more_are_tried(misfits: int, is_shown: bool) -> None:
    tried = [part(20_000, "a") for _ in range(misfits)]
    assert (part(30, "b").text() in fit([Section([*tried, part(30, "b")])])) == is_shown


def test_a_frame_takes_its_room_once_and_none_around_nothing() -> None:
    long, rest = part(20_000, "a"), part(LIMIT - 1_000, "b")
    gone = Section([long], opening="o" * 2_000)
    assert rest.text() in fitted(gone, Section([rest]))[0]
    shorts = Section([part(20_000, "a", short="s\n") for _ in range(10)], opening="o" * 300)
    assert rest.text() in fitted(shorts, Section([rest]))[0]
