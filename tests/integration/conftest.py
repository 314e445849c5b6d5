"""Fixtures of the integration tests."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from infra.provision.function_card import FunctionCard, function_cards
from tests.support.local_home import RunningHome
from tests.support.own_database import create_database, drop_database, own_database
from tests.support.training_set_site import Site, own_site


@pytest.fixture(params=function_cards(), ids=lambda card: card.function)
def card(request: pytest.FixtureRequest) -> FunctionCard:
    """The card of each function in turn."""
    return request.param


@pytest.fixture
def empty_database(home: RunningHome) -> Iterator[str]:
    """The URL of a database without tables on the running server."""
    url = create_database(home.endpoints["database_url"])
    yield url
    drop_database(home.endpoints["database_url"], url)


@pytest.fixture
def site(endpoints: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A migrated database without rows and an empty bucket of pictures, as a home's commands see them."""
    with (
        own_database(endpoints["database_url"]) as url,
        own_site(endpoints, url, tmp_path_factory.mktemp("site")) as site,
    ):
        yield site


@pytest.fixture
def name() -> str:
    """A new name for a training set, because frozen files stay in the bucket."""
    return f"test-{secrets.token_hex(4)}"
