"""A comment that fits on GitHub.

Where it has to be cut, what has to be decided and what allows it stay longest, then names, then details.
"""

import html
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tools.review.naming import NAMED, rest_of

# A GitHub comment holds 65,536 characters. Counted here in bytes of UTF-8, which are never fewer, with room
# for the line by which the workflow finds its comment again.
COMMENT_LIMIT = 65_000
# After so many parts that do not fit no more are tried.
_MISFITS = 20
# The room for the digits of what is counted.
_COUNTS = 50
# As many types are told apart when changes are counted.
_TYPES = 12


@dataclass(frozen=True)
class Part:
    """A part of a section. When `text` does not fit, `short` stays in its place, or `name` goes into a list.

    `kind` says in that list what would happen to those named; where not all names fit, the rest is counted by
    `type`. What has to be decided has a short form.
    """

    text: Callable[[], str]
    short: str = ""
    name: str = ""
    kind: str = ""
    type: str = ""


@dataclass(frozen=True)
class Section:
    """Parts, the most dangerous first, between an opening and a closing that are there if one of them is.

    One that `is_needed` gets its room before names and details; `rest` ends one with parts left out.
    """

    parts: list[Part]
    opening: str = ""
    closing: str = ""
    is_needed: bool = False
    rest: str = ""


def whole(text: str) -> Section:
    """A section that is always shown."""
    return Section([Part(lambda: text, short=text)])


def collapsed(
    title: str, names: Sequence[str], parts: list[Part], opening: str = "", closing: str = ""
) -> Section:
    """A section that is closed until a reader opens it; its summary has the first of the names."""
    shown = ", ".join(f"<code>{html.escape(name)}</code>" for name in names[:NAMED])
    summary = f"\n<details><summary><b>{title}</b>: {shown}{rest_of(names)}</summary>\n"
    return Section(parts, summary + opening, f"{closing}\n</details>\n")


def fit(sections: list[Section], ending: str = "") -> str:
    """The sections in order, no longer than a comment may be; what does not fit is named at the end."""
    room = COMMENT_LIMIT - _size(ending)
    shown = _Shown(sections, room)
    if not shown.is_complete():
        shown = _Shown(sections, room)
        shown.cut()
    return shown.text() + ending


