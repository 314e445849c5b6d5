"""quality: judges one PNG, and moves a black or low-quality image to suboptimal.

Trigger   ObjectCreated in every images-* bucket, suffix .png; POST without a body: all due items
Reads     images-*
Writes    verdict rows; moves bad images to suboptimal
Errors    not a PNG, too large, or an image that extract did not allocate: quarantined
"""

from functools import cache

from flask import Request, Response

from common import wiring
from common.http.http_target import Target, respond
from common.settings import settings
from functions.quality.check_image import ImageChecker
from functions.quality.verdict_rows import PostgresVerdictRows
from model.artefact import load_quality_model
from model.card import DEFAULT_MODEL
from model.judgement import Judge
from model.limits import ChosenLimits


def quality(request: Request) -> Response:
    """The HTTP target."""
    return respond(request, _target)


@cache
def _target() -> Target:
    config = settings()
    model = load_quality_model(config.model_path or DEFAULT_MODEL)
    chosen = ChosenLimits(config.quality_review_from, config.quality_threshold)
    checker = ImageChecker(
        wiring.object_store(),
        PostgresVerdictRows(wiring.database()),
        Judge(model, config.black_mean, chosen),
        max_pixels=config.max_pixels_per_frame,
    )
    stage = wiring.stage(
        "quality",
        checker,
        accepts=lambda at: at.bucket.startswith(config.images_prefix) and at.key.endswith(".png"),
        is_announced=lambda _: True,
    )
    return wiring.stage_target(stage)
