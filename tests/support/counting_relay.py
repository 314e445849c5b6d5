"""A TCP relay before the object store that counts requests by method and bucket."""

import asyncio
import re
from collections import Counter

from tests.faults.tcp_relay import TcpRelay

_REQUEST = re.compile(rb"(GET|PUT|HEAD|POST|DELETE) /([^/? ]*)[^ ]* HTTP/1\.1\r\n")
_LONGEST_LINE = 4096  # bytes; a request's first line may come in two pieces


class CountingRelay(TcpRelay):
    """Counts what passes; `requests` may be cleared."""

    def __init__(self, upstream: int) -> None:
        super().__init__(upstream)
        self.requests: Counter[str] = Counter()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool = False
    ) -> None:
        watched = reader if is_answer else _Watched(reader, self.requests)
        await super()._pass_on(watched, writer, is_answer=is_answer)  # type: ignore[arg-type]


class _Watched:
    def __init__(self, reader: asyncio.StreamReader, requests: Counter[str]) -> None:
        self._reader, self._requests, self._before = reader, requests, b""

    async def read(self, size: int) -> bytes:
        data = await self._reader.read(size)
        seen = self._before + data
        for found in _REQUEST.finditer(seen):
            if found.end() > len(self._before):
                method, bucket = found[1].decode(), found[2].decode("ascii", "replace")
                self._requests[f"{method} {re.sub('^images-.*', 'images', bucket)}"] += 1
        self._before = seen[-_LONGEST_LINE:]
        return data
