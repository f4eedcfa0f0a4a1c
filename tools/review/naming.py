"""What the things of a plan are called in its review."""

from collections.abc import Collection, Iterable, Sequence

from tools.review.context import Context
from tools.review.danger import GUARDED, LOSSES
from tools.review.plan import Change
from tools.review.secrets import Secrets, clipped
from tools.review.shapes import as_dict, as_text

SIGNS = {
    "create": "➕",
    "change": "✏️",
    "replace": "♻️",
    "destroy": "🗑️",
    "forget": "📤",
    "read": "📖",
    "no-op": "📦",
}
DONE = {"create": "created", "change": "changed", "read": "read", "no-op": "kept", **LOSSES}
# Of more than these the rest is counted.
NAMED = 12
_WORDS = {
    "acl": "ACL",
    "cloudwatch": "CloudWatch",
    "db": "DB",
    "dynamodb": "DynamoDB",
    "ecr": "ECR",
    "iam": "IAM",
    "kms": "KMS",
    "lambda": "Lambda",
    "s3": "S3",
    "sns": "SNS",
    "sqs": "SQS",
    "url": "URL",
}


class Naming:
    """The names of resources: their construct paths where these are known, otherwise their addresses."""

    def __init__(self, secrets: Secrets, context: Context) -> None:
        self._secrets = secrets
        self._context = context

    def name(self, change: Change) -> str:
        return self._secrets.address(self._context.name(change.address))

    def code(self, change: Change) -> str:
        return f"`{self.name(change)}`"

    def kind(self, change: Change) -> str:
        """What it is, such as "S3 bucket"."""
        words = " ".join(_WORDS.get(word, word) for word in change.type.removeprefix("aws_").split("_"))
        return words if words.replace(" ", "").isalnum() else "resource"

    def kind_and_id(self, change: Change) -> str:
        """What it is and, of guarded data that is there, which one."""
        id_ = as_text(as_dict(change.shown[0]).get("id")) if change.type in GUARDED else ""
        return self.kind(change) + (f" `{clipped(self._secrets.text(id_))}`" if id_ else "")

    def names(self, change: Change) -> tuple[str, str]:
        """By what a reader knows it, and what else it is called; Markdown.

        What has left the code has no construct any more: its id says more than an address made of hashes.
        """
        names = self.code(change), self.kind_and_id(change)
        has_left = bool(self._context.names) and self._context.name(change.address) == change.address
        return names[::-1] if has_left and "`" in names[1] else names

    def notes(self, change: Change, rows: str = "") -> list[str]:
        """What forces a replacement, unless its rows tell, and what else is to be said of it; Markdown."""
        forced = [f"`{path}`" for path in map(self._secrets.path, change.replace_paths[:NAMED]) if path]
        is_told = not forced or "forces replacement" in rows
        return [*([] if is_told else [f"forced by {', '.join(forced)}"]), *change.notes]


def allow_shown(allow: str, secrets: Secrets) -> str:
    """What allows a change, as it may be shown: all of it, since it is there to be copied."""
    return secrets.address(allow, limit=None)


def allowed_by(allowed: Collection[str], allows: Iterable[str], secrets: Secrets) -> dict[str, str]:
    """Of what allows changes, what was given, by how it was given: as it is, or as it is shown.

    What is shown of two of them allows neither, such as keys that are hidden.
    """
    found: dict[str, set[str]] = {}
    for allow in allows:
        for form in (allow, allow_shown(allow, secrets)):
            found.setdefault(form, set()).add(allow)
    return {given: min(found[given]) for given in allowed if len(found.get(given, ())) == 1}


def unmatched_words(allowed: str, secrets: Secrets) -> str:
    """What to say of an allowance that allows nothing here."""
    return f"`--allow={allow_shown(allowed, secrets)}`: nothing there would be lost or weakened."


def number(count: int, what: str) -> str:
    """Such as "1 change" or "2 changes"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def joined(parts: Iterable[str], word: str = "and") -> str:
    """Such as "a, b and c"."""
    *first, last = list(parts)
    return f"{', '.join(first)} {word} {last}" if first else last


def listed(names: Sequence[str]) -> str:
    """The names, or the first of them and how many more there are."""
    return ", ".join(names[:NAMED]) + rest_of(names) if rest_of(names) else joined(names)


def named_and_others(names: Sequence[str]) -> tuple[str, str]:
    """The first names and how many more there are, and a paragraph with these; Markdown."""
    quoted = [f"`{name}`" for name in names]
    others = f"\nThe others: {joined(quoted[NAMED:])}\n" if len(names) > NAMED else ""
    return listed(quoted), others


def rest_of(names: Collection[object]) -> str:
    """How many there are beyond those that are named, to be added to them."""
    return f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
