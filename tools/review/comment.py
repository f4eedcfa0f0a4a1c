"""A comment that fits on GitHub: its least dangerous parts are named only when not all of it fits."""

from collections.abc import Callable
from dataclasses import dataclass, field

# A GitHub comment holds 65,536 characters. Counted here in bytes of UTF-8, which are never fewer, with room
# for the line by which the workflow finds its comment again.
COMMENT_LIMIT = 65_000
# Kept free for the names of what does not fit: more, up to half, if that has to be decided.
_NAMES_LIMIT = 8_000
_MISFITS = 20


@dataclass(frozen=True)
class Part:
    """A part of a section. When `text` does not fit, `short` stays in its place, or `name` goes into a list.

    `kind` says in that list what would happen to those named. What has to be decided has a short form.
    """

    text: Callable[[], str]
    short: str = ""
    name: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Section:
    """Parts, the most dangerous first, between an opening and a closing that are there if one of them is."""

    parts: list[Part]
    opening: str = ""
    closing: str = ""


def whole(text: str) -> Section:
    """A section that is always shown."""
    return Section([Part(lambda: text, short=text)])


def fit(sections: list[Section], ending: str = "") -> str:
    """The sections in order, no longer than a comment may be; what does not fit is named at the end."""
    text, cut = _fitted(sections, COMMENT_LIMIT - _size(ending))
    names = min(max(cut.to_be_decided, _NAMES_LIMIT), COMMENT_LIMIT // 2)
    if cut.count:
        text, cut = _fitted(sections, COMMENT_LIMIT - _size(ending) - names)
    return text + cut.note(names) + ending


def _fitted(sections: list[Section], room: int) -> "tuple[str, _Cut]":
    shorts: dict[int, str] = {}
    for section in sections:
        for part in section.parts:
            short = part.short if _size(part.short) <= room else ""
            shorts[id(part)] = short
            room -= _size(short)
    cut = _Cut()
    shown = []
    for section in sections:
        frame = _size(section.opening + section.closing)
        texts: list[str] = []
        for part in section.parts:
            text = shorts[id(part)]
            if cut.misfits < _MISFITS:
                full = part.text()
                extra = _size(full) - _size(text) + (0 if texts else frame)
                if extra <= room:
                    room -= extra
                    texts.append(full)
                    continue
                cut.misfits += 1
            if text and not texts:
                room -= frame
            texts += [text] if text else []
            cut.add(part, is_named=bool(text))
        shown += [section.opening, *texts, section.closing] if texts else []
    return "".join(shown), cut


@dataclass
class _Cut:
    misfits: int = 0
    count: int = 0
    # How much room the names of those take whose short form did not fit either, and their kinds.
    to_be_decided: int = 0
    first: set[str] = field(default_factory=set)
    names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, part: Part, *, is_named: bool) -> None:
        self.count += 1
        if part.short and not is_named:
            self.to_be_decided += _size(part.name) + 4
            self.first.add(part.kind)
        if part.name and not is_named:
            self.names.setdefault(part.kind, []).append(part.name)

    def note(self, limit: int) -> str:
        """What is not shown in full, as many names of it as fit: of the most dangerous first."""
        if not self.count:
            return ""
        note = (
            f"\n**Cut to fit a comment:** {self.count} of its parts, the least dangerous, are not shown in "
            "full; `terraform show` of the plan has them.\n"
        )
        free = limit - _size(note) - 100 * len(self.names)
        for number, (kind, names) in enumerate(self.names.items()):
            # Of what needs no decision each kind gets its share, and what the earlier ones leave.
            room = free if kind in self.first else free // (len(self.names) - number)
            free -= room
            listed = []
            for name in names:
                if _size(name) + 4 > room:
                    break
                listed.append(f"`{name}`")
                room -= _size(name) + 4
            free += room
            rest = len(names) - len(listed)
            more = [f"{rest} more" if listed else f"{rest}"] if rest else []
            note += f"\n- {kind}: {', '.join(listed + more)}"
        return f"{note}\n" if self.names else note


def _size(text: str) -> int:
    return len(text.encode())
