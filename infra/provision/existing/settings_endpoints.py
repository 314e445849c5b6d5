"""What commands of the operator use where no home is: the servers in the settings, as for `provision`."""

from typing import Any

_NEEDED = ("database_url", "minio_endpoint", "minio_access_key", "minio_secret_key")


def endpoints_of_settings() -> dict[str, Any] | None:
    """The same as endpoints.json of a home; None if the settings lack one of the servers or its keys."""
    from common import wiring
    from common.settings import load_settings

    settings = load_settings()
    if any(getattr(settings, name) is None for name in _NEEDED):
        return None
    has_token = settings.token_file is not None or settings.token is not None
    return {
        "home": None,
        "minio": wiring.store_access(settings),
        "store": "minio",
        "notifications": settings.store_notifications,
        "listing_seconds": settings.listing_seconds,
        "iam": None,
        "database_url": settings.required("database_url"),
        "functions": settings.function_urls,
        "nas": None,
        "token": wiring.tokens_of(settings).current if has_token else None,
    }
