"""TCP ports of homes that start at the same time."""

from pathlib import Path

from infra.local.home import Home


def _home(folder: Path) -> Home:
    home = Home(folder)
    home.folder.mkdir()
    return home


def _all(home: Home) -> str:
    return (home.folder / "ports.json").read_text(encoding="utf-8")


def test_two_homes_never_take_the_same_ports(tmp_path: Path) -> None:
    """A home that wants the ports of another one gets others until that one has ended."""
    first, second = _home(tmp_path / "first"), _home(tmp_path / "second")
    with first.reserved_tcp_ports() as ports:
        (second.folder / "ports.json").write_text(_all(first), encoding="utf-8")
        with second.reserved_tcp_ports() as others:
            taken = {ports.minio, ports.postgres, *ports.functions.values()}
            assert not taken & {others.minio, others.postgres, *others.functions.values()}
    (second.folder / "ports.json").write_text(_all(first), encoding="utf-8")
    assert ports == second.tcp_ports()


def test_a_home_keeps_its_ports(tmp_path: Path) -> None:
    """Those of the last run are used again."""
    home = _home(tmp_path / "home")
    ports = home.tcp_ports()
    assert ports == home.tcp_ports()
    assert len({ports.minio, ports.postgres, *ports.functions.values()}) == 2 + len(ports.functions)
