"""The files of a frozen version in the bucket training-sets, each compared with its frozen digest."""

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from common.errors import ObjectMissingError, PermanentError
from common.store.object_key import TRAINING_SETS, Location
from common.store.object_store import ObjectStore

MANIFEST, CARD, TABLE = "manifest.json", "card.json", "images.parquet"
# The manifest has a line for each image; what is needed here stands before this line.
_AFTER_FILES = b'\n  "left_out":'
_MOST_HEAD_BYTES = 32 * 1024**2


@dataclass(frozen=True)
class FrozenFiles:
    """The files of one version."""

    store: ObjectStore
    name: str
    number: int
    digest: str  # of the version, as the database has it

    def head(self) -> dict[str, Any]:
        """The first part of the manifest: settings, counts, and the digests of the other files."""
        found = bytearray()
        try:
            for part in self.store.stream(self.store.stat(self._location(MANIFEST))):
                begin = max(0, len(found) - len(_AFTER_FILES))
                found += part
                end = found.find(_AFTER_FILES, begin)
                if end >= 0:
                    return self._parsed(bytes(found[:end]))
                if len(found) > _MOST_HEAD_BYTES:
                    break
        except ObjectMissingError:
            raise self._fault(MANIFEST, "is missing") from None
        raise self._fault(MANIFEST, "does not begin like a manifest")

    def _parsed(self, text: bytes) -> dict[str, Any]:
        try:
            head: dict[str, Any] = orjson.loads(text.rstrip().removesuffix(b",") + b"}")
        except orjson.JSONDecodeError:
            raise self._fault(MANIFEST, "does not begin like a manifest") from None
        if head.get("digest") != self.digest or not isinstance(head.get("files"), dict):
            raise self._fault(MANIFEST, "was changed")
        return head

    def read(self, file: str, head: dict[str, Any]) -> bytes:
        """The bytes of a file; an error if they are not those that were frozen."""
        if file not in head["files"]:
            raise self._fault(file, "is not part of the version")
        try:
            body = self.store.read_now(self._location(file))
        except ObjectMissingError:
            raise self._fault(file, "is missing") from None
        if hashlib.sha256(body).hexdigest() != head["files"][file]:
            raise self._fault(file, "was changed")
        return body

    def card(self, head: dict[str, Any]) -> dict[str, Any]:
        """The card of the version."""
        found: dict[str, Any] = orjson.loads(self.read(CARD, head))
        return found

    def _location(self, file: str) -> Location:
        return Location(TRAINING_SETS, f"{self.name}/v{self.number}/{file}")

    def _fault(self, file: str, what: str) -> PermanentError:
        return PermanentError(f"{self.name} v{self.number}: {file} {what} in the bucket {TRAINING_SETS}.")
