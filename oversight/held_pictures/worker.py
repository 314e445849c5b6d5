"""The main program of the process that draws held files: it has no credentials, and forks for each file.

For each line on standard input it starts a child, which confines itself, reads the one file of its folder
and writes its pictures into the file `answers` there. Forking costs milliseconds; importing the decoders
costs a second. Files come from outside and decoders are native code, so nobody trusts a child, and a child
sees one file only.
"""

import os
import signal
import sys
from pathlib import Path

import orjson

from common.process.parent_process import end_with_parent
from common.settings import settings
from oversight.held_pictures.draw_file import FileDrawer

ANSWERS = "answers"


def main() -> None:
    """Draw a file for each request, until standard input ends."""
    end_with_parent(signal.SIGKILL)
    requests, ends = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no answer
    drawer = FileDrawer(settings())
    for line in requests:
        child = os.fork()
        if child == 0:
            _draw(drawer, line)
        _, status = os.waitpid(child, 0)
        ends.write(b"%d\n" % os.waitstatus_to_exitcode(status))


def _draw(drawer: FileDrawer, line: bytes) -> None:
    """The life of a child; it never returns."""
    code = 1
    try:
        end_with_parent(signal.SIGKILL)
        os.close(sys.stdin.fileno())  # the requests for other files
        request = orjson.loads(line)
        with (Path(request["folder"]) / ANSWERS).open("wb") as answers:
            drawer.draw(request, answers)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
