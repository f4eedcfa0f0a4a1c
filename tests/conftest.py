import pytest

from tests.template import Template, order_pipeline, state_bucket


@pytest.fixture(scope="session")
def pipeline() -> Template:
    return order_pipeline()


@pytest.fixture(scope="session")
def protected_pipeline() -> Template:
    return order_pipeline(PROTECT_DATA="true")


@pytest.fixture(scope="session")
def bootstrap() -> Template:
    return state_bucket()
