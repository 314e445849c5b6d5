"""Looks of pictures: on black, on white, in colour."""

import numpy as np
import pytest

from model.artefact import QualityModel
from model.features.image_features import FEATURE_NAMES, image_features
from model.looks import Look, look_of
from tests.unit.model.pictures import Picture, real_picture


def look(picture: Picture) -> Look:
    return look_of(dict(zip(FEATURE_NAMES, image_features(picture).tolist(), strict=True)))


def test_the_look_is_that_of_the_background() -> None:
    """A picture on black, the same on white, one without background, and one in colour."""
    picture = real_picture("CT_small.dcm")
    on_black = np.pad(picture, 40)
    assert look(on_black) is Look.ON_BLACK
    assert look(255 - on_black) is Look.ON_WHITE
    assert look(np.clip(picture, 20, 230)) is Look.ON_BLACK
    doppler = np.repeat(on_black[:, :, None], 3, axis=2)
    assert look(doppler) is Look.ON_BLACK
    doppler[60:120, 60:120] = [250, 40, 30]
    assert look(doppler) is Look.IN_COLOUR


@pytest.mark.parametrize("modality", ["CT", "PT", "NM", "CR"])
def test_practice_knows_these_modalities_on_white(model: QualityModel, modality: str) -> None:
    """Inversion is no fault of these modalities: training has seen both looks."""
    on_black = np.pad(real_picture("CT_small.dcm"), 40)
    for picture in (on_black, 255 - on_black):
        assert model.unfamiliar(modality, image_features(picture)) is None


def test_what_training_has_not_seen_is_told(model: QualityModel) -> None:
    """An unknown modality is unfamiliar whatever it looks like, and a known one in a look of others."""
    picture = np.pad(real_picture("CT_small.dcm"), 40)
    for modality in ("XA", None, ""):
        assert model.unfamiliar(modality, image_features(picture)) == "a modality that training has not seen"
    told = model.unfamiliar("MR", image_features(255 - picture))
    assert told == "on white, as training has not seen this modality"
