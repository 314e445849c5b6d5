"""A pool of sandbox processes whose decoder can be taken over, to see what the kernel refuses them."""

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from common.errors import PermanentError
from functions.extract.sandbox.pool import SandboxPool
from functions.extract.sandbox.zygote_client import ZygoteClient
from tests.support.factories import real_path
from tests.support.sandbox_rules import RULES
from tests.support.taken_over_zygote import EXPLOIT

REFUSED = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EFBIG}


class TakenOver:
    """Runs attempts in one sandbox process."""

    def __init__(self, pool: SandboxPool, folder: Path) -> None:
        self.pool = pool
        self._folder = folder

    def attempt(self, name: str, argument: object = None) -> str:
        """The name of the error with which an attempt is refused; AssertionError if it succeeds."""
        source = self._folder / "exploit"
        source.write_bytes(EXPLOIT + json.dumps([name, argument]).encode())
        with pytest.raises(PermanentError) as caught:
            self.pool(source, self._folder, heartbeat=lambda: None)
        outcome = json.loads(str(caught.value))
        assert outcome.get("refused") in REFUSED, f"{name} {argument}: {outcome}"
        return errno.errorcode[outcome["refused"]]

    def draws(self) -> bool:
        """Whether the same pool draws a good file."""
        return len(self.pool(real_path("CT_small.dcm"), self._folder, heartbeat=lambda: None).frames) == 1

    @property
    def pid(self) -> int:
        """The idle process."""
        return self.pool._idle.queue[-1].pid  # noqa: SLF001


@contextmanager
def taken_over(folder: Path) -> Iterator[TakenOver]:
    """Sandbox processes as they are, but for a preparer that files can take over."""
    zygote = ZygoteClient("tests.support.taken_over_zygote")
    pool = SandboxPool(RULES, seconds=60, megabytes=768, megabytes_of_outputs=4, forked_by=zygote)
    yield TakenOver(pool, folder)
    pool.close()
    zygote.close()
