"""What `docker compose up` starts works together: from a NAS folder to verdicts, through all functions.

`make compose` runs it without Docker: each service's command, with exactly the environment, secrets, mounts,
user and networks that compose.yaml gives it. `make docker` runs it under Docker, with images of this
checkout. Both have a network of their own.
"""

import os
import re
import stat
from collections.abc import Iterator

import pytest
import urllib3
from urllib3.util import make_headers

from common.store.minio_store import MinioStore
from common.store.object_key import Location
from infra.demo.demo_files import create_nas_folders
from infra.health.status import is_waiting
from tests.compose.container import Container
from tests.compose.docker.installation import DockerContainer, DockerInstallation, docker_installation
from tests.compose.installed import Installation, installation
from tests.support.compose_file import FUNCTIONS
from tests.support.local_home import wait_for

HOST = "localhost"
Running = Installation | DockerInstallation
FILES = 24  # of the demonstration, with as many frames


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running installation with a NAS of real files."""
    place = tmp_path_factory.mktemp("compose")
    nas = place / "nas"
    create_nas_folders(nas)
    for path in [nas, *nas.rglob("*")]:
        os.chown(path, 65532, 65532)
    for parent in [place, *place.parents][:3]:
        parent.chmod(parent.stat().st_mode | stat.S_IXOTH)
    settings = "DCM2SET_NAS_POLL_SECONDS=1\nDCM2SET_NAS_QUIET_SECONDS=1\n"
    start = docker_installation if os.environ.get("TEST_DOCKER") else installation
    with start(place / "site", "--nas", nas.as_uri(), settings=settings) as running:
        yield running


@pytest.fixture
def https(running: Running) -> Iterator[urllib3.PoolManager]:
    """A client that trusts the certificate of the installation, and no other."""
    with urllib3.PoolManager(ca_certs=str(running.folder / "secrets/proxy.pem"), retries=False) as pool:
        yield pool


def test_services_start_in_their_order(running: Running) -> None:
    """The store and the database are first, then provision, the functions, and what needs them."""
    place = {name: number for number, name in enumerate(running.order)}
    assert max(place["store"], place["postgres"]) < place["provision"]
    for name in FUNCTIONS:
        assert place["provision"] < place[name]
    assert max(place["sweep"], place["review"]) < place["timers"]


def test_the_nas_becomes_images_with_verdicts(running: Running) -> None:
    """Every file and frame of the NAS is somewhere, with difference 0, and none waits."""

    def balance_of_all() -> dict[str, int] | None:
        status = running.status()
        is_idle = status["balance"]["files_found"] >= FILES and not is_waiting(status)
        return dict(status["balance"]) if is_idle else None

    balance = wait_for(balance_of_all, seconds=300, pause=1)
    assert balance, running.status()
    assert (0, 0) == (balance["files_difference"], balance["images_difference"])
    assert (15, FILES) == (balance["files_extracted"], balance["frames"])


def test_the_operator_exports_a_training_set(running: Running) -> None:
    """The image of the operator has what training sets need, with the card's plots."""
    running.operator("export", "demo", "--any-label", "--without-statement", "A test.", "--out", "/out/demo")
    images = list((running.folder / "out/demo").rglob("*.png"))
    assert running.status()["balance"]["images_good"] <= len(images)
    assert "The export is as it was written." in running.operator("verify", "/out/demo")


def test_provision_runs_again_without_harm(running: Running) -> None:
    """While the functions run, a second `up` provisions again, and all functions stay healthy."""
    done = running.containers["provision"].run()
    assert (0, "") == (done.returncode, done.stderr)
    assert "no migration was due" in done.stdout
    test_the_nas_becomes_images_with_verdicts(running)
    assert {"ok"} == {_health(running, name) for name in FUNCTIONS}


def _health(running: Running, name: str) -> str:
    url = f"http://{running.containers[name].address}:8080/"
    return str(urllib3.request("GET", url, retries=False, timeout=10).json()["status"])


def test_the_first_user_signs_in_by_tls(running: Running, https: urllib3.PoolManager) -> None:
    """The command of the operator prints a link to the page; it opens, with a cookie for TLS only."""
    link = running.operator("users", "add", "admin", "--role", "reviewer").strip()
    assert link.startswith(f"https://{HOST}/invitations/")
    page = https.request("GET", link, headers={"Accept": "text/html"})
    assert 200 == page.status
    assert "max-age=31536000" == page.headers["Strict-Transport-Security"]
    assert b'name="password"' in page.data
    with pytest.raises(urllib3.exceptions.ProtocolError):
        urllib3.request("GET", f"http://{HOST}:443/", retries=False, timeout=5)


