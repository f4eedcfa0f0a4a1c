import gc
import os
from collections.abc import Generator, Iterator

import lean_cdktf  # noqa: F401
import pytest
from hypothesis import settings

from tests.template import Template, order_pipeline, state_bucket
from tools.local.cloud import ROOT, LocalCloud

# How long an example takes is the machine's affair. `make check` asks for fewer of them.
settings.register_profile("project", deadline=None, max_examples=int(os.environ.get("EXAMPLES", "30")))
settings.load_profile("project")


# They wait for minutes, beside which the others run: what begins last must not take longest.
LONGEST = ["test_lifecycle.py", "test_deployed.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, the others in their order: so pytest-xdist hands them out."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def pytest_collection_finish() -> None:
    """All that is imported stays: Python need not look through it again and again for garbage."""
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A snapshot that does not match ends with what to do if that was wanted."""
    report = yield
    if report.failed and "snapshot" in getattr(item, "fixturenames", ()):
        report.sections.append(("wanted?", "make snapshots, then review the difference with git diff"))
    return report


@pytest.fixture(scope="session")
def pipeline() -> Template:
    return order_pipeline()


@pytest.fixture(scope="session")
def protected_pipeline() -> Template:
    return order_pipeline(PROTECT_DATA="true")


@pytest.fixture(scope="session")
def bootstrap() -> Template:
    return state_bucket(STATE_BUCKET="team-state")


@pytest.fixture(scope="session")
def shared_cloud() -> Iterator[LocalCloud]:
    with LocalCloud(ROOT / f".local-test-{os.getpid()}") as cloud:
        yield cloud


@pytest.fixture
def cloud(shared_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leads boto3 to a local cloud that all tests share, in this process and in those that it starts."""
    for name in os.environ.keys() - shared_cloud.environment().keys():
        monkeypatch.delenv(name)
    for name, value in shared_cloud.environment().items():
        monkeypatch.setenv(name, value)
