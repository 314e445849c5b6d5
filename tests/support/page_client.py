"""A signed-in user of the page of a running home, over HTTP."""

import re
import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

import urllib3

from tests.support.local_home import RunningHome

_PASSWORD = "a long password"


@dataclass(frozen=True)
class PageClient:
    """A user with a session."""

    url: str  # of the page, without a slash at the end
    cookie: str

    @classmethod
    def of(cls, home: RunningHome, *roles: str) -> "PageClient":
        """Add a user with these roles, set the password with the one-time link, and keep the session."""
        options = [word for role in roles for word in ("--role", role)]
        added = home.run_cli("users add", f"user-{secrets.token_hex(4)}", *options)
        assert added.returncode == 0, added.stderr
        link = added.stdout.split()[0]
        answer = urllib3.request("POST", link, fields={"password": _PASSWORD}, redirect=False, timeout=30)
        assert answer.status == 303, answer.data
        return cls(link.partition("/invitations/")[0], answer.headers["Set-Cookie"].partition(";")[0])

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        """The answer to a GET."""
        headers = {"Cookie": self.cookie, "Accept": "text/html"}
        return urllib3.request("GET", self.url + path, headers=headers, redirect=False, timeout=60)

    def post(self, path: str, *, form_of: str, **fields: str) -> urllib3.BaseHTTPResponse:
        """Send a form of the page `form_of`."""
        found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', self.get(form_of).data.decode())
        assert found, f"{form_of} has no form"
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode({"csrf_token": found[1], **fields})
        return urllib3.request(
            "POST", self.url + path, headers=headers, body=body, redirect=False, timeout=60, retries=False
        )
