"""The page of the audit, and its rows as a CSV file."""

from flask import Blueprint, Response, abort, render_template, request

from common.errors import PermanentError
from functions.review.access.ports import ports
from functions.review.access.rights import allowed, current_user
from functions.review.audit.audit_rows import ACTIONS, PAGE, AuditFilter, csv_lines, listed
from oversight.audit.audit_log import AuditEvent, record_alone

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


@blueprint.get("/")
@allowed("reviewer", "operator")
def page() -> str:
    """A page of the audit, the newest row first."""
    chosen, before = _filter(), request.args.get("before", None, int)
    found = listed(ports().database, chosen, before=before, most=PAGE + 1)
    return render_template(
        "audit.html",
        chosen=chosen,
        rows=found[:PAGE],
        has_more=len(found) > PAGE,
        is_first=before is None,
        actions=ACTIONS,
    )


@blueprint.get("/audit.csv")
@allowed("reviewer", "operator")
def download() -> Response:
    """All rows of the filter; that they were downloaded has a row too (DICOM PS3.15 A.5.3.2)."""
    chosen, database = _filter(), ports().database
    event = AuditEvent(current_user().name, "page", "download audit", details=chosen.query)
    record_alone(database, event)
    headers = {"Content-Disposition": "attachment; filename=audit.csv"}
    return Response(csv_lines(database, chosen), content_type="text/csv; charset=utf-8", headers=headers)


def _filter() -> AuditFilter:
    try:
        return AuditFilter.of(request.args)
    except PermanentError as error:
        abort(400, str(error))
