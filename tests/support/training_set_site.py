"""A database and a bucket of pictures for tests of training sets."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from click.testing import CliRunner

from common.errors import PipelineError
from common.store.minio_store import MinioStore
from infra.cli import cli
from tests.support.own_bucket import remove_bucket
from tests.support.set_pictures import put_pictures
from tests.support.set_rows import SetImage, add_images


@dataclass(frozen=True)
class Result:
    """What a command printed."""

    stdout: str
    stderr: str


@dataclass
class Site:
    """The folder, database and bucket that the commands use instead of a home's."""

    folder: Path
    url: str
    store: MinioStore
    bucket: str

    def add(self, images: list[SetImage]) -> list[SetImage]:
        """Add images with their rows and pictures."""
        known = put_pictures(self.store, images, self.bucket)
        self.add_rows(known)
        return known

    def add_rows(self, images: list[SetImage]) -> None:
        with psycopg.connect(self.url) as connection:
            add_images(connection, images)

    def run(self, *words: str, code: int = 0, any_label: bool = True, stated: bool = True) -> Result:
        """Run `dcm2set` on this site; it must end with exit code `code`.

        An export states why it has no licence, unless it has one, or `stated` is false.
        """
        home = [] if words[0] == "verify" else ["--home", str(self.folder)]
        more = ["--any-label"] if words[0] == "export" and any_label else []
        if (
            words[0] == "export"
            and stated
            and not {"--version", "--licence", "--without-statement"} & {*words}
        ):
            more += ["--without-statement", "a test"]
        return self.run_as_is(words[0], *home, *words[1:], *more, code=code)

    @staticmethod
    def run_as_is(*words: str, code: int = 0) -> Result:
        """Run `dcm2set` with these words; it must end with exit code `code`."""
        done = CliRunner().invoke(cli, list(words))
        stderr = done.stderr
        if isinstance(done.exception, PipelineError):  # infra.cli.main prints it like this
            stderr, done.exit_code = f"{stderr}dcm2set: {done.exception}\n", 2
        elif done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert code == done.exit_code, done.stdout + stderr
        return Result(done.stdout, stderr)

    def export(self, name: str, out: Path, *words: str, code: int = 0, stated: bool = True) -> dict[str, Any]:
        """Export a training set; returns what --json printed."""
        done = self.run("export", name, "--out", str(out), "--json", *words, code=code, stated=stated)
        return json.loads(done.stdout) if done.stdout else {}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()


@contextmanager
def own_site(endpoints: Mapping[str, Any], database_url: str, folder: Path) -> Iterator[Site]:
    """Give a site on a database, with an empty bucket that is removed afterwards."""
    own = {**endpoints, "database_url": database_url}
    (folder / "endpoints.json").write_text(json.dumps(own), encoding="utf-8")
    store = MinioStore(**endpoints["minio"])
    bucket = f"pictures-{secrets.token_hex(4)}"
    store.ensure_bucket(bucket)
    try:
        yield Site(folder, database_url, store, bucket)
    finally:
        remove_bucket(store, bucket)
