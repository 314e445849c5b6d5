"""A real API server of Kubernetes with its database, on TCP ports of loopback, and its client.

Nothing runs pods: objects are checked and stored, and that is all.
"""

import csv
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from infra.local.stores.go_program import cache_folder
from tests.support.free_ports import free_ports
from tests.support.local_home import wait_for

VERSION = "v1.34.3"
_MAIN = Path(__file__).parent / "server_program"
_ISSUER = "https://kubernetes.example"


def program() -> Path:
    """The binary, built once: about 8 minutes of processor time, and 2 GB of disk for Go's cache."""
    binary = cache_folder() / f"kubernetes-{VERSION}"
    if not binary.exists():
        package = "k8s.io/component-base/version"
        numbers = {"gitVersion": VERSION, "gitMajor": "1", "gitMinor": VERSION.split(".")[1]}
        flags = "-s -w " + " ".join(f"-X {package}.{name}={value}" for name, value in numbers.items())
        command = ["nice", "go", "build", "-p=1", "-mod=readonly", "-trimpath", "-ldflags", flags, "-o"]
        part = binary.with_name(binary.name + ".part")
        environment = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": ""}
        subprocess.run([*command, str(part), "."], cwd=_MAIN, env=environment, check=True)
        part.replace(binary)
    return binary


@dataclass(frozen=True)
class Answer:
    """What the server says about an object."""

    status: int
    warnings: list[str]
    message: str


@dataclass(frozen=True)
class ApiServer:
    """A running API server, and how it is asked."""

    url: str
    token: str
    http: urllib3.PoolManager

    def kubectl(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run the client of the same version."""
        server = ["--server", self.url, "--token", self.token, "--insecure-skip-tls-verify"]
        command = [str(program()), "kubectl", *server, *arguments]
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "KUBECONFIG": "/dev/null"}
        return subprocess.run(
            command, input=stdin, env=environment, capture_output=True, text=True, check=False, timeout=300
        )

    def dry_run(self, manifest: Mapping[str, Any]) -> Answer:
        """What `kubectl create --dry-run=server --validate=strict` would ask, in one request."""
        path = self._path(manifest)
        if path is None:
            return Answer(404, [], f"no kind {manifest['kind']} in {manifest['apiVersion']}")
        answer = self._request("POST", f"{path}?dryRun=All&fieldValidation=Strict", manifest)
        body = answer.json()
        return Answer(answer.status, answer.headers.getlist("Warning"), str(body.get("message", "")))

    def _path(self, manifest: Mapping[str, Any]) -> str | None:
        version = str(manifest["apiVersion"])
        group = f"/apis/{version}" if "/" in version else f"/api/{version}"
        known = self._request("GET", group)
        if known.status != 200:
            return None
        for each in known.json()["resources"]:
            if each["kind"] == manifest["kind"] and "/" not in each["name"]:
                namespace = f"/namespaces/{manifest['metadata']['namespace']}" if each["namespaced"] else ""
                return f"{group}{namespace}/{each['name']}"
        return None

    def _request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> urllib3.BaseHTTPResponse:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        return self.http.request(method, self.url + path, headers=headers, body=content)

    def is_ready(self) -> bool:
        """Whether it takes objects."""
        try:
            return self._request("GET", "/readyz").status == 200
        except urllib3.exceptions.HTTPError:
            return False


@contextmanager
def running_api_server() -> Iterator[ApiServer]:
    """Start etcd and the API server, and end both."""
    etcd = shutil.which("etcd")
    if etcd is None:
        raise SystemExit("etcd is missing (Debian: apt install etcd-server).")
    binary = str(program())
    urllib3.disable_warnings()
    with tempfile.TemporaryDirectory(prefix="dcm2set-kubernetes-") as place, ExitStack() as stack:
        folder, (client, peer, port) = Path(place), free_ports(3)
        stack.enter_context(_process(_etcd(etcd, folder, client, peer), folder / "etcd.log"))
        token = secrets.token_urlsafe(24)
        command = [binary, "api-server", *_flags(folder, token, port=port, etcd=client)]
        process = stack.enter_context(_process(command, folder / "api-server.log"))
        pool = urllib3.PoolManager(cert_reqs="CERT_NONE", assert_hostname=False, retries=False, timeout=60)
        server = ApiServer(f"https://127.0.0.1:{port}", token, pool)
        wait_for(lambda: server.is_ready() or process.poll() is not None, seconds=120)
        if process.poll() is not None or not server.is_ready():
            raise SystemExit((folder / "api-server.log").read_text()[-3000:])
        yield server


def _etcd(binary: str, folder: Path, client: int, peer: int) -> list[str]:
    urls = {"client": f"http://127.0.0.1:{client}", "peer": f"http://127.0.0.1:{peer}"}
    options = [f"--listen-{name}-urls={url}" for name, url in urls.items()]
    options += [f"--advertise-client-urls={urls['client']}", f"--initial-advertise-peer-urls={urls['peer']}"]
    return [binary, *options, f"--initial-cluster=default={urls['peer']}", f"--data-dir={folder / 'etcd'}"]


def _flags(folder: Path, token: str, *, port: int, etcd: int) -> Sequence[str]:
    key = folder / "accounts.key"
    openssl = shutil.which("openssl") or "openssl"
    subprocess.run([openssl, "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    with (folder / "tokens.csv").open("w", newline="") as file:
        csv.writer(file).writerow([token, "operator", "1", "system:masters"])
    (folder / "tokens.csv").chmod(0o600)
    return [
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certificates'}",
        "--service-cluster-ip-range=10.96.0.0/16",
        f"--service-account-issuer={_ISSUER}",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        # No controller makes the default account of a namespace here.
        "--disable-admission-plugins=ServiceAccount",
    ]


@contextmanager
def _process(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
