"""Numbers in addresses: those that the database can have."""

from werkzeug.routing import IntegerConverter

MOST_DIGITS = 18  # every number of so many digits fits a bigint column


class DatabaseNumber(IntegerConverter):
    """A number that a bigint column can hold; longer ones are no page."""

    regex = rf"[0-9]{{1,{MOST_DIGITS}}}"
