"""The configuration of a deployment, read and checked in this one place."""

import dataclasses
import difflib
import json
import os
import re
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Self

PROJECT_FILE = Path(__file__).with_name("cdktf.json")

# What else the context of cdktf.json may hold: CDKTF's own feature flags.
CDKTF_FLAGS = {
    "allowSepCharsInLogicalIds",
    "cdktfRelativeModules",
    "cdktfStaticModuleAssetHash",
    "excludeStackIdFromLogicalIds",
}

DEPRECATED_RUNTIMES = {
    "nodejs20.x": "AWS blocks creating its functions from 2027-02-01 and updating them from 2027-03-03",
}

_REGION = r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}"
_STATUS = r"[A-Za-z0-9_-]{1,64}"
_EMAIL = r"[^@,\s]+@[^@,\s]+\.[^@,\s]+"
_GITHUB_NAME = r"[A-Za-z0-9._-]{1,100}"
# S3 takes a retention of 1 to 36,500 days.
_DAYS = r"([1-9]\d{0,3}|[12]\d{4}|3[0-5]\d{3}|36[0-4]\d{2}|36500)"


class SettingsError(ValueError):
    """A setting that is not allowed. The message is one line: the setting, the value, the rule."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class AuditLock:
    """The default retention of S3 Object Lock: its mode, `GOVERNANCE` or `COMPLIANCE`, and its days."""

    mode: str
    days: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """What a setting may be, as a pattern for the whole text and in words, and what its text becomes."""

    pattern: str
    allowed: str
    value_of: Callable[[str], object]


def _setting(*, default: str, pattern: str, allowed: str, value_of: Callable[[str], object] = str) -> Any:  # noqa: ANN401 (as dataclasses.field)
    rule = Rule(pattern=pattern, allowed=allowed, value_of=value_of)
    return dataclasses.field(default=value_of(default), metadata={"rule": rule})


def _entries(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.split(","))) if text else ()


def _is_true(text: str) -> bool:
    return text == "true"


def _audit_lock(text: str) -> AuditLock | None:
    mode, _, days = text.partition(":")
    return AuditLock(mode=mode.upper(), days=int(days)) if text else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What differs between deployments; each field is the setting of the same name in capitals."""

    environment_suffix: str = _setting(
        default="dev",
        pattern=r"(?!-)[a-z0-9-]{1,20}(?<!-)",
        allowed="1 to 20 of a-z, 0-9 and -, not starting or ending with -",
    )
    deploy_region: str = _setting(
        default="ap-southeast-1", pattern=_REGION, allowed="an AWS region such as ap-southeast-1"
    )
    state_bucket: str = _setting(
        # S3 takes no capitals, so nobody can own this bucket and receive the state of who forgot the setting.
        default="STATE-BUCKET-IS-NOT-SET",
        pattern=r"(?!-)[a-z0-9-]{3,63}(?<!-)",
        allowed="3 to 63 of a-z, 0-9 and -, not starting or ending with -",
    )
    state_region: str = _setting(
        default="ap-southeast-1", pattern=_REGION, allowed="an AWS region such as ap-southeast-1"
    )
    lambda_runtime: str = _setting(
        default="nodejs20.x",
        pattern=r"nodejs(20|22|24)\.x",
        allowed="nodejs20.x, nodejs22.x or nodejs24.x",
    )
    failure_statuses: tuple[str, ...] = _setting(
        default="FAILED",
        pattern=rf"{_STATUS}(,{_STATUS}){{0,49}}",
        allowed="1 to 50 order statuses of A-Z, a-z, 0-9, _ and -, separated by commas",
        value_of=_entries,
    )
    alert_emails: tuple[str, ...] = _setting(
        default="",
        pattern=rf"({_EMAIL}(,{_EMAIL})*)?",
        allowed="e-mail addresses separated by commas, without spaces, or nothing",
        value_of=_entries,
    )
    protect_data: bool = _setting(
        default="false", pattern=r"true|false", allowed="true or false", value_of=_is_true
    )
    audit_lock: AuditLock | None = _setting(  # noqa: RUF009 (a field)
        default="",
        pattern=rf"((governance|compliance):{_DAYS})?",
        allowed="governance:DAYS or compliance:DAYS with 1 to 36500 days, or nothing",
        value_of=_audit_lock,
    )
    repository_subject: str = _setting(
        default="",
        # No wildcard, and ids on both names or on neither, as in the `sub` of the tokens that GitHub issues.
        pattern=rf"(repo:{_GITHUB_NAME}(/{_GITHUB_NAME}|@\d+/{_GITHUB_NAME}@\d+))?",
        allowed="repo:OWNER/REPOSITORY or repo:OWNER@ID/REPOSITORY@ID",
    )
    oidc_provider: str = _setting(
        default="create",
        pattern=r"create|adopt",
        allowed="create, or adopt for the one that the account has",
    )
    ci_roles: bool = _setting(
        default="false", pattern=r"true|false", allowed="true or false", value_of=_is_true
    )

    @classmethod
    def rules(cls) -> dict[str, Rule]:
        """The rule of each setting, by the setting's name."""
        return {field.name.upper(): field.metadata["rule"] for field in dataclasses.fields(cls)}

    @classmethod
    def load(cls, *, environ: Mapping[str, str] = os.environ, project_file: Path = PROJECT_FILE) -> Self:
        """Read the settings: the defaults, then `context` in `cdktf.json`, then environment variables.

        Raises SettingsError for a value that breaks its rule, for a name in the context that is neither a
        setting nor one of CDKTF's feature flags, and for settings that do not go together.
        """
        rules = cls.rules()
        given = _context(project_file) | {name: environ[name] for name in rules if name in environ}
        values = {name.lower(): _value(rules, name, text) for name, text in given.items()}
        settings = cls(**values)
        if settings.audit_lock and not settings.protect_data:
            raise SettingsError(
                f"AUDIT_LOCK is {given['AUDIT_LOCK']!r}: it asks for PROTECT_DATA true, "
                "since a bucket with locked records cannot be destroyed"
            )
        return settings

    @classmethod
    def load_or_exit(cls, *, needed: Collection[str] = ()) -> Self:
        """The settings; a bad one ends the process with its one line on stderr and exit status 2.

        So does one that is `needed` and not set: its default is no value that could be used.
        """
        try:
            settings = cls.load()
            _warn_of_misspelled(os.environ, cls.rules())
            for name in needed:
                if getattr(settings, name.lower()) == getattr(cls, name.lower()):
                    raise SettingsError(f"{name} is not set: allowed is {cls.rules()[name].allowed}")
            return settings
        except SettingsError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(2) from None

    def warnings(self) -> list[str]:
        """What the settings allow and somebody will regret, a line each."""
        warnings = []
        if reason := DEPRECATED_RUNTIMES.get(self.lambda_runtime):
            warnings.append(
                f"LAMBDA_RUNTIME {self.lambda_runtime} is deprecated: {reason}; "
                "nodejs22.x and nodejs24.x run the same code"
            )
        if self.protect_data and not self.alert_emails:
            warnings.append(
                "ALERT_EMAILS is empty: PROTECT_DATA is on, and nobody is told of alerts and alarms"
            )
        return warnings

    def print_warnings(self) -> None:
        """Each warning as a line on stderr."""
        for warning in self.warnings():
            print(f"warning: {warning}", file=sys.stderr)


