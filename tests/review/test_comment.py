"""What of a review fits in a comment, and what is said of the rest."""

import re

import pytest

from tools.review import comment
from tools.review.comment import Part, Section, fit, whole

LIMIT, NAMES = 10_000, 1_000
ENDING = "the end\n"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comment, "COMMENT_LIMIT", LIMIT)
    monkeypatch.setattr(comment, "_NAMES_LIMIT", NAMES)


def part(size: int, name: str, short: str = "") -> Part:
    text = f"{name} ".ljust(size - 1, "x") + "\n"
    return Part(lambda: text, short=short, name=name, kind="kind")


def test_a_comment_has_65000_bytes_and_8000_of_them_for_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    whole_, too_long = (fit([Section([part(size, "a")])]) for size in (65_000, 65_001))
    assert "Cut to fit" not in whole_
    assert "**Cut to fit a comment:** 1 of its parts" in too_long
    for size, is_shown in ((57_000, True), (57_001, False)):
        b = part(size, "b")
        assert (b.text() in fit([Section([part(99_000, "a"), b])])) == is_shown


def test_what_fits_to_the_byte_is_not_cut() -> None:
    frame = {"opening": "opening\n", "closing": "closing é\n"}
    room = LIMIT - len(ENDING) - len("title\n") - len("".join(frame.values()).encode())

    def fitted(size: int) -> str:
        return fit([whole("title\n"), Section([part(size - 100, "a"), part(100, "b")], **frame)], ENDING)

    text = fitted(room)
    assert len(text.encode()) == LIMIT
    assert text.startswith("title\nopening\na xxx")
    assert text.endswith("x\nclosing é\nthe end\n")
    assert "Cut to fit" not in text
    assert "**Cut to fit a comment:** 1 of its parts" in fitted(room + 1)


def test_what_does_not_fit_is_short_or_gone_with_the_frame_around_it() -> None:
    sections = [
        Section([part(20_000, "a", short="short a\n"), part(30, "b")], opening="first\n", closing="end\n"),
        Section([part(20_000, "c")], opening="second\n", closing="end of second\n"),
        Section([part(30, "d")]),
    ]
    text = fit(sections, ENDING)
    assert text == (
        f"first\nshort a\n{part(30, 'b').text()}end\n{part(30, 'd').text()}"
        "\n**Cut to fit a comment:** 2 of its parts, the least dangerous, are not shown in full; "
        "`terraform show` of the plan has them.\n\n- kind: `c`\nthe end\n"
    )


def test_shorts_with_their_frames_stay_in_the_limit() -> None:
    short = "s" * 399 + "\n"
    sections = [Section([part(20_000, "a", short)], opening="o" * 40, closing="c" * 40) for _ in range(9)]
    text = fit([*sections, Section([part(size, "b") for size in [60] * 200])], ENDING)
    assert text.count("o" * 40 + short + "c" * 40) == 9
    assert LIMIT - NAMES - 100 < len(text.partition("\n**Cut")[0]) <= LIMIT - NAMES


def test_what_is_cut_ends_at_the_byte_too() -> None:
    room = LIMIT - NAMES - len(ENDING)
    for size, is_shown in ((room, True), (room + 1, False)):
        b = part(size, "b")
        text = fit([Section([part(20_000, "a"), b])], ENDING)
        assert (b.text() in text) == is_shown


def test_shorts_that_fit_to_the_byte_stay_and_others_leave_nothing() -> None:
    parts = [part(20_000, f"{number}", f"short {number}".ljust(999) + "\n") for number in range(10)]
    text = fit([Section(parts)]).partition("\n**Cut")[0]
    assert text == "".join(item.short for item in parts[:9])
    assert len(text) == LIMIT - NAMES


@pytest.mark.parametrize(("longer", "names"), [(0, "`a`, `{}`"), (1, "`a`, 1 more")])
def test_names_fit_to_the_byte(longer: int, names: str) -> None:
    def note(*named: str) -> str:
        return fit([Section([part(20_000, name) for name in named])])

    head = note("a", "b").partition("\n- kind")[0]
    # A hundred bytes are kept for the list of a kind, and four for what stands around a name.
    name = "n" * (NAMES - len(head) - 100 - len("`a`, ") - 4 + longer)
    assert note("a", name) == f"{head}\n- kind: {names.format(name)}\n"


