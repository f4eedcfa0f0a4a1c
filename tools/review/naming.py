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
        """What it is and, of guarded data that is there, which one."""
        if change.type not in GUARDED:
            words = " ".join(_WORDS.get(word, word) for word in change.type.removeprefix("aws_").split("_"))
            return words if words.replace(" ", "").isalnum() else "resource"
        id_ = as_text(as_dict(change.shown[0]).get("id"))
        return GUARDED[change.type] + (f" `{clipped(self._secrets.text(id_))}`" if id_ else "")

    def notes(self, change: Change) -> list[str]:
        """What forces a replacement, and what else is to be said of a change; Markdown."""
        forced = [f"`{self._secrets.path(path)}`" for path in change.replace_paths[:NAMED]]
        return [*([f"forced by {', '.join(forced)}"] if forced else []), *change.notes]


def allow_shown(allow: str, secrets: Secrets) -> str:
    """What allows a change, as it may be shown."""
    return secrets.address(allow)


def unmatched_words(allowed: str, secrets: Secrets) -> str:
    """What to say of an allowance that allows nothing here."""
    return f"`--allow={allow_shown(allowed, secrets)}`: nothing there would be lost or weakened."


def number(count: int, what: str) -> str:
    """Such as "1 change" or "2 changes"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def joined(parts: Iterable[str]) -> str:
    """Such as "a, b and c"."""
    *first, last = list(parts)
    return f"{', '.join(first)} and {last}" if first else last


def listed(names: Sequence[str]) -> str:
    """The names, or the first of them and how many more there are."""
    return ", ".join(names[:NAMED]) + rest_of(names) if rest_of(names) else joined(names)


def rest_of(names: Collection[object]) -> str:
    """How many there are beyond those that are named, to be added to them."""
    return f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
