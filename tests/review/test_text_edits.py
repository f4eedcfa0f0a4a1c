"""The edits between two long texts: all of them, wherever they are, as far as they can be read."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tools.review import text_edits as edits
from tools.review.text_edits import apart, shortened, text_edits

WORDS = " ".join(f"w{number}" for number in range(400))
TEXTS = st.lists(st.sampled_from(["a", "b", "c", " ", "\n", "  ", "a " * 101]), max_size=8).map("".join)


def changed(before: str, after: str) -> list[str]:
    """What goes and what comes, without what stays."""
    return [f"{sign} {text}" for sign, text in text_edits(before, after) if sign != " "]


# --- Words -------------------------------------------------------------------------------------------------


def test_edits_far_from_each_other_are_shown() -> None:
    assert changed(f"a {WORDS} DENY all", f"b {WORDS} ALLOW all") == [
        "- …a w0 w1 w2 w3 w4 w5 w6 w7 w8 w9…",
        "+ …b w0 w1 w2 w3 w4 w5 w6 w7 w8 w9…",
        "- …w394 w395 w396 w397 w398 w399 DENY all…",
        "+ …w394 w395 w396 w397 w398 w399 ALLOW all…",
    ]


def test_an_edit_has_what_surrounds_it_as_far_as_there_is_so_much() -> None:
    assert changed(f"one two {WORDS}", f"one 2 {WORDS}") == [
        "- …one two w0 w1 w2 w3 w4 w5 w6 w7 w8 w9…",
        "+ …one 2 w0 w1 w2 w3 w4 w5 w6 w7 w8 w9…",
    ]


def test_between_edits_far_from_each_other_only_what_differs_is_shown() -> None:
    # What repeats stays too, where it is beside words that are there once.
    before = f"a {'x ' * 300}{WORDS} {'y ' * 300}d"
    found = changed(before, before.replace("a x", "b x").replace("w200 ", "").replace("y d", "y e"))
    assert found == [
        "- …a x x x x x x x x x x x x x x x…",
        "+ …b x x x x x x x x x x x x x x x…",
        "- …w194 w195 w196 w197 w198 w199 w200 w201 w202 w203 w204 w205 w206 …",
        "- …y y y y y y y y y y y y y y y d…",
        "+ …y y y y y y y y y y y y y y y e…",
    ]


def test_edits_between_words_that_repeat_are_shown() -> None:
    assert changed("b b b", "a b b c") == ["+ …a b b b…", "- …b b b…", "+ …b b c…"]


def test_words_in_another_place_are_as_few_edits_as_can_be() -> None:
    first = "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 "
    rest = WORDS.removeprefix(first)
    assert changed(f"{first}{rest}", f"{rest} {first}") == [
        f"- …{first}{rest[:30]}…",
        f"+ …{rest[-30:]} {first}…",
    ]


def test_a_text_with_nothing_in_common_has_its_beginning_and_its_end() -> None:
    (gone, come) = changed("a" * 900 + "1", "b" * 900 + "2")
    assert gone == f"- …{'a' * 170} … {'a' * 29}1 (901 characters)…"
    assert come.endswith("b2 (901 characters)…")


# --- Lines -------------------------------------------------------------------------------------------------


def test_of_a_long_line_the_edits_are_shown() -> None:
    long = "curl " + "x" * 300
    before, after = f"#!/bin/sh\n{long} --insecure=no\nold", f"#!/bin/sh\n{long} --insecure=yes\nnew"
    assert changed(before, after) == [
        "- old",
        "+ new",
        f"- …{'x' * 18} --insecure=no…",
        f"+ …{'x' * 18} --insecure=yes…",
    ]
    assert changed(f"{long}\nend", "end") == [f"- {shortened(long)}"]
    assert changed(f"{long}1\nend", f"{long}2\n{long}3\nend") == [
        f"+ {shortened(f'{long}3')}",
        f"- …curl {shortened('x' * 300 + '1')}…",
        f"+ …curl {shortened('x' * 300 + '2')}…",
    ]


@pytest.mark.parametrize("length", [200, 201])
def test_of_lines_in_place_of_others_none_is_lost(length: int) -> None:
    long = "x" * (length - 1)
    found = changed(f"{long}1\nold\nend", f"new\n{long}2\nend")
    lines = ["- old", "+ new"]
    if length > 200:
        assert found == [*lines, f"- …{shortened(f'{long}1')}…", f"+ …{shortened(f'{long}2')}…"]
    else:
        assert found == [f"- {long}1", *lines, f"+ {long}2"]


def test_a_text_that_gets_more_lines_is_compared_by_them() -> None:
    assert changed("a", "a\nb") == ["+ b"]
    assert changed("a\nb", "b") == ["- a"]


def test_long_words_that_differ_in_the_middle_differ_visibly() -> None:
    before, after = (f"{'a' * 300}{middle}{'b' * 300}" for middle in "xy")
    gone, come = changed(before, after)
    assert gone == f"- ……{'a' * 30}x{'b' * 139} … {'b' * 30} (331 characters)…"
    assert come == gone.replace("- ", "+ ").replace("x", "y")
    assert apart("same" * 100, "same" * 100)[0].startswith("same")
    assert apart("a", "b") == ("a", "b")


def test_line_ends_are_no_lines() -> None:
    assert text_edits("a\r\nb\r\n", "a\nb") == [(" ", "the same but for its line ends")]
    assert text_edits("a\r\nb", "a\nc")[0] == (" ", "the line ends change too")
    assert changed("a\r\nb", "a\nc") == ["- b", "+ c"]
    assert (" ", "the line ends change too") not in text_edits("a\nb", "a\nc")
    # What only looks like a line's end to a reader of Unicode.
    assert changed("# a\u2028b\nx", "# a\nb\nx") == ["- # a\u2028b", "+ # a", "+ b"]


def test_spaces_at_the_end_of_a_line_are_seen() -> None:
    assert changed("a\nb", "a  \nb") == ["- a", "+ a··"]


@pytest.mark.parametrize(("count", "last"), [(80, "- 79"), (81, "- … 1 more lines")])
def test_so_many_lines_in_a_row_are_shown(count: int, last: str) -> None:
    lines = "\n".join(map(str, range(count)))
    assert changed(f"{lines}\nend", "end")[80 - (count == 80) :] == [last]
    assert changed(f"{lines}\nend", "new\nend")[-1] == "+ new"


@pytest.mark.parametrize(("more", "rest"), [(0, []), (1, [(" ", "… and 1 more lines")])])
def test_so_many_lines_of_a_text_are_shown(more: int, rest: object) -> None:
    # Each that goes has a line that says that some are left out, one before, itself, and one after.
    before = "z\n" + "more\n" * more + "".join(f"a{number}\nb\nc\nd\n" for number in range(50))
    assert text_edits(before, "z\n" + "b\nc\nd\n" * 50)[200:] == rest


@pytest.mark.parametrize(("length", "is_whole"), [(200, True), (201, False)])
def test_what_is_longer_is_shortened(length: int, *, is_whole: bool) -> None:
    assert (shortened("a" * length) == "a" * length) == is_whole


@given(st.permutations(range(6)))
def test_as_much_as_can_be_stays_in_its_order(places: list[int]) -> None:
    found = edits._longest_rising(list(enumerate(places)))
    longest = max(
        length
        for length in range(7)
        if any(list(some) == sorted(some) for some in itertools.combinations(places, length))
    )
    assert found == sorted(found)
    assert [place for _, place in found] == sorted(place for _, place in found)
    assert len(found) == longest


# --- Any two texts -----------------------------------------------------------------------------------------


@given(TEXTS, TEXTS)
@example("a\nb", "a\r\nb")
def test_texts_that_differ_differ_visibly(before: str, after: str) -> None:
    for compared in (40_000, 2):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(edits, "_COMPARED", compared)
            found = text_edits(before, after)
        is_said = found == [(" ", "the same but for its line ends")]
        assert is_said or any(sign != " " for sign, _ in found) == (before != after)
        assert not [
            one
            for one, other in itertools.pairwise(found)
            if one[0] + other[0] == "-+" and one[1] == other[1]
        ]
