"""An image as a file that `docker load` and `podman load` read, and what is in it."""

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import IO, Any


@dataclass(frozen=True)
class ImageArchive:
    """An image in the format docker-archive."""

    path: Path

    @cached_property
    def digest(self) -> str:
        """The digest of the configuration, which names every layer: ``sha256:…``."""
        return "sha256:" + str(self._manifest["Config"]).removesuffix(".json")

    @cached_property
    def config(self) -> dict[str, Any]:
        """The configuration of its containers, such as Env, Entrypoint, User, Labels and Healthcheck."""
        return dict(self._json(str(self._manifest["Config"]))["config"])

    def unpack(self, folder: Path) -> None:
        """Write its files to a new folder, owned by root if this process may do so."""
        folder.mkdir(parents=True)
        for layer in self._layers():
            with tarfile.open(fileobj=layer) as files:
                files.extractall(folder, filter=_extracted)  # noqa: S202 the filter checks each member

    @property
    def unpacked_bytes(self) -> int:
        """The sum of the sizes of its files."""
        total = 0
        for layer in self._layers():
            with tarfile.open(fileobj=layer) as files:
                total += sum(member.size for member in files if member.isfile())
        return total

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        return dict(self._json("manifest.json")[0])

    def _json(self, name: str) -> Any:
        with tarfile.open(self.path) as archive:
            return _read_json(archive, name)

    def _layers(self) -> Iterator[IO[bytes]]:
        with tarfile.open(self.path) as archive:
            for name in self._manifest["Layers"]:
                layer = archive.extractfile(name)
                assert layer is not None  # noqa: S101 it is a file
                yield layer


def forget_build(path: Path, *, labels: Mapping[str, str]) -> None:
    """Take out of an archive what two builds of the same files differ in, and set labels of the image.

    Left out are the names of the containers that the steps ran in, and the numbers of the images between
    them.
    """
    part = path.with_name(f"{path.name}.part")
    with tarfile.open(path) as archive, tarfile.open(part, "w") as written:
        (manifest,) = _read_json(archive, "manifest.json")
        config = _read_json(archive, manifest["Config"])
        for name in ("container", "container_config", "parent"):
            config.pop(name, None)
        config["config"]["Hostname"] = ""
        config["config"]["Labels"] |= labels
        for step in config["history"]:
            step.pop("comment", None)
        body = json.dumps(config, sort_keys=True).encode()
        manifest["Config"] = f"{hashlib.sha256(body).hexdigest()}.json"
        for name in manifest["Layers"]:
            written.addfile(archive.getmember(name), archive.extractfile(name))
        for name, content in {
            manifest["Config"]: body,
            "manifest.json": json.dumps([manifest]).encode(),
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            written.addfile(member, BytesIO(content))
    part.replace(path)


def _read_json(archive: tarfile.TarFile, name: str) -> Any:
    member = archive.extractfile(name)
    assert member is not None  # noqa: S101 it is a file
    return json.load(member)


def _extracted(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    """A member with the owner and the mode that it has in the image; links may be absolute in there."""
    if not os.path.normpath(member.name).startswith("..") and not Path(member.name).is_absolute():
        return member
    raise tarfile.OutsideDestinationError(member, folder)
