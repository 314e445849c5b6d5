"""Logs: one line of JSON for each event, with item numbers and causes, never a value from a file."""

import logging
import sys
from datetime import UTC, datetime
from functools import cache

import orjson


class _JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", None) or {"message": record.getMessage()}
        line = {"time": datetime.fromtimestamp(record.created, UTC), "level": record.levelname, **fields}
        return orjson.dumps(line, option=orjson.OPT_UTC_Z, default=str).decode()


@cache
def logger() -> logging.Logger:
    """The logger of dcm2set; it writes to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLine())
    own = logging.getLogger("dcm2set")
    own.addHandler(handler)
    own.setLevel(logging.INFO)
    own.propagate = False
    return own


def log_item(function: str, **fields: object) -> None:
    """Log one line about an item: function, item number, attempt, duration, outcome."""
    known = {name: value for name, value in fields.items() if value is not None}
    level = (
        logging.WARNING if known.get("status") in {"retry", "quarantined", "unauthorised"} else logging.INFO
    )
    logger().log(level, "item", extra={"fields": {"function": function, **known}})