def _warn_of_misspelled(environ: Mapping[str, str], settings: Collection[str]) -> None:
    """A line on stderr for each variable that somebody may have taken for a setting."""
    for name in sorted(environ.keys() - set(settings)):
        if close := difflib.get_close_matches(name, settings, n=1, cutoff=0.85):
            print(f"warning: {name} is no setting: is {close[0]} meant?", file=sys.stderr)


def _context(project_file: Path) -> dict[str, object]:
    try:
        project = json.loads(project_file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{project_file.name}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"{project_file.name}: not JSON: {error}") from None
    if not isinstance(project, dict):
        raise SettingsError(f"{project_file.name}: it is {_shown(project)}, allowed is a JSON object")
    context = project.get("context", {})
    if not isinstance(context, dict):
        raise SettingsError(
            f"{project_file.name}: its context is {_shown(context)}, allowed is a JSON object of settings"
        )
    return {name: value for name, value in context.items() if name not in CDKTF_FLAGS}


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _value(rules: Mapping[str, Rule], name: str, text: object) -> Any:  # noqa: ANN401 (of any setting)
    if name not in rules:
        raise SettingsError(
            f"{name} in the context of cdktf.json is no setting: allowed are {', '.join(rules)}"
        )
    rule = rules[name]
    if not isinstance(text, str):
        raise SettingsError(f"{name} is {_shown(text)}, not a string in quotes: allowed is {rule.allowed}")
    if not re.fullmatch(rule.pattern, text):
        raise SettingsError(f"{name} is {text!r}: allowed is {rule.allowed}")
    return rule.value_of(text)
