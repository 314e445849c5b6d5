"""The page of the settings in force."""

import re
from html import unescape

import pytest

from common.database import Database
from tests.support.page_bench import PageBench

SECRETS = {
    "minio_secret_key": "hush-store",
    "database_url": "postgresql://nurse:hush-database@db.example/x",
    "token": "hush-token-hush-token",
    "nas_url": "synology+https://nurse:hush-nas@nas.example:5001/share?key=hush-query",
    "nas_password": "hush-password",
    "oidc_client_secret": "hush-client",
    "pseudonym_key": "a1" * 32,
    "former_pseudonym_keys": ["b2" * 32],
    "function_urls": {"extract": "http://user:hush-url@localhost:1/"},
}

EXPECTED = {
    "DCM2SET_PAGE_IDLE_MINUTES": ["5", "set; default 30"],
    "DCM2SET_PAGE_SESSION_HOURS": ["10", "default"],
    "DCM2SET_ALLOW_PLAINTEXT": ["false", "default"],
    "DCM2SET_PAGE_URL": ["\u2013", "default"],
    "DCM2SET_MINIO_SECRET_KEY": ["set", "set"],
    "DATABASE_URL": ["set", "set"],
    "DCM2SET_FORMER_PSEUDONYM_KEYS": ["set", "set"],
    "DCM2SET_OIDC_CLIENT_SECRET": ["set", "set"],
    "DCM2SET_NAS_DEVICE_ID": ["not known here", "only poll_nas has it"],
    "DCM2SET_NAS_QUIET_SECONDS": ["not known here", "only poll_nas has it"],
    "DCM2SET_NAS_URL": ["synology+https://…@nas.example:5001/share?…", "set"],
    "DCM2SET_FUNCTION_URLS": ['{"extract": "http://…@localhost:1/"}', "set"],
    "DCM2SET_TOKEN": ["set", "set"],
    "DCM2SET_DATABASE_PASSWORD": ["not set", "default"],
}


@pytest.fixture
def rows(database: Database) -> dict[str, list[str]]:
    """The cells of each row, by variable."""
    bench = PageBench.on(database, page_idle_minutes=5, **SECRETS)
    text = bench.sign_in("operator").get("/settings/").text
    bench.close()
    assert "hush" not in text
    assert "a1a1" not in text
    assert "b2b2" not in text
    text = text.replace("<wbr>", "")
    found = re.findall(r"<tr><th scope=\"row\"><code>(\w+)</code></th>(.*?)</tr>", text, re.DOTALL)
    return {name: [unescape(cell) for cell in re.findall(r">([^<]*)</td>", cells)] for name, cells in found}


def test_values(rows: dict[str, list[str]]) -> None:
    """With where they come from; of a secret only that it is set; of another function none is guessed."""
    assert {name: rows[name][:2] for name in EXPECTED} == EXPECTED


def test_every_setting_is_listed(rows: dict[str, list[str]]) -> None:
    """With its meaning."""
    from common.settings import Settings, variable_name

    assert set(map(variable_name, Settings.model_fields)) == set(rows)
    assert all(len(cells) == 3 and cells[2] for cells in rows.values())


def test_only_operators_see_them(bench: PageBench) -> None:
    """A viewer and a reviewer do not."""
    assert [403, 403] == [
        bench.sign_in(role).get("/settings/").status_code for role in ("viewer", "reviewer")
    ]
    assert [False, True] == [
        'href="/settings/"' in bench.sign_in(r).get("/").text for r in ("reviewer", "operator")
    ]
