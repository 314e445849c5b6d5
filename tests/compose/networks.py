"""The networks of an installation without Docker: a bridge each, and a network namespace for each service.

They are made inside the network namespace of the test, and end with it.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_PREFIX = "10.88"


def ip(*arguments: str) -> None:
    """Run ip(8)."""
    subprocess.run(["/bin/ip", *arguments], check=True, capture_output=True, text=True)


@dataclass
class Networks:
    """The bridges by name, and the addresses of services on them."""

    is_internal: Mapping[str, bool]
    addresses: dict[tuple[str, str], str] = field(default_factory=dict)  # by service and network

    @classmethod
    def create(cls, compose: Mapping[str, Any]) -> "Networks":
        """Make the networks of a compose file, and the namespaces of its services."""
        networks = cls({name: bool(network.get("internal")) for name, network in compose["networks"].items()})
        ip("link", "set", "lo", "up")
        for number, name in enumerate(networks.is_internal):
            ip("link", "add", f"br-{name}", "type", "bridge")
            ip("address", "add", f"{_PREFIX}.{number}.1/24", "dev", f"br-{name}")
            ip("link", "set", f"br-{name}", "up")
        for position, (service, description) in enumerate(compose["services"].items()):
            ip("netns", "add", service)
            ip("-n", service, "link", "set", "lo", "up")
            for network in description["networks"]:
                networks._connect(service, network, position)
        return networks

    def _connect(self, service: str, network: str, position: int) -> None:
        number = list(self.is_internal).index(network)
        outer, inner, address = f"v{number}-{position}", f"eth{number}", f"{_PREFIX}.{number}.{position + 10}"
        ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", service)
        ip("link", "set", outer, "master", f"br-{network}", "up")
        ip("-n", service, "address", "add", f"{address}/24", "dev", inner)
        ip("-n", service, "link", "set", inner, "up")
        if not self.is_internal[network]:
            ip("-n", service, "route", "replace", "default", "via", f"{_PREFIX}.{number}.1")
        self.addresses[service, network] = address

    def address(self, service: str) -> str:
        """An address of a service, at which this process reaches it."""
        return next(address for (name, _), address in self.addresses.items() if name == service)

    def hosts(self, service: str) -> str:
        """The names that a service can resolve, as in /etc/hosts: those that share a network with it."""
        own = [network for name, network in self.addresses if name == service]
        lines = [f"{address} {name}" for (name, network), address in self.addresses.items() if network in own]
        return "\n".join(["127.0.0.1 localhost", *lines, ""])
