"""Fixtures of the quality model's tests."""

import pytest

from model.artefact import DEFAULT_MODEL, QualityModel, load_quality_model


@pytest.fixture(scope="module")
def model() -> QualityModel:
    return load_quality_model(DEFAULT_MODEL)
