"""The line on in-memory ports; settings, caches and the log are put back after each test."""

from collections.abc import Iterator, Mapping
from types import ModuleType

import pytest

from common import wiring
from common.settings import settings
from common.stage import backlog
from deidentification.profile import Profile
from deidentification.pseudonym import Pseudonyms
from functions.annotations import main as annotations_main
from functions.extract import main as extract_main
from functions.extract.deidentified_instance import deidentify
from functions.extract.prepared_instance import InstancePreparer
from functions.poll_nas import main as poll_nas_main
from functions.quality import main as quality_main
from functions.store_metadata import main as store_metadata_main
from functions.sweep import main as sweep_main
from functions.sweep.resend import Asked
from imaging.frames.image_checks import Limits
from imaging.frames.image_file import read_image_file
from tests.functional.line import Line
from tests.in_memory.ledger import InMemoryLedger
from tests.in_memory.log import captured_log
from tests.in_memory.quality_model import FixedModel
from tests.in_memory.requests import TOKEN
from tests.support.factories import real_path

MAINS: Mapping[str, ModuleType] = {
    "annotations": annotations_main,
    "extract": extract_main,
    "poll_nas": poll_nas_main,
    "quality": quality_main,
    "store_metadata": store_metadata_main,
    "sweep": sweep_main,
}
ENVIRONMENT = {
    "DCM2SET_TOKEN": TOKEN,
    "DCM2SET_PSEUDONYM_KEY": "5a" * 32,
    "DCM2SET_NAS_URL": "file:///nas",
    "DCM2SET_BURNED_IN_TEXT": "hold",
}


class InProcessSender:
    """Hands events of the sweep to the functions of the same process."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def send(self, function: str, event: Mapping[str, object]) -> str:
        status = self._line.send(function, dict(event)).status_code
        return {200: "settled", 503: "retry"}.get(status, "refused")

    def ask(self, function: str) -> Asked:
        told = self._line.send(function, backlog.REQUEST).json
        return Asked(told.get("items", {}), has_more=told.get("more", False))


@pytest.fixture(autouse=True)
def log() -> Iterator[list[str]]:
    """The lines the project logs in a test."""
    with captured_log() as lines:
        yield lines


@pytest.fixture
def model() -> FixedModel:
    """What the quality model answers; good unless a test says otherwise."""
    return FixedModel()


def _forget() -> None:
    settings.cache_clear()
    for main in MAINS.values():
        main._target.cache_clear()  # noqa: SLF001 built once a process, but anew for each test


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, tmp_path, model: FixedModel) -> Iterator[Line]:
    """Every function with its own main.py, on in-memory ports."""
    line = Line({name: getattr(main, name) for name, main in MAINS.items()})
    monkeypatch.chdir(tmp_path)  # no .env of the developer's
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(wiring, "object_store", lambda: line.store)
    monkeypatch.setattr(wiring, "database", lambda: line.database)
    monkeypatch.setattr(wiring, "ledger", lambda function: InMemoryLedger(function, line.table))
    monkeypatch.setattr(extract_main, "PostgresAllocation", lambda *_, **__: line.allocation)
    monkeypatch.setattr(extract_main, "DrawingProcesses", lambda rules, **_: InstancePreparer(rules))
    monkeypatch.setattr(store_metadata_main, "PostgresMetadataRows", lambda: line.metadata)
    monkeypatch.setattr(quality_main, "PostgresVerdictRows", lambda _: line.verdicts)
    monkeypatch.setattr(quality_main, "load_quality_model", lambda _: model)
    monkeypatch.setattr(annotations_main, "PostgresLabelRows", lambda _: line.labels)
    monkeypatch.setattr(poll_nas_main, "PostgresSourceRows", lambda _: line.sources)
    monkeypatch.setattr(poll_nas_main, "open_nas", lambda _, **__: line.nas)
    monkeypatch.setattr(sweep_main, "http_sender", lambda *_, **__: InProcessSender(line))
    _forget()
    yield line
    _forget()


@pytest.fixture
def future_key() -> str:
    """The key that the CT slice's image will get: pseudonyms are the same wherever the key is."""
    pseudonyms = Pseudonyms(bytes.fromhex(ENVIRONMENT["DCM2SET_PSEUDONYM_KEY"]))
    file = read_image_file(real_path(), Limits())
    return deidentify(file, pseudonyms, Profile()).path.frame(1)
