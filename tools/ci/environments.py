"""The environments of `.github/environments.json`, as the workflows want them."""

import json
from pathlib import Path
from typing import Any

from settings import Settings, SettingsError
from tools.ci.github import Stop

FILE = Path(__file__).parents[2] / ".github/environments.json"


def matrix(file: Path = FILE) -> list[dict[str, Any]]:
    """One entry for each environment of the file: its name, its settings, and the variable of its plan role.

    Raises Stop when the file leaves out a setting, which would deploy its default, or gives one that is not
    allowed.
    """
    try:
        return [_entry(name, settings) for name, settings in _read(file).items()]
    except (ValueError, AttributeError, TypeError) as error:
        raise Stop(f"{file.name}: {error}") from None


def check_name(name: str, file: Path = FILE) -> None:
    """Raises Stop when the file has no environment of this name."""
    names = list(_read(file))
    if name not in names:
        allowed = ", ".join(names) or "none"
        raise Stop(f"ENVIRONMENT is {name!r}: allowed is what .github/{file.name} names: {allowed}")


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise Stop(f"{file.name}: {error}") from None
    if not isinstance(content, dict):
        raise Stop(f"{file.name}: not an object of environments by their names")
    return content


def _entry(name: str, given: dict[str, str]) -> dict[str, Any]:
    settings = {"ENVIRONMENT_SUFFIX": name} | given
    names = Settings.rules().keys()
    if missing := names - settings.keys():
        raise SettingsError(f"{name} leaves out {', '.join(sorted(missing))}")
    if unknown := settings.keys() - names:
        raise SettingsError(f"{name} has {', '.join(sorted(unknown))}, which is no setting")
    try:
        Settings.load(environ=settings)
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from None
    # A variable's name may hold no hyphen.
    role = f"PLAN_ROLE_ARN_{name.upper().replace('-', '_')}"
    return {"environment": name, "settings": settings, "plan_role": role}
