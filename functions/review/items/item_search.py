"""What a person searches for, and the address of its page: never with anything that may name a patient."""

import re

import psycopg
from psycopg.rows import DictRow

from common.errors import PermanentError
from oversight.trace.trace import Subject, find_subject, is_known

UID = re.compile(r"[0-9]+(?:\.[0-9]+)+", re.ASCII)
_MOST_LETTERS = 1024  # the longest key in the object store
# What everybody may search for. The others are paths: that one is known tells who was examined.
_FOR_EVERYBODY = re.compile(
    rf"(?:(?:item-|file-)?[0-9]+|{UID.pattern}(?:/[0-9]+)?(?:\.png)?|s3://(?!raw/).+)", re.ASCII
)
_TOO_LARGE = re.compile(r"(?:item-|file-)?[0-9]{19,}")  # for a number in the database
EXPECTED = (
    "Nothing of this name is known. Give the number of an item, file-N, a pseudonymous SOP Instance UID "
    "with or without /FRAME, or s3://BUCKET/KEY of an image. The UID of an original is only known to "
    "dcm2set trace."
)


def search(connection: psycopg.Connection[DictRow], name: str, *, is_reviewer: bool) -> Subject | None:
    """What a name means; None if nothing of it is known. Only reviewers search by the path of a file."""
    if (
        len(name) > _MOST_LETTERS
        or _TOO_LARGE.fullmatch(name)
        or not (is_reviewer or _FOR_EVERYBODY.fullmatch(name))
    ):
        return None
    try:
        found = find_subject(connection, name)
    except PermanentError:
        return None
    if found.files or found.items:
        return found
    # What is not known may be the UID of an original: it must not come into an address.
    return found if found.uid is not None and is_known(connection, found.uid) else None
