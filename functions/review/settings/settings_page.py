"""The page of the settings in force."""

from flask import Blueprint, render_template

from functions.review.access.ports import ports
from functions.review.access.rights import allowed
from functions.review.settings.setting_list import settings_by_group

blueprint = Blueprint("settings", __name__, url_prefix="/settings")


@blueprint.get("/")
@allowed("operator")
def page() -> str:
    """Every setting of this process, with its meaning."""
    return render_template("settings.html", groups=settings_by_group(ports().settings))
