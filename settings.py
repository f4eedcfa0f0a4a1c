"""The configuration of a deployment, read and checked in this one place."""

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

PROJECT_FILE = Path(__file__).with_name("cdktf.json")


class Rule(NamedTuple):
    """What a setting is when nobody sets it, and what it may be."""

    default: str
    pattern: str
    allowed: str


_REGION = r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}"
_STATUS = r"[A-Za-z0-9_-]{1,64}"
_EMAIL = r"[^@,\s]+@[^@,\s]+\.[^@,\s]+"

RULES = {
    "ENVIRONMENT_SUFFIX": Rule(
        "dev",
        r"(?!-)[a-z0-9-]{1,20}(?<!-)",
        "1 to 20 of a-z, 0-9 and -, not starting or ending with -",
    ),
    "DEPLOY_REGION": Rule("ap-southeast-1", _REGION, "an AWS region such as ap-southeast-1"),
    "STATE_BUCKET": Rule(
        "order-pipeline-terraform-state",
        r"(?!-)[a-z0-9-]{3,63}(?<!-)",
        "3 to 63 of a-z, 0-9 and -, not starting or ending with -",
    ),
    "STATE_REGION": Rule("ap-southeast-1", _REGION, "an AWS region such as ap-southeast-1"),
    "LAMBDA_RUNTIME": Rule("nodejs20.x", r"nodejs(20|22|24)\.x", "nodejs20.x, nodejs22.x or nodejs24.x"),
    "FAILURE_STATUSES": Rule(
        "FAILED",
        rf"{_STATUS}(,{_STATUS}){{0,49}}",
        "1 to 50 order statuses of A-Z, a-z, 0-9, _ and -, separated by commas",
    ),
    "ALERT_EMAILS": Rule(
        "", rf"({_EMAIL}(,{_EMAIL})*)?", "e-mail addresses separated by commas, without spaces, or nothing"
    ),
    "PROTECT_DATA": Rule("false", r"true|false", "true or false"),
}

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


class SettingsError(ValueError):
    """A setting that is not allowed. The message is one line: the setting, the value, the rule."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What differs between deployments; each field is the setting of the same name in capitals."""

    environment_suffix: str
    deploy_region: str
    state_bucket: str
    state_region: str
    lambda_runtime: str
    failure_statuses: tuple[str, ...]
    alert_emails: tuple[str, ...]
    protect_data: bool

    @classmethod
    def load(cls, *, environ: Mapping[str, str] = os.environ, project_file: Path = PROJECT_FILE) -> Self:
        """Read the settings: the defaults, then `context` in `cdktf.json`, then environment variables.

        Raises SettingsError for a value that breaks its rule, and for a name in the context that is neither a
        setting nor one of CDKTF's feature flags.
        """
        text = {name: rule.default for name, rule in RULES.items()} | _context(project_file)
        text |= {name: environ[name] for name in RULES if name in environ}
        for name, value in text.items():
            _check(name, value)
        return cls(
            environment_suffix=text["ENVIRONMENT_SUFFIX"],
            deploy_region=text["DEPLOY_REGION"],
            state_bucket=text["STATE_BUCKET"],
            state_region=text["STATE_REGION"],
            lambda_runtime=text["LAMBDA_RUNTIME"],
            failure_statuses=_entries(text["FAILURE_STATUSES"]),
            alert_emails=_entries(text["ALERT_EMAILS"]),
            protect_data=text["PROTECT_DATA"] == "true",
        )

    @classmethod
    def load_or_exit(cls) -> Self:
        """The settings; a bad one ends the process with its one line on stderr and exit status 2."""
        try:
            return cls.load()
        except SettingsError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(2) from None

    def warn_of_deprecated_runtime(self) -> None:
        """Say in one line on stderr when AWS is about to refuse the function's runtime."""
        if reason := DEPRECATED_RUNTIMES.get(self.lambda_runtime):
            print(
                f"warning: LAMBDA_RUNTIME {self.lambda_runtime} is deprecated: {reason}; "
                "nodejs22.x and nodejs24.x run the same code",
                file=sys.stderr,
            )


def _context(project_file: Path) -> dict[str, str]:
    try:
        context = json.loads(project_file.read_text(encoding="utf-8")).get("context", {})
        return {name: value for name, value in context.items() if name not in CDKTF_FLAGS}
    except (OSError, ValueError, AttributeError) as error:
        raise SettingsError(f"{project_file.name}: not a readable CDKTF project file: {error}") from None


def _check(name: str, value: object) -> None:
    if name not in RULES:
        raise SettingsError(
            f"{name} in the context of cdktf.json is no setting: allowed are {', '.join(RULES)}"
        )
    if not isinstance(value, str) or not re.fullmatch(RULES[name].pattern, value):
        raise SettingsError(f"{name} is {value!r}: allowed is {RULES[name].allowed}")


def _entries(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.split(","))) if text else ()
