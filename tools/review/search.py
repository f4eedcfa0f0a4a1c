"""Finding secrets in texts, as they are or escaped, however many secrets there are.

- Most are found anywhere in a text, whatever its white space.
- A number is found where it is no part of another number or date.
- A short plain word, such as `admin` or `postgres`, is found where it is a whole value: all of the text, or
  what follows `=` or `: `, is in quotes or is the password of a URL. Elsewhere it is a word like any other.
- What is shorter than four characters, and what is written in every plan, such as `Enabled`, `true` or
  `s3:GetObject`, is not looked for.
"""

import html
import re
import urllib.parse
from collections.abc import Iterator

# Shorter secrets are in too many other texts.
_SHORTEST = 4
_COMMON = re.compile(
    r"(?i:active|allow|default|deny|disabled|enabled|false|inactive|none|null|suspended|true)"
    r"|[a-z\d-]+:(?:\*|(?:Add|Assume|Attach|Batch|Create|Decrypt|Delete|Describe|Encrypt|Generate|Get|Head|Invoke"
    r"|List|Pass|Publish|Put|Query|Read|Receive|ReEncrypt|Remove|Scan|Send|Set|Subscribe|Tag|Untag|Update|Write)"
    r"[A-Za-z]*\*?)|[a-z\d-]+\.amazonaws\.com|20(?:08|12)-10-17|0\.0\.0\.0/0|::/0"
)
_WORD = re.compile(r"(?=.{,11}$)(?:[A-Z]?[a-z]+|[A-Z]+)")
_WORD_AS_VALUE = re.compile(
    r"""(?:=\ ?|:\ )["']?([A-Za-z]+)(?![\w-]|[./:]\w)|["']([A-Za-z]+)["'](?!\ ?:)|[:/]([A-Za-z]+)@""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"-?\d[\d./:-]*")
_YEAR = re.compile(r"(?:19|20)\d\d")
# What a number is a part of: what is before it, as in `5.25` but not in `v2.25`, and what is after it.
_BEFORE_NUMBER = re.compile(r"\d$|(?:^|[^\w.])\d+\.$")
_BEFORE_YEAR = re.compile(r"\d[./-]?$")
_AFTER_NUMBER = re.compile(r"\d|\.0*[1-9]")
_AFTER_YEAR = re.compile(r"\d|\.0*[1-9]|[/-]\d")
_DIGITS = 20
# A line of a key: it is a secret by itself, unlike one of a document.
_LINE = re.compile(r"(?!-----)[^\s\"{}\[\]]{16,}")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_DOUBLED = re.compile(r"""(['"])\1""")
_FORMS = 40


class Search:
    """A search for any of many secrets."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._words: set[str] = set()
        # How long the secrets are that begin with the same characters.
        self._lengths: dict[tuple[str, ...], set[int]] = {}
        self._known: dict[str, bool] = {}

    def add(self, secret: str) -> None:
        for form in _forms(secret):
            text = _collapsed(form)
            lines = (line.strip() for line in form.splitlines())
            for part in (text, *(line for line in lines if _LINE.fullmatch(line))):
                if is_telling(part):
                    self._add(part)

    def _add(self, secret: str) -> None:
        if _WORD.fullmatch(secret):
            self._words.add(secret)
        else:
            self._secrets.add(secret)
            self._lengths.setdefault(next(_beginnings(secret)), set()).add(len(secret))

    def found(self, text: str) -> Iterator[str]:
        """The secrets in a text as it is."""
        if self._words:
            values = {value for match in _WORD_AS_VALUE.findall(_collapsed(text)) for value in match}
            yield from values.union(map(str.strip, text.splitlines())) & self._words
        text = _collapsed(text)
        if self._lengths.keys().isdisjoint(_beginnings(text)):
            return
        for start, beginning in enumerate(_beginnings(text)):
            for length in self._lengths.get(beginning, ()):
                secret = text[start : start + length]
                if secret in self._secrets and _is_alone(secret, text, start):
                    yield secret

    def is_in(self, text: str) -> bool:
        """Whether a text holds a secret in any form."""
        if text not in self._known:
            self._known[text] = any(True for form in _forms(text) for _ in self.found(form))
        return self._known[text]


def is_telling(text: str) -> bool:
    """Whether a text is worth to be looked for."""
    return len(text) >= _SHORTEST and not _COMMON.fullmatch(text)


def _is_alone(secret: str, text: str, start: int) -> bool:
    """Whether a secret, if it is a number, is no part of another there."""
    if not _NUMBER.fullmatch(secret):
        return True
    is_year = bool(_YEAR.fullmatch(secret))
    before, after = (_BEFORE_YEAR, _AFTER_YEAR) if is_year else (_BEFORE_NUMBER, _AFTER_NUMBER)
    lead = text[max(0, start - _DIGITS) : start]
    return not before.search(lead) and not after.match(text, start + len(secret))


def _beginnings(text: str) -> Iterator[tuple[str, ...]]:
    """What a secret could begin with, at each place of the text."""
    return zip(*(text[start:] for start in range(_SHORTEST)), strict=False)


def _collapsed(text: str) -> str:
    """The text with one space for white space of any length, and none around it."""
    return " ".join(text.split())


def _forms(text: str) -> Iterator[str]:
    """The text, and all that it can be read as when it is JSON, YAML, a URL or HTML, one in another too."""
    forms = [text]
    for form in forms:
        yield form
        readings = dict.fromkeys(
            read(form)
            for read in (
                _without_escapes,
                _without_doubled_quotes,
                urllib.parse.unquote,
                urllib.parse.unquote_plus,
                _without_references,
            )
        )
        forms += [reading for reading in readings if reading not in forms][: _FORMS - len(forms)]


def _without_escapes(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        code, char = match.groups()
        return chr(int(code, 16)) if code else _ESCAPED.get(char, char)

    # Two \u escapes make one character beyond the basic plane.
    return _ESCAPE.sub(plain, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _without_doubled_quotes(text: str) -> str:
    """As YAML and SQL have a quote in a quoted text."""
    return _DOUBLED.sub(r"\1", text)


def _without_references(text: str) -> str:
    """The text with the characters that HTML's references stand for."""
    try:
        return html.unescape(text)
    except ValueError:
        # The number of a character has more digits than Python reads.
        return text
