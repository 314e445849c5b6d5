"""Fixtures of the quality model's tests."""

import pytest

from model.artefact import QualityModel, load_quality_model
from model.card import DEFAULT_MODEL


@pytest.fixture(scope="module")
def model() -> QualityModel:
    return load_quality_model(DEFAULT_MODEL)
