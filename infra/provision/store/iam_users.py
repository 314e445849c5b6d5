"""Users of an object store with the IAM API of AWS, which VersityGW has too.

Each request is a form, signed with Signature Version 4 (IAM API Reference, version 2010-05-08). The API makes
up the keys itself, and tells a secret once, when it creates the key.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import orjson
import urllib3

from common.errors import DependencyAwayError
from infra.provision.store.minio_users import REGION

_VERSION = "2010-05-08"
_THERE = "EntityAlreadyExists"


@dataclass(frozen=True)
class AccessKey:
    """The keys of a user."""

    access_key: str
    secret_key: str


@dataclass(frozen=True)
class IamApi:
    """The IAM API at an URL, with the operator's keys. Raises DependencyAwayError if it refuses a request."""

    url: str
    operator: AccessKey
    seconds: float = 10  # timeout of a request

    def answers(self) -> bool:
        """Whether the API takes requests."""
        try:
            self._call("ListUsers")
        except DependencyAwayError:
            return False
        return True

    def ensure_user(self, name: str, policy: Mapping[str, Any]) -> None:
        """Create a user, or give an existing one exactly the rights of a policy."""
        self._call("CreateUser", accepts=_THERE, UserName=name)
        document = orjson.dumps(policy).decode()
        self._call("PutUserPolicy", UserName=name, PolicyName=name, PolicyDocument=document)

    def has_key(self, name: str, access_key: str) -> bool:
        """Whether a key is one of the user's."""
        return access_key in self._keys(name)

    def new_key(self, name: str) -> AccessKey:
        """Give a user a new key, and delete its others: a user has two at most."""
        for old in self._keys(name):
            self._call("DeleteAccessKey", UserName=name, AccessKeyId=old)
        answer = self._call("CreateAccessKey", UserName=name)
        return AccessKey(_texts(answer, "AccessKeyId")[0], _texts(answer, "SecretAccessKey")[0])

    def _keys(self, name: str) -> list[str]:
        return _texts(self._call("ListAccessKeys", UserName=name), "AccessKeyId")

    def _call(self, action: str, *, accepts: str = "", **parameters: str) -> bytes:
        """The answer to one request, also if the error code is `accepts`."""
        body = urlencode({"Action": action, "Version": _VERSION, **parameters}).encode()
        pool = urllib3.PoolManager(timeout=self.seconds, retries=False)
        try:
            answer = pool.request("POST", self.url, body=body, headers=self._signed(body))
        except urllib3.exceptions.HTTPError:
            raise DependencyAwayError(
                "The user administration of the object store does not answer."
            ) from None
        if answer.status == 200:
            return answer.data
        code = next(iter(_texts(answer.data, "Code")), f"HTTP status {answer.status}")
        if code != accepts:
            raise DependencyAwayError(
                f"The user administration of the object store refused {action} ({code})."
            )
        return answer.data

    def _signed(self, body: bytes) -> dict[str, str]:
        """The headers of a request (IAM User Guide, "Create a signed AWS API request")."""
        moment = datetime.now(UTC)
        time, day = f"{moment:%Y%m%dT%H%M%SZ}", f"{moment:%Y%m%d}"
        address = urllib3.util.parse_url(self.url)
        headers = {
            "content-type": "application/x-www-form-urlencoded; charset=utf-8",
            "host": address.netloc or "",
            "x-amz-date": time,
        }
        names, digest = ";".join(headers), hashlib.sha256(body).hexdigest()
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        request = f"POST\n{address.path or '/'}\n\n{lines}\n{names}\n{digest}"
        scope = f"{day}/{REGION}/iam/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = f"AWS4{self.operator.secret_key}".encode()
        for part in (day, REGION, "iam", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        credential = f"Credential={self.operator.access_key}/{scope}"
        return headers | {
            "authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
        }


def _texts(answer: bytes, name: str) -> list[str]:
    """The texts of all elements of a name, in any namespace; none if the answer is no XML."""
    try:
        root = ET.fromstring(answer)  # noqa: S314 from our own server
    except ET.ParseError:
        return []
    return [found.text or "" for found in root.iter() if found.tag.endswith(name)]
