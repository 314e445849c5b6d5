"""Label files in tests, and the labels that are current after their import."""

from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from functions.annotations.formats.label_file import LabelFile, read_label_file
from functions.annotations.formats.refused_row import LineSet, Refusals, RefusedRow
from functions.annotations.formats.vocabulary import Vocabulary
from functions.annotations.storage.import_counts import ImportCounts
from functions.annotations.storage.label_rows import LabelImport
from tests.contract.tables import Tables, instance_path
from tests.support.label_files import pieces

UID = instance_path(1).sop_instance_uid
KEY = instance_path(1).frame(1)


def counts(form: str = "long table", **numbers: int) -> ImportCounts:
    """The counts of an import."""
    return ImportCounts(form, **numbers)


class LabelFiles:
    """Imports texts as label files."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.refused: list[RefusedRow] = []  # of the last import
        self.refused_later = LineSet()
        self._files = 0

    def import_text(
        self, text: str, *, key: str | None = None, vocabulary: Vocabulary | None = None
    ) -> ImportCounts:
        """Import a file; its import is found afterwards."""
        self._files += 1
        version = ObjectVersion(Location("annotations", key or f"file {self._files}"), "etag", len(text))

        def read() -> LabelFile:
            return read_label_file(pieces(text.encode()), vocabulary or Vocabulary())

        def report(_: ImportCounts, refused: Refusals) -> None:
            self.refused, self.refused_later = refused.rows, refused.later

        imported = self.tables.labels.import_file(LabelImport(version, read, lambda: None, report))
        assert self.tables.labels.find_import(version) is not None
        return imported

    def import_rows(
        self, *rows: str, columns: str = "image,label,value", vocabulary: Vocabulary | None = None
    ) -> ImportCounts:
        """Import a table with these rows."""
        return self.import_text("\n".join([columns, *rows]), vocabulary=vocabulary)

    def everything(self) -> str:
        """All that is stored of labels, as text."""
        if self.tables.database is None:
            return str(vars(self.tables.labels))
        tables = self.tables.database.all(
            "select tablename as name from pg_tables where schemaname = 'public'"
        )
        names = [row["name"] for row in tables]
        return "".join(str(self.tables.database.all(f"select * from {name}")) for name in names)

    def current(self) -> dict[tuple[str, str, str], float]:
        """The newest value of each image, label and annotator."""
        if self.tables.database is None:
            found = self.tables.labels.standing()  # type: ignore[attr-defined]
            return {
                (f"{uid}/{frame}", label, who): value for ((uid, frame), label, who), value in found.items()
            }
        rows = self.tables.database.all(
            "select a.sop_instance_uid || '/' || a.frame as image, n.name as label, w.name as who, s.value "
            "from latest_label s join image_allocation a using (image_id) "
            "join label_name n on n.id = s.label_id join annotator w on w.id = s.annotator_id"
        )
        return {(row["image"], row["label"], row["who"]): row["value"] for row in rows}