class _Shown:
    """What is shown of each part, and the room that is left."""

    def __init__(self, sections: list[Section], room: int) -> None:
        self._sections = sections
        self._pairs = [(section, part) for section in sections for part in section.parts]
        self._room = room
        # Kept for the names of those that are not shown.
        self._names = _Names([])
        self._kept = 0
        self._texts: dict[int, str] = {}
        self._full: set[int] = set()
        self._opened: set[int] = set()

    def is_complete(self) -> bool:
        """Show all parts in full, as far as they fit."""
        return all(self._show_full(section, part, keep=0) for section, part in self._pairs)

    def cut(self) -> None:
        """Fill the room with what is needed most; of the first three steps each leaves half of it."""
        decided = [(section, part) for section, part in self._pairs if part.short]
        half = self._room // 2
        for section, part in decided:
            self._show(section, part, part.short, keep=half)
        self._fill([pair for pair in self._pairs if pair[0].is_needed], keep=self._room // 2)
        self._fill(decided, keep=self._room // 2)
        self._names = _Names([part for _, part in self._pairs if id(part) not in self._texts])
        self._kept = self._names.size()
        self._fill(self._pairs, keep=0)

    def _fill(self, pairs: Iterable[tuple[Section, Part]], *, keep: int) -> None:
        misfits = 0
        for section, part in pairs:
            if misfits < _MISFITS and id(part) not in self._full:
                misfits += not self._show_full(section, part, keep=keep)

    def _show_full(self, section: Section, part: Part, *, keep: int) -> bool:
        is_shown = self._show(section, part, part.text(), keep=keep)
        if is_shown:
            self._full.add(id(part))
        return is_shown

    def _show(self, section: Section, part: Part, text: str, *, keep: int) -> bool:
        """Show the text in place of what was shown of the part, if there is room."""
        size = _size(text) - _size(self._texts.get(id(part), ""))
        if id(section) not in self._opened:
            size += _size(section.opening + section.rest + section.closing)
        kept = self._kept - self._names.size_of(part)
        if size > self._room - keep - kept:
            return False
        self._room, self._kept = self._room - size, kept
        self._names.remove(part)
        self._opened.add(id(section))
        self._texts[id(part)] = text
        return True

    def text(self) -> str:
        texts = []
        for section in self._sections:
            shown = [self._texts[id(part)] for part in section.parts if id(part) in self._texts]
            if shown:
                rest = section.rest if len(shown) < len(section.parts) else ""
                texts += [section.opening, *shown, rest, section.closing]
        cut = len(self._pairs) - len(self._full)
        return "".join(texts) + (self._names.text(cut, self._room) if cut else "")


class _Names:
    """The names of parts that are not shown, by what would happen to them."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts = {id(part): part for part in parts if part.kind}

    def remove(self, part: Part) -> None:
        self._parts.pop(id(part), None)

    def size_of(self, part: Part) -> int:
        """The room that the name takes if it is here."""
        return _name_size(part) if id(part) in self._parts else 0

    def size(self) -> int:
        """The room that all of it takes at most."""
        frame = _note(len(self._parts)) + "".join(_item(kind, []) for kind in self._by_kind())
        return _size(frame) + _COUNTS + sum(map(_name_size, self._parts.values()))

    def _by_kind(self) -> dict[str, list[Part]]:
        by_kind: dict[str, list[Part]] = {}
        for part in self._parts.values():
            by_kind.setdefault(part.kind, []).append(part)
        return by_kind

    def text(self, cut: int, room: int) -> str:
        """What is not shown in full, and as many names of it as fit: of the most dangerous first."""
        by_kind = self._by_kind()
        note = _note(cut)
        frames = sum(_size(_item(kind, [_rest(parts)])) for kind, parts in by_kind.items())
        shares = _shares(by_kind, room if self.size() <= room else room - _size(note) - 1 - frames)
        for kind, parts in by_kind.items():
            share, listed = shares[kind], []
            for part in parts:
                share -= _name_size(part)
                if not part.name or share < 0:
                    break
                listed.append(f"`{part.name}`")
            rest = parts[len(listed) :]
            note += _item(kind, listed + ([_rest(rest, more=bool(listed))] if rest else []))
        return f"{note}\n" if by_kind else note


def _shares(by_kind: dict[str, list[Part]], room: int) -> dict[str, int]:
    """The room for the names of each kind: what has to be decided first, then each as much as the others."""
    sizes = {kind: sum(map(_name_size, parts)) for kind, parts in by_kind.items()}
    others = sorted(
        (kind for kind in sizes if not any(part.short for part in by_kind[kind])),
        key=lambda kind: sizes[kind],
    )
    shares = {}
    for kind in (kind for kind in sizes if kind not in others):
        shares[kind] = min(sizes[kind], room)
        room -= shares[kind]
    for number, kind in enumerate(others):
        shares[kind] = min(sizes[kind], room // (len(others) - number))
        room -= shares[kind]
    return shares


def _note(cut: int) -> str:
    return (
        f"\n**Cut to fit a comment:** {cut} of its parts, the least dangerous, are not shown in full; "
        "`terraform show` of the plan has them.\n"
    )


def _item(kind: str, names: list[str]) -> str:
    return f"\n- {kind}: {', '.join(names)}"


def _rest(parts: list[Part], *, more: bool = True) -> str:
    """How many there are, and of which types if they have one."""
    counts = Counter(part.type for part in parts if part.type).most_common(_TYPES)
    listed = (
        ", ".join(f"{count} {type_}" for type_, count in counts) if len(counts) > 1 else "".join(dict(counts))
    )
    types = f" ({listed})" if listed else ""
    return f"{len(parts)}{' more' if more else ''}{types}"


def _name_size(part: Part) -> int:
    return _size(part.name) + len("``, ")


def _size(text: str) -> int:
    return len(text.encode())
