"""Deleting older versions of label files that name a patient; `erase_labels` empties the current ones."""

from collections import Counter
from collections.abc import Iterator

from minio.datatypes import Object

from common.errors import ObjectMissingError, PermanentError
from common.labels.label_text import decoded
from common.store.minio_errors import store_errors
from common.store.object_key import ANNOTATIONS, QUARANTINE, Location
from infra.erasure.erase_labels import NAME
from infra.erasure.object_versions import ObjectVersions

_FOLDERS = ((ANNOTATIONS, ""), (QUARANTINE, f"{ANNOTATIONS}/"))
_CHUNK = 256 * 1024
_LONGEST_NAME = 200  # characters; kept from one piece to the next


def delete_label_versions(versions: ObjectVersions, names: set[str], known_keys: set[str]) -> Counter[str]:
    """Delete the versions before the current one that name the patient; returns their number by bucket.

    Parameters
    ----------
    names
        Pseudonym and UIDs of the patient.
    known_keys
        Keys in `annotations` of files with lines of the patient that may not name them.
    """
    deleted: Counter[str] = Counter()
    for bucket, prefix in _FOLDERS:
        if versions.is_versioned(bucket):

            def is_wanted(
                found: Object, known: set[str] = known_keys if bucket == ANNOTATIONS else set()
            ) -> bool:
                if str(found.is_latest).lower() == "true":
                    return False
                return found.object_name in known or _has_name(versions, found, names)

            deleted[bucket] += versions.delete_versions(bucket, prefix, is_wanted)[0]
    return deleted


def _has_name(versions: ObjectVersions, found: Object, names: set[str]) -> bool:
    before = ""
    try:
        for text in decoded(_chunks(versions, found)):
            piece = before + text
            if not names.isdisjoint(NAME.findall(piece)):
                return True
            before = piece[-_LONGEST_NAME:]
    except (ObjectMissingError, PermanentError):  # deleted meanwhile, or not a text file
        return False
    return False


def _chunks(versions: ObjectVersions, found: Object) -> Iterator[bytes]:
    bucket, key = found.bucket_name, found.object_name or ""
    with store_errors(Location(bucket, key)):
        response = versions.store.client.get_object(bucket, key, version_id=found.version_id)
        try:
            yield from response.stream(_CHUNK)
        finally:
            response.close()
            response.release_conn()
