"""A TCP relay between the functions and a server that can cut, delay, hang and truncate."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

_CHUNK = 256 * 1024


class Mode(StrEnum):
    """What the relay does with connections and their bytes."""

    PASS = "pass"
    CUT = "cut"  # reset every connection, new ones too
    DELAY = "delay"  # delay every chunk
    HANG = "hang"  # accept connections and pass nothing on
    TRUNCATE = "truncate"  # pass half of an answer on, then reset the connection


class TcpRelay:
    """Relays connections to another TCP port on loopback, which may be away."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.port = 0
        self._mode = Mode.PASS
        self._seconds = 0.0
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tcp relay", daemon=True)

    def start(self) -> "TcpRelay":
        """Start to listen; afterwards `port` is set."""
        self._thread.start()
        assert self._is_up.wait(timeout=10)
        return self

    def close(self) -> None:
        """Reset every connection and stop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def switch(self, mode: Mode, seconds: float = 0) -> None:
        """Change what the relay does from now on; `seconds` is the delay of each chunk."""
        done = threading.Event()

        def change() -> None:
            self._mode, self._seconds = mode, seconds
            if mode is Mode.HANG:
                self._flows.clear()
            else:
                self._flows.set()
            if mode is Mode.CUT:
                for writer in self._writers:
                    writer.transport.abort()
            done.set()

        self._loop.call_soon_threadsafe(change)
        assert done.wait(timeout=10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._relay, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._flows.set()
        self._is_up.set()
        self._loop.run_forever()
        server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # With no server behind the relay, the client's connection ends too, or it would wait for an answer.
        with self._reset_at_the_end(writer), suppress(OSError):
            await self._flows.wait()
            if self._mode is Mode.CUT:
                return
            answers, requests = await asyncio.open_connection("127.0.0.1", self.upstream)
            with self._reset_at_the_end(requests):
                directions = (
                    self._pass_on(reader, requests),
                    self._pass_on(answers, writer, is_answer=True),
                )
                tasks = [asyncio.ensure_future(each) for each in directions]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    @contextmanager
    def _reset_at_the_end(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool = False
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._flows.wait()
                if self._mode is Mode.DELAY:
                    await asyncio.sleep(self._seconds)
                if self._mode is Mode.TRUNCATE and is_answer:
                    writer.write(data[: len(data) // 2])
                    await writer.drain()
                    return
                writer.write(data)
                await writer.drain()
