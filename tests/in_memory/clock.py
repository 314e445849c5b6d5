"""A clock that only tests move."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Aware UTC time, starting at a fixed moment."""

    def __init__(self) -> None:
        self._now = datetime(2024, 3, 5, 10, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._now += timedelta(seconds=seconds)
