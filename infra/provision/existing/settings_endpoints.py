"""What commands of the operator use where no home runs: the servers in the settings, as for `provision`."""

from typing import Any

_NEEDED = ("database_url", "minio_endpoint", "minio_access_key", "minio_secret_key")


def endpoints_of_settings() -> dict[str, Any] | None:
    """The same as endpoints.json of a home; None if the settings lack one of the servers or its keys."""
    from common.settings import load_settings
    from common.tokens import TokenFile, Tokens

    settings = load_settings()
    if any(getattr(settings, name) is None for name in _NEEDED):
        return None
    tokens = Tokens(TokenFile(settings.token_file)) if settings.token_file else None
    return {
        "home": None,
        "minio": {
            "endpoint": settings.required("minio_endpoint"),
            "access_key": settings.required("minio_access_key"),
            "secret_key": settings.required("minio_secret_key"),
            "secure": settings.minio_secure,
            "ca_file": settings.minio_ca_file,
        },
        "store": "minio",
        "notifications": settings.store_notifications,
        "listing_seconds": settings.listing_seconds,
        "iam": None,
        "database_url": settings.required("database_url"),
        "functions": settings.function_urls,
        "nas": None,
        "token": tokens.current if tokens else settings.token and settings.required("token"),
    }
