"""What extract and its drawing process say to each other: a JSON header and bytes behind it.

JSON and not pickle: the drawing process reads hostile files, and is not to be trusted more than they.
"""

import os
import struct
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from common.errors import DependencyAwayError, HoldError, PermanentError, PipelineError, Subject
from common.metadata_document import MetadataDocument
from deidentification.pixels.device_rules import DeviceRule
from deidentification.profile import Profile
from functions.extract.output_space import Kept, Spooled
from functions.extract.png_frames import PngFrame
from functions.extract.prepared_instance import PreparedInstance, Rules
from imaging.frames.blanking import Rectangle
from imaging.frames.image_checks import Limits, NoPictureError
from imaging.rendering.picture_recipe import PictureRules

_LENGTHS = struct.Struct(">QQ")  # of the header and of what follows it
_FRAME_VALUES = ("number", "rows", "columns", "samples", "bits", "recipe")
Message = tuple[dict[str, Any], bytes]


class DrawingFaultError(Exception):
    """The drawing process met a fault of ours, not of the file."""


def pack(header: dict[str, Any], body: bytes = b"") -> bytes:
    """One message."""
    text = orjson.dumps(header)
    return _LENGTHS.pack(len(text), len(body)) + text + body


def unpack(read: Callable[[int], bytes]) -> Message:
    """One message; `read` gives exactly as many bytes as asked, or raises EOFError."""
    header_length, body_length = _LENGTHS.unpack(read(_LENGTHS.size))
    return orjson.loads(read(header_length)), read(body_length)


def pack_rules(rules: Rules) -> dict[str, Any]:
    """The first message's header."""
    return {
        "key": rules.pseudonym_key.hex(),
        "limits": asdict(rules.limits),
        "pictures": asdict(rules.pictures),
        "profile": asdict(rules.profile),
        "hold_burned_in_text": rules.hold_burned_in_text,
        "devices": [asdict(device) for device in rules.devices],
        "reads_released": rules.reads_released,
    }


def unpack_rules(header: dict[str, Any]) -> Rules:
    """And back."""
    key = bytes.fromhex(header["key"])
    pictures = PictureRules(**header["pictures"])
    profile = Profile(**header["profile"])
    devices = tuple(_device_rule(told) for told in header["devices"])
    return Rules(
        key,
        Limits(**header["limits"]),
        pictures,
        profile,
        header["hold_burned_in_text"],
        devices,
        header["reads_released"],
    )


def _device_rule(told: dict[str, Any]) -> DeviceRule:
    return DeviceRule(**told | {"blank": tuple(Rectangle(**rectangle) for rectangle in told["blank"])})


def pack_prepared(prepared: PreparedInstance) -> bytes:
    """A file's outputs; those that lie in files are named, the others follow the header."""
    kept = [prepared.dicom, *(frame.kept for frame in prepared.frames)]
    header = {
        "content_digest": prepared.content_digest,
        "document": prepared.document.model_dump(mode="json"),
        "dicom": _where(prepared.dicom),
        "frames": [
            {name: getattr(frame, name) for name in _FRAME_VALUES} | {"kept": _where(frame.kept)}
            for frame in prepared.frames
        ],
    }
    return pack(header, b"".join(output for output in kept if isinstance(output, bytes)))


def _where(kept: Kept) -> dict[str, Any]:
    if isinstance(kept, bytes):
        return {"size": len(kept)}
    if isinstance(kept, Spooled):
        return {"file": kept.path.name, "offset": kept.offset, "size": kept.size}
    return {"file": kept.name}


def pack_error(error: Exception) -> bytes:
    """Why a file has no outputs; of a fault of ours only the class is told."""
    if isinstance(error, PermanentError | HoldError):
        kind = "hold" if isinstance(error, HoldError) else "permanent"
        told = {"error": kind, "cause": str(error), "next_step": error.next_step}
        return pack(told | {"subject": asdict(error.subject)})
    if isinstance(error, NoPictureError):
        return pack({"error": "no picture", "cause": str(error), "subject": asdict(error.subject)})
    if isinstance(error, OSError) and error.errno is not None:
        return pack({"error": "machine", "cause": os.strerror(error.errno)})
    return pack({"error": type(error).__name__})


def unpack_prepared(message: Message, folder: Path) -> PreparedInstance:
    """The outputs, or the error that was met; files are only ever looked for in `folder`."""
    header, body = message
    if "error" in header:
        error = _error(header)
        if isinstance(error, PipelineError | NoPictureError):
            error.subject = Subject(**header.get("subject", {}))
        raise error
    outputs = _Outputs(memoryview(body), folder)
    dicom = outputs.next(header["dicom"])
    frames = [
        PngFrame(kept=outputs.next(told["kept"]), **{name: told[name] for name in _FRAME_VALUES})
        for told in header["frames"]
    ]
    document = MetadataDocument.model_validate(header["document"])
    return PreparedInstance(header["content_digest"], dicom, document, frames)


class _Outputs:
    """The outputs that follow a header, in their order."""

    def __init__(self, body: memoryview, folder: Path) -> None:
        self._body = body
        self._folder = folder

    def next(self, where: dict[str, Any]) -> Kept:
        if "file" in where:
            path = self._folder / Path(where["file"]).name
            return Spooled(path, where["offset"], where["size"]) if "offset" in where else path
        size = where["size"]
        output, self._body = bytes(self._body[:size]), self._body[size:]
        return output


def _error(header: dict[str, Any]) -> Exception:
    kind = header["error"]
    if kind == "permanent":
        return PermanentError(header["cause"], header["next_step"])
    if kind == "hold":
        return HoldError(header["cause"], header["next_step"])
    if kind == "no picture":
        return NoPictureError(header["cause"])
    if kind == "machine":
        return DependencyAwayError(f"The temporary folder can't be used ({header['cause']}); see TMPDIR.")
    if kind == "MemoryError":
        return PermanentError(
            "The file needs more memory than DCM2SET_MEGABYTES_PER_FILE allows.",
            "Raise the setting if the file is right, then replay it.",
        )
    return DrawingFaultError(kind)
