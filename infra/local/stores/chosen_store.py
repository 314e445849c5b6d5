"""Which object store a home has."""

from common.errors import SettingsError
from common.settings import Settings
from infra.local.home import Home
from infra.local.stores.local_store import LocalStore
from infra.local.stores.minio_server import MinioServer
from infra.local.stores.versitygw_server import VersitygwServer

STORES: dict[str, LocalStore] = {store.name: store for store in (MinioServer(), VersitygwServer())}


def chosen_store(home: Home, settings: Settings) -> LocalStore:
    """The store that has the home's objects; of a new home, the one in the settings.

    Raises SettingsError if the settings name another one than the home has.
    """
    there = next((name for name in STORES if home.store_data(name).exists()), None)
    wanted = settings.local_store
    if there is not None and wanted not in {None, there}:
        raise SettingsError(
            f"The objects of the home {home.folder} are in {STORES[there].program.title}: remove "
            "DCM2SET_LOCAL_STORE, or choose another home."
        )
    return STORES[there or wanted or MinioServer.name]
