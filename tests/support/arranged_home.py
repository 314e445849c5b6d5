"""A home whose programs a test has arranged, as a process of its own."""

from pathlib import Path

from common.process.end_signal import ended_by_signal
from common.settings import load_settings
from infra.local.home import Home
from infra.local.runner import Arrange, running


def run_arranged(home: str, arrange: Arrange) -> None:
    """Run the home with the programs that `arrange` returns, until SIGINT or SIGTERM."""
    ended = ended_by_signal()
    with running(Home(Path(home)), load_settings(), print, arrange=arrange) as run:
        run.watch(ended)
