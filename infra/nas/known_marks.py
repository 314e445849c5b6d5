"""Marked folders of the NAS that the database does not know, so that nobody takes them for copied."""

from collections.abc import Collection
from pathlib import Path

from common.database import Database, queries
from common.errors import PipelineError
from common.nas.storable_name import storable
from infra.health.finding import Finding
from infra.health.nas_waiting import unknown_sentence

_SQL = queries(Path(__file__).with_suffix(".sql"))


def unknown_marks(database: Database, marked: Collection[str]) -> list[Finding]:
    """A finding with the number of marked folders that no row has; none if there is no such folder."""
    names = {storable(name) for name in marked}
    try:
        known = {row["mark"] for row in database.all(_SQL["known_marks"], names=list(names))}
    except PipelineError as error:
        return [Finding("marked folders", False, str(error))]
    number = len(names - known)
    return [Finding("marked folders", True, unknown_sentence(number))] if number else []
