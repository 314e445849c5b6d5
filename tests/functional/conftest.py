"""The pipeline on in-memory ports; settings, caches and the log are restored after each test."""

from collections.abc import Iterator, Mapping
from types import ModuleType

import pytest

from common import wiring
from common.settings import settings
from common.stage import backlog
from deidentification.profile import Profile
from deidentification.pseudonym import Pseudonyms
from deidentification.pseudonym_space import Space
from functions.annotations import main as annotations_main
from functions.extract import main as extract_main
from functions.extract.deidentified_instance import deidentify
from functions.extract.instance_preparer import InstancePreparer
from functions.poll_nas import main as poll_nas_main
from functions.quality import main as quality_main
from functions.store_metadata import main as store_metadata_main
from functions.sweep import main as sweep_main
from functions.sweep.backlog_drain import BacklogAnswer
from imaging.frames.image_file import read_image_file
from imaging.options import Limits
from tests.functional.pipeline import Pipeline
from tests.in_memory.ledger import InMemoryLedger
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
    "DCM2SET_RECONCILE_SECONDS": "0",  # the rows in memory have no SQL
}


class InProcessSender:
    """Sends the requests of the sweep to the functions in the same process."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def send(self, function: str, event: Mapping[str, object]) -> str:
        status = self._pipeline.send(function, dict(event)).status_code
        return {200: "settled", 503: "retry"}.get(status, "refused")

    def drain(self, function: str, seconds: float) -> BacklogAnswer:
        answer = self._pipeline.send(function, backlog.request(seconds)).json
        return BacklogAnswer(answer.get("items", {}), has_more=answer.get("more", False))


@pytest.fixture
def model() -> FixedModel:
    """The verdict of the quality model: good, unless a test sets another one."""
    return FixedModel()


def _clear_caches() -> None:
    settings.cache_clear()
    for main in MAINS.values():
        main._target.cache_clear()  # noqa: SLF001 built once per process, but here for each test


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch, tmp_path, model: FixedModel) -> Iterator[Pipeline]:
    """All functions, through their main.py, on in-memory ports."""
    pipeline = Pipeline({name: getattr(main, name) for name, main in MAINS.items()})
    monkeypatch.chdir(tmp_path)  # so that no .env file of a developer is read
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    key = Pseudonyms(bytes.fromhex(ENVIRONMENT["DCM2SET_PSEUDONYM_KEY"]))
    pipeline.allocation.known_spaces = [Space(1, "first", key.key_check, has_erased=False)]
    monkeypatch.setattr(wiring, "object_store", lambda: pipeline.store)
    monkeypatch.setattr(wiring, "database", lambda: pipeline.database)
    monkeypatch.setattr(wiring, "ledger", lambda function: InMemoryLedger(function, pipeline.table))
    monkeypatch.setattr(extract_main, "PostgresAllocation", lambda *_, **__: pipeline.allocation)
    monkeypatch.setattr(extract_main, "sandbox_pool", lambda rules, _: InstancePreparer(rules))
    monkeypatch.setattr(store_metadata_main, "PostgresMetadataRows", lambda: pipeline.metadata)
    monkeypatch.setattr(quality_main, "PostgresVerdictRows", lambda _: pipeline.verdicts)
    monkeypatch.setattr(quality_main, "load_quality_model", lambda _: model)
    monkeypatch.setattr(annotations_main, "PostgresLabelRows", lambda _: pipeline.labels)
    monkeypatch.setattr(poll_nas_main, "PostgresSourceRows", lambda _: pipeline.sources)
    monkeypatch.setattr(poll_nas_main, "open_nas", lambda _, **__: pipeline.nas)
    monkeypatch.setattr(sweep_main, "http_sender", lambda *_, **__: InProcessSender(pipeline))
    _clear_caches()
    yield pipeline
    _clear_caches()


@pytest.fixture
def future_key() -> str:
    """The key that the image of the CT slice will get; pseudonyms depend on the pseudonym key only."""
    pseudonyms = Pseudonyms(bytes.fromhex(ENVIRONMENT["DCM2SET_PSEUDONYM_KEY"]))
    file = read_image_file(real_path(), Limits())
    return deidentify(file, pseudonyms, Profile()).path.frame(1)
