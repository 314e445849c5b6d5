"""The zygote: imports once what draws a file, and forks every sandbox process of `extract`.

So a new sandbox process is there within milliseconds, and shares the memory of what was imported. The
zygote has no credentials, and reads nothing of any file: it only forks, and tells how a process ended.
`ZygoteClient` starts it as ``python -m functions.extract.sandbox.zygote DESCRIPTOR``. Each message on that
socket is one byte with three descriptors: the pipe of requests, the pipe of answers, and a socket for the
process's life. On that socket the zygote sends the process id and later the exit code; it kills the process
when the other side closes the socket.
"""

import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Iterable
from contextlib import suppress
from typing import NoReturn

from common.process.parent_process import end_with_parent
from functions.extract.sandbox import worker
from functions.extract.sandbox.zygote_client import DESCRIPTORS, NUMBER

_READ = 4096


class Zygote:
    """Forks sandbox processes, and knows those whose users have not closed them."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._pid = os.getpid()
        self._pids: dict[int, int] = {}  # by the descriptor of the socket for the process's life
        self._woken, self._wakes = os.pipe()
        self._events = select.poll()
        for descriptor in (control.fileno(), self._woken):
            self._events.register(descriptor, select.POLLIN)

    def run(self) -> None:
        """Fork what is asked for, until all processes that could ask have ended."""
        os.set_blocking(self._wakes, False)
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler nothing would be woken
        while True:
            for descriptor, _ in self._events.poll():
                if descriptor == self._woken:
                    os.read(self._woken, _READ)
                    self._tell_ends()
                elif descriptor != self._control.fileno():
                    self._end(descriptor)
                elif not self._fork():
                    return

    def _fork(self) -> bool:
        """Fork one sandbox process; False if nobody is left who could ask for one."""
        asked, descriptors, _, _ = socket.recv_fds(self._control, 1, DESCRIPTORS)
        if not asked:
            return False
        requests, answers, life = descriptors
        try:
            pid = os.fork()
        except OSError:  # the other side sees that its pipes have ended
            _close(descriptors)
            return True
        if pid == 0:
            self._serve(requests, answers, life)
        _close([requests, answers])
        self._pids[life] = pid
        self._events.register(life, 0)  # tells only that the other side has closed it
        _send(life, pid)
        return True

    def _serve(self, requests: int, answers: int, life: int) -> NoReturn:
        """Be a sandbox process until its requests end."""
        code = 1
        try:
            end_with_parent(signal.SIGKILL)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _close([self._control.fileno(), self._woken, self._wakes, life, *self._pids])
            if os.getppid() == self._pid:  # it may have ended before the kernel knew whom to tell
                worker.serve(os.fdopen(requests, "rb"), os.fdopen(answers, "wb"))
                code = 0
        except Exception:  # noqa: BLE001 nothing may return into the loop of the zygote
            traceback.print_exc()
        finally:
            os._exit(code)

    def _tell_ends(self) -> None:
        """Tell the users of all processes that have ended how they did."""
        for life, pid in self._pids.items():
            # The process id stays taken until the user has closed the socket, so no other process can get it.
            ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is not None:
                is_exit = ended.si_code == os.CLD_EXITED
                _send(life, ended.si_status if is_exit else -ended.si_status, is_last=True)

    def _end(self, life: int) -> None:
        """Kill a process that has no user any more."""
        pid = self._pids.pop(life)
        self._events.unregister(life)
        os.close(life)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _send(descriptor: int, number: int, *, is_last: bool = False) -> None:
    """Send a number, unless the last one was sent, or the other side has closed the socket."""
    with socket.socket(fileno=os.dup(descriptor)) as life, suppress(OSError):
        life.send(NUMBER.pack(number), socket.MSG_DONTWAIT)
        if is_last:
            life.shutdown(socket.SHUT_WR)


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def main() -> None:
    """Be the zygote until all users have ended."""
    end_with_parent(signal.SIGKILL)
    with socket.socket(fileno=int(sys.argv[1])) as control:
        Zygote(control).run()


if __name__ == "__main__":
    main()
