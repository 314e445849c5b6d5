"""quality: one PNG to a verdict; black and low-quality images are set aside.

Trigger   ObjectCreated in every images-* bucket, suffix .png; POST without a body: homes of images set aside
Reads     images-*
Writes    verdict rows; bad images move to suboptimal
Errors    no PNG, absurd size, an image extract did not place: quarantined
"""

from functools import cache

from flask import Request, Response

from common import ports
from common.http_target import Target, respond
from common.settings import settings
from functions.quality.check_image import ImageChecker
from functions.quality.leave_home import leave_homes
from functions.quality.verdict_rows import PostgresVerdictRows
from model.artefact import DEFAULT_MODEL, load_quality_model
from model.judgement import Judge


def quality(request: Request) -> Response:
    """The HTTP target."""
    return respond(request, _target)


@cache
def _target() -> Target:
    chosen = settings()
    model = load_quality_model(chosen.model_path or DEFAULT_MODEL)
    store, rows = ports.object_store(), PostgresVerdictRows(ports.database())
    judge = Judge(model, chosen.black_mean, chosen.quality_threshold or model.threshold)
    checker = ImageChecker(store, rows, judge, max_pixels=chosen.max_pixels_per_frame)
    stage = ports.stage(
        "quality",
        checker,
        accepts=lambda at: at.bucket.startswith(chosen.images_prefix) and at.key.endswith(".png"),
        is_announced=lambda _: True,
    )
    return ports.stage_target(stage, on_run=lambda: leave_homes(store, rows, stage.handle))
