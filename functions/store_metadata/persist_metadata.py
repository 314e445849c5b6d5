"""Reads one metadata document from its object and stores it as rows."""

from dataclasses import dataclass

from common.errors import PermanentError
from common.metadata_document import parse_metadata
from common.stage.item import Item, Outcome
from common.store.object_store import ObjectStore
from functions.store_metadata.metadata_rows import MetadataRows

MAX_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class MetadataPersister:
    """The work of store_metadata on its ports."""

    store: ObjectStore
    rows: MetadataRows

    def __call__(self, item: Item) -> Outcome:
        """Insert or update the rows of the document; storing the same document again changes nothing."""
        if item.version.size > MAX_BYTES:
            raise PermanentError(f"The metadata object is over {MAX_BYTES} bytes.")
        document = parse_metadata(self.store.read(item.version))
        uid = document.instance.sop_instance_uid
        return Outcome(
            "stored",
            sop_instance_uid=uid,
            database_call=self.rows.record(document),
            details={"sop_instance_uid": uid},
        )
