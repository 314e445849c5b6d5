"""The ports that a service publishes: connections to this machine's address are relayed to the service."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def published(ports: list[str], address: str) -> Iterator[None]:
    """Relay the ports of a compose file, such as 127.0.0.1:443:8443, to a service at an address."""
    relay = _Relay(ports, address)
    thread = threading.Thread(target=lambda: asyncio.run(relay.run()), daemon=True)
    thread.start()
    assert relay.is_up.wait(timeout=10)
    try:
        yield
    finally:
        relay.end()
        thread.join(timeout=10)


class _Relay:
    def __init__(self, ports: list[str], address: str) -> None:
        self._ports, self._address = ports, address
        self.is_up = threading.Event()
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Relay until the end; asyncio.run then ends what is still relayed."""
        self._loop = asyncio.get_running_loop()
        servers = [await self._listen(port) for port in self._ports]
        self.is_up.set()
        await self._ended.wait()
        for server in servers:
            server.close()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)

    async def _listen(self, port: str) -> asyncio.Server:
        host, outer, inner = port.split(":")

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                there, back = await asyncio.open_connection(self._address, int(inner))
                await asyncio.gather(_copy(reader, back), _copy(there, writer))

        return await asyncio.start_server(relay, host, int(outer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError):
            while piece := await reader.read(256 * 1024):
                writer.write(piece)
                await writer.drain()
    finally:
        writer.close()
