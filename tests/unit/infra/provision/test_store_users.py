"""The passwords of the object store's users never pass a network as plain text."""

import pytest

from common.errors import SettingsError
from infra.provision.store_setup import create_users


@pytest.mark.parametrize(
    "endpoint", ["store.hospital.example:9000", "10.0.0.5:9000", "127.0.0.1.example:9000"]
)
def test_users_are_not_created_on_another_machine_without_tls(endpoint: str) -> None:
    """The request is not sent; the setting is named."""
    with pytest.raises(SettingsError, match="DCM2SET_MINIO_SECURE"):
        create_users(endpoint=endpoint, user="u", password="p", keys={}, images_prefix="images-")
