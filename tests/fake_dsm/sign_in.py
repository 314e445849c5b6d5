"""The login of a fake DSM: DSM 6 with its cipher, DSM 7 with its Noise handshake."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from noise.connection import Keypair, NoiseConnection

from tests.fake_dsm.share import DsmError

_CIPHER_KEY = "__cIpHeRtExT"


@cache
def _key() -> rsa.RSAPrivateKey:
    # 4096 bits, because the client encrypts a pass phrase of 501 bytes.
    return rsa.generate_private_key(public_exponent=65537, key_size=4096)


@dataclass
class SignIn:
    """One account and its sessions."""

    user: str = "poller"
    password: str = "Marker-of-a-password ü&%+"
    version: int = 7  # of DSM
    otp_code: str | None = None  # the one-time code that a login needs besides the password
    blocks_after: int = 3
    tries: int = 0
    failures: int = 0
    devices: set[str] = field(default_factory=set)
    sids: set[str] = field(default_factory=set)
    given: list[str] = field(default_factory=list)  # every secret that was given to clients
    _noise_key: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)

    def cookie(self) -> str:
        """The public key of the Noise handshake, as DSM 7 puts it into a cookie."""
        public = self._noise_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.urlsafe_b64encode(public).decode().rstrip("=")

    def encryption(self) -> dict[str, Any]:
        """Return what a client needs to encrypt a login over plain HTTP."""
        return {
            "public_key": f"{_key().public_key().public_numbers().n:x}",
            "cipherkey": _CIPHER_KEY,
            "ciphertoken": "__cIpHeRtOkEn",
            "server_time": 1709280000,
        }

    def log_in(self, fields: dict[str, str]) -> dict[str, Any]:
        """Start a session; raises DsmError."""
        self.tries += 1
        if self.failures >= self.blocks_after:
            raise DsmError(407)
        fields = fields | (_decrypted(fields[_CIPHER_KEY]) if _CIPHER_KEY in fields else {})
        if (fields["account"], fields["passwd"]) != (self.user, self.password):
            self.failures += 1
            raise DsmError(400)
        if self.otp_code is not None and fields.get("device_id") not in self.devices:
            if not fields.get("otp_code"):
                raise DsmError(403)
            if fields["otp_code"] != self.otp_code:
                self.failures += 1
                raise DsmError(404)
        return self._session(fields)

    def _session(self, fields: dict[str, str]) -> dict[str, Any]:
        sid, token, device = (secrets.token_urlsafe(18) for _ in range(3))
        self.sids = {sid}
        self.given += [sid, token, device]
        answer = {"sid": sid, "synotoken": token, "account": self.user, "is_portal_port": False}
        if fields.get("otp_code"):
            self.otp_code = secrets.token_hex(3)  # a code is valid once
            self.devices.add(device)
            answer["device_id"] = device
        if "ik_message" in fields:
            answer["ik_message"] = self._handshake(fields["ik_message"])
        return answer

    def _handshake(self, message: str) -> str:
        noise = NoiseConnection.from_name(b"Noise_IK_25519_ChaChaPoly_BLAKE2b")
        noise.set_as_responder()
        noise.set_keypair_from_private_bytes(Keypair.STATIC, self._noise_key.private_bytes_raw())
        noise.start_handshake()
        noise.read_message(base64.urlsafe_b64decode(message + "=" * (-len(message) % 4)))
        return base64.urlsafe_b64encode(noise.write_message(b"")).decode().rstrip("=")


def _decrypted(text: str) -> dict[str, str]:
    parts = {name: base64.b64decode(value) for name, value in json.loads(text).items()}
    phrase = _key().decrypt(parts["rsa"], padding.PKCS1v15())
    salt, body = parts["aes"][8:16], parts["aes"][16:]
    derived = last = b""
    while len(derived) < 48:
        last = hashlib.md5(last + phrase + salt, usedforsecurity=False).digest()
        derived += last
    cipher = Cipher(algorithms.AES(derived[:32]), modes.CBC(derived[32:48])).decryptor()
    plain = cipher.update(body) + cipher.finalize()
    return dict(parse_qsl(plain[: -plain[-1]].decode(), keep_blank_values=True))
