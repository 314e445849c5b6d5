"""supervisord starts the processes of a home, restarts them with back-off, and ends them together."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import psutil

from common.errors import DependencyAwayError, SettingsError
from common.process.parent_process import end_with_parent
from infra.local.home import MARKER, Home

# Lines of supervisord's log that are shown to the operator as they come.
_NEWS = re.compile(r"exited: .*not expected.*|spawned: .*|gave up: .*")


@dataclass(frozen=True)
class Program:
    """One supervised process."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    priority: int  # the lowest starts first and ends last
    stop_signal: str = "TERM"
    group: str = ""  # programs of a group end at the same time


@dataclass
class Supervised:
    """A running supervisord, and how much of its log has been shown."""

    home: Home
    daemon: subprocess.Popen[bytes]
    say: Callable[[str], None]
    bytes_read: int = 0  # of its log

    def skip_to_now(self) -> None:
        """Skip what the log contains so far."""
        log = self.home.logs / "supervisord.log"
        self.bytes_read = log.stat().st_size if log.exists() else 0

    def say_news(self) -> None:
        """Show which processes crashed or were restarted since the last call.

        Raises DependencyAwayError if supervisord itself has ended.
        """
        if self.daemon.poll() is not None:
            raise DependencyAwayError(f"supervisord ended; see {self.home.logs}. Start dcm2set up again.")
        log = self.home.logs / "supervisord.log"
        if not log.exists() or log.stat().st_size < self.bytes_read:  # not there yet, or rotated
            self.bytes_read = 0
            return
        with log.open("rb") as file:
            file.seek(self.bytes_read)
            for line in file:
                self.bytes_read += len(line)
                news = _NEWS.search(line.decode("utf-8", "replace"))
                if news is not None:
                    self.say(news[0])


def write_config(home: Home, programs: list[Program]) -> None:
    """Write the configuration of supervisord; it contains secrets, so only its owner can read it."""
    groups = sorted({program.group for program in programs if program.group})
    sections = [_daemon(home), *(_program(home, program) for program in programs)]
    sections += [_group(name, programs) for name in groups]
    text = "\n".join(sections)
    path = home.supervisor_config
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")


def start(home: Home) -> subprocess.Popen[bytes]:
    """Start supervisord; it ends with this process, even if this process is killed."""
    command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(home.supervisor_config)]
    environment = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ
    }
    output = home.logs / "supervisord.out"
    output.unlink(missing_ok=True)
    daemon = subprocess.Popen(
        command,
        env=environment | {MARKER: str(home.folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # so Ctrl-C reaches only this process, which then ends the others in order
        preexec_fn=partial(end_with_parent, signal.SIGTERM),  # noqa: PLW1509 before any thread is started
    )
    assert daemon.stdout is not None  # noqa: S101 a pipe was requested above
    threading.Thread(target=_copy_output, args=[daemon.stdout, output], daemon=True).start()
    return daemon


def _copy_output(pipe: IO[bytes], path: Path) -> None:
    """Copy the output of supervisord into a file, and ignore a full disk.

    If supervisord wrote the file itself, a full disk would end it and every process of the home.
    """
    with pipe:
        for line in pipe:
            with suppress(OSError), path.open("ab") as file:
                file.write(line)


def end_leftovers(home: Home) -> int:
    """End the processes of this home that a killed run left behind; returns their number."""
    left = [process for process in psutil.process_iter() if _belongs_to(process, home)]
    for process in left:
        process.send_signal(signal.SIGINT if process.name() == "postgres" else signal.SIGTERM)
    _, alive = psutil.wait_procs(left, timeout=10)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=5)
    return len(left)


def _belongs_to(process: psutil.Process, home: Home) -> bool:
    if process.pid == os.getpid():
        return False
    try:
        return bool(process.environ().get(MARKER) == str(home.folder))
    except (psutil.Error, OSError):
        return False


def _daemon(home: Home) -> str:
    return "\n".join(
        [
            "[supervisord]",
            f"logfile={_escaped(str(home.logs / 'supervisord.log'))}",
            "logfile_maxbytes=10MB",
            "umask=077",
            f"pidfile={_escaped(str(home.folder / 'supervisord.pid'))}",
            f"childlogdir={_escaped(str(home.logs))}",
            "",
        ]
    )


def _program(home: Home, program: Program) -> str:
    command = " ".join(_quoted(part) for part in program.command)
    variables = dict(program.environment) | {MARKER: str(home.folder)}
    environment = ",".join(f"{name}={_quoted_value(name, value)}" for name, value in variables.items())
    return "\n".join(
        [
            f"[program:{program.name}]",
            f"command={command}",
            f"environment={environment}",
            f"priority={program.priority}",
            "autorestart=true",
            # A process that ends within a second is started again after 1, 2, 3 … seconds, without limit.
            "startsecs=1",
            "startretries=100000",
            f"stopsignal={program.stop_signal}",
            "stopwaitsecs=20",
            "stopasgroup=false",
            "killasgroup=true",
            "redirect_stderr=true",
            f"stdout_logfile={_escaped(str(home.logs / f'{program.name}.log'))}",
            "stdout_logfile_maxbytes=10MB",
            "stdout_logfile_backups=2",
            "",
        ]
    )


def _group(name: str, programs: list[Program]) -> str:
    members = [program for program in programs if program.group == name]
    names = ",".join(program.name for program in members)
    return f"[group:{name}]\nprograms={names}\npriority={members[0].priority}\n"


def _quoted_value(name: str, value: str) -> str:
    """The value of a variable in quotes; here supervisord knows both kinds of quotes, but no backslash."""
    quote = '"' if '"' not in value else "'"
    if quote in value or "\n" in value:
        raise SettingsError(
            f"{name} can't be passed to the functions: it contains both kinds of quotes, or a line break."
        )
    return f"{quote}{_escaped(value)}{quote}"


def _quoted(text: str) -> str:
    """A part of a command in double quotes; supervisord splits commands as a shell does, and expands %."""
    escaped = _escaped(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def last_lines(path: Path, number: int = 5) -> str:
    """The last lines of a log file; empty if there is none."""
    if not path.exists():
        return ""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-number:])
