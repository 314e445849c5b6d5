"""The token with which Prometheus reads the metrics of MinIO."""

import base64
import json
from datetime import UTC, datetime, timedelta

from infra.monitoring.store_token import store_token

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def _decoded(part: str) -> dict[str, object]:
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def test_the_token_names_the_user_and_its_end() -> None:
    """Its parts are those of RFC 7519, without padding; MinIO looks the key up by the user's name."""
    token = store_token("operator", "secret", now=NOW, lifetime=timedelta(days=2))
    header, claims, _ = token.split(".")
    assert "=" not in token
    assert {"alg": "HS512", "typ": "JWT"} == _decoded(header)
    ends_at = int((NOW + timedelta(days=2)).timestamp())
    assert {"exp": ends_at, "sub": "operator", "iss": "prometheus"} == _decoded(claims)


def test_another_key_gives_another_signature() -> None:
    """The key itself is nowhere in the token."""
    one, other = (
        store_token("operator", key, now=NOW, lifetime=timedelta(days=1)) for key in ("secret", "another")
    )
    assert one.rpartition(".")[0] == other.rpartition(".")[0]
    assert one != other
    assert "secret" not in one
