"""The edits between two long texts, each with a little of what surrounds it."""

import bisect
import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

# A text or a line that is longer is compared word by word, and clipped where it comes or goes.
LONG = 200
_CONTEXT = 30
# So many lines of a text are shown, and so many in a row that come or go.
_LINES_LIMIT = 200
_RUN_LIMIT = 80
# Of as many pairs of tokens it is worth to find out which of them stay.
_COMPARED = 40_000
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")

# A line's sign, as in a diff, and its text.
Line = tuple[str, str]
# Where an edit starts and ends, before and after.
Edit = tuple[int, int, int, int]


def is_long(text: str) -> bool:
    """Whether a text is shown by its edits when it changes."""
    return len(text) > LONG or "\n" in text


def size(before: str, after: str) -> str:
    """How long a text is that changes, such as "3 lines"."""
    has_lines = "\n" in before + after
    return f"{len(_lines(before))} lines" if has_lines else f"{len(before)} characters"


def text_edits(before: str, after: str) -> list[Line]:
    """The lines of a diff, by lines of the text or, in a text of one line, by its words."""
    lines = list((_line_edits if "\n" in before + after else _token_edits)(before, after))
    rest = len(lines) - _LINES_LIMIT
    return lines if rest <= 0 else [*lines[:_LINES_LIMIT], (" ", f"… and {rest} more lines")]


def shortened(text: str, limit: int = LONG) -> str:
    """The text, or its beginning, its end and how long it is."""
    if len(text) <= limit:
        return text
    return f"{text[: limit - _CONTEXT]} … {text[-_CONTEXT:]} ({len(text)} characters)"


def apart(before: str, after: str, short: Callable[[str], str] = shortened) -> tuple[str, str]:
    """Two texts made short, from a little before they differ if they would look the same."""
    texts = short(before), short(after)
    if before == after or texts[0] != texts[1]:
        return texts
    same = next((place for place, pair in enumerate(zip(before, after, strict=False)) if len({*pair}) > 1), 0)
    start = max(0, same - _CONTEXT)
    return f"…{short(before[start:])}", f"…{short(after[start:])}"


def _line_edits(before: str, after: str) -> Iterator[Line]:
    olds, news = ([line.removesuffix("\r") for line in _lines(text)] for text in (before, after))
    if olds == news:
        yield " ", "the same but for its line ends"
    elif _lines(before)[0].endswith("\r") != _lines(after)[0].endswith("\r"):
        yield " ", "the line ends change too"
    for hunk in difflib.SequenceMatcher(a=olds, b=news).get_grouped_opcodes(1):
        yield " ", "…"
        for tag, old_start, old_end, new_start, new_end in hunk:
            if tag == "equal":
                yield from ((" ", shortened(line)) for line in olds[old_start:old_end])
            else:
                yield from _replaced(olds[old_start:old_end], news[new_start:new_end])


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")


def _replaced(olds: list[str], news: list[str]) -> Iterator[Line]:
    """Lines in place of others; of long ones the edits."""
    pairs = list(zip(*([line for line in side if len(line) > LONG] for side in (olds, news)), strict=False))
    for sign, lines in (("-", olds), ("+", news)):
        paired, rest = len(pairs), []
        for line in lines:
            if len(line) > LONG and paired:
                paired -= 1
            else:
                rest.append((sign, _with_its_end(shortened(line))))
        yield from rest[:_RUN_LIMIT]
        if len(rest) > _RUN_LIMIT:
            yield sign, f"… {len(rest) - _RUN_LIMIT} more lines"
    for old, new in pairs:
        yield from _token_edits(old, new)


def _with_its_end(line: str) -> str:
    """The line, with spaces at its end as dots."""
    text = line.rstrip(" ")
    return text + "·" * (len(line) - len(text))


def _token_edits(before: str, after: str) -> Iterator[Line]:
    olds, news = _TOKEN.findall(before), _TOKEN.findall(after)
    for old_start, old_end, new_start, new_end in _joined(_edits(olds, news)):
        lead = "".join(olds[max(0, old_start - _CONTEXT) : old_start])[-_CONTEXT:]
        trail = "".join(olds[old_end : old_end + _CONTEXT])[:_CONTEXT]
        gone, come = apart("".join(olds[old_start:old_end]), "".join(news[new_start:new_end]))
        for sign, text in (("-", gone), ("+", come)):
            if text:
                yield sign, f"…{lead}{text}{trail}…"


def _edits(olds: list[str], news: list[str]) -> Iterator[Edit]:
    """Where tokens differ, between the tokens that both sides have once."""
    whole = _trimmed(olds, news, (0, len(olds), 0, len(news)))
    for edit in _between_anchors(olds, news, whole):
        old_start, old_end, new_start, new_end = edit
        if (old_end - old_start) * (new_end - new_start) > _COMPARED:
            yield edit
            continue
        matcher = difflib.SequenceMatcher(
            a=olds[old_start:old_end], b=news[new_start:new_end], autojunk=False
        )
        for tag, *(a, b, c, d) in matcher.get_opcodes():
            if tag != "equal":
                yield a + old_start, b + old_start, c + new_start, d + new_start


def _trimmed(olds: list[str], news: list[str], edit: Edit) -> Edit:
    """The edit without the tokens at its start and its end that are the same."""
    old_start, old_end, new_start, new_end = edit
    while old_start < old_end and new_start < new_end and olds[old_start] == news[new_start]:
        old_start, new_start = old_start + 1, new_start + 1
    while old_start < old_end and new_start < new_end and olds[old_end - 1] == news[new_end - 1]:
        old_end, new_end = old_end - 1, new_end - 1
    return old_start, old_end, new_start, new_end


def _between_anchors(olds: list[str], news: list[str], edit: Edit) -> Iterator[Edit]:
    """The edit in parts, with the tokens between them that both sides have once and in the same order."""
    old_start, old_end, new_start, new_end = edit
    old_counts, new_counts = Counter(olds[old_start:old_end]), Counter(news[new_start:new_end])
    places = {news[place]: place for place in range(new_start, new_end)}
    pairs = [
        (place, places[olds[place]])
        for place in range(old_start, old_end)
        if old_counts[olds[place]] == new_counts[olds[place]] == 1
    ]
    for old, new in [*_longest_rising(pairs), (old_end, new_end)]:
        yield _trimmed(olds, news, (old_start, old, new_start, new))
        old_start, new_start = old + 1, new + 1


def _longest_rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest series of the pairs whose second numbers rise."""
    # For each length the lowest second number at the end of a series, that end, and the end before each.
    lowest: list[int] = []
    ends: list[tuple[int, int]] = []
    before: dict[tuple[int, int], tuple[int, int]] = {}
    for pair in pairs:
        length = bisect.bisect_left(lowest, pair[1])
        lowest[length : length + 1], ends[length : length + 1] = [pair[1]], [pair]
        if length:
            before[pair] = ends[length - 1]
    series = ends[-1:]
    while series and series[-1] in before:
        series.append(before[series[-1]])
    return series[::-1]


def _joined(edits: Iterator[Edit]) -> Sequence[Edit]:
    """The edits, with those that lie a word apart as one."""
    joined: list[Edit] = []
    for edit in edits:
        if joined and edit[0] - joined[-1][1] <= 3:
            joined[-1] = (joined[-1][0], edit[1], joined[-1][2], edit[3])
        else:
            joined.append(edit)
    return joined
