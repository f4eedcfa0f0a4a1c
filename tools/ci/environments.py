"""The environments of `.github/environments.json`, as the workflows want them."""

import json
from pathlib import Path
from typing import Any

from tools.ci.github import Stop

FILE = Path(__file__).parents[2] / ".github/environments.json"


def matrix(file: Path = FILE) -> list[dict[str, Any]]:
    """One entry for each environment of the file: its name, its settings, and the variable of its plan role.

    Raises Stop when the file is not an object of objects of text.
    """
    try:
        environments = json.loads(file.read_bytes())
        return [_entry(name, settings) for name, settings in environments.items()]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise Stop(f"{file.name} does not tell the environments' settings: {error}") from None


def _entry(name: str, settings: dict[str, str]) -> dict[str, Any]:
    for setting, value in settings.items():
        if not isinstance(value, str):
            raise TypeError(f"{setting} of {name} is {value!r}, not text in quotation marks")
    return {
        "environment": name,
        "settings": {"ENVIRONMENT_SUFFIX": name} | settings,
        # A variable's name may hold no hyphen.
        "plan_role": f"PLAN_ROLE_ARN_{name.upper().replace('-', '_')}",
    }
