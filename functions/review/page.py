"""The Flask application behind the function: every request is checked here, in one place."""

import hashlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from flask import Flask, Response, abort, current_app, g, redirect, render_template, request, url_for
from flask import Request as FlaskRequest
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response as AnyResponse

from common.errors import BadRequestError, ConflictError, PermanentError, PipelineError, SettingsError
from common.http.request_body import body_of
from common.process.json_log import log_item
from functions.review.access import oidc, sessions, sign_in
from functions.review.access.address import page_origin
from functions.review.access.numbers import DatabaseNumber
from functions.review.access.ports import Ports, ports
from functions.review.access.rights import check_form, roles_of
from functions.review.api import api
from functions.review.audit import audit_page
from functions.review.erasures import erasures_page
from functions.review.files import files_page
from functions.review.folders import folders_page
from functions.review.held import held_page
from functions.review.images import image_page
from functions.review.items import item_list_page, items_page
from functions.review.labels import labels_page
from functions.review.overview import overview_page
from functions.review.quality import quality_page
from functions.review.quarantine import quarantine_page
from functions.review.sets import sets_page
from functions.review.settings import settings_page
from functions.review.text_filters import FILTERS

_FOLDER = Path(__file__).parent
_MOST_BYTES = 256 * 1024  # of a request
_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_MODULES = (
    *(sign_in, oidc, overview_page, held_page, quality_page, quarantine_page, folders_page, labels_page),
    *(
        sets_page,
        items_page,
        item_list_page,
        files_page,
        audit_page,
        erasures_page,
        settings_page,
        image_page,
        api,
    ),
)
# The pages in the navigation: endpoint, text, and the roles that may see it (none: everybody).
_PAGES: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("overview.page", "Overview", frozenset()),
    ("held.listing", "Held", frozenset({"reviewer"})),
    ("quality.gallery", "Quality", frozenset()),
    ("quarantine.page", "Quarantine", frozenset()),
    ("folders.page", "Folders", frozenset()),
    ("labels.page", "Labels", frozenset()),
    ("sets.page", "Sets", frozenset()),
    ("items.page", "Find", frozenset()),
    ("audit.page", "Audit", frozenset({"reviewer", "operator"})),
    ("erasures.page", "Erasures", frozenset({"operator"})),
    ("settings.page", "Settings", frozenset({"operator"})),
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def is_for_page(request: FlaskRequest) -> bool:
    """Whether a request comes from a browser: a function's own paths are /, /ready and /metrics."""
    path = request.path.rstrip("/")
    if path == "":
        return request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("Accept", "")
    return path not in {"/metrics", "/ready"}


def page_response(request: FlaskRequest, build: Callable[[], Flask]) -> AnyResponse:
    """Answer a request with the application; a wrong setting is told with its name."""
    try:
        application, body = build(), body_of(request)
    except SettingsError as error:
        return _plain(str(error), 503)
    except BadRequestError as error:
        return _plain(str(error), 413 if (request.content_length or 0) > _MOST_BYTES else 400)
    # The framework has read the body; and it has a folder of its own below /static.
    read = {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    return Response.from_app(application, request.environ | read)


def _plain(text: str, status: int) -> Response:
    """An answer without the application."""
    headers = _HEADERS | {"Cache-Control": "no-store"}
    return Response(text, status=status, content_type="text/plain; charset=utf-8", headers=headers)


def create_page(wired: Ports) -> Flask:
    """The application on these ports."""
    application = Flask(
        __name__,
        static_url_path="/assets",
        static_folder=str(_FOLDER / "static"),
        template_folder=str(_FOLDER / "templates"),
    )
    application.config.update(MAX_CONTENT_LENGTH=_MOST_BYTES, MAX_FORM_MEMORY_SIZE=_MOST_BYTES)
    wired.attach(application.extensions)
    application.jinja_env.trim_blocks = application.jinja_env.lstrip_blocks = True
    application.jinja_env.filters.update(FILTERS)
    application.jinja_env.globals.update(assets=_assets(), pages=_PAGES, csrf=_csrf_field)
    application.url_map.converters["int"] = DatabaseNumber
    for module in _MODULES:
        application.register_blueprint(module.blueprint)
    application.before_request(_check)
    application.after_request(_finish)
    application.register_error_handler(Exception, _fault)
    return application


def _check() -> AnyResponse | None:
    """Refuse a request without a session, without the role, or with a form of another site."""
    g.user = None
    g.origin = page_origin(ports().settings, request)
    if request.method == "POST" and request.headers.get("Origin", g.origin) != g.origin:
        abort(403, "The form is from another site.")
    if request.endpoint in {None, "static"}:
        return None  # a page that does not exist: 404 or 405, which tell nothing
    roles = roles_of(current_app.view_functions[str(request.endpoint)])
    g.user = sessions.user_of(ports().database, ports().settings, request)
    if roles is None:
        return None
    if g.user is None:
        is_page = request.method == "GET" and request.blueprint != "api"
        return redirect(url_for("sign_in.form"), code=303) if is_page else abort(401, "Sign in first.")
    if not any(g.user.has(role) for role in roles):
        abort(403, f"This needs the role {' or '.join(sorted(roles))}.")
    if request.method == "POST":
        check_form(g.user.csrf_token)
    return None


def _finish(response: Response) -> Response:
    """Set the headers of every answer; nothing but style and script is stored by browsers or proxies."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    # A proxy may have added TLS, which an address with the scheme of this server would leave.
    if response.headers.get("Location", "").startswith(request.host_url):
        path = response.headers["Location"].removeprefix(request.host_url)
        response.headers["Location"] = f"/{path.lstrip('/')}"
    is_static = request.endpoint == "static" and response.status_code == 200
    response.headers["Cache-Control"] = "max-age=31536000, immutable" if is_static else "no-store"
    if sessions.is_secure(ports().settings):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def _csrf_field() -> Markup:
    """The hidden field of every form that changes something."""
    token = g.user.csrf_token if g.user else ""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(token)


def _fault(error: Exception) -> tuple[str | dict[str, str], int, dict[str, str]]:
    """A page for an error, without what the request or a file contained."""
    headers = {}
    if isinstance(error, HTTPException):
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            headers["Allow"] = ", ".join(error.valid_methods)
        status = error.code or 500
        text = error.description if status in {400, 401, 403, 404, 409} else error.name
    elif isinstance(error, ConflictError):
        status, text = 409, str(error)
    elif isinstance(error, PermanentError):  # a value that the database can't hold
        status, text = 400, str(error)
    elif isinstance(error, PipelineError):
        status, text = 503, str(error)
    else:
        log_item("review", status="retry", cause=f"Unexpected {type(error).__name__}.")
        status, text = 500, f"Unexpected {type(error).__name__}; see the log."
    if request.path.startswith("/api/"):  # also where no route of the API matches
        return {"error": text or ""}, status, headers
    return render_template("fault.html", status=status, text=text or ""), status, headers


def _assets() -> str:
    """A digest of style and script: a new version of either has a new address."""
    digest = hashlib.sha256()
    for path in sorted((_FOLDER / "static").iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
