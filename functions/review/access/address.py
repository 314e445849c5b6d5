"""The address of the page: requests for any other host are refused."""

import re
from urllib.parse import urlsplit

from flask import Request, abort

from common.settings import Settings
from common.tls import is_loopback

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
_OTHER = "This host is not the page's: DCM2SET_PAGE_URL names the address that browsers use."


def page_origin(settings: Settings, request: Request) -> str:
    """The scheme and host that browsers use; a request for another host is refused with status 400.

    What a proxy or an attacker writes into X-Forwarded-Host and the like is not read.
    """
    host = _HOST.fullmatch(request.host.lower())
    if host is None:
        abort(400, _OTHER)
    if settings.page_url is None:
        # Any port, because it may be forwarded; a name that only resolves to this machine is refused.
        return f"{request.scheme}://{host[0]}" if is_loopback(host[1]) else abort(400, _OTHER)
    wanted = urlsplit(settings.page_url)
    default = ":443" if wanted.scheme == "https" else ":80"
    named = host[1] if host[2] == default else host[0]
    return settings.page_url if named == wanted.netloc else abort(400, _OTHER)
