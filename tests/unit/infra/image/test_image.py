"""What a container of the image starts, what its health check says, and what the images are pinned to."""

import importlib
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from common.errors import SettingsError
from infra.image.health import health
from infra.image.runtime_root import VENV, write_command
from infra.image.serve import chosen_card, chosen_port, environment_of
from infra.local.stores.minio_server import MINIO
from infra.provision.function_card import FunctionCard, function_cards
from infra.provision.serving import serving_command
from tests.support.free_ports import free_port
from tests.support.repository import ROOT

_FOLDER = ROOT / "infra" / "image"
_FILES = {name: (_FOLDER / name).read_text(encoding="utf-8") for name in ("Dockerfile", "minio.Dockerfile")}


@pytest.mark.parametrize("card", function_cards(), ids=lambda card: card.function)
def test_every_function_can_be_chosen(card: FunctionCard) -> None:
    """FUNCTION chooses the function, its threads and its workers; what is set already stays."""
    chosen = chosen_card({"FUNCTION": card.function})
    assert card == chosen
    assert str(card.threads) == environment_of(chosen, {})["THREADS"]
    assert "/tmp/metrics" == environment_of(chosen, {})["PROMETHEUS_MULTIPROC_DIR"]
    several = environment_of(chosen, {"DCM2SET_WORKERS": "3", "THREADS": "2"})
    assert ("3" if card.events else str(card.workers_here()), "2") == (several["WORKERS"], several["THREADS"])
    command = serving_command(chosen, host="0.0.0.0", port=8080)
    assert ["--target", card.function] == command[command.index("--target") :][:2]
    if card.first is not None:
        assert ["--first", card.first] == command[command.index("--first") :][:2]
        assert callable(importlib.import_module(card.first).start)


@pytest.mark.parametrize(
    ("environment", "wrong"),
    [
        ({}, "FUNCTION is not set; set it to one of: annotations, extract"),
        ({"FUNCTION": "nothing"}, "FUNCTION is 'nothing'; set it to one of"),
    ],
)
def test_a_wrong_function_is_told(environment: dict[str, str], wrong: str) -> None:
    """The sentence names the variable and what it may be."""
    with pytest.raises(SettingsError, match=wrong):
        chosen_card(environment)


@pytest.mark.parametrize("text", ["0", "65536", "x", "-1", "٣"])
def test_a_wrong_port_is_told(text: str) -> None:
    """PORT is a TCP port; without it 8080."""
    assert (8080, 81) == (chosen_port({}), chosen_port({"PORT": "81"}))
    with pytest.raises(SettingsError, match="PORT is not a TCP port"):
        chosen_port({"PORT": text})


@contextmanager
def _answering(answer: object) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Keep standard error clean."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ({"status": "ok"}, ""),
        (
            {"status": "degraded", "checks": {"database": "It is away.", "object store": "ok"}},
            "database: It is away.",
        ),
        ([], "The function does not answer."),
    ],
)
def test_the_health_check_says_what_is_away(answer: object, wrong: str) -> None:
    """It repeats what the function says of its dependencies."""
    with _answering(answer) as port:
        assert wrong == health(port)


def test_a_function_that_is_not_there_is_not_healthy() -> None:
    """Nothing listens."""
    assert "The function does not answer." == health(free_port(), seconds=2)


def test_images_are_pinned_and_confined() -> None:
    """Both have one base, by digest, a user without rights and a health check; MinIO is the runner's."""
    bases = {re.search(r"^ARG BASE=(\S+)$", text, re.MULTILINE)[1] for text in _FILES.values()}
    (base,) = bases
    assert re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", base)
    for text in _FILES.values():
        assert "USER 65532:65532" in text
        assert "\nHEALTHCHECK " in text
        assert "FROM scratch" in text
        assert not re.search(r"^RUN (?!\[|--mount)", text, re.MULTILINE), "a step that needs a shell"
    assert f"github.com/minio/minio@{MINIO.version}" in _FILES["minio.Dockerfile"]
    assert MINIO.version in re.search(r'version="(\S+)"', _FILES["minio.Dockerfile"])[1]


def test_the_image_has_the_command_line(tmp_path: Path) -> None:
    """`dcm2set` is a program of the image, which compose files and manifests start by its name."""
    write_command(tmp_path)
    first, *rest = (tmp_path / "dcm2set").read_text(encoding="ascii").splitlines()
    assert os.access(tmp_path / "dcm2set", os.X_OK)
    assert f"#!{VENV}/bin/python3" == first
    assert f"PATH={VENV}/bin" in _FILES["Dockerfile"]
    assert ["from infra.cli import main", "main()"] == [line for line in rest if line]
