"""An archive of an image says nothing of the build."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from infra.image.archive import ImageArchive, forget_build

LAYER = b"files"


def _archive(path: Path, name: str) -> ImageArchive:
    """An archive as buildah writes it, with the names that one build gave its containers and steps."""
    config: dict[str, Any] = {
        "config": {"Hostname": name, "User": "65532:65532", "Labels": {"title": "x", "revision": "unknown"}},
        "container": name,
        "container_config": {"Hostname": name},
        "parent": f"sha256:{name}",
        "history": [{"created_by": "COPY / /", "comment": f"FROM {name}"}],
    }
    manifest = [{"Config": f"{name}.json", "RepoTags": [], "Layers": ["1.tar"]}]
    contents = {"1.tar": LAYER, f"{name}.json": config, "manifest.json": manifest}
    with tarfile.open(path, "w") as archive:
        for file, content in contents.items():
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            member = tarfile.TarInfo(file)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return ImageArchive(path)


def test_two_builds_of_the_same_files_are_one_archive(tmp_path: Path) -> None:
    """They differ in names of containers and steps, which are taken out; labels are set; the rest stays."""
    first, second = tmp_path / "first.tar", tmp_path / "second.tar"
    assert _archive(first, "aaaa").digest != _archive(second, "bbbb").digest
    for archive in (first, second):
        forget_build(archive, labels={"revision": "1"})
    assert first.read_bytes() == second.read_bytes()
    labels = {"title": "x", "revision": "1"}
    assert {"Hostname": "", "User": "65532:65532", "Labels": labels} == ImageArchive(first).config
    with tarfile.open(first) as opened:
        layer = opened.extractfile("1.tar")
        assert layer is not None
        assert LAYER == layer.read()
