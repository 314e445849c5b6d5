"""Two files for Prometheus: which functions it asks for metrics, and the token with which it does so.

Prometheus reads the targets again when they change (file_sd_config), and the token at every request
(credentials_file). So neither a new TCP port nor a new token needs a restart.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from common.errors import SettingsError
from common.tokens import Tokens
from infra.local.home import Home
from infra.provision.private_text import write_private


def write_scrape_token(home: Home, token: str) -> None:
    """Write the token, without a line break; only the owner can read the file."""
    write_private(home.prometheus / "token", token)


def write_targets(home: Home, urls: Mapping[str, str]) -> None:
    """Write the address of each function, in the form of file_sd_config."""
    addresses = {name: urlsplit(url).netloc for name, url in urls.items()}
    # The metrics have a label `function` of their own. The address keeps two homes apart.
    targets = [
        {"targets": [address], "labels": {"instance": f"{name} at {address}"}}
        for name, address in addresses.items()
    ]
    write_private(home.prometheus / "functions.json", json.dumps(targets, indent=2))


@dataclass
class ScrapeFiles:
    """The two files of a running home."""

    home: Home
    tokens: Tokens
    _written: str = field(default="", repr=False)

    def write(self, urls: Mapping[str, str]) -> None:
        """Write both files."""
        self.home.prometheus.mkdir(mode=0o700, exist_ok=True)
        write_targets(self.home, urls)
        self.follow_token()

    def follow_token(self) -> None:
        """Write the token again if it is another one; keep the file while the tokens can't be read."""
        with suppress(SettingsError):
            if (current := self.tokens.current) != self._written:
                write_scrape_token(self.home, current)
                self._written = current