def test_the_store_is_reached_by_tls_but_not_its_administration(
    running: Running, https: urllib3.PoolManager
) -> None:
    """Other machines put and read objects with their keys; users, metrics and health stay inside."""
    keys = {
        "access_key": "dcm2set-operator",
        "secret_key": _secret(running, "operator/DCM2SET_MINIO_SECRET_KEY"),
    }
    certificate = running.folder / "secrets/proxy.pem"
    store = MinioStore(endpoint=f"{HOST}:9443", secure=True, ca_file=certificate, **keys)  # type: ignore[arg-type]
    location = Location("raw", "incoming/no dicom + %.dcm")
    store.put(location, b"no DICOM file", content_type="application/octet-stream")
    moved = wait_for(lambda: list(store.list_prefix("quarantine", "raw/incoming/")), seconds=60)
    assert moved
    for path in (
        "/minio/v2/metrics/cluster",
        "/minio/health/ready",
        "//minio/admin/v3/info",
        "/%6dinio/admin/v3/info",
    ):
        assert 404 == https.request("GET", f"https://{HOST}:9443{path}").status, path


def test_prometheus_reaches_every_target(running: Running, https: urllib3.PoolManager) -> None:
    """Behind a password, it has all functions and the store, and the rules of the alerts."""
    url = f"https://{HOST}:9490/api/v1"
    assert 401 == https.request("GET", f"{url}/targets").status
    password = _secret(running, "monitoring_password")
    headers = make_headers(basic_auth=f"operator:{password}")

    def healthy() -> set[str]:
        targets = https.request("GET", f"{url}/targets", headers=headers).json()["data"]["activeTargets"]
        return {target["labels"]["instance"] for target in targets if target["health"] == "up"}

    expected = {f"{name}:8080" for name in FUNCTIONS} | {"store:9000"}
    assert wait_for(lambda: healthy() == expected, seconds=60, pause=1), healthy()
    rules = https.request("GET", f"{url}/rules", headers=headers).json()["data"]["groups"]
    assert {"dcm2set", "dcm2set-store"} == {group["name"] for group in rules}


def test_no_secret_is_in_a_log(running: Running) -> None:
    """None of the secrets is in what a service printed, nor in a command line or an environment."""
    files = [
        path
        for path in (running.folder / "secrets").rglob("*")
        if re.search("KEY$|PASSWORD$|^token", path.name)
    ]
    secrets = [line for path in files for line in path.read_text().split() if len(line) >= 16]
    said = running.printed() + running.given()
    assert 18 < len(secrets)
    assert [] == [secret for secret in secrets if secret in said]


def test_a_service_has_no_more_than_the_file_gives_it(running: Running) -> None:
    """Seen from inside: no capability, not root, a root that can't be written, own secrets only."""
    extract = running.containers["extract"]
    status = "open('/proc/self/status').read()"
    assert _is_true(
        extract, rf"re.search(r'CapBnd:\s+0+\n', {status}) and re.search(r'NoNewPrivs:\s+1\n', {status})"
    )
    assert _is_true(extract, "os.getuid() == 65532 and os.access('/tmp', os.W_OK)")
    fixed = "('/', '/usr', '/etc', '/opt', '/run')"
    assert _is_true(extract, f"not [path for path in {fixed} if os.access(path, os.W_OK)]")
    key = "/run/secrets/DCM2SET_PSEUDONYM_KEY"
    assert _is_true(extract, f"os.access('{key}', os.R_OK)")
    for name in set(FUNCTIONS) - {"extract"}:
        assert _is_true(running.containers[name], f"not os.path.exists('{key}')")
    assert _is_true(extract, "socket.gethostbyname('postgres')")
    assert not running.containers["proxy"].check(["getent", "hosts", "postgres"])
    assert running.containers["proxy"].check(["getent", "hosts", "review"])


def _is_true(container: Container | DockerContainer, expression: str) -> bool:
    """Whether a Python expression is true within a service."""
    program = f"import os, re, socket, sys; sys.exit(not ({expression}))"
    return container.check(["python3", "-c", program])


def test_every_function_starts_again(running: Running) -> None:
    """Ended and started one after another, while all servers run, each is healthy; -rP shows the seconds."""
    for name in FUNCTIONS:
        seconds = running.start_again(name)
        assert seconds is not None, running.printed()[-2000:]
        print(f"{name}: {seconds:.2f} s to the first healthy answer")  # noqa: T201 what -rP is for


def _secret(running: Running, name: str) -> str:
    return (running.folder / "secrets" / name).read_text().strip()
