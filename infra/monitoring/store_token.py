"""The token with which Prometheus reads the metrics of MinIO."""

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta


def store_token(access_key: str, secret_key: str, *, now: datetime, lifetime: timedelta) -> str:
    """A JSON Web Token with HMAC-SHA-512 (RFC 7519), in the form that MinIO expects of Prometheus.

    It opens only the metrics, until its lifetime is over or the user of MinIO gets another secret key.
    """
    claims = {"exp": int((now + lifetime).timestamp()), "sub": access_key, "iss": "prometheus"}
    parts = [_base64(json.dumps(part).encode()) for part in ({"alg": "HS512", "typ": "JWT"}, claims)]
    signature = hmac.new(secret_key.encode(), ".".join(parts).encode(), hashlib.sha512).digest()
    return ".".join([*parts, _base64(signature)])


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
