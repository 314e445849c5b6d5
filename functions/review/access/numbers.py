"""Numbers in addresses: those that the database can have."""

from werkzeug.routing import IntegerConverter


class DatabaseNumber(IntegerConverter):
    """A number of at most 18 digits, which every bigint column can hold; longer ones are no page."""

    regex = r"[0-9]{1,18}"
