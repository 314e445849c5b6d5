"""Deleting inputs that were moved: what a crash between a settlement and the deletion leaves behind."""

from dataclasses import dataclass

from common.errors import ObjectMissingError
from common.ledger.ledger import Ledger
from common.store.object_key import Location
from common.store.object_store import ObjectStore, ObjectVersion

_MOST_AT_ONCE = 100


@dataclass(frozen=True)
class MovedInputs:
    """The inputs of one function that were copied elsewhere, and are to be deleted where they were."""

    store: ObjectStore
    ledger: Ledger

    def delete_moved(self) -> None:
        """Delete the inputs whose deletion is still pending, at locations that no listing covers."""
        for item in self.ledger.pending_deletes(limit=_MOST_AT_ONCE):
            if item.moved_to is None:
                self.store.delete(item.version)
            else:
                self.delete_if_copied(item.moved_to, item.version)
            self.ledger.mark_deleted(item.id)

    def delete_if_copied(self, target: Location, version: ObjectVersion) -> None:
        """Delete an input whose copy is at `target`; without a copy there, nothing is deleted."""
        try:
            self.store.stat(target)
        except ObjectMissingError:
            return
        self.store.delete(version)
