"""Did the synthesized JSON change? After a wanted change: `make snapshots`, and review the difference."""

import json
import re

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from tests.template import Template, deploy_roles


@pytest.fixture
def json_snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


def test_pipeline(pipeline: Template, json_snapshot: SnapshotAssertion) -> None:
    assert _mask_asset_hashes(pipeline) == json_snapshot


def test_protected_pipeline(protected_pipeline: Template, json_snapshot: SnapshotAssertion) -> None:
    assert _mask_asset_hashes(protected_pipeline) == json_snapshot


def test_bootstrap(bootstrap: Template, json_snapshot: SnapshotAssertion) -> None:
    assert _mask_asset_hashes(bootstrap) == json_snapshot


def test_deploy_roles(json_snapshot: SnapshotAssertion) -> None:
    assert deploy_roles().json == json_snapshot


def test_protecting_deploy_roles(json_snapshot: SnapshotAssertion) -> None:
    assert deploy_roles(PROTECT_DATA="true").json == json_snapshot


def _mask_asset_hashes(template: Template) -> object:
    masked: object = json.loads(
        re.sub(r"(assets/[^/\"]+)/[0-9A-F]{32}/", r"\1/HASH/", json.dumps(template.json))
    )
    return masked