def test_a_frame_takes_its_room_once() -> None:
    shorts = Section([part(20_000, "a", short="s\n") for _ in range(10)], opening="o" * 500)
    rest = part(LIMIT - NAMES - 500 - 20, "b")
    assert rest.text() in fit([shorts, Section([rest])])


@pytest.mark.parametrize(("misfits", "is_shown"), [(19, True), (20, False)])
def test_after_many_that_do_not_fit_no_more_are_tried(misfits: int, is_shown: bool) -> None:
    parts = [part(20_000, "a") for _ in range(misfits)]
    assert (part(30, "b").text() in fit([Section([*parts, part(30, "b")])])) == is_shown


def test_a_frame_around_nothing_takes_no_room() -> None:
    rest = part(LIMIT - NAMES, "b")
    gone = Section([part(20_000, "a")], opening="o" * 500)
    assert rest.text() in fit([gone, Section([rest])])


def test_what_has_no_name_is_counted() -> None:
    text = fit([Section([Part(lambda: "x" * 20_000)])], ENDING)
    assert text.endswith("`terraform show` of the plan has them.\nthe end\n")


def test_the_names_of_many_kinds_stay_in_their_room() -> None:
    parts = [
        Part(lambda: "x" * 20_000, name=f"n{name}", kind=f"kind {kind}")
        for kind in range(8)
        for name in range(99)
    ]
    text = fit([Section(parts)])
    assert len(text) <= NAMES
    assert all(f"\n- kind {kind}: " in text for kind in range(8))


def test_what_one_kind_leaves_the_next_one_gets() -> None:
    few = [Part(lambda: "x" * 20_000, name="a", kind="few")]
    many = [Part(lambda: "x" * 20_000, name=f"b{number:02}", kind="many") for number in range(99)]
    assert len(fit([Section(few + many)])) > NAMES * 0.8


def parts(kind: str, count: int, short: str = "") -> list[Part]:
    return [
        Part(lambda: "x" * 20_000, short=short, name=f"{kind}{number:05}", kind=kind)
        for number in range(count)
    ]


def note_of(*sections: list[Part]) -> str:
    text = fit([Section(some) for some in sections], ENDING)
    assert len(text) <= LIMIT
    return text[text.index("\n**Cut") :].removesuffix(ENDING)


def test_each_kind_has_its_share_of_the_names() -> None:
    note = note_of([*parts("a", 100), *parts("b", 3), Part(lambda: "x" * 20_000)])
    assert len(note) <= NAMES
    assert note.startswith("\n**Cut to fit a comment:** 104 of its parts")
    assert "\n- a: `a00000`, `a00001`, " in note
    assert re.search(r"`, \d+ more\n- b: ", note)
    assert note.endswith("\n- b: `b00000`, `b00001`, `b00002`\n")
    note = note_of([item for kind in "abcd" for item in parts(kind, 1_000)])
    assert NAMES * 0.6 < len(note) <= NAMES
    assert all(f"\n- {kind}: `{kind}00000`, " in note for kind in "abcd")
    assert note_of([Part(lambda: "x" * 20_000, name="n" * 2_000, kind="long")]).endswith("\n- long: 1\n")


def test_what_has_to_be_decided_gets_more_room_for_its_names() -> None:
    short = "s" * 399 + "\n"
    sections = (parts("a", 500, short), parts("b", 500))
    note = note_of(*sections)
    assert LIMIT * 0.45 < len(note) <= LIMIT // 2
    assert note.endswith(" more\n- b: 500\n")
    # Those in their short form are named there.
    shown = fit([Section(some) for some in sections], ENDING).count(short)
    assert f"\n- a: `a{shown:05}`, " in note
    few = note_of(parts("a", 30, short), parts("b", 500))
    assert NAMES * 0.8 < len(few) <= NAMES
    assert "`a00029`\n- b: `b00000`, " in few
