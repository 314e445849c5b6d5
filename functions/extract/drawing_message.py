"""What extract and its drawing process say to each other: a JSON header and bytes behind it.

JSON and not pickle: the drawing process reads hostile files, and is not to be trusted more than they.
"""

import struct
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from common.dicom.image_file import Limits, NoPictureError
from common.errors import HoldError, PermanentError
from common.metadata_document import MetadataDocument
from functions.extract.png_frames import PngFrame
from functions.extract.prepared_instance import PreparedInstance, Rules

_LENGTHS = struct.Struct(">QQ")  # of the header and of what follows it
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
        "hold_burned_in_text": rules.hold_burned_in_text,
    }


def unpack_rules(header: dict[str, Any]) -> Rules:
    """And back."""
    key = bytes.fromhex(header["key"])
    return Rules(key, Limits(**header["limits"]), header["hold_burned_in_text"])


def pack_prepared(prepared: PreparedInstance) -> bytes:
    """A file's outputs; pictures that lie in files are named, the others follow the header."""
    in_memory = [frame.kept for frame in prepared.frames if isinstance(frame.kept, bytes)]
    header = {
        "content_digest": prepared.content_digest,
        "document": prepared.document.model_dump(mode="json"),
        "dicom": len(prepared.dicom),
        "frames": [_frame_header(frame) for frame in prepared.frames],
    }
    return pack(header, b"".join([prepared.dicom, *in_memory]))


def pack_error(error: Exception) -> bytes:
    """Why a file has no outputs; of a fault of ours only the class is told."""
    if isinstance(error, PermanentError | HoldError):
        kind = "hold" if isinstance(error, HoldError) else "permanent"
        return pack({"error": kind, "cause": str(error), "next_step": error.next_step})
    if isinstance(error, NoPictureError):
        return pack({"error": "no picture", "cause": str(error)})
    return pack({"error": type(error).__name__})


def unpack_prepared(message: Message, folder: Path) -> PreparedInstance:
    """The outputs, or the error that was met; files are only ever looked for in `folder`."""
    header, body = message
    if "error" in header:
        raise _error(header)
    offset = header["dicom"]
    frames = []
    for told in header["frames"]:
        kept: bytes | Path = (
            folder / Path(told["file"]).name if "file" in told else body[offset : offset + told["size"]]
        )
        offset += told.get("size", 0)
        values = {name: told[name] for name in ("number", "rows", "columns", "samples", "sha256")}
        frames.append(PngFrame(kept=kept, **values))
    return PreparedInstance(
        content_digest=header["content_digest"],
        dicom=body[: header["dicom"]],
        document=MetadataDocument.model_validate(header["document"]),
        frames=frames,
    )


def _frame_header(frame: PngFrame) -> dict[str, Any]:
    told: dict[str, Any] = {
        "number": frame.number,
        "rows": frame.rows,
        "columns": frame.columns,
        "samples": frame.samples,
        "sha256": frame.sha256,
    }
    where = {"size": len(frame.kept)} if isinstance(frame.kept, bytes) else {"file": frame.kept.name}
    return told | where


def _error(header: dict[str, Any]) -> Exception:
    kind = header["error"]
    if kind == "permanent":
        return PermanentError(header["cause"], header["next_step"])
    if kind == "hold":
        return HoldError(header["cause"], header["next_step"])
    if kind == "no picture":
        return NoPictureError(header["cause"])
    if kind == "MemoryError":
        return PermanentError(
            "The file needs more memory than DCM2SET_MEGABYTES_PER_FILE allows.",
            "Raise the setting if the file is right, then replay it.",
        )
    return DrawingFaultError(kind)
