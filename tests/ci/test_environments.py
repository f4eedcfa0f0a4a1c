"""The one file of the environments and their settings."""

import json
from pathlib import Path
from typing import Any

import pytest

from settings import Settings
from tools.ci import environments
from tools.ci.github import Stop

COMMITTED: dict[str, dict[str, Any]] = json.loads(environments.FILE.read_bytes())
DEV = COMMITTED["dev"] | {"STATE_BUCKET": "a-state-bucket"}


def matrix(folder: Path, content: object) -> list[dict[str, Any]]:
    file = folder / "environments.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return environments.matrix(file)


@pytest.mark.parametrize("name", COMMITTED)
def test_the_committed_file_gives_every_setting_and_is_allowed(tmp_path: Path, name: str) -> None:
    # Only who deploys can say what the state's bucket is called.
    settings = COMMITTED[name] | {"STATE_BUCKET": COMMITTED[name]["STATE_BUCKET"] or "a-state-bucket"}
    [entry] = matrix(tmp_path, {name: settings})
    assert entry["settings"].keys() == Settings.rules().keys()


def test_an_entry_has_what_the_workflows_read(tmp_path: Path) -> None:
    [dev, other] = matrix(tmp_path, {"dev": DEV, "eu-prod": DEV})
    assert dev["settings"] == DEV | {"ENVIRONMENT_SUFFIX": "dev"}
    assert (other["environment"], other["plan_role"]) == ("eu-prod", "PLAN_ROLE_ARN_EU_PROD")


@pytest.mark.parametrize("setting", DEV)
def test_a_setting_that_is_left_out_is_an_error(tmp_path: Path, setting: str) -> None:
    with pytest.raises(Stop, match=rf"environments\.json: dev leaves out {setting}"):
        matrix(tmp_path, {"dev": {name: value for name, value in DEV.items() if name != setting}})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"dev": DEV | {"PROTECT_DATA": "yes"}}, "dev: PROTECT_DATA is 'yes'"),
        ({"dev": DEV | {"PROTECT_DATA": True}}, "dev: PROTECT_DATA is true, not a string in quotes"),
        ({"dev": DEV | {"STATE_BUCKET": ""}}, "dev: STATE_BUCKET is ''"),
        ({"dev": DEV | {"REGION": "x"}}, "dev has REGION, which is no setting"),
        ({"Dev": DEV}, "Dev: ENVIRONMENT_SUFFIX is 'Dev'"),
        ([DEV], "environments.json: "),
        ({"dev": []}, "environments.json: "),
        ("{", "environments.json: "),
    ],
)
def test_what_is_not_allowed_is_one_line(tmp_path: Path, content: object, words: str) -> None:
    with pytest.raises(Stop, match=words) as stopped:
        matrix(tmp_path, content)
    assert "\n" not in str(stopped.value)


def test_a_name_is_one_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "environments.json"
    file.write_text('{"dev": {}, "eu-prod": {}}')
    environments.check_name("eu-prod", file)
    with pytest.raises(
        Stop, match=r"'prod': allowed is what \.github/environments\.json names: dev, eu-prod$"
    ):
        environments.check_name("prod", file)
    file.write_text("{}")
    with pytest.raises(Stop, match="names: none"):
        environments.check_name("prod", file)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", r"environments\.json: Expecting"),
        ("[]", r"environments\.json: not an object"),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: str | None, words: str) -> None:
    file = tmp_path / "environments.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Stop, match=words):
        environments.check_name("dev", file)
