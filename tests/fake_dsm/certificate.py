"""A self-signed certificate for loopback, which clients trust as they trust a hospital's own CA."""

import ssl
from pathlib import Path

from infra.compose.certificate import self_signed

_END = "-----END CERTIFICATE-----\n"


def loopback_certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate; returns the server's TLS context and the PEM file that clients trust."""
    pem, both = folder / "ca.pem", folder / "server.pem"
    text = self_signed("127.0.0.1")
    both.write_text(text, encoding="ascii")
    pem.write_text(text.partition(_END)[0] + _END, encoding="ascii")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, pem
