"""The sandbox in a running home: a decoder that was taken over reaches nothing of it."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance
from tests.support.taken_over import taken_over

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def test_a_running_extract_confines_its_processes(home: RunningHome) -> None:
    """After a file was drawn, the kernel says of each sandbox process that its filter is set."""
    home.put("incoming/sandbox/confined.dcm", make_instance(1, patient=931))
    assert "extracted" == home.settled("extract", "incoming/sandbox/confined.dcm")["outcome"]
    workers = home.sandbox_processes()
    assert workers
    for worker in workers:
        status = Path(f"/proc/{worker.pid}/status").read_text()
        assert "Seccomp:\t2" in status
        assert "NoNewPrivs:\t1" in status
    # Files of other tests may still be drawn in this home.
    assert wait_for(lambda: not home.originals_in_work(), seconds=60)


def test_a_taken_over_decoder_reaches_nothing_of_a_home(home: RunningHome, tmp_path: Path) -> None:
    """No secret, no folder of another file, no server, no function; then the next file is drawn."""
    (extract, *_) = home.processes("extract")
    servers = [urlsplit(home.endpoints["database_url"]), urlsplit(f"//{home.endpoints['minio']['endpoint']}")]
    servers += [urlsplit(url) for url in home.endpoints["functions"].values()]
    with taken_over(tmp_path) as sandbox:
        for name in ("secrets.json", "endpoints.json", "ports.json", "supervisord.conf"):
            assert "EACCES" == sandbox.attempt("read", str(home.folder / name))
        for folder in (
            home.folder,
            home.folder / "tmp",
            home.folder / "minio",
            Path(f"/proc/{extract.pid}/fd"),
        ):
            assert "EACCES" == sandbox.attempt("list_folder", str(folder))
        for name in ("environ", "mem", "maps"):
            assert "EACCES" == sandbox.attempt("read", f"/proc/{extract.pid}/{name}")
        for server in servers:
            assert "EPERM" == sandbox.attempt("connect", [server.hostname, server.port])
        for path in home.folder.rglob(".s.PGSQL.*[0-9]"):
            assert "EPERM" == sandbox.attempt("connect", str(path))
        sandbox.attempt("trace", extract.pid)
        sandbox.attempt("kill", extract.pid)
        assert sandbox.draws()
    assert home.is_up()


def test_doctor_says_which_protections_there_are(home: RunningHome) -> None:
    """One line for the sandbox, whatever else it finds."""
    lines = [line for line in home.run_cli("doctor").stdout.splitlines() if "  sandbox: " in line]
    assert ["ok     sandbox: files are read and drawn with Landlock"] == [line[:54] for line in lines]
