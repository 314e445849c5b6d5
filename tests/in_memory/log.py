"""The log of dcm2set, captured in a list during a test."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from common.process.json_log import logger


@contextmanager
def captured_log() -> Iterator[list[str]]:
    """The lines logged in the block, formatted; nothing goes to standard error."""
    logger.cache_clear()
    own = logger()
    formatter = own.handlers[-1].formatter
    lines: list[str] = []
    before, own.handlers = own.handlers, [_Lines(lines, formatter)]
    try:
        yield lines
    finally:
        own.handlers = before[:-1]
        logger.cache_clear()


class _Lines(logging.Handler):
    def __init__(self, lines: list[str], formatter: logging.Formatter | None) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))
